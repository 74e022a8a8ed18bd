/* SPDX-License-Identifier: MIT */
/* task.c - a task's life: created, run, awaited, gone
 *
 * Who keeps a task.   Until it has finished, the loop. After that its handle,
 *                     or its group, and whoever is inside a wait for it. When
 *                     none of them is left the stack goes back to the pool,
 *                     and with it the struct.
 *
 * On its own stack.   A task that finishes is still on the stack that it would
 *                     give back: whoever runs next does that (park.c, bury).
 */
#include "task/task.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "task/await.h"

enum {
    PAGE = 4096,
    NUMBERS = PAGE, /* of handles; 0 is never given */
    ALIGNMENT = 64,
    TASK_BYTES = (sizeof(struct acioi_task) + ALIGNMENT - 1) & ~(ALIGNMENT - 1),
};

_Static_assert(TASK_BYTES <= 512, "a parked task should fit in one page");

/* ---- handles ---- */

acio_task *
acioi_task_handle(const struct acioi_task *task)
{
    uintptr_t page = (uintptr_t)task & ~(uintptr_t)(PAGE - 1);
    return (acio_task *)(page + task->number);
}

/* Stacks of a great burst are unmapped after it. */
static bool
is_mapped(const struct acioi_runtime *runtime, const void *high)
{
    return !runtime->stacks.unmapped ||
        acioi_stack_is_high(&runtime->stacks, high);
}

struct acioi_task *
acioi_task_of(acio_task *handle, int *err)
{
    uintptr_t bits = (uintptr_t)handle;
    uintptr_t high = (bits & ~(uintptr_t)(PAGE - 1)) + PAGE;
    struct acioi_task *task = acioi_task_on_stack((void *)high);
    acio_loop *loop = acioi_running_loop;
    *err = 0;
    if (!handle)
        *err = -EINVAL;
    else if (!loop || !loop->runtime)
        *err = -ACIO_ENOLOOP;
    else if (!is_mapped(loop->runtime, (void *)high) ||
        task->number != (bits & (PAGE - 1)))
        *err = -ACIO_EGONE;
    else if (task->runtime != loop->runtime)
        *err = -ACIO_EFOREIGN;
    return *err ? NULL : task;
}

struct acioi_task *
acioi_task_on_stack(void *high)
{
    return (struct acioi_task *)((char *)high - TASK_BYTES);
}

static uint16_t
next_number(struct acioi_runtime *runtime)
{
    if (++runtime->next_number == NUMBERS)
        runtime->next_number = 1;
    return runtime->next_number;
}

/* ---- the end ---- */

void
acioi_task_report(struct acioi_task *task, const char *message)
{
    acio_loop_call_exception_handler(task->runtime->loop,
        &(struct acio_exception){
            .message = message,
            .error = task->result,
            .source = task->name,
            .place = task->place,
        });
}

static bool
failed(const struct acioi_task *task)
{
    return task->result < 0 && task->result != -ECANCELED;
}

void
acioi_task_report_lost(struct acioi_task *task)
{
    if (failed(task) && !task->seen)
        acioi_task_report(task, "a task failed and nobody awaited it");
}

static void
free_task(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    acioi_task_report_lost(task);
    acioi_list_remove(&task->link);
    acioi_free(task->own_name);
    acioi_stack_give(&runtime->stacks, (char *)task + TASK_BYTES);
    task->number = 0; /* of the newest spare stack, whose top page stays */
}

static void
free_if_unused(struct acioi_task *task)
{
    bool finished = task->state == ACIOI_TASK_FINISHED;
    if (finished && !task->held && task->users == 0 &&
        task != task->runtime->current)
        free_task(task);
}

void
acioi_task_let_go(struct acioi_task *task)
{
    task->held = false;
    free_if_unused(task);
}

void
acioi_task_unuse(struct acioi_task *task)
{
    task->users--;
    free_if_unused(task);
}

/* What the main task of a run has set, the next one finds (runner.c). */
static void
release_context(struct acioi_task *task)
{
    struct acioi_runtime *runtime = task->runtime;
    acio_context *context = task->context;
    task->context = NULL;
    if (task == runtime->until) {
        acio_context *before = runtime->context;
        runtime->context = context;
        context = before;
    }
    acio_context_release(context);
}

static void
finish(struct acioi_task *task, int result)
{
    struct acioi_runtime *runtime = task->runtime;
    if (task->scope)
        acioi_panic("task %s returned inside a scope that it had opened",
            task->name);
    task->result = result;
    task->state = ACIOI_TASK_FINISHED;
    release_context(task);
    acioi_list_remove(&task->link);
    acioi_list_push_back(&runtime->finished, &task->link);
    runtime->task_count--;
    if (task == runtime->until)
        runtime->loop->turning = false; /* this pass is the last */
    acioi_handles_fire(runtime->loop, &task->done_handles);
}

static void
task_main(void *arg)
{
    struct acioi_task *task = arg;
    acioi_task_begin(task);
    bool skip = task->cancelling > 0 && !task->always_start;
    int result = skip ? -ECANCELED : task->function(task->args);
    finish(task, result);
    acioi_task_exit(task);
}

/* ---- the beginning ---- */

static void
lay_out(struct acioi_task *task, struct acio_args args, char *high)
{
    size_t stack_bytes = task->runtime->stacks.stack_bytes;
    uintptr_t at = (uintptr_t)task - args.bytes;
    at &= ~(uintptr_t)(ALIGNMENT - 1);
    if (args.bytes)
        task->args = memcpy((void *)at, args.data, args.bytes);
    acioi_coro_init(&task->coro, high - stack_bytes, (void *)at, task_main,
        task);
}

struct acioi_task *
acioi_task_create(struct acioi_runtime *runtime, acio_function *f,
    struct acio_args args, const struct acio_task_options *options)
{
    if (!f || args.bytes > runtime->stacks.stack_bytes / 4 ||
        runtime->round == ACIOI_LAST_ROUND)
        return acioi_task_refuse(runtime, f, options);
    char *high = acioi_stack_take(&runtime->stacks);
    if (!high)
        return NULL;
    struct acioi_task *task = acioi_task_on_stack(high);
    acioi_clear(task, sizeof *task);
    task->runtime = runtime;
    task->number = next_number(runtime);
    task->round = runtime->round;
    task->function = f;
    task->name = options && options->name ? options->name : "task";
    task->place = options ? options->place : NULL;
    task->always_start = options && options->always_start;
    task->held = true;
    acioi_list_init(&task->done_handles);
    struct acioi_task *creator = runtime->current;
    task->context = acioi_context_share(
        creator ? creator->context : runtime->context);
    lay_out(task, args, high);
    acioi_list_push_back(&runtime->tasks, &task->link);
    runtime->task_count++;
    task->state = ACIOI_TASK_READY;
    acio_loop_call_soon(runtime->loop, &task->handle, acioi_task_resume, task);
    return task;
}

acio_task *
acio_create_task_with(acio_function *f, struct acio_args args,
    const struct acio_task_options *options)
{
    acio_loop *loop = acioi_running_loop;
    if (!loop || !loop->runtime)
        return NULL;
    struct acioi_task *task = acioi_task_create(loop->runtime, f, args,
        options);
    if (!task)
        return NULL;
    acio_task *handle = acioi_task_handle(task);
    if (options && options->eager_start)
        acioi_task_start_eagerly(task);
    return handle;
}

/* ---- cancelling ---- */

bool
acioi_task_cancel(struct acioi_task *task)
{
    if (task->state == ACIOI_TASK_FINISHED)
        return false;
    task->cancelling++;
    acioi_task_reconsider(task);
    return true;
}

bool
acio_cancel(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return task && acioi_task_cancel(task);
}

int
acio_cancelling(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return task ? task->cancelling : 0;
}

int
acio_uncancel(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    if (!task)
        return 0;
    if (task->cancelling > 0) {
        task->cancelling--;
        acioi_task_recount(task);
    }
    return task->cancelling;
}

/* ---- awaiting ---- */

/* A chain of tasks that await each other may be long: the cancel is passed on
 * by the loop of acioi_task_reconsider, not by calls that call each other. */
static void
interrupt_await(struct acioi_task *task, int reason)
{
    task->reason = reason;
    task->runtime->cancel_next = task->interrupted_thing;
}

/* Until the task has finished, with what may interrupt it; 0 or the reason. */
static int
wait_for_end(struct acioi_task *self, struct acioi_task *task, int reason)
{
    acioi_list_push_back(&task->done_handles, &self->handle.link);
    self->interrupted_thing = task;
    int later = acioi_park_with(self, interrupt_await, acioi_awaits, task);
    return reason ? reason : later;
}

void
acioi_task_join(struct acioi_task *task, const char *what)
{
    if (task->state != ACIOI_TASK_FINISHED)
        acioi_park_shielded(&task->done_handles, what, task);
}

/* A task of a group stays the group's, whoever awaits it. */
static int
take_result(struct acioi_task *task, int reason)
{
    int result = task->result;
    task->seen = true;
    if (!task->group)
        task->held = false;
    acioi_task_unuse(task);
    return reason && result == -ECANCELED ? reason : result;
}

int
acio_await(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    struct acioi_task *self = acioi_current();
    if (!task)
        return err;
    if (!self)
        return acioi_no_task(__func__);
    if (self == task)
        return -ACIO_ESELF;
    if (!task->held)
        return -ACIO_EGONE;
    if (acioi_task_is_waited_for(self, task))
        return -EDEADLK;
    task->users++;
    int reason = acioi_check(self);
    if (task->state == ACIOI_TASK_FINISHED)
        (void)acioi_spend(self, 0);
    else
        reason = wait_for_end(self, task, reason);
    return take_result(task, reason);
}

/* Who leaves early gets the result all the same, where the task has finished
 * before he runs again: so -ECANCELED of a task that has not is his own. */
int
acio_await_shielded(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_awaitable(handle, &err);
    struct acioi_task *self = acioi_current();
    if (!task || !self || task->state == ACIOI_TASK_FINISHED)
        return acio_await(handle); /* at once, be it with an error */
    if (acioi_task_is_waited_for(self, task))
        return -EDEADLK;
    int reason = acioi_check(self);
    if (reason)
        return acioi_spend(self, reason);
    task->users++;
    acioi_list_push_back(&task->done_handles, &self->handle.link);
    self->interrupted_thing = task;
    reason = acioi_park_with(self, acioi_interrupt_wake, acioi_awaits, task);
    if (!reason || task->state == ACIOI_TASK_FINISHED)
        return take_result(task, 0);
    acioi_task_unuse(task);
    return reason;
}

int
acio_wait_for(acio_task *handle, double timeout)
{
    if (timeout != timeout)
        return -EINVAL;
    if (timeout <= 0 && acio_task_done(handle))
        return acio_await(handle);
    acio_timeout limit;
    acio_timeout_open(&limit, timeout);
    int result = acio_await(handle);
    acio_timeout_close(&limit);
    return result;
}

void
acio_detach(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    if (task && !task->group)
        acioi_task_let_go(task);
}

/* ---- callbacks and properties ---- */

void
acioi_task_tell(struct acioi_task *task, acio_handle *handle,
    acio_callback *callback, void *arg)
{
    acio_handle_cancel(handle);
    handle->callback = callback;
    handle->arg = arg;
    if (task->state == ACIOI_TASK_FINISHED)
        acioi_loop_ready(task->runtime->loop, handle);
    else
        acioi_list_push_back(&task->done_handles, &handle->link);
}

int
acio_task_add_done_callback(acio_task *handle, acio_handle *told,
    acio_callback *callback, void *arg)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    if (!task)
        return err;
    if (!told || !callback)
        return -EINVAL;
    acioi_task_tell(task, told, callback, arg);
    return 0;
}

bool
acio_task_done(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return !task || task->state == ACIOI_TASK_FINISHED;
}

int
acio_task_result(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    if (!task)
        return err;
    if (task->state != ACIOI_TASK_FINISHED)
        return -ACIO_EINVALIDSTATE;
    task->seen = true;
    return task->result;
}

bool
acio_task_cancelled(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return task && task->state == ACIOI_TASK_FINISHED &&
        task->result == -ECANCELED;
}

const char *
acio_task_name(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return task ? task->name : "";
}

int
acio_task_set_name(acio_task *handle, const char *name)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    if (!task)
        return err;
    if (!name)
        return -EINVAL;
    char *copy = acioi_strdup(name);
    if (!copy)
        return -ENOMEM;
    acioi_free(task->own_name);
    task->name = task->own_name = copy;
    return 0;
}

const char *
acio_task_waits_for(acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_of(handle, &err);
    return task && task->state == ACIOI_TASK_PARKED ? task->waits_for : NULL;
}

acio_task *
acio_current_task(void)
{
    struct acioi_task *task = acioi_current();
    return task ? acioi_task_handle(task) : NULL;
}

size_t
acio_all_tasks(acio_task **out, size_t room)
{
    acio_loop *loop = acioi_running_loop;
    struct acioi_runtime *runtime = loop ? loop->runtime : NULL;
    if (!runtime)
        return 0;
    size_t count = 0;
    struct acio_link *link = runtime->tasks.next;
    for (; link != &runtime->tasks; link = link->next) {
        struct acioi_task *task = acioi_container_of(link, struct acioi_task,
            link);
        if (count < room)
            out[count] = acioi_task_handle(task);
        count++;
    }
    return count;
}
