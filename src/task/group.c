/* SPDX-License-Identifier: MIT */
/* group.c - tasks that end together (asyncio.TaskGroup)
 *
 * Idea.       A group is a scope of the task that opened it and a list of
 *             tasks. Each child tells the group of its end through a handle of
 *             its own, one pass later, as asyncio's done callbacks do.
 *
 * Abort.      The first child that fails cancels the others and closes the
 *             suspension points of the body, until the body waits for the
 *             group. From there on only what comes from outside the group
 *             interrupts, and it too cancels the children.
 *
 * Invariant.  acio_group_close returns when no child is left, whatever
 *             happens: a child's arguments may point into the body's stack.
 */
#include "task/task.h"

#include <errno.h>

#include "base/log.h"

int
acio_group_open(acio_group *group)
{
    *group = (acio_group){ 0 };
    acioi_list_init(&group->tasks);
    acioi_list_init(&group->finished);
    return acioi_scope_open(&group->scope, ACIOI_SCOPE_GROUP);
}

/* ---- the end of a child ---- */

static void
cancel_children(acio_group *group)
{
    group->aborting = true;
    struct acio_link *link = group->tasks.next;
    for (; link != &group->tasks; link = link->next)
        acioi_task_cancel(
            acioi_container_of(link, struct acioi_task, group_link));
}

static void
abort_group(acio_group *group)
{
    if (!group->aborting)
        cancel_children(group);
    if (group->waiter || group->scope.reason)
        return; /* the body has ended, or knows */
    group->scope.reason = -ECANCELED;
    acioi_task_reconsider(group->scope.task);
}

void
acio_group_cancel(acio_group *group)
{
    if (group->scope.task)
        abort_group(group);
}

static void
note_error(acio_group *group, int error)
{
    group->errors++;
    if (!group->first_error)
        group->first_error = error;
    abort_group(group);
}

static void
note_result(acio_group *group, struct acioi_task *task)
{
    task->seen = true; /* by the group, which answers for it */
    if (task->result >= 0 || task->result == -ECANCELED)
        return;
    task->held = true; /* for acio_group_errors; they are no more than there
                        * are tasks when the first one fails */
    note_error(group, task->result);
}

static void
child_done(void *arg)
{
    struct acioi_task *task = arg;
    acio_group *group = task->group;
    acioi_list_remove(&task->group_link);
    group->unfinished--;
    note_result(group, task);
    if (task->held)
        acioi_list_push_back(&group->finished, &task->group_link);
    acioi_task_unuse(task);
    if (group->unfinished == 0 && group->waiter)
        acioi_wake(group->waiter);
}

/* ---- starting a child ---- */

static struct acioi_task *
start_child(acio_group *group, acio_function *f, struct acio_args args,
    const struct acio_task_options *options)
{
    struct acioi_runtime *runtime = group->scope.task->runtime;
    struct acioi_task *task = acioi_task_create(runtime, f, args, options);
    if (!task)
        return NULL;
    task->group = group;
    task->users++; /* until child_done */
    acioi_list_push_back(&group->tasks, &task->group_link);
    group->unfinished++;
    acioi_task_tell(task, &task->group_handle, child_done, task);
    if (options && options->eager_start)
        acioi_task_start_eagerly(task);
    return task;
}

static bool
takes_children(const acio_group *group)
{
    return group->scope.task && !group->aborting && !group->waited;
}

acio_task *
acio_group_create_task_with(acio_group *group, acio_function *f,
    struct acio_args args, const struct acio_task_options *options)
{
    if (!takes_children(group))
        return NULL;
    struct acioi_task *task = start_child(group, f, args, options);
    if (task)
        return acioi_task_handle(task);
    group->refused = f ? -ENOMEM : -EINVAL;
    note_error(group, group->refused);
    return NULL;
}

int
acio_group_start_with(acio_group *group, acio_function *f,
    struct acio_args args, const struct acio_task_options *options)
{
    if (!takes_children(group))
        return -ACIO_ECLOSED;
    struct acioi_task *task = start_child(group, f, args, options);
    if (!task)
        return -ENOMEM;
    task->held = false;
    return 0;
}

/* ---- waiting ---- */

/* The group's own abort no longer interrupts: the body is over. */
static void
end_body(acio_group *group)
{
    group->scope.reason = 0;
    group->waiter = group->scope.task;
    acioi_task_reconsider(group->scope.task);
}

/* Interruptible; from outside a child may be added before the owner has run
 * again, so that one wake-up may not be the end. */
static int
wait_for_children(acio_group *group, struct acioi_task *self)
{
    int reason = acioi_check(self);
    while (!reason && group->unfinished > 0) {
        reason = acioi_park_with(self, acioi_interrupt_wake, "group", group);
        if (!reason && group->unfinished > 0)
            reason = acioi_check(self);
    }
    return reason;
}

static void
join_children(acio_group *group)
{
    while (group->unfinished > 0)
        acioi_park_shielded(NULL, "group", group);
}

int
acio_group_wait(acio_group *group)
{
    struct acioi_task *self = acioi_current();
    if (!self || self != group->scope.task)
        return self ? -ACIO_ENOTASK : acioi_no_task(__func__);
    end_body(group);
    int reason = wait_for_children(group, self);
    if (reason)
        acio_group_cancel(group);
    join_children(group);
    group->waiter = NULL;
    group->waited = true;
    return group->first_error ? group->first_error : reason;
}

static void
release_children(acio_group *group)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&group->finished)))
        acioi_task_let_go(
            acioi_container_of(link, struct acioi_task, group_link));
}

static void
report_unseen_error(acio_group *group, acio_loop *loop)
{
    if (group->waited || !group->first_error)
        return;
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){
            .message = "a task group was left without acio_group_wait, and "
                       "a task of it failed",
            .error = group->first_error,
            .source = group->scope.task->name,
            .place = group->scope.task->place,
        });
}

void
acio_group_close(acio_group *group)
{
    struct acioi_task *self = group->scope.task;
    if (!self)
        return;
    end_body(group);
    if (group->unfinished > 0) {
        acio_group_cancel(group);
        join_children(group);
    }
    report_unseen_error(group, self->runtime->loop);
    release_children(group);
    acioi_scope_close(&group->scope);
}

size_t
acio_group_errors(const acio_group *group, int *out, size_t room)
{
    size_t count = 0;
    if (group->refused && room > 0)
        out[count++] = group->refused; /* after an error none is created */
    struct acio_link *link = group->finished.next;
    for (; link != &group->finished && count < room; link = link->next) {
        int result =
            acioi_container_of(link, struct acioi_task, group_link)->result;
        if (result < 0 && result != -ECANCELED)
            out[count++] = result;
    }
    return group->errors;
}
