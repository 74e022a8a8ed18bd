/* SPDX-License-Identifier: MIT */
/* A run: from its main task's first step to the end of the last task. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "task_parts.h"

static const struct acio_args none;

static int
return_seven(void *arg)
{
    (void)arg;
    return 7;
}

TEST(run, returns_what_its_main_task_returned)
{
    EXPECT_EQ(spec_run(return_seven, none, NULL), 7);
}

static int
fail(void *arg)
{
    (void)arg;
    return -EIO;
}

TEST(run, returns_the_error_of_its_main_task)
{
    EXPECT_ERR(spec_run(fail, none, NULL), -EIO);
}

static int
cancel_itself(void *arg)
{
    (void)arg;
    acio_cancel(acio_current_task());
    int err = acio_sleep(1);
    return err;
}

TEST(run, returns_that_its_main_task_was_cancelled)
{
    EXPECT_ERR(spec_run(cancel_itself, none, NULL), -ECANCELED);
}

TEST(run, may_come_after_a_run)
{
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(spec_run(return_seven, none, NULL), 7);
}

struct add_args {
    int a, b;
};

static int
add(void *arg)
{
    struct add_args *a = arg;
    return a->a + a->b;
}

TEST(run, passes_arguments_to_its_main_task)
{
    unsetenv("ACIO_BACKEND");
    EXPECT_EQ(acio_run(add, .a = 3, .b = 4), 7);
    EXPECT_EQ(acio_run(return_seven), 7);
}

TEST(run, of_no_function_is_refused)
{
    EXPECT_ERR(spec_run(NULL, none, NULL), -EINVAL);
}

TEST(run, on_a_back_end_that_does_not_exist_is_refused)
{
    struct acio_run_options options = { .backend = "steam" };
    EXPECT_ERR(acio_run_with(return_seven, none, &options), -EINVAL);
}

TEST(run, with_absurd_stacks_is_refused)
{
    struct acio_run_options tiny = { .stack_bytes = 1 };
    struct acio_run_options vast = { .stack_bytes = (size_t)-1 };
    struct acio_run_options large = { .stack_bytes = (size_t)1 << 40 };
    EXPECT_ERR(spec_run(return_seven, none, &tiny), -EINVAL);
    EXPECT_ERR(spec_run(return_seven, none, &vast), -EINVAL);
    EXPECT_ERR(spec_run(return_seven, none, &large), -EINVAL);
}

static int
use_stack(void *arg)
{
    (void)arg;
    volatile char deep[600 * 1024];
    memset((void *)deep, 1, sizeof deep);
    int err = acio_sleep(0);
    return err < 0 ? err : deep[0] + deep[sizeof deep - 1];
}

TEST(run, gives_each_task_the_stack_that_was_asked_for)
{
    struct acio_run_options options = { .stack_bytes = 1024 * 1024 };
    EXPECT_EQ(spec_run(use_stack, none, &options), 2);
}

/* ---- inside a run ---- */

SPEC(run, inside_a_run_is_refused)
{
    EXPECT_ERR(acio_run(return_seven), -ACIO_ERUNNING);
    EXPECT_ERR(acio_sleep(0), 0);
}

static void
run_in_a_callback(void *arg)
{
    *(int *)arg = acio_run(return_seven);
}

SPEC(run, inside_a_callback_is_refused)
{
    int result = 0;
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, run_in_a_callback,
        &result);
    settle();
    EXPECT_ERR(result, -ACIO_ERUNNING);
}

static void *
run_in_a_thread(void *arg)
{
    *(int *)arg = acio_run_with(return_seven, none,
        &(struct acio_run_options){ .backend = "epoll" });
    return NULL;
}

SPEC(run, in_another_thread_is_fine)
{
    int result = 0;
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, run_in_a_thread, &result), 0);
    pthread_join(thread, NULL);
    EXPECT_EQ(result, 7);
}

/* ---- what is left ---- */

static int
leave_tasks(void *arg)
{
    (void)arg;
    acio_detach(acio_create_task(work, .seconds = 1000, .text = "slept"));
    acio_detach(acio_create_task(stubborn, .seconds = 0.001, .text = "clean"));
    int err = acio_sleep(0);
    return err < 0 ? err : 7;
}

TEST(run, cancels_the_tasks_that_are_left_and_waits_for_them)
{
    EXPECT_EQ(spec_run(leave_tasks, none, NULL), 7);
    EXPECT_NOTED("clean ");
}

static int
leave_unstarted(void *arg)
{
    (void)arg;
    acio_detach(acio_create_task(say, .text = "ran"));
    return 7;
}

TEST(run, does_not_start_a_task_that_its_main_task_left_unstarted)
{
    EXPECT_EQ(spec_run(leave_unstarted, none, NULL), 7);
    EXPECT_NOTED("");
}

static void
note_report(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)loop, (void)user;
    note("%s: %s; ", exception->source, acio_strerror(exception->error));
}

static int
forget_tasks(void *arg)
{
    (void)arg;
    acio_loop_set_exception_handler(acio_get_running_loop(), note_report, NULL);
    acio_task *kept = acio_create_task(work, .result = -EIO);
    acio_task *stuck = acio_create_task(stubborn, .seconds = 0.001,
        .result = -EPIPE);
    int err = acio_sleep(0);
    err = err < 0 ? err : acio_sleep(0);
    return err < 0 || !kept || !stuck ? -ENOMEM : 7;
}

TEST(run, reports_the_errors_of_tasks_that_were_forgotten)
{
    EXPECT_EQ(spec_run(forget_tasks, none, NULL), 7);
    EXPECT_NOTED("work: Input/output error; stubborn: Broken pipe; ");
}

static int
fail_with_a_handler(void *arg)
{
    (void)arg;
    acio_loop_set_exception_handler(acio_get_running_loop(), note_report, NULL);
    return -EIO;
}

TEST(run, does_not_report_the_error_that_it_returns)
{
    EXPECT_ERR(spec_run(fail_with_a_handler, none, NULL), -EIO);
    EXPECT_NOTED("");
}

/* ---- everything waits for ever ---- */

static int
wait_for_ever(void *arg)
{
    (void)arg;
    acio_future never;
    acio_future_init(&never);
    int err = acio_future_await(&never);
    note("%s ", acio_strerror(err));
    return err;
}

static int
start_two_and_wait(void *arg)
{
    (void)arg;
    acio_detach(acio_create_task(wait_for_ever));
    return wait_for_ever(NULL);
}

TEST_SIM(run, in_which_everything_waits_for_ever_ends_on_the_simulator)
{
    EXPECT_ERR(spec_run(start_two_and_wait, none, NULL), -EDEADLK);
    EXPECT_NOTED("Operation canceled Operation canceled ");
}

/* ---- for tests ---- */

static int
suspend_thrice(void *arg)
{
    (void)arg;
    int err = 0;
    for (int i = 0; i < 3 && err == 0; i++) {
        err = acio_sleep(0);
        note("%d ", err == 0);
    }
    return err;
}

TEST(run, counts_its_suspension_points)
{
    unsigned long suspensions = 0;
    struct acio_run_options options = { .backend = "epoll",
        .suspensions_out = &suspensions };
    EXPECT_ERR(acio_run_with(suspend_thrice, none, &options), 0);
    EXPECT_EQ(suspensions, 3);
    EXPECT_NOTED("1 1 1 ");
}

TEST(run, cancels_the_task_that_reaches_the_nth_suspension_point)
{
    struct acio_run_options options = { .backend = "epoll", .cancel_at = 2 };
    EXPECT_ERR(acio_run_with(suspend_thrice, none, &options), -ECANCELED);
    EXPECT_NOTED("1 0 ");
}
