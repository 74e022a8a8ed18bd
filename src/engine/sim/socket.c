/* SPDX-License-Identifier: MIT */
/* socket.c - simulated sockets, and who waits for them
 *
 * Idea.       Requests that cannot be answered wait in three queues of their
 *             socket: readers, writers, pollers. Whatever changes a socket
 *             calls acioi_sim_socket_changed, which tries them again, first
 *             come first served.
 *
 * Invariant.  Nothing a socket does reaches another one but through an event
 *             (bytes fly, even when they fly for no time) or by making room in
 *             a full inbox, which lets only writers go on: so a change never
 *             calls itself.
 */
#include "sim.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../base/alloc.h"
#include "../../base/log.h"

enum { FILE_PIECE = 4096 };

/* ---- fds ---- */

struct sim_socket *
acioi_sim_socket(const struct sim *sim, int fd)
{
    int at = fd - SIM_FIRST_FD;
    return at >= 0 && at < sim->socket_count ? sim->sockets[at] : NULL;
}

static int
grow(struct sim *sim)
{
    int count = sim->socket_count ? sim->socket_count * 2 : 16;
    struct sim_socket **sockets = acioi_realloc(sim->sockets,
        (size_t)count * sizeof *sockets);
    if (!sockets)
        return -ENOMEM;
    memset(sockets + sim->socket_count, 0,
        (size_t)(count - sim->socket_count) * sizeof *sockets);
    sim->sockets = sockets;
    sim->socket_count = count;
    return 0;
}

int
acioi_sim_socket_open(struct sim *sim, struct sim_socket *socket)
{
    int at = sim->lowest_free;
    while (at < sim->socket_count && sim->sockets[at])
        at++;
    if (at == sim->socket_count && grow(sim) < 0)
        return -ENOMEM;
    sim->sockets[at] = socket;
    sim->lowest_free = at + 1;
    sim->stats.sockets++;
    socket->fd = SIM_FIRST_FD + at;
    return socket->fd;
}

static void
free_fd(struct sim *sim, struct sim_socket *socket)
{
    int at = socket->fd - SIM_FIRST_FD;
    sim->sockets[at] = NULL;
    sim->stats.sockets--;
    if (at < sim->lowest_free)
        sim->lowest_free = at;
}

/* ---- making and closing ---- */

struct sim_socket *
acioi_sim_socket_new(struct sim *sim, int family, int type, int protocol)
{
    struct sim_socket *socket = acioi_alloc(sizeof *socket);
    if (!socket)
        return NULL;
    socket->fd = -1;
    socket->family = family;
    socket->type = type;
    socket->protocol = protocol;
    socket->receive_limit = sim->options.buffer_bytes;
    socket->send_limit = sim->options.buffer_bytes;
    acioi_list_init(&socket->options);
    acioi_list_init(&socket->readers);
    acioi_list_init(&socket->writers);
    acioi_list_init(&socket->pollers);
    acioi_list_init(&socket->backlog);
    acioi_list_init(&socket->datagrams);
    acioi_list_init(&socket->errors);
    acioi_list_init(&socket->groups);
    acioi_sim_inbox_init(&socket->in);
    return socket;
}

void
acioi_sim_socket_free(struct sim *sim, struct sim_socket *socket)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&socket->backlog)))
        acioi_sim_socket_free(sim,
            acioi_container_of(link, struct sim_socket, pending));
    while ((link = acioi_list_pop_front(&socket->options)))
        acioi_free(acioi_container_of(link, struct sim_option, link));
    acioi_list_remove(&socket->named);
    acioi_list_remove(&socket->starved);
    acioi_list_remove(&socket->pending);
    acioi_sim_unschedule(sim, &socket->handshake);
    acioi_sim_inbox_free(sim, &socket->in);
    acioi_sim_forget_datagrams(sim, socket);
    acioi_free(socket);
}

void
acioi_sim_socket_close(struct sim *sim, struct sim_socket *socket)
{
    if (!acioi_list_empty(&socket->readers) ||
        !acioi_list_empty(&socket->writers) ||
        !acioi_list_empty(&socket->pollers))
        acioi_panic("socket %d was closed while an operation on it is alive",
            socket->fd);
    if (socket->fd >= 0)
        free_fd(sim, socket);
    acioi_sim_close_backlog(sim, socket);
    acioi_sim_hang_up(sim, socket);
    bool waited_for = socket->family == AF_UNIX && socket->type == SOCK_DGRAM;
    acioi_sim_socket_free(sim, socket);
    if (waited_for)
        acioi_sim_wake_unix_senders(sim);
}

int
acioi_sim_take_error(struct sim_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    return error;
}

/* ---- who waits ---- */

/* A piece of it, which is read anew where the socket has no room. */
static ssize_t
send_file(struct sim *sim, struct sim_socket *socket, const acio_op *op)
{
    char piece[FILE_PIECE];
    size_t bytes = op->u.sendfile.bytes;
    if (bytes > sizeof piece)
        bytes = sizeof piece;
    int64_t offset = op->u.sendfile.offset;
    int file = op->u.sendfile.file;
    if (offset < 0)
        offset = lseek(file, 0, SEEK_CUR);
    ssize_t n = pread(file, piece, bytes, offset);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    acio_op sending = { 0 };
    acio_op_send(&sending, op->fd, piece, (size_t)n, 0);
    n = acioi_sim_send(sim, socket, &sending);
    if (n > 0 && op->u.sendfile.offset < 0)
        lseek(file, n, SEEK_CUR);
    return n;
}

static ssize_t
try_op(struct sim *sim, struct sim_socket *socket, acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_RECV:
    case ACIO_OP_RECVMSG:
    case ACIO_OP_READ:
        return acioi_sim_receive(sim, socket, op);
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY:
        if (acioi_sim_can_receive(socket))
            acioi_op_notify(op);
        return -EAGAIN;
    case ACIO_OP_ACCEPT:
        return acioi_sim_accept(sim, socket, op);
    case ACIO_OP_ACCEPT_MANY:
        return acioi_sim_accept_many(sim, socket, op);
    case ACIO_OP_CONNECT:
        return acioi_sim_connect(socket);
    case ACIO_OP_SENDFILE:
        return send_file(sim, socket, op);
    default:
        return acioi_sim_send(sim, socket, op);
    }
}

static void
serve(struct sim *sim, struct sim_socket *socket, struct acio_link *queue)
{
    struct sim_request *request;
    while ((request = acioi_sim_first(queue))) {
        ssize_t result = try_op(sim, socket, acioi_sim_op(request));
        if (result == -EAGAIN)
            break;
        acioi_sim_finish(sim, request, result);
    }
}

static void
serve_pollers(struct sim *sim, struct sim_socket *socket)
{
    struct acio_link *link = socket->pollers.next;
    while (link != &socket->pollers) {
        struct sim_request *request = acioi_container_of(link,
            struct sim_request, queue);
        link = link->next;
        unsigned ready = acioi_sim_readiness(sim, socket,
            acioi_sim_op(request)->u.poll.events);
        if (ready)
            acioi_sim_finish(sim, request, (ssize_t)ready);
    }
}

void
acioi_sim_socket_drained(struct sim *sim, struct sim_socket *socket)
{
    serve(sim, socket, &socket->writers);
    serve_pollers(sim, socket);
}

void
acioi_sim_socket_changed(struct sim *sim, struct sim_socket *socket)
{
    serve(sim, socket, &socket->readers);
    acioi_sim_socket_drained(sim, socket);
}

static void
park(struct sim *sim, struct sim_socket *socket, struct sim_request *request,
    struct acio_link *queue)
{
    bool first = acioi_list_empty(queue);
    acioi_list_push_back(queue, &request->queue);
    if (queue == &socket->pollers)
        serve_pollers(sim, socket);
    else if (first)
        serve(sim, socket, queue);
}

static void
close_by_op(struct sim *sim, struct sim_request *request,
    struct sim_socket *socket)
{
    acioi_sim_socket_close(sim, socket);
    acioi_sim_finish(sim, request, 0);
}

void
acioi_sim_submit_socket(struct sim *sim, struct sim_request *request,
    struct sim_socket *socket)
{
    acio_op *op = acioi_sim_op(request);
    ssize_t result;
    switch (op->kind) {
    case ACIO_OP_RECV:
    case ACIO_OP_RECVMSG:
    case ACIO_OP_READ:
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY:
    case ACIO_OP_ACCEPT:
    case ACIO_OP_ACCEPT_MANY:
        park(sim, socket, request, &socket->readers);
        return;
    case ACIO_OP_SEND:
    case ACIO_OP_SENDMSG:
    case ACIO_OP_WRITE:
    case ACIO_OP_SENDFILE:
        park(sim, socket, request, &socket->writers);
        return;
    case ACIO_OP_CONNECT:
        result = acioi_sim_start_connect(sim, socket, op);
        if (result == -EINPROGRESS)
            park(sim, socket, request, &socket->writers);
        else
            acioi_sim_finish(sim, request, result);
        return;
    case ACIO_OP_POLL:
        park(sim, socket, request, &socket->pollers);
        return;
    case ACIO_OP_CLOSE:
        close_by_op(sim, request, socket);
        return;
    default:
        acioi_sim_finish(sim, request, -EINVAL);
        return;
    }
}
