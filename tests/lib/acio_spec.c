/* SPDX-License-Identifier: MIT */
/* acio_spec.c - tests that run inside a task; acio_spec.h says the rest
 *
 * The gap.    A body that was cancelled returns while tasks that it started
 *             still look at its variables, until the run has ended them. Its
 *             frame is left below a gap of the stack, which what runs after
 *             the body does not use up.
 */
#include "acio_spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "runner.h"
#include "task/task.h"

enum { GAP_BYTES = 8192 };

/* A test runs alone in its process, and its helpers take no argument. */
static const struct spec_test *test_now;
static struct spec_log notes, reports;
static int64_t began_ns;
static bool body_returned;

/* ---- tasks ---- */

void
spec_start(acio_function *f, struct acio_args args, const char *name)
{
    acio_task *task = acio_create_task_with(f, args,
        &(struct acio_task_options){ .name = name });
    if (task)
        acio_detach(task);
}

static acio_loop *
loop_now(void)
{
    acio_loop *loop = acio_get_running_loop();
    if (!loop || !acio_current_task()) {
        printf("called outside of a task\n");
        abort();
    }
    return loop;
}

static void
wake(void *arg)
{
    acioi_wake(arg);
}

/* Blind to a cancel, and no suspension point to be cancelled at. */
static void
let_others_run(acio_loop *loop)
{
    acio_handle handle = { 0 };
    acio_loop_call_soon(loop, &handle, wake, acioi_current());
    acioi_park_shielded(NULL, "settle", NULL);
}

static void
pause_ns(acio_loop *loop, int64_t delay_ns)
{
    acio_timer timer = { 0 };
    acio_loop_call_at_ns(loop, &timer, acio_loop_time_ns(loop) + delay_ns, wake,
        acioi_current());
    acioi_park_shielded(NULL, "settle", NULL);
}

static void
run_until_quiet(acio_loop *loop)
{
    do {
        let_others_run(loop);
    } while (!acioi_list_empty(&loop->ready) ||
        !acioi_list_empty(&loop->batch) ||
        !acioi_list_empty(&loop->debugging.rest));
}

/* What a kernel has ready it tells at the next wait, in no time or soon. */
void
spec_settle(void)
{
    acio_loop *loop = loop_now();
    run_until_quiet(loop);
    for (int i = 0; i < 3 && !time_is_virtual(); i++) {
        pause_ns(loop, 1000000);
        run_until_quiet(loop);
    }
}

void __tsan_init(void) __attribute__((weak));

int
spec_many(int count)
{
    return __tsan_init && count > 2000 ? 2000 : count;
}

static void
note_end(void *arg)
{
    acioi_wake(arg);
}

void
spec_finish(void)
{
    acio_loop *loop = loop_now();
    struct acioi_runtime *runtime = loop->runtime;
    while (runtime->task_count > 1) {
        struct acio_link *link = runtime->tasks.next;
        struct acioi_task *task = acioi_container_of(link, struct acioi_task,
            link);
        if (task == acioi_current())
            task = acioi_container_of(link->next, struct acioi_task, link);
        acio_handle handle = { 0 };
        acioi_task_tell(task, &handle, note_end, acioi_current());
        acioi_park_shielded(NULL, "finish", NULL);
    }
}

/* ---- time ---- */

bool
spec_time_is_virtual(void)
{
    acio_loop *loop = acio_get_running_loop();
    return loop && strcmp(acio_loop_backend(loop), "sim") == 0;
}

int64_t
spec_elapsed_ns(void)
{
    return acio_loop_time_ns(loop_now()) - began_ns;
}

bool
spec_expect_elapsed(double seconds, const struct spec_site *site)
{
    int64_t wanted_ns = acioi_seconds_to_ns(seconds);
    int64_t passed_ns = elapsed_ns();
    if (passed_ns > wanted_ns && !time_is_virtual())
        passed_ns = wanted_ns;
    return spec_expect_eq(SPEC_VALUE(passed_ns), SPEC_VALUE(wanted_ns), site);
}

/* ---- what happened ---- */

void
spec_note(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    spec_log_add(&notes, "%s", text);
}

static bool
expect_log(struct spec_log *log, const char *wanted,
    const struct spec_site *site)
{
    bool holds = spec_expect_text(log->text, wanted, site);
    *log = SPEC_LOG_INIT;
    return holds;
}

bool
spec_expect_noted(const char *wanted, const struct spec_site *site)
{
    return expect_log(&notes, wanted, site);
}

bool
spec_expect_reported(const char *wanted, const struct spec_site *site)
{
    return expect_log(&reports, wanted, site);
}

static void
note_report(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    (void)loop;
    (void)user;
    if (reports.length > sizeof reports.text / 2)
        return;
    spec_log_add(&reports, "%s: %s: %s\n",
        exception->source ? exception->source : "", exception->message,
        exception->error ? acio_strerror(exception->error) : "");
}

/* ---- the run ---- */

static __attribute__((noinline)) void
call_below_a_gap(void (*body)(void))
{
    char gap[GAP_BYTES];
    __asm__ volatile("" : : "r"(gap) : "memory"); /* keeps it */
    body();
    __asm__ volatile("" : : "r"(gap) : "memory");
}

static bool
tortured(void)
{
    return (*spec_shared)->axis != SPEC_TORTURE_NONE;
}

static void
check_tasks(void)
{
    acio_task *left[8] = { 0 };
    size_t count = acio_all_tasks(left, 8);
    for (size_t i = 0; i < count && i < 8; i++) {
        if (left[i] == acio_current_task())
            continue;
        const char *what = acio_task_waits_for(left[i]);
        spec_fail(test_now->file, test_now->line,
            "the body leaves task %s running (%s)", acio_task_name(left[i]),
            what ? what : "ready");
    }
}

/* A simulated run counts its transfers for the torture. */
static void
check_transfers(void)
{
    struct acio_sim_stats stats;
    unsigned long n = spec_torture_n(SPEC_TORTURE_SHORT);
    if (n && acio_sim_stats(acio_get_running_loop(), &stats) == 0 &&
        stats.transfers >= n)
        spec_torture_reached();
}

static int
main_task(void *arg)
{
    (void)arg;
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, note_report, NULL);
    began_ns = acio_loop_time_ns(loop);
    call_below_a_gap(test_now->body);
    body_returned = true;
    check_transfers();
    if (!tortured())
        check_tasks();
    return 0;
}

static const char *
backend_name(void)
{
    const char *name = getenv("ACIO_BACKEND");
    return name && *name ? name : "sim";
}

static int
run_tortured(acio_function *f, struct acio_args args,
    const struct acio_spec *spec)
{
    struct acio_sim_options sim = spec->sim;
    struct acio_run_options options = spec->run;
    unsigned long suspensions = 0;
    sim.short_at = spec_torture_n(SPEC_TORTURE_SHORT);
    options.sim = &sim;
    options.backend = backend_name();
    options.cancel_at = spec_torture_n(SPEC_TORTURE_CANCEL);
    options.suspensions_out = &suspensions;
    int result = acio_run_with(f, args, &options);
    if (result == -ENOSYS || result == -EPERM)
        SKIP("this machine lacks the back end");
    if (options.cancel_at && suspensions >= options.cancel_at)
        spec_torture_reached();
    return result;
}

int
spec_run(acio_function *f, struct acio_args args,
    const struct acio_run_options *options)
{
    struct acio_spec spec = { .run = { 0 } };
    if (options)
        spec.run = *options;
    return run_tortured(f, args, &spec);
}

/* Out of memory the run may not even begin; else it returns what it should. */
static void
check_result(int result, const struct acio_spec *spec)
{
    if (result == -ENOMEM && spec_torture_n(SPEC_TORTURE_ALLOC))
        return;
    if (result == -EDEADLK && tortured() && spec->may_deadlock)
        return;
    if (result < 0)
        spec_broken("the run ends with %d: %s", result, acio_strerror(result));
    else if (!body_returned)
        spec_broken("the body did not return");
}

void
acio_spec_run(const struct spec_test *test)
{
    const struct acio_spec *spec = test->data;
    test_now = test;
    int result = run_tortured(main_task, (struct acio_args){ 0 }, spec);
    check_result(result, spec);
    if (acio_get_running_loop())
        spec_broken("a loop is left running");
    if (!tortured() && reports.length)
        spec_fail(test->file, test->line, "errors were reported:\n%s",
            reports.text);
    if (!tortured() && notes.length)
        spec_fail(test->file, test->line, "notes were not asked for: \"%s\"",
            notes.text);
}
