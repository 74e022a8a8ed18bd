/* SPDX-License-Identifier: MIT */
/* load.c - the other side of every echo server
 *
 *     load PORT PID CONNECTIONS BYTES WARM_MS MEASURE_MS
 *
 * Idea.       A closed loop on bare epoll: each connection sends a request,
 *             waits until all of it is back, and sends the next. Each request
 *             begins with a number of its own, and every byte that comes back
 *             is compared.
 * Figures.    The server's processor time per request in the measured window,
 *             read off the server's own clock (which counts what getrusage
 *             counts, and can be read from outside).
 */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, BYTES_MOST = 64 << 10 };

struct client {
    int fd;
    size_t got;
    uint64_t number; /* of the request under way */
};

static size_t bytes;
static char pattern[BYTES_MOST], reply[BYTES_MOST];
static long requests;

static double
clock_ns(clockid_t clock)
{
    struct timespec t;
    bench_require(clock_gettime(clock, &t) == 0, "reading a clock");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
request(struct client *c)
{
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

static void
connect_to(struct client *c, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    bench_require(connect(c->fd, (struct sockaddr *)&address, sizeof address) ==
            0,
        "connect");
    bench_no_delay(c->fd);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void
run_for(int set, double ns)
{
    double end = clock_ns(CLOCK_MONOTONIC) + ns;
    while (clock_ns(CLOCK_MONOTONIC) < end) {
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
    bench_require(argc == 7, "six arguments");
    int port = atoi(argv[1]), connections = atoi(argv[3]);
    bytes = (size_t)atoi(argv[4]);
    bench_require(bytes >= sizeof(uint64_t) && bytes <= BYTES_MOST, "BYTES");
    clockid_t server;
    bench_require(clock_getcpuclockid(atoi(argv[2]), &server) == 0, "PID");
    bench_raise_files();

    int set = epoll_create1(0);
    for (size_t i = 0; i < bytes; i++)
        pattern[i] = (char)(i * 7 + 1);
    struct client *clients = calloc((size_t)connections, sizeof *clients);
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLET,
            .data.ptr = &clients[i] };
        clients[i].number = (uint64_t)i;
        connect_to(&clients[i], port);
        epoll_ctl(set, EPOLL_CTL_ADD, clients[i].fd, &event);
    }
    for (int i = 0; i < connections; i++)
        request(&clients[i]);

    run_for(set, atof(argv[5]) * 1e6);
    double wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(server);
    requests = 0;
    run_for(set, atof(argv[6]) * 1e6);
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(server) - cpu;
    bench_print("ns", cpu / (double)requests);
    bench_print("rate", (double)requests / wall * 1e9);
    bench_print("busy", cpu / wall);
    return 0;
}
