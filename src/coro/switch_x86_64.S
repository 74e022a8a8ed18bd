/* SPDX-License-Identifier: MIT */
/* switch_x86_64.S - the context switch for x86-64, System V
 *
 * Idea.       Push the six registers that a function must preserve, exchange
 *             the stack pointer, pop them, jump. switch_x86_64.h draws the
 *             frame.
 * Jumps.      The way out is `jmp` and not `ret`: the return predictor knows
 *             only the stack that was left, so a `ret` is mispredicted nearly
 *             always. The way in is a jump too; coro.h says why.
 * Unwinding.  The call frame information is exact at each instruction. It
 *             holds for both stacks, because both have the same frame at the
 *             moment of the exchange.
 */
#if defined __CET__ && (__CET__ & 1)
#define LANDING endbr64
#else
#define LANDING
#endif

    .text

/* void acioi_switch_call(void **save, void *const *load) */
    .globl acioi_switch_call
    .hidden acioi_switch_call
    .type acioi_switch_call, @function
    .p2align 4
acioi_switch_call:
    .cfi_startproc
    LANDING
    popq %rdx
    .cfi_def_cfa_offset 0
    .cfi_register rip, rdx
    jmp acioi_switch_jump
    .cfi_endproc
    .size acioi_switch_call, . - acioi_switch_call

/* rdi: save, rsi: load, rdx: where to continue */
    .globl acioi_switch_jump
    .hidden acioi_switch_jump
    .type acioi_switch_jump, @function
    .p2align 4
acioi_switch_jump:
    .cfi_startproc simple
    .cfi_def_cfa rsp, 0
    .cfi_register rip, rdx
    leaq -128(%rsp), %rsp
    .cfi_adjust_cfa_offset 128
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rip, 0
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0

    movq %rsp, (%rdi)
    movq (%rsi), %rsp

/* With the stack pointer of a parked coroutine, a debugger unwinds from here
 * as if the switch to it had just taken place. */
    .globl acioi_switch_resume
    .hidden acioi_switch_resume
acioi_switch_resume:
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_same_value rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_same_value rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    leaq 128(%rsp), %rsp
    .cfi_adjust_cfa_offset -128
    jmpq *%rcx
    .cfi_endproc
    .size acioi_switch_jump, . - acioi_switch_jump

/* An undefined return address is how an unwinder learns that it arrived. The
 * entry function never returns, so its call would stay on the processor's stack
 * of return addresses for ever, and every return after it, on other stacks,
 * would be mispredicted: it is entered by a jump, with an address to return to
 * all the same. */
    .globl acioi_switch_start
    .hidden acioi_switch_start
    .type acioi_switch_start, @function
    .p2align 4
acioi_switch_start:
    .cfi_startproc
    .cfi_undefined rip
    LANDING
    movq %r12, %rdi
    leaq 1f(%rip), %rax
    pushq %rax
    .cfi_adjust_cfa_offset 8
    jmpq *%rbx
1:
    .cfi_adjust_cfa_offset -8
    callq acioi_coro_returned
    ud2
    .cfi_endproc
    .size acioi_switch_start, . - acioi_switch_start

    .section .note.GNU-stack, "", @progbits

#if defined __CET__ && (__CET__ & 1)
/* Indirect branch tracking is promised; the shadow stack is not, because the
 * switch would have to exchange it too. The linker keeps what all promise. */
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4
    .long 16
    .long 5
    .asciz "GNU"
    .long 0xc0000002            /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 1                     /* GNU_PROPERTY_X86_FEATURE_1_IBT */
    .long 0
#endif
