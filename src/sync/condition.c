/* SPDX-License-Identifier: MIT */
/* condition.c - wait, with a lock, for a state to change (asyncio.Condition)
 *
 * Idea.       A task that waits stands in the line of the condition. Notified
 *             or interrupted, it moves to the line of the lock, still parked,
 *             and from there nothing but the lock brings it back:
 *
 *                 condition --> a --> b --> c     notify(1), and c is cancelled
 *                 lock      --> a --> c           each goes on with the lock
 *
 *             So a task is woken once, and a notification of all does not make
 *             everybody run only to wait again.
 *
 * Cancel.     One that comes before the notification takes the task out of the
 *             first line: the notification goes to the next. One that comes
 *             after it, while the task stands in line for the lock, is the
 *             answer all the same, and the task passes its notification on.
 */
#include <acio/condition.h>

#include <limits.h>

#include "sync/line.h"

static acio_lock *
lock_of(acio_condition *condition)
{
    return condition->lock ? condition->lock : &condition->own;
}

/* ---- the lock ---- */

void
acio_condition_init(acio_condition *condition, acio_lock *lock)
{
    *condition = (acio_condition)ACIO_CONDITION_INIT_WITH(lock);
}

int
acio_condition_acquire(acio_condition *condition)
{
    return acio_lock_acquire(lock_of(condition));
}

int
acio_condition_release(acio_condition *condition)
{
    return acio_lock_release(lock_of(condition));
}

bool
acio_condition_locked(const acio_condition *condition)
{
    const acio_lock *lock = condition->lock;
    return acio_lock_locked(lock ? lock : &condition->own);
}

int
acio_condition_hold(acio_condition *condition, acio_lock **held_out)
{
    return acio_lock_hold(lock_of(condition), held_out);
}

/* ---- waiting ---- */

/* 0, or why the condition cannot be used here and now. */
static int
check_condition(acio_condition *condition)
{
    acio_lock *lock = lock_of(condition);
    if (!lock->locked)
        return -ACIO_ENOTLOCKED;
    int err = acioi_line_check(&lock->waiters);
    return err < 0 ? err : acioi_line_check(&condition->waiters);
}

/* The same for who may wait: also the reason of a pending interruption. */
static int
check_to_wait(acio_condition *condition)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task("condition.wait");
    int err = check_condition(condition);
    return err < 0 ? err : acioi_check(self);
}

/* From the line of the condition to that of the lock, or to the lock. */
static void
move_on(struct acioi_task *task, acio_lock *lock)
{
    acioi_list_remove(&task->handle.link);
    task->interrupt = NULL;
    task->waits_for = "lock.acquire";
    task->waits_on = lock;
    if (lock->locked) {
        acioi_line_join(&lock->waiters, task);
        return;
    }
    lock->locked = true;
    acioi_wake(task);
}

static void
interrupt_wait(struct acioi_task *task, int reason)
{
    task->reason = reason;
    move_on(task, lock_of(task->interrupted_thing));
}

/* 0, or the reason of an interruption, also of a late one. */
int
acio_condition_wait(acio_condition *condition)
{
    int err = check_to_wait(condition);
    if (err < 0)
        return err;
    struct acioi_task *self = acioi_current();
    acio_condition_release(condition);
    acioi_line_join(&condition->waiters, self);
    self->interrupted_thing = condition;
    int reason = acioi_park_with(self, interrupt_wait, "condition.wait",
        condition);
    if (!self->pending)
        return reason;
    if (reason == 0)
        acio_condition_notify(condition, 1);
    return self->pending;
}

int
acio_condition_wait_for(acio_condition *condition, acio_predicate *predicate,
    void *arg)
{
    int err = check_to_wait(condition);
    if (err < 0)
        return err;
    int answer = predicate(arg);
    while (answer == 0) {
        err = acio_condition_wait(condition);
        if (err < 0)
            return err;
        answer = predicate(arg);
    }
    return answer;
}

/* ---- notifying ---- */

int
acio_condition_notify(acio_condition *condition, int n)
{
    int err = check_condition(condition);
    if (err < 0)
        return err;
    struct acioi_task *task;
    int count = 0;
    while (count < n && (task = acioi_line_first(&condition->waiters))) {
        move_on(task, lock_of(condition));
        count++;
    }
    return count;
}

int
acio_condition_notify_all(acio_condition *condition)
{
    return acio_condition_notify(condition, INT_MAX);
}
