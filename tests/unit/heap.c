/* SPDX-License-Identifier: MIT */
/* What the heap of timers promises: order, and removal of anyone. */
#include "base/heap.h"

#include <stdlib.h>

#include "spec.h"

enum { MANY = 1000 };

struct crowd {
    struct acioi_heap heap;
    struct acio_heap_node nodes[MANY];
    uint64_t sequence;
    uint64_t random;
};

/* xorshift64: the same numbers in every run. */
static uint64_t
next_random(struct crowd *crowd)
{
    crowd->random ^= crowd->random << 13;
    crowd->random ^= crowd->random >> 7;
    crowd->random ^= crowd->random << 17;
    return crowd->random;
}

static void
insert(struct crowd *crowd, int i, int64_t when_ns)
{
    crowd->nodes[i].when_ns = when_ns;
    crowd->nodes[i].sequence = crowd->sequence++;
    acioi_heap_insert(&crowd->heap, &crowd->nodes[i]);
}

static struct acio_heap_node *
pop(struct crowd *crowd)
{
    struct acio_heap_node *first = acioi_heap_first(&crowd->heap);
    if (first)
        acioi_heap_remove(&crowd->heap, first);
    return first;
}

static bool
is_after(const struct acio_heap_node *a, const struct acio_heap_node *b)
{
    if (a->when_ns != b->when_ns)
        return a->when_ns > b->when_ns;
    return a->sequence > b->sequence;
}

/* Empties the heap; every node comes after the one before it. */
static int
pop_all_in_order(struct crowd *crowd)
{
    int count = 0;
    struct acio_heap_node *last = NULL, *node;
    while ((node = pop(crowd))) {
        REQUIRE(!last || is_after(node, last));
        last = node;
        count++;
    }
    return count;
}

static struct crowd *
new_crowd(void)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    REQUIRE(crowd != NULL);
    crowd->random = 88172645463325252u;
    return crowd;
}

TEST(heap, is_empty_at_first)
{
    struct acioi_heap heap = { 0 };
    EXPECT(acioi_heap_first(&heap) == NULL);
}

TEST(heap, gives_the_earliest_first)
{
    struct crowd *crowd = new_crowd();
    insert(crowd, 0, 30);
    insert(crowd, 1, 10);
    insert(crowd, 2, 20);
    EXPECT(pop(crowd) == &crowd->nodes[1]);
    EXPECT(pop(crowd) == &crowd->nodes[2]);
    EXPECT(pop(crowd) == &crowd->nodes[0]);
    EXPECT(pop(crowd) == NULL);
    free(crowd);
}

TEST(heap, gives_equal_times_in_order_of_arrival)
{
    struct crowd *crowd = new_crowd();
    for (int i = 0; i < MANY; i++)
        insert(crowd, i, 7);
    for (int i = 0; i < MANY; i++)
        REQUIRE(pop(crowd) == &crowd->nodes[i]);
    free(crowd);
}

TEST(heap, sorts_any_order)
{
    struct crowd *crowd = new_crowd();
    for (int i = 0; i < MANY; i++)
        insert(crowd, i, (int64_t)(next_random(crowd) % 100));
    EXPECT_EQ(pop_all_in_order(crowd), MANY);
    free(crowd);
}

TEST(heap, knows_who_is_in_it)
{
    struct crowd *crowd = new_crowd();
    EXPECT(!acioi_heap_contains(&crowd->nodes[0]));
    insert(crowd, 0, 1);
    insert(crowd, 1, 2);
    EXPECT(acioi_heap_contains(&crowd->nodes[0]));
    EXPECT(acioi_heap_contains(&crowd->nodes[1]));
    acioi_heap_remove(&crowd->heap, &crowd->nodes[0]);
    EXPECT(!acioi_heap_contains(&crowd->nodes[0]));
    EXPECT(acioi_heap_contains(&crowd->nodes[1]));
    free(crowd);
}

TEST(heap, ignores_the_removal_of_who_is_not_in_it)
{
    struct crowd *crowd = new_crowd();
    insert(crowd, 0, 1);
    acioi_heap_remove(&crowd->heap, &crowd->nodes[1]);
    EXPECT(acioi_heap_first(&crowd->heap) == &crowd->nodes[0]);
    free(crowd);
}

TEST(heap, keeps_its_order_under_removals_from_anywhere)
{
    struct crowd *crowd = new_crowd();
    int inside = 0;
    for (int step = 0; step < 20 * MANY; step++) {
        int i = (int)(next_random(crowd) % MANY);
        struct acio_heap_node *node = &crowd->nodes[i];
        if (acioi_heap_contains(node)) {
            acioi_heap_remove(&crowd->heap, node);
            inside--;
        } else {
            insert(crowd, i, (int64_t)(next_random(crowd) % 500));
            inside++;
        }
    }
    EXPECT_EQ(pop_all_in_order(crowd), inside);
    free(crowd);
}
