/* SPDX-License-Identifier: MIT */
/* listen.h - what every echo server in C does before it serves
 *
 * All servers listen on a free port of the loopback address, print "port N",
 * set TCP_NODELAY on what they accept, and serve until they are killed. The
 * buffers hold BENCH_BUFFER bytes where a connection has one of its own.
 */
#ifndef ACIO_BENCH_LISTEN_H
#define ACIO_BENCH_LISTEN_H

#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { BENCH_BUFFER = 2048, BENCH_BACKLOG = 4096 };

static inline void
bench_print_port(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    bench_require(getsockname(fd, (struct sockaddr *)&address, &length) == 0,
        "getsockname");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

/* A listening socket; `flags` as of socket(2): SOCK_NONBLOCK. */
static inline int
bench_listen(int flags)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    bench_require(fd >= 0, "socket");
    bench_require(bind(fd, (struct sockaddr *)&address, sizeof address) == 0,
        "bind");
    bench_require(listen(fd, BENCH_BACKLOG) == 0, "listen");
    bench_print_port(fd);
    return fd;
}

static inline void
bench_no_delay(int fd)
{
    int on = 1;
    bench_require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0,
        "TCP_NODELAY");
}

/* 10,000 connections need as many descriptors. */
static inline void
bench_raise_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
