/* SPDX-License-Identifier: MIT */
/* wait.c - waiting until some of many tasks have finished (asyncio.wait)
 *
 * Idea.    Each task gets a done callback that counts down. The waiter wakes
 *          when that is enough, or when a timer says so, and sorts the array
 *          by what is so at that moment.
 * Cancel.  The callbacks are taken back, and nobody is cancelled: the tasks
 *          are not the waiter's.
 */
#include <acio/wait.h>

#include <errno.h>
#include <limits.h>

#include "base/alloc.h"
#include "task/await.h"

struct wait;

struct entry {
    acio_handle handle;
    struct wait *wait;
    struct acioi_task *task;
    acio_task *name; /* as the caller wrote it */
};

struct wait {
    struct acioi_task *waiter;
    enum acio_return_when when;
    size_t count, left; /* left: have not finished */
    bool failed;        /* one of those that have */
    struct entry entries[];
};

static bool
is_enough(const struct wait *wait)
{
    if (wait->left == 0)
        return true;
    if (wait->when == ACIO_FIRST_COMPLETED)
        return wait->left < wait->count;
    return wait->when == ACIO_FIRST_EXCEPTION && wait->failed;
}

static void
count_down(struct wait *wait, int result)
{
    wait->left--;
    if (result < 0 && result != -ECANCELED)
        wait->failed = true;
}

static void
entry_done(void *arg)
{
    struct entry *entry = arg;
    struct wait *wait = entry->wait;
    count_down(wait, entry->task->result);
    if (is_enough(wait))
        acioi_wake(wait->waiter);
}

static int
add_task(struct wait *wait, acio_task *name)
{
    int err;
    struct entry *entry = &wait->entries[wait->count];
    entry->task = acioi_task_awaitable(name, &err);
    if (!entry->task)
        return err;
    entry->wait = wait;
    entry->name = name;
    entry->task->users++;
    wait->count++;
    wait->left++;
    if (entry->task->state == ACIOI_TASK_FINISHED)
        count_down(wait, entry->task->result);
    else
        acioi_task_tell(entry->task, &entry->handle, entry_done, entry);
    return 0;
}

static int
add_tasks(struct wait *wait, acio_task *const *tasks, size_t count)
{
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = add_task(wait, tasks[i]);
    return err;
}

static void
time_is_up(void *arg)
{
    acioi_wake(arg);
}

/* A limit of nothing is the end of this pass. */
static void
set_limit(acio_loop *loop, acio_timer *timer, double timeout)
{
    int64_t delay_ns = acioi_seconds_to_ns(timeout);
    struct acioi_task *self = acioi_current();
    if (delay_ns <= 0)
        acio_loop_call_soon(loop, &timer->handle, time_is_up, self);
    else if (delay_ns != ACIOI_NEVER)
        acio_loop_call_at_ns(loop, timer,
            acioi_time_add(acioi_loop_now(loop), delay_ns), time_is_up, self);
}

/* 0, or the reason of an interruption. */
static int
wait_for_enough(struct wait *wait, double timeout)
{
    struct acioi_task *self = wait->waiter;
    int reason = acioi_check(self);
    if (reason || is_enough(wait))
        return acioi_spend(self, reason);
    acio_loop *loop = self->runtime->loop;
    acio_timer timer = { 0 };
    set_limit(loop, &timer, timeout);
    reason = acioi_park_with(self, acioi_interrupt_wake, "wait", NULL);
    acio_timer_cancel(loop, &timer);
    return reason;
}

static size_t
put_in_order(const struct wait *wait, acio_task **tasks)
{
    size_t done = 0;
    for (size_t i = 0; i < wait->count; i++) {
        if (wait->entries[i].task->state == ACIOI_TASK_FINISHED)
            tasks[done++] = wait->entries[i].name;
    }
    size_t next = done;
    for (size_t i = 0; i < wait->count; i++) {
        if (wait->entries[i].task->state != ACIOI_TASK_FINISHED)
            tasks[next++] = wait->entries[i].name;
    }
    return done;
}

static void
leave_tasks(struct wait *wait)
{
    for (size_t i = 0; i < wait->count; i++) {
        acio_handle_cancel(&wait->entries[i].handle);
        acioi_task_unuse(wait->entries[i].task);
    }
}

int
acio_wait(acio_task **tasks, size_t count, double timeout,
    enum acio_return_when when)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    if (!tasks || count == 0 || count > INT_MAX || timeout != timeout ||
        (unsigned)when > ACIO_ALL_COMPLETED)
        return -EINVAL;
    struct wait *wait = acioi_alloc(
        sizeof *wait + count * sizeof wait->entries[0]);
    if (!wait)
        return -ENOMEM;
    wait->waiter = self;
    wait->when = when;
    int err = add_tasks(wait, tasks, count);
    if (err == 0)
        err = wait_for_enough(wait, timeout);
    if (err == 0)
        err = (int)put_in_order(wait, tasks);
    leave_tasks(wait);
    acioi_free(wait);
    return err;
}
