/* SPDX-License-Identifier: MIT */
/* Create so many tasks, let all run, and gather their results; over and over.
 * The first time, for which stacks have to be made, is told apart.
 *
 *     gather_acio [TASKS [COUNT]]
 */
#include "bench.h"

#include <acio.h>

struct work_args {
    int number;
};

static int
work(void *arg)
{
    struct work_args *a = arg;
    return a->number;
}

static void
once(acio_task **tasks, int *results, long count)
{
    for (long i = 0; i < count; i++)
        tasks[i] = acio_create_task(work, .number = (int)i);
    int err = acio_gather(tasks, (size_t)count, results, 0);
    bench_require(err == 0, "acio_gather");
    for (long i = 0; i < count; i++)
        bench_require(results[i] == i, "a task's result");
}

struct amain_args {
    long tasks, count;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    long room = a->tasks < a->count ? a->tasks : a->count;
    acio_task **tasks = calloc((size_t)room, sizeof *tasks);
    int *results = calloc((size_t)room, sizeof *results);
    bench_require(tasks && results, "calloc");
    double start_ns = bench_cpu_ns();
    once(tasks, results, room);
    bench_print_each("first_ns", start_ns, room);
    start_ns = bench_cpu_ns();
    for (long i = 0; i < a->count / room; i++)
        once(tasks, results, room);
    bench_print_each("ns", start_ns, a->count / room * room);
    free(results);
    free(tasks);
    return 0;
}

int
main(int argc, char **argv)
{
    long tasks = bench_argument(argc, argv, 1, 1000);
    long count = bench_argument(argc, argv, 2, 1000000);
    return acio_run(amain, .tasks = tasks, .count = count) < 0;
}
