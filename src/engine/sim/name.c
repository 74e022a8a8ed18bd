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

bool
acioi_sim_is_wildcard(const struct sim_name *name)
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

struct acio_link *
acioi_sim_neighbours(struct sim *sim, const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_UNIX)
        return &sim->names[0];
    return &sim->names[ntohs(port_of(name)) % SIM_NAME_LISTS];
}

bool
acioi_sim_covers(const struct sim_socket *socket, const struct sim_name *to)
{
    const struct sim_name *own = &socket->local;
    if ((socket->family == AF_UNIX) != (to->as.any.sa_family == AF_UNIX))
        return false;
    if (socket->family == AF_UNIX)
        return own->length == to->length &&
            memcmp(&own->as, &to->as, own->length) == 0;
    if (port_of(own) != port_of(to))
        return false;
    if (acioi_sim_is_wildcard(own))
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
    const struct acio_link *names = acioi_sim_neighbours(sim, &socket->local);
    const struct acio_link *link = names->next;
    for (; link != names; link = link->next) {
        const struct sim_socket *other = acioi_container_of(link,
            struct sim_socket, named);
        if (other == socket || other->type != socket->type)
            continue;
        if (!acioi_sim_covers(other, &socket->local) &&
            !acioi_sim_covers(socket, &other->local))
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
        acioi_list_push_back(acioi_sim_neighbours(sim, &socket->local),
            &socket->named);
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
    const struct acio_link *names = acioi_sim_neighbours(sim, to);
    struct acio_link *link = names->next;
    for (; link != names; link = link->next) {
        struct sim_socket *socket = acioi_container_of(link, struct sim_socket,
            named);
        if (socket->type != from->type || !acioi_sim_covers(socket, to))
            continue;
        *error = ECONNREFUSED;
        if (socket->state != SIM_LISTENING)
            continue;
        if (!found || socket->family == AF_UNIX ||
            !acioi_sim_is_wildcard(&socket->local))
            found = socket;
    }
    return found;
}

/* ---- datagrams ---- */

unsigned
acioi_sim_port(const struct sim_name *name)
{
    return ntohs(port_of(name));
}

bool
acioi_sim_same_name(const struct sim_name *a, const struct sim_name *b)
{
    if (a->length == 0 || b->length == 0)
        return false;
    if ((a->as.any.sa_family == AF_UNIX) != (b->as.any.sa_family == AF_UNIX))
        return false;
    if (a->as.any.sa_family == AF_UNIX)
        return a->length == b->length && memcmp(&a->as, &b->as, a->length) == 0;
    struct in6_addr x = ip_of(a), y = ip_of(b);
    return port_of(a) == port_of(b) && memcmp(&x, &y, sizeof x) == 0;
}

static uint32_t
ipv4_of(const struct sim_name *name)
{
    struct in6_addr ip = ip_of(name);
    uint32_t in;
    memcpy(&in, &ip.s6_addr[12], sizeof in);
    return ntohl(in);
}

bool
acioi_sim_is_multicast(const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_UNIX)
        return false;
    if (is_ipv4(name))
        return IN_MULTICAST(ipv4_of(name));
    return IN6_IS_ADDR_MULTICAST(&name->as.in6.sin6_addr);
}

/* Everybody's, and that of the loopback network. */
bool
acioi_sim_is_broadcast(const struct sim_name *name)
{
    if (name->as.any.sa_family == AF_UNIX || !is_ipv4(name))
        return false;
    return ipv4_of(name) == INADDR_BROADCAST || ipv4_of(name) == 0x7fffffff;
}

static struct sim_name
loopback(int family)
{
    struct sim_name name = { .as.any.sa_family = (sa_family_t)family };
    if (family == AF_INET6) {
        name.length = sizeof name.as.in6;
        name.as.in6.sin6_addr = in6addr_loopback;
    } else {
        name.length = sizeof name.as.in;
        name.as.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return name;
}

/* A wildcard sends from the address that it sends to: all are this machine's.
 */
struct sim_name
acioi_sim_name_towards(const struct sim_socket *socket,
    const struct sim_name *to)
{
    if (socket->family == AF_UNIX || !acioi_sim_is_wildcard(&socket->local))
        return socket->local;
    bool many = acioi_sim_is_multicast(to) || acioi_sim_is_broadcast(to);
    struct sim_name name = many ? loopback(is_ipv4(to) ? AF_INET : AF_INET6)
                                : *to;
    set_port(&name, acioi_sim_port(&socket->local));
    return name;
}

/* How well a socket fits, as in Linux: a connected one before one that has the
 * very address, and that before a wildcard; 0: not at all. */
static int
fitness(const struct sim_socket *socket, const struct sim_name *to,
    const struct sim_name *from)
{
    if (socket->type != SOCK_DGRAM || !acioi_sim_covers(socket, to))
        return 0;
    bool connected = socket->state == SIM_CONNECTED;
    if (connected && !acioi_sim_same_name(&socket->remote, from))
        return 0;
    bool exact = socket->family == AF_UNIX ||
        !acioi_sim_is_wildcard(&socket->local);
    return 1 + 2 * connected + exact;
}

/* Those who share a port by SO_REUSEPORT get a sender each. */
struct sim_socket *
acioi_sim_find_receiver(struct sim *sim, const struct sim_name *to,
    const struct sim_name *from)
{
    struct acio_link *names = acioi_sim_neighbours(sim, to);
    bool internet = from->length > 0 && from->as.any.sa_family != AF_UNIX;
    unsigned turn = internet ? acioi_sim_port(from) : 0;
    int best = 0;
    unsigned count = 0;
    for (struct acio_link *link = names->next; link != names;
         link = link->next) {
        int fits = fitness(acioi_container_of(link, struct sim_socket, named),
            to, from);
        if (fits > best)
            count = 0;
        best = fits > best ? fits : best;
        count += best > 0 && fits == best;
    }
    unsigned skip = count > 0 ? turn % count : 0;
    for (struct acio_link *link = names->next; link != names && count > 0;
         link = link->next) {
        struct sim_socket *socket = acioi_container_of(link, struct sim_socket,
            named);
        if (fitness(socket, to, from) == best && skip-- == 0)
            return socket;
    }
    return NULL;
}
