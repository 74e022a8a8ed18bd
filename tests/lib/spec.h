/* SPDX-License-Identifier: MIT */
/* spec.h - what a test program is written in
 *
 * Idea.       A test is a sentence. It registers itself through a section of
 *             the program, runs in a process of its own, and has to leave
 *             behind nothing: no file descriptor, no block of heap, no child,
 *             no thread.
 *
 *                 TEST(event, wakes_waiters_in_order_of_arrival)
 *                 {
 *                     EXPECT_EQ(woken, 2);
 *                 }
 *
 * Judgement.  EXPECT notes a failure and goes on, REQUIRE ends the test. A
 *             test that checks nothing fails: it could not fail otherwise.
 * Torture.    The runner can repeat each test with its n-th allocation
 *             failing, n-th transfer short or n-th suspension cancelled, for
 *             n = 1, 2, 3 ... until there is no n-th. Results then differ by
 *             nature: only ALWAYS, crashes, hangs and leaks are failures.
 */
#ifndef ACIO_TESTS_SPEC_H
#define ACIO_TESTS_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "value.h"

enum spec_flag {
    SPEC_NO_TORTURE = 1 << 0, /* means nothing with faults injected */
    SPEC_ANY_HEAP = 1 << 1,   /* may leave blocks of the library's heap */
};

struct spec_test {
    const char *suite, *name; /* how it is asked for: "suite.name" */
    const char *file;         /* where it stands; also its order in a suite */
    int line;
    unsigned flags;      /* enum spec_flag */
    unsigned seconds;    /* real time it may take; 0: 20 */
    const char *dies;    /* said by a test that has to die */
    const char *backend; /* the ones that it is for: "epoll uring"; NULL: any */
    void (*body)(void);  /* the test */
    void (*run)(const struct spec_test *test); /* calls it; NULL: plainly */
    const void *data;                          /* whatever `run` needs */
};

/* Registers a test with any fields of struct spec_test beyond the first
 * four. Every kind of test is made of this. */
#define SPEC_REGISTER(suite_, name_, ...)                                      \
    static const struct spec_test spec_test_##suite_##_##name_ = {             \
        .suite = #suite_,                                                      \
        .name = #name_,                                                        \
        .file = __FILE__,                                                      \
        .line = __LINE__,                                                      \
        __VA_ARGS__                                                            \
    };                                                                         \
    static const struct spec_test *const spec_entry_##suite_##_##name_         \
        __attribute__((used,                                                   \
            section("spec_tests"))) = &spec_test_##suite_##_##name_

/* TEST(suite, name_as_a_sentence) { ... } */
#define TEST(suite, name)                                                      \
    static void spec_body_##suite##_##name(void);                              \
    SPEC_REGISTER(suite, name, .body = spec_body_##suite##_##name);            \
    static void spec_body_##suite##_##name(void)

/* A test that passes by dying, with `text` on standard error. */
#define TEST_DIES(suite, name, text)                                           \
    static void spec_body_##suite##_##name(void);                              \
    SPEC_REGISTER(suite, name, .body = spec_body_##suite##_##name,             \
        .dies = text, .flags = SPEC_NO_TORTURE);                               \
    static void spec_body_##suite##_##name(void)

/* Each returns whether it held, so that a loop can be left. */
#define EXPECT(condition)                                                      \
    spec_expect((condition) ? true : false, SPEC_SITE("EXPECT", #condition))
#define EXPECT_EQ(actual, wanted)                                              \
    spec_expect_eq(SPEC_VALUE(actual), SPEC_VALUE(wanted),                     \
        SPEC_SITE("EXPECT_EQ", #actual ", " #wanted))
#define EXPECT_ERR(actual, wanted)                                             \
    spec_expect_error(actual, wanted,                                          \
        SPEC_SITE("EXPECT_ERR", #actual ", " #wanted))
#define EXPECT_TEXT(actual, wanted)                                            \
    spec_expect_text(SPEC_TEXT(actual), wanted,                                \
        SPEC_SITE("EXPECT_TEXT", #actual ", " #wanted))
#define EXPECT_NEAR(actual, wanted, tolerance)                                 \
    spec_expect_near(actual, wanted, tolerance,                                \
        SPEC_SITE("EXPECT_NEAR", #actual ", " #wanted))

/* As above; the test ends here where it does not hold. */
#define REQUIRE(condition) SPEC_OR_STOP(EXPECT(condition))
#define REQUIRE_EQ(actual, wanted) SPEC_OR_STOP(EXPECT_EQ(actual, wanted))
#define REQUIRE_ERR(actual, wanted) SPEC_OR_STOP(EXPECT_ERR(actual, wanted))
#define REQUIRE_TEXT(actual, wanted) SPEC_OR_STOP(EXPECT_TEXT(actual, wanted))

/* Holds under torture too: an invariant, not a result. */
#define ALWAYS(condition)                                                      \
    spec_always((condition) ? true : false, SPEC_SITE("ALWAYS", #condition))

/* Ends the test: this machine cannot run it, and `reason` says why. */
#define SKIP(reason) spec_skip(reason)

/* Where a check stands and what it says, for its message. */
struct spec_site {
    const char *file;
    int line;
    const char *check, *text;
};
#define SPEC_SITE(check, text)                                                 \
    (&(const struct spec_site){ __FILE__, __LINE__, check, text })
#define SPEC_OR_STOP(holds) ((holds) ? (void)0 : spec_stop())

bool spec_expect(bool holds, const struct spec_site *site);
bool spec_expect_eq(struct spec_value actual, struct spec_value wanted,
    const struct spec_site *site);
bool spec_expect_error(long long actual, long long wanted,
    const struct spec_site *site);
bool spec_expect_text(const char *actual, const char *wanted,
    const struct spec_site *site);
bool spec_expect_near(double actual, double wanted, double tolerance,
    const struct spec_site *site);
bool spec_always(bool holds, const struct spec_site *site);
_Noreturn void spec_stop(void);
_Noreturn void spec_skip(const char *reason);

/* A failure in one's own words. */
void spec_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What happened, as text: tests on order compare it with EXPECT_TEXT. */
struct spec_log {
    size_t length;
    char text[1024];
};
#define SPEC_LOG_INIT                                                          \
    (struct spec_log)                                                          \
    {                                                                          \
        0                                                                      \
    }
void spec_log_add(struct spec_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Valgrind keeps some descriptors and system calls to itself. */
bool spec_under_valgrind(void);

/* The library's heap, counted since the test began. */
size_t spec_heap_live(void);        /* blocks not yet freed */
size_t spec_heap_allocations(void); /* blocks ever handed out */
size_t spec_heap_bytes(void);       /* in blocks not yet freed */
size_t spec_heap_peak_bytes(void);  /* the most since it was asked last */

/* Torture. The library's test hooks ask for the n of their axis, count their
 * events and report the n-th; 0 means that nothing is to go wrong. */
enum spec_torture {
    SPEC_TORTURE_NONE,
    SPEC_TORTURE_ALLOC,
    SPEC_TORTURE_SHORT,
    SPEC_TORTURE_CANCEL,
};
unsigned long spec_torture_n(enum spec_torture axis);
void spec_torture_reached(void);

#endif
