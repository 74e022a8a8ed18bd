/* SPDX-License-Identifier: MIT */
/* uring.c - operations on io_uring
 *
 * Idea.       An op becomes a request, its address the request's user_data.
 *             Submitting only queues it; one system call a pass hands over all
 *             that is queued and waits for what is done.
 *
 *                 queue --> in_flight --> (completion)
 *                   ^           |
 *                   |           +-- cancels --> cancelling --> (completion)
 *                   +-- starved, resting
 *
 * Lists.      An active op is in exactly one of them, or with the pool.
 *             queue       to be written as a request: new, or once more
 *             in_flight   with the kernel
 *             cancels     with the kernel, a cancel to be written
 *             cancelling  with the kernel, which was asked to cancel
 *             starved     recv_many that found no buffer
 *             resting     recv_many without buffer ring, about to receive
 *
 * Again.      Some answers are no news for the user, and the op is queued once
 *             more: EAGAIN of a non-blocking file (a poll goes first then),
 *             EINTR, the end of a multishot request without an error, ENOBUFS.
 *
 * Cancel.     What is not with the kernel ends at once. For the rest a request
 *             is queued; its own completion is ignored. Should the op end
 *             before the kernel saw that request, the request is withdrawn:
 *             the op's memory may belong to another op by then.
 */
#include "engine/uring.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    DEFAULT_ENTRIES = 1024,
    SCRATCH_BYTES = 65536,
    TURN_BYTES = 65536, /* that one request of recv_many receives */
    LARGE_BYTES = 16384 /* are sent at once */
};

struct uring_state {
    struct acioi_ring ring;
    struct acio_link queue, in_flight, cancels, cancelling, starved, resting;
    bool no_buffers; /* recv_many polls, then receives into `scratch` */
    bool no_quiet;   /* the kernel does not know RWF_NOSIGNAL */
    bool no_reads;   /* nor multishot reads */
    bool no_turns;   /* nor ones that end after TURN_BYTES */
    char *scratch;   /* made when it is needed */
    struct acioi_buffers buffers;
};

static acio_op *
op_of(struct acio_link *link)
{
    return acioi_container_of(link, acio_op, link);
}

static bool
cancel_asked(const acio_op *op)
{
    return op->flags & ACIOI_OP_CANCEL_ASKED;
}

/* ---- submit and cancel ---- */

static bool
needs_thread(const acio_op *op)
{
    return op->kind == ACIO_OP_WORK ||
        (op->kind == ACIO_OP_SENDFILE && !(op->flags & URING_POLLING));
}

static void
uring_submit(acio_loop *loop, acio_op *op)
{
    struct uring_state *state = loop->backend_state;
    op->buffer_head = op->buffer_tail = ACIOI_BUFFER_NONE;
    if (op->flags & ACIOI_OP_NOT_READY)
        op->flags |= URING_POLLING;
    if (needs_thread(op))
        acioi_pool_submit(loop, op);
    else
        acioi_list_push_back(&state->queue, &op->link);
}

/* Sending little with the rest of the batch is cheaper than a system call now;
 * much would be copied by who has to keep it until then. */
static ssize_t
uring_try_send(acio_loop *loop, acio_op *op)
{
    (void)loop;
    if (op->kind != ACIO_OP_SEND || op->u.buf.bytes < LARGE_BYTES)
        return -EAGAIN;
    return acioi_op_try(op);
}

static void
uring_cancel(acio_loop *loop, acio_op *op)
{
    struct uring_state *state = loop->backend_state;
    acioi_list_remove(&op->link);
    if (op->flags & URING_IN_KERNEL)
        acioi_list_push_back(&state->cancels, &op->link);
    else
        acioi_op_complete(op, -ECANCELED);
}

static void
cancel_list(acio_loop *loop, struct acio_link *list)
{
    struct acio_link *link;
    while ((link = acioi_list_first(list))) {
        acio_op *op = op_of(link);
        op->flags |= ACIOI_OP_CANCEL_ASKED;
        uring_cancel(loop, op);
    }
}

static void
uring_cancel_all(acio_loop *loop)
{
    struct uring_state *state = loop->backend_state;
    cancel_list(loop, &state->queue);
    cancel_list(loop, &state->starved);
    cancel_list(loop, &state->resting);
    cancel_list(loop, &state->in_flight);
}

/* ---- requests ---- */

static bool
have_buffers(struct uring_state *state)
{
    if (state->buffers.ring)
        return true;
    if (state->no_buffers || state->ring.level > ACIOI_RING_DEFER ||
        acioi_buffers_open(&state->buffers, &state->ring) < 0)
        state->no_buffers = true;
    return !state->no_buffers;
}

/* Must recv_many poll, and then receive into `scratch`? */
static bool
receives_by_poll(struct uring_state *state, const acio_op *op)
{
    if (!acioi_op_receives(op))
        return false;
    if (op->kind == ACIO_OP_READ_MANY && state->no_reads)
        return true;
    return op->flags & URING_ONE_SHOT || !have_buffers(state);
}

/* A write at the file's position that ends short has met an error on the way,
 * a full disk perhaps, and the kernel (6.18 too) does not move the position
 * then: the next write would replace what this one has written. So it is kept
 * where it was; in two halves, in fields that a write does not need. */
static void
note_position(acio_op *op)
{
    int64_t position = lseek(op->fd, 0, SEEK_CUR);
    op->buffer_head = (int)(position >> 32);
    op->buffer_tail = (int)(uint32_t)position;
}

/* -1: it has none, and so may be a pipe. */
static int64_t
noted_position(const acio_op *op)
{
    return (
        int64_t)((uint64_t)op->buffer_head << 32 | (uint32_t)op->buffer_tail);
}

static void
move_position(const acio_op *op, int result)
{
    int64_t before = noted_position(op);
    if (result <= 0 || (size_t)result >= op->u.buf.bytes || before < 0)
        return;
    if (lseek(op->fd, 0, SEEK_CUR) == before)
        (void)lseek(op->fd, before + result, SEEK_SET);
}

/* Where the kernel cannot write to a pipe without SIGPIPE, it must not write at
 * all: it does so in the middle of any system call. */
static bool
writes_by_poll(const struct uring_state *state, const acio_op *op)
{
    return acioi_uring_writes_on(op) && state->no_quiet &&
        noted_position(op) < 0;
}

/* Else a peer that floods would fill all that there is of buffers in one pass,
 * before its reader can say that it has enough (Linux 6.17). What comes in
 * large pieces is taken in one call, in as many buffers as it needs. */
static void
limit_turn(struct uring_state *state, struct io_uring_sqe *sqe, acio_op *op)
{
    op->flags &= (uint16_t)~URING_TURN;
    if (op->kind != ACIO_OP_RECV_MANY || state->no_turns)
        return;
    op->flags |= URING_TURN;
    sqe->file_index = TURN_BYTES; /* newer headers name the field optlen */
    if (op->flags & URING_LARGE)
        sqe->ioprio |= URING_RECVSEND_BUNDLE;
}

static void
write_request(struct uring_state *state, struct io_uring_sqe *sqe, acio_op *op)
{
    if (acioi_uring_writes_on(op))
        note_position(op);
    if (receives_by_poll(state, op) || writes_by_poll(state, op))
        op->flags |= URING_POLLING;
    if (op->flags & URING_POLLING)
        acioi_uring_prepare_poll(sqe, op);
    else
        acioi_uring_prepare(sqe, op, state->ring.level);
    if (!(op->flags & URING_POLLING))
        limit_turn(state, sqe, op);
    if (acioi_uring_reads_file(op) && !(op->flags & URING_POLLING))
        acioi_uring_limit_read(sqe, op);
    if (acioi_uring_writes_on(op) && noted_position(op) < 0 &&
        !(op->flags & URING_POLLING))
        sqe->rw_flags = ACIOI_RWF_NOSIGNAL;
    op->flags |= URING_IN_KERNEL;
    acioi_list_remove(&op->link);
    acioi_list_push_back(&state->in_flight, &op->link);
}

/* False where the ring is full. */
static bool
write_requests(struct uring_state *state)
{
    struct acio_link *link;
    while ((link = acioi_list_first(&state->queue))) {
        struct io_uring_sqe *sqe = acioi_ring_next(&state->ring);
        if (!sqe)
            return false;
        write_request(state, sqe, op_of(link));
    }
    return true;
}

static bool
write_cancels(struct uring_state *state)
{
    struct acio_link *link;
    while ((link = acioi_list_first(&state->cancels))) {
        acio_op *op = op_of(link);
        struct io_uring_sqe *sqe = acioi_ring_next(&state->ring);
        if (!sqe)
            return false;
        sqe->opcode = IORING_OP_ASYNC_CANCEL;
        sqe->fd = -1;
        sqe->addr = (uint64_t)(uintptr_t)op;
        sqe->user_data = (uint64_t)(uintptr_t)op | URING_CANCEL_TAG;
        if (state->ring.features & URING_FEAT_CQE_SKIP)
            sqe->flags = URING_SQE_CQE_SKIP_SUCCESS;
        op->flags |= URING_CANCEL_SENT;
        acioi_list_remove(link);
        acioi_list_push_back(&state->cancelling, link);
    }
    return true;
}

/* Cancels come last: none overtakes the request that it is for. */
static int
write_queued(struct uring_state *state)
{
    while (!write_requests(state) || !write_cancels(state)) {
        int err = acioi_ring_enter(&state->ring, 0);
        if (err < 0)
            return err;
        if (acioi_ring_unsubmitted(&state->ring) > 0)
            break; /* the kernel takes no more before we reap */
    }
    return 0;
}

/* ---- completions ---- */

/* The kernel is done with the op, and will not name it again. */
static void
leave_kernel(struct uring_state *state, acio_op *op)
{
    if (op->flags & URING_CANCEL_SENT)
        acioi_ring_withdraw(&state->ring,
            (uint64_t)(uintptr_t)op | URING_CANCEL_TAG);
    op->flags &= (uint16_t) ~(URING_IN_KERNEL | URING_CANCEL_SENT);
    acioi_list_remove(&op->link);
}

/* The op goes to the kernel once more, unless its end is wanted. */
static void
again(struct uring_state *state, acio_op *op)
{
    if (cancel_asked(op))
        acioi_op_complete(op, -ECANCELED);
    else
        acioi_list_push_back(&state->queue, &op->link);
}

static void
poll_first(struct uring_state *state, acio_op *op)
{
    op->flags |= URING_POLLING;
    again(state, op);
}

static void
write_now(struct uring_state *state, acio_op *op)
{
    ssize_t result = acioi_op_perform_ready(op);
    if (result == -EAGAIN)
        poll_first(state, op);
    else
        acioi_op_complete(op, result);
}

/* The answer to the poll that goes before the op proper. */
static void
take_readiness(struct uring_state *state, acio_op *op, int result)
{
    op->flags &= (uint16_t)~URING_POLLING;
    if (result < 0 && result != -EINTR)
        acioi_op_complete(op, result);
    else if (op->kind == ACIO_OP_SENDFILE && !cancel_asked(op))
        acioi_pool_submit(op->loop, op);
    else if (writes_by_poll(state, op) && !cancel_asked(op))
        write_now(state, op);
    else
        again(state, op);
}

/* EAGAIN is the final answer of a Unix socket whose listener is busy: it is
 * writable all the while, and there is nothing that one could wait for. */
static bool
is_turned_away(const acio_op *op, int result)
{
    return op->kind == ACIO_OP_CONNECT && result == -EAGAIN &&
        op->u.connect.length >= sizeof(sa_family_t) &&
        op->u.connect.address->sa_family == AF_UNIX;
}

static bool
not_ready(const acio_op *op, int result)
{
    if (!acioi_uring_pollable(op) || is_turned_away(op, result))
        return false;
    return result == -EAGAIN || result == -EINPROGRESS || result == -EALREADY;
}

/* RWF_NOSIGNAL was refused: once more without it. */
static bool
too_quiet(struct uring_state *state, const acio_op *op, int result)
{
    if (!acioi_uring_writes_on(op) || state->no_quiet)
        return false;
    if (result != -EOPNOTSUPP || noted_position(op) >= 0)
        return false;
    state->no_quiet = true;
    return true;
}

/* ERESTARTSYS and its kin, which the kernel keeps to itself elsewhere. */
static bool
is_restart(int result)
{
    return result <= -512 && result >= -516;
}

static void
take_result(struct uring_state *state, acio_op *op, int result)
{
    leave_kernel(state, op);
    if (is_restart(result))
        result = -EINTR;
    if (acioi_uring_writes_on(op) && !(op->flags & URING_POLLING))
        move_position(op, result);
    if (op->flags & URING_POLLING)
        take_readiness(state, op, result);
    else if (acioi_uring_read_more(op, result))
        again(state, op);
    else if (not_ready(op, result))
        poll_first(state, op);
    else if (result == -EINVAL && acioi_uring_is_young(op))
        acioi_pool_submit(op->loop, op);
    else if (result == -EINTR && op->kind == ACIO_OP_CLOSE)
        acioi_op_complete(op, 0); /* the fd is gone all the same */
    else if (result == -EINTR || too_quiet(state, op, result))
        again(state, op);
    else
        acioi_op_complete(op, result);
}

/* False where the op has no room for the connection: the completion stays in
 * the ring, and all that come after it, until the user has taken some. */
static bool
take_connection(struct uring_state *state, acio_op *op,
    const struct io_uring_cqe *cqe)
{
    bool polled = op->flags & URING_POLLING;
    int result = cqe->res;
    if (result >= 0 && !polled) {
        if (!acioi_op_has_room(op))
            return false;
        acioi_op_push_fd(op, result);
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return true;
    if (polled || result < 0) {
        bool go_on = acioi_accept_goes_on(result);
        take_result(state, op, go_on ? -EINTR : result);
    } else {
        leave_kernel(state, op);
        again(state, op);
    }
    return true;
}

/* Who has nothing at all while the buffers are out needs more of them; who
 * has some waits until they are back. */
static void
starve(struct uring_state *state, acio_op *op)
{
    if (op->buffer_head == ACIOI_BUFFER_NONE && state->buffers.there == 0)
        acioi_buffers_grow(&state->buffers);
    if (cancel_asked(op))
        acioi_op_complete(op, -ECANCELED);
    else
        acioi_list_push_back(&state->starved, &op->link);
}

static void
feed_starved(struct uring_state *state)
{
    for (int i = state->buffers.there; i > 0; i--) {
        struct acio_link *link = acioi_list_pop_front(&state->starved);
        if (!link)
            break;
        acioi_list_push_back(&state->queue, link);
    }
}

/* What did not fit into one buffer goes on in those that were given after
 * it. */
static void
take_data(struct uring_state *state, acio_op *op, int id, int bytes)
{
    struct acioi_buffers *buffers = &state->buffers;
    for (; bytes > ACIOI_BUFFER_BYTES; bytes -= ACIOI_BUFFER_BYTES) {
        acioi_buffers_append(buffers, op, id, ACIOI_BUFFER_BYTES);
        id = acioi_buffers_after(buffers, id);
    }
    acioi_buffers_append(buffers, op, id, bytes);
    acioi_op_notify(op);
}

/* A buffer may come even with the end of the stream. */
static void
take_buffer(struct uring_state *state, acio_op *op,
    const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return;
    int id = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    if (cqe->res > 0) {
        take_data(state, op, id, cqe->res);
    } else {
        state->buffers.there--;
        acioi_buffers_give(&state->buffers, id);
    }
}

static void
rest(struct uring_state *state, acio_op *op)
{
    op->flags &= (uint16_t)~URING_POLLING;
    op->flags |= URING_READY;
    acioi_list_push_back(&state->resting, &op->link);
    acioi_op_notify(op);
}

/* Multishot reads need Linux 6.7, and a file that can be waited for. */
static bool
refuses_multishot(struct uring_state *state, acio_op *op, int result)
{
    if (op->kind != ACIO_OP_READ_MANY || op->flags & URING_POLLING)
        return false;
    if (result == -EINVAL)
        state->no_reads = true;
    else if (result != -EAGAIN && result != -EBADFD && result != -EOPNOTSUPP)
        return false;
    op->flags |= URING_ONE_SHOT;
    return true;
}

static bool
refuses_turns(struct uring_state *state, const acio_op *op, int result)
{
    if (result != -EINVAL || !(op->flags & URING_TURN))
        return false;
    state->no_turns = true;
    return true;
}

/* The end of a turn, or one of the kernel's own reasons. */
static void
go_on_receiving(struct uring_state *state, acio_op *op, int result)
{
    leave_kernel(state, op);
    op->flags &= (uint16_t)~URING_LARGE;
    if (result >= ACIOI_BUFFER_BYTES)
        op->flags |= URING_LARGE;
    again(state, op);
}

static void
take_received(struct uring_state *state, acio_op *op,
    const struct io_uring_cqe *cqe)
{
    int result = cqe->res;
    take_buffer(state, op, cqe);
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (op->flags & URING_POLLING && result >= 0 && !cancel_asked(op)) {
        leave_kernel(state, op);
        rest(state, op);
    } else if (result == -ENOBUFS) {
        leave_kernel(state, op);
        starve(state, op);
    } else if (refuses_multishot(state, op, result) ||
        refuses_turns(state, op, result)) {
        leave_kernel(state, op);
        again(state, op);
    } else if (result > 0 && !(op->flags & URING_POLLING)) {
        go_on_receiving(state, op, result);
    } else {
        take_result(state, op, result > 0 ? -EINTR : result);
    }
}

/* The cancel came too early or too late. Too late: the op is no longer in the
 * list. Too early: a request that is just being worked on is not found; so it
 * is asked again. Files are left alone, they end soon by themselves; but an
 * open may wait for ever for the other end of a FIFO. */
static void
cancel_missed(struct uring_state *state, uint64_t user_data)
{
    uint64_t wanted = user_data & ~(uint64_t)URING_CANCEL_TAG;
    struct acio_link *link = state->cancelling.next;
    for (; link != &state->cancelling; link = link->next) {
        acio_op *op = op_of(link);
        if ((uint64_t)(uintptr_t)op != wanted)
            continue;
        if (op->kind <= ACIO_OP_POLL || op->kind == ACIO_OP_OPEN) {
            acioi_list_remove(link);
            acioi_list_push_back(&state->cancels, link);
        }
        return;
    }
}

static bool
take_completion(struct uring_state *state, const struct io_uring_cqe *cqe)
{
    if (cqe->user_data & URING_CANCEL_TAG) {
        if (cqe->res == -ENOENT)
            cancel_missed(state, cqe->user_data);
        return true;
    }
    acio_op *op = (acio_op *)(uintptr_t)cqe->user_data;
    if (!op)
        return true; /* a request that was withdrawn */
    if (op->kind == ACIO_OP_ACCEPT_MANY)
        return take_connection(state, op, cqe);
    if (acioi_op_receives(op))
        take_received(state, op, cqe);
    else
        take_result(state, op, cqe->res);
    return true;
}

static void
reap(struct uring_state *state)
{
    struct acioi_ring *ring = &state->ring;
    uint32_t head = *ring->cq_head;
    uint32_t tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
    while (head != tail) {
        uint32_t at = head & (ring->cq_entries - 1);
        if (!take_completion(state, &ring->cqes[at]))
            break;
        head++;
    }
    __atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
}

/* ---- the wait ---- */

static bool
uring_pending(acio_loop *loop)
{
    const struct uring_state *state = loop->backend_state;
    return !acioi_list_empty(&state->queue) ||
        !acioi_list_empty(&state->cancels) ||
        (!acioi_list_empty(&state->starved) && state->buffers.there > 0) ||
        acioi_ring_has_completions(&state->ring) ||
        acioi_ring_wants_entry(&state->ring) ||
        acioi_ring_unsubmitted(&state->ring) > 0;
}

static bool
may_block(const struct uring_state *state)
{
    return acioi_list_empty(&state->queue) &&
        acioi_list_empty(&state->cancels) &&
        !acioi_ring_has_completions(&state->ring);
}

static int
uring_wait(acio_loop *loop, int64_t timeout_ns)
{
    struct uring_state *state = loop->backend_state;
    struct acioi_ring *ring = &state->ring;
    int err = ring->enabled ? 0 : acioi_ring_enable(ring);
    if (err < 0)
        return err;
    feed_starved(state);
    err = write_queued(state);
    if (err < 0)
        return err;
    if (!may_block(state))
        timeout_ns = 0;
    if (timeout_ns != 0 || acioi_ring_unsubmitted(ring) > 0 ||
        acioi_ring_wants_entry(ring))
        err = acioi_ring_enter(ring, timeout_ns);
    reap(state);
    return err;
}

/* ---- recv_many, from the ready queue ---- */

static void
deliver_chain(struct uring_state *state, acio_op *op)
{
    struct acioi_buffers *buffers = &state->buffers;
    while (op->buffer_head != ACIOI_BUFFER_NONE) {
        int id = op->buffer_head;
        op->buffer_head = buffers->next[id];
        acioi_op_deliver(op, acioi_buffers_data(buffers, id),
            buffers->length[id]);
        acioi_buffers_give(buffers, id);
    }
}

/* Queued before the callback runs, which may cancel. */
static void
receive_now(struct uring_state *state, acio_op *op)
{
    acioi_list_remove(&op->link);
    op->flags &= (uint16_t)~URING_READY;
    if (!state->scratch)
        state->scratch = acioi_alloc_raw(SCRATCH_BYTES);
    if (!state->scratch) {
        acioi_op_complete(op, -ENOMEM);
        return;
    }
    ssize_t n = acioi_op_receive(op, state->scratch, SCRATCH_BYTES);
    if (n > 0 || n == -EAGAIN)
        acioi_list_push_back(&state->queue, &op->link);
    else
        acioi_op_complete(op, n);
    if (n > 0)
        acioi_op_deliver(op, state->scratch, (size_t)n);
}

static void
uring_deliver(acio_loop *loop, acio_op *op)
{
    struct uring_state *state = loop->backend_state;
    deliver_chain(state, op);
    if (op->state == ACIOI_OP_ACTIVE && op->flags & URING_READY)
        receive_now(state, op);
}

/* ---- open and close ---- */

static int
uring_open(acio_loop *loop, const struct acio_loop_options *options)
{
    struct uring_state *state = acioi_alloc(sizeof *state);
    if (!state)
        return -ENOMEM;
    unsigned entries = options->ring_entries;
    int err = acioi_ring_open(&state->ring,
        entries ? entries : DEFAULT_ENTRIES);
    if (err < 0) {
        acioi_free(state);
        return err;
    }
    acioi_list_init(&state->queue);
    acioi_list_init(&state->in_flight);
    acioi_list_init(&state->cancels);
    acioi_list_init(&state->cancelling);
    acioi_list_init(&state->starved);
    acioi_list_init(&state->resting);
    state->no_quiet = state->ring.level > ACIOI_RING_DEFER;
    loop->backend_state = state;
    return 0;
}

/* A forked child has neither the rings nor the buffers, and what lies at
 * their addresses by now may be something else. */
static void
uring_close(acio_loop *loop)
{
    struct uring_state *state = loop->backend_state;
    bool child = loop->pid != getpid();
    acioi_ring_close(&state->ring, child);
    if (!child)
        acioi_buffers_close(&state->buffers);
    acioi_free(state->scratch);
    acioi_free(state);
    loop->backend_state = NULL;
}

static int
uring_close_fd(acio_loop *loop, int fd)
{
    (void)loop;
    int result = close(fd);
    return result < 0 && errno != EINTR ? -errno : 0;
}

const struct acioi_backend acioi_backend_uring = {
    .name = "uring",
    .queues = true,
    .open = uring_open,
    .close = uring_close,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .cancel_all = uring_cancel_all,
    .try_send = uring_try_send,
    .deliver = uring_deliver,
    .pending = uring_pending,
    .wait = uring_wait,
    .now = acioi_os_now,
    .socket = acioi_os_socket,
    .bind = acioi_os_bind,
    .listen = acioi_os_listen,
    .shutdown = acioi_os_shutdown,
    .getsockname = acioi_os_getsockname,
    .getpeername = acioi_os_getpeername,
    .getsockopt = acioi_os_getsockopt,
    .setsockopt = acioi_os_setsockopt,
    .recvmmsg = acioi_os_recvmmsg,
    .sendmmsg = acioi_os_sendmmsg,
    .close_fd = uring_close_fd,
};
