/* SPDX-License-Identifier: MIT */
/* coro.h - a stack that can be left and entered again
 *
 * Idea.       A coroutine is a stack and the place in it where it was left. A
 *             switch stores what the calling convention lets nobody destroy,
 *             changes the stack pointer, and continues where the other stack
 *             was left:
 *
 *                 thread  --switch-->  a  --switch-->  thread
 *                                      (parked: c->sp -> saved registers)
 *
 * Back ends.  switch_<cpu>.S for x86-64 and aarch64, switch_ucontext.c for
 *             all others. Exactly one is linked; nothing else in the library
 *             knows the processor.
 * Cost.       The switch is jumped into and jumped out of, never called and
 *             never returned from. So the processor's stack of predicted
 *             return addresses keeps its depth, and the returns after the
 *             switch, up through whatever parked, are predicted well as soon
 *             as two tasks park in the same function. A call in and a jump out
 *             is as fast in a loop of nothing but switches, and three times as
 *             slow in a scheduler (31 ns against 11 ns for a yield).
 * Not saved.  The floating-point control words (MXCSR and the x87 control
 *             word; FPCR) belong to the thread, not to the coroutine: saving
 *             them costs a quarter of the switch, and next to nobody changes
 *             them. Whoever changes the rounding mode in a coroutine puts it
 *             back before he leaves it. The signal mask belongs to the thread
 *             as well, and so does errno.
 * Debugger.   A parked coroutine can be unwound by
 *                 set $sp = c->sp
 *                 set $pc = acioi_switch_resume
 *                 backtrace
 */
#ifndef ACIOI_CORO_H
#define ACIOI_CORO_H

#include <stddef.h>

#include "coro/sanitizer.h"

#if defined ACIO_SWITCH_UCONTEXT
#include "coro/switch_ucontext.h"
#elif defined __x86_64__ && defined __LP64__
#include "coro/switch_x86_64.h"
#elif defined __aarch64__ && defined __LP64__
#include "coro/switch_aarch64.h"
#else
#error "no switch for this processor: define ACIO_SWITCH_UCONTEXT"
#endif

typedef void acioi_coro_entry(void *arg);

struct acioi_coro {
    void *sp;              /* the saved registers, while it is parked */
    const void *stack_low; /* its stack; NULL for an adopted thread */
    size_t stack_bytes;
    acioi_coro_entry *entry; /* what its first switch calls */
    void *arg;
    struct acioi_sanitizer sanitizer;
};

/* Adopts the calling thread's own stack, so that coroutines can be entered
 * from it and left to it. */
void acioi_coro_init_thread(struct acioi_coro *c);

void acioi_coro_fini_thread(struct acioi_coro *c);

/* Lays out a first frame: the first switch to `c` calls entry(arg) on
 * [low, high). `high` may lie below the stack's real end, of any alignment;
 * the owner keeps its own data above it. `entry` must not return: it leaves by
 * acioi_coro_exit. A coroutine that was never entered needs no exit. */
void acioi_coro_init(struct acioi_coro *c, void *low, void *high,
    acioi_coro_entry *entry, void *arg);

/* Where an entry function arrives that returns after all. */
_Noreturn void acioi_coro_returned(void);

/* Parks `from`, which is the one that runs, and continues `to`. Returns when
 * somebody switches to `from`, in the same thread. */
static inline void
acioi_coro_switch(struct acioi_coro *from, struct acioi_coro *to)
{
    acioi_sanitizer_leave(&from->sanitizer, &to->sanitizer, to->stack_low,
        to->stack_bytes);
    acioi_switch(&from->sp, &to->sp);
    acioi_sanitizer_arrive(&from->sanitizer);
}

/* The last switch of `from`: its stack may be reused once `to` runs. */
static inline _Noreturn void
acioi_coro_exit(struct acioi_coro *from, struct acioi_coro *to)
{
    acioi_sanitizer_exit(&from->sanitizer, &to->sanitizer, to->stack_low,
        to->stack_bytes);
    acioi_switch(&from->sp, &to->sp);
    __builtin_unreachable();
}

#endif
