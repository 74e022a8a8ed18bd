/* SPDX-License-Identifier: MIT */
/* queue.c - tasks hand items to each other, in order (asyncio.Queue)
 *
 * Idea.       Items (items.h), and three lines of tasks that wait: to get, to
 *             put, and for all to be done. A task waits with its own handle in
 *             the line and a pointer to where its item goes or comes from, so
 *             waiting allocates nothing.
 *
 *             Who brings an item hands it to the first who waits for one, and
 *             who makes room moves the item of the first who waits for it in: a
 *             task that is woken has nothing left to do, and nobody can come
 *             before it.
 *
 * Invariants. While somebody waits to get, there are no items; while somebody
 *             waits to put, there is no room. So nobody is handed an item
 *             while the queue keeps one that comes out before it.
 *
 * Cancel.     A task that is interrupted has left its line at that moment; one
 *             that was served before keeps what it got (task.h, Rule).
 */
#include <acio/queue.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "sync/items.h"
#include "task/task.h"

/* ---- life ---- */

/* The rest, for all kinds. */
static int
open_queue(acio_queue *queue, size_t maxsize)
{
    queue->maxsize = maxsize;
    acioi_list_init(&queue->getters);
    acioi_list_init(&queue->putters);
    acioi_list_init(&queue->joiners);
    if (queue->item_bytes == 0)
        queue->error = -EINVAL;
    else if (maxsize > 0 && queue->error == 0)
        queue->error = acioi_items_resize(queue, maxsize);
    queue->open = queue->error == 0;
    return queue->error;
}

int
acio_queue_init(acio_queue *queue, size_t item_bytes, size_t maxsize)
{
    *queue = (acio_queue){
        .item_bytes = item_bytes,
        .slot_bytes = item_bytes,
    };
    return open_queue(queue, maxsize);
}

int
acio_lifo_queue_init(acio_queue *queue, size_t item_bytes, size_t maxsize)
{
    *queue = (acio_queue){
        .item_bytes = item_bytes,
        .slot_bytes = item_bytes,
        .lifo = true,
    };
    return open_queue(queue, maxsize);
}

int
acio_priority_queue_init(acio_queue *queue, size_t item_bytes, size_t maxsize,
    acio_compare *compare)
{
    *queue = (acio_queue){ .item_bytes = item_bytes, .compare = compare };
    queue->error = compare ? acioi_items_add_stamps(queue) : -EINVAL;
    return open_queue(queue, maxsize);
}

static void
turn_away(struct acio_link *line, int reason)
{
    struct acio_link *link;
    while ((link = acioi_list_first(line))) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        acioi_interrupt_wake(handle->arg, reason);
    }
}

void
acio_queue_close(acio_queue *queue)
{
    if (!queue->open)
        return;
    queue->open = false;
    turn_away(&queue->getters, -ACIO_ECLOSED);
    turn_away(&queue->putters, -ACIO_ECLOSED);
    turn_away(&queue->joiners, -ACIO_ECLOSED);
    acioi_free(queue->items);
    queue->items = NULL;
    queue->room = queue->count = 0;
}

/* ---- waiting ---- */

/* 0, or why the queue cannot be used here. */
static int
check_queue(const acio_queue *queue)
{
    if (!queue->open)
        return queue->error ? queue->error : -ACIO_ECLOSED;
    if (queue->loop && queue->loop != acioi_running_loop)
        return -ACIO_EFOREIGN;
    return 0;
}

/* The same for who may wait: also the reason of a pending interruption. */
static int
check_to_wait(const acio_queue *queue)
{
    struct acioi_task *self = acioi_current();
    int err = check_queue(queue);
    if (err < 0)
        return err;
    if (!self)
        return acioi_no_task("a wait for a queue");
    int reason = acioi_check(self);
    return reason ? acioi_spend(self, reason) : 0;
}

static int
without_waiting(int answer)
{
    return acioi_spend(acioi_current(), answer);
}

static int
wait_in(acio_queue *queue, struct acio_link *line, const void *item,
    const char *what)
{
    struct acioi_task *self = acioi_current();
    queue->loop = self->runtime->loop;
    self->interrupted_thing = (void *)item;
    acioi_list_push_back(line, &self->handle.link);
    return acioi_park_with(self, acioi_interrupt_wake, what, queue);
}

/* ---- putting ---- */

bool
acio_queue_full(const acio_queue *queue)
{
    return queue->maxsize > 0 && queue->count >= queue->maxsize;
}

/* Hands the item to the first who waits for one, or keeps it. */
static int
put(acio_queue *queue, const void *item)
{
    if (queue->shut)
        return -ACIO_EQUEUESHUTDOWN;
    struct acioi_task *getter = acioi_wake_first(&queue->getters);
    if (getter && getter->interrupted_thing) {
        memcpy(getter->interrupted_thing, item, queue->item_bytes);
    } else if (!getter) {
        int err = acioi_items_make_room(queue);
        if (err < 0)
            return err;
        acioi_items_put(queue, item);
    }
    queue->unfinished++;
    return 0;
}

int
acio_queue_put_nowait(acio_queue *queue, const void *item)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    bool full = acio_queue_full(queue) && !queue->shut;
    return full ? -ACIO_EQUEUEFULL : put(queue, item);
}

int
acio_queue_put(acio_queue *queue, const void *item)
{
    int err = check_to_wait(queue);
    if (err < 0)
        return err;
    if (acio_queue_full(queue) && !queue->shut)
        return wait_in(queue, &queue->putters, item, "queue.put");
    return without_waiting(put(queue, item));
}

/* ---- getting ---- */

bool
acio_queue_empty(const acio_queue *queue)
{
    return queue->count == 0;
}

size_t
acio_queue_qsize(const acio_queue *queue)
{
    return queue->count;
}

/* Takes the first item, and lets the first who waits for room have it. */
static void
get(acio_queue *queue, void *item_out)
{
    acioi_items_take(queue, item_out);
    struct acioi_task *putter = acioi_wake_first(&queue->putters);
    if (!putter)
        return;
    acioi_items_put(queue, putter->interrupted_thing);
    queue->unfinished++;
}

int
acio_queue_get_nowait(acio_queue *queue, void *item_out)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    if (acio_queue_empty(queue))
        return queue->shut ? -ACIO_EQUEUESHUTDOWN : -ACIO_EQUEUEEMPTY;
    get(queue, item_out);
    return 0;
}

int
acio_queue_get(acio_queue *queue, void *item_out)
{
    int err = check_to_wait(queue);
    if (err < 0)
        return err;
    if (acio_queue_empty(queue) && queue->shut)
        return without_waiting(-ACIO_EQUEUESHUTDOWN);
    if (acio_queue_empty(queue))
        return wait_in(queue, &queue->getters, item_out, "queue.get");
    get(queue, item_out);
    return without_waiting(0);
}

/* ---- all done ---- */

static void
finish_items(acio_queue *queue, size_t count)
{
    queue->unfinished -= count;
    while (queue->unfinished == 0 && acioi_wake_first(&queue->joiners)) {
        /* all of them */
    }
}

int
acio_queue_task_done(acio_queue *queue)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    if (queue->unfinished == 0)
        return -EINVAL;
    finish_items(queue, 1);
    return 0;
}

int
acio_queue_join(acio_queue *queue)
{
    int err = check_to_wait(queue);
    if (err < 0)
        return err;
    if (queue->unfinished == 0)
        return without_waiting(0);
    return wait_in(queue, &queue->joiners, NULL, "queue.join");
}

/* ---- the last item has been put ---- */

/* What is in was not taken out, so it is among what is unfinished, unless
 * acio_queue_task_done was said too often. */
static void
drop_items(acio_queue *queue)
{
    size_t count = queue->count;
    queue->count = 0;
    finish_items(queue, count < queue->unfinished ? count : queue->unfinished);
}

int
acio_queue_shutdown(acio_queue *queue, bool immediate)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    queue->shut = true;
    if (immediate)
        drop_items(queue);
    turn_away(&queue->getters, -ACIO_EQUEUESHUTDOWN);
    turn_away(&queue->putters, -ACIO_EQUEUESHUTDOWN);
    return 0;
}
