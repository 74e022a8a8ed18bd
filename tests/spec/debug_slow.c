/* SPDX-License-Identifier: MIT */
/* What runs for too long is reported in debug mode.
 *
 * With a limit of 0 everything is, on any clock: that shows what is measured.
 * Whether a step was long can be told of processor time alone, which a busy
 * machine does not stretch. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "task_parts.h"

#include "engine/engine.h"

/* ---- what was reported, of one source ---- */

static struct {
    char source[64];
    char message[128];
    char place[128];
    int count;
} told;

static bool
starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void
count_slow(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)loop, (void)user;
    if (strcmp(exception->source, told.source) != 0)
        return;
    told.count++;
    snprintf(told.message, sizeof told.message, "%s", exception->message);
    snprintf(told.place, sizeof told.place, "%s",
        exception->place ? exception->place : "");
}

/* From here on all that takes `limit` seconds is reported, and what concerns
 * `source` is kept. */
static void
watch(const char *source, double limit)
{
    acio_loop *loop = acio_get_running_loop();
    told.count = 0;
    told.message[0] = told.place[0] = '\0';
    snprintf(told.source, sizeof told.source, "%s", source);
    acio_loop_set_exception_handler(loop, count_slow, NULL);
    acio_loop_set_slow_callback_duration(loop, limit);
}

static void
watch_function(acio_callback *function, double limit)
{
    char name[64];
    acioi_function_name((uintptr_t)function, name, sizeof name);
    watch(name, limit);
}

static void
burn(double seconds)
{
    struct timespec began, now;
    double passed;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        passed = (double)(now.tv_sec - began.tv_sec) +
            (double)(now.tv_nsec - began.tv_nsec) / 1e9;
    } while (passed < seconds);
}

static int
burn_once(void *arg)
{
    (void)arg;
    burn(0.03);
    return 0;
}

static int
step_thrice(void *arg)
{
    (void)arg;
    int err = acio_sleep(0);
    return err < 0 ? err : acio_sleep(0);
}

/* ---- tasks ---- */

SPEC_REAL(slow, task_is_reported_by_its_name_and_place, .run.debug = true)
{
    watch("burn_once", 0.02);
    char place[64];
    acio_task *task;
    snprintf(place, sizeof place, "debug_slow.c:%d", __LINE__ + 1);
    task = acio_create_task(burn_once);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(told.count, 1);
    EXPECT(starts_with(told.message, "a task ran for 0."));
    EXPECT(strstr(told.message, " seconds without suspending") != NULL);
    EXPECT(strstr(told.place, place) != NULL);
}

SPEC(slow, task_is_measured_step_by_step, .run.debug = true)
{
    watch("step_thrice", 0);
    acio_task *one = acio_create_task(step_thrice);
    EXPECT_ERR(acio_await(one), 0);
    EXPECT_EQ(told.count, 3);
}

/* Outside of debug mode each would switch to the next by itself. */
SPEC(slow, tasks_that_take_turns_are_measured_one_by_one, .run.debug = true)
{
    watch("step_thrice", 0);
    acio_task *one = acio_create_task(step_thrice);
    acio_task *two = acio_create_task(step_thrice);
    EXPECT_ERR(acio_await(one), 0);
    EXPECT_ERR(acio_await(two), 0);
    EXPECT_EQ(told.count, 6);
}

SPEC(slow, task_may_be_gone_when_it_is_reported, .run.debug = true)
{
    watch("named at last", 0);
    acio_task *task = acio_create_task(step_thrice);
    EXPECT_ERR(acio_task_set_name(task, "named at last"), 0);
    acio_detach(task);
    finish();
    EXPECT_EQ(told.count, 3);
}

SPEC(slow, nothing_is_outside_of_debug_mode)
{
    watch("step_thrice", 0);
    EXPECT_ERR(acio_await(acio_create_task(step_thrice)), 0);
    EXPECT_EQ(told.count, 0);
}

SPEC(slow, steps_are_reported_from_when_debug_mode_is_on_until_it_is_off)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_debug(loop, true);
    watch("step_thrice", 0);
    EXPECT_ERR(acio_await(acio_create_task(step_thrice)), 0);
    EXPECT_EQ(told.count, 3);
    acio_loop_set_debug(loop, false);
    EXPECT(!acio_loop_debug(loop));
    EXPECT_ERR(acio_sleep(0), 0); /* what this pass has left is measured yet */
    EXPECT_ERR(acio_await(acio_create_task(step_thrice)), 0);
    EXPECT_EQ(told.count, 3);
}

SPEC_SIM(slow, nothing_is_on_a_clock_that_stands_still, .run.debug = true)
{
    watch("burn_once", 1e-9);
    EXPECT_ERR(acio_await(acio_create_task(burn_once)), 0);
    EXPECT_EQ(told.count, 0);
}

/* ---- callbacks ---- */

static void
call(void *arg)
{
    (void)arg;
    note("called ");
}

static void
free_own_handle(void *arg)
{
    *(acio_handle *)arg = (acio_handle){ 0 };
}

SPEC(slow, callback_is_reported_by_its_function, .run.debug = true)
{
    acio_handle handle = { 0 };
    watch_function(call, 0);
    acio_loop_call_soon(acio_get_running_loop(), &handle, call, NULL);
    settle();
    EXPECT_NOTED("called ");
    EXPECT_EQ(told.count, 1);
    EXPECT(starts_with(told.message, "a callback ran for 0."));
    EXPECT_TEXT(told.place, "");
}

SPEC(slow, callback_may_have_freed_its_handle, .run.debug = true)
{
    acio_handle handle = { 0 };
    watch_function(free_own_handle, 0);
    acio_loop_call_soon(acio_get_running_loop(), &handle, free_own_handle,
        &handle);
    settle();
    EXPECT_EQ(told.count, 1);
}

SPEC(slow, timer_is_reported_by_its_function, .run.debug = true)
{
    acio_timer timer = { 0 };
    watch_function(call, 0);
    acio_loop_call_later(acio_get_running_loop(), &timer, 0.001, call, NULL);
    (void)acio_sleep(0.002);
    settle();
    EXPECT_NOTED("called ");
    EXPECT_EQ(told.count, 1);
    acio_timer_cancel(acio_get_running_loop(), &timer);
}

static int pipe_fds[2];

static void
empty_pipe(void *arg)
{
    (void)arg;
    char byte;
    EXPECT_EQ(read(pipe_fds[0], &byte, 1), 1);
    acio_loop_remove_reader(acio_get_running_loop(), pipe_fds[0]);
}

SPEC(slow, reader_is_reported_by_its_function, .run.debug = true)
{
    REQUIRE_EQ(pipe(pipe_fds), 0);
    watch_function(empty_pipe, 0);
    acio_loop *loop = acio_get_running_loop();
    if (acio_loop_add_reader(loop, pipe_fds[0], empty_pipe, NULL) == 0) {
        EXPECT_EQ(write(pipe_fds[1], "x", 1), 1);
        (void)acio_sleep(0.01);
        settle();
        EXPECT_EQ(told.count, 1);
        acio_loop_remove_reader(loop, pipe_fds[0]);
    }
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

SPEC_REAL(slow, signal_handler_is_reported_by_its_function, .run.debug = true)
{
    watch_function(call, 0);
    acio_loop *loop = acio_get_running_loop();
    EXPECT_ERR(acio_loop_add_signal_handler(loop, SIGUSR1, call, NULL), 0);
    raise(SIGUSR1);
    settle();
    EXPECT_NOTED("called ");
    EXPECT_EQ(told.count, 1);
    acio_loop_remove_signal_handler(loop, SIGUSR1);
}

/* ---- the limit ---- */

SPEC(slow, is_what_takes_a_tenth_of_a_second)
{
    acio_loop *loop = acio_get_running_loop();
    EXPECT_NEAR(acio_loop_slow_callback_duration(loop), 0.1, 1e-12);
    acio_loop_set_slow_callback_duration(loop, 0.25);
    EXPECT_NEAR(acio_loop_slow_callback_duration(loop), 0.25, 1e-12);
}

SPEC(slow, the_limit_is_left_alone_by_what_is_no_number)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_slow_callback_duration(loop, __builtin_nan(""));
    EXPECT_NEAR(acio_loop_slow_callback_duration(loop), 0.1, 1e-12);
}

SPEC(slow, nothing_is_where_the_limit_is_infinite, .run.debug = true)
{
    watch("step_thrice", __builtin_inf());
    EXPECT_ERR(acio_await(acio_create_task(step_thrice)), 0);
    EXPECT_EQ(told.count, 0);
}

/* ---- debug mode itself ---- */

static int
return_debug(void *arg)
{
    (void)arg;
    return acio_loop_debug(acio_get_running_loop());
}

static int
debug_where_variable_is(const char *value)
{
    setenv("ACIO_DEBUG", value, 1);
    int debug = spec_run(return_debug, (struct acio_args){ 0 }, NULL);
    unsetenv("ACIO_DEBUG");
    return debug;
}

TEST(debug, mode_is_asked_for_by_a_variable_of_the_environment)
{
    EXPECT_EQ(debug_where_variable_is("1"), 1);
    EXPECT_EQ(debug_where_variable_is("0"), 0);
    EXPECT_EQ(debug_where_variable_is(""), 0);
}

SPEC(debug, mode_is_asked_for_by_an_option, .run.debug = true)
{
    EXPECT(acio_loop_debug(acio_get_running_loop()));
}

SPEC(debug, mode_keeps_the_order, .run.debug = true)
{
    start(say, .text = "a");
    start(say, .text = "b");
    acio_task *last = acio_create_task(say, .text = "c");
    EXPECT_ERR(acio_await(last), 0);
    EXPECT_NOTED("a b c ");
}
