/* SPDX-License-Identifier: MIT */
/* switch_x86_64.h - the C side of switch_x86_64.S
 *
 * What lies at a parked coroutine's `sp`, in words of eight bytes:
 *
 *     0..5    r15 r14 r13 r12 rbx rbp
 *     6       where to continue
 *     7..22   the red zone of the function that switched
 *
 * The compiler does not know that it is left by a jump, so the red zone has to
 * be stepped over, and every register that a call could destroy is listed.
 */
#ifndef ACIOI_SWITCH_X86_64_H
#define ACIOI_SWITCH_X86_64_H

#include <stdint.h>

/* rdi: where to store sp, rsi: where to load it, rdx: where to continue. */
void acioi_switch_jump(void);
/* The same as a function, which continues behind its call. */
void acioi_switch_call(void **save, void *const *load);
/* A first frame continues here: rbx is a function, r12 its argument. */
void acioi_switch_start(void);

#if defined __CET__ && (__CET__ & 1)
#define ACIOI_SWITCH_LANDING "endbr64"
#else
#define ACIOI_SWITCH_LANDING ""
#endif

/* AVX-512 and APX have registers that the list below does not name; a call
 * says it all, at the price of the return prediction. */
#if defined __AVX512F__ || defined __APX_F__

static inline void
acioi_switch(void **save, void *const *load)
{
    acioi_switch_call(save, load);
}

#else

static inline void
acioi_switch(void **save, void *const *load)
{
    __asm__ volatile("leaq 1f(%%rip), %%rdx\n\t"
                     "jmp acioi_switch_jump\n"
                     "1:\t" ACIOI_SWITCH_LANDING
                     : "+D"(save), "+S"(load)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc",
                     "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                     "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                     "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)",
                     "st(4)", "st(5)", "st(6)", "st(7)");
}

#endif

static inline void *
acioi_switch_lay(void *low, void *high, void (*entry)(void *), void *arg)
{
    (void)low;
    /* The stack pointer is a multiple of 16 before a call, and the first
     * frame ends in one, made by acioi_switch_start. */
    uintptr_t top = (uintptr_t)high & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - 23;
    frame[0] = frame[1] = frame[2] = 0;
    frame[3] = (uintptr_t)arg;
    frame[4] = (uintptr_t)entry;
    frame[5] = 0; /* ends a chain of frame pointers */
    frame[6] = (uintptr_t)acioi_switch_start;
    return frame;
}

#endif
