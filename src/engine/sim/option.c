/* SPDX-License-Identifier: MIT */
/* option.c - getsockopt and setsockopt
 *
 * Idea.  A few options mean something here; every other one is accepted and
 *        remembered, so that a program reads back what it has set. One never
 *        set reads as the integer 0.
 */
#include "sim.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "../../base/alloc.h"

enum { LARGEST_OPTION = 256, SMALLEST_BUFFER = 1 };

static int
copy_out(const void *from, socklen_t bytes, void *value, socklen_t *length)
{
    if (*length > bytes)
        *length = bytes;
    memcpy(value, from, *length);
    return 0;
}

/* ---- remembering ---- */

static struct sim_option *
find(const struct sim_socket *socket, int level, int name)
{
    struct acio_link *link = socket->options.next;
    for (; link != &socket->options; link = link->next) {
        struct sim_option *option = acioi_container_of(link, struct sim_option,
            link);
        if (option->level == level && option->name == name)
            return option;
    }
    return NULL;
}

static int
remember(struct sim_socket *socket, int level, int name, const void *value,
    socklen_t length)
{
    if (length > LARGEST_OPTION)
        return -EINVAL;
    struct sim_option *option = acioi_alloc(sizeof *option + length);
    if (!option)
        return -ENOBUFS;
    option->level = level;
    option->name = name;
    option->length = length;
    if (length > 0)
        memcpy(option->value, value, length);
    struct sim_option *before = find(socket, level, name);
    if (before) {
        acioi_list_remove(&before->link);
        acioi_free(before);
    }
    acioi_list_push_back(&socket->options, &option->link);
    return 0;
}

/* ---- getsockopt ---- */

static int
recall(const struct sim_socket *socket, int level, int name, void *value,
    socklen_t *length)
{
    static const int zero;
    const struct sim_option *option = find(socket, level, name);
    if (!option)
        return copy_out(&zero, sizeof zero, value, length);
    return copy_out(option->value, option->length, value, length);
}

/* Those that the socket knows without having been told; false: none. */
static bool
get_own(struct sim_socket *socket, int name, int *number)
{
    switch (name) {
    case SO_ERROR:
        *number = acioi_sim_take_error(socket);
        return true;
    case SO_TYPE:
        *number = socket->type;
        return true;
    case SO_DOMAIN:
        *number = socket->family;
        return true;
    case SO_PROTOCOL:
        *number = socket->protocol;
        return true;
    case SO_ACCEPTCONN:
        *number = socket->state == SIM_LISTENING;
        return true;
    case SO_RCVBUF:
        *number = (int)socket->receive_limit;
        return true;
    case SO_SNDBUF:
        *number = (int)socket->send_limit;
        return true;
    default:
        return false;
    }
}

static int
get_memory(const struct sim_socket *socket, void *value, socklen_t *length)
{
    uint32_t info[SK_MEMINFO_VARS] = { 0 };
    info[SK_MEMINFO_RMEM_ALLOC] = (uint32_t)socket->arrived_bytes;
    info[SK_MEMINFO_RCVBUF] = (uint32_t)socket->receive_limit;
    info[SK_MEMINFO_SNDBUF] = (uint32_t)socket->send_limit;
    info[SK_MEMINFO_DROPS] = socket->drops;
    return copy_out(info, sizeof info, value, length);
}

int
acioi_sim_getsockopt(acio_loop *loop, int fd, int level, int name, void *value,
    socklen_t *length)
{
    struct sim_socket *socket = acioi_sim_socket(acioi_sim_of(loop), fd);
    int number;
    if (!socket)
        return acioi_os_getsockopt(loop, fd, level, name, value, length);
    if (level == SOL_SOCKET && name == SO_MEMINFO)
        return get_memory(socket, value, length);
    if (level == SOL_SOCKET && get_own(socket, name, &number))
        return copy_out(&number, sizeof number, value, length);
    return recall(socket, level, name, value, length);
}

/* ---- setsockopt ---- */

static void
apply_linger(struct sim_socket *socket, const void *value, socklen_t length)
{
    struct linger linger = { 0 };
    if (length < sizeof linger)
        return;
    memcpy(&linger, value, sizeof linger);
    socket->linger_reset = linger.l_onoff && linger.l_linger == 0;
}

static void
apply_socket_option(struct sim_socket *socket, int name, int number)
{
    size_t bytes = number > SMALLEST_BUFFER ? (size_t)number : SMALLEST_BUFFER;
    switch (name) {
    case SO_REUSEADDR:
        socket->reuse_address = number;
        break;
    case SO_REUSEPORT:
        socket->reuse_port = number;
        break;
    case SO_RCVBUF:
        socket->receive_limit = bytes;
        break;
    case SO_SNDBUF:
        socket->send_limit = bytes;
        break;
    case SO_BROADCAST:
        socket->broadcast = number;
        break;
    }
}

static void
apply_network_option(struct sim_socket *socket, int level, int name, int number)
{
    bool in6 = level == IPPROTO_IPV6;
    if (in6 && name == IPV6_V6ONLY)
        socket->v6_only = number;
    else if (name == (in6 ? IPV6_RECVERR : IP_RECVERR))
        socket->report_errors = number;
    else if (name == (in6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP))
        socket->no_multicast_loop = !number;
}

static bool
is_membership(int level, int name)
{
    return (level == IPPROTO_IP || level == IPPROTO_IPV6) &&
        (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP);
}

static bool
is_read_only(int level, int name)
{
    return level == SOL_SOCKET &&
        (name == SO_ERROR || name == SO_TYPE || name == SO_DOMAIN ||
            name == SO_PROTOCOL || name == SO_ACCEPTCONN);
}

int
acioi_sim_setsockopt(acio_loop *loop, int fd, int level, int name,
    const void *value, socklen_t length)
{
    struct sim_socket *socket = acioi_sim_socket(acioi_sim_of(loop), fd);
    int number = 0;
    if (!socket)
        return acioi_os_setsockopt(loop, fd, level, name, value, length);
    if (is_read_only(level, name))
        return -ENOPROTOOPT;
    if (!value && length > 0)
        return -EFAULT;
    if (is_membership(level, name))
        return acioi_sim_change_group(socket, name == MCAST_JOIN_GROUP, value,
            length);
    if (length >= sizeof number)
        memcpy(&number, value, sizeof number);
    int err = remember(socket, level, name, value, length);
    if (err < 0)
        return err;
    if (level == SOL_SOCKET && name == SO_LINGER)
        apply_linger(socket, value, length);
    else if (level == SOL_SOCKET)
        apply_socket_option(socket, name, number);
    else if (level == IPPROTO_IP || level == IPPROTO_IPV6)
        apply_network_option(socket, level, name, number);
    return 0;
}
