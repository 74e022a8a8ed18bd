/* SPDX-License-Identifier: MIT */
/* datagram.c - datagrams on their way, lost, doubled, refused
 *
 * Idea.       A datagram flies by itself, with the names of both ends; whom it
 *             is for is found when it arrives. It may be lost, arrive twice,
 *             or be held up so that others overtake it:
 *
 *                 send -> flying -> arrived -> receive
 *                            |          `--> dropped: no room
 *                            `--> nobody: a refusal flies back
 *
 * Order.      What a socket sent first arrives first, unless chance holds it
 *             up.
 *
 * Pressure.   What flies counts against the sender's buffer, and a send that
 *             finds no room waits. The receiver's buffer stops nobody: what
 *             has no room in it is dropped and counted. Unix datagrams are
 *             never lost: there the sender waits for the receiver.
 *
 * Refused.    A connected socket is told by its next call, and any other that
 *             has asked (IP_RECVERR) by that and in its error queue.
 */
#include "sim.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>

#include "../../base/alloc.h"

enum { LARGEST = 65507, MOST_ERRORS = 64 };

/* ---- making and freeing ---- */

static void
free_all(struct sim *sim, struct acio_link *list)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(list))) {
        struct sim_datagram *datagram = acioi_container_of(link,
            struct sim_datagram, link);
        acioi_sim_unschedule(sim, &datagram->event);
        acioi_free(datagram);
    }
}

void
acioi_sim_free_datagrams(struct sim *sim)
{
    free_all(sim, &sim->datagrams);
}

void
acioi_sim_wake_unix_senders(struct sim *sim)
{
    for (int i = 0; i < sim->socket_count; i++) {
        struct sim_socket *socket = sim->sockets[i];
        if (socket && socket->family == AF_UNIX && socket->type == SOCK_DGRAM)
            acioi_sim_socket_drained(sim, socket);
    }
}

void
acioi_sim_forget_datagrams(struct sim *sim, struct sim_socket *socket)
{
    struct acio_link *link = sim->datagrams.next;
    for (; link != &sim->datagrams; link = link->next) {
        struct sim_datagram *datagram = acioi_container_of(link,
            struct sim_datagram, link);
        if (datagram->sender == socket)
            datagram->sender = NULL;
        if (datagram->receiver == socket)
            datagram->receiver = NULL;
    }
    free_all(sim, &socket->datagrams);
    free_all(sim, &socket->errors);
    while ((link = acioi_list_pop_front(&socket->groups)))
        acioi_free(acioi_container_of(link, struct sim_group, link));
}

static struct sim_datagram *
make(const struct sim_datagram *like, size_t bytes)
{
    struct sim_datagram *datagram = acioi_alloc_raw(sizeof *datagram + bytes);
    if (!datagram)
        return NULL;
    memset(datagram, 0, sizeof *datagram);
    datagram->from = like->from;
    datagram->to = like->to;
    datagram->no_loop = like->no_loop;
    datagram->bytes = bytes;
    return datagram;
}

/* ---- arriving ---- */

static void
enqueue(struct sim *sim, struct sim_socket *socket,
    struct sim_datagram *datagram)
{
    sim->stats.datagrams++;
    datagram->sender = NULL;
    acioi_list_remove(&datagram->link);
    acioi_list_push_back(&socket->datagrams, &datagram->link);
    socket->arrived_bytes += datagram->bytes;
    acioi_sim_socket_changed(sim, socket);
}

static void
drop(struct sim *sim, struct sim_socket *socket)
{
    sim->stats.datagrams++;
    sim->stats.drops++;
    socket->drops++;
}

/* An empty inbox takes any datagram. */
static bool
has_room(const struct sim_socket *socket, size_t bytes)
{
    return acioi_list_empty(&socket->datagrams) ||
        socket->arrived_bytes + bytes <= socket->receive_limit;
}

static bool
is_member(const struct sim_socket *socket, const struct sim_name *to)
{
    const struct acio_link *link = socket->groups.next;
    for (; link != &socket->groups; link = link->next) {
        struct sim_name group =
            acioi_container_of(link, struct sim_group, link)->name;
        if (group.as.any.sa_family == AF_INET)
            group.as.in.sin_port = htons((uint16_t)acioi_sim_port(to));
        else
            group.as.in6.sin6_port = htons((uint16_t)acioi_sim_port(to));
        if (acioi_sim_same_name(&group, to))
            return true;
    }
    return false;
}

/* A broadcast is for whom it would be as a datagram to one's own address. */
static bool
is_for(const struct sim_socket *socket, const struct sim_datagram *datagram)
{
    const struct sim_name *to = &datagram->to;
    if (socket->type != SOCK_DGRAM || !acioi_sim_covers(socket, to))
        return false;
    if (socket->state == SIM_CONNECTED &&
        !acioi_sim_same_name(&socket->remote, &datagram->from))
        return false;
    return acioi_sim_is_broadcast(to) || is_member(socket, to);
}

/* To a group, or to everybody: each gets a copy. Whoever gets one may change
 * anything but the list, which only closing and binding do. */
static void
arrive_at_many(struct sim *sim, const struct sim_datagram *datagram)
{
    struct acio_link *names = acioi_sim_neighbours(sim, &datagram->to);
    struct acio_link *link = names->next;
    for (; link != names && !datagram->no_loop; link = link->next) {
        struct sim_socket *socket = acioi_container_of(link, struct sim_socket,
            named);
        if (!is_for(socket, datagram))
            continue;
        struct sim_datagram *copy = has_room(socket, datagram->bytes)
            ? make(datagram, datagram->bytes)
            : NULL;
        if (!copy) {
            drop(sim, socket);
            continue;
        }
        memcpy(copy->data, datagram->data, datagram->bytes);
        enqueue(sim, socket, copy);
    }
}

/* A refusal has come back. */
static void
be_refused(struct sim *sim, struct sim_event *event)
{
    struct sim_datagram *datagram = acioi_container_of(event,
        struct sim_datagram, event);
    struct sim_socket *socket = datagram->sender;
    acioi_list_remove(&datagram->link);
    bool asked = socket && socket->report_errors;
    bool connected = socket && socket->state == SIM_CONNECTED &&
        acioi_sim_same_name(&socket->remote, &datagram->to);
    if (asked || connected)
        socket->error = ECONNREFUSED;
    if (asked && socket->error_count < MOST_ERRORS) {
        acioi_list_push_back(&socket->errors, &datagram->link);
        socket->error_count++;
    } else {
        acioi_free(datagram);
    }
    if (asked || connected)
        acioi_sim_socket_changed(sim, socket);
}

static void
arrive_at_one(struct sim *sim, struct sim_datagram *datagram)
{
    struct sim_socket *socket = datagram->receiver;
    bool is_unix = datagram->to.as.any.sa_family == AF_UNIX;
    if (is_unix && socket)
        socket->expected_bytes -= datagram->bytes;
    if (!is_unix)
        socket = acioi_sim_find_receiver(sim, &datagram->to, &datagram->from);
    datagram->receiver = NULL;
    if (socket && (is_unix || has_room(socket, datagram->bytes))) {
        enqueue(sim, socket, datagram);
    } else if (!socket && !is_unix && datagram->sender) {
        acioi_sim_schedule(sim, &datagram->event, acioi_sim_arrival(sim),
            be_refused);
    } else {
        if (socket)
            drop(sim, socket);
        acioi_list_remove(&datagram->link);
        acioi_free(datagram);
    }
}

static void
arrive(struct sim *sim, struct sim_event *event)
{
    struct sim_datagram *datagram = acioi_container_of(event,
        struct sim_datagram, event);
    struct sim_socket *sender = datagram->sender;
    if (sender)
        sender->flying_bytes -= datagram->bytes;
    if (acioi_sim_is_multicast(&datagram->to) ||
        acioi_sim_is_broadcast(&datagram->to)) {
        arrive_at_many(sim, datagram);
        acioi_list_remove(&datagram->link);
        acioi_free(datagram);
    } else {
        arrive_at_one(sim, datagram);
    }
    if (sender)
        acioi_sim_socket_drained(sim, sender);
}

/* ---- sending ---- */

static int
read_name(const struct sim_socket *socket, const struct msghdr *header,
    struct sim_name *to)
{
    const struct sockaddr *address = header->msg_name;
    if (!address && socket->state != SIM_CONNECTED)
        return socket->family == AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
    if (!address) {
        *to = socket->remote;
        return 0;
    }
    int family = socket->family;
    bool in4 = family == AF_INET6 && !socket->v6_only &&
        header->msg_namelen >= sizeof address->sa_family &&
        address->sa_family == AF_INET;
    int err = acioi_sim_name_read(to, in4 ? AF_INET : family, address,
        header->msg_namelen);
    if (err == 0 && family != AF_UNIX && acioi_sim_port(to) == 0)
        err = -EINVAL;
    if (err == 0 && family != AF_UNIX)
        *to = acioi_sim_name_for(family, to);
    return err;
}

static bool
is_full(const struct sim_socket *receiver)
{
    return receiver->arrived_bytes + receiver->expected_bytes >=
        receiver->receive_limit;
}

static int
find_unix_receiver(struct sim *sim, struct sim_datagram *datagram)
{
    struct sim_socket *receiver = acioi_sim_find_receiver(sim, &datagram->to,
        &datagram->from);
    if (!receiver)
        return datagram->to.as.un.sun_path[0] ? -ENOENT : -ECONNREFUSED;
    if (is_full(receiver))
        return -EAGAIN;
    datagram->receiver = receiver;
    return 0;
}

/* Whether it can leave now: 0, or why not. */
static int
check_way(struct sim *sim, struct sim_socket *socket,
    struct sim_datagram *datagram, size_t bytes)
{
    int error = acioi_sim_take_error(socket);
    if (error)
        return -error;
    if (acioi_sim_is_broadcast(&datagram->to) && !socket->broadcast)
        return -EACCES;
    bool is_unix = socket->family == AF_UNIX;
    if (bytes > (is_unix ? socket->send_limit : LARGEST))
        return -EMSGSIZE;
    if (socket->flying_bytes >= socket->send_limit)
        return -EAGAIN;
    if (is_unix)
        return find_unix_receiver(sim, datagram);
    return acioi_sim_bind_any(sim, socket, NULL);
}

static int64_t
arrival_of(struct sim *sim, struct sim_socket *socket)
{
    int64_t when_ns = acioi_sim_arrival(sim);
    if (when_ns > socket->sent_ns)
        socket->sent_ns = when_ns;
    when_ns = socket->sent_ns;
    if (socket->family != AF_UNIX)
        when_ns += acioi_sim_late(sim, sim->options.reorders,
            &sim->stats.reorders);
    return when_ns;
}

static int
fly(struct sim *sim, struct sim_socket *socket, const struct sim_datagram *like,
    const struct sim_pieces *pieces)
{
    struct sim_datagram *datagram = make(like, pieces->bytes);
    if (!datagram)
        return -ENOBUFS;
    acioi_sim_gather(pieces, datagram->data, pieces->bytes);
    datagram->sender = socket;
    datagram->receiver = like->receiver;
    socket->flying_bytes += pieces->bytes;
    if (like->receiver)
        like->receiver->expected_bytes += pieces->bytes;
    acioi_list_push_back(&sim->datagrams, &datagram->link);
    acioi_sim_schedule(sim, &datagram->event, arrival_of(sim, socket), arrive);
    return 0;
}

static ssize_t
send_message(struct sim *sim, struct sim_socket *socket,
    const struct msghdr *header, const struct sim_pieces *pieces)
{
    struct acio_sim_stats *stats = &sim->stats;
    const struct acio_sim_options *options = &sim->options;
    struct sim_datagram like = { .from = socket->local,
        .no_loop = socket->no_multicast_loop };
    if (header->msg_controllen > 0)
        return -EOPNOTSUPP;
    if (socket->send_shut)
        return -EPIPE;
    int err = read_name(socket, header, &like.to);
    if (err == 0)
        err = check_way(sim, socket, &like, pieces->bytes);
    if (err < 0)
        return err;
    if (acioi_sim_chance(sim, options->no_buffers, &stats->no_buffers))
        return -ENOBUFS;
    like.from = acioi_sim_name_towards(socket, &like.to);
    bool is_unix = socket->family == AF_UNIX;
    if (!is_unix && acioi_sim_chance(sim, options->losses, &stats->losses))
        return (ssize_t)pieces->bytes;
    err = fly(sim, socket, &like, pieces);
    if (err == 0 && !is_unix &&
        acioi_sim_chance(sim, options->duplicates, &stats->duplicates))
        (void)fly(sim, socket, &like, pieces);
    return err < 0 ? err : (ssize_t)pieces->bytes;
}

ssize_t
acioi_sim_send_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op)
{
    const struct msghdr nobody = { 0 };
    struct sim_pieces pieces;
    acioi_sim_find_pieces(&pieces, op);
    return send_message(sim, socket,
        op->kind == ACIO_OP_SENDMSG ? op->u.msg.header : &nobody, &pieces);
}

/* ---- receiving ---- */

static void
write_from(const struct sim_socket *socket, const struct sim_name *from,
    struct msghdr *header)
{
    struct sim_name name = acioi_sim_name_for(socket->family, from);
    if (from->length == 0)
        header->msg_namelen = 0; /* a Unix socket without a name */
    else
        acioi_sim_name_write(&name, socket->family, header->msg_name,
            &header->msg_namelen);
}

static void
write_error(const struct sim_socket *socket, struct msghdr *header)
{
    const struct sock_extended_err error = { .ee_errno = ECONNREFUSED,
        .ee_origin = SO_EE_ORIGIN_ICMP };
    bool in6 = socket->family == AF_INET6;
    struct cmsghdr *at = CMSG_FIRSTHDR(header);
    size_t bytes = CMSG_SPACE(sizeof error);
    if (!at || header->msg_controllen < bytes) {
        header->msg_controllen = 0;
        return;
    }
    at->cmsg_level = in6 ? IPPROTO_IPV6 : IPPROTO_IP;
    at->cmsg_type = in6 ? IPV6_RECVERR : IP_RECVERR;
    at->cmsg_len = CMSG_LEN(sizeof error);
    memcpy(CMSG_DATA(at), &error, sizeof error);
    header->msg_controllen = bytes;
}

/* As in Linux the next of the queue is then what the next call meets. */
static ssize_t
take_error(struct sim_socket *socket, struct msghdr *header)
{
    struct acio_link *link = acioi_list_pop_front(&socket->errors);
    if (!link)
        return -EAGAIN;
    struct sim_datagram *datagram = acioi_container_of(link,
        struct sim_datagram, link);
    socket->error_count--;
    socket->error = socket->error_count > 0 ? ECONNREFUSED : 0;
    write_from(socket, &datagram->to, header);
    write_error(socket, header);
    header->msg_flags = MSG_ERRQUEUE;
    acioi_free(datagram);
    return 0;
}

static void
remove_first(struct sim *sim, struct sim_socket *socket,
    struct sim_datagram *datagram)
{
    acioi_list_remove(&datagram->link);
    socket->arrived_bytes -= datagram->bytes;
    acioi_free(datagram);
    if (socket->family == AF_UNIX)
        acioi_sim_wake_unix_senders(sim);
}

static ssize_t
receive_message(struct sim *sim, struct sim_socket *socket,
    struct msghdr *header, const struct sim_pieces *pieces)
{
    if (pieces->flags & MSG_ERRQUEUE)
        return take_error(socket, header);
    int error = acioi_sim_take_error(socket);
    if (error)
        return -error;
    struct acio_link *link = acioi_list_first(&socket->datagrams);
    if (!link)
        return socket->receive_shut ? 0 : -EAGAIN;
    struct sim_datagram *datagram = acioi_container_of(link,
        struct sim_datagram, link);
    size_t whole = datagram->bytes;
    size_t part = whole < pieces->bytes ? whole : pieces->bytes;
    acioi_sim_scatter(pieces, 0, datagram->data, part);
    write_from(socket, &datagram->from, header);
    header->msg_controllen = 0;
    header->msg_flags = part < whole ? MSG_TRUNC : 0;
    if (!(pieces->flags & MSG_PEEK))
        remove_first(sim, socket, datagram);
    return (ssize_t)(pieces->flags & MSG_TRUNC ? whole : part);
}

ssize_t
acioi_sim_receive_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op)
{
    struct msghdr nobody = { 0 };
    struct sim_pieces pieces;
    acioi_sim_find_pieces(&pieces, op);
    return receive_message(sim, socket,
        op->kind == ACIO_OP_RECVMSG ? op->u.msg.header : &nobody, &pieces);
}

/* ---- several at once ---- */

static ssize_t
move_one(struct sim *sim, struct sim_socket *socket, struct msghdr *header,
    const acio_op *op)
{
    struct sim_pieces pieces;
    acioi_sim_pieces_of(&pieces, header, op->u.msg.flags);
    ssize_t result = op->kind == ACIO_OP_SENDMSG
        ? send_message(sim, socket, header, &pieces)
        : receive_message(sim, socket, header, &pieces);
    if (result != -EAGAIN)
        acioi_sim_note(sim, op, result);
    return result;
}

/* What the first one meets is the result; what a later one meets is for the
 * next call. */
static int
move_many(struct sim *sim, struct mmsghdr *messages, unsigned count,
    const acio_op *op)
{
    struct sim_socket *socket = acioi_sim_socket(sim, op->fd);
    if (socket->type != SOCK_DGRAM)
        return -EOPNOTSUPP;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && socket->error)
            return (int)i;
        ssize_t result = move_one(sim, socket, &messages[i].msg_hdr, op);
        if (result < 0)
            return i > 0 ? (int)i : (int)result;
        messages[i].msg_len = (unsigned)result;
    }
    return (int)count;
}

int
acioi_sim_recvmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags)
{
    struct sim *sim = acioi_sim_of(loop);
    if (!acioi_sim_socket(sim, fd))
        return acioi_os_recvmmsg(loop, fd, messages, count, flags);
    acio_op op = { 0 };
    acio_op_recvmsg(&op, fd, NULL, flags);
    return move_many(sim, messages, count, &op);
}

int
acioi_sim_sendmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags)
{
    struct sim *sim = acioi_sim_of(loop);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (!socket)
        return acioi_os_sendmmsg(loop, fd, messages, count, flags);
    if (!acioi_list_empty(&socket->writers) ||
        acioi_sim_chance(sim, sim->options.busy_sends, &sim->stats.busy_sends))
        return -EAGAIN;
    acio_op op = { 0 };
    acio_op_sendmsg(&op, fd, NULL, flags);
    return move_many(sim, messages, count, &op);
}

/* ---- connect, groups, readiness ---- */

/* At once: nobody is asked. A connect to no family ends the connection. */
ssize_t
acioi_sim_connect_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op)
{
    const struct sockaddr *address = op->u.connect.address;
    struct sim_name to;
    if (address && op->u.connect.length >= sizeof address->sa_family &&
        address->sa_family == AF_UNSPEC) {
        socket->state = SIM_FRESH;
        socket->remote.length = 0;
        return 0;
    }
    int err = acioi_sim_name_read(&to, socket->family, address,
        op->u.connect.length);
    if (err == 0 && socket->family == AF_UNIX &&
        !acioi_sim_find_receiver(sim, &to, &socket->local))
        err = to.as.un.sun_path[0] ? -ENOENT : -ECONNREFUSED;
    if (err == 0 && socket->state == SIM_FRESH)
        err = acioi_sim_bind_any(sim, socket, &to);
    if (err < 0)
        return err;
    socket->remote = to;
    socket->state = SIM_CONNECTED;
    return 0;
}

static struct sim_group *
find_group(const struct sim_socket *socket, const struct sim_name *name)
{
    const struct acio_link *link = socket->groups.next;
    for (; link != &socket->groups; link = link->next) {
        struct sim_group *group = acioi_container_of(link, struct sim_group,
            link);
        if (acioi_sim_same_name(&group->name, name))
            return group;
    }
    return NULL;
}

static int
join(struct sim_socket *socket, const struct sim_name *name)
{
    struct sim_group *group = acioi_alloc(sizeof *group);
    if (!group)
        return -ENOBUFS;
    group->name = *name;
    acioi_list_push_back(&socket->groups, &group->link);
    return 0;
}

int
acioi_sim_change_group(struct sim_socket *socket, bool joins, const void *value,
    socklen_t length)
{
    struct group_req request;
    struct sim_name name;
    if (length < sizeof request)
        return -EINVAL;
    memcpy(&request, value, sizeof request);
    int err = acioi_sim_name_read(&name, request.gr_group.ss_family,
        (const struct sockaddr *)&request.gr_group, sizeof request.gr_group);
    if (err < 0 || !acioi_sim_is_multicast(&name))
        return -EINVAL;
    struct sim_group *group = find_group(socket, &name);
    if (joins)
        return group ? -EADDRINUSE : join(socket, &name);
    if (!group)
        return -EADDRNOTAVAIL;
    acioi_list_remove(&group->link);
    acioi_free(group);
    return 0;
}

static bool
can_send(struct sim *sim, const struct sim_socket *socket)
{
    if (socket->flying_bytes >= socket->send_limit)
        return false;
    if (socket->family != AF_UNIX || socket->state != SIM_CONNECTED)
        return true;
    const struct sim_socket *receiver = acioi_sim_find_receiver(sim,
        &socket->remote, &socket->local);
    return !receiver || !is_full(receiver);
}

unsigned
acioi_sim_datagram_readiness(struct sim *sim, const struct sim_socket *socket)
{
    unsigned ready = 0;
    if (!acioi_list_empty(&socket->datagrams) || socket->receive_shut)
        ready |= POLLIN | POLLRDNORM;
    if (can_send(sim, socket))
        ready |= POLLOUT | POLLWRNORM;
    if (socket->error_count > 0)
        ready |= POLLERR;
    return ready;
}
