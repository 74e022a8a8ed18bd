/* SPDX-License-Identifier: MIT */
/* Operations: requests in, completions out.
 *
 * An op lies in the caller's memory. It is prepared (acio_op_recv, ...), then
 * submitted; its callback runs exactly once, from the loop's ready queue, with
 * `op->result`: what the system call would have returned, or a negative errno.
 * From submit until then the op and every buffer it names belong to the loop.
 *
 * Cancelling is a request: the completion still comes, with the result where
 * the operation won the race, else with -ECANCELED. Nothing that the operation
 * took (bytes, an accepted fd) is lost.
 *
 * Three kinds complete many times (acio_op_accept_many, acio_op_recv_many,
 * acio_op_read_many). For them the op is alive until a completion for which
 * acio_op_alive is false.
 *
 * Sockets, and other fds that ops work on, are closed with acio_loop_close_fd.
 */
#ifndef ACIO_OP_H
#define ACIO_OP_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop.h"

ACIO_BEGIN_DECLS

struct statx;

typedef struct acio_op acio_op;
typedef void acio_op_callback(acio_op *op);

/* Work for a thread; what it returns is the op's result. */
typedef int acio_work(void *arg);

enum acio_op_kind {
    ACIO_OP_NONE,
    /* sockets and pipes */
    ACIO_OP_RECV,
    ACIO_OP_SEND,
    ACIO_OP_RECVMSG,
    ACIO_OP_SENDMSG,
    ACIO_OP_ACCEPT,
    ACIO_OP_CONNECT,
    ACIO_OP_RECV_MANY,
    ACIO_OP_ACCEPT_MANY,
    ACIO_OP_READ_MANY,
    ACIO_OP_SENDFILE,
    /* any fd */
    ACIO_OP_POLL,
    ACIO_OP_READ,
    ACIO_OP_WRITE,
    /* files */
    ACIO_OP_OPEN,
    ACIO_OP_CLOSE,
    ACIO_OP_FSYNC,
    ACIO_OP_FDATASYNC,
    ACIO_OP_STATX,
    ACIO_OP_TRUNCATE,
    ACIO_OP_RENAME,
    ACIO_OP_UNLINK,
    ACIO_OP_MKDIR,
    /* processes and threads */
    ACIO_OP_WAIT_CHILD,
    ACIO_OP_WORK,
    ACIO_OP_KINDS
};

/* Which threads do the work: files and users' functions, or look-ups, which
 * may hang for long and must not hold up the others. */
enum acio_pool { ACIO_POOL_DEFAULT, ACIO_POOL_DNS };

#define ACIO_ACCEPT_BATCH 14

struct acio_op {
    acio_handle handle;    /* the loop's: the completion in the ready queue */
    struct acio_link link; /* the loop's: where the op waits while alive */
    acio_loop *loop;       /* the loop's, from submit on */
    acio_op_callback *callback;
    void *user;     /* the caller's, for the callback */
    ssize_t result; /* valid in the callback and after it */
    uint8_t kind;   /* enum acio_op_kind, set by the prepare functions */
    uint8_t state;  /* the loop's */
    uint16_t flags; /* the loop's */
    int fd;
    int final;       /* the loop's: the last result of a many-times op */
    int buffer_head; /* the back end's: received and not yet delivered */
    int buffer_tail;
    union {
        struct {
            void *data;
            size_t bytes;
            int flags;
            int64_t offset; /* read and write: -1 for the file position */
        } buf;
        struct {
            struct msghdr *header;
            int flags;
        } msg;
        struct {
            struct sockaddr *address;
            socklen_t *length;
        } accept;
        struct {
            const struct sockaddr *address;
            socklen_t length;
        } connect;
        struct {
            unsigned events;
        } poll;
        struct {
            const char *path;
            int flags;
            mode_t mode;
        } open;
        struct {
            const char *path;
            int flags;
            unsigned mask;
            struct statx *out;
        } statx;
        struct {
            int file;
            int64_t offset;
            size_t bytes;
        } sendfile;
        struct {
            const char *path, *to_path;
            int to_directory_fd;
        } rename;
        struct {
            const char *path;
            int flags;
        } unlink;
        struct {
            siginfo_t *info;
        } child;
        struct {
            acio_work *function;
            void *arg;
            enum acio_pool pool;
        } work;
        struct {
            void *data;
        } recv_many;
        struct {
            int fds[ACIO_ACCEPT_BATCH];
            uint8_t first, count;
        } accept_many;
    } u;
};

/* Hand a prepared op to the loop. Never calls back from inside.
 *
 *   returns   -; errors come as the op's result
 *   suspends  no
 *   cancel    -
 *   owner     `op` and its buffers are the loop's until the last callback;
 *             the callback may free them
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_loop_submit(acio_loop *loop, acio_op *op,
    acio_op_callback *callback, void *user);

/* Try a prepared send, or a write to a pipe, at once, where the back end sends
 * at once. Neither blocks, not even on a blocking pipe, and there is no
 * SIGPIPE.
 *
 *   returns   what send(2) or write(2) did; -EAGAIN: submit it (the back end
 *             batches, or the fd is full, or it is a write to a file at an
 *             offset)
 *   suspends  no
 *   cancel    -
 *   owner     `op` stays with the caller: it was not submitted
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ssize_t acio_loop_try_send(acio_loop *loop, acio_op *op);

/* Ask for an end of `op`. One that is not alive is left alone. The callback
 * still comes.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_op_cancel(acio_op *op);

/* Is the op between submit and its last callback?
 *
 *   returns   true or false; false inside the last callback
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT bool acio_op_alive(const acio_op *op);

/* Close an fd that ops worked on. None may be alive on it.
 *
 *   returns   0 or a negative errno; the fd is gone in every case
 *   suspends  no
 *   cancel    -
 *   owner     `fd` is taken
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT int acio_loop_close_fd(acio_loop *loop, int fd);

/* ---- preparing ---- */

static inline void
acio_op_prepare(acio_op *op, enum acio_op_kind kind, int fd)
{
    op->kind = (uint8_t)kind;
    op->fd = fd;
}

/* recv(2); result: bytes, 0 at the end of the stream. */
static inline void
acio_op_recv(acio_op *op, int fd, void *data, size_t bytes, int flags)
{
    acio_op_prepare(op, ACIO_OP_RECV, fd);
    op->u.buf.data = data;
    op->u.buf.bytes = bytes;
    op->u.buf.flags = flags;
}

/* send(2), with MSG_NOSIGNAL; may be short. */
static inline void
acio_op_send(acio_op *op, int fd, const void *data, size_t bytes, int flags)
{
    acio_op_prepare(op, ACIO_OP_SEND, fd);
    op->u.buf.data = (void *)data;
    op->u.buf.bytes = bytes;
    op->u.buf.flags = flags;
}

/* recvmsg(2) */
static inline void
acio_op_recvmsg(acio_op *op, int fd, struct msghdr *header, int flags)
{
    acio_op_prepare(op, ACIO_OP_RECVMSG, fd);
    op->u.msg.header = header;
    op->u.msg.flags = flags;
}

/* sendmsg(2), with MSG_NOSIGNAL */
static inline void
acio_op_sendmsg(acio_op *op, int fd, const struct msghdr *header, int flags)
{
    acio_op_prepare(op, ACIO_OP_SENDMSG, fd);
    op->u.msg.header = (struct msghdr *)header;
    op->u.msg.flags = flags;
}

/* accept4(2), non-blocking and close-on-exec; result: the fd. */
static inline void
acio_op_accept(acio_op *op, int fd, struct sockaddr *address, socklen_t *length)
{
    acio_op_prepare(op, ACIO_OP_ACCEPT, fd);
    op->u.accept.address = address;
    op->u.accept.length = length;
}

/* accept4(2) again and again; each result is an fd, until an error ends it. */
static inline void
acio_op_accept_many(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_ACCEPT_MANY, fd);
    op->u.accept_many.first = op->u.accept_many.count = 0;
}

/* connect(2); result: 0. */
static inline void
acio_op_connect(acio_op *op, int fd, const struct sockaddr *address,
    socklen_t length)
{
    acio_op_prepare(op, ACIO_OP_CONNECT, fd);
    op->u.connect.address = address;
    op->u.connect.length = length;
}

/* recv(2) again and again into memory of the loop: in each callback,
 * `op->result` bytes lie at `op->u.recv_many.data`, valid until the callback
 * returns. A result of 0 (the end of the stream) or an error is the last. */
static inline void
acio_op_recv_many(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_RECV_MANY, fd);
    op->u.recv_many.data = NULL;
}

/* The same by read(2), for pipes, terminals and other devices. Where somebody
 * else reads from the same pipe too it has to be non-blocking. A file of a kind
 * that has no readiness (/dev/null, and also one on a disk) is always ready,
 * and read in the loop's thread. */
static inline void
acio_op_read_many(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_READ_MANY, fd);
    op->u.recv_many.data = NULL;
}

/* sendfile(2), from `offset` of the file (-1: from its position), to a socket
 * or a pipe that is non-blocking; result: bytes, 0 at the end of the file. May
 * be short, and is where the file is large. A thread does it, because the file
 * may have to come from a disk. */
static inline void
acio_op_sendfile(acio_op *op, int fd, int file, int64_t offset, size_t bytes)
{
    acio_op_prepare(op, ACIO_OP_SENDFILE, fd);
    op->u.sendfile.file = file;
    op->u.sendfile.offset = offset;
    op->u.sendfile.bytes = bytes;
}

/* poll(2) once; `events` and the result are POLLIN, POLLOUT, ... */
static inline void
acio_op_poll(acio_op *op, int fd, unsigned events)
{
    acio_op_prepare(op, ACIO_OP_POLL, fd);
    op->u.poll.events = events;
}

/* pread(2), or read(2) where the offset is -1. */
static inline void
acio_op_read(acio_op *op, int fd, void *data, size_t bytes, int64_t offset)
{
    acio_op_prepare(op, ACIO_OP_READ, fd);
    op->u.buf.data = data;
    op->u.buf.bytes = bytes;
    op->u.buf.offset = offset;
}

/* pwrite(2), or write(2) where the offset is -1; may be short. */
static inline void
acio_op_write(acio_op *op, int fd, const void *data, size_t bytes,
    int64_t offset)
{
    acio_op_prepare(op, ACIO_OP_WRITE, fd);
    op->u.buf.data = (void *)data;
    op->u.buf.bytes = bytes;
    op->u.buf.offset = offset;
}

/* openat(2) with O_CLOEXEC, relative to `directory_fd` or AT_FDCWD; result:
 * the fd. `path` is borrowed until the callback. */
static inline void
acio_op_open(acio_op *op, int directory_fd, const char *path, int flags,
    mode_t mode)
{
    acio_op_prepare(op, ACIO_OP_OPEN, directory_fd);
    op->u.open.path = path;
    op->u.open.flags = flags;
    op->u.open.mode = mode;
}

/* close(2), for files: it may wait for a disk or a server. */
static inline void
acio_op_close(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_CLOSE, fd);
}

/* fsync(2) */
static inline void
acio_op_fsync(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_FSYNC, fd);
}

/* fdatasync(2) */
static inline void
acio_op_fdatasync(acio_op *op, int fd)
{
    acio_op_prepare(op, ACIO_OP_FDATASYNC, fd);
}

/* ftruncate(2) */
static inline void
acio_op_truncate(acio_op *op, int fd, int64_t bytes)
{
    acio_op_prepare(op, ACIO_OP_TRUNCATE, fd);
    op->u.buf.offset = bytes;
}

/* renameat(2); both paths are borrowed until the callback. */
static inline void
acio_op_rename(acio_op *op, int directory_fd, const char *path,
    int to_directory_fd, const char *to_path)
{
    acio_op_prepare(op, ACIO_OP_RENAME, directory_fd);
    op->u.rename.path = path;
    op->u.rename.to_path = to_path;
    op->u.rename.to_directory_fd = to_directory_fd;
}

/* unlinkat(2), of a directory with AT_REMOVEDIR; `path` is borrowed until the
 * callback. */
static inline void
acio_op_unlink(acio_op *op, int directory_fd, const char *path, int flags)
{
    acio_op_prepare(op, ACIO_OP_UNLINK, directory_fd);
    op->u.unlink.path = path;
    op->u.unlink.flags = flags;
}

/* mkdirat(2); `path` is borrowed until the callback. */
static inline void
acio_op_mkdir(acio_op *op, int directory_fd, const char *path, mode_t mode)
{
    acio_op_prepare(op, ACIO_OP_MKDIR, directory_fd);
    op->u.open.path = path;
    op->u.open.mode = mode;
}

/* statx(2); `path` and `out` are borrowed until the callback. */
static inline void
acio_op_statx(acio_op *op, int directory_fd, const char *path, int flags,
    struct statx *out)
{
    acio_op_prepare(op, ACIO_OP_STATX, directory_fd);
    op->u.statx.path = path;
    op->u.statx.flags = flags;
    op->u.statx.mask = 0x7ffU; /* STATX_BASIC_STATS */
    op->u.statx.out = out;
}

/* waitid(P_PIDFD, WEXITED) on a pidfd (Linux 5.4); result: 0, `info` filled.
 */
static inline void
acio_op_wait_child(acio_op *op, int pidfd, siginfo_t *info)
{
    acio_op_prepare(op, ACIO_OP_WAIT_CHILD, pidfd);
    op->u.child.info = info;
}

/* function(arg) in a thread. Cancelled before a thread took it: -ECANCELED;
 * after, the completion comes when it has returned. */
static inline void
acio_op_work(acio_op *op, acio_work *function, void *arg, enum acio_pool pool)
{
    acio_op_prepare(op, ACIO_OP_WORK, -1);
    op->u.work.function = function;
    op->u.work.arg = arg;
    op->u.work.pool = pool;
}

ACIO_END_DECLS

#endif
