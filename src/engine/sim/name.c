/* SPDX-License-Identifier: MIT */
/* name.c - addresses: who is bound where
 *
 * Idea.   The simulated network is one machine to which every address
 *         belongs: a program can bind to 192.0.2.1 and play that host. Bound
 *         sockets are kept in lists by the low bits of their port; Unix
 *         sockets share one.
 *
 * IPv4 and IPv6 are one space: an IPv6 wildcard is IPv4's too, unless
 * IPV6_V6ONLY is set. Paths of Unix sockets exist in here, not on disk.
 */
#include "sim.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_PORT = 32768, LAST_PORT = 60999 };

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };

/* ---- reading and writing ---- */

static int
read_path(struct sim_name *name, const struct sockaddr *address,
    socklen_t length)
{
    if (length > sizeof name->as.un)
        return -EINVAL;
    memcpy(&name->as.un, address, length);
    name->length = length;
    /* a path ends at its first zero; an abstract name has its own length */
    size_t room = length - PATH_AT;
    if (room > 0 && name->as.un.sun_path[0])
        name->length = (socklen_t)(PATH_AT +
            strnlen(name->as.un.sun_path, room));
    return 0;
}

int
acioi_sim_name_read(struct sim_name *name, int family,
    const struct sockaddr *address, socklen_t length)
{
    memset(name, 0, sizeof *name);
    if (!address || length < sizeof address->sa_family)
        return -EINVAL;
    if (address->sa_family != family)
        return -EAFNOSUPPORT;
    if (family == AF_UNIX)
        return read_path(name, address, length);
    name->length = family == AF_INET ? sizeof name->as.in : sizeof name->as.in6;
    if (length < name->length)
        return -EINVAL;
    memcpy(&name->as, address, name->length);
    return 0;
}

void
acioi_sim_name_write(const struct sim_name *name, int family,
    struct sockaddr *address, socklen_t *length)
{
    struct sim_name none = { .as.any.sa_family = (sa_family_t)family };
    none.length = family == AF_UNIX ? PATH_AT
        : family == AF_INET         ? sizeof none.as.in
                                    : sizeof none.as.in6;
    if (!address || !length)
        return;
    if (name->length == 0)
        name = &none;
    size_t bytes = *length < name->length ? *length : name->length;
    memcpy(address, &name->as, bytes);
    *length = name->length;
}

/* ---- Internet addresses ---- */

static in_port_t
port_of(const struct sim_name *name)
{
    return name->as.any.sa_family == AF_INET ? name->as.in.sin_port
                                             : name->as.in6.sin6_port;
}

static void
set_port(struct sim_name *name, unsigned port)
{
    if (name->as.any.sa_family == AF_INET)
        name->as.in.sin_port = htons((uint16_t)port);
    else
        name->as.in6.sin6_port = htons((uint16_t)port);
}

static struct in6_addr
ip_of(const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_INET6)
        return name->as.in6.sin6_addr;
    struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(&mapped.s6_addr[12], &name->as.in.sin_addr, 4);
    return mapped;
}

static bool
is_wildcard(const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_INET)
        return name->as.in.sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&name->as.in6.sin6_addr);
}

static bool
is_ipv4(const struct sim_name *name)
{
    return name->as.any.sa_family == AF_INET ||
        IN6_IS_ADDR_V4MAPPED(&name->as.in6.sin6_addr);
}

struct sim_name
acioi_sim_name_for(int family, const struct sim_name *name)
{
    struct sim_name out = *name;
    if (name->length == 0 || name->as.any.sa_family == family)
        return out;
    memset(&out, 0, sizeof out);
    out.as.any.sa_family = (sa_family_t)family;
    struct in6_addr ip = ip_of(name);
    if (family == AF_INET6) {
        out.length = sizeof out.as.in6;
        out.as.in6.sin6_addr = ip;
    } else {
        out.length = sizeof out.as.in;
        memcpy(&out.as.in.sin_addr, &ip.s6_addr[12], 4);
    }
    set_port(&out, ntohs(port_of(name)));
    return out;
}

/* ---- who has a name ---- */

/* Where those are kept whom `name` could concern. */
static struct acio_link *
neighbours(struct sim *sim, const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_UNIX)
        return &sim->names[0];
    return &sim->names[ntohs(port_of(name)) % SIM_NAME_LISTS];
}

/* Whether what is sent to `to` is for the socket. */
static bool
covers(const struct sim_socket *socket, const struct sim_name *to)
{
    const struct sim_name *own = &socket->local;
    if ((socket->family == AF_UNIX) != (to->as.any.sa_family == AF_UNIX))
        return false;
    if (socket->family == AF_UNIX)
        return own->length == to->length &&
            memcmp(&own->as, &to->as, own->length) == 0;
    if (port_of(own) != port_of(to))
        return false;
    if (is_wildcard(own))
        return is_ipv4(to) ? socket->family == AF_INET || !socket->v6_only
                           : socket->family == AF_INET6;
    struct in6_addr a = ip_of(own), b = ip_of(to);
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool
may_share(const struct sim_socket *a, const struct sim_socket *b)
{
    if (a->reuse_port && b->reuse_port)
        return true;
    return a->reuse_address && b->reuse_address && a->state != SIM_LISTENING &&
        b->state != SIM_LISTENING;
}

static bool
is_taken(struct sim *sim, const struct sim_socket *socket)
{
    const struct acio_link *names = neighbours(sim, &socket->local);
    const struct acio_link *link = names->next;
    for (; link != names; link = link->next) {
        const struct sim_socket *other = acioi_container_of(link,
            struct sim_socket, named);
        if (other == socket || other->type != socket->type)
            continue;
        if (!covers(other, &socket->local) && !covers(socket, &other->local))
            continue;
        if (socket->family == AF_UNIX || !may_share(socket, other))
            return true;
    }
    return false;
}

static int
pick_port(struct sim *sim, struct sim_socket *socket)
{
    const unsigned ports = LAST_PORT - FIRST_PORT + 1;
    for (unsigned i = 0; i < ports; i++) {
        set_port(&socket->local, FIRST_PORT + sim->next_port);
        sim->next_port = (sim->next_port + 1) % ports;
        if (!is_taken(sim, socket))
            return 0;
    }
    return -EADDRINUSE;
}

/* As unix(7): an abstract name of five hexadecimal digits. */
static int
pick_path(struct sim *sim, struct sim_socket *socket)
{
    char *path = socket->local.as.un.sun_path;
    socket->local.length = PATH_AT + 6;
    for (unsigned i = 0; i < 0x100000; i++) {
        path[0] = '\0';
        snprintf(path + 1, 6, "%05x", i);
        if (!is_taken(sim, socket))
            return 0;
    }
    return -EADDRINUSE;
}

int
acioi_sim_bind(struct sim *sim, struct sim_socket *socket,
    const struct sim_name *name)
{
    if (socket->local.length > 0 || socket->state != SIM_FRESH)
        return -EINVAL;
    socket->local = *name;
    int err = 0;
    if (socket->family == AF_UNIX && name->length == PATH_AT)
        err = pick_path(sim, socket);
    else if (socket->family != AF_UNIX && port_of(name) == 0)
        err = pick_port(sim, socket);
    else if (is_taken(sim, socket))
        err = -EADDRINUSE;
    if (err < 0)
        socket->local.length = 0;
    else
        acioi_list_push_back(neighbours(sim, &socket->local), &socket->named);
    return err;
}

/* Every address is this machine's: what one sends to is also where one sends
 * from. */
int
acioi_sim_bind_any(struct sim *sim, struct sim_socket *socket,
    const struct sim_name *towards)
{
    if (socket->local.length > 0 || socket->family == AF_UNIX)
        return 0;
    struct sim_name name = { .as.any.sa_family = (sa_family_t)socket->family };
    if (towards)
        name = *towards;
    name.length = socket->family == AF_INET ? sizeof name.as.in
                                            : sizeof name.as.in6;
    set_port(&name, 0);
    return acioi_sim_bind(sim, socket, &name);
}

/* Whoever has the very address comes before a wildcard. */
struct sim_socket *
acioi_sim_find_listener(struct sim *sim, const struct sim_socket *from,
    int *error)
{
    const struct sim_name *to = &from->remote;
    struct sim_socket *found = NULL;
    *error = to->as.any.sa_family == AF_UNIX && to->as.un.sun_path[0]
        ? ENOENT
        : ECONNREFUSED;
    const struct acio_link *names = neighbours(sim, to);
    struct acio_link *link = names->next;
    for (; link != names; link = link->next) {
        struct sim_socket *socket = acioi_container_of(link, struct sim_socket,
            named);
        if (socket->type != from->type || !covers(socket, to))
            continue;
        *error = ECONNREFUSED;
        if (socket->state != SIM_LISTENING)
            continue;
        if (!found || socket->family == AF_UNIX || !is_wildcard(&socket->local))
            found = socket;
    }
    return found;
}
