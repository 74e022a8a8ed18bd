/* SPDX-License-Identifier: MIT */
/* gather.c - awaiting many tasks at once (asyncio.gather)
 *
 * Idea.  Each task gets a done callback that counts down. The waiter wakes at
 *        zero, or at the first error where errors are not results.
 */
#include "task/task.h"

#include <errno.h>

#include "base/alloc.h"

struct gather;

struct entry {
    acio_handle handle;
    struct gather *gather;
    struct acioi_task *task; /* NULL: a bad handle */
    int result;
};

struct gather {
    struct acioi_task *waiter;
    size_t count, left;
    int first_error;
    bool errors_end_it;
    struct entry entries[];
};

static void
take_error(struct gather *gather, int error)
{
    if (!gather->first_error)
        gather->first_error = error;
    if (gather->errors_end_it)
        acioi_wake(gather->waiter);
}

static void
entry_done(void *arg)
{
    struct entry *entry = arg;
    struct gather *gather = entry->gather;
    entry->result = entry->task->result;
    if (entry->result < 0)
        take_error(gather, entry->result);
    if (--gather->left == 0)
        acioi_wake(gather->waiter);
}

static int
add_task(struct gather *gather, struct entry *entry, acio_task *handle)
{
    int err;
    entry->gather = gather;
    entry->task = acioi_task_of(handle, &err);
    if (entry->task == gather->waiter)
        err = -ACIO_ESELF;
    else if (entry->task && !entry->task->held)
        err = -ACIO_EGONE;
    else if (entry->task &&
        acioi_task_is_waited_for(gather->waiter, entry->task))
        err = -EDEADLK;
    entry->result = err ? err : -EINPROGRESS;
    if (err) {
        entry->task = NULL;
        return err;
    }
    entry->task->users++;
    gather->left++;
    if (entry->task->state == ACIOI_TASK_FINISHED)
        entry_done(entry);
    else
        acioi_task_tell(entry->task, &entry->handle, entry_done, entry);
    return 0;
}

const struct acioi_task *
acioi_gather_task(const struct acioi_task *waiter, size_t *from)
{
    const struct gather *gather = waiter->interrupted_thing;
    for (; *from < gather->count; ++*from) {
        if (gather->entries[*from].task)
            return gather->entries[*from].task;
    }
    return NULL;
}

static void
cancel_all(struct gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        if (gather->entries[i].task)
            acioi_task_cancel(gather->entries[i].task);
    }
}

/* Blind to itself meanwhile, where tasks wait for each other in a circle. */
static void
interrupt_gather(struct acioi_task *task, int reason)
{
    task->reason = reason;
    task->interrupt = NULL;
    cancel_all(task->interrupted_thing);
    task->interrupt = interrupt_gather;
}

/* 0 or the reason of an interruption, after which every task has ended. */
static int
wait_for_tasks(struct gather *gather)
{
    struct acioi_task *self = gather->waiter;
    bool enough = gather->first_error && gather->errors_end_it;
    int reason = acioi_check(self);
    self->interrupted_thing = gather;
    if (reason)
        cancel_all(gather);
    else if (gather->left > 0 && !enough) {
        reason = acioi_park_with(self, interrupt_gather, acioi_gathers, NULL);
    } else
        (void)acioi_spend(self, 0);
    while (reason && gather->left > 0)
        acioi_park_shielded(NULL, acioi_gathers, NULL);
    return reason;
}

static void
end_handles(struct gather *gather, int *results)
{
    for (size_t i = 0; i < gather->count; i++) {
        struct entry *entry = &gather->entries[i];
        if (results)
            results[i] = entry->result;
        if (!entry->task)
            continue;
        acio_handle_cancel(&entry->handle);
        entry->task->seen = true;
        if (!entry->task->group)
            entry->task->held = false;
        acioi_task_unuse(entry->task);
    }
}

/* Without memory for a gather nothing of it can be kept running. */
static int
give_up(acio_task *const *tasks, size_t count, int *results)
{
    for (size_t i = 0; i < count; i++)
        acio_cancel(tasks[i]);
    for (size_t i = 0; i < count; i++) {
        acio_shield shield;
        acio_shield_open(&shield);
        int result = acio_await(tasks[i]);
        acio_shield_close(&shield);
        if (results)
            results[i] = result;
    }
    return -ENOMEM;
}

int
acio_gather(acio_task *const *tasks, size_t count, int *results, int flags)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    if (!tasks && count > 0)
        return -EINVAL;
    struct gather *gather = acioi_alloc(
        sizeof *gather + count * sizeof gather->entries[0]);
    if (!gather)
        return give_up(tasks, count, results);
    gather->waiter = self;
    gather->count = count;
    gather->errors_end_it = !(flags & ACIO_RETURN_EXCEPTIONS);
    for (size_t i = 0; i < count; i++) {
        int err = add_task(gather, &gather->entries[i], tasks[i]);
        if (err < 0)
            take_error(gather, err);
    }
    int reason = wait_for_tasks(gather);
    int error = gather->errors_end_it ? gather->first_error : 0;
    end_handles(gather, results);
    acioi_free(gather);
    return reason ? reason : error;
}
