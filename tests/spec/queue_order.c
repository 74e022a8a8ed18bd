/* SPDX-License-Identifier: MIT */
/* Queues in other orders: the newest item first, or the smallest. */
#include <string.h>

#include "acio_spec.h"

static int
compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void
put(acio_queue *queue, int item)
{
    EXPECT_ERR(acio_queue_put_nowait(queue, &item), 0);
}

/* Notes everything that is in the queue, as it comes out. */
static void
note_all(acio_queue *queue)
{
    int item;
    while (acio_queue_get_nowait(queue, &item) == 0)
        note("%d ", item);
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

/* ---- last in, first out ---- */

SPEC(lifo_queue, gives_the_newest_item_first)
{
    ACIO_LIFO_QUEUE(queue, int, 3);
    put(&queue, 1);
    put(&queue, 2);
    put(&queue, 3);
    note_all(&queue);
    EXPECT_NOTED("3 2 1 ");
}

SPEC(lifo_queue, takes_items_on_top_of_those_that_are_left)
{
    int item;
    ACIO_LIFO_QUEUE(queue, int, 0);
    put(&queue, 1);
    put(&queue, 2);
    EXPECT_ERR(acio_queue_get(&queue, &item), 0);
    EXPECT_EQ(item, 2);
    put(&queue, 3);
    note_all(&queue);
    EXPECT_NOTED("3 1 ");
}

SPEC(lifo_queue, keeps_the_order_when_it_grows)
{
    enum { COUNT = 100 };
    int item;
    ACIO_LIFO_QUEUE(queue, int, 0);
    for (int i = 0; i < COUNT; i++)
        REQUIRE_ERR(acio_queue_put_nowait(&queue, &i), 0);
    for (int i = COUNT - 1; i >= 0; i--) {
        REQUIRE_ERR(acio_queue_get_nowait(&queue, &item), 0);
        REQUIRE_EQ(item, i);
    }
    EXPECT(acio_queue_empty(&queue));
}

SPEC(lifo_queue, that_is_full_makes_its_producer_wait)
{
    ACIO_LIFO_QUEUE(queue, int, 2);
    put(&queue, 1);
    put(&queue, 2);
    EXPECT(acio_queue_full(&queue));
    start(put_then_note, .queue = &queue, .item = 3);
    start(put_then_note, .queue = &queue, .item = 4);
    settle();
    EXPECT_NOTED("");
    note_all(&queue);
    EXPECT_NOTED("2 3 4 1 ");
    settle();
    EXPECT_NOTED("3 put 4 put ");
}

SPEC(lifo_queue, serves_those_who_get_in_order_of_coming)
{
    ACIO_LIFO_QUEUE(queue, int, 0);
    start(get_then_note, .queue = &queue, .who = 'a');
    start(get_then_note, .queue = &queue, .who = 'b');
    settle();
    put(&queue, 1);
    put(&queue, 2);
    settle();
    EXPECT_NOTED("a=1 b=2 ");
}

/* ---- by priority ---- */

SPEC(priority_queue, gives_the_smallest_item_first)
{
    ACIO_PRIORITY_QUEUE(queue, int, 0, compare_ints);
    put(&queue, 3);
    put(&queue, 1);
    put(&queue, 4);
    put(&queue, 2);
    note_all(&queue);
    EXPECT_NOTED("1 2 3 4 ");
}

static int
compare_ints_downwards(const void *a, const void *b)
{
    return compare_ints(b, a);
}

SPEC(priority_queue, is_ordered_by_whatever_its_comparison_says)
{
    ACIO_PRIORITY_QUEUE(queue, int, 4, compare_ints_downwards);
    put(&queue, 3);
    put(&queue, 1);
    put(&queue, 4);
    note_all(&queue);
    EXPECT_NOTED("4 3 1 ");
}

struct job {
    int priority;
    char name[13];
};

static int
compare_jobs(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    return (x->priority > y->priority) - (x->priority < y->priority);
}

SPEC(priority_queue, gives_equal_items_in_the_order_in_which_they_were_put)
{
    enum { COUNT = 60, PRIORITIES = 3 };
    struct job job = { 0 };
    ACIO_PRIORITY_QUEUE(queue, struct job, 0, compare_jobs);
    for (int i = 0; i < COUNT; i++) {
        job.priority = i % PRIORITIES;
        job.name[0] = (char)i;
        REQUIRE_ERR(acio_queue_put_nowait(&queue, &job), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        int priority = i / (COUNT / PRIORITIES);
        int turn = i % (COUNT / PRIORITIES);
        REQUIRE_ERR(acio_queue_get_nowait(&queue, &job), 0);
        REQUIRE_EQ(job.priority, priority);
        REQUIRE_EQ(job.name[0], turn * PRIORITIES + priority);
    }
}

SPEC(priority_queue, copies_items_of_any_size)
{
    struct job low = { 2, "later" }, high = { 1, "at once" }, out;
    ACIO_PRIORITY_QUEUE(queue, struct job, 2, compare_jobs);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &low), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &high), 0);
    memset(low.name, 'X', sizeof low.name);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &out), 0);
    EXPECT_TEXT(out.name, "at once");
    EXPECT_ERR(acio_queue_get_nowait(&queue, &out), 0);
    EXPECT_TEXT(out.name, "later");
}

static int
compare_aligned(const void *a, const void *b)
{
    EXPECT_EQ((uintptr_t)a % _Alignof(long double), 0);
    EXPECT_EQ((uintptr_t)b % _Alignof(long double), 0);
    const long double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

SPEC(priority_queue, keeps_its_items_aligned)
{
    ACIO_PRIORITY_QUEUE(queue, long double, 5, compare_aligned);
    for (long double item = 5; item >= 1; item--)
        EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    for (int i = 1; i <= 5; i++) {
        long double item = 0;
        EXPECT_ERR(acio_queue_get_nowait(&queue, &item), 0);
        EXPECT_EQ((int)item, i);
    }
}

/* Takes the first of the smallest out of a plain list of jobs. */
static struct job
take_smallest(struct job *jobs, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) {
        if (jobs[i].priority < jobs[best].priority)
            best = i;
    }
    struct job job = jobs[best];
    memmove(jobs + best, jobs + best + 1, (count - best - 1) * sizeof *jobs);
    return job;
}

SPEC(priority_queue, agrees_with_a_plain_list_whatever_comes_and_goes)
{
    struct job plain[64], job = { 0 };
    int count = 0;
    unsigned dice = 1;
    ACIO_PRIORITY_QUEUE(queue, struct job, 64, compare_jobs);
    for (int i = 0; i < 3000; i++) {
        dice = dice * 1664525 + 1013904223;
        bool come = count == 0 || (count < 64 && (dice >> 16) % 2);
        if (come) {
            job.priority = (int)(dice >> 20) % 9;
            job.name[0] = (char)(i % 100);
            plain[count++] = job;
            REQUIRE_ERR(acio_queue_put_nowait(&queue, &job), 0);
        } else {
            struct job wanted = take_smallest(plain, count--);
            REQUIRE_ERR(acio_queue_get_nowait(&queue, &job), 0);
            REQUIRE_EQ(job.priority, wanted.priority);
            REQUIRE_EQ(job.name[0], wanted.name[0]);
        }
        REQUIRE_EQ(acio_queue_qsize(&queue), count);
    }
}

static int
contradict_oneself(const void *a, const void *b)
{
    return a < b || *(const int *)a % 2 ? -1 : 1;
}

SPEC(priority_queue, loses_nothing_by_a_comparison_that_contradicts_itself)
{
    int item, sum = 0;
    ACIO_PRIORITY_QUEUE(queue, int, 0, contradict_oneself);
    for (int i = 1; i <= 100; i++)
        REQUIRE_ERR(acio_queue_put_nowait(&queue, &i), 0);
    while (acio_queue_get_nowait(&queue, &item) == 0)
        sum += item;
    EXPECT_EQ(sum, 5050);
}

SPEC(priority_queue, that_is_full_makes_even_the_smallest_item_wait)
{
    int item = 0;
    ACIO_PRIORITY_QUEUE(queue, int, 2, compare_ints);
    put(&queue, 5);
    put(&queue, 7);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_EQUEUEFULL);
    start(put_then_note, .queue = &queue, .item = 9);
    start(put_then_note, .queue = &queue, .item = 1);
    settle();
    note_all(&queue);
    EXPECT_NOTED("5 7 1 9 ");
    settle();
    EXPECT_NOTED("9 put 1 put ");
}

SPEC(priority_queue, hands_a_waiting_task_what_comes_first_not_what_is_smallest)
{
    ACIO_PRIORITY_QUEUE(queue, int, 0, compare_ints);
    start(get_then_note, .queue = &queue, .who = 'a');
    settle();
    put(&queue, 2);
    put(&queue, 1);
    settle();
    EXPECT_NOTED("a=2 ");
    note_all(&queue);
    EXPECT_NOTED("1 ");
}

SPEC(priority_queue, forgets_the_item_of_a_task_that_was_cancelled)
{
    ACIO_PRIORITY_QUEUE(queue, int, 1, compare_ints);
    put(&queue, 5);
    acio_task *gone = acio_create_task(put_then_note, .queue = &queue,
        .item = 1);
    start(put_then_note, .queue = &queue, .item = 9);
    settle();
    acio_cancel(gone);
    note_all(&queue);
    EXPECT_NOTED("5 9 ");
    settle();
    EXPECT_NOTED("1! 9 put ");
    acio_await(gone);
}

SPEC(priority_queue, of_limited_size_allocates_only_at_first)
{
    ACIO_PRIORITY_QUEUE(queue, int, 8, compare_ints);
    size_t before = spec_heap_allocations();
    for (int i = 8; i > 0; i--)
        put(&queue, i);
    note_all(&queue);
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_NOTED("1 2 3 4 5 6 7 8 ");
}

SPEC(priority_queue, drops_an_item_that_nobody_wants_to_see)
{
    ACIO_PRIORITY_QUEUE(queue, int, 0, compare_ints);
    put(&queue, 2);
    put(&queue, 1);
    EXPECT_ERR(acio_queue_get_nowait(&queue, NULL), 0);
    note_all(&queue);
    EXPECT_NOTED("2 ");
}

SPEC(priority_queue, without_a_comparison_is_refused)
{
    int item = 1;
    ACIO_PRIORITY_QUEUE(queue, int, 1, NULL);
    EXPECT_ERR(acio_queue_put(&queue, &item), -EINVAL);
    EXPECT_ERR(acio_queue_get(&queue, &item), -EINVAL);
}

SPEC(priority_queue, of_items_of_impossible_size_is_refused)
{
    acio_queue queue;
    EXPECT_ERR(acio_priority_queue_init(&queue, 0, 1, compare_ints), -EINVAL);
    EXPECT_ERR(acio_priority_queue_init(&queue, (size_t)-1, 0, compare_ints),
        -ENOMEM);
    EXPECT_ERR(acio_queue_put(&queue, "x"), -ENOMEM);
    acio_queue_close(&queue);
}

/* ---- join, for all kinds ---- */

static void
expect_join_to_wait(acio_queue *queue)
{
    put(queue, 1);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_queue_join(queue), -ETIMEDOUT);
    acio_timeout_close(&limit);
    note_all(queue);
    EXPECT_ERR(acio_queue_task_done(queue), 0);
    EXPECT_ERR(acio_queue_join(queue), 0);
    EXPECT_NOTED("1 ");
}

/* asyncio's LifoQueue and PriorityQueue did not count: their join returned at
 * once. */
SPEC_SIM(queue_history, join_waits_for_items_of_every_kind_of_queue)
{
    ACIO_QUEUE(plain, int, 0);
    ACIO_LIFO_QUEUE(lifo, int, 0);
    ACIO_PRIORITY_QUEUE(priority, int, 0, compare_ints);
    expect_join_to_wait(&plain);
    expect_join_to_wait(&lifo);
    expect_join_to_wait(&priority);
}
