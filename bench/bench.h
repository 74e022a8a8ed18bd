/* SPDX-License-Identifier: MIT */
/* bench.h - what every measured program shares
 *
 * Idea.       A program does one thing a number of times, and prints what it
 *             cost as one line "key value" for each figure. Which program is
 *             compared with which, how often, and on which core, is the
 *             affair of `budgets`.
 * Time.       Processor time, user and system, of the whole process: it does
 *             not count what other programs on the machine take, nor what the
 *             program spends asleep.
 */
#ifndef ACIO_BENCH_H
#define ACIO_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline void
bench_require(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* The argument `index`, a number; or `fallback`. */
static inline long
bench_argument(int argc, char **argv, int index, long fallback)
{
    return argc > index ? strtol(argv[index], NULL, 10) : fallback;
}

static inline double
bench_cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double seconds = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec);
    double micros = (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    return seconds * 1e9 + micros * 1e3;
}

static inline double
bench_clock_ns(clockid_t clock)
{
    struct timespec t;
    bench_require(clock_gettime(clock, &t) == 0, "reading a clock");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The processor time of a process that somebody else measures; it counts what
 * getrusage counts. */
static inline clockid_t
bench_clock_of(const char *pid)
{
    clockid_t clock;
    bench_require(clock_getcpuclockid(atoi(pid), &clock) == 0, "PID");
    return clock;
}

static inline void
bench_print(const char *key, double value)
{
    printf("%s %.3f\n", key, value);
    fflush(stdout);
}

/* The cost of one of `count` things that began at `start_ns`. */
static inline void
bench_print_each(const char *key, double start_ns, long count)
{
    bench_print(key, (bench_cpu_ns() - start_ns) / (double)count);
}

/* A number that follows from the one before (xorshift), never 0. */
static inline unsigned
bench_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A line of /proc/PID/status, in KiB: "VmRSS:", "VmPTE:". */
static inline double
bench_status_kib(const char *path, const char *key)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen(path, "r");
    bench_require(file != NULL, path);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtod(line + strlen(key), NULL);
    fclose(file);
    return kib;
}

#endif
