/* SPDX-License-Identifier: MIT */
/* connect.c - acio_open_connection and its sisters
 *
 * Happy path.   Find the addresses, connect to one of them, make a stream of
 *               that socket, and make it safe, if asked to.
 * Failure.      Whatever goes wrong adds to one sentence, which begins with
 *               where the caller wanted to go.
 * Busy.         A Unix socket whose listener has no place in its queue is no
 *               failure but a matter of time: connect(2) says EAGAIN and has
 *               nothing to wait for, so it is asked again, at longer and
 *               longer intervals.
 */
#include "net/open.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/alloc.h"

static const double first_pause = 0.001, longest_pause = 0.1;

/* ---- what is asked for ---- */

/* What every call begins with; 0, or an error. */
static int
begin(acio_stream **out, struct acioi_text *text,
    const struct acio_connect_options *options)
{
    acioi_text_begin(text, options->error_text, options->error_text_bytes);
    if (!out)
        return -EINVAL;
    *out = NULL;
    return acioi_current() ? 0 : acioi_no_task("the making of a connection");
}

static const struct acio_connect_options *
or_defaults(const struct acio_connect_options *options)
{
    static const struct acio_connect_options defaults;
    return options ? options : &defaults;
}

static const char *
name_of_peer(const struct acio_connect_options *options, const char *host)
{
    return options->server_hostname ? options->server_hostname : host;
}

/* What cannot be checked is not called safe. */
static int
check_options(const struct acio_connect_options *options, const char *host,
    struct acioi_text *text)
{
    const double delay = options->happy_eyeballs_delay;
    if (!acioi_port_is_valid(options->local_port) || delay != delay)
        return -EINVAL;
    if (!options->security || name_of_peer(options, host))
        return 0;
    acioi_text_add(text, ": server_hostname is needed where there is no host");
    return -EINVAL;
}

/* ---- from a socket to a stream ---- */

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

int
acioi_connection_begin(acio_stream **out, struct acioi_stream *stream,
    const char *host, const struct acio_connect_options *options,
    struct acioi_text *text)
{
    if (!stream)
        return -ENOMEM;
    acio_stream *handle = acioi_stream_handle(stream);
    int err = make_safe(handle, host, options, text);
    if (err < 0)
        return err;
    acioi_text_begin(text, options->error_text, options->error_text_bytes);
    *out = handle;
    return 0;
}

/* ---- by name ---- */

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

/* The connected socket, or an error. */
static int
connect_by_list(struct acioi_net *net, struct acioi_addresses *remote,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_addresses *local;
    int err = resolve_local(net, options, &local);
    if (err < 0) {
        acioi_text_add(text, ": %s", acio_strerror(err));
        return err;
    }
    acioi_addresses_interleave(remote, options->interleave);
    const struct acioi_route route = { .remote = remote, .local = local };
    int fd = acioi_connect(net, &route, options, text);
    acioi_free(local);
    return fd;
}

static int
connect_by_name(const struct acioi_query *query,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    struct acioi_addresses *remote;
    if (!net)
        return -ENOMEM;
    int err = acioi_resolve(net, query, &remote);
    if (err < 0) {
        acioi_text_add(text, ": %s", acio_strerror(err));
        return err;
    }
    int fd = connect_by_list(net, remote, options, text);
    acioi_free(remote);
    return fd;
}

int
acio_open_connection(acio_stream **out, const char *host, int port,
    const struct acio_connect_options *options)
{
    struct acioi_text text;
    options = or_defaults(options);
    int err = begin(out, &text, options);
    if (err < 0)
        return err;
    if (!acioi_port_is_valid(port))
        return -EINVAL;
    acioi_text_add(&text, "cannot connect to %s, port %d",
        host ? host : "this machine", port);
    struct acioi_query query = { .host = host,
        .port = port,
        .family = options->family };
    int fd = check_options(options, host, &text);
    if (fd == 0)
        fd = connect_by_name(&query, options, &text);
    if (fd < 0)
        return fd;
    struct acioi_stream *stream = acioi_stream_new(STREAM_TCP, fd,
        options->limit);
    return acioi_connection_begin(out, stream, host, options, &text);
}

/* ---- by a list of addresses ---- */

/* Those of a family that is not wanted are left out. */
static int
copy_list(const struct addrinfo *list, int family, struct acioi_addresses **out)
{
    size_t count = 0;
    for (const struct addrinfo *i = list; i; i = i->ai_next)
        count++;
    struct acioi_addresses *copy = acioi_alloc(
        sizeof *copy + count * sizeof copy->list[0]);
    if (!copy)
        return -ENOMEM;
    for (const struct addrinfo *i = list; i; i = i->ai_next) {
        struct acio_address address = { .length = i->ai_addrlen };
        if (!i->ai_addr || address.length > sizeof address.as)
            continue;
        memcpy(&address.as, i->ai_addr, address.length);
        acioi_addresses_add(copy, &address, family);
    }
    if (copy->count == 0) {
        acioi_free(copy);
        return -EINVAL;
    }
    *out = copy;
    return 0;
}

static int
connect_by_addresses(const struct addrinfo *list,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    struct acioi_addresses *remote;
    if (!net)
        return -ENOMEM;
    int err = copy_list(list, options->family, &remote);
    if (err == -EINVAL)
        acioi_text_add(text, ": there is no address%s",
            list ? " of that family" : "");
    if (err < 0)
        return err;
    int fd = connect_by_list(net, remote, options, text);
    acioi_free(remote);
    return fd;
}

int
acio_open_connection_addresses(acio_stream **out, const struct addrinfo *list,
    const struct acio_connect_options *options)
{
    struct acioi_text text;
    options = or_defaults(options);
    int err = begin(out, &text, options);
    if (err < 0)
        return err;
    acioi_text_add(&text, "cannot connect");
    int fd = check_options(options, NULL, &text);
    if (fd == 0)
        fd = connect_by_addresses(list, options, &text);
    if (fd < 0)
        return fd;
    struct acioi_stream *stream = acioi_stream_new(STREAM_TCP, fd,
        options->limit);
    return acioi_connection_begin(out, stream, NULL, options, &text);
}

/* ---- Unix sockets ---- */

static int
connect_patiently(struct acioi_net *net, const struct acioi_route *route,
    const struct acio_connect_options *options, const struct acioi_text *text)
{
    for (double pause = first_pause;; pause *= 2) {
        struct acioi_text rest = *text;
        int fd = acioi_connect(net, route, options, &rest);
        if (fd != -EAGAIN)
            return fd;
        pause = pause < longest_pause ? pause : longest_pause;
        int err = acio_sleep(pause);
        if (err < 0)
            return err;
    }
}

static int
connect_to_path(const char *path, const struct acio_connect_options *options,
    struct acioi_text *text)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    if (!net)
        return -ENOMEM;
    struct acioi_addresses *remote = acioi_alloc(
        sizeof *remote + sizeof remote->list[0]);
    if (!remote)
        return -ENOMEM;
    remote->count = 1;
    const struct acioi_route route = { .remote = remote };
    int fd = acioi_address_of_path(&remote->list[0], path);
    if (fd == 0)
        fd = connect_patiently(net, &route, options, text);
    else
        acioi_text_add(text, ": the path is %s",
            *path ? "too long for a socket" : "empty");
    acioi_free(remote);
    return fd;
}

int
acio_open_unix_connection(acio_stream **out, const char *path,
    const struct acio_connect_options *options)
{
    struct acioi_text text;
    options = or_defaults(options);
    int err = begin(out, &text, options);
    if (err < 0)
        return err;
    if (!path)
        return -EINVAL;
    acioi_text_add(&text, "cannot connect");
    int fd = check_options(options, NULL, &text);
    if (fd == 0)
        fd = connect_to_path(path, options, &text);
    if (fd < 0)
        return fd;
    struct acioi_stream *stream = acioi_stream_new(STREAM_SOCKET, fd,
        options->limit);
    return acioi_connection_begin(out, stream, NULL, options, &text);
}
