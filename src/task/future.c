/* SPDX-License-Identifier: MIT */
/* future.c - a result that somebody will bring (asyncio.Future)
 *
 * Invariant.  While the future is done its list of handles is empty: who comes
 *             later finds the result, or is scheduled at once.
 */
#include <acio/future.h>

#include <errno.h>

#include "task/task.h"

int
acio_future_init(acio_future *future)
{
    *future = (acio_future){ .loop = acio_get_running_loop() };
    acioi_list_init(&future->handles);
    return future->loop ? 0 : -ACIO_ENOLOOP;
}

/* A task that waits, for as long as it does. */
struct waiter {
    acio_future *future; /* NULL: done, and perhaps gone */
    int result;
};

/* The future may be gone when its waiters run: each gets the result now. */
static void
hand_result_over(acio_future *future)
{
    struct acio_link *link = future->handles.next;
    for (; link != &future->handles; link = link->next) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        if (handle->callback != acioi_task_resume)
            continue;
        struct acioi_task *task = handle->arg;
        struct waiter *waiter = task->interrupted_thing;
        *waiter = (struct waiter){ NULL, future->result };
        future->seen = true;
    }
}

static int
finish(acio_future *future, enum acio_future_state state, int result)
{
    if (!future->loop || future->state != ACIO_FUTURE_PENDING)
        return -ACIO_EINVALIDSTATE;
    acioi_check_thread(future->loop, "a future was finished");
    future->state = (uint8_t)state;
    future->result = result;
    hand_result_over(future);
    acioi_handles_fire(future->loop, &future->handles);
    return 0;
}

int
acio_future_set_result(acio_future *future, int result)
{
    if (result < 0)
        return -EINVAL;
    return finish(future, ACIO_FUTURE_FINISHED, result);
}

int
acio_future_set_error(acio_future *future, int error)
{
    if (error >= 0)
        return -EINVAL;
    return finish(future, ACIO_FUTURE_FINISHED, error);
}

bool
acio_future_cancel(acio_future *future)
{
    return finish(future, ACIO_FUTURE_CANCELLED, -ECANCELED) == 0;
}

bool
acio_future_done(const acio_future *future)
{
    return future->state != ACIO_FUTURE_PENDING;
}

bool
acio_future_cancelled(const acio_future *future)
{
    return future->state == ACIO_FUTURE_CANCELLED;
}

int
acio_future_result(acio_future *future)
{
    if (future->state == ACIO_FUTURE_PENDING)
        return -ACIO_EINVALIDSTATE;
    future->seen = true;
    return future->result;
}

static void
interrupt_await(struct acioi_task *task, int reason)
{
    struct waiter *waiter = task->interrupted_thing;
    task->reason = reason;
    acio_future_cancel(waiter->future);
}

/* Of a pending future. */
static int
wait_for_result(struct acioi_task *self, acio_future *future)
{
    struct waiter waiter = { .future = future };
    acioi_list_push_back(&future->handles, &self->handle.link);
    self->interrupted_thing = &waiter;
    int reason = acioi_park_with(self, interrupt_await, "future", future);
    return reason && waiter.result == -ECANCELED ? reason : waiter.result;
}

int
acio_future_await(acio_future *future)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(__func__);
    if (!future->loop)
        return -EINVAL;
    if (future->loop != self->runtime->loop)
        return -ACIO_EFOREIGN;
    int reason = acioi_check(self);
    if (future->state == ACIO_FUTURE_PENDING && !reason)
        return wait_for_result(self, future);
    acio_future_cancel(future); /* where it is pending still */
    int result = acio_future_result(future);
    (void)acioi_spend(self, 0);
    return reason && result == -ECANCELED ? reason : result;
}

int
acio_future_add_done_callback(acio_future *future, acio_handle *handle,
    acio_callback *callback, void *arg)
{
    if (!future->loop || !handle || !callback)
        return -EINVAL;
    acio_handle_cancel(handle);
    handle->callback = callback;
    handle->arg = arg;
    if (future->state == ACIO_FUTURE_PENDING)
        acioi_list_push_back(&future->handles, &handle->link);
    else
        acioi_loop_ready(future->loop, handle);
    return 0;
}

void
acio_future_close(acio_future *future)
{
    if (!future->loop)
        return;
    if (future->result < 0 && !future->seen &&
        future->state == ACIO_FUTURE_FINISHED)
        acio_loop_call_exception_handler(future->loop,
            &(struct acio_exception){
                .message = "a future got an error and nobody read it",
                .error = future->result,
                .source = "future",
            });
    acio_future_cancel(future);
    future->loop = NULL;
}
