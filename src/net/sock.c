/* SPDX-License-Identifier: MIT */
/* sock.c - sockets of the user's own (loop.sock_recv and its sisters)
 *
 * Each call is one operation of the engine, or the same again until all is
 * done. Those that would block the thread on a blocking socket, connect(2) and
 * accept(2), refuse it, as asyncio does; the others ask not to block.
 *
 * Names.  A Unix socket that sends to a name is writable by poll(2) also while
 *         the queue there is full, so an operation that waits for room would
 *         spin: it is tried again after 1, 2, 4 ... 16 milliseconds.
 */
#include <acio/sock.h>

#include <errno.h>
#include <fcntl.h>

#include "net/net.h"

static const double first_pause = 0.001, last_pause = 0.016;

ssize_t
acio_sock_recv(int fd, void *buf, size_t n)
{
    acio_op op = { 0 };
    acio_op_recv(&op, fd, buf, n, 0);
    return acio_await_op(&op);
}

ssize_t
acio_sock_recvfrom(int fd, void *buf, size_t n, struct sockaddr *from,
    socklen_t *length)
{
    acio_op op = { 0 };
    struct iovec piece = { buf, n };
    struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1 };
    if (from && length) {
        header.msg_name = from;
        header.msg_namelen = *length;
    }
    acio_op_recvmsg(&op, fd, &header, 0);
    ssize_t result = acio_await_op(&op);
    if (result >= 0 && length)
        *length = header.msg_namelen;
    return result;
}

int
acio_sock_sendall(int fd, const void *data, size_t n, size_t *sent)
{
    size_t at = 0;
    ssize_t result;
    do {
        acio_op op = { 0 };
        acio_op_send(&op, fd, (const char *)data + at, n - at, 0);
        result = acio_await_op(&op);
        at += result > 0 ? (size_t)result : 0;
    } while (result >= 0 && at < n);
    if (sent)
        *sent = at;
    return result < 0 ? (int)result : 0;
}

static ssize_t
send_by_and_by(int fd, const struct msghdr *header)
{
    struct mmsghdr message = { .msg_hdr = *header };
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task("acio_sock_sendto");
    int err = acioi_check(task);
    if (err < 0)
        return acioi_spend(task, err);
    acio_loop *loop = acioi_running_loop;
    double pause = first_pause;
    while (
        (err = loop->backend->sendmmsg(loop, fd, &message, 1, 0)) == -EAGAIN) {
        err = acio_sleep(pause);
        if (err < 0)
            return err;
        pause = pause < last_pause ? pause * 2 : last_pause;
    }
    acioi_charge(task);
    return err < 0 ? err : (ssize_t)message.msg_len;
}

ssize_t
acio_sock_sendto(int fd, const void *data, size_t n, const struct sockaddr *to,
    socklen_t length)
{
    acio_op op = { 0 };
    struct iovec piece = { (void *)data, n };
    const struct msghdr header = { .msg_name = (void *)to,
        .msg_namelen = to ? length : 0,
        .msg_iov = &piece,
        .msg_iovlen = 1 };
    if (to && length >= sizeof to->sa_family && to->sa_family == AF_UNIX)
        return send_by_and_by(fd, &header);
    acio_op_sendmsg(&op, fd, &header, 0);
    return acio_await_op(&op);
}

/* What is no fd of the system's, the operation will tell. */
static bool
blocks(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

int
acio_sock_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    if (blocks(fd))
        return -EINVAL;
    acio_op op = { 0 };
    acio_op_connect(&op, fd, address, length);
    return (int)acio_await_op(&op);
}

int
acio_sock_accept(int fd, struct sockaddr *from, socklen_t *length)
{
    if (blocks(fd))
        return -EINVAL;
    acio_op op = { 0 };
    acio_op_accept(&op, fd, from, length);
    return (int)acio_await_op(&op);
}
