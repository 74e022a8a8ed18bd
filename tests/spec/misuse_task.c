/* SPDX-License-Identifier: MIT */
/* Misuse of tasks is answered, as far as it can be seen. */
#include <pthread.h>

#include "task_parts.h"

SPEC(misuse, of_a_task_that_is_null)
{
    EXPECT_ERR(acio_await(NULL), -EINVAL);
    EXPECT_ERR(acio_wait_for(NULL, 1), -EINVAL);
    EXPECT_ERR(acio_task_result(NULL), -EINVAL);
    EXPECT_ERR(acio_task_set_name(NULL, "x"), -EINVAL);
    EXPECT_TEXT(acio_task_name(NULL), "");
    EXPECT(!acio_cancel(NULL));
    EXPECT_EQ(acio_cancelling(NULL), 0);
    EXPECT_EQ(acio_uncancel(NULL), 0);
    EXPECT(acio_task_done(NULL));
    EXPECT(!acio_task_cancelled(NULL));
    EXPECT_EQ(acio_task_waits_for(NULL), NULL);
    acio_detach(NULL);
}

SPEC(misuse, of_a_task_that_was_awaited)
{
    acio_task *task = acio_create_task(work, .result = 1);
    EXPECT_EQ(acio_await(task), 1);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
    EXPECT_ERR(acio_wait_for(task, 1), -ACIO_EGONE);
    EXPECT_ERR(acio_task_result(task), -ACIO_EGONE);
    EXPECT_ERR(acio_task_set_name(task, "x"), -ACIO_EGONE);
    EXPECT_TEXT(acio_task_name(task), "");
    EXPECT(!acio_cancel(task));
    EXPECT(acio_task_done(task));
    acio_detach(task);
}

SPEC(misuse, of_a_handle_whose_memory_another_task_has)
{
    acio_task *old = acio_create_task(work, .result = 1);
    EXPECT_EQ(acio_await(old), 1);
    acio_task *young = acio_create_task(work, .result = 2);
    EXPECT(!acio_cancel(old));
    EXPECT_ERR(acio_await(old), -ACIO_EGONE);
    EXPECT_EQ(acio_await(young), 2);
}

SPEC(misuse, of_a_task_that_was_detached)
{
    acio_task *task = acio_create_task(work, .seconds = 0.001);
    acio_detach(task);
    EXPECT_ERR(acio_await(task), -ACIO_EGONE);
    EXPECT_ERR(acio_wait_for(task, 1), -ACIO_EGONE);
    acio_detach(task);
    finish();
}

enum { MANY = 20000 };

SPEC_LARGE(misuse, of_handles_whose_memory_went_back_to_the_system)
{
    static acio_task *tasks[MANY];
    int count = many(MANY);
    for (int i = 0; i < count; i++)
        tasks[i] = acio_create_task(work, .result = 1);
    for (int i = 0; i < count; i++)
        acio_await(tasks[i]);
    for (int i = 0; i < count; i++) {
        acio_task *task = acio_create_task(work, .result = 1);
        acio_await(task);
    }
    int gone = 0;
    for (int i = 0; i < count; i++)
        gone += acio_task_result(tasks[i]) == -ACIO_EGONE;
    EXPECT_EQ(gone, count);
}

SPEC(misuse, by_a_task_that_awaits_itself)
{
    acio_task *self = acio_current_task();
    EXPECT_ERR(acio_await(self), -ACIO_ESELF);
    EXPECT_ERR(acio_wait_for(self, 1), -ACIO_ESELF);
    EXPECT_ERR(acio_sleep(0), 0);
}

SPEC(misuse, of_a_limit_that_is_no_number)
{
    acio_task *task = acio_create_task(work, .result = 1);
    EXPECT_ERR(acio_wait_for(task, __builtin_nan("")), -EINVAL);
    EXPECT_EQ(acio_await(task), 1);
}

SPEC(misuse, of_a_function_that_is_null)
{
    struct acio_args none = { 0 };
    acio_group group;
    EXPECT_EQ(acio_create_task_with(NULL, none, NULL), NULL);
    acio_group_open(&group);
    EXPECT_EQ(acio_group_create_task_with(&group, NULL, none, NULL), NULL);
    EXPECT(acio_group_start_with(&group, NULL, none, NULL) < 0);
    EXPECT_ERR(acio_group_wait(&group), -EINVAL);
    acio_group_close(&group);
}

SPEC(misuse, of_a_callback_that_is_null)
{
    acio_handle handle = { 0 };
    acio_task *task = acio_create_task(work, .result = 1);
    EXPECT_ERR(acio_task_add_done_callback(task, &handle, NULL, NULL), -EINVAL);
    EXPECT_ERR(acio_task_add_done_callback(task, NULL, NULL, NULL), -EINVAL);
    EXPECT_EQ(acio_await(task), 1);
}

/* ---- outside of a task ---- */

static acio_task *waiting;

static void
suspend_in_a_callback(void *arg)
{
    (void)arg;
    acio_future future;
    acio_op op = { 0 };
    acio_group group;
    acio_timeout limit;
    acio_shield shield;
    EXPECT_EQ(acio_current_task(), NULL);
    EXPECT_ERR(acio_sleep(1), -ACIO_ENOTASK);
    EXPECT_ERR(acio_await(waiting), -ACIO_ENOTASK);
    EXPECT_ERR(acio_wait_for(waiting, 1), -ACIO_ENOTASK);
    EXPECT_ERR(acio_gather(&waiting, 1, NULL, 0), -ACIO_ENOTASK);
    EXPECT_ERR(acio_await_op(&op), -ACIO_ENOTASK);
    EXPECT_ERR(acio_future_init(&future), 0);
    EXPECT_ERR(acio_future_await(&future), -ACIO_ENOTASK);
    acio_future_close(&future);
    EXPECT_ERR(acio_group_open(&group), -ACIO_ENOTASK);
    EXPECT_EQ(acio_group_create_task(&group, work), NULL);
    EXPECT_ERR(acio_group_start(&group, work), -ACIO_ECLOSED);
    EXPECT_ERR(acio_group_wait(&group), -ACIO_ENOTASK);
    acio_group_cancel(&group);
    acio_group_close(&group);
    EXPECT_ERR(acio_timeout_open(&limit, 1), -ACIO_ENOTASK);
    EXPECT_ERR(acio_timeout_reschedule(&limit, 1), -ACIO_EINVALIDSTATE);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_shield_open(&shield), -ACIO_ENOTASK);
    acio_shield_close(&shield);
    note("called ");
}

SPEC(misuse, by_a_callback_that_wants_to_suspend)
{
    acio_handle handle = { 0 };
    waiting = acio_create_task(work, .seconds = 0.001, .result = 1);
    acio_loop_call_soon(acio_get_running_loop(), &handle, suspend_in_a_callback,
        NULL);
    settle();
    EXPECT_NOTED("called ");
    EXPECT_EQ(acio_await(waiting), 1);
}

static void
start_in_a_callback(void *arg)
{
    acio_task **task = arg;
    *task = acio_create_task(work, .result = 6);
}

SPEC(misuse, it_is_not_that_a_callback_starts_a_task)
{
    acio_handle handle = { 0 };
    acio_task *task = NULL;
    acio_loop_call_soon(acio_get_running_loop(), &handle, start_in_a_callback,
        &task);
    settle();
    EXPECT_EQ(acio_await(task), 6);
}

TEST(misuse, of_tasks_without_a_loop)
{
    acio_future future;
    acio_task *first;
    EXPECT_EQ(acio_create_task(work, .result = 0), NULL);
    EXPECT_EQ(acio_current_task(), NULL);
    EXPECT_EQ(acio_all_tasks(&first, 1), 0);
    EXPECT_ERR(acio_sleep(0), -ACIO_ENOTASK);
    EXPECT_ERR(acio_future_init(&future), -ACIO_ENOLOOP);
    EXPECT_ERR(acio_future_set_result(&future, 1), -ACIO_EINVALIDSTATE);
    acio_future_close(&future);
}

static void
start_without_tasks(void *arg)
{
    (void)arg;
    EXPECT_EQ(acio_create_task(work, .result = 0), NULL);
    EXPECT_ERR(acio_sleep(0), -ACIO_ENOTASK);
    acio_loop_stop(acio_get_running_loop());
}

TEST(misuse, of_tasks_in_a_loop_that_has_none)
{
    acio_loop *loop;
    acio_handle handle = { 0 };
    REQUIRE_ERR(acio_loop_new(&loop,
                    &(struct acio_loop_options){ .backend = "epoll" }),
        0);
    acio_loop_call_soon(loop, &handle, start_without_tasks, NULL);
    EXPECT_ERR(acio_loop_run_forever(loop), 0);
    EXPECT_ERR(acio_loop_close(loop), 0);
}

/* ---- another loop ---- */

static int
use_foreign_things(void *arg)
{
    acio_future *future = *(acio_future **)arg;
    EXPECT_ERR(acio_await(waiting), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_task_result(waiting), -ACIO_EFOREIGN);
    EXPECT(!acio_cancel(waiting));
    EXPECT_ERR(acio_future_await(future), -ACIO_EFOREIGN);
    int result = 0;
    EXPECT_ERR(acio_gather(&waiting, 1, &result, 0), -ACIO_EFOREIGN);
    EXPECT_ERR(result, -ACIO_EFOREIGN);
    return 0;
}

static void *
run_another_loop(void *future)
{
    struct acio_run_options options = { .backend = "epoll" };
    struct acio_args args = { &future, sizeof future };
    acio_run_with(use_foreign_things, args, &options);
    return NULL;
}

SPEC(misuse, of_a_task_and_a_future_of_another_loop)
{
    acio_future future;
    acio_future_init(&future);
    waiting = acio_create_task(work, .seconds = 0.001, .result = 1);
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, run_another_loop, &future), 0);
    pthread_join(thread, NULL);
    EXPECT_EQ(acio_await(waiting), 1);
    acio_future_close(&future);
}

/* ---- bugs that end the process ---- */

static int
return_inside_a_timeout(void *arg)
{
    (void)arg;
    static acio_timeout limit;
    return acio_timeout_open(&limit, 1);
}

TEST_DIES(misuse, by_a_task_that_returns_inside_its_scope,
    "returned inside a scope that it had opened")
{
    spec_run(return_inside_a_timeout, (struct acio_args){ 0 }, NULL);
}

static int
close_in_the_wrong_order(void *arg)
{
    (void)arg;
    acio_timeout outer, inner;
    acio_timeout_open(&outer, 1);
    acio_timeout_open(&inner, 1);
    acio_timeout_close(&outer);
    return 0;
}

TEST_DIES(misuse, by_scopes_that_are_closed_in_the_wrong_order,
    "scopes must be closed in reverse order")
{
    spec_run(close_in_the_wrong_order, (struct acio_args){ 0 }, NULL);
}

struct close_for_another_args {
    acio_timeout *limit;
};

static int
close_for_another(void *arg)
{
    struct close_for_another_args *a = arg;
    acio_timeout_close(a->limit);
    return 0;
}

static int
let_another_close(void *arg)
{
    (void)arg;
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_task *task = acio_create_task(close_for_another, .limit = &limit);
    return acio_await(task);
}

TEST_DIES(misuse, by_a_scope_that_another_task_closes,
    "closed by another task than its own")
{
    spec_run(let_another_close, (struct acio_args){ 0 }, NULL);
}
