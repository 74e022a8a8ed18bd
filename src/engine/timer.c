/* SPDX-License-Identifier: MIT */
/* timer.c - timers: armed in a heap, run from the ready queue
 *
 * A timer is either in the heap, or in the ready queue, or nowhere: arming and
 * cancelling look at both.
 */
#include "engine.h"

static acio_timer *
timer_of(struct acio_heap_node *node)
{
    return acioi_container_of(node, acio_timer, node);
}

void
acio_loop_call_at_ns(acio_loop *loop, acio_timer *timer, int64_t when_ns,
    acio_callback *callback, void *arg)
{
    acioi_check_thread(loop, "a timer was armed");
    acio_timer_cancel(loop, timer);
    timer->handle.callback = callback;
    timer->handle.arg = arg;
    timer->node.when_ns = when_ns;
    timer->node.sequence = loop->timer_sequence++;
    acioi_heap_insert(&loop->timers, &timer->node);
}

void
acio_loop_call_at(acio_loop *loop, acio_timer *timer, double when,
    acio_callback *callback, void *arg)
{
    acio_loop_call_at_ns(loop, timer, acioi_seconds_to_ns(when), callback, arg);
}

void
acio_loop_call_later(acio_loop *loop, acio_timer *timer, double delay,
    acio_callback *callback, void *arg)
{
    int64_t delay_ns = acioi_seconds_to_ns(delay);
    if (delay_ns < 0)
        delay_ns = 0;
    int64_t when_ns = acioi_time_add(acioi_loop_now(loop), delay_ns);
    acio_loop_call_at_ns(loop, timer, when_ns, callback, arg);
}

void
acio_timer_cancel(acio_loop *loop, acio_timer *timer)
{
    acioi_heap_remove(&loop->timers, &timer->node);
    acioi_list_remove(&timer->handle.link);
}

void
acioi_timers_expire(acio_loop *loop)
{
    struct acio_heap_node *first = acioi_heap_first(&loop->timers);
    if (!first)
        return;
    int64_t now_ns = acioi_loop_now(loop);
    while (first && first->when_ns <= now_ns) {
        acioi_heap_remove(&loop->timers, first);
        acioi_loop_ready(loop, &timer_of(first)->handle);
        first = acioi_heap_first(&loop->timers);
    }
}
