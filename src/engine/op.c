/* SPDX-License-Identifier: MIT */
/* op.c - an operation's life: submit, cancel, completion
 *
 *     idle --submit--> active --acioi_op_complete--> done --callback--> idle
 *                        |
 *                        +-- cancel: a request, which changes no state
 *
 * Invariant.  A done op is in the ready queue; an idle one is nowhere. An op
 *             that completes many times may be active and in the ready queue.
 */
#include "engine.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/log.h"

/* ---- completion, from the ready queue ---- */

static void
deliver_fds(acio_op *op)
{
    while (op->u.accept_many.count > 0) {
        unsigned first = op->u.accept_many.first;
        op->result = op->u.accept_many.fds[first];
        op->u.accept_many.first = (uint8_t)((first + 1) % ACIO_ACCEPT_BATCH);
        op->u.accept_many.count--;
        op->callback(op);
    }
}

static void
reap_child(acio_op *op)
{
    siginfo_t *info = op->u.child.info;
    info->si_pid = 0;
    if (waitid(P_PIDFD, (id_t)op->fd, info, WEXITED | WNOHANG) < 0)
        op->result = -errno;
    else
        op->result = info->si_pid ? 0 : -ECHILD;
}

bool
acioi_op_take(acio_op *op)
{
    if (op->state != ACIOI_OP_DONE)
        return false;
    acioi_list_remove(&op->handle.link);
    op->state = ACIOI_OP_IDLE;
    if (acioi_op_completes_many_times(op))
        op->result = op->final;
    else if (op->kind == ACIO_OP_WAIT_CHILD && op->result >= 0)
        reap_child(op);
    return true;
}

static void
run_op(void *arg)
{
    acio_op *op = arg;
    if (acioi_op_receives(op))
        op->loop->backend->deliver(op->loop, op);
    else if (op->kind == ACIO_OP_ACCEPT_MANY)
        deliver_fds(op);
    if (acioi_op_take(op))
        op->callback(op);
}

static void
close_result(acio_op *op)
{
    acio_loop *loop = op->loop;
    bool brings_fd = op->kind == ACIO_OP_ACCEPT || op->kind == ACIO_OP_OPEN;
    while (op->kind == ACIO_OP_ACCEPT_MANY && op->u.accept_many.count > 0) {
        unsigned at = op->u.accept_many.first + --op->u.accept_many.count;
        loop->backend->close_fd(loop,
            op->u.accept_many.fds[at % ACIO_ACCEPT_BATCH]);
    }
    if (brings_fd && op->state == ACIOI_OP_DONE && op->result >= 0)
        loop->backend->close_fd(loop, (int)op->result);
}

acio_op *
acioi_op_of(const acio_handle *handle)
{
    return handle->callback == run_op ? handle->arg : NULL;
}

void
acioi_op_discard(acio_handle *handle)
{
    acio_op *op = acioi_op_of(handle);
    if (!op)
        return;
    close_result(op);
    if (op->state == ACIOI_OP_DONE)
        op->state = ACIOI_OP_IDLE;
}

void
acioi_op_notify(acio_op *op)
{
    if (!acioi_linked(&op->handle.link))
        acioi_loop_ready(op->loop, &op->handle);
}

void
acioi_op_complete(acio_op *op, ssize_t result)
{
    ACIOI_ASSERT(op->state == ACIOI_OP_ACTIVE);
    op->state = ACIOI_OP_DONE;
    op->handle.callback = run_op; /* the pool posted it with another one */
    if (acioi_op_completes_many_times(op))
        op->final = (int)result;
    else
        op->result = result;
    op->loop->active--;
    acioi_op_notify(op);
}

void
acioi_op_give_up(acio_op *op, int err)
{
    bool must_happen = op->kind == ACIO_OP_CLOSE;
    acioi_op_complete(op, must_happen ? acioi_op_perform(op) : err);
}

void
acioi_op_deliver(acio_op *op, void *data, size_t bytes)
{
    op->u.recv_many.data = data;
    op->result = (ssize_t)bytes;
    op->callback(op);
}

bool
acioi_op_has_room(const acio_op *op)
{
    return op->u.accept_many.count < ACIO_ACCEPT_BATCH;
}

void
acioi_op_push_fd(acio_op *op, int fd)
{
    ACIOI_ASSERT(acioi_op_has_room(op));
    unsigned at = op->u.accept_many.first + op->u.accept_many.count++;
    op->u.accept_many.fds[at % ACIO_ACCEPT_BATCH] = fd;
    acioi_op_notify(op);
}

/* ---- submit and cancel ---- */

void
acio_loop_submit(acio_loop *loop, acio_op *op, acio_op_callback *callback,
    void *user)
{
    acioi_check_thread(loop, "an operation was submitted");
    if (op->state != ACIOI_OP_IDLE)
        acioi_panic("an operation was submitted twice, or was not zeroed "
                    "before it was prepared");
    op->loop = loop;
    op->callback = callback;
    op->user = user;
    op->handle.callback = run_op; /* for acioi_op_notify */
    op->handle.arg = op;
    op->flags = 0;
    op->state = ACIOI_OP_ACTIVE;
    loop->active++;
    if (op->kind == ACIO_OP_NONE || op->kind >= ACIO_OP_KINDS)
        acioi_op_complete(op, -EINVAL);
    else
        loop->backend->submit(loop, op);
}

ssize_t
acio_loop_try_send(acio_loop *loop, acio_op *op)
{
    return loop->backend->try_send(loop, op);
}

void
acio_op_cancel(acio_op *op)
{
    if (op->state != ACIOI_OP_ACTIVE || op->flags & ACIOI_OP_CANCEL_ASKED)
        return;
    acioi_check_thread(op->loop, "an operation was cancelled");
    op->flags |= ACIOI_OP_CANCEL_ASKED;
    if (op->flags & ACIOI_OP_POOLED)
        acioi_pool_cancel(op->loop, op);
    else
        op->loop->backend->cancel(op->loop, op);
}

bool
acio_op_alive(const acio_op *op)
{
    return op->state != ACIOI_OP_IDLE;
}
