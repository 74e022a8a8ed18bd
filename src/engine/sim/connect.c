/* SPDX-License-Identifier: MIT */
/* connect.c - connections: connect, listen, accept
 *
 * Idea.       A handshake is two events. When the first arrives, the listener
 *             is looked for and gets a new socket into its backlog; when the
 *             answer arrives, the connecting socket is connected:
 *
 *                 connect --SYN--> listener: backlog += new socket
 *                 connected <-----/           accept takes it out
 *
 * Full.       A listener with a full backlog does not answer; the connect is
 *             tried again after 1, 2, 4 ... seconds, as TCP does, and ends
 *             with -ETIMEDOUT.
 *
 * Cancel.     A connect that is cancelled goes on without its op, as on a
 *             non-blocking socket; closing the socket ends it.
 */
#include "sim.h"

#include <errno.h>

enum { TRIES = 7 };

/* ---- connect ---- */

static void
connected(struct sim *sim, struct sim_event *event)
{
    struct sim_socket *socket = acioi_container_of(event, struct sim_socket,
        handshake);
    socket->state = SIM_CONNECTED;
    acioi_sim_socket_changed(sim, socket);
}

static void
failed(struct sim *sim, struct sim_event *event)
{
    struct sim_socket *socket = acioi_container_of(event, struct sim_socket,
        handshake);
    socket->state = SIM_FRESH;
    socket->remote.length = 0;
    socket->error = socket->handshake_error;
    acioi_sim_socket_changed(sim, socket);
}

static void
fail(struct sim *sim, struct sim_socket *socket, int error)
{
    socket->handshake_error = error;
    acioi_sim_schedule(sim, &socket->handshake, acioi_sim_arrival(sim), failed);
}

static void
make_connection(struct sim *sim, struct sim_socket *socket,
    struct sim_socket *listener)
{
    struct sim_socket *other = acioi_sim_socket_new(sim, listener->family,
        listener->type, listener->protocol);
    if (!other) {
        fail(sim, socket, ENOBUFS);
        return;
    }
    other->state = SIM_CONNECTED;
    other->local = acioi_sim_name_for(listener->family, &socket->remote);
    other->remote = acioi_sim_name_for(listener->family, &socket->local);
    other->receive_limit = listener->receive_limit;
    other->send_limit = listener->send_limit;
    other->peer = socket;
    socket->peer = other;
    /* nothing of the other side may come before its answer */
    socket->in.last_ns = acioi_sim_arrival(sim);
    acioi_sim_schedule(sim, &socket->handshake, socket->in.last_ns, connected);
    sim->stats.connections++;
    acioi_list_push_back(&listener->backlog, &other->pending);
    listener->backlog_count++;
    acioi_sim_socket_changed(sim, listener);
}

static void knock(struct sim *sim, struct sim_event *event);

/* The listener did not answer. */
static void
knock_again(struct sim *sim, struct sim_socket *socket)
{
    int64_t pause_ns = ACIOI_SECOND_NS << socket->handshake_tries;
    socket->handshake_tries++;
    if (socket->handshake_tries < TRIES) {
        acioi_sim_schedule(sim, &socket->handshake, sim->now_ns + pause_ns,
            knock);
        return;
    }
    socket->handshake_error = ETIMEDOUT;
    acioi_sim_schedule(sim, &socket->handshake, sim->now_ns + pause_ns, failed);
}

static void
knock(struct sim *sim, struct sim_event *event)
{
    struct sim_socket *socket = acioi_container_of(event, struct sim_socket,
        handshake);
    int error;
    struct sim_socket *listener = acioi_sim_find_listener(sim, socket, &error);
    if (!listener)
        fail(sim, socket, error);
    else if (listener->backlog_count > listener->backlog_limit)
        knock_again(sim, socket);
    else if (acioi_sim_chance(sim, sim->options.refusals, &sim->stats.refusals))
        fail(sim, socket, ECONNREFUSED);
    else
        make_connection(sim, socket, listener);
}

ssize_t
acioi_sim_start_connect(struct sim *sim, struct sim_socket *socket,
    const acio_op *op)
{
    if (socket->type == SOCK_DGRAM)
        return acioi_sim_connect_datagram(sim, socket, op);
    if (socket->state == SIM_CONNECTING)
        return -EALREADY;
    if (socket->state != SIM_FRESH)
        return -EISCONN;
    struct sim_name to;
    int err = acioi_sim_name_read(&to, socket->family, op->u.connect.address,
        op->u.connect.length);
    if (err == 0)
        err = acioi_sim_bind_any(sim, socket, &to);
    if (err < 0)
        return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
    socket->remote = to;
    socket->state = SIM_CONNECTING;
    socket->error = 0;
    socket->handshake_tries = 0;
    acioi_sim_schedule(sim, &socket->handshake, acioi_sim_arrival(sim), knock);
    return -EINPROGRESS;
}

/* How a connect that waits has ended. */
ssize_t
acioi_sim_connect(struct sim_socket *socket)
{
    if (socket->state == SIM_CONNECTING)
        return -EAGAIN;
    if (socket->state == SIM_CONNECTED)
        return 0;
    int error = acioi_sim_take_error(socket);
    return error ? -error : -ECONNABORTED;
}

/* ---- listen and accept ---- */

int
acioi_sim_listen(struct sim *sim, struct sim_socket *socket, int backlog)
{
    if (socket->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (socket->state != SIM_FRESH && socket->state != SIM_LISTENING)
        return -EINVAL;
    if (socket->family == AF_UNIX && socket->local.length == 0)
        return -EINVAL;
    int err = acioi_sim_bind_any(sim, socket, NULL);
    if (err < 0)
        return err;
    socket->state = SIM_LISTENING;
    socket->backlog_limit = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN
                                                               : backlog;
    return 0;
}

/* The fd of the connection that came first; it stays in the backlog where
 * there is no memory for its fd. */
static ssize_t
accept_first(struct sim *sim, struct sim_socket *socket,
    struct sim_socket **out)
{
    if (socket->state != SIM_LISTENING)
        return -EINVAL;
    struct acio_link *link = acioi_list_first(&socket->backlog);
    if (!link)
        return -EAGAIN;
    *out = acioi_container_of(link, struct sim_socket, pending);
    int fd = acioi_sim_socket_open(sim, *out);
    if (fd < 0)
        return fd;
    acioi_list_remove(&(*out)->pending);
    socket->backlog_count--;
    return fd;
}

ssize_t
acioi_sim_accept(struct sim *sim, struct sim_socket *socket, const acio_op *op)
{
    struct sim_socket *other;
    ssize_t fd = accept_first(sim, socket, &other);
    if (fd >= 0 && op->u.accept.address)
        acioi_sim_name_write(&other->remote, other->family,
            op->u.accept.address, op->u.accept.length);
    return fd;
}

/* Nobody tells when the op has room again: the listener is looked at in each
 * wait until its backlog is empty. */
ssize_t
acioi_sim_accept_many(struct sim *sim, struct sim_socket *socket, acio_op *op)
{
    struct sim_socket *other;
    while (acioi_op_has_room(op)) {
        ssize_t fd = accept_first(sim, socket, &other);
        if (fd < 0)
            return fd;
        acioi_sim_note(sim, op, fd);
        acioi_op_push_fd(op, (int)fd);
    }
    if (!acioi_linked(&socket->starved))
        acioi_list_push_back(&sim->starved, &socket->starved);
    return -EAGAIN;
}

void
acioi_sim_close_backlog(struct sim *sim, struct sim_socket *socket)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&socket->backlog))) {
        struct sim_socket *other = acioi_container_of(link, struct sim_socket,
            pending);
        other->linger_reset = true;
        acioi_sim_socket_close(sim, other);
    }
    socket->backlog_count = 0;
}
