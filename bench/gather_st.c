/* SPDX-License-Identifier: MIT */
/* Create so many threads of State Threads, let all run, and join them; over
 * and over.
 *
 *     gather_st [TASKS [COUNT]]
 */
#include "bench.h"

#include <st.h>

static void *
work(void *arg)
{
    return arg;
}

static void
once(st_thread_t *threads, long count)
{
    for (long i = 0; i < count; i++)
        threads[i] = st_thread_create(work, &threads[i], 1, 0);
    for (long i = 0; i < count; i++) {
        void *result = NULL;
        st_thread_join(threads[i], &result);
        bench_require(result == &threads[i], "a thread's result");
    }
}

int
main(int argc, char **argv)
{
    long room = bench_argument(argc, argv, 1, 1000);
    long count = bench_argument(argc, argv, 2, 1000000);
    room = room < count ? room : count;
    st_thread_t *threads = calloc((size_t)room, sizeof *threads);
    bench_require(threads != NULL, "calloc");
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    double start_ns = bench_cpu_ns();
    once(threads, room);
    bench_print_each("first_ns", start_ns, room);
    start_ns = bench_cpu_ns();
    for (long i = 0; i < count / room; i++)
        once(threads, room);
    bench_print_each("ns", start_ns, count / room * room);
    free(threads);
    return 0;
}
