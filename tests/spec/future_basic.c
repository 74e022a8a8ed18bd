/* SPDX-License-Identifier: MIT */
/* Futures: a result that somebody will bring. */
#include <string.h>

#include "task_parts.h"

SPEC(future, is_pending_at_first)
{
    acio_future future;
    EXPECT_ERR(acio_future_init(&future), 0);
    EXPECT(!acio_future_done(&future));
    EXPECT(!acio_future_cancelled(&future));
    EXPECT_ERR(acio_future_result(&future), -ACIO_EINVALIDSTATE);
    acio_future_close(&future);
}

SPEC(future, keeps_its_result)
{
    acio_future future;
    acio_future_init(&future);
    EXPECT_ERR(acio_future_set_result(&future, 42), 0);
    EXPECT(acio_future_done(&future));
    EXPECT_EQ(acio_future_result(&future), 42);
    EXPECT_EQ(acio_future_await(&future), 42);
    EXPECT_EQ(acio_future_await(&future), 42);
    acio_future_close(&future);
}

SPEC(future, keeps_its_error)
{
    acio_future future;
    acio_future_init(&future);
    EXPECT_ERR(acio_future_set_error(&future, -EIO), 0);
    EXPECT(acio_future_done(&future));
    EXPECT(!acio_future_cancelled(&future));
    EXPECT_ERR(acio_future_await(&future), -EIO);
    acio_future_close(&future);
}

SPEC(future, is_set_only_once)
{
    acio_future future;
    acio_future_init(&future);
    EXPECT_ERR(acio_future_set_result(&future, 1), 0);
    EXPECT_ERR(acio_future_set_result(&future, 2), -ACIO_EINVALIDSTATE);
    EXPECT_ERR(acio_future_set_error(&future, -EIO), -ACIO_EINVALIDSTATE);
    EXPECT(!acio_future_cancel(&future));
    EXPECT_EQ(acio_future_result(&future), 1);
    acio_future_close(&future);
}

SPEC(future, refuses_an_error_for_a_result_and_the_reverse)
{
    acio_future future;
    acio_future_init(&future);
    EXPECT_ERR(acio_future_set_result(&future, -1), -EINVAL);
    EXPECT_ERR(acio_future_set_error(&future, 0), -EINVAL);
    EXPECT_ERR(acio_future_set_error(&future, 5), -EINVAL);
    EXPECT(!acio_future_done(&future));
    acio_future_close(&future);
}

SPEC(future, can_be_cancelled)
{
    acio_future future;
    acio_future_init(&future);
    EXPECT(acio_future_cancel(&future));
    EXPECT(!acio_future_cancel(&future));
    EXPECT(acio_future_done(&future));
    EXPECT(acio_future_cancelled(&future));
    EXPECT_ERR(acio_future_result(&future), -ECANCELED);
    EXPECT_ERR(acio_future_await(&future), -ECANCELED);
    EXPECT_ERR(acio_future_set_result(&future, 2), -ACIO_EINVALIDSTATE);
    acio_future_close(&future);
}

SPEC(future, that_was_closed_is_of_no_use)
{
    acio_future future;
    acio_handle handle = { 0 };
    acio_future_init(&future);
    acio_future_close(&future);
    acio_future_close(&future);
    EXPECT_ERR(acio_future_set_result(&future, 1), -ACIO_EINVALIDSTATE);
    EXPECT_ERR(acio_future_await(&future), -EINVAL);
    EXPECT_ERR(acio_future_add_done_callback(&future, &handle, NULL, NULL),
        -EINVAL);
}

/* ---- waiting ---- */

SPEC(future, wakes_its_waiters_and_calls_back_in_order_of_coming)
{
    acio_future future;
    acio_future_init(&future);
    start(pass, .gate = &future, .text = "a");
    start(pass, .gate = &future, .text = "b");
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_future_set_result(&future, 0), 0);
    EXPECT_NOTED("");
    settle();
    EXPECT_NOTED("a b ");
    acio_future_close(&future);
}

SPEC(future, gives_its_error_to_each_who_waits)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *one = acio_create_task(pass, .gate = &future);
    acio_task *two = acio_create_task(pass, .gate = &future);
    settle();
    EXPECT_ERR(acio_future_set_error(&future, -EIO), 0);
    EXPECT_ERR(acio_await(one), -EIO);
    EXPECT_ERR(acio_await(two), -EIO);
    acio_future_close(&future);
}

SPEC_SIM(future, is_cancelled_by_a_deadline_of_who_waits)
{
    acio_future future;
    acio_future_init(&future);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_future_await(&future), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(1);
    EXPECT(acio_future_cancelled(&future));
    acio_future_close(&future);
}

SPEC(future, is_cancelled_for_all_by_a_cancel_of_one_who_waits)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *one = acio_create_task(pass, .gate = &future);
    acio_task *two = acio_create_task(pass, .gate = &future);
    settle();
    acio_cancel(one);
    EXPECT_ERR(acio_await(two), -ECANCELED);
    EXPECT_ERR(acio_await(one), -ECANCELED);
    EXPECT(acio_future_cancelled(&future));
    acio_future_close(&future);
}

SPEC(future, that_is_closed_cancels_those_who_wait)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *task = acio_create_task(pass, .gate = &future);
    settle();
    acio_future_close(&future);
    EXPECT_ERR(acio_await(task), -ECANCELED);
}

SPEC(future, may_be_gone_when_its_waiters_run)
{
    acio_future future;
    acio_future_init(&future);
    acio_task *task = acio_create_task(pass, .gate = &future, .result = 4);
    settle();
    acio_future_set_result(&future, 0);
    acio_future_close(&future);
    memset(&future, 0xff, sizeof future);
    EXPECT_EQ(acio_await(task), 4);
}

SPEC(future, is_not_cancelled_by_a_waiter_in_a_shield)
{
    acio_future future;
    acio_future_init(&future);
    acio_cancel(acio_current_task());
    {
        ACIO_SHIELD(shield);
        start(say, .text = "x");
        settle();
        acio_future_set_result(&future, 3);
        EXPECT_EQ(acio_future_await(&future), 3);
    }
    acio_uncancel(acio_current_task());
    EXPECT_NOTED("x ");
    acio_future_close(&future);
}

SPEC(future, gives_what_it_has_to_a_task_that_was_cancelled_before)
{
    acio_future done, pending;
    acio_future_init(&done);
    acio_future_init(&pending);
    acio_future_set_result(&done, 3);
    acio_cancel(acio_current_task());
    EXPECT_EQ(acio_future_await(&done), 3);
    EXPECT_ERR(acio_future_await(&pending), -ECANCELED);
    EXPECT(acio_future_cancelled(&pending));
    acio_uncancel(acio_current_task());
    acio_future_close(&done);
    acio_future_close(&pending);
}

static int
await_for_ever(void *arg)
{
    acio_future *future = *(acio_future **)arg;
    int err = 0;
    while (err == 0)
        err = acio_future_await(future);
    return err;
}

struct watch_args {
    bool *seen;
};

static int
watch(void *arg)
{
    struct watch_args *a = arg;
    *a->seen = true;
    return 0;
}

SPEC(future, that_is_done_lets_others_run_all_the_same)
{
    acio_future future, *address = &future;
    bool seen = false;
    acio_future_init(&future);
    acio_future_set_result(&future, 0);
    acio_task *busy = acio_create_task_with(await_for_ever,
        (struct acio_args){ &address, sizeof address }, NULL);
    start(watch, .seen = &seen);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(busy);
    acio_future_close(&future);
    acio_await(busy);
    EXPECT(seen);
}

/* ---- callbacks ---- */

static void
note_callback(void *arg)
{
    note("%s ", (const char *)arg);
}

SPEC(future, calls_back_among_its_waiters_in_order)
{
    acio_future future;
    acio_handle first = { 0 }, last = { 0 };
    acio_future_init(&future);
    EXPECT_ERR(acio_future_add_done_callback(&future, &first, note_callback,
                   "first"),
        0);
    start(pass, .gate = &future, .text = "task");
    settle();
    EXPECT_ERR(acio_future_add_done_callback(&future, &last, note_callback,
                   "last"),
        0);
    acio_future_set_result(&future, 0);
    settle();
    EXPECT_NOTED("first task last ");
    acio_future_close(&future);
}

SPEC(future, calls_back_in_the_next_pass_when_it_is_done)
{
    acio_future future;
    acio_handle handle = { 0 };
    acio_future_init(&future);
    acio_future_set_result(&future, 0);
    EXPECT_ERR(acio_future_add_done_callback(&future, &handle, note_callback,
                   "called"),
        0);
    EXPECT_NOTED("");
    settle();
    EXPECT_NOTED("called ");
    acio_future_close(&future);
}

SPEC(future, calls_back_also_when_it_is_cancelled)
{
    acio_future future;
    acio_handle handle = { 0 }, taken_back = { 0 };
    acio_future_init(&future);
    acio_future_add_done_callback(&future, &handle, note_callback, "called");
    acio_future_add_done_callback(&future, &taken_back, note_callback, "not");
    acio_handle_cancel(&taken_back);
    acio_future_cancel(&future);
    settle();
    EXPECT_NOTED("called ");
    acio_future_close(&future);
}

SPEC(future, refuses_a_callback_that_is_null)
{
    acio_future future;
    acio_handle handle = { 0 };
    acio_future_init(&future);
    EXPECT_ERR(acio_future_add_done_callback(&future, &handle, NULL, NULL),
        -EINVAL);
    EXPECT_ERR(acio_future_add_done_callback(&future, NULL, note_callback,
                   NULL),
        -EINVAL);
    acio_future_close(&future);
}

/* ---- lost errors ---- */

SPEC(future, reports_an_error_that_nobody_read)
{
    acio_future future;
    acio_future_init(&future);
    acio_future_set_error(&future, -EIO);
    acio_future_close(&future);
    EXPECT_REPORTED("future: a future got an error and nobody read it: "
                    "Input/output error\n");
}

SPEC(future, reports_neither_a_result_nor_a_cancel_nor_what_was_read)
{
    acio_future result, cancelled, read;
    acio_future_init(&result);
    acio_future_init(&cancelled);
    acio_future_init(&read);
    acio_future_set_result(&result, 1);
    acio_future_cancel(&cancelled);
    acio_future_set_error(&read, -EIO);
    EXPECT_ERR(acio_future_result(&read), -EIO);
    acio_future_close(&result);
    acio_future_close(&cancelled);
    acio_future_close(&read);
    EXPECT_REPORTED("");
}
