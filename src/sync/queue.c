/* SPDX-License-Identifier: MIT */
/* queue.c - tasks hand items to each other, in order (asyncio.Queue)
 *
 * Idea.       A ring of items, and three lines of tasks that wait: to get, to
 *             put, and for all to be done. A task waits with its own handle in
 *             the line and a pointer to where its item goes or comes from, so
 *             waiting allocates nothing.
 *
 *             Who brings an item hands it to the first who waits for one, and
 *             who makes room moves the item of the first who waits for it into
 *             the ring: a task that is woken has nothing left to do, and
 *             nobody can come before it.
 *
 * Invariants. While somebody waits to get, the ring is empty; while somebody
 *             waits to put, it is full. So the oldest item is always either in
 *             the ring, or there is none.
 *
 * Cancel.     A task that is interrupted has left its line at that moment; one
 *             that was served before keeps what it got (task.h, Rule).
 *
 * Other orders (by priority, last in first out) are other bodies of push and
 * pop.
 */
#include <acio/queue.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "task/task.h"

enum { FIRST_ROOM = 16 };

/* ---- the ring ---- */

static char *
place(const acio_queue *queue, size_t index)
{
    size_t at = queue->first + index;
    if (at >= queue->room)
        at -= queue->room;
    return queue->items + at * queue->item_bytes;
}

/* Into a ring that has room. */
static void
push(acio_queue *queue, const void *item)
{
    memcpy(place(queue, queue->count), item, queue->item_bytes);
    queue->count++;
}

/* Out of a ring that is not empty. */
static void
pop(acio_queue *queue, void *item_out)
{
    if (item_out)
        memcpy(item_out, place(queue, 0), queue->item_bytes);
    queue->first = queue->first + 1 == queue->room ? 0 : queue->first + 1;
    queue->count--;
}

/* Moves the items to a ring of `room`, the oldest to its beginning. */
static int
resize(acio_queue *queue, size_t room)
{
    size_t bytes;
    if (__builtin_mul_overflow(room, queue->item_bytes, &bytes))
        return -ENOMEM;
    char *items = acioi_alloc_raw(bytes);
    if (!items)
        return -ENOMEM;
    size_t before_end = queue->room - queue->first;
    if (before_end > queue->count)
        before_end = queue->count;
    size_t head_bytes = before_end * queue->item_bytes;
    if (before_end > 0)
        memcpy(items, place(queue, 0), head_bytes);
    if (queue->count > before_end)
        memcpy(items + head_bytes, queue->items,
            queue->count * queue->item_bytes - head_bytes);
    acioi_free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->first = 0;
    return 0;
}

static int
make_room(acio_queue *queue)
{
    if (queue->count < queue->room)
        return 0;
    return resize(queue, queue->room ? queue->room * 2 : FIRST_ROOM);
}

/* ---- life ---- */

int
acio_queue_init(acio_queue *queue, size_t item_bytes, size_t maxsize)
{
    *queue = (acio_queue){ .item_bytes = item_bytes, .maxsize = maxsize };
    acioi_list_init(&queue->getters);
    acioi_list_init(&queue->putters);
    acioi_list_init(&queue->joiners);
    if (item_bytes == 0)
        queue->error = -EINVAL;
    else if (maxsize > 0)
        queue->error = resize(queue, maxsize);
    queue->open = queue->error == 0;
    return queue->error;
}

static void
turn_away(struct acio_link *line)
{
    struct acio_link *link;
    while ((link = acioi_list_first(line))) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        acioi_interrupt_wake(handle->arg, -ACIO_ECLOSED);
    }
}

void
acio_queue_close(acio_queue *queue)
{
    if (!queue->open)
        return;
    queue->open = false;
    turn_away(&queue->getters);
    turn_away(&queue->putters);
    turn_away(&queue->joiners);
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
    struct acioi_task *getter = acioi_wake_first(&queue->getters);
    if (getter && getter->interrupted_thing) {
        memcpy(getter->interrupted_thing, item, queue->item_bytes);
    } else if (!getter) {
        int err = make_room(queue);
        if (err < 0)
            return err;
        push(queue, item);
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
    return acio_queue_full(queue) ? -ACIO_EQUEUEFULL : put(queue, item);
}

int
acio_queue_put(acio_queue *queue, const void *item)
{
    int err = check_to_wait(queue);
    if (err < 0)
        return err;
    if (acio_queue_full(queue))
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

/* Takes the oldest item, and lets the first who waits for room have it. */
static void
get(acio_queue *queue, void *item_out)
{
    pop(queue, item_out);
    struct acioi_task *putter = acioi_wake_first(&queue->putters);
    if (!putter)
        return;
    push(queue, putter->interrupted_thing);
    queue->unfinished++;
}

int
acio_queue_get_nowait(acio_queue *queue, void *item_out)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    if (acio_queue_empty(queue))
        return -ACIO_EQUEUEEMPTY;
    get(queue, item_out);
    return 0;
}

int
acio_queue_get(acio_queue *queue, void *item_out)
{
    int err = check_to_wait(queue);
    if (err < 0)
        return err;
    if (acio_queue_empty(queue))
        return wait_in(queue, &queue->getters, item_out, "queue.get");
    get(queue, item_out);
    return without_waiting(0);
}

/* ---- all done ---- */

int
acio_queue_task_done(acio_queue *queue)
{
    int err = check_queue(queue);
    if (err < 0)
        return err;
    if (queue->unfinished == 0)
        return -EINVAL;
    queue->unfinished--;
    while (queue->unfinished == 0 && acioi_wake_first(&queue->joiners)) {
        /* all of them */
    }
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
