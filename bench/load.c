/* SPDX-License-Identifier: MIT */
/* load.c - the other side of every echo server
 *
 *     load WHERE PID CONNECTIONS BYTES WARM_MS MEASURE_MS [BURST]
 *
 * Idea.       A closed loop on bare epoll: each connection sends a request,
 *             waits until all of it is back, and sends the next. Each request
 *             begins with a number of its own, and every byte that comes back
 *             is compared. With datagrams, a request can be the last of a
 *             burst: those before it begin with a zero and get no answer.
 * Figures.    The server's processor time per request (or datagram received) in
 *             the measured window, read off the server's own clock. Both
 *             times are of that clock: a busy machine makes a run longer.
 */
#include "listen.h"

#include <fcntl.h>
#include <sys/epoll.h>

enum { EVENTS = 512, BYTES_MOST = 64 << 10 };

struct client {
    int fd;
    size_t got;
    uint64_t number; /* of the request under way */
};

static size_t bytes;
static char pattern[BYTES_MOST], reply[BYTES_MOST];
static long requests, burst;

static void
request(struct client *c)
{
    uint64_t quiet = 0;
    memcpy(pattern, &quiet, sizeof quiet);
    for (long i = 1; i < burst; i++)
        bench_require(send(c->fd, pattern, bytes, 0) > 0, "send");
    c->got = 0;
    c->number += 1 << 20;
    memcpy(pattern, &c->number, sizeof c->number);
    bench_require(send(c->fd, pattern, bytes, 0) == (ssize_t)bytes, "send");
}

/* The request's bytes from `at` on, as they must come back. */
static int
is_right(const struct client *c, const char *data, size_t count)
{
    memcpy(pattern, &c->number, sizeof c->number);
    return memcmp(pattern + c->got, data, count) == 0;
}

static void
receive(struct client *c)
{
    ssize_t count = recv(c->fd, reply, bytes - c->got, 0);
    if (count < 0 && errno == EAGAIN)
        return;
    bench_require(count > 0, "recv");
    bench_require(is_right(c, reply, (size_t)count), "the bytes came back");
    c->got += (size_t)count;
    if (c->got < bytes)
        return;
    requests++;
    request(c);
}

static struct client *
connect_all(int set, const char *where, int count)
{
    struct client *clients = calloc((size_t)count, sizeof *clients);
    bench_require(clients != NULL, "memory");
    for (int i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLET,
            .data.ptr = &clients[i] };
        clients[i].number = (uint64_t)i + 1;
        clients[i].fd = bench_connect(where);
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(set, EPOLL_CTL_ADD, clients[i].fd, &event);
    }
    return clients;
}

/* Until the server's clock has moved on by `ns`. */
static void
run_for(int set, clockid_t server, double ns)
{
    double end = bench_clock_ns(server) + ns;
    while (bench_clock_ns(server) < end) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(set, events, EVENTS, 1000);
        bench_require(count > 0, "the server answers");
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr);
    }
}

int
main(int argc, char **argv)
{
    bench_require(argc >= 7, "six arguments or seven");
    clockid_t server = bench_clock_of(argv[2]), real = CLOCK_MONOTONIC;
    int connections = atoi(argv[3]);
    bytes = (size_t)atoi(argv[4]);
    burst = bench_argument(argc, argv, 7, 1);
    bench_require(bytes >= sizeof(uint64_t) && bytes <= BYTES_MOST, "BYTES");
    bench_raise_files();
    for (size_t i = 0; i < bytes; i++)
        pattern[i] = (char)(i * 7 + 1);

    int set = epoll_create1(0);
    struct client *clients = connect_all(set, argv[1], connections);
    for (int i = 0; i < connections; i++)
        request(&clients[i]);

    run_for(set, server, atof(argv[5]) * 1e6);
    double wall = bench_clock_ns(real), cpu = bench_clock_ns(server);
    requests = 0;
    run_for(set, server, atof(argv[6]) * 1e6);
    wall = bench_clock_ns(real) - wall;
    cpu = bench_clock_ns(server) - cpu;
    bench_print("ns", cpu / (double)(requests * burst));
    bench_print("rate", (double)(requests * burst) / wall * 1e9);
    bench_print("busy", cpu / wall);
    return 0;
}
