/* SPDX-License-Identifier: MIT */
/* listen.h - what every server in C does before it serves, and every client
 *
 * A server listens where its first argument says, else on a free TCP port of
 * the loopback address; it prints "port WHERE", sets TCP_NODELAY on what it
 * accepts, and serves until it is killed. The buffers hold BENCH_BUFFER bytes
 * where a connection has one of its own.
 */
#ifndef ACIO_BENCH_LISTEN_H
#define ACIO_BENCH_LISTEN_H

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BENCH_BUFFER = 2048, BENCH_BACKLOG = 4096 };

/* Where a server is, as it says in its line "port WHERE": "1234" for TCP,
 * "udp:1234", and the path of a Unix socket. */
struct bench_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    };
    socklen_t length;
    int type; /* SOCK_STREAM or SOCK_DGRAM */
};

static inline struct bench_address
bench_parse(const char *where)
{
    struct bench_address a = { .type = SOCK_STREAM };
    if (where[0] == '/') {
        a.un.sun_family = AF_UNIX;
        a.length = sizeof a.un;
        bench_require(strlen(where) < sizeof a.un.sun_path, "a short path");
        strcpy(a.un.sun_path, where);
        return a;
    }
    if (strncmp(where, "udp:", 4) == 0) {
        a.type = SOCK_DGRAM;
        where += 4;
    }
    a.in.sin_family = AF_INET;
    a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.in.sin_port = htons((uint16_t)atoi(where));
    a.length = sizeof a.in;
    return a;
}

static inline void
bench_print_port(int fd)
{
    struct bench_address a = { .length = sizeof a.un };
    int type;
    socklen_t bytes = sizeof type;
    bench_require(getsockname(fd, &a.any, &a.length) == 0, "getsockname");
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes);
    if (a.any.sa_family == AF_UNIX)
        printf("port %s\n", a.un.sun_path);
    else
        printf("port %s%d\n", type == SOCK_DGRAM ? "udp:" : "",
            ntohs(a.in.sin_port));
    fflush(stdout);
}

/* A socket that serves; `flags` as of socket(2): SOCK_NONBLOCK. */
static inline int
bench_listen_at(const char *where, int flags)
{
    struct bench_address a = bench_parse(where);
    int fd = socket(a.any.sa_family, a.type | SOCK_CLOEXEC | flags, 0);
    bench_require(fd >= 0, "socket");
    if (a.any.sa_family == AF_UNIX)
        unlink(a.un.sun_path);
    bench_require(bind(fd, &a.any, a.length) == 0, "bind");
    if (a.type == SOCK_STREAM)
        bench_require(listen(fd, BENCH_BACKLOG) == 0, "listen");
    bench_print_port(fd);
    return fd;
}

/* The address that a server was given as its argument, or any TCP port. */
static inline int
bench_listen(int argc, char **argv, int flags)
{
    return bench_listen_at(argc > 1 ? argv[1] : "0", flags);
}

/* Does nothing for a socket that has no such delay. */
static inline void
bench_no_delay(int fd)
{
    int on = 1;
    int err = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bench_require(err == 0 || errno == EOPNOTSUPP, "TCP_NODELAY");
}

static inline int
bench_connect(const char *where)
{
    struct bench_address a = bench_parse(where);
    int fd = socket(a.any.sa_family, a.type, 0);
    bench_require(fd >= 0, "socket");
    bench_require(connect(fd, &a.any, a.length) == 0, "connect");
    if (a.type == SOCK_STREAM)
        bench_no_delay(fd);
    return fd;
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
