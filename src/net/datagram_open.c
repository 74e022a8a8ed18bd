/* SPDX-License-Identifier: MIT */
/* datagram_open.c - acio_create_datagram_endpoint
 *
 * Happy path.   Resolve what is to be bound and what is to be connected, then
 *               go through the pairs of addresses of one family until a socket
 *               takes both.
 * Failure.      Each pair that fails adds to the sentence; the last error is
 *               the one returned.
 * Cancel.       The socket at hand is closed.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/datagram.h"

/* What is needed to try a pair of addresses. */
struct opening {
    acio_loop *loop;
    const struct acio_datagram_options *options;
    struct acioi_addresses *local, *remote; /* NULL: none is asked for */
    struct acioi_text *text;
    int error;  /* of the last pair; 0: none was tried */
    int family; /* of the last pair */
};

/* ---- what is asked for ---- */

static bool
is_unix(const struct acio_datagram_options *options)
{
    return options->local_path || options->remote_path;
}

static bool
is_bound(const struct acio_datagram_options *options)
{
    return options->local_host || options->local_port != 0;
}

static bool
is_connected(const struct acio_datagram_options *options)
{
    return options->remote_host || options->remote_port != 0;
}

static int
check_options(const struct acio_datagram_options *options)
{
    if (!acioi_port_is_valid(options->local_port) ||
        !acioi_port_is_valid(options->remote_port))
        return -EINVAL;
    bool internet = is_bound(options) || is_connected(options);
    if (is_unix(options))
        return internet ? -EINVAL : 0;
    bool known = options->family == AF_INET || options->family == AF_INET6 ||
        options->family == AF_UNIX;
    return internet || known ? 0 : -EINVAL;
}

static int
resolve(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_text *text, struct acioi_addresses **out)
{
    int err = acioi_resolve(net, query, out);
    if (err < 0)
        acioi_text_add(text, ": %s: %s", query->host ? query->host : "",
            acio_strerror(err));
    return err;
}

/* "" asks the kernel for a name: a family, and nothing else. */
static void
ask_for_name(struct acio_address *out)
{
    memset(out, 0, sizeof *out);
    out->as.un.sun_family = AF_UNIX;
    out->length = sizeof out->as.un.sun_family;
}

/* A path as the one address of a list. */
static int
read_path(const char *path, struct acioi_addresses **out)
{
    struct acioi_addresses *list = acioi_alloc(
        sizeof *list + sizeof list->list[0]);
    if (!list)
        return -ENOMEM;
    int err = 0;
    *out = list;
    list->count = 1;
    if (*path)
        err = acioi_address_of_path(&list->list[0], path);
    else
        ask_for_name(&list->list[0]);
    return err;
}

static int
find_paths(struct opening *opening)
{
    const struct acio_datagram_options *options = opening->options;
    int err = 0;
    if (options->local_path)
        err = read_path(options->local_path, &opening->local);
    if (err == 0 && options->remote_path)
        err = read_path(options->remote_path, &opening->remote);
    if (err < 0)
        acioi_text_add(opening->text, ": %s", acio_strerror(err));
    return err;
}

static int
find_addresses(struct opening *opening, struct acioi_net *net)
{
    const struct acio_datagram_options *options = opening->options;
    if (is_unix(options))
        return find_paths(opening);
    const struct acioi_query local = { .host = options->local_host,
        .port = options->local_port,
        .family = options->family,
        .passive = true };
    const struct acioi_query remote = { .host = options->remote_host,
        .port = options->remote_port,
        .family = options->family };
    int err = 0;
    if (is_bound(options))
        err = resolve(net, &local, opening->text, &opening->local);
    if (err == 0 && is_connected(options))
        err = resolve(net, &remote, opening->text, &opening->remote);
    return err;
}

/* ---- a socket for a pair of addresses ---- */

static int
set_number(const struct opening *opening, int fd, int level, int name,
    int value)
{
    acio_loop *loop = opening->loop;
    return loop->backend->setsockopt(loop, fd, level, name, &value,
        sizeof value);
}

static int
set_bytes(const struct opening *opening, int fd, int name, size_t bytes)
{
    if (bytes == 0)
        return 0;
    int value = bytes < INT32_MAX / 2 ? (int)bytes : INT32_MAX / 2;
    return set_number(opening, fd, SOL_SOCKET, name, value);
}

/* IPv6 sockets see IPv4's errors as well; a kernel without one of the two
 * does without. */
static void
ask_for_errors(const struct opening *opening, int fd, int family)
{
    (void)set_number(opening, fd, IPPROTO_IP, IP_RECVERR, 1);
    if (family == AF_INET6)
        (void)set_number(opening, fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

static int
set_options(const struct opening *opening, int fd, int family)
{
    const struct acio_datagram_options *options = opening->options;
    int err = 0;
    if (options->reuse_port)
        err = set_number(opening, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && options->allow_broadcast)
        err = set_number(opening, fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (err == 0)
        err = set_bytes(opening, fd, SO_RCVBUF, options->receive_buffer);
    if (err == 0)
        err = set_bytes(opening, fd, SO_SNDBUF, options->send_buffer);
    if (family == AF_INET6 && !options->local_host)
        (void)set_number(opening, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (options->report_errors && !opening->remote && family != AF_UNIX)
        ask_for_errors(opening, fd, family);
    return err;
}

/* As asyncio: a socket that was left there is nobody's any more. */
static void
remove_stale(const struct opening *opening)
{
    const char *path = opening->options->local_path;
    struct stat file;
    if (!path || !*path || *path == '@' ||
        opening->loop->backend == &acioi_backend_sim)
        return;
    if (stat(path, &file) == 0 && S_ISSOCK(file.st_mode))
        (void)unlink(path);
}

static int
bind_and_connect(const struct opening *opening, int fd,
    const struct acio_address *local, const struct acio_address *remote)
{
    acio_loop *loop = opening->loop;
    if (local) {
        remove_stale(opening);
        int err = loop->backend->bind(loop, fd, &local->as.any, local->length);
        if (err < 0)
            return err;
    }
    if (!remote)
        return 0;
    acio_op op = { 0 };
    acio_op_connect(&op, fd, &remote->as.any, remote->length);
    return (int)acio_await_op(&op);
}

static int
family_of(const struct opening *opening, const struct acio_address *local,
    const struct acio_address *remote)
{
    if (remote)
        return remote->as.any.sa_family;
    return local ? local->as.any.sa_family : opening->options->family;
}

/* The socket, or an error. */
static int
try_pair(struct opening *opening, const struct acio_address *local,
    const struct acio_address *remote)
{
    acio_loop *loop = opening->loop;
    int family = family_of(opening, local, remote);
    opening->family = family;
    int fd = loop->backend->socket(loop, family, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    int err = set_options(opening, fd, family);
    if (err == 0)
        err = bind_and_connect(opening, fd, local, remote);
    if (err == 0)
        return fd;
    loop->backend->close_fd(loop, fd);
    return err;
}

static void
add_name(struct acioi_text *text, const char *word,
    const struct acio_address *address)
{
    char name[NAME_BYTES];
    if (address && acioi_address_write(address, name, sizeof name) >= 0)
        acioi_text_add(text, " %s %s", word, name);
}

static int
note_failure(struct opening *opening, const struct acio_address *local,
    const struct acio_address *remote, int err)
{
    acioi_text_add(opening->text, opening->error ? ";" : ":");
    add_name(opening->text, "at", local);
    add_name(opening->text, "to", remote);
    acioi_text_add(opening->text, "%s%s", local || remote ? ": " : " ",
        acio_strerror(err));
    opening->error = err;
    return err;
}

static size_t
count_of(const struct acioi_addresses *list)
{
    return list ? list->count : 1;
}

static const struct acio_address *
address_at(const struct acioi_addresses *list, size_t i)
{
    return list ? &list->list[i] : NULL;
}

/* The pair with this number; false where its families differ. */
static bool
pick_pair(const struct opening *opening, size_t i,
    const struct acio_address **local, const struct acio_address **remote)
{
    *remote = address_at(opening->remote, i / count_of(opening->local));
    *local = address_at(opening->local, i % count_of(opening->local));
    return !*local || !*remote ||
        (*local)->as.any.sa_family == (*remote)->as.any.sa_family;
}

static int
try_all(struct opening *opening)
{
    const struct acioi_task *task = acioi_current();
    size_t pairs = count_of(opening->local) * count_of(opening->remote);
    for (size_t i = 0; i < pairs; i++) {
        const struct acio_address *local, *remote;
        if (!pick_pair(opening, i, &local, &remote))
            continue;
        int fd = try_pair(opening, local, remote);
        if (fd >= 0 || fd == task->pending)
            return fd;
        note_failure(opening, local, remote, fd);
    }
    if (!opening->error)
        return note_failure(opening, NULL, NULL, -EADDRNOTAVAIL);
    return opening->error;
}

/* ---- opening ---- */

static int
open_socket(struct opening *opening, struct acioi_net *net)
{
    int fd = find_addresses(opening, net);
    if (fd == 0)
        fd = try_all(opening);
    acioi_free(opening->local);
    acioi_free(opening->remote);
    return fd;
}

static int
open_endpoint(struct opening *opening, acio_datagram **out)
{
    struct acioi_net *net = acioi_net_of(opening->loop);
    if (!net)
        return -ENOMEM;
    int reason = acioi_checkpoint();
    if (reason)
        return reason;
    bool connected = is_connected(opening->options) ||
        opening->options->remote_path;
    int fd = open_socket(opening, net);
    if (fd < 0)
        return fd;
    struct acioi_datagram *datagram = acioi_datagram_new(net, fd);
    if (!datagram) {
        opening->loop->backend->close_fd(opening->loop, fd);
        return -ENOMEM;
    }
    datagram->family = opening->family;
    datagram->connected = connected;
    datagram->report_errors = opening->options->report_errors && !connected;
    *out = acioi_slot_handle(&datagram->slot);
    return 0;
}

int
acio_create_datagram_endpoint(acio_datagram **out,
    const struct acio_datagram_options *options)
{
    if (!out || !options)
        return -EINVAL;
    *out = NULL;
    if (!acioi_current())
        return acioi_no_task(__func__);
    struct acioi_text text;
    struct opening opening = { .loop = acioi_running_loop,
        .options = options,
        .text = &text };
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    acioi_text_add(&text, "cannot open a datagram endpoint");
    int err = check_options(options);
    if (err < 0)
        acioi_text_add(&text,
            ": it needs an address, a path or a family, "
            "and ports from 0 to 65535");
    else
        err = open_endpoint(&opening, out);
    if (err == 0)
        acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    return err;
}
