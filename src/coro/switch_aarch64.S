/* SPDX-License-Identifier: MIT */
/* switch_aarch64.S - the context switch for aarch64, AAPCS64
 *
 * Idea.       Store what a function must preserve (x19 ... x29, q8 ... q15)
 *             and where to continue (x30), exchange the stack pointer, load,
 *             jump. switch_aarch64.h draws the frame.
 * Jumps.      The way out is `br` and not `ret`: the return predictor knows
 *             only the stack that was left. It goes through x16, which may
 *             land on each kind of `bti`.
 * Unwinding.  The call frame information holds for both stacks, because both
 *             have the same frame at the moment of the exchange.
 */
#define FRAME 224

    .text

/* x0: save, x1: load, x30: where to continue */
    .globl acioi_switch_jump
    .hidden acioi_switch_jump
    .type acioi_switch_jump, %function
    .p2align 4
acioi_switch_jump:
    .cfi_startproc
    hint 34                     /* bti c */
    sub sp, sp, FRAME
    .cfi_adjust_cfa_offset FRAME
    stp x19, x20, [sp, 0]
    stp x21, x22, [sp, 16]
    stp x23, x24, [sp, 32]
    stp x25, x26, [sp, 48]
    stp x27, x28, [sp, 64]
    stp x29, x30, [sp, 80]
    stp q8, q9, [sp, 96]
    stp q10, q11, [sp, 128]
    stp q12, q13, [sp, 160]
    stp q14, q15, [sp, 192]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 112
    .cfi_rel_offset d10, 128
    .cfi_rel_offset d11, 144
    .cfi_rel_offset d12, 160
    .cfi_rel_offset d13, 176
    .cfi_rel_offset d14, 192
    .cfi_rel_offset d15, 208

    mov x9, sp
    str x9, [x0]
    ldr x9, [x1]
    mov sp, x9

/* With the stack pointer of a parked coroutine, a debugger unwinds from here
 * as if the switch to it had just taken place. */
    .globl acioi_switch_resume
    .hidden acioi_switch_resume
acioi_switch_resume:
    ldp x29, x16, [sp, 80]
    ldp x19, x20, [sp, 0]
    ldp x21, x22, [sp, 16]
    ldp x23, x24, [sp, 32]
    ldp x25, x26, [sp, 48]
    ldp x27, x28, [sp, 64]
    ldp q8, q9, [sp, 96]
    ldp q10, q11, [sp, 128]
    ldp q12, q13, [sp, 160]
    ldp q14, q15, [sp, 192]
    .cfi_same_value x19
    .cfi_same_value x20
    .cfi_same_value x21
    .cfi_same_value x22
    .cfi_same_value x23
    .cfi_same_value x24
    .cfi_same_value x25
    .cfi_same_value x26
    .cfi_same_value x27
    .cfi_same_value x28
    .cfi_same_value x29
    .cfi_register x30, x16
    .cfi_same_value d8
    .cfi_same_value d9
    .cfi_same_value d10
    .cfi_same_value d11
    .cfi_same_value d12
    .cfi_same_value d13
    .cfi_same_value d14
    .cfi_same_value d15
    add sp, sp, FRAME
    .cfi_adjust_cfa_offset -FRAME
    br x16
    .cfi_endproc
    .size acioi_switch_jump, . - acioi_switch_jump

/* An undefined return address is how an unwinder learns that it arrived. */
    .globl acioi_switch_start
    .hidden acioi_switch_start
    .type acioi_switch_start, %function
    .p2align 4
acioi_switch_start:
    .cfi_startproc
    .cfi_undefined x30
    hint 36                     /* bti j */
    mov x0, x20
    blr x19
    bl acioi_coro_returned
    brk 1
    .cfi_endproc
    .size acioi_switch_start, . - acioi_switch_start

    .section .note.GNU-stack, "", %progbits

#if defined __ARM_FEATURE_BTI_DEFAULT
/* Branch targets are promised; the guarded control stack is not, because the
 * switch would have to exchange it too. The linker keeps what all promise. */
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4
    .long 16
    .long 5
    .asciz "GNU"
    .long 0xc0000000            /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long 4
    .long 1                     /* GNU_PROPERTY_AARCH64_FEATURE_1_BTI */
    .long 0
#endif
