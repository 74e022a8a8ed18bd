/* SPDX-License-Identifier: MIT */
/* perform.c - an operation as a plain system call
 *
 * Idea.  One function a kind, found by the kind in a table. Sockets are asked
 *        not to block (MSG_DONTWAIT, SOCK_NONBLOCK); files and pipes block
 *        where the fd does, so whoever must not wait asks for readiness first
 *        or calls from a thread. EINTR is answered by trying again.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SENDFILE_PORTION = 1 << 20 };

typedef ssize_t perform_function(acio_op *op);

static ssize_t
perform_recv(acio_op *op)
{
    return recv(op->fd, op->u.buf.data, op->u.buf.bytes,
        op->u.buf.flags | MSG_DONTWAIT);
}

static ssize_t
perform_send(acio_op *op)
{
    return send(op->fd, op->u.buf.data, op->u.buf.bytes,
        op->u.buf.flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t
perform_recvmsg(acio_op *op)
{
    return recvmsg(op->fd, op->u.msg.header, op->u.msg.flags | MSG_DONTWAIT);
}

static ssize_t
perform_sendmsg(acio_op *op)
{
    return sendmsg(op->fd, op->u.msg.header,
        op->u.msg.flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t
perform_accept(acio_op *op)
{
    return accept4(op->fd, op->u.accept.address, op->u.accept.length,
        SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t
perform_accept_many(acio_op *op)
{
    return accept4(op->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t
perform_connect(acio_op *op)
{
    return connect(op->fd, op->u.connect.address, op->u.connect.length);
}

static ssize_t
perform_poll(acio_op *op)
{
    struct pollfd p = { .fd = op->fd, .events = (short)op->u.poll.events };
    int n = poll(&p, 1, 0);
    return n > 0 ? p.revents : n;
}

static ssize_t
perform_read(acio_op *op)
{
    if (op->u.buf.offset < 0)
        return read(op->fd, op->u.buf.data, op->u.buf.bytes);
    return pread(op->fd, op->u.buf.data, op->u.buf.bytes, op->u.buf.offset);
}

static ssize_t
perform_write(acio_op *op)
{
    if (op->u.buf.offset < 0)
        return write(op->fd, op->u.buf.data, op->u.buf.bytes);
    return pwrite(op->fd, op->u.buf.data, op->u.buf.bytes, op->u.buf.offset);
}

/* In portions, so that a cancel need not wait for all of a large file. */
static ssize_t
perform_sendfile(acio_op *op)
{
    off_t offset = op->u.sendfile.offset;
    size_t bytes = op->u.sendfile.bytes;
    if (bytes > SENDFILE_PORTION)
        bytes = SENDFILE_PORTION;
    return sendfile(op->fd, op->u.sendfile.file, offset < 0 ? NULL : &offset,
        bytes);
}

static ssize_t
perform_open(acio_op *op)
{
    return openat(op->fd, op->u.open.path, op->u.open.flags | O_CLOEXEC,
        op->u.open.mode);
}

/* Linux has closed the fd even where close(2) says EINTR. */
static ssize_t
perform_close(acio_op *op)
{
    int result = close(op->fd);
    return result < 0 && errno == EINTR ? 0 : result;
}

static ssize_t
perform_fsync(acio_op *op)
{
    return fsync(op->fd);
}

static ssize_t
perform_statx(acio_op *op)
{
    return statx(op->fd, op->u.statx.path, op->u.statx.flags, op->u.statx.mask,
        op->u.statx.out);
}

static ssize_t
perform_fdatasync(acio_op *op)
{
    return fdatasync(op->fd);
}

static ssize_t
perform_truncate(acio_op *op)
{
    return ftruncate(op->fd, op->u.buf.offset);
}

static ssize_t
perform_rename(acio_op *op)
{
    return renameat(op->fd, op->u.rename.path, op->u.rename.to_directory_fd,
        op->u.rename.to_path);
}

static ssize_t
perform_unlink(acio_op *op)
{
    return unlinkat(op->fd, op->u.unlink.path, op->u.unlink.flags);
}

static ssize_t
perform_mkdir(acio_op *op)
{
    return mkdirat(op->fd, op->u.open.path, op->u.open.mode);
}

static perform_function *const performers[ACIO_OP_KINDS] = {
    [ACIO_OP_RECV] = perform_recv,
    [ACIO_OP_SEND] = perform_send,
    [ACIO_OP_RECVMSG] = perform_recvmsg,
    [ACIO_OP_SENDMSG] = perform_sendmsg,
    [ACIO_OP_ACCEPT] = perform_accept,
    [ACIO_OP_ACCEPT_MANY] = perform_accept_many,
    [ACIO_OP_CONNECT] = perform_connect,
    [ACIO_OP_SENDFILE] = perform_sendfile,
    [ACIO_OP_POLL] = perform_poll,
    [ACIO_OP_READ] = perform_read,
    [ACIO_OP_WRITE] = perform_write,
    [ACIO_OP_OPEN] = perform_open,
    [ACIO_OP_CLOSE] = perform_close,
    [ACIO_OP_FSYNC] = perform_fsync,
    [ACIO_OP_FDATASYNC] = perform_fdatasync,
    [ACIO_OP_STATX] = perform_statx,
    [ACIO_OP_TRUNCATE] = perform_truncate,
    [ACIO_OP_RENAME] = perform_rename,
    [ACIO_OP_UNLINK] = perform_unlink,
    [ACIO_OP_MKDIR] = perform_mkdir,
};

ssize_t
acioi_op_perform(acio_op *op)
{
    /* what a user's function returns is its own affair, EINTR or not */
    if (op->kind == ACIO_OP_WORK)
        return op->u.work.function(op->u.work.arg);
    perform_function *perform = performers[op->kind];
    if (!perform)
        return -EINVAL;
    ssize_t result;
    do {
        result = perform(op);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

/* ---- pipes that are ready ---- */

bool
acioi_sigpipe_block(void)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    return !sigismember(&before, SIGPIPE) && !sigismember(&pending, SIGPIPE);
}

void
acioi_sigpipe_unblock(void)
{
    const struct timespec at_once = { 0, 0 };
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR) {
        /* another signal came in between */
    }
    pthread_sigmask(SIG_UNBLOCK, &pipe_only, NULL);
}

static bool
is_ready(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    return poll(&p, 1, 0) > 0;
}

static bool
blocks(int fd)
{
    return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Some files do not know RWF_NOWAIT, nor do old kernels and some sandboxes. */
static bool
is_unknown(ssize_t result)
{
    return result == -EOPNOTSUPP || result == -ENOSYS || result == -EPERM;
}

/* Another reader may have been faster, and a read that blocks would hold up
 * the loop. */
static ssize_t
read_ready(acio_op *op)
{
    struct iovec piece = { op->u.buf.data, op->u.buf.bytes };
    ssize_t result = preadv2(op->fd, &piece, 1, -1, RWF_NOWAIT);
    if (result < 0)
        result = -errno;
    if (is_unknown(result) && blocks(op->fd) && !is_ready(op->fd, POLLIN))
        return -EAGAIN;
    if (is_unknown(result))
        return acioi_op_perform(op);
    return result == -EINTR ? -EAGAIN : result;
}

/* A pipe that is ready has room for PIPE_BUF bytes; one that blocks would
 * block for more. */
static ssize_t
write_little(const acio_op *op)
{
    size_t bytes = op->u.buf.bytes;
    if (blocks(op->fd)) {
        if (!is_ready(op->fd, POLLOUT))
            return -EAGAIN;
        if (bytes > PIPE_BUF)
            bytes = PIPE_BUF;
    }
    bool blocked = acioi_sigpipe_block();
    ssize_t result = write(op->fd, op->u.buf.data, bytes);
    if (result < 0)
        result = -errno;
    if (blocked)
        acioi_sigpipe_unblock();
    return result;
}

static ssize_t
write_ready(const acio_op *op)
{
    struct iovec piece = { op->u.buf.data, op->u.buf.bytes };
    ssize_t result = pwritev2(op->fd, &piece, 1, -1,
        RWF_NOWAIT | ACIOI_RWF_NOSIGNAL);
    if (result < 0)
        result = -errno;
    /* pipes know the one since Linux 6.4, the other is of Linux 6.18 */
    if (is_unknown(result))
        result = write_little(op);
    return result == -EINTR ? -EAGAIN : result;
}

static ssize_t
sendfile_quietly(acio_op *op)
{
    bool blocked = acioi_sigpipe_block();
    ssize_t result = acioi_op_perform(op);
    if (blocked)
        acioi_sigpipe_unblock();
    return result;
}

ssize_t
acioi_op_perform_ready(acio_op *op)
{
    if (op->kind == ACIO_OP_READ)
        return read_ready(op);
    if (op->kind == ACIO_OP_WRITE)
        return write_ready(op);
    if (op->kind == ACIO_OP_SENDFILE)
        return sendfile_quietly(op);
    return acioi_op_perform(op);
}

/* Less than what was asked for may be the end of the file, or the end of what
 * is in memory: nobody is told of it here. */
ssize_t
acioi_op_perform_cached(const acio_op *op)
{
    struct iovec piece = { op->u.buf.data, op->u.buf.bytes };
    if (piece.iov_len > ACIOI_CACHED_MOST)
        return -EAGAIN;
    ssize_t result = preadv2(op->fd, &piece, 1, op->u.buf.offset, RWF_NOWAIT);
    if (result == 0 || (result > 0 && (size_t)result == piece.iov_len))
        return result;
    return -EAGAIN;
}

/* A full portion of a larger file is left to sendfile(2), which copies
 * nothing. */
bool
acioi_op_send_cached(acio_op *op, void *copy)
{
    size_t asked = op->u.sendfile.bytes;
    struct iovec piece = { copy,
        asked < ACIOI_CACHED_MOST ? asked : ACIOI_CACHED_MOST };
    if (op->u.sendfile.offset < 0)
        return false;
    ssize_t n = preadv2(op->u.sendfile.file, &piece, 1, op->u.sendfile.offset,
        RWF_NOWAIT);
    if (n < 0 || (n == ACIOI_CACHED_MOST && asked > ACIOI_CACHED_MOST))
        return false;
    if (n > 0)
        n = send(op->fd, copy, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    op->result = n;
    return n >= 0;
}

ssize_t
acioi_op_try(acio_op *op)
{
    if (op->kind != ACIO_OP_WRITE)
        return acioi_op_perform(op);
    return op->u.buf.offset < 0 ? write_ready(op) : -EAGAIN;
}

ssize_t
acioi_op_receive(const acio_op *op, void *data, size_t bytes)
{
    ssize_t n = op->kind == ACIO_OP_READ_MANY
        ? read(op->fd, data, bytes)
        : recv(op->fd, data, bytes, MSG_DONTWAIT);
    if (n >= 0)
        return n;
    return errno == EINTR ? -EAGAIN : -errno;
}

/* Of a connection that broke before it was accepted, or of a network that is
 * down: see accept(2). */
bool
acioi_accept_goes_on(ssize_t result)
{
    switch (-result) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}
