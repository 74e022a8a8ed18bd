/* SPDX-License-Identifier: MIT */
/* coro.c - the first and the last moment of a coroutine; coro.h says the rest
 */
#include "coro/coro.h"

#include "base/log.h"

void
acioi_coro_init_thread(struct acioi_coro *c)
{
    *c = (struct acioi_coro){ 0 };
    acioi_sanitizer_adopt(&c->sanitizer, &c->stack_low, &c->stack_bytes);
}

/* A thread's stack is not ours: all that ends is that it can be left. */
void
acioi_coro_fini_thread(struct acioi_coro *c)
{
    *c = (struct acioi_coro){ 0 };
}

void
acioi_coro_returned(void)
{
    acioi_panic("the entry function of a coroutine returned");
}

/* The outermost C function of every coroutine. It does nothing after the entry
 * function, so that the compiler makes a jump of that call: see `start` in
 * switch_x86_64.S. */
static void
begin(void *arg)
{
    struct acioi_coro *c = arg;
    acioi_sanitizer_arrive(&c->sanitizer);
    c->entry(c->arg);
}

void
acioi_coro_init(struct acioi_coro *c, void *low, void *high,
    acioi_coro_entry *entry, void *arg)
{
    *c = (struct acioi_coro){
        .stack_low = low,
        .stack_bytes = (size_t)((char *)high - (char *)low),
        .entry = entry,
        .arg = arg,
    };
    c->sp = acioi_switch_lay(low, high, begin, c);
}
