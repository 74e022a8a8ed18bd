/* SPDX-License-Identifier: MIT */
/* scope.c - time limits and shields
 *
 * Idea.       A task has a chain of scopes, innermost first. A scope with a
 *             reason closes the suspension points inside it; a shield hides
 *             everything outside of it. What the chain says is counted anew
 *             when it changes, which is rare, and kept in task->pending, which
 *             every suspension point looks at.
 */
#include "task/task.h"

#include <errno.h>
#include <math.h>

#include "base/log.h"

static int
pending_reason(const struct acioi_task *task)
{
    int reason = 0;
    for (const struct acio_scope *s = task->scope; s; s = s->outer) {
        if (s->kind == ACIOI_SCOPE_SHIELD)
            return reason;
        if (s->reason)
            reason = s->reason;
    }
    return task->cancelling > 0 ? -ECANCELED : reason;
}

void
acioi_task_recount(struct acioi_task *task)
{
    task->pending = pending_reason(task);
}

static void
interrupt(struct acioi_task *task)
{
    acioi_task_recount(task);
    if (task->pending && task->state == ACIOI_TASK_PARKED && task->interrupt)
        task->interrupt(task, task->pending);
}

void
acioi_task_reconsider(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    interrupt(task);
    while ((task = runtime->cancel_next)) {
        runtime->cancel_next = NULL;
        if (task->state == ACIOI_TASK_FINISHED)
            break;
        task->cancelling++;
        interrupt(task);
    }
}

int
acioi_scope_open(struct acio_scope *scope, enum acioi_scope_kind kind)
{
    struct acioi_task *task = acioi_current();
    scope->task = task;
    scope->kind = (uint8_t)kind;
    scope->reason = 0;
    scope->outer = NULL;
    if (!task)
        return acioi_no_task("a scope");
    scope->outer = task->scope;
    task->scope = scope;
    return 0;
}

bool
acioi_scope_close(struct acio_scope *scope)
{
    struct acioi_task *task = scope->task;
    if (!task)
        return false;
    if (task != acioi_current())
        acioi_panic("a scope was closed by another task than its own");
    if (task->scope != scope)
        acioi_panic("task %s: scopes must be closed in reverse order of "
                    "opening",
            task->name);
    scope->task = NULL;
    task->scope = scope->outer;
    acioi_task_reconsider(task);
    return true;
}

/* ---- timeouts ---- */

static void
expire(void *arg)
{
    acio_timeout *timeout = arg;
    timeout->expired = true;
    timeout->scope.reason = -ETIMEDOUT;
    acioi_task_reconsider(timeout->scope.task);
}

static acio_loop *
loop_of(const acio_timeout *timeout)
{
    return timeout->scope.task->runtime->loop;
}

/* `when` is infinite, or a time; what is past has expired here and now. */
static void
arm(acio_timeout *timeout, int64_t when_ns)
{
    acio_loop *loop = loop_of(timeout);
    acio_timer_cancel(loop, &timeout->timer);
    if (when_ns == ACIOI_NEVER)
        return;
    if (when_ns <= acioi_loop_now(loop))
        expire(timeout);
    else
        acio_loop_call_at_ns(loop, &timeout->timer, when_ns, expire, timeout);
}

static int
open_at_ns(acio_timeout *timeout, int64_t when_ns)
{
    timeout->timer = (acio_timer){ 0 };
    timeout->expired = false;
    int err = acioi_scope_open(&timeout->scope, ACIOI_SCOPE_TIMEOUT);
    if (err < 0)
        return err;
    timeout->when = when_ns == ACIOI_NEVER ? INFINITY : (double)when_ns / 1e9;
    arm(timeout, when_ns);
    return 0;
}

/* Who opens a scope by its macro does not see what opening it answered: the
 * suspension points inside say it. */
static int
open_without_number(acio_timeout *timeout)
{
    int err = open_at_ns(timeout, ACIOI_NEVER);
    if (err < 0)
        return err;
    timeout->scope.reason = -EINVAL;
    acioi_task_reconsider(timeout->scope.task);
    return -EINVAL;
}

int
acio_timeout_open(acio_timeout *timeout, double seconds)
{
    timeout->scope.task = NULL;
    timeout->when = INFINITY;
    timeout->expired = false;
    acio_loop *loop = acio_get_running_loop();
    if (!loop)
        return -ACIO_ENOTASK;
    if (seconds != seconds)
        return open_without_number(timeout);
    int64_t ns = acioi_seconds_to_ns(seconds);
    if (ns <= 0)
        return open_at_ns(timeout, acioi_loop_now(loop));
    return open_at_ns(timeout, acioi_time_add(acioi_loop_now(loop), ns));
}

int
acio_timeout_open_at(acio_timeout *timeout, double when)
{
    timeout->scope.task = NULL;
    timeout->when = INFINITY;
    timeout->expired = false;
    if (when != when)
        return open_without_number(timeout);
    return open_at_ns(timeout, acioi_seconds_to_ns(when));
}

void
acio_timeout_close(acio_timeout *timeout)
{
    if (!timeout->scope.task)
        return;
    acio_timer_cancel(loop_of(timeout), &timeout->timer);
    acioi_scope_close(&timeout->scope);
}

int
acio_timeout_reschedule(acio_timeout *timeout, double when)
{
    if (when != when)
        return -EINVAL;
    if (!timeout->scope.task || timeout->expired)
        return -ACIO_EINVALIDSTATE;
    timeout->when = when;
    arm(timeout, acioi_seconds_to_ns(when));
    return 0;
}

double
acio_timeout_when(const acio_timeout *timeout)
{
    return timeout->when;
}

bool
acio_timeout_expired(const acio_timeout *timeout)
{
    return timeout->expired;
}

/* ---- shields ---- */

int
acio_shield_open(acio_shield *shield)
{
    int err = acioi_scope_open(&shield->scope, ACIOI_SCOPE_SHIELD);
    if (err == 0)
        acioi_task_reconsider(shield->scope.task);
    return err;
}

void
acio_shield_close(acio_shield *shield)
{
    acioi_scope_close(&shield->scope);
}
