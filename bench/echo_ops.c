/* SPDX-License-Identifier: MIT */
/* An echo server of tasks that await operations, a task for each connection:
 * the library without its streams. */
#include "listen.h"

#include <acio.h>

struct serve_args {
    int fd;
};

struct amain_args {
    int argc;
    char **argv;
};

static ssize_t
send_all(int fd, const char *data, size_t bytes)
{
    acio_op op = { 0 };
    size_t done = 0;
    while (done < bytes) {
        acio_op_send(&op, fd, data + done, bytes - done, 0);
        ssize_t sent = acio_await_op(&op);
        if (sent < 0)
            return sent;
        done += (size_t)sent;
    }
    return 0;
}

static int
serve(void *arg)
{
    struct serve_args *a = arg;
    char buffer[BENCH_BUFFER];
    acio_op op = { 0 };
    ssize_t got = 1;
    while (got > 0) {
        acio_op_recv(&op, a->fd, buffer, sizeof buffer, 0);
        got = acio_await_op(&op);
        if (got > 0 && send_all(a->fd, buffer, (size_t)got) < 0)
            break;
    }
    return acio_loop_close_fd(acio_get_running_loop(), a->fd);
}

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    int listener = bench_listen(a->argc, a->argv, SOCK_NONBLOCK);
    ACIO_GROUP(group);
    for (;;) {
        acio_op op = { 0 };
        acio_op_accept(&op, listener, NULL, NULL);
        int fd = (int)acio_await_op(&op);
        if (fd < 0)
            return fd;
        bench_no_delay(fd);
        int err = acio_group_start(&group, serve, .fd = fd);
        bench_require(err == 0, "starting a task");
    }
}

int
main(int argc, char **argv)
{
    bench_raise_files();
    return acio_run(amain, .argc = argc, .argv = argv) < 0;
}
