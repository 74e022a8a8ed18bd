/* SPDX-License-Identifier: MIT */
/* datagram.c - a datagram endpoint's life (asyncio.DatagramTransport)
 *
 * Idea.       An endpoint is a socket and two queues of calls that wait. All
 *             datagrams wait in the kernel; each call has an operation on the
 *             stack of its task, so that nothing is kept here and nothing is
 *             copied twice.
 *
 *                 receivers --> call(task a) --> call(task b)
 *                 senders   --> call(task c)
 *
 * Close.      The handle ends at once, every operation is cancelled; the fd
 *             goes with the last call that leaves. One that has won the race
 *             against the cancel brings its datagram all the same.
 */
#include "net/datagram.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"

_Static_assert(sizeof(struct acioi_datagram) <= SLOT_BYTES,
    "an endpoint should fit into its slot");

struct acioi_datagram *
acioi_datagram_new(struct acioi_net *net, int fd)
{
    struct acioi_slot *slot = acioi_slot_take(net, ACIOI_SLOT_DATAGRAM);
    if (!slot)
        return NULL;
    struct acioi_datagram *datagram = (struct acioi_datagram *)slot;
    datagram->fd = fd;
    acioi_list_init(&datagram->receivers);
    acioi_list_init(&datagram->senders);
    acioi_list_init(&datagram->reports);
    return datagram;
}

static int
get_number(acio_loop *loop, int fd, int name, int *out)
{
    socklen_t length = sizeof *out;
    return loop->backend->getsockopt(loop, fd, SOL_SOCKET, name, out, &length);
}

static int
check_socket(acio_loop *loop, int fd, int *family)
{
    int type;
    int err = get_number(loop, fd, SO_TYPE, &type);
    if (err == 0 && type != SOCK_DGRAM)
        err = -EPROTOTYPE;
    return err < 0 ? err : get_number(loop, fd, SO_DOMAIN, family);
}

/* A simulated socket is no fd, and never blocks. */
static void
set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int
acio_open_datagram_socket(acio_datagram **out, int fd)
{
    acio_loop *loop = acioi_running_loop;
    int family;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!loop)
        return -ACIO_ENOLOOP;
    int err = check_socket(loop, fd, &family);
    if (err < 0)
        return err;
    struct acioi_net *net = acioi_net_of(loop);
    struct acioi_datagram *datagram = net ? acioi_datagram_new(net, fd) : NULL;
    if (!datagram)
        return -ENOMEM;
    struct acio_address peer;
    datagram->family = family;
    datagram->connected = acioi_address_ask(&peer, loop, fd,
                              loop->backend->getpeername) == 0;
    set_nonblocking(fd);
    *out = acioi_slot_handle(&datagram->slot);
    return 0;
}

/* ---- calls ---- */

static bool
is_closed(const struct acioi_datagram *datagram)
{
    return datagram->slot.number == 0;
}

struct acioi_datagram *
acioi_datagram_begin(const acio_datagram *handle, const char *what, int *err)
{
    struct acioi_datagram *datagram = acioi_datagram_of(handle, err);
    if (datagram && !acioi_current()) {
        *err = acioi_no_task(what);
        return NULL;
    }
    return datagram;
}

void
acioi_datagram_use(struct acioi_datagram *datagram)
{
    datagram->users++;
}

bool
acioi_datagram_unuse(struct acioi_datagram *datagram)
{
    datagram->users--;
    if (!is_closed(datagram))
        return false;
    if (datagram->users > 0)
        return true;
    if (datagram->closer)
        acioi_wake(datagram->closer);
    else
        acioi_datagram_drop(datagram);
    return true;
}

ssize_t
acioi_datagram_await(struct acioi_datagram *datagram, struct acioi_call *call,
    struct acio_link *queue)
{
    call->nudged = false;
    if (queue)
        acioi_list_push_back(queue, &call->link);
    acioi_datagram_use(datagram);
    ssize_t result = acio_await_op(&call->op);
    if (queue)
        acioi_list_remove(&call->link);
    /* who was nudged and has another end now leaves the report to the next */
    if (datagram->report_count > 0 && (result >= 0 || acioi_current()->pending))
        acioi_datagram_nudge(datagram);
    bool closed = acioi_datagram_unuse(datagram);
    if (result < 0 && closed)
        return -ACIO_ECLOSED;
    return result == -ECANCELED && call->nudged ? -EAGAIN : result;
}

/* ---- the end ---- */

void
acioi_datagram_drop(struct acioi_datagram *datagram)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    loop->backend->close_fd(loop, datagram->fd);
    acioi_reports_free(datagram);
    acioi_slot_give(&datagram->slot);
}

static void
cancel_calls(struct acio_link *queue)
{
    struct acio_link *link = queue->next;
    while (link != queue) {
        struct acioi_call *call = acioi_container_of(link, struct acioi_call,
            link);
        link = link->next;
        call->nudged = true;
        acio_op_cancel(&call->op);
        if (call->waiting)
            acioi_wake(call->waiting);
    }
}

static void
end_handle(struct acioi_datagram *datagram)
{
    datagram->slot.number = 0;
    cancel_calls(&datagram->receivers);
    cancel_calls(&datagram->senders);
}

int
acio_datagram_close(acio_datagram *handle)
{
    if (!handle)
        return 0;
    int err;
    struct acioi_datagram *datagram = acioi_datagram_begin(handle, __func__,
        &err);
    if (!datagram)
        return err;
    struct acioi_task *task = acioi_current();
    (void)acioi_check(task); /* counted; it closes whatever is pending */
    end_handle(datagram);
    datagram->closer = task;
    while (datagram->users > 0)
        acioi_park_shielded(NULL, "datagram.close", datagram);
    acioi_datagram_drop(datagram);
    return 0;
}

void
acio_datagram_abort(acio_datagram *handle)
{
    int err;
    struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return;
    end_handle(datagram);
    if (datagram->users == 0)
        acioi_datagram_drop(datagram);
}

/* ---- properties ---- */

static int
ask_address(acio_datagram *handle, bool peer, struct acio_address *out)
{
    int err;
    const struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    acio_loop *loop = acioi_datagram_loop(datagram);
    return acioi_address_ask(out, loop, datagram->fd,
        peer ? loop->backend->getpeername : loop->backend->getsockname);
}

int
acio_datagram_sock_address(acio_datagram *handle, struct acio_address *out)
{
    return ask_address(handle, false, out);
}

int
acio_datagram_peer_address(acio_datagram *handle, struct acio_address *out)
{
    return ask_address(handle, true, out);
}

int
acio_datagram_port(acio_datagram *handle)
{
    struct acio_address address;
    int err = acio_datagram_sock_address(handle, &address);
    return err < 0 ? err : acio_address_port(&address);
}

int
acio_datagram_fd(acio_datagram *handle)
{
    int err;
    const struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    return datagram ? datagram->fd : err;
}
