/* SPDX-License-Identifier: MIT */
/* park.c - leaving a task and coming back to it
 *
 * Everything that suspends ends up in switch_out here, and what was suspended
 * continues behind it. Between the two, the task's handle says where it is.
 *
 * Chain.  A task that parks while the next callback is another task, of this
 *         pass or of the next, switches straight to that one: one switch
 *         instead of two, and the processor predicts the returns on the other
 *         side. The loop's own stack is where a chain begins, and where it
 *         comes back to for anything else.
 */
#include "task/task.h"

#include <errno.h>

enum { BUDGET = 128 };

/* ---- resuming, on the loop's stack ---- */

/* A task that ends is still on the stack that it would give back: whoever runs
 * after it does that, before anything else. */
static inline void
bury(struct acioi_runtime *runtime)
{
    struct acioi_task *dead = runtime->dead;
    if (!dead)
        return;
    runtime->dead = NULL;
    if (!dead->held)
        acioi_task_let_go(dead);
}

static void
make_current(struct acioi_task *task)
{
    task->runtime->current = task;
    task->state = ACIOI_TASK_RUNNING;
}

/* The task that comes back may be another than the one that was resumed. */
void
acioi_task_resume(void *arg)
{
    struct acioi_task *task = arg;
    struct acioi_runtime *runtime = task->runtime;
    make_current(task);
    acioi_coro_switch(&runtime->main, &task->coro);
    runtime->current = NULL;
    bury(runtime);
}

void
acioi_wake(struct acioi_task *task)
{
    if (task->state != ACIOI_TASK_PARKED)
        return;
    task->state = ACIOI_TASK_READY;
    acioi_list_remove(&task->handle.link);
    acioi_loop_ready(task->runtime->loop, &task->handle);
}

void
acioi_wake_next(struct acioi_task *task)
{
    task->state = ACIOI_TASK_READY;
    acioi_list_remove(&task->handle.link);
    acioi_list_push_front(&task->runtime->loop->batch, &task->handle.link);
}

struct acioi_task *
acioi_wake_first(struct acio_link *list)
{
    struct acio_link *link = acioi_list_first(list);
    if (!link)
        return NULL;
    acio_handle *handle = acioi_container_of(link, acio_handle, link);
    struct acioi_task *task = handle->arg;
    acioi_wake(task);
    return task;
}

/* Waiting tasks and done callbacks stand in one list, in order of coming. A
 * task is told by what its handle does. */
void
acioi_handles_fire(acio_loop *loop, struct acio_link *handles)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(handles))) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        if (handle->callback == acioi_task_resume)
            acioi_wake(handle->arg);
        else
            acioi_loop_ready(loop, handle);
    }
}

void
acioi_interrupt_wake(struct acioi_task *task, int reason)
{
    task->reason = reason;
    acioi_wake(task);
}

/* ---- suspending, on the task's stack ---- */

/* The next callback of the pass, taken out, where it resumes a task. */
static inline struct acioi_task *
take_next(struct acioi_runtime *runtime)
{
    acio_loop *loop = runtime->loop;
    if (acioi_list_empty(&loop->batch) && !acioi_loop_turn(loop))
        return NULL;
    struct acio_link *link = loop->batch.next;
    acio_handle *handle = acioi_container_of(link, acio_handle, link);
    if (handle->callback != acioi_task_resume)
        return NULL;
    acioi_list_remove(link);
    return handle->arg;
}

static inline void
switch_out(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    struct acioi_task *next = take_next(runtime);
    if (!next) {
        acioi_coro_switch(&task->coro, &runtime->main);
        return;
    }
    make_current(next);
    if (next != task)
        acioi_coro_switch(&task->coro, &next->coro);
}

static inline void
leave(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    task->budget = BUDGET;
    switch_out(task);
    bury(runtime);
}

void
acioi_task_exit(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    struct acioi_task *next = take_next(runtime);
    runtime->dead = task;
    if (!next)
        acioi_coro_exit(&task->coro, &runtime->main);
    make_current(next);
    acioi_coro_exit(&task->coro, &next->coro);
}

void
acioi_task_begin(struct acioi_task *task)
{
    bury(task->runtime);
    task->budget = BUDGET;
}

/* ---- starting at once, wherever it is ---- */

static void
come_back(void *arg)
{
    (void)arg;
}

/* Inside a callback: on the stack of the loop, to which the task comes back,
 * and to no other task, because the next callback of the pass is none. */
static void
start_in_callback(struct acioi_task *task)
{
    acio_handle guard = { .callback = come_back };
    acioi_list_push_front(&task->runtime->loop->batch, &guard.link);
    acioi_task_resume(task);
    acioi_list_remove(&guard.link);
}

/* Its creator is made the next task of the pass: so that is where it switches
 * to when it parks, as any task does, or ends. In the exception handler, which
 * may run on any stack, it has to wait for its turn. */
void
acioi_task_start_eagerly(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    struct acioi_task *creator = runtime->current;
    if (runtime->loop->debugging.reporting)
        return;
    acioi_list_remove(&task->handle.link);
    if (!creator) {
        start_in_callback(task);
        return;
    }
    creator->state = ACIOI_TASK_READY;
    acioi_list_push_front(&runtime->loop->batch, &creator->handle.link);
    make_current(task);
    acioi_coro_switch(&creator->coro, &task->coro);
    bury(runtime);
}

/* Also the place where tests cancel the n-th suspension point of a run. */
int
acioi_check(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    if (++runtime->suspensions == runtime->cancel_at)
        acioi_task_cancel(task);
    return task->pending;
}

/* To the end of the ready queue; a cancel meanwhile is seen on return. */
static int
yield(struct acioi_task *task)
{
    task->state = ACIOI_TASK_READY;
    acioi_loop_ready(task->runtime->loop, &task->handle);
    leave(task);
    return task->pending;
}

int
acioi_spend(struct acioi_task *task, int answer)
{
    if (task->budget > 0)
        task->budget--;
    else
        (void)yield(task); /* the answer stands; what is pending, too */
    return answer;
}

int
acioi_park_with(struct acioi_task *task, acioi_interrupt *interrupt,
    const char *what, const void *object)
{
    task->state = ACIOI_TASK_PARKED;
    task->interrupt = interrupt;
    task->waits_for = what;
    task->waits_on = object;
    task->reason = 0;
    if (task->pending && interrupt)
        acioi_task_reconsider(task); /* came with the last wake-up */
    leave(task);
    task->waits_for = NULL;
    return task->reason;
}

int
acioi_park(struct acio_link *list, const char *what, const void *object)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(what);
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    if (list)
        acioi_list_push_back(list, &task->handle.link);
    return acioi_park_with(task, acioi_interrupt_wake, what, object);
}

void
acioi_park_shielded(struct acio_link *list, const char *what,
    const void *object)
{
    struct acioi_task *task = acioi_current();
    if (list)
        acioi_list_push_back(list, &task->handle.link);
    acioi_park_with(task, NULL, what, object);
}

int
acioi_checkpoint(void)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task("a suspension point");
    return acioi_spend(task, acioi_check(task));
}

/* ---- sleeping ---- */

static void
wake_sleeper(void *arg)
{
    acioi_wake(arg);
}

static int
sleep_until(struct acioi_task *task, int64_t when_ns)
{
    acio_loop *loop = task->runtime->loop;
    acio_timer timer;
    timer.handle.link.next = NULL;
    timer.node.prev = NULL;
    acio_loop_call_at_ns(loop, &timer, when_ns, wake_sleeper, task);
    int reason = acioi_park_with(task, acioi_interrupt_wake, "sleep", NULL);
    acio_timer_cancel(loop, &timer);
    return reason;
}

int
acio_sleep(double delay)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    if (delay != delay)
        return -EINVAL;
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    if (delay <= 0)
        return yield(task);
    int64_t now_ns = acioi_loop_now(task->runtime->loop);
    return sleep_until(task,
        acioi_time_add(now_ns, acioi_seconds_to_ns(delay)));
}

/* ---- operations ---- */

static void
op_done(acio_op *op)
{
    acioi_wake(op->user);
}

static void
interrupt_op(struct acioi_task *task, int reason)
{
    task->reason = reason;
    acio_op_cancel(task->interrupted_thing);
}

ssize_t
acio_await_op(acio_op *op)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    if (acioi_op_completes_many_times(op))
        return -EINVAL; /* it would outlive the call */
    acio_loop_submit(task->runtime->loop, op, op_done, task);
    if (acioi_op_take(op)) {
        (void)acioi_spend(task, 0);
        return op->result;
    }
    task->interrupted_thing = op;
    reason = acioi_park_with(task, interrupt_op, "operation", op);
    return reason && op->result == -ECANCELED ? reason : op->result;
}

int
acio_to_thread(acio_work *function, void *arg)
{
    acio_op op = { 0 };
    acio_op_work(&op, function, arg, ACIO_POOL_DEFAULT);
    return (int)acio_await_op(&op);
}
