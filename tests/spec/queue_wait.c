/* SPDX-License-Identifier: MIT */
/* Queues: who waits, who is served, and what an interruption leaves. */
#include <pthread.h>

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
    note(err < 0 ? "%d! " : "%d ", a->item);
    return 0;
}

static void
put(acio_queue *queue, int item)
{
    EXPECT_ERR(acio_queue_put_nowait(queue, &item), 0);
}

static int
get(acio_queue *queue)
{
    int item = -1;
    EXPECT_ERR(acio_queue_get_nowait(queue, &item), 0);
    return item;
}

SPEC(queue, serves_those_who_get_in_order_of_coming)
{
    ACIO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    start(get_then_note, .queue = &queue, .who = 'b');
    settle();
    put(&queue, 1);
    put(&queue, 2);
    settle();
    EXPECT_NOTED("a=1 b=2 ");
}

SPEC(queue, serves_those_who_put_in_order_of_coming)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    start(put_then_note, .queue = &queue, .item = 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_EQ(get(&queue), 0);
    settle();
    EXPECT_NOTED("1 ");
    EXPECT_EQ(get(&queue), 1);
    EXPECT_EQ(get(&queue), 2);
    settle();
    EXPECT_NOTED("2 ");
}

SPEC(queue, lets_nobody_take_what_a_waiting_task_was_handed)
{
    int item;
    ACIO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    settle();
    put(&queue, 1);
    EXPECT(acio_queue_empty(&queue));
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), -ACIO_EQUEUEEMPTY);
    settle();
    EXPECT_NOTED("a=1 ");
}

SPEC(queue, lets_nobody_take_the_place_of_a_task_that_waits_to_put)
{
    int item = 9;
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_EQ(get(&queue), 1);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_EQUEUEFULL);
    EXPECT_EQ(get(&queue), 2);
    settle();
    EXPECT_NOTED("2 ");
}

struct drop_one_args {
    acio_queue *queue;
};

static int
drop_one(void *arg)
{
    struct drop_one_args *a = arg;
    return acio_queue_get(a->queue, NULL);
}

SPEC(queue, drops_also_for_a_task_that_waited)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *task = acio_create_task(drop_one, .queue = &queue);
    settle();
    put(&queue, 1);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT(acio_queue_empty(&queue));
}

SPEC(queue, names_what_its_waiting_tasks_wait_for)
{
    ACIO_QUEUE(queue, int, 1);
    acio_task *task = acio_create_task(drop_one, .queue = &queue);
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "queue.get");
    put(&queue, 1);
    EXPECT_ERR(acio_await(task), 0);
}

SPEC(queue, forgets_a_task_that_was_cancelled_while_it_waited_to_get)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *gone = acio_create_task(get_then_note, .queue = &queue,
        .who = 'a');
    start(get_then_note, .queue = &queue, .who = 'b');
    settle();
    acio_cancel(gone);
    put(&queue, 1);
    settle();
    EXPECT_NOTED("a! b=1 ");
    acio_await(gone);
}

SPEC(queue, forgets_the_item_of_a_task_that_was_cancelled_while_it_waited)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    acio_task *gone = acio_create_task(put_then_note, .queue = &queue,
        .item = 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    acio_cancel(gone);
    EXPECT_EQ(get(&queue), 0);
    EXPECT_EQ(get(&queue), 2);
    EXPECT(acio_queue_empty(&queue));
    settle();
    EXPECT_NOTED("1! 2 ");
    acio_await(gone);
}

SPEC(queue, gives_a_task_that_was_cancelled_after_its_turn_its_item)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *late = acio_create_task(get_then_note, .queue = &queue,
        .who = 'a');
    settle();
    put(&queue, 1);
    acio_cancel(late);
    settle();
    EXPECT_NOTED("a=1 ");
    acio_await(late);
}

SPEC(queue, keeps_the_item_of_a_task_that_was_cancelled_after_its_turn)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    acio_task *late = acio_create_task(put_then_note, .queue = &queue,
        .item = 1);
    settle();
    EXPECT_EQ(get(&queue), 0);
    acio_cancel(late);
    settle();
    EXPECT_NOTED("1 ");
    EXPECT_EQ(get(&queue), 1);
    acio_await(late);
}

SPEC_SIM(queue, waits_no_longer_than_its_callers_deadline)
{
    int item;
    ACIO_QUEUE(queue, int, 1);
    acio_timeout limit;
    acio_timeout_open(&limit, 0.5);
    EXPECT_ERR(acio_queue_get(&queue, &item), -ETIMEDOUT);
    EXPECT_ELAPSED(0.5);
    acio_timeout_close(&limit);
    put(&queue, 1);
    EXPECT_ERR(acio_queue_get(&queue, &item), 0);
}

SPEC(queue, takes_nothing_for_a_task_that_was_cancelled_before)
{
    int item = 9;
    ACIO_QUEUE(queue, int, 2);
    put(&queue, 1);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_queue_get(&queue, &item), -ECANCELED);
    EXPECT_ERR(acio_queue_put(&queue, &item), -ECANCELED);
    EXPECT_ERR(acio_queue_join(&queue), -ECANCELED);
    EXPECT_EQ(acio_queue_qsize(&queue), 1);
    acio_uncancel(acio_current_task());
    EXPECT_EQ(get(&queue), 1);
}

SPEC(queue, tells_those_who_wait_when_it_is_closed)
{
    acio_queue empty, full;
    EXPECT_ERR(acio_queue_init(&empty, sizeof(int), 1), 0);
    EXPECT_ERR(acio_queue_init(&full, sizeof(int), 1), 0);
    put(&full, 0);
    acio_task *getter = acio_create_task(drop_one, .queue = &empty);
    start(put_then_note, .queue = &full, .item = 1);
    settle();
    acio_queue_close(&empty);
    acio_queue_close(&full);
    EXPECT_ERR(acio_await(getter), -ACIO_ECLOSED);
    settle();
    EXPECT_NOTED("1! ");
}

/* ---- producers and consumers ---- */

enum { ITEMS = 300 };

struct produce_args {
    acio_queue *queue;
};

static int
produce(void *arg)
{
    struct produce_args *a = arg;
    int err = 0;
    for (int i = 0; i < ITEMS && err == 0; i++)
        err = acio_queue_put(a->queue, &i);
    return err;
}

static void
carry(size_t maxsize)
{
    ACIO_QUEUE(queue, int, maxsize);
    acio_task *producer = acio_create_task(produce, .queue = &queue);
    ACIO_TIMEOUT(limit, 5.0);
    int err = 0;
    for (int i = 0; i < ITEMS && err == 0; i++) {
        int item = -1;
        err = acio_queue_get(&queue, &item);
        EXPECT_EQ(item, i);
    }
    EXPECT_ERR(err, 0);
    EXPECT_ERR(acio_await(producer), 0);
    EXPECT(acio_queue_empty(&queue));
}

SPEC(queue, of_one_place_carries_everything_in_order)
{
    carry(1);
}

SPEC(queue, of_some_places_carries_everything_in_order)
{
    carry(7);
}

SPEC(queue, without_a_limit_carries_everything_in_order)
{
    carry(0);
}

struct put_for_ever_args {
    acio_queue *queue;
};

static int
put_some(void *arg)
{
    struct put_for_ever_args *a = arg;
    int err = 0;
    for (int i = 0; i < 50 && err == 0; i++)
        err = acio_queue_put(a->queue, &i);
    note("%zu ", acio_queue_qsize(a->queue));
    return err;
}

static int
note_size(void *arg)
{
    struct put_for_ever_args *a = arg;
    note("%zu ", acio_queue_qsize(a->queue));
    return 0;
}

struct put_some_args {
    acio_queue *queue;
};

struct note_size_args {
    acio_queue *queue;
};

SPEC(queue, lets_nobody_run_for_a_few_items_that_need_not_wait)
{
    ACIO_QUEUE(queue, int, 0);
    start(put_some, .queue = &queue);
    start(note_size, .queue = &queue);
    settle();
    EXPECT_NOTED("50 50 ");
}

static int
put_for_ever(void *arg)
{
    struct put_for_ever_args *a = arg;
    int err = 0;
    for (int i = 0; err == 0; i++)
        err = acio_queue_put(a->queue, &i);
    return err;
}

SPEC(queue, lets_others_run_even_if_it_never_makes_its_caller_wait)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *busy = acio_create_task(put_for_ever, .queue = &queue);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT(acio_queue_qsize(&queue) > 0);
    acio_cancel(busy);
    EXPECT_ERR(acio_await(busy), -ECANCELED);
}

/* ---- join ---- */

struct join_then_note_args {
    acio_queue *queue;
};

static int
join_then_note(void *arg)
{
    struct join_then_note_args *a = arg;
    int err = acio_queue_join(a->queue);
    note(err < 0 ? "not joined " : "joined ");
    return 0;
}

SPEC(queue, is_joined_when_each_item_was_dealt_with)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    put(&queue, 2);
    start(join_then_note, .queue = &queue);
    start(join_then_note, .queue = &queue);
    get(&queue);
    get(&queue);
    settle();
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("joined joined ");
}

SPEC(queue, is_joined_at_once_where_nothing_was_put)
{
    ACIO_QUEUE(queue, int, 0);
    EXPECT_ERR(acio_queue_join(&queue), 0);
}

SPEC(queue, counts_items_that_were_handed_over_for_join)
{
    ACIO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    settle();
    put(&queue, 1);
    settle();
    EXPECT_NOTED("a=1 ");
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("joined ");
}

SPEC(queue, counts_items_whose_putters_waited_for_join)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_EQ(get(&queue), 1);
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_NOTED("2 ");
    EXPECT_EQ(get(&queue), 2);
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("joined ");
}

SPEC(queue, refuses_more_done_items_than_were_put)
{
    ACIO_QUEUE(queue, int, 0);
    EXPECT_ERR(acio_queue_task_done(&queue), -EINVAL);
    put(&queue, 1);
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    EXPECT_ERR(acio_queue_task_done(&queue), -EINVAL);
}

/* ---- two loops ---- */

static int
use_from_another_loop(void *arg)
{
    struct produce_args *a = arg;
    int item = 1;
    EXPECT_ERR(acio_queue_put_nowait(a->queue, &item), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_queue_put(a->queue, &item), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_queue_get(a->queue, &item), -ACIO_EFOREIGN);
    return 0;
}

static void *
run_another_loop(void *queue)
{
    struct acio_run_options options = { .backend = "epoll" };
    struct acio_args args = { &queue, sizeof queue };
    acio_run_with(use_from_another_loop, args, &options);
    return NULL;
}

SPEC(queue, belongs_to_the_loop_of_the_first_that_waited)
{
    ACIO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    settle();
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, run_another_loop, &queue), 0);
    pthread_join(thread, NULL);
    put(&queue, 1);
    settle();
    EXPECT_NOTED("a=1 ");
}
