/* SPDX-License-Identifier: MIT */
/* What went wrong once: tasks, groups, contexts and the end of a run. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "acio_spec.h"
#include "base/alloc.h"
#include "task/task.h"

static int
run_alone(acio_function *f)
{
    return spec_run(f, (struct acio_args){ 0 }, NULL);
}

static double
processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
give_way(void *arg)
{
    (void)arg;
    return acio_sleep(0);
}

static int
sleep_long(void *arg)
{
    (void)arg;
    return acio_sleep(1000);
}

/* ---- the end of a run ---- */

static int
stop_then_sleep(void *arg)
{
    (void)arg;
    acio_loop_stop(acio_get_running_loop());
    double before = processor_time();
    int err = acio_sleep(0.5);
    EXPECT(processor_time() - before < 0.1);
    return err;
}

TEST(regressions, stop_does_not_make_a_run_spin)
{
    EXPECT_ERR(run_alone(stop_then_sleep), 0);
}

/* Never ends by itself, and heeds cancels. */
static int
work_for_ever(void *arg)
{
    (void)arg;
    int err = 0;
    while (err == 0)
        err = acio_sleep(1);
    return err;
}

static int
start_another_at_the_end(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    acio_detach(acio_create_task(work_for_ever));
    return err;
}

static int
leave_that_behind(void *arg)
{
    (void)arg;
    acio_detach(acio_create_task(start_another_at_the_end));
    return acio_sleep(0.01);
}

TEST(regressions, a_run_ends_what_its_clean_up_has_started)
{
    EXPECT_ERR(run_alone(leave_that_behind), 0);
}

static int
await_a_helper_at_the_end(void *arg)
{
    int *result = *(int **)arg;
    int err = acio_sleep(1000);
    ACIO_SHIELD(shield);
    *result = acio_await(acio_create_task(give_way));
    return err;
}

static int helper_result = -1;

static int
leave_a_helper_behind(void *arg)
{
    (void)arg;
    int *result = &helper_result;
    acio_detach(acio_create_task_with(await_a_helper_at_the_end,
        (struct acio_args){ &result, sizeof result }, NULL));
    return acio_sleep(0.01);
}

TEST(regressions, what_clean_up_waits_for_is_not_cancelled)
{
    EXPECT_ERR(run_alone(leave_a_helper_behind), 0);
    EXPECT_ERR(helper_result, 0);
}

static acio_handle restart_handle;
static int restarts;

/* As a supervisor would. */
static void
restart(void *arg)
{
    (void)arg;
    acio_task *task = acio_create_task(work_for_ever);
    if (!task)
        return;
    restarts++;
    acio_task_add_done_callback(task, &restart_handle, restart, NULL);
    acio_detach(task);
}

static int
supervise(void *arg)
{
    (void)arg;
    restart(NULL);
    return acio_sleep(0.01);
}

TEST(regressions, a_run_ends_though_each_task_starts_its_successor)
{
    EXPECT_ERR(run_alone(supervise), 0);
    EXPECT_EQ(restarts, 1);
}

static acio_handle told;
static bool was_told;

static void
note_told(void *arg)
{
    (void)arg;
    was_told = true;
}

static int
ask_to_be_told(void *arg)
{
    (void)arg;
    return acio_task_add_done_callback(acio_current_task(), &told, note_told,
        NULL);
}

TEST(regressions, the_main_task_has_its_done_callbacks_called)
{
    EXPECT_ERR(run_alone(ask_to_be_told), 0);
    EXPECT(was_told);
}

struct await_it_args {
    acio_task *task;
};

static int
await_it(void *arg)
{
    struct await_it_args *a = arg;
    return acio_await(a->task);
}

static int
be_awaited(void *arg)
{
    (void)arg;
    acio_detach(acio_create_task(await_it, .task = acio_current_task()));
    ACIO_SHIELD(shield); /* the one that awaits is cancelled when this ends */
    (void)acio_sleep(0.01);
    return 5;
}

TEST(regressions, the_main_task_may_be_awaited)
{
    EXPECT_EQ(run_alone(be_awaited), 5);
}

static int
kill_itself(void *arg)
{
    (void)arg;
    kill(getpid(), SIGSEGV);
    return 0;
}

TEST(regressions, a_fault_that_was_sent_ends_the_process)
{
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    if (now.sa_handler != SIG_DFL)
        SKIP("somebody else handles SIGSEGV");
    pid_t pid = fork();
    if (pid == 0)
        _exit(run_alone(kill_itself) < 0);
    int status = 0;
    REQUIRE_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFSIGNALED(status));
}

/* ---- cancels ---- */

static int
heed_no_cancel(void *arg)
{
    (void)arg;
    ACIO_SHIELD(shield);
    (void)acio_sleep(0.1);
    return 3;
}

SPEC(regressions, taking_a_cancel_back_is_no_cancel_of_what_is_awaited)
{
    acio_task *inner = acio_create_task(heed_no_cancel);
    acio_task *outer = acio_create_task(await_it, .task = inner);
    settle();
    acio_cancel(outer);
    acio_cancel(outer);
    EXPECT_EQ(acio_cancelling(inner), 2);
    EXPECT_EQ(acio_uncancel(outer), 1);
    EXPECT_EQ(acio_cancelling(inner), 2);
    EXPECT_EQ(acio_await(outer), 3);
}

static acio_group *shared_group;
static acio_handle late_handle;
static acio_task *late_child;

static void
add_late_child(void *arg)
{
    (void)arg;
    late_child = acio_group_create_task(shared_group, sleep_long);
}

static int
own_a_group(void *arg)
{
    (void)arg;
    ACIO_GROUP(group);
    shared_group = &group;
    acio_task *child = acio_group_create_task(&group, give_way);
    acio_task_add_done_callback(child, &late_handle, add_late_child, NULL);
    return acio_group_wait(&group);
}

SPEC(regressions, a_child_that_came_late_is_cancelled_with_its_group)
{
    acio_task *owner = acio_create_task(own_a_group);
    settle();
    EXPECT(late_child != NULL);
    acio_cancel(owner);
    EXPECT_ERR(acio_await(owner), -ECANCELED);
    EXPECT_ELAPSED(0);
}

/* ---- suspending ---- */

static bool ran;

static int
note_that_it_ran(void *arg)
{
    (void)arg;
    ran = true;
    return 0;
}

SPEC(regressions, awaiting_futures_that_are_done_lets_others_run)
{
    acio_future future;
    REQUIRE_EQ(acio_future_init(&future), 0);
    acio_future_set_result(&future, 1);
    start(note_that_it_ran);
    for (int i = 0; i < 1000 && !ran; i++)
        (void)acio_future_await(&future);
    EXPECT(ran);
    acio_future_close(&future);
    finish();
}

SPEC(regressions, an_op_that_completes_many_times_is_not_awaited)
{
    acio_op op = { 0 };
    acio_op_recv_many(&op, 0);
    EXPECT_ERR(acio_await_op(&op), -EINVAL);
    EXPECT(!acio_op_alive(&op));
}

/* ---- contexts ---- */

static acio_context_var first = { .name = "first" };
static acio_context_var second = { .name = "second" };
static acio_context *entered;
static int values[4];

static int
set_inside(void *arg)
{
    return acio_context_set(&second, arg, NULL);
}

static int
enter_again(void *arg)
{
    int err = acio_context_set(&second, &values[1], NULL);
    if (err == 0)
        err = acio_context_run(&entered, set_inside, arg);
    EXPECT(err < 0 || acio_context_get(&second) == &values[1]);
    return err;
}

SPEC(regressions, a_context_can_be_entered_while_it_is_entered)
{
    REQUIRE_EQ(acio_context_set(&first, &values[0], NULL), 0);
    entered = acio_copy_context();
    REQUIRE_EQ(acio_context_set(&first, &values[3], NULL), 0);
    EXPECT_EQ(acio_context_run(&entered, enter_again, &values[2]), 0);
    EXPECT_EQ(acio_context_run(&entered, enter_again, &values[2]), 0);
    acio_context_release(entered);
}

/* ---- long chains ---- */

struct link_args {
    int depth;
};

static int
await_the_next(void *arg)
{
    struct link_args *a = arg;
    if (a->depth == 0)
        return acio_sleep(1000);
    struct link_args next = { a->depth - 1 };
    acio_task *task = acio_create_task_with(await_the_next,
        (struct acio_args){ &next, sizeof next }, NULL);
    return acio_await(task);
}

SPEC_LARGE(regression, a_cancel_goes_down_a_long_chain_of_awaits)
{
    struct link_args start_args = { many(5000) };
    acio_task *task = acio_create_task_with(await_the_next,
        (struct acio_args){ &start_args, sizeof start_args }, NULL);
    settle();
    acio_cancel(task);
    ALWAYS(acio_await(task) < 0);
    EXPECT_EQ(acio_task_done(task), true);
}

/* ---- futures that end with their block ---- */

struct await_future_args {
    acio_future *future;
    int *result;
};

static int
await_future(void *arg)
{
    struct await_future_args *a = arg;
    *a->result = acio_future_await(a->future);
    return 0;
}

SPEC(regression, a_future_may_go_before_those_who_waited_for_it_run)
{
    int result = 0;
    acio_future *future = acioi_alloc(sizeof *future);
    REQUIRE(future != NULL);
    acio_future_init(future);
    acio_task *task = acio_create_task(await_future, .future = future,
        .result = &result);
    settle();
    acio_future_set_result(future, 7);
    acio_future_close(future);
    acioi_free(future);
    acio_await(task);
    EXPECT_EQ(result, 7);
}

/* ---- interrupted between two waits ---- */

static int
park_twice(void *arg)
{
    int *answers = *(int **)arg;
    struct acioi_task *self = acioi_current();
    answers[0] = acioi_park_with(self, acioi_interrupt_wake, "first", NULL);
    answers[1] = acioi_park_with(self, acioi_interrupt_wake, "second", NULL);
    return 0;
}

SPEC(regression, a_cancel_that_comes_with_a_wake_up_ends_the_next_wait)
{
    int answers[2] = { 1, 1 }, *out = answers;
    acio_task *task = acio_create_task_with(park_twice,
        (struct acio_args){ &out, sizeof out }, NULL);
    REQUIRE(task != NULL);
    settle();
    int err;
    acioi_wake(acioi_task_of(task, &err));
    acio_cancel(task);
    acio_await(task);
    EXPECT_ERR(answers[0], 0);
    EXPECT_ERR(answers[1], -ECANCELED);
}
