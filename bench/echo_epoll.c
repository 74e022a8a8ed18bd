/* SPDX-License-Identifier: MIT */
/* An echo server on bare epoll(7), with as few system calls as it takes: edge
 * triggered, one recv and one send for a request. A read that does not fill
 * the buffer has emptied the socket, so no second one has to say so. */
#include "listen.h"

#include <sys/epoll.h>

enum { EVENTS = 512, SHARED_BUFFER = 64 << 10 };

struct connection {
    int fd;
    char *rest; /* what the socket had no room for; NULL: nothing */
    size_t begin, end;
};

static int set;
static char buffer[SHARED_BUFFER];

static void
watch(int fd, struct connection *c)
{
    struct epoll_event event = {
        .events = EPOLLET | EPOLLIN | (c ? EPOLLOUT : 0),
        .data.ptr = c,
    };
    bench_require(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void
drop(struct connection *c)
{
    close(c->fd);
    free(c->rest);
    free(c);
}

static void
keep(struct connection *c, const char *data, size_t bytes)
{
    c->rest = malloc(bytes);
    bench_require(c->rest != NULL, "memory");
    memcpy(c->rest, data, bytes);
    c->begin = 0;
    c->end = bytes;
}

/* What stayed behind goes first; false while there still is some. */
static int
flush(struct connection *c)
{
    while (c->rest) {
        ssize_t sent = send(c->fd, c->rest + c->begin, c->end - c->begin,
            MSG_NOSIGNAL);
        if (sent < 0)
            return 0;
        c->begin += (size_t)sent;
        if (c->begin == c->end) {
            free(c->rest);
            c->rest = NULL;
        }
    }
    return 1;
}

static void
serve(struct connection *c)
{
    ssize_t got = sizeof buffer;
    while (flush(c) && got == sizeof buffer) {
        got = recv(c->fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            drop(c);
            return;
        }
        ssize_t sent = send(c->fd, buffer, (size_t)got, MSG_NOSIGNAL);
        sent = sent < 0 ? 0 : sent;
        if (sent < got)
            keep(c, buffer + sent, (size_t)(got - sent));
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
    bench_raise_files();
    set = epoll_create1(EPOLL_CLOEXEC);
    int listener = bench_listen(argc, argv, SOCK_NONBLOCK);
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
