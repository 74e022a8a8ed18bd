/* SPDX-License-Identifier: MIT */
/* items.h - what a queue keeps, in the order in which it comes out
 *
 * Idea.       One array of slots, used in one of three ways:
 *
 *                 first in, first out    a ring that starts at `first`
 *                 last in, first out     the same, taken from its end
 *                 by priority            a binary heap, the first at slot 0
 *
 * Order.      A heap alone would give equal items in any order. So each slot of
 *             it ends with a stamp, the number of the item among all that came.
 *
 * Speed.      The ring is inline: a call costs as much as to copy an item.
 *
 * Trust.      The user's comparison decides about order only: one that
 *             contradicts itself never makes an index leave the array.
 */
#ifndef ACIOI_ITEMS_H
#define ACIOI_ITEMS_H

#include <acio/queue.h>

#include <string.h>

enum { ACIOI_FIRST_ROOM = 16 };

/* Sets the slots' size to that of an item with a stamp; -ENOMEM where there is
 * no such size. */
int acioi_items_add_stamps(acio_queue *queue);

/* Moves the items to an array of `room` slots, which is no smaller. */
int acioi_items_resize(acio_queue *queue, size_t room);

/* Into a free slot, and out of a queue that is not empty. */
void acioi_heap_put(acio_queue *queue, const void *item);
void acioi_heap_take(acio_queue *queue, void *item_out);

static inline char *
acioi_items_slot(const acio_queue *queue, size_t index)
{
    return queue->items + index * queue->slot_bytes;
}

static inline char *
acioi_ring_place(const acio_queue *queue, size_t index)
{
    size_t at = queue->first + index;
    return acioi_items_slot(queue, at >= queue->room ? at - queue->room : at);
}

/* 0 with a free slot, or -ENOMEM. */
static inline int
acioi_items_make_room(acio_queue *queue)
{
    if (queue->count < queue->room)
        return 0;
    return acioi_items_resize(queue,
        queue->room ? queue->room * 2 : ACIOI_FIRST_ROOM);
}

/* Into a free slot. */
static inline void
acioi_items_put(acio_queue *queue, const void *item)
{
    if (queue->compare) {
        acioi_heap_put(queue, item);
        return;
    }
    memcpy(acioi_ring_place(queue, queue->count), item, queue->item_bytes);
    queue->count++;
}

/* Where there is an item; NULL drops it. */
static inline void
acioi_items_take(acio_queue *queue, void *item_out)
{
    if (queue->compare) {
        acioi_heap_take(queue, item_out);
        return;
    }
    size_t index = queue->lifo ? queue->count - 1 : 0;
    if (item_out)
        memcpy(item_out, acioi_ring_place(queue, index), queue->item_bytes);
    if (!queue->lifo)
        queue->first = queue->first + 1 == queue->room ? 0 : queue->first + 1;
    queue->count--;
}

#endif
