/* SPDX-License-Identifier: MIT */
/* A server on bare epoll(7) that sends 64 KiB at a time to every connection,
 * or reads all that comes and checks it; level triggered, with so much at a
 * turn that asking for the next does not count, and others get theirs. */
#include "flow.h"
#include "listen.h"

#include <sys/epoll.h>

enum { EVENTS = 512, BLOCKS_PER_TURN = 8 };

struct connection {
    int fd;
    long at; /* of the stream */
};

static int set, sends;
static char buffer[FLOW_BLOCK];

static void
watch(int fd, struct connection *c)
{
    struct epoll_event event = {
        .events = c && sends ? EPOLLOUT : EPOLLIN,
        .data.ptr = c,
    };
    bench_require(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* What the socket had no room for of a block goes next. */
static ssize_t
give(struct connection *c)
{
    long begin = c->at % FLOW_BLOCK;
    return send(c->fd, flow_block + begin, (size_t)(FLOW_BLOCK - begin),
        MSG_NOSIGNAL);
}

static ssize_t
take(struct connection *c)
{
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got > 0)
        flow_check(c->at, buffer, got);
    return got;
}

static void
serve(struct connection *c)
{
    for (int i = 0; i < BLOCKS_PER_TURN; i++) {
        ssize_t moved = sends ? give(c) : take(c);
        if (moved < 0 && errno == EAGAIN)
            return;
        if (moved <= 0) {
            close(c->fd);
            free(c);
            return;
        }
        c->at += moved;
    }
}

static void
accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        bench_require(c != NULL, "memory");
        c->fd = fd;
        bench_no_delay(fd);
        watch(fd, c);
    }
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: send or receive");
    flow_fill();
    sends = strcmp(argv[1], "send") == 0;
    set = epoll_create1(EPOLL_CLOEXEC);
    int listener = bench_listen_at("0", SOCK_NONBLOCK);
    watch(listener, NULL);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                accept_all(listener);
        }
    }
}
