/* SPDX-License-Identifier: MIT */
/* heap.c - what is due first: an intrusive pairing heap (see heap.h) */
#include "heap.h"

#include <stddef.h>

static bool
comes_before(const struct acio_heap_node *a, const struct acio_heap_node *b)
{
    if (a->when_ns != b->when_ns)
        return a->when_ns < b->when_ns;
    return a->sequence < b->sequence;
}

/* Makes the later of two roots the first child of the earlier one. */
static struct acio_heap_node *
meld(struct acio_heap_node *a, struct acio_heap_node *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (comes_before(b, a)) {
        struct acio_heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    b->prev = a;
    a->child = b;
    a->next = NULL;
    return a;
}

/* Melds the siblings in pairs from left to right, then the pairs from right
 * to left; the list of pairs is threaded through `prev`. */
static struct acio_heap_node *
meld_siblings(struct acio_heap_node *first)
{
    struct acio_heap_node *pairs = NULL;
    while (first) {
        struct acio_heap_node *second = first->next;
        struct acio_heap_node *rest = second ? second->next : NULL;
        first->next = NULL;
        if (second)
            second->next = NULL;
        struct acio_heap_node *pair = meld(first, second);
        pair->prev = pairs;
        pairs = pair;
        first = rest;
    }
    struct acio_heap_node *root = NULL;
    while (pairs) {
        struct acio_heap_node *rest = pairs->prev;
        root = meld(root, pairs);
        pairs = rest;
    }
    return root;
}

static void
set_root(struct acioi_heap *heap, struct acio_heap_node *root)
{
    heap->root = root;
    if (root)
        root->prev = root;
}

void
acioi_heap_insert(struct acioi_heap *heap, struct acio_heap_node *node)
{
    node->child = node->next = NULL;
    set_root(heap, meld(heap->root, node));
}

static void
unlink_from_siblings(struct acio_heap_node *node)
{
    if (node->prev->child == node)
        node->prev->child = node->next;
    else
        node->prev->next = node->next;
    if (node->next)
        node->next->prev = node->prev;
}

void
acioi_heap_remove(struct acioi_heap *heap, struct acio_heap_node *node)
{
    if (!acioi_heap_contains(node))
        return;
    struct acio_heap_node *below = meld_siblings(node->child);
    if (node == heap->root) {
        set_root(heap, below);
    } else {
        unlink_from_siblings(node);
        if (below)
            set_root(heap, meld(heap->root, below));
    }
    node->child = node->next = node->prev = NULL;
}
