/* SPDX-License-Identifier: MIT */
/* barrier.c - tasks that go on together (asyncio.Barrier)
 *
 * Idea.       Who comes last wakes all the others, each with its number, and
 *             the line is empty at that moment: there is no time in which the
 *             barrier drains, and nothing that could happen in it.
 *
 * Invariants. The line is shorter than `parties`, and empty while the barrier
 *             is broken; `waiting` is its length.
 *
 * Numbers.    They are given when the barrier opens, along the line, and not
 *             when a task comes: one that is cancelled leaves no gap and
 *             no number twice.
 */
#include <acio/barrier.h>

#include <errno.h>

#include "sync/line.h"

int
acio_barrier_init(acio_barrier *barrier, int parties)
{
    int good = parties < 1 ? 0 : parties;
    *barrier = (acio_barrier)ACIO_BARRIER_INIT(good);
    return parties < 1 ? -EINVAL : 0;
}

int
acio_barrier_parties(const acio_barrier *barrier)
{
    return barrier->parties;
}

int
acio_barrier_n_waiting(const acio_barrier *barrier)
{
    return barrier->waiting;
}

bool
acio_barrier_broken(const acio_barrier *barrier)
{
    return barrier->broken;
}

/* ---- leaving the line ---- */

static void
open_barrier(acio_barrier *barrier)
{
    struct acioi_task *task;
    for (int i = 0; (task = acioi_line_first(&barrier->waiters)); i++)
        acioi_interrupt_wake(task, i); /* what its wait returns */
    barrier->waiting = 0;
}

static void
turn_away(acio_barrier *barrier)
{
    struct acioi_task *task;
    while ((task = acioi_line_first(&barrier->waiters)))
        acioi_interrupt_wake(task, -ACIO_EBROKENBARRIER);
    barrier->waiting = 0;
}

static void
interrupt_wait(struct acioi_task *task, int reason)
{
    acio_barrier *barrier = task->interrupted_thing;
    barrier->waiting--;
    acioi_interrupt_wake(task, reason);
}

/* ---- waiting ---- */

/* 0, or why nobody can wait at the barrier here and now. */
static int
check_to_wait(const acio_barrier *barrier)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task("barrier.wait");
    if (barrier->parties < 1)
        return -EINVAL;
    if (barrier->broken)
        return -ACIO_EBROKENBARRIER;
    int err = acioi_line_check(&barrier->waiters);
    return err < 0 ? err : acioi_check(self);
}

int
acio_barrier_wait(acio_barrier *barrier)
{
    int err = check_to_wait(barrier);
    if (err < 0)
        return err;
    if (barrier->waiting == barrier->parties - 1) {
        open_barrier(barrier);
        (void)acioi_checkpoint(); /* the others went on, so it stands */
        return barrier->parties - 1;
    }
    struct acioi_task *self = acioi_current();
    acioi_line_join(&barrier->waiters, self);
    barrier->waiting++;
    self->interrupted_thing = barrier;
    return acioi_park_with(self, interrupt_wait, "barrier.wait", barrier);
}

/* ---- breaking ---- */

static int
break_up(acio_barrier *barrier, bool broken)
{
    int err = acioi_line_check(&barrier->waiters);
    if (err < 0)
        return err;
    barrier->broken = broken;
    turn_away(barrier);
    return 0;
}

int
acio_barrier_abort(acio_barrier *barrier)
{
    return break_up(barrier, true);
}

int
acio_barrier_reset(acio_barrier *barrier)
{
    return break_up(barrier, false);
}
