/* SPDX-License-Identifier: MIT */
/* Runners: several runs on one loop. */
#include "runner_parts.h"

static int
note_loop(void *arg)
{
    acio_loop **seen = *(acio_loop ***)arg;
    *seen = acio_get_running_loop();
    return 0;
}

static int
run_note_loop(acio_runner *runner, acio_loop **seen)
{
    struct acio_args args = { &seen, sizeof seen };
    return acio_runner_run_with(runner, note_loop, args);
}

TEST(runner, runs_one_main_task_after_the_other_on_one_loop)
{
    acio_runner *runner = open_runner();
    acio_loop *first = NULL, *second = NULL;
    EXPECT_ERR(run_note_loop(runner, &first), 0);
    EXPECT_EQ(acio_get_running_loop(), NULL);
    EXPECT_ERR(run_note_loop(runner, &second), 0);
    EXPECT(first != NULL);
    EXPECT_EQ(first, second);
    EXPECT_EQ(first, acio_runner_loop(runner));
    close_runner(runner);
}

TEST(runner, passes_arguments_and_returns_what_the_main_task_returned)
{
    acio_runner *runner = open_runner();
    EXPECT_EQ(acio_runner_run(runner, work, .seconds = 0.001, .result = 7), 7);
    EXPECT_ERR(acio_runner_run(runner, work, .result = -EIO), -EIO);
    EXPECT_EQ(acio_runner_run(runner, work, .result = 8), 8);
    close_runner(runner);
}

static int
leave_behind(void *arg)
{
    (void)arg;
    start(work, .seconds = 0.002, .text = "left");
    int err = acio_sleep(0);
    note("first ");
    return err;
}

TEST(runner, lets_what_a_run_left_behind_go_on_in_the_next_one)
{
    acio_runner *runner = open_runner();
    EXPECT_ERR(acio_runner_run(runner, leave_behind), 0);
    EXPECT_NOTED("first ");
    EXPECT_ERR(acio_runner_run(runner, work, .seconds = 0.004,
                   .text = "second"),
        0);
    EXPECT_NOTED("left second ");
    close_runner(runner);
}

static int
leave_stubborn(void *arg)
{
    (void)arg;
    start(work, .seconds = 1000, .text = "never");
    start(stubborn, .seconds = 0.001, .text = "ended");
    return acio_sleep(0);
}

TEST(runner, that_is_closed_cancels_what_is_left_and_waits_for_it)
{
    acio_runner *runner = open_runner();
    EXPECT_ERR(acio_runner_run(runner, leave_stubborn), 0);
    EXPECT_NOTED("");
    close_runner(runner);
    EXPECT_NOTED("ended ");
}

/* ---- contexts ---- */

static acio_context_var user = { "user", "nobody" };

static int
set_user(void *arg)
{
    (void)arg;
    return acio_context_set(&user, "ada", NULL);
}

static int
note_user(void *arg)
{
    (void)arg;
    note("%s ", (char *)acio_context_get(&user));
    return 0;
}

static int
set_user_in_a_task(void *arg)
{
    (void)arg;
    int err = acio_await(acio_create_task(set_user));
    return err;
}

TEST(runner, keeps_what_a_main_task_has_set_for_the_next_one)
{
    acio_runner *runner = open_runner();
    EXPECT_ERR(acio_runner_run(runner, note_user), 0);
    EXPECT_ERR(acio_runner_run(runner, set_user_in_a_task), 0);
    EXPECT_ERR(acio_runner_run(runner, note_user), 0);
    EXPECT_ERR(acio_runner_run(runner, set_user), 0);
    EXPECT_ERR(acio_runner_run(runner, note_user), 0);
    close_runner(runner);
    EXPECT_NOTED("nobody nobody ada ");
}

/* ---- between the runs ---- */

static void
note_word(void *arg)
{
    note("%s ", (char *)arg);
}

TEST(runner, runs_callbacks_that_were_scheduled_between_the_runs)
{
    acio_runner *runner = open_runner();
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_runner_loop(runner), &handle, note_word, "soon");
    EXPECT_NOTED("");
    EXPECT_ERR(acio_runner_run(runner, work, .seconds = 0, .text = "main"), 0);
    EXPECT_NOTED("soon main ");
    close_runner(runner);
}

TEST(runner, takes_turns_with_another_one)
{
    acio_runner *one = open_runner(), *two = open_runner();
    EXPECT_EQ(acio_runner_run(one, work, .result = 1), 1);
    EXPECT_EQ(acio_runner_run(two, work, .result = 2), 2);
    EXPECT_EQ(acio_runner_run(one, work, .result = 3), 3);
    close_runner(one);
    EXPECT_EQ(acio_runner_run(two, work, .result = 4), 4);
    close_runner(two);
}

TEST(runner, that_ran_nothing_is_just_closed)
{
    acio_runner *runner = open_runner();
    close_runner(runner);
    EXPECT_ERR(acio_runner_close(NULL), 0);
}

struct await_main_args {
    acio_task *main;
};

static int
await_main(void *arg)
{
    struct await_main_args *a = arg;
    int result = acio_await(a->main);
    note("%d ", result);
    return 0;
}

static int
be_awaited(void *arg)
{
    (void)arg;
    start(await_main, .main = acio_current_task());
    int err = acio_sleep(0);
    return err < 0 ? err : 7;
}

TEST(runner, lets_a_task_have_the_result_of_a_main_task_that_has_ended)
{
    acio_runner *runner = open_runner();
    EXPECT_EQ(acio_runner_run(runner, be_awaited), 7);
    EXPECT_EQ(acio_runner_run(runner, be_awaited), 7);
    close_runner(runner);
    EXPECT_NOTED("7 7 ");
}

/* ---- what it refuses ---- */

struct run_inside_args {
    acio_runner *runner;
};

static int
run_inside(void *arg)
{
    struct run_inside_args *a = arg;
    EXPECT_ERR(acio_runner_run(a->runner, work, .result = 1), -ACIO_ERUNNING);
    EXPECT_ERR(acio_runner_close(a->runner), -ACIO_ERUNNING);
    return 0;
}

TEST(runner, refuses_to_run_or_to_end_inside_a_run)
{
    acio_runner *runner = open_runner(), *other = open_runner();
    EXPECT_ERR(acio_runner_run(runner, run_inside, runner), 0);
    EXPECT_ERR(acio_runner_run(other, run_inside, runner), 0);
    EXPECT_EQ(acio_runner_run(runner, work, .result = 2), 2);
    close_runner(other);
    close_runner(runner);
}

TEST(runner, refuses_what_makes_no_sense)
{
    acio_runner *runner = (acio_runner *)1;
    struct acio_run_options options = { .backend = "steam" };
    EXPECT_ERR(acio_runner_open(NULL, NULL), -EINVAL);
    EXPECT_ERR(acio_runner_open(&runner, &options), -EINVAL);
    EXPECT_EQ(runner, NULL);
    EXPECT_ERR(acio_runner_run_with(NULL, set_user, no_args), -EINVAL);
    runner = open_runner();
    EXPECT_ERR(acio_runner_run_with(runner, NULL, no_args), -EINVAL);
    close_runner(runner);
}

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

TEST_SIM(runner, goes_on_after_a_run_in_which_everything_waits_for_ever)
{
    acio_runner *runner = open_runner();
    EXPECT_ERR(acio_runner_run(runner, wait_for_ever), -EDEADLK);
    EXPECT_EQ(acio_runner_run(runner, work, .seconds = 1, .result = 3), 3);
    EXPECT_NOTED("");
    close_runner(runner);
    EXPECT_NOTED("Operation canceled ");
}
