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
 * Trust.      The user's comparison decides about order only: one that
 *             contradicts itself never makes an index leave the array.
 */
#ifndef ACIOI_ITEMS_H
#define ACIOI_ITEMS_H

#include <acio/queue.h>

/* Sets the slots' size to that of an item with a stamp; -ENOMEM where there is
 * no such size. */
int acioi_items_add_stamps(acio_queue *queue);

/* Moves the items to an array of `room` slots, which is no smaller. */
int acioi_items_resize(acio_queue *queue, size_t room);

/* 0 with a free slot, or -ENOMEM. */
int acioi_items_make_room(acio_queue *queue);

/* Into a free slot. */
void acioi_items_put(acio_queue *queue, const void *item);

/* Where there is an item; NULL drops it. */
void acioi_items_take(acio_queue *queue, void *item_out);

#endif
