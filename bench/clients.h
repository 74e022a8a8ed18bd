/* SPDX-License-Identifier: MIT */
/* clients.h - load from threads that block, one for each connection
 *
 *     PROGRAM WHERE PID CONNECTIONS WARM_MS MEASURE_MS ...
 *
 * A thread counts what it has done, and goes on for ever. What lies between
 * two looks at all counts is compared with what the server's clock moved on.
 * Both times are the server's processor time, so that a busy machine makes a
 * run longer and not its figures wrong; the first begins when every thread has
 * done something.
 */
#ifndef ACIO_BENCH_CLIENTS_H
#define ACIO_BENCH_CLIENTS_H

#include "listen.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BENCH_LONGEST_MS = 20000 }; /* of each part of a run */

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

/* Sleeps until the server's clock shows `until_ns`. */
static inline void
bench_clients_wait(clockid_t server, double until_ns)
{
    int ms = 0;
    while (bench_clock_ns(server) < until_ns && ms++ < BENCH_LONGEST_MS)
        usleep(1000);
    bench_require(ms < BENCH_LONGEST_MS, "the server is at work");
}

static inline void
bench_clients_begin(struct bench_client *clients, int count)
{
    int ms = 0;
    for (int i = 0; i < count; i++)
        while (!atomic_load(&clients[i].done) && ms++ < BENCH_LONGEST_MS)
            usleep(1000);
    bench_require(ms < BENCH_LONGEST_MS, "the server serves everybody");
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
    bench_clients_begin(clients, count);
    double cpu = bench_clock_ns(server);
    bench_clients_wait(server, cpu + atof(argv[4]) * 1e6);
    double before = bench_clients_sum(clients, count);
    double wall = bench_clock_ns(real);
    cpu = bench_clock_ns(server);
    bench_clients_wait(server, cpu + atof(argv[5]) * 1e6);
    double done = bench_clients_sum(clients, count);
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
