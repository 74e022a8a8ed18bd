/* SPDX-License-Identifier: MIT */
/* acio_spec.h - tests that run inside a task
 *
 * Idea.       The body of a SPEC is the main task of a loop, on the back end
 *             that $ACIO_BACKEND names (the simulator where it names none):
 *
 *                 SPEC(event, wakes_its_waiters_in_order_of_arrival)
 *                 {
 *                     acio_event event;
 *                     acio_event_init(&event);
 *                     start(wait_then_note, .event = &event, .text = "a");
 *                     start(wait_then_note, .event = &event, .text = "b");
 *                     settle();
 *                     EXPECT_NOTED("");
 *                     acio_event_set(&event);
 *                     settle();
 *                     EXPECT_NOTED("ab");
 *                 }
 *
 * Time.       On the simulator it is exact, EXPECT_ELAPSED says so; on the
 *             others nothing may come too early. SPEC_SIM is for what only a
 *             virtual clock can show, and is no test elsewhere.
 * Judgement.  Beyond what spec.h says a SPEC fails where it leaves a task
 *             running, where an error is reported that no EXPECT_REPORTED
 *             asked for, and where everything waits for ever.
 * Torture.    By cancel the task that reaches the n-th suspension point is
 *             cancelled, by short the n-th transfer moves one byte. settle and
 *             finish are blind to that. When the body has returned, what it
 *             has started is cancelled; its variables are still there.
 */
#ifndef ACIO_TESTS_ACIO_SPEC_H
#define ACIO_TESTS_ACIO_SPEC_H

#include <errno.h>
#include <stdint.h>

#include <acio.h>
#include <acio/sim.h>

#include "spec.h"

/* What a SPEC asks for besides the defaults; the back end, the simulator's
 * options and the torture are filled in. */
struct acio_spec {
    struct acio_run_options run;
    struct acio_sim_options sim;
    bool may_deadlock; /* a cancel may leave nobody to go on: that is the
                        * test's story and not a lost wake-up */
};

void acio_spec_run(const struct spec_test *test);

#define SPEC_KIND(suite, name, backend_, flags_, ...)                          \
    static void spec_body_##suite##_##name(void);                              \
    static const struct acio_spec spec_data_##suite##_##name = {               \
        __VA_ARGS__                                                            \
    };                                                                         \
    SPEC_REGISTER(suite, name, .body = spec_body_##suite##_##name,             \
        .backend = backend_, .flags = flags_, .run = acio_spec_run,            \
        .data = &spec_data_##suite##_##name);                                  \
    static void spec_body_##suite##_##name(void)

/* SPEC(suite, name_as_a_sentence[, .run.debug = true ...]) { ... } */
#define SPEC(suite, name, ...) SPEC_KIND(suite, name, NULL, 0, __VA_ARGS__)

/* The same, on the simulator alone. */
#define SPEC_SIM(suite, name, ...) SPEC_KIND(suite, name, "sim", 0, __VA_ARGS__)

/* The same, where the kernel is real. */
#define SPEC_REAL(suite, name, ...)                                            \
    SPEC_KIND(suite, name, "epoll uring", 0, __VA_ARGS__)

/* The same as SPEC, but without torture: too large for it. */
#define SPEC_LARGE(suite, name, ...)                                           \
    SPEC_KIND(suite, name, NULL, SPEC_NO_TORTURE, __VA_ARGS__)

/* A plain TEST, on the simulator alone: it calls spec_run. */
#define TEST_SIM(suite, name)                                                  \
    static void spec_body_##suite##_##name(void);                              \
    SPEC_REGISTER(suite, name, .body = spec_body_##suite##_##name,             \
        .backend = "sim");                                                     \
    static void spec_body_##suite##_##name(void)

/* ---- tasks ---- */

/* Starts a task whose result does not matter; an error of it is reported. */
#define start(f, ...) spec_start(f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__), #f)
void spec_start(acio_function *f, struct acio_args args, const char *name);

/* Lets the others run until each of them is parked; virtual time stands
 * still. */
#define settle() spec_settle()
void spec_settle(void);

/* `count` tasks, or as many as ThreadSanitizer bears where it watches. */
#define many(count) spec_many(count)
int spec_many(int count);

/* Waits until all other tasks have ended, for as long as it takes. */
#define finish() spec_finish()
void spec_finish(void);

/* acio_run_with, from a plain TEST, on the back end and with the torture of
 * the test. `options` (or NULL) may hold what is not of these. */
int spec_run(acio_function *f, struct acio_args args,
    const struct acio_run_options *options);

/* ---- time ---- */

/* The loop's time since the body began, in nanoseconds. */
#define elapsed_ns() spec_elapsed_ns()
int64_t spec_elapsed_ns(void);

/* Exactly `seconds` since the body began; at least that on a real clock. */
#define EXPECT_ELAPSED(seconds)                                                \
    spec_expect_elapsed(seconds, SPEC_SITE("EXPECT_ELAPSED", #seconds))
bool spec_expect_elapsed(double seconds, const struct spec_site *site);

/* Is time simulated, and so exact? */
#define time_is_virtual() spec_time_is_virtual()
bool spec_time_is_virtual(void);

/* ---- what happened ---- */

/* Writes down what happens, for EXPECT_NOTED. */
#define note(...) spec_note(__VA_ARGS__)
void spec_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Everything noted since the last EXPECT_NOTED. */
#define EXPECT_NOTED(wanted)                                                   \
    spec_expect_noted(wanted, SPEC_SITE("EXPECT_NOTED", #wanted))
bool spec_expect_noted(const char *wanted, const struct spec_site *site);

/* Everything told to the exception handler since the last EXPECT_REPORTED:
 * lines "source: message: error". */
#define EXPECT_REPORTED(wanted)                                                \
    spec_expect_reported(wanted, SPEC_SITE("EXPECT_REPORTED", #wanted))
bool spec_expect_reported(const char *wanted, const struct spec_site *site);

#endif
