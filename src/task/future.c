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

static int
finish(acio_future *future, enum acio_future_state state, int result)
{
    if (!future->loop || future->state != ACIO_FUTURE_PENDING)
        return -ACIO_EINVALIDSTATE;
    acioi_check_thread(future->loop, "a future was finished");
    future->state = (uint8_t)state;
    future->result = result;
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
    task->reason = reason;
    acio_future_cancel(task->interrupted_thing);
}

/* Of a pending future; 0 or why the wait ended early. */
static int
wait_for_result(struct acioi_task *self, acio_future *future, int reason)
{
    if (reason) {
        acio_future_cancel(future);
        return reason;
    }
    acioi_list_push_back(&future->handles, &self->handle.link);
    self->interrupted_thing = future;
    return acioi_park_with(self, interrupt_await, "future", future);
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
    if (future->state == ACIO_FUTURE_PENDING)
        reason = wait_for_result(self, future, reason);
    else
        (void)acioi_spend(self, 0);
    int result = acio_future_result(future);
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
