/* SPDX-License-Identifier: MIT */
/* traces.h - scenarios that are written twice, in C and in Python
 *
 * Idea.       A scenario runs on the simulator and says what happens. Its twin
 *             of the same name, in the file of the same name that ends in .py,
 *             does the same with asyncio under a virtual clock. Both traces
 *             are to be equal, line for line; compare.py looks at that.
 *
 *                 SCENARIO(tasks_run_in_order_of_creation)
 *                 {
 *                     start(work, .text = "a");
 *                     start(work, .text = "b");
 *                     acio_sleep(1);
 *                 }
 *
 * Times.      Whole and half seconds: asyncio adds floating-point numbers.
 */
#ifndef ACIO_TESTS_TRACES_H
#define ACIO_TESTS_TRACES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <acio.h>

struct scenario {
    const char *name;
    const char *file; /* where it stands, for the order of the traces */
    int line;
    void (*body)(void);                 /* in a task; or */
    void (*loop_body)(acio_loop *loop); /* with a loop that does not run */
};

#define SCENARIO_REGISTER(name_, ...)                                          \
    static const struct scenario scenario_##name_ = { .name = #name_,          \
        .file = __FILE__,                                                      \
        .line = __LINE__,                                                      \
        __VA_ARGS__ };                                                         \
    static const struct scenario *const scenario_entry_##name_                 \
        __attribute__((used, section("scenarios"))) = &scenario_##name_

/* SCENARIO(name) { ... }: the main task of a loop of its own. */
#define SCENARIO(name)                                                         \
    static void body_##name(void);                                             \
    SCENARIO_REGISTER(name, .body = body_##name);                              \
    static void body_##name(void)

/* SCENARIO_LOOP(name) { ... }: runs `loop` itself. */
#define SCENARIO_LOOP(name)                                                    \
    static void body_##name(acio_loop *loop);                                  \
    SCENARIO_REGISTER(name, .loop_body = body_##name);                         \
    static void body_##name(acio_loop *loop)

/* Writes a line of the trace: the time, and the text. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What both languages call a result: "3", "cancelled", "timeout", "EIO". */
const char *word(int result);

/* Says the text that `arg` points to. */
void say_text(void *arg);

/* Callbacks that say a text, on the running loop. */
void call_soon(acio_handle *handle, const char *text);
void call_later(acio_timer *timer, double delay, const char *text);

/* Starts a task whose result does not matter. */
#define start(f, ...)                                                          \
    acio_detach(acio_create_task(f __VA_OPT__(, ) __VA_ARGS__))

/* ---- async functions that scenarios are made of ---- */

/* Sleeps, says `text`, ends with `result`; says it if it is interrupted. */
struct work_args {
    const char *text;
    double delay;
    int result;
};
int work(void *arg);

/* The same, and then cleans up for `cleanup` seconds, whatever happened. */
struct tidy_args {
    const char *text;
    double delay, cleanup;
    int result;
};
int tidy(void *arg);

/* The same as work, but does not care about a cancel. */
struct stubborn_args {
    const char *text;
    double delay;
    int result;
};
int stubborn(void *arg);

/* Says "text 0", "text 1" ... and lets the others run after each. */
struct tick_args {
    const char *text;
    int times;
};
int tick(void *arg);

/* Waits, says how that ended, and ends with the same. */
struct await_task_args {
    const char *text;
    acio_task *task;
};
int await_task(void *arg);

struct await_future_args {
    const char *text;
    acio_future *future;
};
int await_future(void *arg);

/* Cancels another task when it runs. */
struct cancel_args {
    acio_task *task;
};
int cancel(void *arg);

#endif
