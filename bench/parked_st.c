/* SPDX-License-Identifier: MIT */
/* Memory of parked threads of State Threads. Each stack is a mapping with two
 * guards, so vm.max_map_count allows some 20,000 of them. */
#include "bench.h"

#include <st.h>

#define SELF "/proc/self/status"

static long parked;

static void *
park(void *arg)
{
    parked++;
    st_usleep(ST_UTIME_NO_TIMEOUT);
    return arg;
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 10000);
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    double resident = bench_status_kib(SELF, "VmRSS:");
    double tables = bench_status_kib(SELF, "VmPTE:");
    for (long i = 0; i < count; i++)
        bench_require(st_thread_create(park, NULL, 0, 0) != NULL,
            "st_thread_create");
    while (parked < count)
        st_usleep(0);
    bench_print("bytes",
        (bench_status_kib(SELF, "VmRSS:") - resident) * 1024 / (double)count);
    bench_print("table_bytes",
        (bench_status_kib(SELF, "VmPTE:") - tables) * 1024 / (double)count);
    return 0;
}
