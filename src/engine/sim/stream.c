/* SPDX-License-Identifier: MIT */
/* stream.c - bytes on their way, and their end
 *
 * Idea.       A send copies its bytes into a packet that flies to the peer's
 *             inbox. The end of the stream and a reset are times in that same
 *             inbox, so that closing needs no memory and cannot fail:
 *
 *                 send -> flying -> arrived -> receive
 *                         fin_ns -> ended
 *                         reset_ns -> SIM_RESET
 *
 * Order.      What was sent first arrives first: nothing arrives before
 *             `last_ns`, the time of what was sent before it.
 *
 * Pressure.   What flies and what was not taken counts against the receiver's
 *             and the sender's limit; a send that finds no room waits.
 *
 * Reset.      As Linux does it: bytes that arrived stay readable, then one
 *             call says ECONNRESET (EPIPE where the end had come before), then
 *             receives say 0 and sends EPIPE. It is sent by a close with
 *             bytes left unread, by a close with SO_LINGER 0, and by bytes
 *             that come to a closed socket.
 */
#include "sim.h"

#include <errno.h>
#include <string.h>

#include "../../base/alloc.h"

enum { DELIVERIES_PER_PASS = 16 };

static void arrive(struct sim *sim, struct sim_event *event);

/* ---- the inbox ---- */

void
acioi_sim_inbox_init(struct sim_inbox *inbox)
{
    acioi_list_init(&inbox->flying);
    acioi_list_init(&inbox->arrived);
    inbox->fin_ns = inbox->reset_ns = ACIOI_NEVER;
}

static void
free_packets(struct acio_link *packets)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(packets)))
        acioi_free(acioi_container_of(link, struct sim_packet, link));
}

void
acioi_sim_inbox_free(struct sim *sim, struct sim_inbox *inbox)
{
    acioi_sim_unschedule(sim, &inbox->arrival);
    free_packets(&inbox->flying);
    free_packets(&inbox->arrived);
}

static struct sim_packet *
first_packet(const struct acio_link *packets)
{
    struct acio_link *link = acioi_list_first(packets);
    return link ? acioi_container_of(link, struct sim_packet, link) : NULL;
}

/* Schedules the next arrival. */
static void
expect(struct sim *sim, struct sim_inbox *inbox)
{
    int64_t when_ns = inbox->fin_ns < inbox->reset_ns ? inbox->fin_ns
                                                      : inbox->reset_ns;
    struct sim_packet *packet = first_packet(&inbox->flying);
    if (packet && packet->when_ns < when_ns)
        when_ns = packet->when_ns;
    if (when_ns != ACIOI_NEVER)
        acioi_sim_schedule(sim, &inbox->arrival, when_ns, arrive);
}

/* When something arrives that is sent now. */
static int64_t
next_arrival(struct sim *sim, struct sim_inbox *inbox)
{
    int64_t when_ns = acioi_sim_arrival(sim);
    if (when_ns > inbox->last_ns)
        inbox->last_ns = when_ns;
    return inbox->last_ns;
}

static void
be_reset(struct sim_socket *socket)
{
    socket->state = SIM_RESET;
    socket->error = socket->in.ended ? EPIPE : ECONNRESET;
    socket->in.ended = true;
    if (socket->peer)
        socket->peer->peer = NULL;
    socket->peer = NULL;
}

static void
arrive(struct sim *sim, struct sim_event *event)
{
    struct sim_socket *socket = acioi_container_of(event, struct sim_socket,
        in.arrival);
    struct sim_inbox *inbox = &socket->in;
    struct sim_packet *packet;
    while ((packet = first_packet(&inbox->flying)) &&
        packet->when_ns <= sim->now_ns) {
        acioi_list_remove(&packet->link);
        acioi_list_push_back(&inbox->arrived, &packet->link);
        inbox->arrived_bytes += packet->bytes;
    }
    if (inbox->fin_ns <= sim->now_ns) {
        inbox->fin_ns = ACIOI_NEVER;
        inbox->ended = true;
    }
    if (inbox->reset_ns <= sim->now_ns) {
        inbox->reset_ns = ACIOI_NEVER;
        be_reset(socket);
    }
    expect(sim, inbox);
    acioi_sim_socket_changed(sim, socket);
}

/* ---- ends ---- */

static void
send_fin(struct sim *sim, struct sim_socket *to)
{
    to->in.fin_ns = next_arrival(sim, &to->in);
    expect(sim, &to->in);
}

static void
send_reset(struct sim *sim, struct sim_socket *to)
{
    if (to->in.reset_ns != ACIOI_NEVER)
        return;
    to->in.reset_ns = next_arrival(sim, &to->in);
    expect(sim, &to->in);
}

/* Chance, or an option, breaks the connection at both ends. */
static ssize_t
break_connection(struct sim *sim, struct sim_socket *socket)
{
    if (socket->peer)
        send_reset(sim, socket->peer);
    acioi_sim_inbox_free(sim, &socket->in);
    socket->in.bytes = socket->in.arrived_bytes = 0;
    be_reset(socket);
    socket->error = 0; /* the transfer tells it */
    /* others who wait here learn it by an arrival of nothing */
    acioi_sim_schedule(sim, &socket->in.arrival, sim->now_ns, arrive);
    return -ECONNRESET;
}

int
acioi_sim_shutdown(struct sim *sim, struct sim_socket *socket, int how)
{
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (socket->state != SIM_CONNECTED)
        return -ENOTCONN;
    if (how != SHUT_WR)
        socket->receive_shut = true;
    if (how != SHUT_RD && !socket->send_shut) {
        socket->send_shut = true;
        if (socket->peer)
            send_fin(sim, socket->peer);
    }
    acioi_sim_socket_changed(sim, socket);
    return 0;
}

void
acioi_sim_hang_up(struct sim *sim, struct sim_socket *socket)
{
    struct sim_socket *peer = socket->peer;
    if (!peer)
        return;
    socket->peer = NULL;
    peer->peer = NULL;
    bool unread = socket->in.arrived_bytes > 0;
    if (unread || socket->linger_reset) {
        send_reset(sim, peer);
        return;
    }
    if (!socket->send_shut)
        send_fin(sim, peer);
    /* what still flies will meet no socket */
    if (socket->in.bytes > 0)
        send_reset(sim, peer);
}

/* ---- receiving ---- */

bool
acioi_sim_can_receive(const struct sim_socket *socket)
{
    return socket->in.arrived_bytes > 0 || socket->in.ended ||
        socket->receive_shut || socket->error ||
        (socket->state != SIM_CONNECTED && socket->state != SIM_CONNECTING);
}

/* What a receive is told when there are no bytes. */
static ssize_t
receive_nothing(struct sim_socket *socket)
{
    int error = acioi_sim_take_error(socket);
    if (error)
        return -error;
    if (socket->in.ended || socket->receive_shut)
        return 0;
    return socket->state == SIM_CONNECTED ? -EAGAIN : -ENOTCONN;
}

static void
take_bytes(struct sim *sim, struct sim_socket *socket, size_t bytes)
{
    struct sim_inbox *inbox = &socket->in;
    inbox->bytes -= bytes;
    inbox->arrived_bytes -= bytes;
    while (bytes > 0) {
        struct sim_packet *packet = first_packet(&inbox->arrived);
        size_t part = packet->bytes < bytes ? packet->bytes : bytes;
        packet->first += part;
        packet->bytes -= part;
        bytes -= part;
        if (packet->bytes == 0) {
            acioi_list_remove(&packet->link);
            acioi_free(packet);
        }
    }
    if (socket->peer)
        acioi_sim_socket_drained(sim, socket->peer);
}

static void
copy_arrived(const struct sim_inbox *inbox, const struct sim_pieces *pieces,
    size_t bytes)
{
    size_t at = 0;
    struct acio_link *link = inbox->arrived.next;
    for (; at < bytes; link = link->next) {
        const struct sim_packet *packet = acioi_container_of(link,
            struct sim_packet, link);
        size_t part = bytes - at;
        part = packet->bytes < part ? packet->bytes : part;
        acioi_sim_scatter(pieces, at, packet->data + packet->first, part);
        at += part;
    }
}

static ssize_t
receive_pieces(struct sim *sim, struct sim_socket *socket,
    const struct sim_pieces *pieces)
{
    if (socket->state == SIM_CONNECTING)
        return -EAGAIN;
    size_t bytes = socket->in.arrived_bytes;
    if (bytes == 0)
        return receive_nothing(socket);
    if (bytes > pieces->bytes)
        bytes = pieces->bytes;
    if (bytes == 0)
        return 0;
    if (pieces->flags & MSG_PEEK) {
        copy_arrived(&socket->in, pieces, bytes);
        return (ssize_t)bytes;
    }
    ssize_t moved = acioi_sim_transfer(sim, bytes);
    if (moved < 0)
        return break_connection(sim, socket);
    copy_arrived(&socket->in, pieces, (size_t)moved);
    take_bytes(sim, socket, (size_t)moved);
    return moved;
}

ssize_t
acioi_sim_receive(struct sim *sim, struct sim_socket *socket, const acio_op *op)
{
    if (socket->type == SOCK_DGRAM)
        return acioi_sim_receive_datagram(sim, socket, op);
    struct sim_pieces pieces;
    acioi_sim_find_pieces(&pieces, op);
    ssize_t result = receive_pieces(sim, socket, &pieces);
    if (result >= 0 && op->kind == ACIO_OP_RECVMSG) {
        op->u.msg.header->msg_namelen = 0;
        op->u.msg.header->msg_controllen = 0;
        op->u.msg.header->msg_flags = 0;
    }
    return result;
}

/* One piece of what has arrived; 0: nothing to deliver; -ECONNRESET. The
 * callback gets a copy: whatever it does to the socket, its bytes stay. */
static ssize_t
deliver_piece(struct sim *sim, struct sim_socket *socket, acio_op *op)
{
    struct sim_packet *packet = first_packet(&socket->in.arrived);
    if (!packet)
        return 0;
    size_t bytes = packet->bytes;
    if (bytes > sizeof sim->delivery)
        bytes = sizeof sim->delivery;
    ssize_t moved = acioi_sim_transfer(sim, bytes);
    if (moved < 0)
        return break_connection(sim, socket);
    memcpy(sim->delivery, packet->data + packet->first, (size_t)moved);
    take_bytes(sim, socket, (size_t)moved);
    sim->stats.deliveries++;
    acioi_sim_note(sim, op, moved);
    acioi_op_deliver(op, sim->delivery, (size_t)moved);
    return moved;
}

/* The callback may have cancelled the op: it is looked at anew each time. */
void
acioi_sim_deliver(acio_loop *loop, acio_op *op)
{
    struct sim *sim = acioi_sim_of(loop);
    for (int i = 0; i < DELIVERIES_PER_PASS; i++) {
        struct sim_request *request = acioi_sim_request(op);
        struct sim_socket *socket = acioi_sim_socket(sim, op->fd);
        if (!request || request->decided)
            return;
        if (!socket) {
            acioi_sim_deliver_outside(sim, request);
            return;
        }
        ssize_t result = deliver_piece(sim, socket, op);
        if (result > 0)
            continue;
        if (result == 0)
            result = receive_nothing(socket);
        if (result != -EAGAIN) {
            acioi_sim_finish(sim, request, result);
            acioi_sim_socket_changed(sim, socket);
        }
        return;
    }
    if (acioi_sim_request(op))
        acioi_op_notify(op);
}

/* ---- sending ---- */

static size_t
send_room(const struct sim_socket *socket)
{
    const struct sim_socket *peer = socket->peer;
    size_t limit = peer->receive_limit < socket->send_limit
        ? peer->receive_limit
        : socket->send_limit;
    return peer->in.bytes < limit ? limit - peer->in.bytes : 0;
}

bool
acioi_sim_can_send(const struct sim_socket *socket)
{
    return socket->state != SIM_CONNECTED || socket->send_shut ||
        !socket->peer || send_room(socket) > 0;
}

static int
fly(struct sim *sim, struct sim_socket *to, const struct sim_pieces *pieces,
    size_t bytes)
{
    struct sim_packet *packet = acioi_alloc_raw(sizeof *packet + bytes);
    if (!packet)
        return -ENOBUFS;
    memset(packet, 0, sizeof *packet);
    packet->bytes = bytes;
    acioi_sim_gather(pieces, packet->data, bytes);
    packet->when_ns = next_arrival(sim, &to->in);
    acioi_list_push_back(&to->in.flying, &packet->link);
    to->in.bytes += bytes;
    expect(sim, &to->in);
    return 0;
}

/* The peer is closed: Unix sockets know, TCP learns it by sending. */
static ssize_t
send_into_the_void(struct sim *sim, struct sim_socket *socket,
    const struct sim_pieces *pieces)
{
    if (socket->family == AF_UNIX)
        return -EPIPE;
    send_reset(sim, socket);
    return (ssize_t)pieces->bytes;
}

/* Why nothing can be sent; 0: something can. */
static int
send_error(struct sim_socket *socket)
{
    if (socket->state == SIM_CONNECTING)
        return -EAGAIN;
    int error = acioi_sim_take_error(socket);
    if (error)
        return -error;
    if (socket->state == SIM_RESET || socket->send_shut)
        return -EPIPE;
    if (socket->state == SIM_CONNECTED)
        return 0;
    return socket->family == AF_UNIX ? -ENOTCONN : -EPIPE;
}

static ssize_t
send_pieces(struct sim *sim, struct sim_socket *socket,
    const struct sim_pieces *pieces)
{
    int err = send_error(socket);
    if (err < 0)
        return err;
    if (!socket->peer)
        return send_into_the_void(sim, socket, pieces);
    size_t room = send_room(socket);
    if (pieces->bytes == 0)
        return 0;
    if (room == 0)
        return -EAGAIN;
    if (acioi_sim_chance(sim, sim->options.no_buffers, &sim->stats.no_buffers))
        return -ENOBUFS;
    ssize_t moved = acioi_sim_transfer(sim,
        room < pieces->bytes ? room : pieces->bytes);
    if (moved < 0)
        return break_connection(sim, socket);
    err = fly(sim, socket->peer, pieces, (size_t)moved);
    return err < 0 ? err : moved;
}

ssize_t
acioi_sim_send(struct sim *sim, struct sim_socket *socket, const acio_op *op)
{
    if (socket->type == SOCK_DGRAM)
        return acioi_sim_send_datagram(sim, socket, op);
    if (op->kind == ACIO_OP_SENDMSG && op->u.msg.header->msg_controllen > 0)
        return -EOPNOTSUPP;
    struct sim_pieces pieces;
    acioi_sim_find_pieces(&pieces, op);
    return send_pieces(sim, socket, &pieces);
}
