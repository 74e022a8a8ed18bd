/* SPDX-License-Identifier: MIT */
/* datagram_group.c - multicast
 *
 * Idea.  The kernel's options, by the name of an interface and an address in
 *        digits. An IPv6 socket that IPv4 may use is told the same for both.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "net/datagram.h"

/* On the simulator every interface is the same one. */
static int
find_interface(const acio_loop *loop, const char *name, unsigned *out)
{
    *out = 0;
    if (!name)
        return 0;
    *out = loop->backend == &acioi_backend_sim ? 1 : if_nametoindex(name);
    return *out ? 0 : -ENODEV;
}

static bool
is_group(const struct acio_address *address)
{
    if (address->as.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&address->as.in6.sin6_addr);
    return IN_MULTICAST(ntohl(address->as.in.sin_addr.s_addr));
}

static int
change_membership(acio_datagram *handle, const char *group,
    const char *interface, int name)
{
    int err;
    const struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    acio_loop *loop = acioi_datagram_loop(datagram);
    struct acio_address address;
    if (!group || acio_address_parse(&address, group, 0) < 0 ||
        !is_group(&address))
        return -EINVAL;
    unsigned index;
    err = find_interface(loop, interface, &index);
    if (err < 0)
        return err;
    struct group_req request;
    memset(&request, 0, sizeof request);
    request.gr_interface = index;
    memcpy(&request.gr_group, &address.as, sizeof request.gr_group);
    bool in6 = address.as.any.sa_family == AF_INET6;
    return loop->backend->setsockopt(loop, datagram->fd,
        in6 ? IPPROTO_IPV6 : IPPROTO_IP, name, &request, sizeof request);
}

int
acio_datagram_join(acio_datagram *handle, const char *group,
    const char *interface)
{
    return change_membership(handle, group, interface, MCAST_JOIN_GROUP);
}

int
acio_datagram_leave(acio_datagram *handle, const char *group,
    const char *interface)
{
    return change_membership(handle, group, interface, MCAST_LEAVE_GROUP);
}

/* ---- how it leaves ---- */

static int
set(const struct acioi_datagram *datagram, int level, int name, int value)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    return loop->backend->setsockopt(loop, datagram->fd, level, name, &value,
        sizeof value);
}

static int
set_in(const struct acioi_datagram *datagram, unsigned index, int ttl,
    bool loops)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    const struct ip_mreqn by = { .imr_ifindex = (int)index };
    int err = loop->backend->setsockopt(loop, datagram->fd, IPPROTO_IP,
        IP_MULTICAST_IF, &by, sizeof by);
    if (err == 0)
        err = set(datagram, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
    if (err == 0)
        err = set(datagram, IPPROTO_IP, IP_MULTICAST_LOOP, loops);
    return err;
}

static int
set_in6(const struct acioi_datagram *datagram, unsigned index, int ttl,
    bool loops)
{
    int err = set(datagram, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
    if (err == 0)
        err = set(datagram, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl);
    if (err == 0)
        err = set(datagram, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loops);
    return err;
}

int
acio_datagram_set_multicast(acio_datagram *handle,
    const struct acio_multicast_options *options)
{
    int err;
    const struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    unsigned index;
    err = find_interface(acioi_datagram_loop(datagram), options->interface,
        &index);
    if (err < 0)
        return err;
    int ttl = options->ttl == 0 ? 1 : options->ttl < 0 ? 0 : options->ttl;
    if (ttl > 255)
        return -EINVAL;
    err = set_in(datagram, index, ttl, !options->no_loop);
    if (datagram->family == AF_INET6)
        err = set_in6(datagram, index, ttl, !options->no_loop);
    return err;
}
