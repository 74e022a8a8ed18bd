/* SPDX-License-Identifier: MIT */
/* address_public.c - addresses in the hands of users: <acio/address.h> */
#include <acio/address.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "net/net.h"

int
acio_address_parse(struct acio_address *out, const char *digits, int port)
{
    memset(out, 0, sizeof *out);
    if (!digits || !acioi_port_is_valid(port))
        return -EINVAL;
    int err = acioi_address_parse(out, digits, port);
    if (err < 0)
        memset(out, 0, sizeof *out);
    return err;
}

int
acio_address_resolve(struct acio_address *out, const char *host, int port,
    int family)
{
    memset(out, 0, sizeof *out);
    if (!acioi_current())
        return acioi_no_task(__func__);
    if (!acioi_port_is_valid(port))
        return -EINVAL;
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    struct acioi_query query = { .host = host, .port = port, .family = family };
    struct acioi_addresses *addresses;
    if (!net)
        return -ENOMEM;
    int err = acioi_checkpoint();
    if (err == 0)
        err = acioi_resolve(net, &query, &addresses);
    if (err < 0)
        return err;
    *out = addresses->list[0];
    acioi_free(addresses);
    return 0;
}

/* ---- to text ---- */

int
acio_address_write(const struct acio_address *address, char *buf, size_t size)
{
    static const struct acio_address none = { .as.any.sa_family = AF_UNIX };
    return acioi_address_write(address->length > 0 ? address : &none, buf,
        size);
}

/* ---- ports and comparing ---- */

int
acio_address_port(const struct acio_address *address)
{
    return address->length > 0 ? acioi_address_port(address) : 0;
}

static bool
equal_in6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port &&
        a->sin6_scope_id == b->sin6_scope_id &&
        memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
}

bool
acio_address_equal(const struct acio_address *a, const struct acio_address *b)
{
    if (a->length != b->length)
        return false;
    if (a->length == 0)
        return true;
    if (a->as.any.sa_family != b->as.any.sa_family)
        return false;
    switch (a->as.any.sa_family) {
    case AF_INET:
        return a->as.in.sin_port == b->as.in.sin_port &&
            a->as.in.sin_addr.s_addr == b->as.in.sin_addr.s_addr;
    case AF_INET6:
        return equal_in6(&a->as.in6, &b->as.in6);
    default:
        return memcmp(&a->as, &b->as, a->length) == 0;
    }
}
