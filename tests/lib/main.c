/* SPDX-License-Identifier: MIT */
/* main.c - choosing tests, running them one after the other, counting
 *
 *     prog [-v] [--list] [--no-fork] [--torture=axis] [pattern ...]
 *
 * A pattern is a glob for "suite.name"; a bare word is a whole suite. The
 * last line printed is "N passed, N failed", with ", N skipped" if some were.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

extern const struct spec_test *const __start_spec_tests[];
extern const struct spec_test *const __stop_spec_tests[];

struct options {
    bool verbose, list, no_fork;
    enum spec_torture axis;
    char **patterns; /* ends with NULL */
};

struct counts {
    size_t passed, failed, skipped;
};

static const char *const axis_names[] = { "none", "alloc", "short", "cancel" };

/* A test whose events never end would be run for ever otherwise. */
enum { TORTURE_LIMIT = 100000 };

static bool
matches(const struct spec_test *test, const char *pattern)
{
    char full[256];
    snprintf(full, sizeof full, "%s.%s", test->suite, test->name);
    return strcmp(test->suite, pattern) == 0 || fnmatch(pattern, full, 0) == 0;
}

/* Without a choice in the environment, tests are run on the simulator. */
static bool
has_its_backend(const struct spec_test *test)
{
    const char *name = getenv("ACIO_BACKEND");
    if (!name || !*name)
        name = "sim";
    return !test->backend || strstr(test->backend, name);
}

static bool
is_chosen(const struct spec_test *test, const struct options *options)
{
    if (!has_its_backend(test))
        return false;
    if (options->axis && test->flags & SPEC_NO_TORTURE)
        return false;
    if (!options->patterns[0])
        return true;
    for (char **pattern = options->patterns; *pattern; pattern++) {
        if (matches(test, *pattern))
            return true;
    }
    return false;
}

static int
by_suite_and_place(const void *left, const void *right)
{
    const struct spec_test *a = *(const struct spec_test *const *)left;
    const struct spec_test *b = *(const struct spec_test *const *)right;
    int order = strcmp(a->suite, b->suite);
    if (order == 0)
        order = strcmp(a->file, b->file);
    return order ? order : a->line - b->line;
}

/* The chosen tests, sorted, and how many they are. */
static const struct spec_test **
choose(const struct options *options, size_t *count)
{
    size_t all = (size_t)(__stop_spec_tests - __start_spec_tests);
    const struct spec_test **chosen = calloc(all + 1, sizeof *chosen);
    *count = 0;
    for (size_t i = 0; chosen && i < all; i++) {
        if (is_chosen(__start_spec_tests[i], options))
            chosen[(*count)++] = __start_spec_tests[i];
    }
    if (chosen)
        qsort(chosen, *count, sizeof *chosen, by_suite_and_place);
    return chosen;
}

/* Repeats the test for every n that it has. A test that is skipped or fails
 * without a fault says nothing with one. */
static unsigned long
torture(const struct spec_test *test, enum spec_torture axis,
    struct outcome *outcome)
{
    struct shared *shared = *spec_shared;
    shared->axis = SPEC_TORTURE_NONE;
    process_run(test, outcome);
    shared->axis = axis;
    unsigned long n = 0;
    bool reached = true;
    while (outcome->verdict == VERDICT_PASSED && reached) {
        shared->n = ++n;
        process_run(test, outcome);
        reached = atomic_load(&shared->reached);
        if (n == TORTURE_LIMIT) {
            outcome->verdict = VERDICT_FAILED;
            strcpy(outcome->reason, "has no end of events");
        }
    }
    return n;
}

static void
run_one(const struct spec_test *test, const struct options *options,
    struct outcome *outcome)
{
    unsigned long n = 0;
    if (options->axis)
        n = torture(test, options->axis, outcome);
    else
        process_run(test, outcome);
    char at[64] = "";
    if (n)
        snprintf(at, sizeof at, " (%s, n = %lu)", axis_names[options->axis], n);
    static const char *const words[] = { "pass", "FAIL", "skip" };
    if (options->verbose || outcome->verdict != VERDICT_PASSED)
        printf("%s %s.%s%s%s%s\n", words[outcome->verdict], test->suite,
            test->name, at, outcome->reason[0] ? ": " : "", outcome->reason);
    if (outcome->verdict == VERDICT_FAILED)
        process_print_output();
}

static void
count_one(struct counts *counts, enum verdict verdict)
{
    counts->passed += verdict == VERDICT_PASSED;
    counts->failed += verdict == VERDICT_FAILED;
    counts->skipped += verdict == VERDICT_SKIPPED;
}

static void
print_counts(const struct counts *counts)
{
    printf("%zu passed, %zu failed", counts->passed, counts->failed);
    if (counts->skipped)
        printf(", %zu skipped", counts->skipped);
    printf("\n");
}

/* Runs the tests of one suite; returns how many they were. */
static size_t
run_suite(const struct spec_test **tests, const struct options *options,
    struct counts *total)
{
    struct counts counts = { 0 };
    size_t n = 0;
    for (; tests[n] && strcmp(tests[n]->suite, tests[0]->suite) == 0; n++) {
        struct outcome outcome;
        run_one(tests[n], options, &outcome);
        count_one(&counts, outcome.verdict);
    }
    printf("%-24s", tests[0]->suite);
    print_counts(&counts);
    total->passed += counts.passed;
    total->failed += counts.failed;
    total->skipped += counts.skipped;
    return n;
}

static int
run_all(const struct spec_test **tests, const struct options *options)
{
    struct counts total = { 0 };
    while (*tests)
        tests += run_suite(tests, options, &total);
    print_counts(&total);
    if (total.failed)
        return 1;
    return total.passed || !total.skipped ? 0 : EXIT_SKIPPED;
}

/* In this process, where a debugger sees it. */
static int
run_here(const struct spec_test **tests)
{
    const struct shared *shared = *spec_shared;
    for (; *tests; tests++)
        process_run_here(*tests);
    return atomic_load(&shared->failures) || atomic_load(&shared->broken);
}

static void
list(const struct spec_test **tests)
{
    for (; *tests; tests++)
        printf("%s.%s\n", (*tests)->suite, (*tests)->name);
}

static bool
parse_axis(const char *name, enum spec_torture *axis)
{
    for (int i = SPEC_TORTURE_ALLOC; i <= SPEC_TORTURE_CANCEL; i++) {
        if (strcmp(name, axis_names[i]) == 0) {
            *axis = (enum spec_torture)i;
            return true;
        }
    }
    return false;
}

static bool
parse(struct options *options, char **argv)
{
    char **arg = argv + 1;
    for (; *arg && **arg == '-'; arg++) {
        if (strcmp(*arg, "-v") == 0)
            options->verbose = true;
        else if (strcmp(*arg, "--list") == 0)
            options->list = true;
        else if (strcmp(*arg, "--no-fork") == 0)
            options->no_fork = true;
        else if (strncmp(*arg, "--torture=", 10) != 0 ||
            !parse_axis(*arg + 10, &options->axis))
            return false;
    }
    options->patterns = arg;
    return true;
}

int
main(int argc, char **argv)
{
    struct options options = { 0 };
    if (argc < 1 || !parse(&options, argv)) {
        fprintf(stderr,
            "usage: [-v] [--list] [--no-fork] "
            "[--torture=alloc|short|cancel] [pattern ...]\n");
        return 2;
    }
    size_t count;
    const struct spec_test **tests = choose(&options, &count);
    int status = 0;
    process_open();
    if (!tests || (!count && options.patterns[0])) {
        fprintf(stderr, "no test has such a name\n");
        status = 2;
    } else if (options.list) {
        list(tests);
    } else if (options.no_fork) {
        status = run_here(tests);
    } else {
        status = run_all(tests, &options);
    }
    free(tests);
    return status;
}
