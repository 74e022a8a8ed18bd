/* SPDX-License-Identifier: MIT */
/* Create a thread of State Threads, let it run and finish, join it. */
#include "bench.h"

#include <st.h>

static void *
work(void *arg)
{
    return arg;
}

int
main(int argc, char **argv)
{
    long count = bench_argument(argc, argv, 1, 1000000);
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        void *result = NULL;
        st_thread_t thread = st_thread_create(work, &count, 1, 0);
        st_thread_join(thread, &result);
        bench_require(result == &count, "a thread's result");
    }
    bench_print_each("ns", start_ns, count);
    return 0;
}
