/* SPDX-License-Identifier: MIT */
/* uring.h - what the parts of the io_uring back end share
 *
 *     uring.c          an op's way through the ring
 *     uring_request.c  an op as a request
 *     uring_file.c     reads of files that must not stop the loop
 *     uring_buffers.c  memory for what is received unasked
 *     uring_ring.c     the rings themselves
 */
#ifndef ACIOI_URING_H
#define ACIOI_URING_H

#include "engine/engine.h"
#include "engine/uring_buffers.h"
#include "engine/uring_ring.h"

/* In op->flags. */
enum {
    /* a request is written, and its last completion not yet seen */
    URING_IN_KERNEL = ACIOI_OP_BACKEND_FLAG << 0,
    /* that request, or the next one, only waits until the fd is ready */
    URING_POLLING = ACIOI_OP_BACKEND_FLAG << 1,
    /* recv_many without a buffer ring: there is something to receive */
    URING_READY = ACIOI_OP_BACKEND_FLAG << 2,
    /* the kernel was asked to cancel */
    URING_CANCEL_SENT = ACIOI_OP_BACKEND_FLAG << 3,
    /* read_many of a file that has no multishot reads */
    URING_ONE_SHOT = ACIOI_OP_BACKEND_FLAG << 4,
    /* recv_many whose request ends by itself after so many bytes */
    URING_TURN = ACIOI_OP_BACKEND_FLAG << 5,
    /* recv_many to whom more than a buffer comes at a time */
    URING_LARGE = ACIOI_OP_BACKEND_FLAG << 6,
    /* a read of a file, and where from: see uring_file.c */
    URING_FROM_MEMORY = ACIOI_OP_BACKEND_FLAG << 7,
    URING_FROM_DISK = ACIOI_OP_BACKEND_FLAG << 8,
    URING_BY_WORKER = ACIOI_OP_BACKEND_FLAG << 9
};

/* Of the requests that are no op's: the op's address with the lowest bit. */
enum { URING_CANCEL_TAG = 1 };

/* Fills a zeroed request with what `op` asks for. */
void acioi_uring_prepare(struct io_uring_sqe *sqe, const acio_op *op,
    enum acioi_ring_level level);

/* The same, for the wait until the op's fd is ready. */
void acioi_uring_prepare_poll(struct io_uring_sqe *sqe, const acio_op *op);

/* A write to a pipe, or at a file's position? */
static inline bool
acioi_uring_writes_on(const acio_op *op)
{
    return op->kind == ACIO_OP_WRITE && op->u.buf.offset < 0;
}

/* A read at a place of a file? */
static inline bool
acioi_uring_reads_file(const acio_op *op)
{
    return op->kind == ACIO_OP_READ && op->u.buf.offset >= 0;
}

/* Makes the request for one wait for nobody in this thread. */
void acioi_uring_limit_read(struct io_uring_sqe *sqe, acio_op *op);

/* True where the kernel had not all in memory: the op is to go there again. */
bool acioi_uring_read_more(acio_op *op, int result);

/* Does the op need a newer kernel than the ring? One that does not know it says
 * EINVAL. */
bool acioi_uring_is_young(const acio_op *op);

/* Can one wait until the op's fd is ready? */
bool acioi_uring_pollable(const acio_op *op);

#endif
