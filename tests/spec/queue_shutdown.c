/* SPDX-License-Identifier: MIT */
/* Queues that are shut down: at once, or when what is in has been taken out. */
#include "acio_spec.h"

struct get_then_note_args {
    acio_queue *queue;
    char who;
};

static void
note_answer(int err, const char *done)
{
    if (err == -ACIO_EQUEUESHUTDOWN)
        note("shut ");
    else
        note(err < 0 ? "error " : "%s ", done);
}

static int
get_then_note(void *arg)
{
    struct get_then_note_args *a = arg;
    int item = 0;
    int err = acio_queue_get(a->queue, &item);
    note("%c: ", a->who);
    note_answer(err, "got");
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
    note("%d: ", a->item);
    note_answer(err, "put");
    return 0;
}

struct join_then_note_args {
    acio_queue *queue;
};

static int
join_then_note(void *arg)
{
    struct join_then_note_args *a = arg;
    int err = acio_queue_join(a->queue);
    note_answer(err, "joined");
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

static void
expect_shut_and_empty(acio_queue *queue)
{
    int item = 1;
    EXPECT(acio_queue_empty(queue));
    EXPECT_ERR(acio_queue_put(queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_ERR(acio_queue_put_nowait(queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_ERR(acio_queue_get(queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_ERR(acio_queue_get_nowait(queue, &item), -ACIO_EQUEUESHUTDOWN);
}

SPEC(queue_shutdown, of_an_empty_queue_lets_nothing_in_or_out)
{
    ACIO_QUEUE(queue, int, 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    expect_shut_and_empty(&queue);
}

SPEC(queue_shutdown, leaves_the_items_that_are_in)
{
    int item = 9;
    ACIO_QUEUE(queue, int, 3);
    put(&queue, 1);
    put(&queue, 2);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_EQ(acio_queue_qsize(&queue), 2);
    EXPECT_EQ(get(&queue), 1);
    EXPECT_ERR(acio_queue_get(&queue, &item), 0);
    EXPECT_EQ(item, 2);
    expect_shut_and_empty(&queue);
}

SPEC(queue_shutdown, is_what_a_full_queue_answers_and_not_that_it_is_full)
{
    int item = 9;
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 1);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    EXPECT(acio_queue_full(&queue));
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_ERR(acio_queue_put(&queue, &item), -ACIO_EQUEUESHUTDOWN);
    EXPECT_EQ(get(&queue), 1);
}

SPEC(queue_shutdown, tells_all_who_wait_to_get)
{
    ACIO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    start(get_then_note, .queue = &queue, .who = 'b');
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    settle();
    EXPECT_NOTED("a: shut b: shut ");
}

SPEC(queue_shutdown, tells_all_who_wait_to_put_and_keeps_their_items_out)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    start(put_then_note, .queue = &queue, .item = 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    EXPECT_EQ(get(&queue), 0);
    expect_shut_and_empty(&queue);
    settle();
    EXPECT_NOTED("1: shut 2: shut ");
}

SPEC(queue_shutdown, takes_nothing_from_who_has_been_served)
{
    ACIO_QUEUE(queue, int, 1);
    start(get_then_note, .queue = &queue, .who = 'a');
    settle();
    put(&queue, 1);
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    settle();
    EXPECT_NOTED("a: got ");
}

SPEC(queue_shutdown, leaves_the_item_of_who_has_found_a_place)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 1);
    start(put_then_note, .queue = &queue, .item = 2);
    settle();
    EXPECT_EQ(get(&queue), 1);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    settle();
    EXPECT_NOTED("2: put ");
    EXPECT_EQ(get(&queue), 2);
}

SPEC(queue_shutdown, goes_on_to_join_what_is_left)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    settle();
    EXPECT_NOTED("");
    get(&queue);
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("joined ");
}

SPEC(queue_shutdown, at_once_drops_the_items_and_joins)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    put(&queue, 2);
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    expect_shut_and_empty(&queue);
    EXPECT_ERR(acio_queue_task_done(&queue), -EINVAL);
    settle();
    EXPECT_NOTED("joined ");
}

SPEC(queue_shutdown, at_once_waits_for_items_that_were_taken_out_before)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    put(&queue, 2);
    get(&queue);
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    settle();
    EXPECT_NOTED("joined ");
    EXPECT_ERR(acio_queue_task_done(&queue), -EINVAL);
}

SPEC(queue_shutdown, at_once_tells_those_who_wait_to_put)
{
    ACIO_QUEUE(queue, int, 1);
    put(&queue, 0);
    start(put_then_note, .queue = &queue, .item = 1);
    start(join_then_note, .queue = &queue);
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    EXPECT(acio_queue_empty(&queue));
    settle();
    EXPECT_NOTED("joined 1: shut ");
}

SPEC(queue_shutdown, at_once_can_follow_one_that_was_not)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    expect_shut_and_empty(&queue);
    EXPECT_ERR(acio_queue_join(&queue), 0);
}

SPEC(queue_shutdown, at_once_bears_items_that_were_done_before_they_were_taken)
{
    ACIO_QUEUE(queue, int, 0);
    put(&queue, 1);
    put(&queue, 2);
    EXPECT_ERR(acio_queue_task_done(&queue), 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    EXPECT_ERR(acio_queue_task_done(&queue), -EINVAL);
    EXPECT_ERR(acio_queue_join(&queue), 0);
}

static int
compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

SPEC(queue_shutdown, holds_for_queues_in_other_orders)
{
    ACIO_LIFO_QUEUE(lifo, int, 3);
    ACIO_PRIORITY_QUEUE(priority, int, 3, compare_ints);
    for (int i = 3; i >= 1; i--) {
        put(&lifo, i);
        put(&priority, i);
    }
    EXPECT_ERR(acio_queue_shutdown(&lifo, false), 0);
    EXPECT_ERR(acio_queue_shutdown(&priority, false), 0);
    for (int i = 1; i <= 3; i++) {
        EXPECT_EQ(get(&lifo), i);
        EXPECT_EQ(get(&priority), i);
    }
    expect_shut_and_empty(&lifo);
    expect_shut_and_empty(&priority);
}

SPEC(queue_shutdown, of_a_closed_queue_says_that_it_is_closed)
{
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, sizeof(int), 0), 0);
    acio_queue_close(&queue);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), -ACIO_ECLOSED);
}

TEST(queue_shutdown, works_outside_of_a_loop)
{
    int item = 1;
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, sizeof item, 1), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, true), 0);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), -ACIO_EQUEUESHUTDOWN);
    acio_queue_close(&queue);
}

SPEC(queue_shutdown, gives_way_to_a_cancel)
{
    int item = 1;
    ACIO_QUEUE(queue, int, 1);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_queue_get(&queue, &item), -ECANCELED);
    EXPECT_ERR(acio_queue_put(&queue, &item), -ECANCELED);
    acio_uncancel(acio_current_task());
    expect_shut_and_empty(&queue);
}

SPEC(queue_shutdown, tells_who_was_cancelled_after_it_that_it_is_shut)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *task = acio_create_task(get_then_note, .queue = &queue,
        .who = 'a');
    settle();
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    acio_cancel(task);
    settle();
    EXPECT_NOTED("a: shut ");
    acio_await(task);
}

/* ---- what it is for ---- */

struct consume_args {
    acio_queue *queue;
    int *sum;
};

static int
consume(void *arg)
{
    struct consume_args *a = arg;
    int item, err;
    while ((err = acio_queue_get(a->queue, &item)) == 0) {
        *a->sum += item;
        acio_queue_task_done(a->queue);
    }
    return err == -ACIO_EQUEUESHUTDOWN ? 0 : err;
}

SPEC(queue_shutdown, ends_consumers_when_they_have_dealt_with_everything)
{
    int sum = 0, err = 0;
    ACIO_QUEUE(queue, int, 2);
    acio_task *first = acio_create_task(consume, &queue, &sum);
    acio_task *second = acio_create_task(consume, &queue, &sum);
    for (int i = 1; i <= 10 && err == 0; i++)
        err = acio_queue_put(&queue, &i);
    EXPECT_ERR(err, 0);
    EXPECT_ERR(acio_queue_shutdown(&queue, false), 0);
    EXPECT_ERR(acio_await(first), 0);
    EXPECT_ERR(acio_await(second), 0);
    EXPECT_EQ(sum, 55);
}
