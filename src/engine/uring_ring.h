/* SPDX-License-Identifier: MIT */
/* uring_ring.h - the two rings that are shared with the kernel
 *
 * Idea.       What one needs of io_uring and no more: a place for the next
 *             request, one system call that hands over what is new and waits,
 *             and the completions. No library stands between.
 *
 * Kernels.    A level is a set of set-up flags; each needs a newer kernel and
 *             also tells what else that kernel can do. The best one that the
 *             kernel accepts is taken. ACIO_URING_LEVEL=1 or 2 in the
 *             environment starts lower, as if the kernel were older.
 *
 * Threads.    With SINGLE_ISSUER the ring belongs to the thread that enables
 *             it, which need not be the one that made it.
 */
#ifndef ACIOI_URING_RING_H
#define ACIOI_URING_RING_H

#include <linux/io_uring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum acioi_ring_level {
    ACIOI_RING_DEFER, /* Linux 6.1: work is done when we ask; multishot recv */
    ACIOI_RING_COOP,  /* Linux 5.19: no interrupts; multishot accept */
    ACIOI_RING_PLAIN, /* Linux 5.11 */
    ACIOI_RING_LEVELS
};

struct acioi_ring {
    int fd;
    enum acioi_ring_level level;
    bool enabled; /* by the thread `owner` */
    pthread_t owner;
    int registered;    /* index of the fd in the owner's table; or -1 */
    uint32_t features; /* IORING_FEAT_* */

    uint32_t *sq_head; /* the kernel's: what it has taken */
    uint32_t *sq_tail;
    uint32_t *sq_flags;                 /* the kernel's */
    uint32_t sq_entries, sq_local_tail; /* requests written so far */
    struct io_uring_sqe *sqes;

    uint32_t *cq_head;
    uint32_t *cq_tail; /* the kernel's */
    uint32_t cq_entries;
    struct io_uring_cqe *cqes;

    void *rings; /* the mapping with both rings */
    size_t rings_bytes, sqes_bytes;
};

/* 0, or a negative errno, leaving nothing: EPERM, ENOSYS, EACCES and ENOMEM
 * are what sandboxes and old kernels say. */
int acioi_ring_open(struct acioi_ring *ring, unsigned entries);
/* In a forked child, which has no ring memory, only the fd is closed. */
void acioi_ring_close(struct acioi_ring *ring, bool child);

/* Makes the calling thread the owner; 0 or a negative errno. */
int acioi_ring_enable(struct acioi_ring *ring);

/* The next free request, zeroed, or NULL: enter first. */
struct io_uring_sqe *acioi_ring_next(struct acioi_ring *ring);

/* Hands over what is new and waits `timeout_ns` for a completion (0: not at
 * all, ACIOI_NEVER: as long as it takes). 0, also when interrupted or short
 * of memory; a negative errno where the ring is broken. */
int acioi_ring_enter(struct acioi_ring *ring, int64_t timeout_ns);

/* Takes back, unless the kernel has it already, each request with this
 * user_data. */
void acioi_ring_withdraw(struct acioi_ring *ring, uint64_t user_data);

/* io_uring_register(2): what it returned, or a negative errno. */
int acioi_ring_register(const struct acioi_ring *ring, unsigned what,
    void *argument, unsigned count);

/* Written, and not yet taken by the kernel. */
static inline uint32_t
acioi_ring_unsubmitted(const struct acioi_ring *ring)
{
    return ring->sq_local_tail -
        __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
}

static inline bool
acioi_ring_has_completions(const struct acioi_ring *ring)
{
    return *ring->cq_head != __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
}

/* The kernel has work to do for us, or completions that found no room: both
 * are had by entering it. */
static inline bool
acioi_ring_wants_entry(const struct acioi_ring *ring)
{
    const uint32_t wants = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
    return __atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & wants;
}

#endif
