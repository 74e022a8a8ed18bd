/* SPDX-License-Identifier: MIT */
/* switch_ucontext.c - the context switch where no assembler was written
 *
 * Idea.       swapcontext(3). A parked coroutine's `sp` is its ucontext_t,
 *             which lies on its own stack.
 * Cost.       The C library saves the signal mask, by a system call in each
 *             switch. It is meant for processors that have no better one.
 */
#include "coro/coro.h"

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/log.h"

/* Lies at the high end of a stack that was not yet entered. */
struct first {
    ucontext_t context;
    void (*entry)(void *);
    void *arg;
};

void
acioi_switch(void **save, void *const *load)
{
    ucontext_t here;
    *save = &here;
    if (swapcontext(&here, *load) < 0)
        acioi_panic("swapcontext failed, which it has no reason to");
}

/* makecontext(3) passes ints: a pointer travels in two of them. */
static void
start(unsigned upper, unsigned lower)
{
    struct first *first = (struct first *)(uintptr_t)(((uint64_t)upper << 32) |
        lower);
    first->entry(first->arg);
    acioi_coro_returned();
}

void *
acioi_switch_lay(void *low, void *high, void (*entry)(void *), void *arg)
{
    uintptr_t top = (uintptr_t)high - sizeof(struct first);
    struct first *first = (struct first *)(top & ~(uintptr_t)63);
    if (getcontext(&first->context) < 0)
        acioi_panic("getcontext failed, which it has no reason to");
    first->entry = entry;
    first->arg = arg;
    first->context.uc_link = NULL;
    first->context.uc_stack.ss_sp = low;
    first->context.uc_stack.ss_size = (size_t)((char *)first - (char *)low);
    uint64_t address = (uintptr_t)first;
    makecontext(&first->context, (void (*)(void))start, 2,
        (unsigned)(address >> 32), (unsigned)address);
    return first;
}
