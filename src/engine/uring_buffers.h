/* SPDX-License-Identifier: MIT */
/* uring_buffers.h - memory that the kernel picks from when data is there
 *
 * Idea.       One ring of buffers for all connections of a loop: an idle
 *             connection holds no memory. The kernel takes a buffer when it
 *             has something to put into it, and says which one; the buffer is
 *             given back as soon as its data was delivered.
 *
 * Growth.     Address space for all buffers is reserved at once and costs
 *             nothing before it is touched. The kernel is given a few; when it
 *             ran out, twice as many.
 *
 * Chains.     What an op received is a chain of buffers in order of arrival,
 *             by number: op->buffer_head, next[], op->buffer_tail.
 */
#ifndef ACIOI_URING_BUFFERS_H
#define ACIOI_URING_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#include <acio/op.h>

#include "engine/uring_abi.h"
#include "engine/uring_ring.h"

enum {
    ACIOI_BUFFER_GROUP = 0,
    ACIOI_BUFFER_BYTES = 16384,
    ACIOI_BUFFERS_FIRST = 64,
    ACIOI_BUFFERS_MAX = 1024,
    ACIOI_BUFFER_NONE = -1
};

struct acioi_buffers {
    struct uring_buffer *ring; /* shared with the kernel; NULL: not open */
    char *memory;
    uint16_t tail; /* of the ring: buffers ever given */
    int made;      /* buffers in use, here or there */
    int there;     /* with the kernel, as far as we know */
    int16_t next[ACIOI_BUFFERS_MAX];
    uint16_t length[ACIOI_BUFFERS_MAX];
    int16_t place[ACIOI_BUFFERS_MAX]; /* in the ring, where it was given */
};

/* 0 or a negative errno, leaving nothing. */
int acioi_buffers_open(struct acioi_buffers *buffers, struct acioi_ring *ring);
/* After the ring was closed. A forked child has nothing to close. */
void acioi_buffers_close(struct acioi_buffers *buffers);

/* Twice as many as there are; false at the limit. */
bool acioi_buffers_grow(struct acioi_buffers *buffers);

/* Gives a buffer to the kernel. */
void acioi_buffers_give(struct acioi_buffers *buffers, int id);

/* The one that was given after `id`: the kernel takes them in that order. */
int acioi_buffers_after(const struct acioi_buffers *buffers, int id);

/* The kernel has put `bytes` for `op` into buffer `id`, which is ours again. */
void acioi_buffers_append(struct acioi_buffers *buffers, acio_op *op, int id,
    int bytes);

static inline char *
acioi_buffers_data(const struct acioi_buffers *buffers, int id)
{
    return buffers->memory + (size_t)id * ACIOI_BUFFER_BYTES;
}

#endif
