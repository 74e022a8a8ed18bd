/* SPDX-License-Identifier: MIT */
/* Queues: tasks hand items to each other, in order (asyncio.Queue).
 *
 *     ACIO_QUEUE(queue, int, 10);     queue = asyncio.Queue(10)
 *     err = acio_queue_put(&queue, &item);
 *     err = acio_queue_get(&queue, &item);
 *
 * An item is copied in and out by its size. A queue of limited size makes who
 * puts into it wait while it is full. Who waits is served in order of coming,
 * and is handed his item (or place) at the moment it is there: nobody who
 * comes later can take it from him.
 *
 * What comes out first is the oldest item, of a LIFO queue the newest, and of
 * a priority queue the smallest. They differ in how they are made; everything
 * else holds for all three.
 */
#ifndef ACIO_QUEUE_H
#define ACIO_QUEUE_H

#include "task.h"

ACIO_BEGIN_DECLS

/* Which item comes out first, as for qsort(3): below 0 where it is `a`, above
 * 0 where it is `b`, 0 where it is the one that was put first. It does not
 * suspend, and does not use the queue. */
typedef int acio_compare(const void *a, const void *b);

typedef struct acio_queue {
    acio_loop *loop;       /* of those who wait; NULL: nobody has waited yet */
    acio_compare *compare; /* of a priority queue; NULL: another */
    bool lifo;             /* the newest item comes out first */
    char *items;           /* `room` slots: an item each, maybe stamped */
    size_t item_bytes, slot_bytes, room;
    size_t first, count; /* of what is in the slots */
    uint64_t stamp;      /* of the next item in a priority queue */
    size_t maxsize;      /* 0: no limit */
    size_t unfinished;   /* put, and no acio_queue_task_done yet */
    struct acio_link getters, putters, joiners; /* who waits, in order */
    bool open;
    bool shut; /* takes no more items */
    int error; /* why it could not be made */
} acio_queue;

/* A queue of items of a type, from here to the end of the block. One that
 * could not be made answers why when it is used. */
#define ACIO_QUEUE(name, type, maxsize)                                        \
    __attribute__((cleanup(acio_queue_close))) acio_queue name;                \
    acio_queue_init(&name, sizeof(type), maxsize)
#define ACIO_LIFO_QUEUE(name, type, maxsize)                                   \
    __attribute__((cleanup(acio_queue_close))) acio_queue name;                \
    acio_lifo_queue_init(&name, sizeof(type), maxsize)
#define ACIO_PRIORITY_QUEUE(name, type, maxsize, compare)                      \
    __attribute__((cleanup(acio_queue_close))) acio_queue name;                \
    acio_priority_queue_init(&name, sizeof(type), maxsize, compare)

/* Make a queue. One of limited size takes all its memory here, and none
 * later.
 *
 *   returns   0; -EINVAL for items of no size; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `queue`, also after an error; not to be moved
 *   thread    any; it belongs to the loop of the first that waits
 *   python    asyncio.Queue(maxsize)
 */
ACIO_EXPORT int acio_queue_init(acio_queue *queue, size_t item_bytes,
    size_t maxsize);

/* Make a queue whose newest item comes out first: a stack.
 *
 *   returns   0; -EINVAL for items of no size; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     as of acio_queue_init
 *   thread    any; it belongs to the loop of the first that waits
 *   python    asyncio.LifoQueue(maxsize)
 */
ACIO_EXPORT int acio_lifo_queue_init(acio_queue *queue, size_t item_bytes,
    size_t maxsize);

/* Make a queue whose smallest item comes out first; of equal ones, the one
 * that was put first.
 *
 *   returns   0; -EINVAL for items of no size, or without `compare`; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     as of acio_queue_init
 *   thread    any; it belongs to the loop of the first that waits
 *   python    asyncio.PriorityQueue(maxsize)
 */
ACIO_EXPORT int acio_priority_queue_init(acio_queue *queue, size_t item_bytes,
    size_t maxsize, acio_compare *compare);

/* End the queue, drop the items in it, and tell those who wait that it is
 * closed. Closing twice does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the memory is the caller's again
 *   thread    the loop's
 *   python    dropping the last reference to a queue
 */
ACIO_EXPORT void acio_queue_close(acio_queue *queue);

/* Put a copy of `*item` in; wait for a place where the queue is full.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ENOMEM where it has no limit;
 *             -ACIO_EQUEUESHUTDOWN, -ACIO_ECLOSED; -ACIO_ENOTASK,
 *             -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the item was not put
 *   owner     `item` is borrowed until the call returns
 *   thread    the loop's
 *   python    Queue.put()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_queue_put(acio_queue *queue,
    const void *item);

/* Take the first item out; wait for one where the queue is empty.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_EQUEUESHUTDOWN where it is
 *             empty, -ACIO_ECLOSED; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: no item was taken
 *   owner     `item_out` is the caller's; NULL drops the item
 *   thread    the loop's
 *   python    Queue.get()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_queue_get(acio_queue *queue, void *item_out);

/* Put a copy of `*item` in, if there is a place.
 *
 *   returns   0; -ACIO_EQUEUEFULL; -ENOMEM where it has no limit;
 *             -ACIO_EQUEUESHUTDOWN, -ACIO_ECLOSED; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     `item` is borrowed for the call
 *   thread    the loop's
 *   python    Queue.put_nowait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_queue_put_nowait(acio_queue *queue,
    const void *item);

/* Take the first item out, if there is one.
 *
 *   returns   0; -ACIO_EQUEUEEMPTY, or -ACIO_EQUEUESHUTDOWN in its place;
 *             -ACIO_ECLOSED; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     `item_out` is the caller's; NULL drops the item
 *   thread    the loop's
 *   python    Queue.get_nowait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_queue_get_nowait(acio_queue *queue,
    void *item_out);

/* How many items are in the queue. One that was handed to a waiting task is
 * not, even if the task has not run yet.
 *
 *   returns   the number
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Queue.qsize()
 */
ACIO_EXPORT size_t acio_queue_qsize(const acio_queue *queue);

/* Is there no item in it?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Queue.empty()
 */
ACIO_EXPORT bool acio_queue_empty(const acio_queue *queue);

/* Is there no place in it?
 *
 *   returns   true or false; false without a limit
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Queue.full()
 */
ACIO_EXPORT bool acio_queue_full(const acio_queue *queue);

/* Say that an item that was taken out has been dealt with.
 *
 *   returns   0; -EINVAL where that was said of all items; -ACIO_ECLOSED
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Queue.task_done()
 */
ACIO_EXPORT int acio_queue_task_done(acio_queue *queue);

/* Wait until acio_queue_task_done was said of every item ever put.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ECLOSED; -ACIO_ENOTASK,
 *             -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean
 *   owner     -
 *   thread    the loop's
 *   python    Queue.join()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_queue_join(acio_queue *queue);

/* Take no more items: who puts is answered -ACIO_EQUEUESHUTDOWN, and so is who
 * waits to. The items that are in can still be taken out; when there are none,
 * who gets is answered the same. `immediate` drops them, as if each had been
 * taken out and dealt with: acio_queue_join goes on to wait for those only that
 * were taken out before. A second call can be the immediate one.
 *
 *   returns   0; -ACIO_ECLOSED; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     the caller still closes `queue`
 *   thread    the loop's
 *   python    Queue.shutdown(immediate)
 */
ACIO_EXPORT int acio_queue_shutdown(acio_queue *queue, bool immediate);

ACIO_END_DECLS

#endif
