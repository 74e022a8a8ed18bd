/* SPDX-License-Identifier: MIT */
/* uring_request.c - an op as a request to the kernel */
#include <fcntl.h>
#include <poll.h>

#include "engine/uring.h"

/* The kernel counts in 32 bits and moves at most this much in one call. */
static const size_t most_bytes = 0x7ffff000;

static uint32_t
length_of(const acio_op *op)
{
    size_t bytes = op->u.buf.bytes;
    return (uint32_t)(bytes < most_bytes ? bytes : most_bytes);
}

static uint64_t
address_of(const void *memory)
{
    return (uint64_t)(uintptr_t)memory;
}

static void
prepare_buffer(struct io_uring_sqe *sqe, uint8_t opcode, const acio_op *op)
{
    sqe->opcode = opcode;
    sqe->addr = address_of(op->u.buf.data);
    sqe->len = length_of(op);
}

static void
prepare_message(struct io_uring_sqe *sqe, uint8_t opcode, const acio_op *op)
{
    sqe->opcode = opcode;
    sqe->addr = address_of(op->u.msg.header);
    sqe->len = 1;
    sqe->msg_flags = (uint32_t)op->u.msg.flags;
}

static void
prepare_accept(struct io_uring_sqe *sqe, const acio_op *op)
{
    sqe->opcode = IORING_OP_ACCEPT;
    sqe->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (op->kind == ACIO_OP_ACCEPT) {
        sqe->addr = address_of(op->u.accept.address);
        sqe->addr2 = address_of(op->u.accept.length);
    }
}

/* The kernel picks the buffer when there is something to put into it. */
static void
prepare_recv_many(struct io_uring_sqe *sqe, const acio_op *op)
{
    if (op->kind == ACIO_OP_READ_MANY) {
        sqe->opcode = URING_OP_READ_MULTISHOT;
        sqe->off = UINT64_MAX; /* no position */
    } else {
        sqe->opcode = IORING_OP_RECV;
        sqe->ioprio = URING_RECV_MULTISHOT;
    }
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = ACIOI_BUFFER_GROUP;
}

/* The 16 bits in front mean the same on machines of either byte order. */
static void
prepare_poll(struct io_uring_sqe *sqe, unsigned events)
{
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->poll_events = (uint16_t)events;
}

/* A send that finds no room is told so (the poll that comes first then is in
 * uring.c). Were it left to wait in the kernel, that would go on behind what
 * the first try has read of the data, though it was not sent: a datagram to a
 * Unix socket would leave empty (seen on Linux 6.18). */
static void
prepare_transfer(struct io_uring_sqe *sqe, const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_RECV:
        prepare_buffer(sqe, IORING_OP_RECV, op);
        sqe->msg_flags = (uint32_t)op->u.buf.flags;
        break;
    case ACIO_OP_SEND:
        prepare_buffer(sqe, IORING_OP_SEND, op);
        sqe->msg_flags = (uint32_t)op->u.buf.flags | MSG_DONTWAIT |
            MSG_NOSIGNAL;
        break;
    case ACIO_OP_RECVMSG:
        prepare_message(sqe, IORING_OP_RECVMSG, op);
        break;
    case ACIO_OP_SENDMSG:
        prepare_message(sqe, IORING_OP_SENDMSG, op);
        sqe->msg_flags |= MSG_DONTWAIT | MSG_NOSIGNAL;
        break;
    case ACIO_OP_READ:
        prepare_buffer(sqe, IORING_OP_READ, op);
        sqe->off = (uint64_t)op->u.buf.offset;
        break;
    case ACIO_OP_WRITE:
        prepare_buffer(sqe, IORING_OP_WRITE, op);
        sqe->off = (uint64_t)op->u.buf.offset;
        break;
    }
}

/* An open that blocks is left to a thread of the kernel: when the kernel tries
 * it first without blocking, a FIFO opens without its other end, or says
 * ENXIO; and a file system may wait for its server all the same. */
static void
prepare_file(struct io_uring_sqe *sqe, const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_OPEN:
        sqe->opcode = IORING_OP_OPENAT;
        sqe->addr = address_of(op->u.open.path);
        sqe->len = op->u.open.mode;
        sqe->open_flags = (uint32_t)op->u.open.flags | O_CLOEXEC;
        if (!(op->u.open.flags & (O_NONBLOCK | O_PATH)))
            sqe->flags = IOSQE_ASYNC;
        break;
    case ACIO_OP_CLOSE:
        sqe->opcode = IORING_OP_CLOSE;
        break;
    case ACIO_OP_FSYNC:
        sqe->opcode = IORING_OP_FSYNC;
        break;
    case ACIO_OP_FDATASYNC:
        sqe->opcode = IORING_OP_FSYNC;
        sqe->fsync_flags = IORING_FSYNC_DATASYNC;
        break;
    case ACIO_OP_TRUNCATE:
        sqe->opcode = URING_OP_FTRUNCATE;
        sqe->off = (uint64_t)op->u.buf.offset;
        break;
    case ACIO_OP_STATX:
        sqe->opcode = IORING_OP_STATX;
        sqe->addr = address_of(op->u.statx.path);
        sqe->len = op->u.statx.mask;
        sqe->off = address_of(op->u.statx.out);
        sqe->statx_flags = (uint32_t)op->u.statx.flags;
        break;
    }
}

static void
prepare_path(struct io_uring_sqe *sqe, const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_RENAME:
        sqe->opcode = IORING_OP_RENAMEAT;
        sqe->addr = address_of(op->u.rename.path);
        sqe->addr2 = address_of(op->u.rename.to_path);
        sqe->len = (uint32_t)op->u.rename.to_directory_fd;
        break;
    case ACIO_OP_UNLINK:
        sqe->opcode = IORING_OP_UNLINKAT;
        sqe->addr = address_of(op->u.unlink.path);
        sqe->unlink_flags = (uint32_t)op->u.unlink.flags;
        break;
    case ACIO_OP_MKDIR:
        sqe->opcode = URING_OP_MKDIRAT;
        sqe->addr = address_of(op->u.open.path);
        sqe->len = op->u.open.mode;
        break;
    }
}

bool
acioi_uring_is_young(const acio_op *op)
{
    return op->kind == ACIO_OP_MKDIR || op->kind == ACIO_OP_TRUNCATE;
}

void
acioi_uring_prepare(struct io_uring_sqe *sqe, const acio_op *op,
    enum acioi_ring_level level)
{
    sqe->fd = op->fd;
    sqe->user_data = address_of(op);
    switch (op->kind) {
    case ACIO_OP_ACCEPT_MANY:
        if (level <= ACIOI_RING_COOP)
            sqe->ioprio = URING_ACCEPT_MULTISHOT;
        prepare_accept(sqe, op);
        break;
    case ACIO_OP_ACCEPT:
        prepare_accept(sqe, op);
        break;
    case ACIO_OP_CONNECT:
        sqe->opcode = IORING_OP_CONNECT;
        sqe->addr = address_of(op->u.connect.address);
        sqe->off = op->u.connect.length;
        break;
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY:
        prepare_recv_many(sqe, op);
        break;
    case ACIO_OP_POLL:
        prepare_poll(sqe, op->u.poll.events);
        break;
    case ACIO_OP_WAIT_CHILD:
        prepare_poll(sqe, POLLIN);
        break;
    case ACIO_OP_OPEN:
    case ACIO_OP_CLOSE:
    case ACIO_OP_FSYNC:
    case ACIO_OP_FDATASYNC:
    case ACIO_OP_STATX:
    case ACIO_OP_TRUNCATE:
        prepare_file(sqe, op);
        break;
    case ACIO_OP_RENAME:
    case ACIO_OP_UNLINK:
    case ACIO_OP_MKDIR:
        prepare_path(sqe, op);
        break;
    default:
        prepare_transfer(sqe, op);
        break;
    }
}

static unsigned
readiness(const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_SEND:
    case ACIO_OP_SENDMSG:
    case ACIO_OP_WRITE:
    case ACIO_OP_CONNECT:
    case ACIO_OP_SENDFILE:
        return POLLOUT;
    case ACIO_OP_RECV:
    case ACIO_OP_RECVMSG:
    case ACIO_OP_READ:
    case ACIO_OP_ACCEPT:
    case ACIO_OP_ACCEPT_MANY:
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY:
        return POLLIN;
    default:
        return 0;
    }
}

bool
acioi_uring_pollable(const acio_op *op)
{
    return readiness(op) != 0;
}

void
acioi_uring_prepare_poll(struct io_uring_sqe *sqe, const acio_op *op)
{
    sqe->fd = op->fd;
    sqe->user_data = address_of(op);
    prepare_poll(sqe, readiness(op));
}
