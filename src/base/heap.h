/* SPDX-License-Identifier: MIT */
/* heap.h - what is due first: an intrusive pairing heap
 *
 * Idea.       Nodes lie inside the timers, so arming one allocates nothing and
 *             cannot fail. Insert is O(1), taking the first or removing any is
 *             O(log n) amortised. Most timers never fire: removing a leaf, the
 *             usual cancel, is O(1).
 *
 * Order.      By time, then by `sequence`: nodes of equal time leave in the
 *             order in which they came.
 *
 * Invariant.  A node outside the heap has prev == NULL; the root's prev is
 *             the node itself. `prev` of a first child is its parent.
 */
#ifndef ACIOI_HEAP_H
#define ACIOI_HEAP_H

#include <stdbool.h>

#include <acio/types.h>

struct acioi_heap {
    struct acio_heap_node *root;
};

static inline struct acio_heap_node *
acioi_heap_first(const struct acioi_heap *heap)
{
    return heap->root;
}

static inline bool
acioi_heap_contains(const struct acio_heap_node *node)
{
    return node->prev != NULL;
}

/* Adds a node that is in no heap; key and sequence are already set. */
void acioi_heap_insert(struct acioi_heap *heap, struct acio_heap_node *node);

/* Removes a node; does nothing where it is in no heap. */
void acioi_heap_remove(struct acioi_heap *heap, struct acio_heap_node *node);

#endif
