/* SPDX-License-Identifier: MIT */
/* Queues: the mistakes that asyncio's queues made once, which are found again
 * by whoever writes a queue. The numbers are those of github.com/python/asyncio
 * (tulip) and of bugs.python.org (bpo). */
#include "acio_spec.h"

struct get_then_note_args {
    acio_queue *queue;
    char who;
};

static int
get_then_note(void *arg)
{
    struct get_then_note_args *a = arg;
    int item = 0;
    int err = acio_queue_get(a->queue, &item);
    if (err < 0)
        note("%c! ", a->who);
    else
        note("%c=%d ", a->who, item);
    return 0;
}

struct put_then_note_args {
    acio_queue *queue;
    int item;
};

static int
put_then_note(void *arg)
{
    struct put_then_note_args *a = arg;
    int err = acio_queue_put(a->queue, &a->item);
    note(err < 0 ? "%d! " : "%d put ", a->item);
    return 0;
}

static void
put(acio_queue *queue, int item)
{
    EXPECT_ERR(acio_queue_put_nowait(queue, &item), 0);
}

static void
note_all(acio_queue *queue)
{
    int item;
    while (acio_queue_get_nowait(queue, &item) == 0)
        note("%d ", item);
}

/* bpo-23812: the cancelled task had the item, and threw it away. */
SPEC(queue_history, an_item_outlives_the_cancel_of_who_was_to_get_it)
{
    ACIO_QUEUE(queue, int, 1);
    acio_task *late = acio_create_task(get_then_note, .queue = &queue,
        .who = 'a');
    settle();
    put(&queue, 1);
    acio_cancel(late);
    put(&queue, 2);
    settle();
    note_all(&queue);
    EXPECT_NOTED("a=1 2 ");
    acio_await(late);
}

/* The same, where others wait who could have had it. */
SPEC(queue_history, each_item_comes_out_once_however_many_are_cancelled)
{
    enum { READERS = 6 };
    acio_task *readers[READERS];
    ACIO_LIFO_QUEUE(queue, int, 0);
    for (int i = 0; i < READERS; i++)
        readers[i] = acio_create_task(get_then_note, .queue = &queue,
            .who = (char)('a' + i));
    settle();
    acio_cancel(readers[0]); /* before its turn */
    put(&queue, 1);
    acio_cancel(readers[1]); /* after */
    acio_cancel(readers[2]);
    put(&queue, 2);
    acio_cancel(readers[3]);
    acio_cancel(readers[4]);
    put(&queue, 3);
    put(&queue, 4);
    settle();
    note_all(&queue);
    EXPECT_NOTED("a! b=1 c! d=2 e! f=3 4 ");
    for (int i = 0; i < READERS; i++)
        acio_await(readers[i]);
}

/* ---- time limits ---- */

enum { ITEMS = 50 };

struct produce_slowly_args {
    acio_queue *queue;
};

static int
produce_slowly(void *arg)
{
    struct produce_slowly_args *a = arg;
    int err = 0;
    for (int i = 0; i < ITEMS && err == 0; i++) {
        err = acio_sleep(1);
        if (err == 0)
            err = acio_queue_put(a->queue, &i);
    }
    return err;
}

/* tulip 201 and 343: items went to those who had given up at that moment. */
SPEC_SIM(queue_history, no_item_is_lost_to_time_limits_of_the_same_moment)
{
    int wanted = 0;
    ACIO_QUEUE(queue, int, 0);
    acio_task *producer = acio_create_task(produce_slowly, .queue = &queue);
    for (int tries = 0; wanted < ITEMS && tries < 4 * ITEMS; tries++) {
        int item = -1;
        acio_timeout limit;
        acio_timeout_open(&limit, 0.5);
        int err = acio_queue_get(&queue, &item);
        acio_timeout_close(&limit);
        if (err == 0) {
            EXPECT_EQ(item, wanted);
            wanted++;
        }
    }
    EXPECT_EQ(wanted, ITEMS);
    EXPECT_ERR(acio_await(producer), 0);
}

static bool
nobody_waits(const acio_queue *queue)
{
    return queue->getters.next == &queue->getters &&
        queue->putters.next == &queue->putters;
}

/* bpo-31620 and bpo-32574: each left something behind in the queue. */
SPEC_SIM(queue_history, those_who_gave_up_leave_nothing_behind)
{
    int item = 1;
    ACIO_QUEUE(queue, int, 1);
    size_t before = spec_heap_live();
    for (int i = 0; i < 20; i++) {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_queue_get(&queue, &item), -ETIMEDOUT);
    }
    ALWAYS(nobody_waits(&queue));
    put(&queue, 1);
    for (int i = 0; i < 20; i++) {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_queue_put(&queue, &item), -ETIMEDOUT);
    }
    ALWAYS(nobody_waits(&queue));
    EXPECT_EQ(spec_heap_live(), before);
}

/* ---- those who put ---- */

/* tulip 265: the second get met a queue that was not full, but had putters. */
SPEC(queue_history, several_items_are_taken_in_one_go_while_many_wait_to_put)
{
    ACIO_QUEUE(queue, int, 2);
    for (int i = 0; i < 5; i++)
        start(put_then_note, .queue = &queue, .item = i);
    settle();
    EXPECT_NOTED("0 put 1 put ");
    note_all(&queue);
    EXPECT_NOTED("0 1 2 3 4 ");
    settle();
    EXPECT_NOTED("2 put 3 put 4 put ");
    ALWAYS(nobody_waits(&queue));
}

/* The other side of it: the second put met an empty queue with getters. */
SPEC(queue_history, several_items_are_put_in_one_go_while_many_wait_to_get)
{
    ACIO_QUEUE(queue, int, 1);
    for (int i = 0; i < 3; i++)
        start(get_then_note, .queue = &queue, .who = (char)('a' + i));
    settle();
    for (int i = 0; i < 4; i++)
        put(&queue, i);
    EXPECT(acio_queue_full(&queue));
    settle();
    note_all(&queue);
    EXPECT_NOTED("a=0 b=1 c=2 3 ");
}

/* tulip 269: the place went to a task that was cancelled before it ran, and
 * the next in line slept on beside a queue with room. */
SPEC(queue_history, a_place_is_used_though_its_task_was_cancelled)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    acio_task *first = acio_create_task(put_then_note, .queue = &queue,
        .item = 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_ERR(acio_queue_get_nowait(&queue, NULL), 0);
    acio_cancel(first);
    settle();
    EXPECT_NOTED("1 put ");
    EXPECT_ERR(acio_queue_get_nowait(&queue, NULL), 0);
    settle();
    EXPECT_NOTED("2 put ");
    note_all(&queue);
    EXPECT_NOTED("2 ");
    acio_await(first);
}

SPEC(queue_history, a_place_goes_to_the_next_where_a_task_was_cancelled_before)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    acio_task *first = acio_create_task(put_then_note, .queue = &queue,
        .item = 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    acio_cancel(first);
    EXPECT_ERR(acio_queue_get_nowait(&queue, NULL), 0);
    settle();
    EXPECT_NOTED("1! 2 put ");
    note_all(&queue);
    EXPECT_NOTED("2 ");
    acio_await(first);
}

struct produce_args {
    acio_queue *queue;
};

static int
produce(void *arg)
{
    struct produce_args *a = arg;
    int err = 0;
    for (int i = 0; i < 5 && err == 0; i++)
        err = acio_queue_put(a->queue, &i);
    return err;
}

/* tulip 268: with one place it failed, with three or four it hung. */
SPEC(queue_history, one_who_puts_and_one_who_gets_meet_in_any_small_queue)
{
    for (size_t maxsize = 1; maxsize <= 5; maxsize++) {
        ACIO_QUEUE(queue, int, maxsize);
        acio_task *producer = acio_create_task(produce, .queue = &queue);
        ACIO_TIMEOUT(limit, 5.0);
        int err = 0;
        for (int i = 0; i < 5 && err == 0; i++) {
            int item = -1;
            err = acio_queue_get(&queue, &item);
            EXPECT_EQ(item, i);
        }
        EXPECT_ERR(acio_await(producer), 0);
    }
}

/* ---- which loop ---- */

/* Before Python 3.10 it belonged to the loop that was there when it was made,
 * and not to the one that asyncio.run made later. */
static int
use_it(void *arg)
{
    struct produce_args *a = arg;
    int item = -1;
    acio_task *producer = acio_create_task(produce, .queue = a->queue);
    for (int i = 0; i < 5; i++) {
        EXPECT_ERR(acio_queue_get(a->queue, &item), 0);
        EXPECT_EQ(item, i);
    }
    return acio_await(producer);
}

TEST_SIM(queue_history, a_queue_may_be_made_before_the_loop)
{
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, sizeof(int), 1), 0);
    struct produce_args a = { &queue };
    struct acio_args args = { &a, sizeof a };
    EXPECT_ERR(spec_run(use_it, args, NULL), 0);
    acio_queue_close(&queue);
}
