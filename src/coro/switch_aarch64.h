/* SPDX-License-Identifier: MIT */
/* switch_aarch64.h - the C side of switch_aarch64.S
 *
 * What lies at a parked coroutine's `sp`, in words of eight bytes:
 *
 *     0..11   x19 x20 ... x28 x29 x30; x30 is where to continue
 *     12..27  q8 ... q15
 *
 * A call preserves only the lower halves d8 ... d15. The whole registers are
 * saved at the same cost, so that the compiler, which does not see a call,
 * need not be told that their upper halves are lost.
 */
#ifndef ACIOI_SWITCH_AARCH64_H
#define ACIOI_SWITCH_AARCH64_H

#include <stdint.h>

/* x0: where to store sp, x1: where to load it, x30: where to continue. That
 * is what a call does as well, so it is a function too. */
void acioi_switch_jump(void **save, void *const *load);
/* A first frame continues here: x19 is a function, x20 its argument. */
void acioi_switch_start(void);

/* SVE has registers that the list below does not name; a call says it all, at
 * the price of the return prediction. */
#if defined __ARM_FEATURE_SVE

static inline void
acioi_switch(void **save, void *const *load)
{
    acioi_switch_jump(save, load);
}

#else

static inline void
acioi_switch(void **save, void *const *load)
{
    register void **x0 __asm__("x0") = save;
    register void *const *x1 __asm__("x1") = load;
    /* hint 36 is `bti j`, and nothing on processors without it. */
    __asm__ volatile("adr x30, 1f\n\t"
                     "b acioi_switch_jump\n"
                     "1:\thint 36"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                     "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                     "x30", "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5",
                     "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21",
                     "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                     "v30", "v31");
}

#endif

static inline void *
acioi_switch_lay(void *low, void *high, void (*entry)(void *), void *arg)
{
    (void)low;
    uintptr_t top = (uintptr_t)high & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - 28;
    for (int i = 0; i < 28; i++)
        frame[i] = 0; /* x29 == 0 ends a chain of frame records */
    frame[0] = (uintptr_t)entry;
    frame[1] = (uintptr_t)arg;
    frame[11] = (uintptr_t)acioi_switch_start;
    return frame;
}

#endif
