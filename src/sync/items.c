/* SPDX-License-Identifier: MIT */
/* items.c - what a queue keeps, in the order in which it comes out: items.h.
 * Here is what is too long to be inline. */
#include "sync/items.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/* ---- slots ---- */

/* The multiple keeps every slot aligned for whatever the items hold. */
int
acioi_items_add_stamps(acio_queue *queue)
{
    size_t align = _Alignof(max_align_t), bytes;
    if (__builtin_add_overflow(queue->item_bytes,
            sizeof queue->stamp + align - 1, &bytes))
        return -ENOMEM;
    queue->slot_bytes = bytes - bytes % align;
    return 0;
}

int
acioi_items_resize(acio_queue *queue, size_t room)
{
    size_t bytes;
    if (__builtin_mul_overflow(room, queue->slot_bytes, &bytes))
        return -ENOMEM;
    char *items = acioi_alloc_raw(bytes);
    if (!items)
        return -ENOMEM;
    size_t before_end = queue->room - queue->first;
    if (before_end > queue->count)
        before_end = queue->count;
    size_t head_bytes = before_end * queue->slot_bytes;
    if (before_end > 0)
        memcpy(items, acioi_items_slot(queue, queue->first), head_bytes);
    if (queue->count > before_end)
        memcpy(items + head_bytes, queue->items,
            queue->count * queue->slot_bytes - head_bytes);
    acioi_free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->first = 0;
    return 0;
}

/* ---- a heap ---- */

static uint64_t
stamp_of(const acio_queue *queue, const char *item)
{
    uint64_t stamp;
    memcpy(&stamp, item + queue->item_bytes, sizeof stamp);
    return stamp;
}

static bool
comes_before(const acio_queue *queue, const char *a, const char *b)
{
    int order = queue->compare(a, b);
    if (order != 0)
        return order < 0;
    return stamp_of(queue, a) < stamp_of(queue, b);
}

/* The hole rises from the end to where the item belongs. The item is the last
 * that came, so its stamp does not matter yet: it stays behind its equals. */
void
acioi_heap_put(acio_queue *queue, const void *item)
{
    size_t hole = queue->count++;
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (queue->compare(item, acioi_items_slot(queue, parent)) >= 0)
            break;
        memcpy(acioi_items_slot(queue, hole), acioi_items_slot(queue, parent),
            queue->slot_bytes);
        hole = parent;
    }
    char *there = acioi_items_slot(queue, hole);
    memcpy(there, item, queue->item_bytes);
    memcpy(there + queue->item_bytes, &queue->stamp, sizeof queue->stamp);
    queue->stamp++;
}

/* The hole sinks from the top to where the last item of the array belongs. */
void
acioi_heap_take(acio_queue *queue, void *item_out)
{
    if (item_out)
        memcpy(item_out, acioi_items_slot(queue, 0), queue->item_bytes);
    size_t count = --queue->count, hole = 0, child;
    const char *last = acioi_items_slot(queue, count);
    while ((child = 2 * hole + 1) < count) {
        if (child + 1 < count &&
            comes_before(queue, acioi_items_slot(queue, child + 1),
                acioi_items_slot(queue, child)))
            child++;
        if (!comes_before(queue, acioi_items_slot(queue, child), last))
            break;
        memcpy(acioi_items_slot(queue, hole), acioi_items_slot(queue, child),
            queue->slot_bytes);
        hole = child;
    }
    if (hole < count)
        memcpy(acioi_items_slot(queue, hole), last, queue->slot_bytes);
}
