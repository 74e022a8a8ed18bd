/* SPDX-License-Identifier: MIT */
/* as_completed.c - tasks in the order in which they finish
 *
 * Idea.       Each task gets a done callback, whose handle, once it has run,
 *             stands in the list of those to be given. Who waits for one while
 *             the list is empty stands in a line, and is handed the next one
 *             at the moment it is there: he has nothing to look up afterwards,
 *             so that the iterator may be closed meanwhile.
 * Invariant.  The list or the line is empty.
 * Memory.     The tasks are known by their handles alone. Nothing keeps one
 *             that somebody else awaits meanwhile: its handle is given as it
 *             is, and says itself that it has ended.
 */
#include <acio/wait.h>

#include <errno.h>

#include "base/alloc.h"
#include "task/await.h"

struct acioi_completion {
    acio_handle handle; /* the task's, then in all->finished */
    acio_as_completed *all;
    acio_task *task;
};

/* Of one who waits in line, on his stack. */
struct turn {
    acio_task **task_out;
    int answer;
};

static void
hand_over(acio_as_completed *all, struct turn *turn,
    struct acioi_completion *completion)
{
    *turn->task_out = completion->task;
    turn->answer = 1;
    all->left--;
}

/* Wakes everybody in the line, to be told 0 or an error. */
static void
turn_away(acio_as_completed *all, int reason)
{
    struct acio_link *link;
    while ((link = acioi_list_first(&all->line))) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        acioi_interrupt_wake(handle->arg, reason);
    }
}

static void
completed(void *arg)
{
    struct acioi_completion *completion = arg;
    acio_as_completed *all = completion->all;
    if (all->expired)
        return;
    if (--all->unfinished == 0)
        acio_timer_cancel(all->loop, &all->timer);
    struct acioi_task *first = acioi_wake_first(&all->line);
    if (first)
        hand_over(all, first->interrupted_thing, completion);
    else
        acioi_list_push_back(&all->finished, &completion->handle.link);
    if (all->left == 0)
        turn_away(all, 0);
}

static void
expire(void *arg)
{
    acio_as_completed *all = arg;
    all->expired = true;
    turn_away(all, -ETIMEDOUT);
}

/* ---- opening and closing ---- */

static int
watch(acio_as_completed *all, acio_task *handle)
{
    int err;
    struct acioi_task *task = acioi_task_awaitable(handle, &err);
    if (!task)
        return err;
    struct acioi_completion *completion = &all->entries[all->left++];
    completion->all = all;
    completion->task = handle;
    if (task->state == ACIOI_TASK_FINISHED) {
        acioi_list_push_back(&all->finished, &completion->handle.link);
        return 0;
    }
    all->unfinished++;
    acioi_task_tell(task, &completion->handle, completed, completion);
    return 0;
}

static void
set_limit(acio_as_completed *all, double timeout)
{
    int64_t delay_ns = acioi_seconds_to_ns(timeout);
    if (delay_ns <= 0)
        all->expired = all->unfinished > 0;
    else if (delay_ns != ACIOI_NEVER)
        acio_loop_call_at_ns(all->loop, &all->timer,
            acioi_time_add(acioi_loop_now(all->loop), delay_ns), expire, all);
}

static void
forget(acio_as_completed *all)
{
    acio_timer_cancel(all->loop, &all->timer);
    for (size_t i = 0; i < all->count; i++)
        acio_handle_cancel(&all->entries[i].handle);
    acioi_free(all->entries);
    all->entries = NULL;
    all->loop = NULL;
}

static int
make_entries(acio_as_completed *all, size_t count)
{
    size_t bytes;
    if (count == 0)
        return 0;
    if (__builtin_mul_overflow(count, sizeof all->entries[0], &bytes))
        return -ENOMEM;
    all->entries = acioi_alloc(bytes);
    all->count = all->entries ? count : 0;
    return all->entries ? 0 : -ENOMEM;
}

static int
open_in_loop(acio_as_completed *all, acio_task *const *tasks, size_t count,
    double timeout)
{
    if (!all->loop)
        return -ACIO_ENOLOOP;
    if ((!tasks && count > 0) || timeout != timeout)
        return -EINVAL;
    int err = make_entries(all, count);
    for (size_t i = 0; i < count && err == 0; i++)
        err = watch(all, tasks[i]);
    if (err == 0)
        set_limit(all, timeout);
    return err;
}

int
acio_as_completed_open(acio_as_completed *all, acio_task *const *tasks,
    size_t count, double timeout)
{
    *all = (acio_as_completed){ .loop = acio_get_running_loop() };
    acioi_list_init(&all->finished);
    acioi_list_init(&all->line);
    all->error = open_in_loop(all, tasks, count, timeout);
    if (all->error && all->loop)
        forget(all);
    return all->error;
}

void
acio_as_completed_close(acio_as_completed *all)
{
    if (!all->loop)
        return;
    turn_away(all, -ACIO_ECLOSED);
    forget(all);
    all->error = -ACIO_ECLOSED;
}

bool
acio_as_completed_expired(const acio_as_completed *all)
{
    return all->expired;
}

/* ---- the next one ---- */

static struct acioi_completion *
first_finished(acio_as_completed *all)
{
    struct acio_link *link = acioi_list_pop_front(&all->finished);
    if (!link)
        return NULL;
    acio_handle *handle = acioi_container_of(link, acio_handle, link);
    return acioi_container_of(handle, struct acioi_completion, handle);
}

/* What can be said at once; false where one has to wait. */
static bool
look(acio_as_completed *all, struct turn *turn)
{
    struct acioi_completion *completion = first_finished(all);
    if (completion)
        hand_over(all, turn, completion);
    else if (all->left > 0 && all->expired)
        turn->answer = -ETIMEDOUT;
    else if (all->left > 0)
        return false;
    return true;
}

int
acio_as_completed_next(acio_as_completed *all, acio_task **task_out)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    if (!all->loop)
        return all->error;
    if (all->loop != self->runtime->loop)
        return -ACIO_EFOREIGN;
    if (!task_out)
        return -EINVAL;
    int reason = acioi_check(self);
    struct turn turn = { task_out, 0 };
    if (reason || look(all, &turn))
        return acioi_spend(self, reason ? reason : turn.answer);
    self->interrupted_thing = &turn;
    acioi_list_push_back(&all->line, &self->handle.link);
    reason = acioi_park_with(self, acioi_interrupt_wake, "as_completed", all);
    return reason ? reason : turn.answer;
}
