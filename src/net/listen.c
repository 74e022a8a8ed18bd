/* SPDX-License-Identifier: MIT */
/* listen.c - sockets that listen
 *
 * Internet.  One socket for each address. One that this machine does not have
 *            is left out; port 0 is decided by the first, and tried anew where
 *            another address has that port taken.
 * Unix.      A socket has a file, which outlives it. One that stands in the
 *            way is removed, as asyncio does it, and so is the own one in the
 *            end: the file is known by its number, so that the socket of a
 *            successor, which has taken the path meanwhile, stays.
 * Simulator. Paths exist within the simulator only, and end with the socket:
 *            no file is looked at.
 */
#include "net/open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { DEFAULT_BACKLOG = 100, PORT_TRIES = 10 };

static int
listen_with(acio_loop *loop, int fd, const struct acio_server_options *options)
{
    int backlog = options->backlog > 0 ? options->backlog : DEFAULT_BACKLOG;
    return loop->backend->listen(loop, fd, backlog);
}

/* ---- at addresses ---- */

static int
turn_on(acio_loop *loop, int fd, int level, int option)
{
    int on = 1;
    return loop->backend->setsockopt(loop, fd, level, option, &on, sizeof on);
}

static int
configure(acio_loop *loop, int fd, int family,
    const struct acio_server_options *options)
{
    int err = 0;
    if (!options->no_reuse_address)
        err = turn_on(loop, fd, SOL_SOCKET, SO_REUSEADDR);
    if (err == 0 && options->reuse_port)
        err = turn_on(loop, fd, SOL_SOCKET, SO_REUSEPORT);
    if (err == 0 && options->keep_alive) /* what is accepted inherits it */
        err = turn_on(loop, fd, SOL_SOCKET, SO_KEEPALIVE);
    if (err == 0 && family == AF_INET6) /* IPv4 has a socket of its own */
        err = turn_on(loop, fd, IPPROTO_IPV6, IPV6_V6ONLY);
    return err;
}

static int
listen_at(acio_loop *loop, const struct acio_address *address,
    const struct acio_server_options *options)
{
    const struct acioi_backend *backend = loop->backend;
    int family = address->as.any.sa_family;
    int fd = backend->socket(loop, family, SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0)
        return fd;
    int err = configure(loop, fd, family, options);
    if (err == 0)
        err = backend->bind(loop, fd, &address->as.any, address->length);
    if (err == 0)
        err = listen_with(loop, fd, options);
    if (err == 0)
        return fd;
    backend->close_fd(loop, fd);
    return err;
}

int
acioi_port_of(acio_loop *loop, int fd)
{
    struct acio_address address;
    int err = acioi_address_ask(&address, loop, fd, loop->backend->getsockname);
    return err < 0 ? err : acioi_address_port(&address);
}

/* Not every machine has IPv6, nor every address that its name has. */
static bool
may_be_left_out(int err)
{
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL ||
        err == -EPROTONOSUPPORT;
}

static void
note_failure(struct acioi_text *text, const struct acio_address *address,
    int err)
{
    char name[NAME_BYTES];
    acioi_address_write(address, name, sizeof name);
    acioi_text_add(text, ": %s: %s", name, acio_strerror(err));
}

static void
close_all(acio_loop *loop, const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        loop->backend->close_fd(loop, fds[i]);
}

/* Listens at every address; the first one decides what port 0 is. */
static int
listen_at_all(acio_loop *loop, const struct acioi_addresses *addresses,
    const struct acio_server_options *options, struct acioi_text *text,
    int *fds)
{
    int port = acioi_address_port(&addresses->list[0]);
    int left_out = -EADDRNOTAVAIL, count = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        struct acio_address address = addresses->list[i];
        acioi_address_set_port(&address, port);
        int fd = listen_at(loop, &address, options);
        if (fd >= 0) {
            fds[count++] = fd;
            port = port ? port : acioi_port_of(loop, fd);
            continue;
        }
        note_failure(text, &address, fd);
        if (!may_be_left_out(fd)) {
            close_all(loop, fds, count);
            return fd;
        }
        left_out = fd;
    }
    return count > 0 ? count : left_out;
}

/* A port that the kernel picked for one address may be taken at another. */
int
acioi_listen(acio_loop *loop, const struct acioi_addresses *addresses,
    const struct acio_server_options *options, struct acioi_text *text,
    int *fds)
{
    bool chosen = acioi_address_port(&addresses->list[0]) != 0;
    int tries = chosen ? 1 : PORT_TRIES;
    for (;;) {
        struct acioi_text rest = *text;
        int count = listen_at_all(loop, addresses, options, &rest, fds);
        if (count != -EADDRINUSE || --tries == 0)
            return count;
    }
}

/* ---- at a path ---- */

struct acioi_socket_file {
    dev_t device;
    ino_t number;
    char path[];
};

static bool
is_simulated(const acio_loop *loop)
{
    return loop->backend == &acioi_backend_sim;
}

/* What cannot be removed is what bind(2) will tell about. */
static void
remove_stale(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(path);
}

static struct acioi_socket_file *
make_file(const char *path)
{
    size_t bytes = strlen(path) + 1;
    struct acioi_socket_file *file = acioi_alloc(sizeof *file + bytes);
    if (file)
        memcpy(file->path, path, bytes);
    return file;
}

/* Between bind and listen nobody can connect: so the mode is right before the
 * first one may. */
static int
claim_file(struct acioi_socket_file *file,
    const struct acio_server_options *options)
{
    struct stat st;
    if (options->mode && chmod(file->path, options->mode) < 0)
        return -errno;
    if (stat(file->path, &st) < 0)
        return -errno;
    file->device = st.st_dev;
    file->number = st.st_ino;
    return 0;
}

void
acioi_socket_file_remove(struct acioi_socket_file *file)
{
    struct stat st;
    if (!file)
        return;
    if (file->number && stat(file->path, &st) == 0 &&
        st.st_dev == file->device && st.st_ino == file->number)
        (void)unlink(file->path);
    acioi_free(file);
}

/* A file that was made and cannot be used is removed as well. */
static int
bind_and_listen(acio_loop *loop, int fd, const struct acio_address *address,
    const struct acio_server_options *options, struct acioi_socket_file *file)
{
    int err = loop->backend->bind(loop, fd, &address->as.any, address->length);
    if (err == 0 && file) {
        err = claim_file(file, options);
        if (err < 0)
            (void)unlink(file->path);
    }
    return err < 0 ? err : listen_with(loop, fd, options);
}

int
acioi_listen_at_path(acio_loop *loop, const char *path,
    const struct acio_server_options *options, struct acioi_socket_file **out)
{
    struct acio_address address;
    struct acioi_socket_file *file = NULL;
    *out = NULL;
    int err = acioi_address_of_path(&address, path);
    if (err < 0)
        return err;
    if (*path != '@' && !is_simulated(loop)) {
        file = make_file(path);
        if (!file)
            return -ENOMEM;
        remove_stale(path);
    }
    int fd = loop->backend->socket(loop, AF_UNIX, SOCK_STREAM, 0);
    err = fd < 0 ? fd : bind_and_listen(loop, fd, &address, options, file);
    if (err < 0) {
        acioi_socket_file_remove(file);
        if (fd >= 0)
            loop->backend->close_fd(loop, fd);
        return err;
    }
    if (options->keep_socket_file)
        acioi_free(file);
    else
        *out = file;
    return fd;
}

/* ---- at a socket of the caller's ---- */

int
acioi_listen_with_socket(acio_loop *loop, int fd,
    const struct acio_server_options *options)
{
    int flags = 0;
    if (!is_simulated(loop)) {
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
            return -errno;
    }
    return listen_with(loop, fd, options);
}
