/* SPDX-License-Identifier: MIT */
/* What sync_acio measures, with State Threads: its mutex, and its condition
 * variable with a number or a flag beside it.
 *
 *     sync_st lock|handover|semaphore|event [COUNT]
 */
#include "bench.h"

#include <st.h>

static void
lock(long count)
{
    st_mutex_t it = st_mutex_new();
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        bench_require(st_mutex_lock(it) == 0, "st_mutex_lock");
        st_mutex_unlock(it);
    }
    bench_print_each("ns", start_ns, count);
}

static void
semaphore(long count)
{
    st_cond_t freed = st_cond_new();
    volatile int value = 10;
    double start_ns = bench_cpu_ns();
    for (long i = 0; i < count; i++) {
        while (value == 0)
            st_cond_wait(freed);
        value--;
        value++;
        st_cond_signal(freed);
    }
    bench_print_each("ns", start_ns, count);
}

struct turns {
    st_mutex_t lock;
    int *last;
    int me;
    long count;
};

static void *
turns(void *arg)
{
    struct turns *a = arg;
    for (long i = 0; i < a->count; i++) {
        int err = st_mutex_lock(a->lock);
        bench_require(err == 0 && *a->last != a->me, "a hand-over");
        *a->last = a->me;
        st_mutex_unlock(a->lock);
    }
    return NULL;
}

static void
handover(long count)
{
    st_mutex_t it = st_mutex_new();
    int last = 0;
    struct turns a = { it, &last, 1, count / 2 },
                 b = { it, &last, 2, count / 2 };
    st_mutex_lock(it);
    st_thread_t one = st_thread_create(turns, &a, 1, 0);
    st_thread_t two = st_thread_create(turns, &b, 1, 0);
    st_usleep(0);
    double start_ns = bench_cpu_ns();
    st_mutex_unlock(it);
    st_thread_join(one, NULL);
    st_thread_join(two, NULL);
    bench_print_each("ns", start_ns, a.count + b.count);
}

struct flag {
    st_cond_t changed;
    int set;
};

struct answer {
    struct flag *mine, *other;
    long count;
};

static void
set(struct flag *flag)
{
    flag->set = 1;
    st_cond_signal(flag->changed);
}

static void *
answer(void *arg)
{
    struct answer *a = arg;
    for (long i = 0; i < a->count; i++) {
        while (!a->mine->set)
            st_cond_wait(a->mine->changed);
        a->mine->set = 0;
        set(a->other);
    }
    return NULL;
}

static void
event(long count)
{
    struct flag ping = { st_cond_new(), 0 }, pong = { st_cond_new(), 0 };
    struct answer a = { &ping, &pong, count / 2 };
    struct answer b = { &pong, &ping, count / 2 };
    st_thread_t one = st_thread_create(answer, &a, 1, 0);
    st_thread_t two = st_thread_create(answer, &b, 1, 0);
    st_usleep(0);
    double start_ns = bench_cpu_ns();
    set(&ping);
    st_thread_join(one, NULL);
    st_thread_join(two, NULL);
    bench_print_each("ns", start_ns, a.count + b.count);
}

static const struct {
    const char *name;
    void (*run)(long count);
} parts[] = {
    { "lock", lock },
    { "handover", handover },
    { "semaphore", semaphore },
    { "event", event },
};

int
main(int argc, char **argv)
{
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (argc < 2 || strcmp(argv[1], parts[i].name) != 0)
            continue;
        parts[i].run(bench_argument(argc, argv, 2, 1000000));
        return 0;
    }
    bench_require(0, "which part? lock, handover, semaphore or event");
    return 1;
}
