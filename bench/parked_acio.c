/* SPDX-License-Identifier: MIT */
/* Memory of parked tasks: each sleeps, as deep in its stack as acio_sleep is.
 * The page tables that the stacks need are the kernel's, and told apart. */
#include "bench.h"

#include <acio.h>

#define SELF "/proc/self/status"

struct park_args {
    long *parked;
};

static int
park(void *arg)
{
    struct park_args *a = arg;
    ++*a->parked;
    return acio_sleep(3600);
}

struct amain_args {
    long count;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    double count = (double)a->count;
    double resident = bench_status_kib(SELF, "VmRSS:");
    double tables = bench_status_kib(SELF, "VmPTE:");
    double start_ns = bench_cpu_ns();
    long parked = 0;
    ACIO_GROUP(group);
    for (long i = 0; i < a->count; i++)
        bench_require(acio_group_start(&group, park, .parked = &parked) == 0,
            "starting a task");
    while (parked < a->count)
        acio_sleep(0);
    bench_print_each("create_ns", start_ns, a->count);
    bench_print("bytes",
        (bench_status_kib(SELF, "VmRSS:") - resident) * 1024 / count);
    bench_print("table_bytes",
        (bench_status_kib(SELF, "VmPTE:") - tables) * 1024 / count);
    start_ns = bench_cpu_ns();
    acio_group_close(&group);
    bench_print_each("cancel_ns", start_ns, a->count);
    return 0;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .count = bench_argument(argc, argv, 1, 100000)) < 0;
}
