/* SPDX-License-Identifier: MIT */
/* Two threads of State Threads take turns. */
#include "bench.h"

#include <st.h>

static void *
turns(void *arg)
{
    long count = *(long *)arg;
    for (long i = 0; i < count; i++)
        st_usleep(0);
    return NULL;
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 4000000), half = count / 2;
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    st_thread_t one = st_thread_create(turns, &half, 1, 0);
    st_thread_t two = st_thread_create(turns, &half, 1, 0);
    double start_ns = bench_cpu_ns();
    st_thread_join(one, NULL);
    st_thread_join(two, NULL);
    bench_print_each("ns", start_ns, count);
    return 0;
}
