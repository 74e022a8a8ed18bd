/* SPDX-License-Identifier: MIT */
/* A datagram server on bare epoll(7), edge triggered: sends back what comes,
 * except what begins with a zero byte.
 *
 *     udp_epoll one|many
 *
 * With many, one system call receives up to 64 datagrams, and another sends
 * all the answers to them. */
#include "listen.h"

#include <sys/epoll.h>

enum { BATCH = 64 };

static char data[BATCH][BENCH_BUFFER];
static struct sockaddr_in from[BATCH];
static struct iovec pieces[BATCH];
static struct mmsghdr messages[BATCH], answers[BATCH];

static void
serve_one_by_one(int fd)
{
    for (;;) {
        socklen_t length = sizeof from[0];
        ssize_t got = recvfrom(fd, data[0], BENCH_BUFFER, 0,
            (struct sockaddr *)&from[0], &length);
        if (got < 0)
            return;
        if (data[0][0])
            sendto(fd, data[0], (size_t)got, 0, (struct sockaddr *)&from[0],
                length);
    }
}

static int
receive_many(int fd)
{
    for (int i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){ data[i], BENCH_BUFFER };
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i],
            .msg_namelen = sizeof from[i],
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
        };
    }
    return recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
}

/* A call that fills less than it may has emptied the socket. */
static void
serve_many(int fd)
{
    int got;
    do {
        unsigned count = 0;
        got = receive_many(fd);
        for (int i = 0; i < got; i++) {
            pieces[i].iov_len = messages[i].msg_len;
            if (data[i][0])
                answers[count++] = messages[i];
        }
        if (count > 0)
            sendmmsg(fd, answers, count, 0);
    } while (got == BATCH);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: one or many");
    int many = strcmp(argv[1], "many") == 0;
    int set = epoll_create1(EPOLL_CLOEXEC);
    int fd = bench_listen_at("udp:0", SOCK_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    for (;;) {
        if (epoll_wait(set, &event, 1, -1) < 1)
            continue;
        if (many)
            serve_many(fd);
        else
            serve_one_by_one(fd);
    }
}
