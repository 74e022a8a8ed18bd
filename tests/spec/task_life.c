/* SPDX-License-Identifier: MIT */
/* Tasks: created, run, awaited, gone. */
#include "task_parts.h"

SPEC(task, gives_its_result_to_who_awaits_it)
{
    acio_task *task = acio_create_task(work, .result = 42);
    EXPECT_EQ(acio_await(task), 42);
}

SPEC(task, gives_its_error_to_who_awaits_it)
{
    acio_task *task = acio_create_task(work, .result = -EIO);
    EXPECT_ERR(acio_await(task), -EIO);
}

SPEC(task, runs_for_the_first_time_after_its_creator_suspends)
{
    acio_task *task = acio_create_task(say, .text = "task");
    note("creator ");
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("creator task ");
}

SPEC(task, runs_in_order_of_creation)
{
    start(say, .text = "a");
    start(say, .text = "b");
    start(say, .text = "c");
    settle();
    EXPECT_NOTED("a b c ");
}

SPEC(task, may_be_awaited_after_it_has_finished)
{
    acio_task *task = acio_create_task(work, .result = 42);
    settle();
    EXPECT(acio_task_done(task));
    EXPECT_EQ(acio_await(task), 42);
}

struct await_then_note_args {
    acio_task *task;
};

static int
await_then_note(void *arg)
{
    struct await_then_note_args *a = arg;
    int result = acio_await(a->task);
    note("%d ", result);
    return 0;
}

SPEC(task, may_be_awaited_by_several_at_once)
{
    acio_task *task = acio_create_task(work, .result = 42, .seconds = 0.001);
    start(await_then_note, .task = task);
    start(await_then_note, .task = task);
    finish();
    EXPECT_NOTED("42 42 ");
}

SPEC(task, wakes_those_who_await_it_in_order_of_coming)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 1);
    start(await_then_note, .task = task);
    settle();
    acio_future_set_result(&gate, 0);
    EXPECT_EQ(acio_await(task), 1);
    note("second ");
    finish();
    EXPECT_NOTED("1 second ");
}

SPEC(task, goes_on_alone_when_it_is_detached)
{
    acio_task *task = acio_create_task(work, .seconds = 0.001, .text = "done");
    acio_detach(task);
    finish();
    EXPECT_NOTED("done ");
}

SPEC(task, may_be_detached_after_it_has_finished)
{
    acio_task *task = acio_create_task(say, .text = "done");
    settle();
    acio_detach(task);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
    EXPECT_NOTED("done ");
}

SPEC(task, that_is_detached_reports_its_error)
{
    start(work, .result = -EIO);
    settle();
    EXPECT_REPORTED("work: a task failed and nobody awaited it: "
                    "Input/output error\n");
}

SPEC(task, that_is_detached_reports_no_cancel)
{
    start(work, .result = -ECANCELED);
    settle();
    EXPECT_REPORTED("");
}

SPEC(task, whose_error_was_looked_at_does_not_report_it)
{
    acio_task *task = acio_create_task(work, .result = -EIO);
    settle();
    EXPECT_ERR(acio_task_result(task), -EIO);
    acio_detach(task);
    EXPECT_REPORTED("");
}

SPEC(task, shows_its_result_without_being_awaited)
{
    acio_task *task = acio_create_task(work, .result = 42);
    EXPECT(!acio_task_done(task));
    EXPECT_ERR(acio_task_result(task), -ACIO_EINVALIDSTATE);
    settle();
    EXPECT(acio_task_done(task));
    EXPECT_EQ(acio_task_result(task), 42);
    EXPECT(!acio_task_cancelled(task));
    EXPECT_EQ(acio_await(task), 42);
}

/* ---- arguments ---- */

struct sum_args {
    int values[100];
    long double wide;
};

static int
sum(void *arg)
{
    struct sum_args *a = arg;
    EXPECT_EQ((uintptr_t)a % _Alignof(max_align_t), 0);
    EXPECT_EQ((uintptr_t)a % 64, 0);
    int total = (int)a->wide;
    for (int i = 0; i < 100; i++)
        total += a->values[i];
    return total;
}

SPEC(task, has_a_copy_of_its_arguments_of_its_own)
{
    struct sum_args args = { .wide = 1.0L };
    for (int i = 0; i < 100; i++)
        args.values[i] = i;
    acio_task *task = acio_create_task_with(sum,
        (struct acio_args){ &args, sizeof args }, NULL);
    for (int i = 0; i < 100; i++)
        args.values[i] = 0;
    EXPECT_EQ(acio_await(task), 4951);
}

static int
check_large(void *arg)
{
    const unsigned char *bytes = arg;
    for (size_t i = 0; i < 60000; i++) {
        if (bytes[i] != i % 251)
            return -EILSEQ;
    }
    return 0;
}

SPEC(task, takes_arguments_of_many_pages)
{
    static unsigned char bytes[60000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i % 251);
    acio_task *task = acio_create_task_with(check_large,
        (struct acio_args){ bytes, sizeof bytes }, NULL);
    EXPECT_ERR(acio_await(task), 0);
}

SPEC(task, is_refused_with_arguments_as_large_as_its_stack)
{
    static unsigned char bytes[256 * 1024];
    acio_task *task = acio_create_task_with(check_large,
        (struct acio_args){ bytes, sizeof bytes }, NULL);
    EXPECT_EQ(task, NULL);
}

static int
is_null(void *arg)
{
    return arg == NULL;
}

SPEC(task, without_arguments_is_given_no_address_of_them)
{
    acio_task *task = acio_create_task(is_null);
    EXPECT_EQ(acio_await(task), 1);
}

/* ---- sleeping ---- */

SPEC_SIM(task, sleeps_for_exactly_as_long_as_it_asked)
{
    EXPECT_ERR(acio_sleep(0.25), 0);
    EXPECT_ELAPSED(0.25);
    EXPECT_ERR(acio_sleep(1e-9), 0);
    EXPECT_EQ(elapsed_ns(), 250000001);
}

SPEC(task, never_wakes_too_early)
{
    EXPECT_ERR(acio_sleep(0.003), 0);
    EXPECT_ELAPSED(0.003);
}

SPEC(task, lets_the_others_run_once_when_it_sleeps_for_nothing)
{
    start(say, .text = "other");
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_NOTED("other ");
    start(say, .text = "other");
    EXPECT_ERR(acio_sleep(-1), 0);
    EXPECT_NOTED("other ");
}

SPEC(task, refuses_to_sleep_for_what_is_no_number)
{
    EXPECT_ERR(acio_sleep(__builtin_nan("")), -EINVAL);
}

SPEC_SIM(task, sleeps_for_ever_when_it_is_told_to)
{
    acio_timeout limit;
    acio_timeout_open(&limit, 1e6);
    EXPECT_ERR(acio_sleep(__builtin_inf()), -ETIMEDOUT);
    EXPECT_ELAPSED(1e6);
    acio_timeout_close(&limit);
}

SPEC_SIM(task, wakes_in_order_of_time_and_then_of_falling_asleep)
{
    start(work, .seconds = 0.2, .text = "c");
    start(work, .seconds = 0.1, .text = "a");
    start(work, .seconds = 0.1, .text = "b");
    finish();
    EXPECT_NOTED("a b c ");
    EXPECT_ELAPSED(0.2);
}

/* ---- callbacks ---- */

static void
note_callback(void *arg)
{
    note("%s ", (const char *)arg);
}

SPEC(task, calls_back_in_order_when_it_has_finished)
{
    acio_handle first = { 0 }, second = { 0 };
    acio_task *task = acio_create_task(say, .text = "task");
    EXPECT_ERR(acio_task_add_done_callback(task, &first, note_callback,
                   "first"),
        0);
    EXPECT_ERR(acio_task_add_done_callback(task, &second, note_callback,
                   "second"),
        0);
    settle();
    EXPECT_NOTED("task first second ");
    EXPECT_EQ(acio_await(task), 0);
}

SPEC(task, calls_back_in_the_next_pass_when_it_had_finished_before)
{
    acio_handle handle = { 0 };
    acio_task *task = acio_create_task(work, .result = 1);
    settle();
    EXPECT_ERR(acio_task_add_done_callback(task, &handle, note_callback,
                   "called"),
        0);
    EXPECT_NOTED("");
    settle();
    EXPECT_NOTED("called ");
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(task, does_not_call_back_a_handle_that_was_cancelled)
{
    acio_handle handle = { 0 };
    acio_task *task = acio_create_task(work, .result = 1);
    EXPECT_ERR(acio_task_add_done_callback(task, &handle, note_callback,
                   "called"),
        0);
    acio_handle_cancel(&handle);
    EXPECT_EQ(acio_await(task), 1);
    settle();
    EXPECT_NOTED("");
}

SPEC(task, calls_back_and_wakes_in_order_of_registration)
{
    acio_handle first = { 0 }, last = { 0 };
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate, .result = 1);
    acio_task_add_done_callback(task, &first, note_callback, "first");
    start(await_then_note, .task = task);
    settle();
    acio_task_add_done_callback(task, &last, note_callback, "last");
    acio_future_set_result(&gate, 0);
    settle();
    EXPECT_NOTED("first 1 last ");
}

SPEC(task, runs_in_order_with_callbacks_of_the_loop)
{
    acio_loop *loop = acio_get_running_loop();
    acio_handle first = { 0 }, second = { 0 };
    acio_loop_call_soon(loop, &first, note_callback, "first");
    start(say, .text = "task");
    acio_loop_call_soon(loop, &second, note_callback, "second");
    settle();
    EXPECT_NOTED("first task second ");
}

/* ---- many, and deep ---- */

static int
one(void *arg)
{
    (void)arg;
    return 1;
}

enum { MANY = 100000, MANY_MAPPINGS = 25000 };

/* As many as wanted, or, before Linux 6.13, as there may be guards. */
static int
create_many(acio_task **tasks, int count)
{
    for (int i = 0; i < count; i++) {
        tasks[i] = acio_create_task(one);
        if (!tasks[i] && i > MANY_MAPPINGS)
            return i;
    }
    return count;
}

SPEC_LARGE(task, may_be_one_of_a_hundred_thousand)
{
    static acio_task *tasks[MANY];
    int total = 0, count = create_many(tasks, many(MANY));
    for (int i = 0; i < count; i++)
        total += acio_await(tasks[i]);
    EXPECT_EQ(total, count);
    for (int i = 0; i < count; i += 97)
        EXPECT_ERR(acio_await(tasks[i]), -ACIO_EGONE);
}

struct descend_args {
    int depth;
};

static int
descend(void *arg)
{
    struct descend_args *a = arg;
    if (a->depth == 0)
        return 0;
    acio_task *next = acio_create_task(descend, .depth = a->depth - 1);
    if (!next)
        return -ENOMEM;
    int below = acio_await(next);
    return below < 0 ? below : below + 1;
}

SPEC_LARGE(task, may_await_a_task_that_awaits_a_task_and_so_on)
{
    acio_task *task = acio_create_task(descend, .depth = 2000);
    EXPECT_EQ(acio_await(task), 2000);
}

SPEC_LARGE(task, cancels_a_long_chain_of_tasks_that_await_each_other)
{
    acio_task *task = acio_create_task(descend, .depth = 2000);
    acio_sleep(0);
    acio_sleep(0);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
}

static __attribute__((noinline)) int
recurse(int depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    if (depth == 0)
        return acio_sleep(0);
    int err = recurse(depth - 1);
    return err < 0 ? err : frame[0] == (char)depth;
}

static int
recurse_deeply(void *arg)
{
    (void)arg;
    return recurse(400);
}

SPEC(task, may_suspend_deep_inside_a_recursion)
{
    acio_task *task = acio_create_task(recurse_deeply);
    EXPECT_EQ(acio_await(task), 1);
}
