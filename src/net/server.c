/* SPDX-License-Identifier: MIT */
/* server.c - acio_start_server, and a task for each connection
 *
 * Happy path.   Each address has a listener, whose one operation accepts again
 *               and again. A connection becomes a stream and a task, which
 *               runs the handler and closes the stream.
 *
 *                   listener --> stream --> task     there is a place
 *                            --> waiting             max_connections are
 *                                                    served already
 *
 * Full.         The listeners are stopped; what the kernel had accepted
 *               meanwhile waits, and is served first.
 * No more fds.  And the like: the listener pauses for a second, as asyncio
 *               does, instead of spinning.
 * The end.      A server is freed by the last of those who wait for it, when
 *               its connections have ended and its operations, too; or with
 *               the loop.
 *
 * Memory.       What is known about a connection lies in its task's arguments,
 *               and ends with it.
 */
#include "net/open.h"

#include <errno.h>
#include <math.h>

#include "base/alloc.h"
#include "base/log.h"

static const double accept_pause = 1.0;

struct listener {
    acio_op op; /* ACCEPT_MANY */
    acio_timer pause;
    struct acioi_server *server;
    int fd; /* -1: closed */
};

struct acioi_server {
    struct acioi_slot slot;
    acio_connection_handler *handler;
    void *arg;
    const char *name;
    acio_context *context; /* of who started it: its tasks' as well */
    const struct acio_security *security; /* NULL: none */
    double handshake_timeout;
    size_t limit;
    unsigned max_connections;
    int port;
    struct acioi_socket_file *file; /* to be removed; NULL: none */
    bool closed;                    /* stopped listening, for good */

    struct listener *listeners;
    size_t listener_count;
    struct acio_link connections; /* struct connection */
    size_t connection_count;
    struct acio_link waiting; /* streams without a task, by `link` */

    struct acio_link waiters; /* tasks, until all is over */
    unsigned users;           /* of them, in or out of the list */
};

_Static_assert(sizeof(struct acioi_server) <= SLOT_BYTES,
    "a server should fit into its slot");

/* The arguments of a connection's task. */
struct connection {
    struct acio_link link; /* in server->connections */
    struct acioi_server *server;
    struct acioi_task *task;
    struct acioi_slot *slot; /* of the stream */
    uint32_t takings;        /* of the slot, with the stream's */
    acio_stream *handle;
    bool unsafe; /* still to be made safe; the handler waits for that */
};

static void resume(struct acioi_server *server);

static acio_loop *
loop_of(const struct acioi_server *server)
{
    return server->slot.net->loop;
}

static void
report(const struct acioi_server *server, const char *message, int error)
{
    acio_loop_call_exception_handler(loop_of(server),
        &(struct acio_exception){
            .message = message,
            .error = error,
            .source = server->name,
        });
}

/* ---- the end ---- */

static bool
is_over(const struct acioi_server *server)
{
    if (!server->closed || server->connection_count > 0)
        return false;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].fd >= 0)
            return false;
    }
    return true;
}

static void
wake_waiters(struct acioi_server *server)
{
    if (!is_over(server))
        return;
    while (acioi_wake_first(&server->waiters)) {
        /* each leaves the list as it is woken */
    }
}

static void
free_server(struct acioi_server *server)
{
    acio_context_release(server->context);
    acioi_socket_file_remove(server->file);
    acioi_free(server->listeners);
    acioi_slot_give(&server->slot);
}

void
acioi_server_drop(struct acioi_server *server)
{
    acio_loop *loop = loop_of(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        acio_timer_cancel(loop, &server->listeners[i].pause);
        if (server->listeners[i].fd >= 0)
            loop->backend->close_fd(loop, server->listeners[i].fd);
    }
    free_server(server);
}

/* ---- connections ---- */

static bool
is_full(const struct acioi_server *server)
{
    return server->max_connections > 0 &&
        server->connection_count >= server->max_connections;
}

/* NULL where the handler has closed it: by then its handle may be that of
 * another stream. */
static acio_stream *
stream_of(const struct connection *connection)
{
    bool same = connection->slot->takings == connection->takings;
    return same ? connection->handle : NULL;
}

static void
end_connection(struct connection *connection)
{
    struct acioi_server *server = connection->server;
    acioi_list_remove(&connection->link);
    server->connection_count--;
    resume(server);
    wake_waiters(server);
}

/* A peer that left in the middle is nobody's fault here. */
static bool
is_worth_a_report(const struct acioi_server *server, int err)
{
    if (err == -ECANCELED)
        return false;
    bool has_left = err == -ECONNRESET || err == -EPIPE ||
        err == -ACIO_EINCOMPLETE || err == -ACIO_ETLSEOF;
    return !has_left || acio_loop_debug(loop_of(server));
}

static void
report_handshake(const struct acioi_server *server, const char *why, int err)
{
    char sentence[256];
    struct acioi_text text;
    acioi_text_begin(&text, sentence, sizeof sentence);
    acioi_text_add(&text, "the handshake of a connection failed%s%s",
        *why ? ": " : "", why);
    report(server, sentence, err);
}

/* A success that comes together with a cancel is too late. */
static int
make_safe(struct connection *connection)
{
    const struct acioi_server *server = connection->server;
    char why[200] = "";
    const struct acio_security_options how = {
        .server_side = true,
        .handshake_timeout = server->handshake_timeout,
        .error_text = why,
        .error_text_bytes = sizeof why,
    };
    if (!connection->unsafe)
        return 0;
    int err = server->security->start(server->security, connection->handle,
        &how);
    connection->unsafe = false;
    if (err < 0 && is_worth_a_report(server, err))
        report_handshake(server, why, err);
    return err < 0 ? err : connection->task->pending;
}

static int
serve(void *arg)
{
    struct connection *connection = arg;
    const struct acioi_server *server = connection->server;
    int result = make_safe(connection);
    if (result < 0) {
        acio_abort(stream_of(connection));
        end_connection(connection);
        return 0;
    }
    result = server->handler(connection->handle, server->arg);
    if (result < 0 && result != -ECANCELED)
        report(server, "the handler of a connection failed", result);
    (void)acio_close(stream_of(connection));
    end_connection(connection);
    return 0;
}

static int
start_task(struct acioi_server *server, struct acioi_stream *stream)
{
    struct acioi_runtime *runtime = loop_of(server)->runtime;
    struct connection args = { .server = server,
        .slot = &stream->slot,
        .takings = stream->slot.takings,
        .handle = acioi_stream_handle(stream),
        .unsafe = server->security != NULL };
    struct acioi_task *task = acioi_task_create(runtime, serve,
        (struct acio_args){ &args, sizeof args },
        &(struct acio_task_options){ .name = server->name,
            .always_start = true });
    if (!task)
        return -ENOMEM;
    task->held = false; /* its memory goes when it ends */
    acio_context_release(task->context);
    task->context = acioi_context_share(server->context);
    struct connection *connection = task->args;
    connection->task = task;
    acioi_list_push_back(&server->connections, &connection->link);
    server->connection_count++;
    return 0;
}

static void
start_connection(struct acioi_server *server, struct acioi_stream *stream)
{
    int err = start_task(server, stream);
    if (err == 0)
        return;
    report(server, "a connection was dropped", err);
    acioi_stream_abort(stream);
}

static void
abort_waiting(struct acioi_server *server)
{
    struct acio_link *link;
    while ((link = acioi_list_first(&server->waiting)))
        acioi_stream_abort(acioi_container_of(link, struct acioi_stream, link));
}

/* A run that is about to end starts nothing. */
static bool
is_open(const struct acioi_server *server)
{
    const struct acioi_runtime *runtime = loop_of(server)->runtime;
    return !server->closed && runtime && !runtime->finishing;
}

static void
start_waiting(struct acioi_server *server)
{
    struct acio_link *link;
    if (!is_open(server))
        abort_waiting(server);
    while (!is_full(server) && (link = acioi_list_pop_front(&server->waiting)))
        start_connection(server,
            acioi_container_of(link, struct acioi_stream, link));
}

static void
add_connection(struct acioi_server *server, int fd)
{
    acio_loop *loop = loop_of(server);
    if (!is_open(server)) {
        loop->backend->close_fd(loop, fd);
        return;
    }
    struct acioi_stream *stream = acioi_stream_new_of(server->port > 0
            ? STREAM_TCP
            : STREAM_SOCKET,
        server->slot.net, fd, server->limit);
    if (!stream) {
        report(server, "a connection was dropped", -ENOMEM);
        loop->backend->close_fd(loop, fd);
    } else if (is_full(server)) {
        acioi_list_push_back(&server->waiting, &stream->link);
    } else {
        start_connection(server, stream);
    }
}

/* ---- listeners ---- */

static void accepted(acio_op *op);

static void
arm(struct listener *listener)
{
    acio_op_accept_many(&listener->op, listener->fd);
    acio_loop_submit(loop_of(listener->server), &listener->op, accepted,
        listener);
}

static bool
is_paused(const struct listener *listener)
{
    return listener->pause.node.prev ||
        acioi_linked(&listener->pause.handle.link);
}

/* Serves who waits; accepts, unless that is under way or there is no place. */
static void
resume(struct acioi_server *server)
{
    start_waiting(server);
    if (server->closed || is_full(server))
        return;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (!acio_op_alive(&listener->op) && !is_paused(listener))
            arm(listener);
    }
}

static void
resume_paused(void *arg)
{
    const struct listener *listener = arg;
    resume(listener->server);
}

static void
stop_listeners(struct acioi_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        acio_op_cancel(&server->listeners[i].op);
}

static void
close_listener(struct listener *listener)
{
    acio_loop *loop = loop_of(listener->server);
    acio_timer_cancel(loop, &listener->pause);
    if (acio_op_alive(&listener->op))
        return; /* its completion comes here again */
    if (listener->fd >= 0)
        loop->backend->close_fd(loop, listener->fd);
    listener->fd = -1;
}

static void
stopped(struct listener *listener, int err)
{
    struct acioi_server *server = listener->server;
    if (server->closed) {
        close_listener(listener);
        wake_waiters(server);
        return;
    }
    if (err == -ECANCELED) {
        resume(server);
        return;
    }
    report(server, "accepting connections pauses for a second", err);
    acio_loop_call_later(loop_of(server), &listener->pause, accept_pause,
        resume_paused, listener);
}

static void
accepted(acio_op *op)
{
    struct listener *listener = op->user;
    if (!acio_op_alive(op)) {
        stopped(listener, (int)op->result);
        return;
    }
    add_connection(listener->server, (int)op->result);
    if (is_full(listener->server))
        stop_listeners(listener->server);
}

/* ---- starting ---- */

static struct acioi_server *
make_server(struct acioi_net *net, size_t sockets,
    const struct acio_server_options *options)
{
    struct acioi_slot *slot = acioi_slot_take(net, ACIOI_SLOT_SERVER);
    if (!slot)
        return NULL;
    struct acioi_server *server = (struct acioi_server *)slot;
    server->listeners = acioi_alloc(sockets * sizeof *server->listeners);
    if (!server->listeners) {
        acioi_slot_give(slot);
        return NULL;
    }
    server->name = options->name ? options->name : "connection";
    server->limit = options->limit;
    server->max_connections = options->max_connections;
    server->security = options->security;
    server->handshake_timeout = options->handshake_timeout;
    server->context = acio_copy_context();
    acioi_list_init(&server->connections);
    acioi_list_init(&server->waiting);
    acioi_list_init(&server->waiters);
    return server;
}

/* The sockets are the server's from here on. */
static void
give_sockets(struct acioi_server *server, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        server->listeners[i] = (struct listener){ .server = server,
            .fd = fds[i] };
    server->listener_count = count;
    server->port = acioi_port_of(loop_of(server), fds[0]);
    if (server->port < 0)
        server->port = 0;
}

static int
resolve_all(struct acioi_net *net, const struct acioi_query *query,
    const char *const *more_hosts, struct acioi_addresses **out,
    struct acioi_text *text)
{
    int err = acioi_resolve(net, query, out);
    if (err < 0) {
        acioi_text_add(text, ": %s", acio_strerror(err));
        return err;
    }
    for (; err == 0 && more_hosts && *more_hosts; more_hosts++) {
        struct acioi_query another = *query;
        another.host = *more_hosts;
        err = acioi_resolve_more(net, &another, out);
    }
    if (err < 0) {
        acioi_text_add(text, ": %s: %s", more_hosts[-1], acio_strerror(err));
        acioi_free(*out);
    }
    return err;
}

static int
open_by_name(struct acioi_server **out, const struct acioi_query *query,
    const struct acio_server_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    struct acioi_addresses *addresses;
    if (!net)
        return -ENOMEM;
    int err = resolve_all(net, query, options->more_hosts, &addresses, text);
    if (err < 0)
        return err;
    int *fds = acioi_alloc(addresses->count * sizeof *fds);
    *out = fds ? make_server(net, addresses->count, options) : NULL;
    err = *out ? acioi_listen(net->loop, addresses, options, text, fds)
               : -ENOMEM;
    if (err > 0)
        give_sockets(*out, fds, (size_t)err);
    else if (*out)
        free_server(*out);
    acioi_free(fds);
    acioi_free(addresses);
    return err;
}

static int
open_at_path(struct acioi_server **out, const char *path,
    const struct acio_server_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    *out = net ? make_server(net, 1, options) : NULL;
    if (!*out)
        return -ENOMEM;
    int fd = acioi_listen_at_path(net->loop, path, options, &(*out)->file);
    if (fd >= 0) {
        give_sockets(*out, &fd, 1);
        return 0;
    }
    acioi_text_add(text, ": %s", acio_strerror(fd));
    free_server(*out);
    return fd;
}

static int
open_with_socket(struct acioi_server **out, int fd,
    const struct acio_server_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    *out = net ? make_server(net, 1, options) : NULL;
    if (!*out)
        return -ENOMEM;
    int err = acioi_listen_with_socket(net->loop, fd, options);
    if (err == 0) {
        give_sockets(*out, &fd, 1);
        return 0;
    }
    acioi_text_add(text, ": %s", acio_strerror(err));
    free_server(*out);
    return err;
}

static const struct acio_server_options *
or_defaults(const struct acio_server_options *options)
{
    static const struct acio_server_options defaults;
    return options ? options : &defaults;
}

/* What every start begins with; 0, or an error. */
static int
begin_start(acio_server **out, acio_connection_handler *handler,
    struct acioi_text *text, const struct acio_server_options *options)
{
    acioi_text_begin(text, options->error_text, options->error_text_bytes);
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!handler)
        return -EINVAL;
    return acioi_checkpoint();
}

static void
finish_start(acio_server **out, struct acioi_server *server,
    acio_connection_handler *handler, void *arg)
{
    server->handler = handler;
    server->arg = arg;
    resume(server);
    *out = acioi_slot_handle(&server->slot);
}

int
acio_start_server(acio_server **out, acio_connection_handler *handler,
    void *arg, const char *host, int port,
    const struct acio_server_options *options)
{
    struct acioi_text text;
    struct acioi_server *server;
    options = or_defaults(options);
    int err = begin_start(out, handler, &text, options);
    if (err < 0)
        return err;
    if (!acioi_port_is_valid(port))
        return -EINVAL;
    acioi_text_add(&text, "cannot listen at %s, port %d",
        host ? host : "all interfaces", port);
    struct acioi_query query = { .host = host,
        .port = port,
        .family = options->family,
        .passive = true };
    err = open_by_name(&server, &query, options, &text);
    if (err < 0)
        return err;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    finish_start(out, server, handler, arg);
    return 0;
}

int
acio_start_unix_server(acio_server **out, acio_connection_handler *handler,
    void *arg, const char *path, const struct acio_server_options *options)
{
    struct acioi_text text;
    struct acioi_server *server;
    options = or_defaults(options);
    int err = begin_start(out, handler, &text, options);
    if (err < 0)
        return err;
    if (!path)
        return -EINVAL;
    acioi_text_add(&text, "cannot listen at %s", path);
    err = open_at_path(&server, path, options, &text);
    if (err < 0)
        return err;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    finish_start(out, server, handler, arg);
    return 0;
}

int
acio_start_socket_server(acio_server **out, acio_connection_handler *handler,
    void *arg, int fd, const struct acio_server_options *options)
{
    struct acioi_text text;
    struct acioi_server *server;
    options = or_defaults(options);
    int err = begin_start(out, handler, &text, options);
    if (err < 0)
        return err;
    if (fd < 0)
        return -EINVAL;
    acioi_text_add(&text, "cannot listen with the socket %d", fd);
    err = open_with_socket(&server, fd, options, &text);
    if (err < 0)
        return err;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    finish_start(out, server, handler, arg);
    return 0;
}

/* ---- closing and waiting ---- */

static void
close_server(struct acioi_server *server)
{
    if (server->closed)
        return;
    server->closed = true;
    acioi_socket_file_remove(server->file);
    server->file = NULL;
    abort_waiting(server);
    stop_listeners(server);
    for (size_t i = 0; i < server->listener_count; i++)
        close_listener(&server->listeners[i]);
    wake_waiters(server);
}

void
acio_server_close(acio_server *handle)
{
    int err;
    struct acioi_server *server = acioi_slot_of(handle, &err);
    if (server)
        close_server(server);
}

static void
cancel_connections(struct acioi_server *server)
{
    struct acio_link *link = server->connections.next;
    for (; link != &server->connections; link = link->next)
        acioi_task_cancel(
            acioi_container_of(link, struct connection, link)->task);
}

/* As if the peers had said their last word: the handlers read what has come,
 * then the end, and what they have written leaves. A filter would take an end
 * of the socket's for a connection that was cut off. */
static void
end_stream(acio_stream *handle)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream || stream->fd < 0)
        return;
    acio_loop *loop = acioi_running_loop;
    (void)acio_write_eof(handle);
    if (stream->filter)
        acio_filter_deliver_end(stream->filter);
    else
        (void)loop->backend->shutdown(loop, stream->fd, SHUT_RD);
}

/* A handshake that is under way is given up: there is no handler that could
 * read or write anything, nor does every handshake notice what becomes of its
 * stream. */
static void
for_each_stream(acio_server *handle, void (*function)(acio_stream *stream))
{
    int err;
    const struct acioi_server *server = acioi_slot_of(handle, &err);
    if (!server)
        return;
    const struct acio_link *link = server->connections.next;
    for (; link != &server->connections; link = link->next) {
        const struct connection *connection = acioi_container_of(link,
            struct connection, link);
        if (connection->unsafe)
            acioi_task_cancel(connection->task);
        else
            function(stream_of(connection));
    }
}

void
acio_server_close_clients(acio_server *handle)
{
    for_each_stream(handle, end_stream);
}

void
acio_server_abort_clients(acio_server *handle)
{
    for_each_stream(handle, acio_abort);
}

static bool
serves(const struct acioi_server *server, const struct acioi_task *task)
{
    const struct acio_link *link = server->connections.next;
    for (; link != &server->connections; link = link->next) {
        if (acioi_container_of(link, struct connection, link)->task == task)
            return true;
    }
    return false;
}

/* Until all is over; 0, or why the wait was cut short. */
static int
wait_over(struct acioi_server *server, struct acioi_task *task,
    const char *what)
{
    int reason = acioi_check(task);
    if (!reason && !is_over(server)) {
        acioi_list_push_back(&server->waiters, &task->handle.link);
        reason = acioi_park_with(task, acioi_interrupt_wake, what, server);
    }
    return reason;
}

/* Ends what is left, and frees the server if nobody else waits. */
static void
end_server(struct acioi_server *server, bool by_force)
{
    close_server(server);
    if (by_force)
        cancel_connections(server);
    while (!is_over(server))
        acioi_park_shielded(&server->waiters, "server.wait_closed", server);
    server->slot.number = 0;
    if (--server->users == 0)
        free_server(server);
}

/* Who waits: the server, with the running task in `*task`, or NULL. */
static struct acioi_server *
begin_wait(acio_server *handle, struct acioi_task **task, int *err)
{
    struct acioi_server *server = acioi_slot_of(handle, err);
    if (!server)
        return NULL;
    *task = acioi_current();
    if (!*task)
        *err = acioi_no_task("a wait for a server");
    else if (serves(server, *task))
        *err = -ACIO_ESELF;
    if (*err < 0)
        return NULL;
    server->users++;
    return server;
}

int
acio_server_wait_closed(acio_server *handle, double timeout)
{
    if (!handle)
        return 0;
    if (timeout != timeout)
        return -EINVAL;
    int err;
    struct acioi_task *task;
    struct acioi_server *server = begin_wait(handle, &task, &err);
    if (!server)
        return err;
    close_server(server);
    acio_timeout limit;
    acio_timeout_open(&limit, timeout);
    int reason = wait_over(server, task, "server.wait_closed");
    acio_timeout_close(&limit);
    if (reason == -ETIMEDOUT && acio_timeout_expired(&limit) &&
        server->connection_count == 0)
        reason = 0; /* nobody was cut short */
    end_server(server, reason < 0);
    return reason;
}

int
acio_serve_forever(acio_server *handle)
{
    int err;
    struct acioi_task *task;
    struct acioi_server *server = begin_wait(handle, &task, &err);
    if (!server)
        return err;
    int reason = wait_over(server, task, "server.serve_forever");
    end_server(server, reason < 0);
    return reason;
}

/* ---- properties ---- */

int
acio_server_port(acio_server *handle)
{
    int err;
    const struct acioi_server *server = acioi_slot_of(handle, &err);
    return server ? server->port : err;
}

int
acio_server_sock_name(acio_server *handle, size_t index, char *buf, size_t size)
{
    int err;
    const struct acioi_server *server = acioi_slot_of(handle, &err);
    if (!server)
        return err;
    if (server->closed || index >= server->listener_count)
        return -ENOENT;
    acio_loop *loop = loop_of(server);
    struct acio_address address;
    err = acioi_address_ask(&address, loop, server->listeners[index].fd,
        loop->backend->getsockname);
    return err < 0 ? err : acioi_address_write(&address, buf, size);
}

size_t
acio_server_connections(acio_server *handle)
{
    int err;
    const struct acioi_server *server = acioi_slot_of(handle, &err);
    return server ? server->connection_count : 0;
}
