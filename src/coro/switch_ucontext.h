/* SPDX-License-Identifier: MIT */
/* switch_ucontext.h - the C side of switch_ucontext.c */
#ifndef ACIOI_SWITCH_UCONTEXT_H
#define ACIOI_SWITCH_UCONTEXT_H

void acioi_switch(void **save, void *const *load);

void *acioi_switch_lay(void *low, void *high, void (*entry)(void *), void *arg);

#endif
