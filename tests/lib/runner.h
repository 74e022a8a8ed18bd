/* SPDX-License-Identifier: MIT */
/* runner.h - what the parts of the test runner know of each other */
#ifndef ACIO_TESTS_RUNNER_H
#define ACIO_TESTS_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "spec.h"

/* How far a test came. Its process writes it, the runner reads it after. */
enum stage {
    STAGE_STARTED,  /* inside the body, and died there if it says so still */
    STAGE_STOPPED,  /* a REQUIRE did not hold */
    STAGE_SKIPPED,  /* by SKIP */
    STAGE_FINISHED, /* came back from the body */
};

enum { EXIT_SKIPPED = 77 };

/* Lies in memory that a test's process shares with the runner. */
struct shared {
    _Atomic int stage;      /* enum stage */
    atomic_ulong checks;    /* judged */
    atomic_ulong failures;  /* EXPECTs that did not hold */
    atomic_ulong broken;    /* ALWAYS and leaks: failures in any mode */
    atomic_bool reached;    /* the n-th event happened */
    enum spec_torture axis; /* set by the runner before the test begins */
    unsigned long n;        /* likewise */
    char reason[256];       /* of the skip */
};

extern struct shared *const *const spec_shared;

/* A failure that counts under torture as well. */
void spec_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* heap.c: counts the library's blocks, and fails the n-th. */
void heap_install(void);
void heap_check(void);

/* leaks.c: remembers what a process holds, and compares. */
struct holdings {
    int descriptors[256];
    size_t count;
    size_t threads;
};
void holdings_note(struct holdings *holdings);
void holdings_check(const struct holdings *before);

/* process.c: one run of one test in a process of its own. */
enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_SKIPPED };
struct outcome {
    enum verdict verdict;
    char reason[320]; /* why not passed */
};
void process_open(void);
void process_run(const struct spec_test *test, struct outcome *outcome);
void process_run_here(const struct spec_test *test);
void process_print_output(void);

#endif
