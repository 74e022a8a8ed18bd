/* SPDX-License-Identifier: MIT */
/* uring_ring.c - the two rings that are shared with the kernel */
#include "engine/uring_ring.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/uring_abi.h"

enum { COMPLETIONS_PER_REQUEST = 4, FILE_WORKERS = 64 };

/* ---- system calls ---- */

static int
ring_setup(unsigned entries, struct io_uring_params *params)
{
    int fd = (int)syscall(SYS_io_uring_setup, entries, params);
    return fd < 0 ? -errno : fd;
}

int
acioi_ring_register(const struct acioi_ring *ring, unsigned what,
    void *argument, unsigned count)
{
    int result = (int)syscall(SYS_io_uring_register, ring->fd, what, argument,
        count);
    return result < 0 ? -errno : result;
}

/* ---- set-up ---- */

static const uint32_t level_flags[ACIOI_RING_LEVELS] = {
    [ACIOI_RING_DEFER] = URING_SETUP_SINGLE_ISSUER | URING_SETUP_DEFER_TASKRUN |
        URING_SETUP_TASKRUN_FLAG | URING_SETUP_SUBMIT_ALL,
    [ACIOI_RING_COOP] = URING_SETUP_COOP_TASKRUN | URING_SETUP_TASKRUN_FLAG |
        URING_SETUP_SUBMIT_ALL,
    [ACIOI_RING_PLAIN] = 0,
};

static enum acioi_ring_level
first_level(void)
{
    const char *text = getenv("ACIO_URING_LEVEL");
    if (text && strcmp(text, "1") == 0)
        return ACIOI_RING_COOP;
    if (text && strcmp(text, "2") == 0)
        return ACIOI_RING_PLAIN;
    return ACIOI_RING_DEFER;
}

/* Older kernels say EINVAL to flags that they do not know. */
static int
setup_best(struct acioi_ring *ring, unsigned entries,
    struct io_uring_params *params)
{
    int fd = -EINVAL;
    for (int level = (int)first_level(); level < ACIOI_RING_LEVELS; level++) {
        memset(params, 0, sizeof *params);
        params->flags = level_flags[level] | IORING_SETUP_CQSIZE |
            IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;
        params->cq_entries = entries * COMPLETIONS_PER_REQUEST;
        fd = ring_setup(entries, params);
        ring->level = (enum acioi_ring_level)level;
        if (fd != -EINVAL)
            break;
    }
    return fd;
}

static void *
map_shared(int fd, size_t bytes, off_t what)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_POPULATE, fd, what);
    if (memory == MAP_FAILED)
        return NULL;
    /* a child that wrote here would corrupt its parent's ring */
    madvise(memory, bytes, MADV_DONTFORK);
    return memory;
}

static int
map_rings(struct acioi_ring *ring, const struct io_uring_params *p)
{
    size_t sq_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t cq_bytes = p->cq_off.cqes +
        p->cq_entries * sizeof(struct io_uring_cqe);
    ring->rings_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
    ring->sqes_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
    ring->rings = map_shared(ring->fd, ring->rings_bytes, IORING_OFF_SQ_RING);
    if (!ring->rings)
        return -ENOMEM;
    ring->sqes = map_shared(ring->fd, ring->sqes_bytes, IORING_OFF_SQES);
    if (ring->sqes)
        return 0;
    munmap(ring->rings, ring->rings_bytes);
    return -ENOMEM;
}

static uint32_t *
word_at(const struct acioi_ring *ring, uint32_t offset)
{
    return (uint32_t *)((char *)ring->rings + offset);
}

static void
find_words(struct acioi_ring *ring, const struct io_uring_params *p)
{
    ring->sq_head = word_at(ring, p->sq_off.head);
    ring->sq_tail = word_at(ring, p->sq_off.tail);
    ring->sq_flags = word_at(ring, p->sq_off.flags);
    ring->sq_entries = p->sq_entries;
    ring->cq_head = word_at(ring, p->cq_off.head);
    ring->cq_tail = word_at(ring, p->cq_off.tail);
    ring->cq_entries = p->cq_entries;
    ring->cqes = (void *)word_at(ring, p->cq_off.cqes);
    /* the n-th request always lies in the n-th slot */
    uint32_t *slots = word_at(ring, p->sq_off.array);
    for (uint32_t i = 0; i < p->sq_entries; i++)
        slots[i] = i;
}

/* A sandbox may allow the set-up and forbid the rest; a ring that is not yet
 * enabled says EBADFD. */
static int
check_usable(const struct acioi_ring *ring)
{
    const uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
        IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
    if ((ring->features & needed) != needed)
        return -ENOSYS;
    long result = syscall(SYS_io_uring_enter, ring->fd, 0, 0, 0, NULL, 0);
    return result < 0 && errno != EBADFD ? -errno : 0;
}

int
acioi_ring_open(struct acioi_ring *ring, unsigned entries)
{
    struct io_uring_params params;
    memset(ring, 0, sizeof *ring);
    ring->registered = -1;
    ring->fd = setup_best(ring, entries, &params);
    if (ring->fd < 0)
        return ring->fd;
    ring->features = params.features;
    int err = check_usable(ring);
    if (err == 0)
        err = map_rings(ring, &params);
    if (err < 0) {
        close(ring->fd);
        return err;
    }
    find_words(ring, &params);
    return 0;
}

/* ---- the owner ---- */

/* Saves the kernel the look-up of the fd in each call (Linux 5.18). */
static void
register_fd(struct acioi_ring *ring)
{
    struct io_uring_rsrc_update update = {
        .offset = UINT32_MAX, /* any place */
        .data = (uint64_t)ring->fd,
    };
    int n = acioi_ring_register(ring, URING_REGISTER_RING_FDS, &update, 1);
    ring->registered = n == 1 ? (int)update.offset : -1;
}

/* The kernel makes a worker when all that there are wait, up to four for each
 * processor: as many files of a dead server would stop all others. */
static void
allow_workers(const struct acioi_ring *ring)
{
    uint32_t most[2] = { FILE_WORKERS, 0 }; /* 0: unchanged */
    (void)acioi_ring_register(ring, URING_REGISTER_WORKERS, most, 2);
}

int
acioi_ring_enable(struct acioi_ring *ring)
{
    int err = acioi_ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (err < 0)
        return err;
    ring->enabled = true;
    ring->owner = pthread_self();
    register_fd(ring);
    allow_workers(ring);
    return 0;
}

static bool
mine(const struct acioi_ring *ring)
{
    return ring->enabled && pthread_equal(ring->owner, pthread_self());
}

/* The owner's table would keep the ring alive. */
static void
unregister_fd(struct acioi_ring *ring)
{
    if (ring->registered < 0 || !mine(ring))
        return;
    struct io_uring_rsrc_update update = {
        .offset = (uint32_t)ring->registered,
    };
    acioi_ring_register(ring, URING_UNREGISTER_RING_FDS, &update, 1);
    ring->registered = -1;
}

void
acioi_ring_close(struct acioi_ring *ring, bool child)
{
    if (!child) {
        unregister_fd(ring);
        munmap(ring->sqes, ring->sqes_bytes);
        munmap(ring->rings, ring->rings_bytes);
    }
    close(ring->fd);
}

/* ---- requests ---- */

struct io_uring_sqe *
acioi_ring_next(struct acioi_ring *ring)
{
    if (acioi_ring_unsubmitted(ring) >= ring->sq_entries)
        return NULL;
    struct io_uring_sqe *sqe =
        &ring->sqes[ring->sq_local_tail++ & (ring->sq_entries - 1)];
    return memset(sqe, 0, sizeof *sqe);
}

void
acioi_ring_withdraw(struct acioi_ring *ring, uint64_t user_data)
{
    uint32_t at = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
    for (; at != ring->sq_local_tail; at++) {
        struct io_uring_sqe *sqe = &ring->sqes[at & (ring->sq_entries - 1)];
        if (sqe->user_data == user_data) {
            memset(sqe, 0, sizeof *sqe);
            sqe->opcode = IORING_OP_NOP;
        }
    }
}

/* ---- the system call ---- */

static long
enter_kernel(const struct acioi_ring *ring, unsigned wait_for, unsigned flags,
    struct io_uring_getevents_arg *argument)
{
    int fd = ring->fd;
    if (ring->registered >= 0 && mine(ring)) {
        fd = ring->registered;
        flags |= URING_ENTER_REGISTERED_RING;
    }
    return syscall(SYS_io_uring_enter, fd, acioi_ring_unsubmitted(ring),
        wait_for, flags, argument, argument ? sizeof *argument : 0);
}

/* EBUSY: completions wait for room, or somebody else cleans up. */
static bool
passes_by(int error)
{
    return error == EINTR || error == ETIME || error == EBUSY ||
        error == EAGAIN;
}

int
acioi_ring_enter(struct acioi_ring *ring, int64_t timeout_ns)
{
    struct __kernel_timespec timeout = {
        .tv_sec = timeout_ns / ACIOI_SECOND_NS,
        .tv_nsec = timeout_ns % ACIOI_SECOND_NS,
    };
    struct io_uring_getevents_arg argument = {
        .sigmask_sz = _NSIG / 8,
        .ts = (uint64_t)(uintptr_t)&timeout,
    };
    bool timed = timeout_ns != 0 && timeout_ns != ACIOI_NEVER;
    unsigned flags = IORING_ENTER_GETEVENTS;
    if (timed)
        flags |= IORING_ENTER_EXT_ARG;
    __atomic_store_n(ring->sq_tail, ring->sq_local_tail, __ATOMIC_RELEASE);
    long result = enter_kernel(ring, timeout_ns != 0, flags,
        timed ? &argument : NULL);
    return result < 0 && !passes_by(errno) ? -errno : 0;
}
