/* SPDX-License-Identifier: MIT */
/* connect.c - acio_open_connection
 *
 * Happy path.   Resolve the host, then go through its addresses until one
 *               answers, and make a stream of that socket.
 * Failure.      Each address that fails adds to the sentence. The error
 *               returned is that of the last address, except that an address
 *               which this machine cannot reach anyway says less than one
 *               that refused.
 * Cancel.       The attempt under way is called off and its socket closed.
 */
#include "net/net.h"

#include <errno.h>

#include "base/alloc.h"

/* What is needed to try an address. */
struct attempt {
    acio_loop *loop;
    const struct acioi_addresses *local; /* NULL: from anywhere */
    struct acioi_text *text;
    int error; /* the most telling one so far */
};

static bool
tells_little(int err)
{
    switch (err) {
    case 0:
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -EADDRNOTAVAIL:
    case -EAFNOSUPPORT:
        return true;
    default:
        return false;
    }
}

static int
bind_local(const struct attempt *attempt, int fd, int family)
{
    int err = attempt->local ? -EADDRNOTAVAIL : 0;
    for (size_t i = 0; attempt->local && i < attempt->local->count; i++) {
        const struct acioi_address *address = &attempt->local->list[i];
        if (address->as.any.sa_family != family)
            continue;
        err = attempt->loop->backend->bind(attempt->loop, fd, &address->as.any,
            address->length);
        if (err == 0)
            return 0;
    }
    return err;
}

/* The connected socket, or an error. */
static int
connect_to(const struct attempt *attempt, const struct acioi_address *address)
{
    acio_loop *loop = attempt->loop;
    int family = address->as.any.sa_family;
    int fd = loop->backend->socket(loop, family, SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0)
        return fd;
    int err = bind_local(attempt, fd, family);
    if (err == 0) {
        acio_op op = { 0 };
        acio_op_connect(&op, fd, &address->as.any, address->length);
        err = (int)acio_await_op(&op);
    }
    if (err == 0)
        return fd;
    loop->backend->close_fd(loop, fd);
    return err;
}

static void
note_failure(struct attempt *attempt, const struct acioi_address *address,
    int err)
{
    char name[NAME_BYTES];
    acioi_address_write(address, name, sizeof name);
    acioi_text_add(attempt->text, "%s%s: %s", attempt->error ? "; " : ": ",
        name, acio_strerror(err));
    if (!tells_little(err) || tells_little(attempt->error))
        attempt->error = err;
}

/* One after the other. The task's own end is no fault of an address. */
static int
connect_to_any(struct attempt *attempt, const struct acioi_addresses *remote)
{
    const struct acioi_task *task = acioi_current();
    for (size_t i = 0; i < remote->count; i++) {
        int fd = connect_to(attempt, &remote->list[i]);
        if (fd >= 0)
            return fd;
        if (fd == task->pending)
            return fd;
        note_failure(attempt, &remote->list[i], fd);
    }
    return attempt->error;
}

/* ---- resolving ---- */

static int
resolve_local(struct acioi_net *net, const struct acio_connect_options *options,
    struct acioi_addresses **out)
{
    *out = NULL;
    if (!options->local_host && options->local_port == 0)
        return 0;
    struct acioi_query query = { .host = options->local_host,
        .port = options->local_port,
        .family = options->family,
        .passive = true };
    return acioi_resolve(net, &query, out);
}

static int
connect_socket(struct acioi_net *net, const struct acioi_query *query,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_addresses *remote, *local;
    int err = acioi_resolve(net, query, &remote);
    if (err < 0)
        goto tell;
    err = resolve_local(net, options, &local);
    if (err < 0)
        goto free_remote;
    struct attempt attempt = { .loop = net->loop,
        .local = local,
        .text = text };
    int fd = connect_to_any(&attempt, remote);
    acioi_free(local);
    acioi_free(remote);
    return fd;

free_remote:
    acioi_free(remote);
tell:
    acioi_text_add(text, ": %s", acio_strerror(err));
    return err;
}

/* ---- making safe ---- */

static const char *
name_of_peer(const struct acio_connect_options *options, const char *host)
{
    return options->server_hostname ? options->server_hostname : host;
}

/* What cannot be checked is not called safe. */
static int
check_security(const struct acio_connect_options *options, const char *host,
    struct acioi_text *text)
{
    if (!options->security || name_of_peer(options, host))
        return 0;
    acioi_text_add(text, ": server_hostname is needed where there is no host");
    return -EINVAL;
}

static int
make_safe(acio_stream *stream, const char *host,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    if (!options->security)
        return 0;
    acioi_text_add(text, ": ");
    const struct acio_security_options how = {
        .server_hostname = name_of_peer(options, host),
        .handshake_timeout = options->handshake_timeout,
        .error_text = text->at,
        .error_text_bytes = text->room,
    };
    int err = options->security->start(options->security, stream, &how);
    if (err >= 0)
        return 0;
    if (text->room > 0 && !*text->at)
        acioi_text_add(text, "%s", acio_strerror(err));
    acio_abort(stream);
    return err;
}

/* ---- opening ---- */

static int
open_stream(struct acioi_stream **out, const struct acioi_query *query,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    if (!net)
        return -ENOMEM;
    int fd = connect_socket(net, query, options, text);
    if (fd < 0)
        return fd;
    *out = acioi_stream_new(net, fd, options->limit);
    if (!*out) {
        net->loop->backend->close_fd(net->loop, fd);
        return -ENOMEM;
    }
    int on = 1;
    if (options->keep_alive)
        (void)net->loop->backend->setsockopt(net->loop, fd, SOL_SOCKET,
            SO_KEEPALIVE, &on, sizeof on);
    return 0;
}

int
acio_open_connection(acio_stream **out, const char *host, int port,
    const struct acio_connect_options *options)
{
    static const struct acio_connect_options defaults;
    options = options ? options : &defaults;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!acioi_port_is_valid(port) || !acioi_port_is_valid(options->local_port))
        return -EINVAL;
    if (!acioi_current())
        return acioi_no_task(__func__);
    struct acioi_text text;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    acioi_text_add(&text, "cannot connect to %s, port %d",
        host ? host : "this machine", port);
    struct acioi_query query = { .host = host,
        .port = port,
        .family = options->family };
    struct acioi_stream *stream = NULL;
    int err = check_security(options, host, &text);
    if (err == 0)
        err = open_stream(&stream, &query, options, &text);
    if (err < 0)
        return err;
    acio_stream *handle = acioi_stream_handle(stream);
    err = make_safe(handle, host, options, &text);
    if (err < 0)
        return err;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    *out = handle;
    return 0;
}
