/* SPDX-License-Identifier: MIT */
/* generator.c - tasks that give one value after the other
 *
 * Idea.       A generator is a task that rests, parked, until it is asked. Who
 *             asks puts it in front of the pass and parks; when it has a value
 *             it does the same with him. So both switch straight to each other,
 *             and nobody else runs in between.
 *
 *                 next --(front of the pass)--> generator
 *                      <--(front of the pass)-- yield
 *
 * Value.      It stays where the generator has it, on a stack that waits in
 *             acio_generator_yield, until it is copied from there.
 * Fairness.   A value costs who asks for it some of his budget, as if it had
 *             been at hand; else the two would keep the others waiting.
 * Cancel.     Who is interrupted while he waits cancels the generator, and
 *             waits until it has ended or gives a value in spite of that.
 * Closed.     From then on the task knows of `closed` instead of its generator,
 *             whose memory may be gone.
 */
#include <acio/generator.h>

#include <errno.h>
#include <string.h>

#include "task/task.h"

static acio_generator *
closed(void)
{
    static const acio_generator generator;
    return (acio_generator *)&generator;
}

static bool
is_resting(const struct acioi_task *task, const acio_generator *generator)
{
    return task->state == ACIOI_TASK_PARKED && task->waits_on == generator;
}

/* ---- opening ---- */

/* Not before it is asked, or cancelled. */
static void
put_to_rest(struct acioi_task *task, acio_generator *generator)
{
    acioi_list_remove(&task->handle.link);
    task->state = ACIOI_TASK_PARKED;
    task->interrupt = acioi_interrupt_wake;
    task->waits_for = "generator";
    task->waits_on = generator;
    task->generator = generator;
}

static int
open_in_loop(acio_generator *generator, acio_function *f, struct acio_args args,
    const struct acio_task_options *options)
{
    acio_loop *loop = acio_get_running_loop();
    if (!loop || !loop->runtime)
        return -ACIO_ENOLOOP;
    if (!f || generator->value_bytes == 0)
        return -EINVAL;
    struct acioi_task *task = acioi_task_create(loop->runtime, f, args,
        options);
    if (!task)
        return -ENOMEM;
    put_to_rest(task, generator);
    generator->task = acioi_task_handle(task);
    return 0;
}

int
acio_generator_open_with(acio_generator *generator, size_t value_bytes,
    acio_function *f, struct acio_args args,
    const struct acio_task_options *options)
{
    *generator = (acio_generator){ .value_bytes = value_bytes };
    generator->error = open_in_loop(generator, f, args, options);
    return generator->error;
}

/* ---- asking ---- */

static void
interrupt_next(struct acioi_task *task, int reason)
{
    task->reason = reason;
    task->runtime->cancel_next = task->interrupted_thing;
}

/* 0, or the reason of an interruption. */
static int
wait_for_value(acio_generator *generator, struct acioi_task *task)
{
    struct acioi_task *self = acioi_current();
    int reason = 0;
    unsigned budget = self->budget;
    generator->started = true;
    generator->waiter = self;
    while (!generator->value && task->state != ACIOI_TASK_FINISHED) {
        if (is_resting(task, generator))
            acioi_wake_next(task);
        acioi_list_push_back(&task->done_handles, &self->handle.link);
        self->interrupted_thing = task;
        int later = acioi_park_with(self, interrupt_next, "generator.next",
            NULL);
        reason = later ? later : reason;
    }
    generator->waiter = NULL;
    self->budget = budget;
    return reason;
}

static int
take(acio_generator *generator, void *value_out)
{
    if (value_out)
        memcpy(value_out, generator->value, generator->value_bytes);
    generator->value = NULL;
    return 1;
}

/* An error is told once. */
static int
end_of(struct acioi_task *task, int reason)
{
    bool told = task->seen;
    task->seen = true;
    if (told || task->result >= 0)
        return 0;
    return reason && task->result == -ECANCELED ? reason : task->result;
}

int
acio_generator_next(acio_generator *generator, void *value_out)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    int reason = acioi_spend(self, acioi_check(self));
    if (reason)
        return reason;
    if (!generator->task)
        return generator->error;
    int err;
    struct acioi_task *task = acioi_task_of(generator->task, &err);
    if (!task)
        return err;
    if (task == self || generator->waiter)
        return -EBUSY;
    task->users++;
    reason = wait_for_value(generator, task);
    int answer = generator->value ? take(generator, value_out)
                                  : end_of(task, reason);
    acioi_task_unuse(task);
    return answer;
}

/* ---- giving ---- */

static int
give(acio_generator *generator, struct acioi_task *self, const void *value)
{
    generator->value = value;
    if (generator->waiter)
        acioi_wake_next(generator->waiter);
    int reason = acioi_park_with(self, acioi_interrupt_wake, "generator",
        generator);
    if (self->generator != generator)
        return reason ? reason : -ACIO_ECLOSED;
    generator->value = NULL; /* where nobody has taken it */
    return reason;
}

int
acio_generator_yield(const void *value)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    acio_generator *generator = self->generator;
    if (!generator || !value)
        return -EINVAL;
    int reason = acioi_check(self);
    if (!reason && generator == closed())
        reason = -ACIO_ECLOSED;
    if (reason)
        return acioi_spend(self, reason);
    return give(generator, self, value);
}

/* ---- closing ---- */

static void
report(struct acioi_task *task)
{
    int error = task->result;
    if (error < 0 && error != -ECANCELED && error != -ACIO_ECLOSED)
        acioi_task_report(task, "a generator failed when it was closed");
}

/* Where it cannot be waited for it ends by itself, cancelled. */
static void
wait_for_end(struct acioi_task *task)
{
    bool told = task->seen;
    acio_task *handle = acioi_task_handle(task);
    task->users++;
    if (acioi_current())
        (void)acio_await(handle);
    if (task->state != ACIOI_TASK_FINISHED) {
        if (!task->cancelling)
            acioi_task_cancel(task);
        acio_detach(handle);
    } else if (!told) {
        report(task);
    }
    acioi_task_unuse(task);
}

void
acio_generator_close(acio_generator *generator)
{
    if (!generator->task)
        return;
    int err;
    struct acioi_task *task = acioi_task_of(generator->task, &err);
    if (task) {
        task->generator = closed();
        if (!generator->started || !acioi_current())
            acioi_task_cancel(task);
        else if (is_resting(task, generator))
            acioi_wake(task);
        wait_for_end(task);
    }
    generator->task = NULL;
    generator->error = -ACIO_ECLOSED;
}
