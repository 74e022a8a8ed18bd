/* SPDX-License-Identifier: MIT */
/* A queue between two tasks, with room for 64 items: one puts, one gets. */
#include "bench.h"

#include <acio.h>

struct put_args {
    acio_queue *queue;
    long count;
};

static int
put(void *arg)
{
    struct put_args *a = arg;
    for (long i = 0; i < a->count; i++) {
        int err = acio_queue_put(a->queue, &i);
        bench_require(err == 0, "acio_queue_put");
    }
    return 0;
}

struct amain_args {
    long count;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    ACIO_QUEUE(queue, long, 64);
    double start_ns = bench_cpu_ns();
    acio_task *task = acio_create_task(put, .queue = &queue, .count = a->count);
    for (long i = 0; i < a->count; i++) {
        long item;
        int err = acio_queue_get(&queue, &item);
        bench_require(err == 0 && item == i, "acio_queue_get");
    }
    acio_await(task);
    bench_print_each("ns", start_ns, a->count);
    return 0;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .count = bench_argument(argc, argv, 1, 4000000)) < 0;
}
