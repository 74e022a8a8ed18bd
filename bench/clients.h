/* SPDX-License-Identifier: MIT */
/* clients.h - load from threads that block, one for each connection
 *
 *     PROGRAM WHERE PID CONNECTIONS WARM_MS MEASURE_MS ...
 *
 * A thread counts what it has done, and goes on for ever. What lies between
 * two looks at all counts is compared with what the server's clock moved on.
 */
#ifndef ACIO_BENCH_CLIENTS_H
#define ACIO_BENCH_CLIENTS_H

#include "listen.h"

#include <pthread.h>
#include <stdatomic.h>

/* How many times the measured window may grow where nothing happened in it,
 * because the machine did something else. */
enum { BENCH_WINDOWS = 40 };

struct bench_client {
    void (*work)(struct bench_client *);
    pthread_t thread;
    const char *where;
    atomic_long done;
};

static inline double
bench_clients_sum(struct bench_client *clients, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)atomic_load(&clients[i].done);
    return sum;
}

static inline void *
bench_client_thread(void *arg)
{
    struct bench_client *c = arg;
    c->work(c);
    return NULL;
}

/* Prints what `unit` of that which the threads count costs the server. */
static inline void
bench_clients_run(char **argv, void (*work)(struct bench_client *), double unit)
{
    clockid_t server = bench_clock_of(argv[2]), real = CLOCK_MONOTONIC;
    int count = atoi(argv[3]);
    struct bench_client *clients = calloc((size_t)count, sizeof *clients);
    bench_require(clients != NULL, "memory");
    for (int i = 0; i < count; i++) {
        clients[i].where = argv[1];
        clients[i].work = work;
        int err = pthread_create(&clients[i].thread, NULL, bench_client_thread,
            &clients[i]);
        bench_require(err == 0, "a thread");
    }
    usleep((useconds_t)(atoi(argv[4]) * 1000));
    double before = bench_clients_sum(clients, count), done = before;
    double wall = bench_clock_ns(real), cpu = bench_clock_ns(server);
    for (int i = 0; i < BENCH_WINDOWS && done == before; i++) {
        usleep((useconds_t)(atoi(argv[5]) * 1000));
        done = bench_clients_sum(clients, count);
    }
    done = (done - before) / unit;
    wall = bench_clock_ns(real) - wall;
    cpu = bench_clock_ns(server) - cpu;
    bench_require(done > 0, "the server answers");
    bench_print("ns", cpu / done);
    bench_print("rate", done / wall * 1e9);
    bench_print("busy", cpu / wall);
    _exit(0); /* the threads go on until then, and libraries are in use */
}

#endif
