/* SPDX-License-Identifier: MIT */
/* Create a thread of State Threads and wait, with a limit, until it says that
 * it is done: to join one knows no limit. */
#include "bench.h"

#include <st.h>

struct work {
    st_cond_t changed;
    int done;
};

static void *
work(void *arg)
{
    struct work *w = arg;
    w->done = 1;
    st_cond_signal(w->changed);
    return NULL;
}

int
main(int argc, char **argv)
{
    const st_utime_t limit_us = 10000000;
    long count = bench_argument(argc, argv, 1, 1000000);
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    struct work w = { st_cond_new(), 0 };
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        w.done = 0;
        bench_require(st_thread_create(work, &w, 0, 0) != NULL, "a thread");
        int err = st_cond_timedwait(w.changed, limit_us);
        bench_require(err == 0 && w.done, "st_cond_timedwait");
    }
    bench_print_each("ns", start_ns, count);
    return 0;
}
