/* SPDX-License-Identifier: MIT */
/* Queues: who gets which item, and who waits for whom. */
#include "traces.h"

struct get_args {
    const char *text;
    acio_queue *queue;
    int times;
    double delay; /* after each */
};

static int
get(void *arg)
{
    struct get_args *a = arg;
    for (int i = 0; i < a->times; i++) {
        int item;
        int err = acio_queue_get(a->queue, &item);
        say("%s gets %s", a->text, word(err < 0 ? err : item));
        if (err == 0 && a->delay > 0)
            err = acio_sleep(a->delay);
        if (err < 0)
            return err;
    }
    return 0;
}

struct put_args {
    const char *text;
    acio_queue *queue;
    int first, times;
};

static int
put(void *arg)
{
    struct put_args *a = arg;
    for (int i = a->first; i < a->first + a->times; i++) {
        int err = acio_queue_put(a->queue, &i);
        say("%s put %d: %s", a->text, i, word(err));
        if (err < 0)
            return err;
    }
    return 0;
}

static int
put_nowait(acio_queue *queue, int item)
{
    return acio_queue_put_nowait(queue, &item);
}

static void
say_size(const acio_queue *queue)
{
    say("%d items, %s, %s", (int)acio_queue_qsize(queue),
        acio_queue_empty(queue) ? "empty" : "not empty",
        acio_queue_full(queue) ? "full" : "not full");
}

SCENARIO(queue_gives_items_in_order)
{
    ACIO_QUEUE(queue, int, 0);
    start(put, .text = "a", .queue = &queue, .first = 1, .times = 3);
    start(get, .text = "b", .queue = &queue, .times = 3);
    acio_sleep(1);
    say_size(&queue);
}

SCENARIO(queue_serves_getters_in_order_of_coming)
{
    ACIO_QUEUE(queue, int, 0);
    start(get, .text = "a", .queue = &queue, .times = 1);
    start(get, .text = "b", .queue = &queue, .times = 1);
    start(get, .text = "c", .queue = &queue, .times = 1);
    acio_sleep(1);
    start(put, .text = "d", .queue = &queue, .first = 1, .times = 3);
    acio_sleep(1);
}

SCENARIO(queue_serves_putters_in_order_of_coming)
{
    ACIO_QUEUE(queue, int, 1);
    start(put, .text = "a", .queue = &queue, .first = 1, .times = 1);
    start(put, .text = "b", .queue = &queue, .first = 2, .times = 1);
    start(put, .text = "c", .queue = &queue, .first = 3, .times = 1);
    acio_sleep(1);
    say_size(&queue);
    start(get, .text = "d", .queue = &queue, .times = 3, .delay = 1);
    acio_sleep(5);
    say_size(&queue);
}

SCENARIO(queue_that_is_full_holds_the_producer_back)
{
    ACIO_QUEUE(queue, int, 2);
    start(put, .text = "producer", .queue = &queue, .first = 1, .times = 6);
    start(get, .text = "consumer", .queue = &queue, .times = 6, .delay = 1);
    acio_sleep(10);
}

SCENARIO(queue_gives_one_item_to_one_getter)
{
    ACIO_QUEUE(queue, int, 0);
    start(get, .text = "a", .queue = &queue, .times = 2);
    start(get, .text = "b", .queue = &queue, .times = 1);
    for (int i = 1; i <= 3; i++) {
        acio_sleep(1);
        say("%s", word(put_nowait(&queue, i)));
    }
    acio_sleep(1);
}

SCENARIO(queue_without_waiting)
{
    ACIO_QUEUE(queue, int, 2);
    int item;
    say("%s", word(acio_queue_get_nowait(&queue, &item)));
    say("%s", word(put_nowait(&queue, 1)));
    say("%s", word(put_nowait(&queue, 2)));
    say("%s", word(put_nowait(&queue, 3)));
    say_size(&queue);
    say("%s", word(acio_queue_get_nowait(&queue, &item)));
    say("%d", item);
    say_size(&queue);
}

SCENARIO(queue_getter_is_cancelled)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *a = acio_create_task(get, .text = "a", .queue = &queue,
        .times = 1);
    start(get, .text = "b", .queue = &queue, .times = 1);
    acio_sleep(1);
    acio_cancel(a);
    say("%s", word(put_nowait(&queue, 1)));
    acio_sleep(1);
    acio_detach(a);
}

SCENARIO(queue_getter_is_cancelled_after_the_put)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *a = acio_create_task(get, .text = "a", .queue = &queue,
        .times = 1);
    start(get, .text = "b", .queue = &queue, .times = 1);
    acio_sleep(1);
    say("%s", word(put_nowait(&queue, 1)));
    acio_cancel(a);
    acio_sleep(1);
    say("%s", word(put_nowait(&queue, 2)));
    acio_sleep(1);
    acio_detach(a);
}

SCENARIO(queue_putter_is_cancelled)
{
    ACIO_QUEUE(queue, int, 1);
    say("%s", word(put_nowait(&queue, 1)));
    acio_task *a = acio_create_task(put, .text = "a", .queue = &queue,
        .first = 2, .times = 1);
    start(put, .text = "b", .queue = &queue, .first = 3, .times = 1);
    acio_sleep(1);
    acio_cancel(a);
    start(get, .text = "c", .queue = &queue, .times = 2);
    acio_sleep(1);
    say_size(&queue);
    acio_detach(a);
}

SCENARIO(queue_item_is_not_taken_from_who_waits)
{
    ACIO_QUEUE(queue, int, 0);
    int item;
    start(get, .text = "a", .queue = &queue, .times = 1);
    acio_sleep(1);
    say("%s", word(put_nowait(&queue, 1)));
    say("%s", word(acio_queue_get_nowait(&queue, &item)));
    acio_sleep(1);
    say("%s", word(put_nowait(&queue, 2)));
    acio_sleep(1);
}

SCENARIO(queue_place_is_not_taken_from_who_waits)
{
    ACIO_QUEUE(queue, int, 1);
    int item;
    say("%s", word(put_nowait(&queue, 1)));
    start(put, .text = "a", .queue = &queue, .first = 2, .times = 1);
    acio_sleep(1);
    say("%s", word(acio_queue_get_nowait(&queue, &item)));
    say("%s", word(put_nowait(&queue, 3)));
    acio_sleep(1);
    say("%s", word(acio_queue_get_nowait(&queue, &item)));
    acio_sleep(1);
    say_size(&queue);
}

struct process_args {
    acio_queue *queue;
};

static int
process(void *arg)
{
    struct process_args *a = arg;
    int item;
    while (acio_queue_get(a->queue, &item) == 0) {
        acio_sleep(1);
        say("processed %d", item);
        acio_queue_task_done(a->queue);
    }
    return 0;
}

struct join_args {
    const char *text;
    acio_queue *queue;
};

static int
join(void *arg)
{
    struct join_args *a = arg;
    int err = acio_queue_join(a->queue);
    say("%s joined: %s", a->text, word(err));
    return err;
}

SCENARIO(queue_is_joined_when_all_is_done)
{
    ACIO_QUEUE(queue, int, 0);
    for (int i = 0; i < 3; i++)
        say("%s", word(put_nowait(&queue, i)));
    acio_task *worker = acio_create_task(process, .queue = &queue);
    start(join, .text = "a", .queue = &queue);
    start(join, .text = "b", .queue = &queue);
    acio_sleep(5);
    acio_cancel(worker);
    acio_detach(worker);
}

SCENARIO(queue_without_unfinished_items_is_joined_at_once)
{
    ACIO_QUEUE(queue, int, 0);
    start(work, .text = "other");
    say("%s", word(acio_queue_join(&queue)));
    say("%s", word(acio_queue_task_done(&queue)));
    acio_sleep(1);
}

SCENARIO(queue_within_a_limit)
{
    ACIO_QUEUE(queue, int, 0);
    acio_task *task = acio_create_task(get, .text = "a", .queue = &queue,
        .times = 1);
    say("%s", word(acio_wait_for(task, 1)));
    say("%s", word(put_nowait(&queue, 1)));
    say_size(&queue);
}

SCENARIO(queue_between_two_that_never_rest)
{
    ACIO_QUEUE(queue, int, 1);
    start(put, .text = "a", .queue = &queue, .first = 1, .times = 5);
    start(get, .text = "b", .queue = &queue, .times = 5);
    start(tick, .text = "other", .times = 6);
    acio_sleep(1);
}

static int
compare_numbers(const void *a, const void *b)
{
    int one = *(const int *)a, other = *(const int *)b;
    return (one > other) - (one < other);
}

static void
put_some(acio_queue *queue)
{
    static const int items[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
    for (int i = 0; i < 8; i++)
        say("%s", word(put_nowait(queue, items[i])));
}

SCENARIO(queue_by_priority)
{
    ACIO_PRIORITY_QUEUE(queue, int, 0, compare_numbers);
    put_some(&queue);
    start(get, .text = "a", .queue = &queue, .times = 8);
    acio_sleep(1);
    start(get, .text = "b", .queue = &queue, .times = 1);
    start(get, .text = "c", .queue = &queue, .times = 1);
    acio_sleep(1);
    start(put, .text = "d", .queue = &queue, .first = 1, .times = 1);
    acio_sleep(1);
    start(put, .text = "d", .queue = &queue, .first = 0, .times = 1);
    acio_sleep(1);
}

SCENARIO(queue_last_in_first_out)
{
    ACIO_LIFO_QUEUE(queue, int, 0);
    put_some(&queue);
    start(get, .text = "a", .queue = &queue, .times = 8);
    acio_sleep(1);
    say_size(&queue);
}

SCENARIO(queue_that_is_shut_down)
{
    ACIO_QUEUE(queue, int, 2);
    start(put, .text = "a", .queue = &queue, .first = 1, .times = 3);
    start(join, .text = "b", .queue = &queue);
    acio_sleep(1);
    say("%s", word(acio_queue_shutdown(&queue, false)));
    say("%s", word(put_nowait(&queue, 9)));
    acio_sleep(1);
    start(get, .text = "c", .queue = &queue, .times = 3);
    acio_sleep(1);
    acio_queue_task_done(&queue);
    acio_queue_task_done(&queue);
    acio_sleep(1);
}

SCENARIO(queue_that_is_shut_down_at_once)
{
    ACIO_QUEUE(queue, int, 2);
    start(put, .text = "a", .queue = &queue, .first = 1, .times = 3);
    start(join, .text = "b", .queue = &queue);
    acio_sleep(1);
    say("%s", word(acio_queue_shutdown(&queue, true)));
    say_size(&queue);
    start(get, .text = "c", .queue = &queue, .times = 1);
    acio_sleep(1);
}

SCENARIO(queue_shut_down_tells_who_waits)
{
    ACIO_QUEUE(queue, int, 0);
    start(get, .text = "a", .queue = &queue, .times = 1);
    start(get, .text = "b", .queue = &queue, .times = 1);
    acio_sleep(1);
    say("%s", word(acio_queue_shutdown(&queue, false)));
    start(tick, .text = "other", .times = 2);
    acio_sleep(1);
}
