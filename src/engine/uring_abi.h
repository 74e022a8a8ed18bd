/* SPDX-License-Identifier: MIT */
/* uring_abi.h - numbers of io_uring's kernel interface
 *
 * Those that are younger than Linux 5.11, whose headers are all that the
 * build needs; under names of our own, as newer headers have them as well.
 */
#ifndef ACIOI_URING_ABI_H
#define ACIOI_URING_ABI_H

#include <stdint.h>

enum {
    /* flags of io_uring_setup(2) */
    URING_SETUP_SUBMIT_ALL = 1 << 7,     /* Linux 5.18 */
    URING_SETUP_COOP_TASKRUN = 1 << 8,   /* Linux 5.19 */
    URING_SETUP_TASKRUN_FLAG = 1 << 9,   /* Linux 5.19 */
    URING_SETUP_SINGLE_ISSUER = 1 << 12, /* Linux 6.0 */
    URING_SETUP_DEFER_TASKRUN = 1 << 13, /* Linux 6.1 */
    /* a flag of io_uring_enter(2) */
    URING_ENTER_REGISTERED_RING = 1 << 4, /* Linux 5.18 */
    /* codes of io_uring_register(2) */
    URING_REGISTER_WORKERS = 19,  /* Linux 5.15 */
    URING_REGISTER_RING_FDS = 20, /* Linux 5.18 */
    URING_UNREGISTER_RING_FDS = 21,
    URING_REGISTER_PBUF_RING = 22, /* Linux 5.19 */
    /* a feature, and the flag of a request that it allows */
    URING_FEAT_CQE_SKIP = 1 << 11, /* Linux 5.17 */
    URING_SQE_CQE_SKIP_SUCCESS = 1 << 6,
    /* operations */
    URING_OP_MKDIRAT = 37,        /* Linux 5.15 */
    URING_OP_READ_MULTISHOT = 49, /* Linux 6.7 */
    URING_OP_FTRUNCATE = 55,      /* Linux 6.9 */
    /* flags of a request, in `ioprio` */
    URING_RECVSEND_POLL_FIRST = 1 << 0, /* Linux 5.19 */
    URING_RECV_MULTISHOT = 1 << 1,      /* Linux 6.0 */
    URING_RECVSEND_BUNDLE = 1 << 4,     /* Linux 6.10 */
    URING_ACCEPT_MULTISHOT = 1 << 0     /* Linux 5.19 */
};

/* One buffer in a ring of buffers. In the first one, `tail` is that of the
 * ring. */
struct uring_buffer {
    uint64_t address;
    uint32_t bytes;
    uint16_t id;
    uint16_t tail;
};

/* The argument of URING_REGISTER_PBUF_RING. */
struct uring_buffer_registration {
    uint64_t address;
    uint32_t entries;
    uint16_t group;
    uint16_t flags;
    uint64_t reserved[3];
};

#endif
