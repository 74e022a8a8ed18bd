/* SPDX-License-Identifier: MIT */
/* stack.h - a pool of stacks of one size
 *
 * Idea.       A stack is a piece of address space; it holds memory only where
 *             it was touched, and that memory outlives its use, so that the
 *             next user of the stack finds it warm. stack.c says how memory
 *             goes back.
 * Guard.      Below each stack lie 16 KiB that may not be touched: one step
 *             too far, or a large local variable too much, is a SIGSEGV and
 *             not somebody else's data.
 * Thread.     A pool belongs to one thread.
 */
#ifndef ACIOI_STACK_H
#define ACIOI_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include <acio/types.h>

struct acioi_stack_slab;
struct acioi_stack_table;

struct acioi_stack_pool {
    size_t guard_bytes;
    size_t stack_bytes;  /* of one stack, without its guard */
    size_t stride_bytes; /* from one stack to the next: both */
    size_t keep_bytes;   /* of a warm stack, while the pool shrinks */
    bool watched;        /* a tool watches what memory holds */
    bool marks;          /* guards are marks, not mappings */
    bool unmapped;       /* stacks are gone that were in use once */

    struct acioi_stack_table *table; /* every slab, by address */
    struct acioi_stack_slab *fresh;  /* the one with stacks never used */
    struct acioi_stack_slab *cold;   /* those with stacks without memory */
    struct acio_link warm; /* free stacks with memory, last used first */

    size_t reserved; /* stacks that there is address space for */
    size_t in_use;
    size_t warm_count;
    size_t peak; /* of in_use, since the pool began */

    /* The watermarks of the running epoch, and what the last one decided. */
    size_t epoch_gives;
    size_t epoch_peak;  /* the greatest in_use */
    size_t epoch_spare; /* the least warm_count: nobody needed these */
    size_t surplus;     /* warm stacks yet to become cold */
};

struct acioi_stack_stats {
    size_t stack_bytes; /* usable bytes of each stack */
    size_t reserved;    /* stacks that there is address space for */
    size_t in_use;      /* stacks taken and not given */
    size_t cached;      /* free stacks that hold memory */
    size_t peak;        /* the most that were ever in use */
};

/* `stack_bytes` is rounded up to pages; -EINVAL below 16 KiB and above 1 GiB.
 * Reserves nothing yet. The pool may not be moved. */
int acioi_stack_pool_init(struct acioi_stack_pool *pool, size_t stack_bytes);

/* Every stack must have been given back. A pool of zeros is fine. */
void acioi_stack_pool_fini(struct acioi_stack_pool *pool);

/* Returns the high end of a stack, which is page-aligned, or NULL: no memory,
 * or, before Linux 6.13, more stacks than half of vm.max_map_count. */
void *acioi_stack_take(struct acioi_stack_pool *pool);

/* Nobody may be running on the stack. Usually without a system call; at most
 * five when the pool shrinks. */
void acioi_stack_give(struct acioi_stack_pool *pool, void *high);

/* Is `address` in the guard of a stack of the pool, and of whose? May be asked
 * in a signal handler of the pool's thread, at any moment. */
bool acioi_stack_guards(const struct acioi_stack_pool *pool,
    const void *address, void **high_out);

/* Is `high` the high end of a stack of the pool? Where `unmapped` is false no
 * stack has gone that ever was one. */
bool acioi_stack_is_high(const struct acioi_stack_pool *pool, const void *high);

void acioi_stack_pool_stats(const struct acioi_stack_pool *pool,
    struct acioi_stack_stats *out);

#endif
