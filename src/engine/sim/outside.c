/* SPDX-License-Identifier: MIT */
/* outside.c - operations on the real world
 *
 * Idea.       What never waits long (files, users' functions) is performed by
 *             the loop's own thread at its virtual time: no thread, no chance
 *             but the seed's. What waits for others (pipes, terminals,
 *             children, sockets from elsewhere) is really waited for, with
 *             poll(2), and meanwhile the clock runs as fast as the real one.
 *
 * Invariant.  `polled` has room for every request in `outside` and for the
 *             eventfd, so that the wait allocates nothing.
 */
#include "sim.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "../../base/alloc.h"

/* ---- files and functions ---- */

/* How many a transfer asks for; NULL: it is none. */
static size_t *
bytes_to_move(acio_op *op)
{
    if (op->kind == ACIO_OP_READ || op->kind == ACIO_OP_WRITE)
        return &op->u.buf.bytes;
    return op->kind == ACIO_OP_SENDFILE ? &op->u.sendfile.bytes : NULL;
}

/* As in a thread of its own, where no loop runs. */
static ssize_t
perform_work(acio_op *op)
{
    acio_loop *loop = acioi_running_loop;
    acioi_running_loop = NULL;
    ssize_t result = acioi_op_perform(op);
    acioi_running_loop = loop;
    return result;
}

/* Reads and writes are transfers: they can be short. */
static ssize_t
perform(struct sim *sim, acio_op *op, ssize_t (*call)(acio_op *))
{
    if (op->kind == ACIO_OP_WORK)
        return perform_work(op);
    size_t *bytes = bytes_to_move(op);
    if (!bytes || *bytes == 0)
        return call(op);
    size_t asked = *bytes;
    ssize_t allowed = acioi_sim_transfer(sim, asked);
    if (allowed < 0)
        return -EIO;
    *bytes = (size_t)allowed;
    ssize_t result = call(op);
    *bytes = asked;
    return result;
}

static void
perform_event(struct sim *sim, struct sim_event *event)
{
    struct sim_request *request = acioi_container_of(event, struct sim_request,
        event);
    acioi_sim_finish_now(sim, request,
        perform(sim, acioi_sim_op(request), acioi_op_perform));
}

static void
perform_later(struct sim *sim, struct sim_request *request)
{
    int64_t late_ns = acioi_sim_late(sim, sim->options.late, &sim->stats.late);
    acioi_sim_schedule(sim, &request->event, acioi_sim_arrival(sim) + late_ns,
        perform_event);
}

/* ---- what really waits ---- */

static short
events_of(const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_POLL:
        return (short)op->u.poll.events;
    case ACIO_OP_SEND:
    case ACIO_OP_SENDMSG:
    case ACIO_OP_WRITE:
    case ACIO_OP_CONNECT:
    case ACIO_OP_SENDFILE:
        return POLLOUT;
    default:
        return POLLIN;
    }
}

static void
park_outside(struct sim *sim, struct sim_request *request)
{
    const acio_op *op = acioi_sim_op(request);
    if (op->fd < 0) {
        acioi_sim_finish_now(sim, request, -EBADF); /* poll(2) skips it */
        return;
    }
    if (sim->outside_count + 1 == sim->polled_room) {
        size_t room = sim->polled_room * 2;
        struct pollfd *polled = acioi_realloc(sim->polled,
            room * sizeof *polled);
        if (!polled) {
            acioi_sim_finish_now(sim, request, -ENOMEM);
            return;
        }
        sim->polled = polled;
        sim->polled_room = room;
    }
    acioi_list_push_back(&sim->outside, &request->queue);
    request->outside = true;
    sim->outside_count++;
}

static bool
is_file(const acio_op *op)
{
    struct stat st;
    return fstat(op->fd, &st) < 0 || S_ISREG(st.st_mode) ||
        S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode);
}

static void
start_connect(struct sim *sim, struct sim_request *request)
{
    ssize_t result = acioi_op_perform(acioi_sim_op(request));
    if (result == -EINPROGRESS)
        park_outside(sim, request);
    else
        acioi_sim_finish_now(sim, request, result);
}

void
acioi_sim_submit_outside(struct sim *sim, struct sim_request *request)
{
    acio_op *op = acioi_sim_op(request);
    switch (op->kind) {
    case ACIO_OP_CONNECT:
        start_connect(sim, request);
        return;
    case ACIO_OP_READ:
    case ACIO_OP_WRITE:
        if (is_file(op))
            perform_later(sim, request);
        else
            park_outside(sim, request);
        return;
    case ACIO_OP_OPEN:
    case ACIO_OP_CLOSE:
    case ACIO_OP_FSYNC:
    case ACIO_OP_FDATASYNC:
    case ACIO_OP_STATX:
    case ACIO_OP_TRUNCATE:
    case ACIO_OP_RENAME:
    case ACIO_OP_UNLINK:
    case ACIO_OP_MKDIR:
    case ACIO_OP_WORK:
        perform_later(sim, request);
        return;
    default:
        park_outside(sim, request);
        return;
    }
}

static nfds_t
fill_polled(struct sim *sim)
{
    nfds_t count = 1;
    int wake_fd = sim->wake_parked ? sim->loop->wake.fd : -1;
    sim->polled[0] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
    struct acio_link *link = sim->outside.next;
    for (; link != &sim->outside; link = link->next) {
        const acio_op *op = acioi_sim_op(
            acioi_container_of(link, struct sim_request, queue));
        sim->polled[count++] = (struct pollfd){ .fd = op->fd,
            .events = events_of(op) };
    }
    return count;
}

static ssize_t
connect_result(const acio_op *op)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

static ssize_t
accept_while_room(acio_op *op)
{
    while (acioi_op_has_room(op)) {
        ssize_t fd = acioi_op_perform(op);
        if (fd < 0)
            return fd;
        acioi_op_push_fd(op, (int)fd);
    }
    return -EAGAIN;
}

static ssize_t
perform_ready(struct sim *sim, acio_op *op, short revents)
{
    if (revents & POLLNVAL)
        return -EBADF;
    switch (op->kind) {
    case ACIO_OP_POLL:
    case ACIO_OP_WAIT_CHILD:
        return revents;
    case ACIO_OP_CONNECT:
        return connect_result(op);
    case ACIO_OP_ACCEPT_MANY:
        return accept_while_room(op);
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY: /* receives from the ready queue */
        acioi_op_notify(op);
        return -EAGAIN;
    default:
        return perform(sim, op, acioi_op_perform_ready);
    }
}

/* The callback may have cancelled the op: nothing is done after it. */
void
acioi_sim_deliver_outside(struct sim *sim, struct sim_request *request)
{
    acio_op *op = acioi_sim_op(request);
    ssize_t result = acioi_sim_transfer(sim, sizeof sim->delivery);
    if (result > 0)
        result = acioi_op_receive(op, sim->delivery, (size_t)result);
    if (result > 0) {
        sim->stats.deliveries++;
        acioi_op_deliver(op, sim->delivery, (size_t)result);
    } else if (result != -EAGAIN) {
        acioi_sim_finish_now(sim, request, result);
    }
}

static void
finish_ready(struct sim *sim)
{
    const struct pollfd *polled = sim->polled;
    struct acio_link *link = sim->outside.next;
    while (link != &sim->outside) {
        struct sim_request *request = acioi_container_of(link,
            struct sim_request, queue);
        link = link->next;
        polled++;
        if (!polled->revents)
            continue;
        ssize_t result = perform_ready(sim, acioi_sim_op(request),
            polled->revents);
        if (result != -EAGAIN)
            acioi_sim_finish_now(sim, request, result);
    }
}

static void
read_wake_up(struct sim *sim)
{
    acio_op *op = &sim->loop->wake.read;
    sim->wake_parked = false;
    acioi_op_complete(op, acioi_op_perform(op));
}

static int
poll_until(struct sim *sim, nfds_t count, int64_t timeout_ns)
{
    struct timespec timeout = { timeout_ns / ACIOI_SECOND_NS,
        timeout_ns % ACIOI_SECOND_NS };
    int n = ppoll(sim->polled, count,
        timeout_ns == ACIOI_NEVER ? NULL : &timeout, NULL);
    return n < 0 ? -errno : n;
}

int
acioi_sim_wait_outside(struct sim *sim, int64_t timeout_ns)
{
    nfds_t count = fill_polled(sim);
    int64_t began_ns = acioi_clock_ns();
    int n = poll_until(sim, count, timeout_ns);
    if (n < 0 && n != -EINTR)
        return n;
    int64_t passed_ns = acioi_clock_ns() - began_ns;
    if (n == 0 || passed_ns > timeout_ns)
        passed_ns = timeout_ns;
    if (sim->outside_count > 0)
        sim->now_ns += passed_ns;
    if (n <= 0)
        return 0;
    finish_ready(sim);
    if (sim->polled[0].revents)
        read_wake_up(sim);
    return 0;
}
