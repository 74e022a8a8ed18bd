/* SPDX-License-Identifier: MIT */
/* Sockets of one's own. */
#include "net_world.h"

#include <acio/sock.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "forbid.h"

static void
close_it(int fd)
{
    if (fd >= 0)
        acio_loop_close_fd(acio_get_running_loop(), fd);
}

static int
make(int type)
{
    acio_loop *loop = acio_get_running_loop();
    return loop->backend->socket(loop, AF_INET, type, 0);
}

/* A socket at 127.0.0.1, and its whole address in `*name`. */
static int
make_bound(int type, struct sockaddr_in *name)
{
    acio_loop *loop = acio_get_running_loop();
    socklen_t length = sizeof *name;
    int fd = make(type);
    *name = (struct sockaddr_in){ .sin_family = AF_INET };
    name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loop->backend->bind(loop, fd, (struct sockaddr *)name, length);
    if (type == SOCK_STREAM)
        loop->backend->listen(loop, fd, 8);
    loop->backend->getsockname(loop, fd, (struct sockaddr *)name, &length);
    return fd;
}

struct ends {
    int listener, client, served;
    struct sockaddr_in from;
};

static int
open_ends(struct ends *ends)
{
    struct sockaddr_in name;
    socklen_t length = sizeof ends->from;
    ends->listener = make_bound(SOCK_STREAM, &name);
    ends->client = make(SOCK_STREAM);
    ends->served = -1;
    int err = acio_sock_connect(ends->client, (struct sockaddr *)&name,
        sizeof name);
    if (err < 0)
        return err;
    ends->served = acio_sock_accept(ends->listener,
        (struct sockaddr *)&ends->from, &length);
    return ends->served < 0 ? ends->served : 0;
}

static void
close_ends(const struct ends *ends)
{
    close_it(ends->client);
    close_it(ends->served);
    close_it(ends->listener);
}

SPEC(net_sock, connects_and_accepts, .may_deadlock = true)
{
    struct ends ends;
    char buf[8] = "";
    EXPECT_ERR(open_ends(&ends), 0);
    EXPECT_EQ(ntohl(ends.from.sin_addr.s_addr), INADDR_LOOPBACK);
    EXPECT_ERR(acio_sock_sendall(ends.client, "hello", 5, NULL), 0);
    EXPECT(acio_sock_recv(ends.served, buf, sizeof buf) > 0);
    EXPECT_EQ(buf[0], 'h');
    close_ends(&ends);
}

SPEC(net_sock, reads_the_end_of_the_stream)
{
    struct ends ends;
    char byte;
    EXPECT_ERR(open_ends(&ends), 0);
    close_it(ends.client);
    ends.client = -1;
    EXPECT_EQ(acio_sock_recv(ends.served, &byte, 1), 0);
    close_ends(&ends);
}

struct drain_args {
    int fd;
    size_t *got;
};
static int
drain(void *arg)
{
    const struct drain_args *a = arg;
    char buf[5000];
    ssize_t n;
    while ((n = acio_sock_recv(a->fd, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] != pattern(*a->got + (size_t)i))
                return -EIO;
        *a->got += (size_t)n;
    }
    return (int)n;
}

static char *
make_pattern(size_t bytes)
{
    char *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    return data;
}

SPEC(net_sock, sends_all_of_much, .may_deadlock = true)
{
    struct ends ends;
    size_t got = 0, sent = 0;
    char *data = make_pattern(much());
    EXPECT_ERR(open_ends(&ends), 0);
    acio_task *task = acio_create_task(drain, .fd = ends.served, .got = &got);
    EXPECT_ERR(acio_sock_sendall(ends.client, data, much(), &sent), 0);
    EXPECT_EQ(sent, much());
    close_it(ends.client);
    ends.client = -1;
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(got, much());
    close_ends(&ends);
    free(data);
}

SPEC(net_sock, tells_how_much_had_left_when_it_was_cut_short)
{
    struct ends ends;
    size_t sent = 0, got = 0;
    char *data = make_pattern(much());
    EXPECT_ERR(open_ends(&ends), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_sock_sendall(ends.client, data, much(), &sent),
            -ETIMEDOUT);
    }
    EXPECT(sent > 0 && sent < much());
    close_it(ends.client);
    ends.client = -1;
    acio_task *task = acio_create_task(drain, .fd = ends.served, .got = &got);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(got, sent);
    close_ends(&ends);
    free(data);
}

SPEC(net_sock, sends_a_part_of_a_file, .may_deadlock = true)
{
    struct ends ends;
    char path[] = "/tmp/acio-sock-XXXXXX", *data = make_pattern(100000);
    int64_t sent = 0;
    size_t got = 0;
    int file = mkostemp(path, O_CLOEXEC);
    unlink(path);
    EXPECT_EQ(write(file, "skipped", 7), 7);
    EXPECT_EQ(write(file, data, 100000), 100000);
    EXPECT_ERR(open_ends(&ends), 0);
    acio_task *task = acio_create_task(drain, .fd = ends.served, .got = &got);
    EXPECT_ERR(acio_sock_sendfile(ends.client, file, 7, 60000, &sent), 0);
    EXPECT_EQ(sent, 60000);
    EXPECT_ERR(acio_sock_sendfile(ends.client, file, 60007, -1, &sent), 0);
    EXPECT_EQ(sent, 40000);
    close_it(ends.client);
    ends.client = -1;
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(got, 100000);
    close_ends(&ends);
    close(file);
    free(data);
}

/* As of a file system that cannot hand pages to a socket. */
SPEC_REAL(net_sock, sends_a_file_that_the_kernel_refuses_to_send)
{
    struct ends ends;
    char path[] = "/tmp/acio-sock-XXXXXX", *data = make_pattern(300000);
    int64_t sent = 0;
    size_t got = 0;
    int file = mkostemp(path, O_CLOEXEC);
    unlink(path);
    forbid(SYS_sendfile, EINVAL);
    EXPECT_EQ(write(file, "skipped", 7), 7);
    EXPECT_EQ(write(file, data, 300000), 300000);
    EXPECT_ERR(open_ends(&ends), 0);
    acio_task *task = acio_create_task(drain, .fd = ends.served, .got = &got);
    EXPECT_ERR(acio_sock_sendfile(ends.client, file, 7, 200001, &sent), 0);
    EXPECT_EQ(sent, 200001);
    EXPECT_ERR(acio_sock_sendfile(ends.client, file, 200008, -1, &sent), 0);
    EXPECT_EQ(sent, 99999);
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), 300007);
    close_it(ends.client);
    ends.client = -1;
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(got, 300000);
    close_ends(&ends);
    close(file);
    free(data);
}

SPEC_REAL(net_sock, tells_how_much_of_a_refused_file_had_left)
{
    struct ends ends;
    char path[] = "/tmp/acio-sock-XXXXXX", *data = make_pattern(much());
    int64_t sent = 0;
    size_t got = 0;
    int file = mkostemp(path, O_CLOEXEC);
    unlink(path);
    forbid(SYS_sendfile, EINVAL);
    EXPECT_EQ(write(file, data, much()), (ssize_t)much());
    EXPECT_ERR(open_ends(&ends), 0);
    {
        ACIO_TIMEOUT(limit, 0.05);
        EXPECT_ERR(acio_sock_sendfile(ends.client, file, 0, -1, &sent),
            -ETIMEDOUT);
    }
    EXPECT(sent > 0 && sent < (int64_t)much());
    close_it(ends.client);
    ends.client = -1;
    acio_task *task = acio_create_task(drain, .fd = ends.served, .got = &got);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(got, (size_t)sent);
    close_ends(&ends);
    close(file);
    free(data);
}

SPEC(net_sock, sends_and_receives_datagrams, .may_deadlock = true)
{
    struct sockaddr_in a_name, b_name, from;
    socklen_t length = sizeof from;
    char buf[8] = "";
    int a = make_bound(SOCK_DGRAM, &a_name);
    int b = make_bound(SOCK_DGRAM, &b_name);
    EXPECT_EQ(acio_sock_sendto(a, "ping", 4, (struct sockaddr *)&b_name,
                  sizeof b_name),
        4);
    EXPECT_EQ(acio_sock_recvfrom(b, buf, sizeof buf, (struct sockaddr *)&from,
                  &length),
        4);
    EXPECT_TEXT(buf, "ping");
    EXPECT_EQ(from.sin_port, a_name.sin_port);
    close_it(a);
    close_it(b);
}

enum { MANY_DATAGRAMS = 2000 }; /* more than a socket holds */

struct send_datagrams_args {
    int fd;
};
static int
send_datagrams(void *arg)
{
    const struct send_datagrams_args *a = arg;
    char data[100] = "x";
    for (int i = 0; i < MANY_DATAGRAMS; i++) {
        ssize_t n = acio_sock_sendto(a->fd, data, sizeof data, NULL, 0);
        if (n < 0)
            return (int)n;
    }
    return (int)acio_sock_sendto(a->fd, "end", 3, NULL, 0);
}

/* What has to wait for room in the other's queue leaves whole. */
SPEC_KIND(net_sock, sends_datagrams_whole_when_there_is_room_again,
    "epoll uring", SPEC_NO_TORTURE)
{
    int fds[2], whole = 0;
    char buf[100] = "";
    ssize_t n = 0;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                  fds),
        0);
    acio_task *task = acio_create_task(send_datagrams, .fd = fds[0]);
    settle(); /* until there is no room */
    EXPECT(!acio_task_done(task));
    while (!acio_task_done(task) || n == sizeof buf) {
        n = acio_sock_recv(fds[1], buf, sizeof buf);
        if (n != sizeof buf || buf[0] != 'x')
            break;
        whole++;
    }
    EXPECT_EQ(n, 3);
    EXPECT_EQ(whole, MANY_DATAGRAMS);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), 3);
    close_it(fds[0]);
    close_it(fds[1]);
}

static double
processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
unix_socket(struct sockaddr_un *name, socklen_t *length)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *name = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *length = sizeof *name;
    EXPECT_EQ(bind(fd, (struct sockaddr *)name, sizeof(sa_family_t)), 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)name, length), 0);
    return fd;
}

/* Sends until there is no room for 0.4 seconds: how many have left. */
static int
fill(int fd, const struct sockaddr_un *to, socklen_t length, double *used)
{
    int count = 0;
    ssize_t n = 1;
    for (; n == 1; count++) {
        ACIO_TIMEOUT(limit, 0.4);
        double begin = processor_seconds();
        n = acio_sock_sendto(fd, "x", 1, (const struct sockaddr *)to, length);
        *used = processor_seconds() - begin;
    }
    EXPECT_ERR((int)n, -ETIMEDOUT);
    return count - 1;
}

/* A socket that sends to a name is always writable: trying as soon as it is
 * would take the whole processor. */
SPEC_REAL(net_sock, rests_while_the_queue_at_a_name_is_full)
{
    struct sockaddr_un name, own;
    socklen_t length, own_length;
    double used = 0;
    char buf[4];
    int there = unix_socket(&name, &length);
    int here = unix_socket(&own, &own_length);
    int count = fill(here, &name, length, &used);
    EXPECT(used < 0.1 || spec_under_valgrind());
    for (int i = 0; i < count; i++)
        EXPECT_EQ(acio_sock_recv(there, buf, sizeof buf), 1);
    EXPECT_EQ(acio_sock_sendto(here, "last", 4, (struct sockaddr *)&name,
                  length),
        4);
    EXPECT_EQ(acio_sock_recv(there, buf, sizeof buf), 4);
    close_it(there);
    close_it(here);
}

struct send_to_args {
    int fd;
    const struct sockaddr_un *to;
    socklen_t length;
};
static int
send_to(void *arg)
{
    const struct send_to_args *a = arg;
    return (int)acio_sock_sendto(a->fd, "late", 4, (struct sockaddr *)a->to,
        a->length);
}

SPEC_REAL(net_sock, sends_to_a_name_when_there_is_room_again)
{
    struct sockaddr_un name, own;
    socklen_t length, own_length;
    double used;
    char buf[4] = "";
    ssize_t n = 1;
    int there = unix_socket(&name, &length);
    int here = unix_socket(&own, &own_length);
    fill(here, &name, length, &used);
    acio_task *task = acio_create_task(send_to, .fd = here, .to = &name,
        .length = length);
    settle();
    while (n == 1)
        n = acio_sock_recv(there, buf, sizeof buf);
    EXPECT_EQ(n, 4);
    EXPECT_ERR(acio_await(task), 4);
    close_it(there);
    close_it(here);
}

SPEC_REAL(net_sock, refuses_a_socket_that_blocks)
{
    struct sockaddr_in name;
    int listener = make_bound(SOCK_STREAM, &name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_ERR(acio_sock_connect(fd, (struct sockaddr *)&name, sizeof name),
        -EINVAL);
    EXPECT_ERR(acio_sock_accept(fd, NULL, NULL), -EINVAL);
    close(fd);
    close_it(listener);
}

SPEC(net_sock, tells_of_a_socket_that_is_none)
{
    char byte;
    EXPECT_ERR(acio_sock_recv(-1, &byte, 1), -EBADF);
    EXPECT_ERR(acio_sock_sendall(-1, "x", 1, NULL), -EBADF);
    EXPECT_ERR(acio_sock_accept(-1, NULL, NULL), -EBADF);
    EXPECT_ERR(acio_sock_sendfile(-1, 0, -1, 1, NULL), -EINVAL);
}

TEST(net_sock, needs_a_task)
{
    char byte;
    EXPECT_ERR(acio_sock_recv(0, &byte, 1), -ACIO_ENOTASK);
}
