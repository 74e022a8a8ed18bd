/* SPDX-License-Identifier: MIT */
/* Mistakes that nobody would see are told to the exception handler, some of
 * them in debug mode alone. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "task_parts.h"

#include "engine/engine.h"

static const struct acio_args none;

/* Notes "source: message; ", without the place, whose line may change. */
static void
note_report(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)loop, (void)user;
    note("%s: %s; ", exception->source ? exception->source : "",
        exception->message);
}

static void
note_reports(void)
{
    acio_loop_set_exception_handler(acio_get_running_loop(), note_report, NULL);
}

/* ---- handles that nobody ends ---- */

static int
keep_handles(void *arg)
{
    (void)arg;
    note_reports();
    acio_task *good = acio_create_task(say, .text = "ran");
    acio_task *bad = acio_create_task(work, .result = -EIO);
    int err = acio_sleep(0);
    err = err < 0 ? err : acio_sleep(0);
    return err < 0 || !good || !bad ? -ENOMEM : 0;
}

static const struct acio_run_options in_debug_mode = { .debug = true };

TEST(debug, tells_of_a_handle_that_was_neither_awaited_nor_detached)
{
    EXPECT_ERR(spec_run(keep_handles, none, &in_debug_mode), 0);
    EXPECT_NOTED("ran "
                 "say: a task ended, and its handle was neither awaited nor "
                 "detached; "
                 "work: a task failed and nobody awaited it; ");
}

TEST(debug, is_needed_to_be_told_of_a_handle_whose_task_succeeded)
{
    EXPECT_ERR(spec_run(keep_handles, none, NULL), 0);
    EXPECT_NOTED("ran work: a task failed and nobody awaited it; ");
}

static int
end_handles(void *arg)
{
    (void)arg;
    note_reports();
    ACIO_GROUP(group);
    acio_group_create_task(&group, say, .text = "group");
    acio_task *task = acio_create_task(say, .text = "awaited");
    acio_detach(acio_create_task(say, .text = "detached"));
    acio_task *rest = acio_create_task(work, .seconds = 1000);
    int err = acio_await(task);
    int group_err = acio_group_wait(&group);
    return !rest ? -ENOMEM : err < 0 ? err : group_err;
}

TEST(debug, tells_of_no_handle_that_was_ended_and_of_no_task_that_was_cut_short)
{
    EXPECT_ERR(spec_run(end_handles, none, &in_debug_mode), 0);
    EXPECT_NOTED("group awaited detached ");
}

/* ---- tasks that are not started ---- */

struct large_args {
    char bytes[200 * 1024];
};

static int
large(void *arg)
{
    (void)arg;
    return 0;
}

SPEC(debug, tells_why_a_task_is_not_started, .run.debug = true)
{
    note_reports();
    struct acio_args args = { calloc(1, sizeof(struct large_args)),
        sizeof(struct large_args) };
    EXPECT_EQ(acio_create_task_with(large, args,
                  &(struct acio_task_options){ .name = "large" }),
        NULL);
    free((void *)args.data);
    EXPECT_EQ(acio_create_task_with(NULL, none, NULL), NULL);
    EXPECT_NOTED("large: a task was not started, for its arguments are larger "
                 "than a quarter of the stack; "
                 ": a task was not started, for its function is NULL; ");
}

static int
start_at_the_end(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    acio_detach(acio_create_task(say, .text = "too late"));
    return err;
}

static int
start_one_that_starts_at_the_end(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    acio_detach(acio_create_task_with(start_at_the_end, none,
        &(struct acio_task_options){ .always_start = true }));
    return err;
}

static int
leave_one_that_starts_another(void *arg)
{
    (void)arg;
    note_reports();
    acio_detach(acio_create_task(start_one_that_starts_at_the_end));
    return acio_sleep(0);
}

TEST(debug, tells_of_a_task_that_is_to_start_when_the_run_ends)
{
    EXPECT_ERR(spec_run(leave_one_that_starts_another, none, &in_debug_mode),
        0);
    EXPECT_NOTED("say: a task was not started, for acio_run is ending the "
                 "tasks; ");
}

/* ---- who suspends and cannot ---- */

static void
suspend(void *arg)
{
    (void)arg;
    EXPECT_ERR(acio_sleep(1), -ACIO_ENOTASK);
    EXPECT_ERR(acio_sleep(1), -ACIO_ENOTASK);
}

static void
suspend_too(void *arg)
{
    acio_future *future = arg;
    EXPECT_ERR(acio_future_await(future), -ACIO_ENOTASK);
}

static void
call_soon_and_wait(acio_callback *callback, void *arg)
{
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, callback, arg);
    settle();
}

static const char *
name_of(acio_callback *function)
{
    static char name[64];
    acioi_function_name((uintptr_t)function, name, sizeof name);
    return name;
}

/* What note_report notes of one report. */
static const char *
report_of(acio_callback *function, const char *message)
{
    static char text[192];
    snprintf(text, sizeof text, "%s: %s; ", name_of(function), message);
    return text;
}

SPEC(debug, tells_once_which_callback_wants_to_suspend, .run.debug = true)
{
    note_reports();
    call_soon_and_wait(suspend, NULL);
    EXPECT_NOTED(report_of(suspend, "acio_sleep was refused"));
    call_soon_and_wait(suspend, NULL);
    EXPECT_NOTED("");
}

SPEC(debug, tells_of_each_callback_that_wants_to_suspend, .run.debug = true)
{
    note_reports();
    acio_future future;
    EXPECT_ERR(acio_future_init(&future), 0);
    call_soon_and_wait(suspend, NULL);
    EXPECT_NOTED(report_of(suspend, "acio_sleep was refused"));
    call_soon_and_wait(suspend_too, &future);
    EXPECT_NOTED(report_of(suspend_too, "acio_future_await was refused"));
    acio_future_close(&future);
}

SPEC(debug, is_needed_to_be_told_of_a_callback_that_wants_to_suspend)
{
    note_reports();
    call_soon_and_wait(suspend, NULL);
    EXPECT_NOTED("");
}

TEST(debug, names_a_function_by_its_symbol_or_by_its_address)
{
    char name[64];
    acioi_function_name((uintptr_t)getpid, name, sizeof name);
    EXPECT(strstr(name, "getpid") != NULL);
    EXPECT(strncmp(name_of(suspend), "spec+0x", 7) == 0);
    acioi_function_name(1, name, sizeof name);
    EXPECT_TEXT(name, "function at 0x1");
}

/* ---- the handler ---- */

static acio_handle handler_handle;

static void
misbehave(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)user;
    note("%s ", exception->source);
    EXPECT_EQ(acio_current_task(), NULL);
    EXPECT_ERR(acio_sleep(1), -ACIO_ENOTASK);
    acio_loop_call_soon(loop, &handler_handle, suspend, NULL);
    acio_handle_cancel(&handler_handle);
}

SPEC(exception_handler, is_no_task_where_a_task_calls_it)
{
    acio_loop *loop = acio_get_running_loop();
    acio_task *self = acio_current_task();
    acio_loop_set_exception_handler(loop, misbehave, NULL);
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){ .message = "look", .source = "test" });
    EXPECT_NOTED("test ");
    EXPECT_EQ(acio_current_task(), self);
    EXPECT_ERR(acio_sleep(0), 0);
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EIO;
}

/* A task that has ended is cleared away on the stack of the next. */
SPEC(exception_handler, is_no_task_where_it_is_called_between_two)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, misbehave, NULL);
    start(fail_at_once);
    start(say, .text = "next");
    settle();
    EXPECT_NOTED("fail_at_once next ");
    EXPECT_ERR(acio_sleep(0), 0);
}

static void
report_again(acio_loop *loop, const struct acio_exception *exception,
    void *user)
{
    (void)user;
    note("%s ", exception->message);
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){ .message = "again" });
}

/* ---- a line on standard error ---- */

static int real_stderr, seen_stderr;

static void
catch_stderr(void)
{
    real_stderr = dup(STDERR_FILENO);
    seen_stderr = memfd_create("stderr", MFD_CLOEXEC);
    REQUIRE(real_stderr >= 0 && seen_stderr >= 0);
    REQUIRE_EQ(dup2(seen_stderr, STDERR_FILENO), STDERR_FILENO);
}

static const char *
caught(void)
{
    static char text[1024];
    ssize_t bytes = pread(seen_stderr, text, sizeof text - 1, 0);
    text[bytes < 0 ? 0 : bytes] = '\0';
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(seen_stderr);
    return text;
}

static void
call_handler(const struct acio_exception *exception)
{
    acio_loop_call_exception_handler(acio_get_running_loop(), exception);
}

SPEC(exception_handler, that_is_none_writes_a_line_for_each_report)
{
    acio_loop_set_exception_handler(acio_get_running_loop(), NULL, NULL);
    catch_stderr();
    call_handler(&(struct acio_exception){ .message = "it rains",
        .error = -EIO,
        .source = "weather",
        .place = "sky.c:7" });
    call_handler(
        &(struct acio_exception){ .message = "it snows", .source = "weather" });
    call_handler(
        &(struct acio_exception){ .message = "it hails", .place = "sky.c:8" });
    call_handler(&(struct acio_exception){ .message = "it is dry" });
    EXPECT_TEXT(caught(),
        "acio: weather (sky.c:7): it rains: Input/output error\n"
        "acio: weather: it snows\n"
        "acio: sky.c:8: it hails\n"
        "acio: it is dry\n");
}

SPEC(exception_handler, may_do_what_is_done_without_one)
{
    acio_loop *loop = acio_get_running_loop();
    catch_stderr();
    acio_loop_default_exception_handler(loop,
        &(struct acio_exception){ .message = "it rains" });
    EXPECT_TEXT(caught(), "acio: it rains\n");
}

SPEC(exception_handler, is_not_called_for_what_it_does_itself)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, report_again, NULL);
    catch_stderr();
    call_handler(&(struct acio_exception){ .message = "once" });
    EXPECT_TEXT(caught(), "acio: again\n");
    EXPECT_NOTED("once ");
}

SPEC(exception_handler, that_suspends_is_blamed_itself, .run.debug = true)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, misbehave, NULL);
    catch_stderr();
    call_handler(
        &(struct acio_exception){ .message = "once", .source = "test" });
    call_handler(
        &(struct acio_exception){ .message = "twice", .source = "test" });
    const char *text = caught();
    char wanted[192], name[64];
    acioi_function_name((uintptr_t)misbehave, name, sizeof name);
    snprintf(wanted, sizeof wanted, "acio: %s: acio_sleep was refused: %s\n",
        name, acio_strerror(ACIO_ENOTASK));
    EXPECT_TEXT(text, wanted);
    EXPECT_NOTED("test test ");
}

/* ---- the place of creation ---- */

static void
note_place(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)loop, (void)user;
    const char *place = exception->place ? exception->place : "/nowhere";
    note("%s %s ", exception->source, strrchr(place, '/') + 1);
}

SPEC(report, says_where_the_task_was_created)
{
    acio_loop_set_exception_handler(acio_get_running_loop(), note_place, NULL);
    acio_task *task;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "work debug_reports.c:%d ", __LINE__ + 1);
    task = acio_create_task(work, .result = -EIO);
    acio_detach(task);
    settle();
    EXPECT_NOTED(wanted);
}

SPEC(report, says_no_place_where_it_is_unknown)
{
    acio_loop_set_exception_handler(acio_get_running_loop(), note_place, NULL);
    start(work, .result = -EIO);
    settle();
    EXPECT_NOTED("work nowhere ");
}

/* ---- errors that are read, or not ---- */

static acio_task *failing;

static void
look_at_the_end(void *arg)
{
    bool *reads = arg;
    EXPECT(acio_task_done(failing));
    if (*reads)
        EXPECT_ERR(acio_task_result(failing), -EIO);
}

static void
fail_and_be_told(bool reads)
{
    acio_handle handle = { 0 };
    failing = acio_create_task(work, .result = -EIO);
    EXPECT_ERR(acio_task_add_done_callback(failing, &handle, look_at_the_end,
                   &reads),
        0);
    settle();
    acio_handle_cancel(&handle);
    acio_detach(failing);
}

SPEC(report, comes_where_a_done_callback_did_not_read_the_error)
{
    fail_and_be_told(false);
    EXPECT_REPORTED("work: a task failed and nobody awaited it: "
                    "Input/output error\n");
}

SPEC(report, does_not_come_where_a_done_callback_read_the_error)
{
    fail_and_be_told(true);
    EXPECT_REPORTED("");
}

/* ---- tasks that cannot be ended ---- */

static int
wait_for_ever_inside_a_shield(void *arg)
{
    (void)arg;
    acio_future never;
    acio_future_init(&never);
    ACIO_SHIELD(shield);
    return acio_future_await(&never);
}

static int
leave_a_stuck_task(void *arg)
{
    (void)arg;
    note_reports();
    acio_task *failed = acio_create_task(work, .result = -EIO);
    acio_detach(acio_create_task(wait_for_ever_inside_a_shield));
    int err = acio_sleep(0.001);
    return failed ? err : -ENOMEM;
}

static void tell_of_a_stuck_task(void);

/* Its memory stays with the process. */
SPEC_REGISTER(report, tells_of_tasks_that_wait_for_ever,
    .body = tell_of_a_stuck_task, .backend = "sim",
    .flags = SPEC_ANY_HEAP | SPEC_NO_TORTURE);

static void
tell_of_a_stuck_task(void)
{
    EXPECT_ERR(spec_run(leave_a_stuck_task, none, NULL), -EDEADLK);
    EXPECT_NOTED("wait_for_ever_inside_a_shield: a task waits for ever "
                 "(future) and cannot be ended; "
                 "work: a task failed and nobody awaited it; ");
}

/* ---- the wrong thread ---- */

struct intruder {
    acio_loop *loop;
    acio_future *future;
    acio_handle handle;
    acio_timer timer;
    acio_op op;
};

static void
do_nothing(void *arg)
{
    (void)arg;
}

static void
ignore(acio_op *op)
{
    (void)op;
}

static void
intrude(void *(*function)(void *))
{
    acio_future future;
    acio_future_init(&future);
    struct intruder intruder = { .loop = acio_get_running_loop(),
        .future = &future };
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, function, &intruder), 0);
    pthread_join(thread, NULL);
    settle();
    acio_future_close(&future);
}

static void *
call_soon_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_loop_call_soon(i->loop, &i->handle, do_nothing, NULL);
    return NULL;
}

static void *
call_later_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_loop_call_later(i->loop, &i->timer, 1, do_nothing, NULL);
    return NULL;
}

static void *
submit_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_op_poll(&i->op, 0, 0);
    acio_loop_submit(i->loop, &i->op, ignore, NULL);
    return NULL;
}

static void *
stop_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_loop_stop(i->loop);
    return NULL;
}

static void *
finish_future_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_future_set_result(i->future, 1);
    return NULL;
}

static int
run_intruder(void *arg)
{
    intrude(*(void *(**)(void *))arg);
    return 0;
}

static void
run_with_intruder(void *(*function)(void *))
{
    spec_run(run_intruder, (struct acio_args){ &function, sizeof function },
        &in_debug_mode);
}

TEST_DIES(debug, ends_who_schedules_a_callback_from_another_thread,
    "a callback was scheduled from another thread than the one that runs its "
    "loop; what is safe there is acio_loop_call_soon_threadsafe")
{
    run_with_intruder(call_soon_from_outside);
}

TEST_DIES(debug, ends_who_arms_a_timer_from_another_thread,
    "a timer was armed from another thread")
{
    run_with_intruder(call_later_from_outside);
}

TEST_DIES(debug, ends_who_submits_an_operation_from_another_thread,
    "an operation was submitted from another thread")
{
    run_with_intruder(submit_from_outside);
}

TEST_DIES(debug, ends_who_stops_a_loop_from_another_thread,
    "a loop was stopped from another thread")
{
    run_with_intruder(stop_from_outside);
}

TEST_DIES(debug, ends_who_finishes_a_future_from_another_thread,
    "a future was finished from another thread")
{
    run_with_intruder(finish_future_from_outside);
}

static void
note_call(void *arg)
{
    (void)arg;
    note("called ");
}

static void *
call_safely_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_loop_call_soon_threadsafe(i->loop, &i->handle, note_call, NULL);
    return NULL;
}

SPEC(debug, lets_other_threads_call_what_is_safe, .run.debug = true)
{
    intrude(call_safely_from_outside);
    EXPECT_NOTED("called ");
}

static void
stop_loop(void *arg)
{
    acio_loop_stop(arg);
}

static void *
prepare_from_outside(void *arg)
{
    struct intruder *i = arg;
    acio_loop_call_soon(i->loop, &i->handle, stop_loop, i->loop);
    return NULL;
}

TEST(debug, lets_another_thread_prepare_a_loop_that_does_not_run_yet)
{
    struct intruder intruder = { 0 };
    struct acio_loop_options options = { .backend = "epoll", .debug = true };
    REQUIRE_ERR(acio_loop_new(&intruder.loop, &options), 0);
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, prepare_from_outside, &intruder),
        0);
    pthread_join(thread, NULL);
    EXPECT_ERR(acio_loop_run_forever(intruder.loop), 0);
    EXPECT_ERR(acio_loop_close(intruder.loop), 0);
}
