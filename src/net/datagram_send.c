/* SPDX-License-Identifier: MIT */
/* datagram_send.c - sending datagrams
 *
 * Idea.       The kernel takes a datagram at once or not at all. Where its
 *             buffer is full the task waits for room; nothing is queued on
 *             this side, so a sender goes as fast as the network.
 *
 * Unix.       A Unix socket that sends to a name learns by EAGAIN that the
 *             receiver's queue is full, yet poll(2) calls it writable all the
 *             while: there is nothing to wait for. It tries again after 1, 2,
 *             4 ... 16 milliseconds.
 */
#include "net/datagram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { BATCH = 32 };

static const double first_pause = 0.001, last_pause = 0.016;

/* Sends what can be sent now: how many, or why not the first. An error of an
 * earlier datagram is not this one's, where somebody else is told of it. */
static int
try_send(struct acioi_datagram *datagram, struct mmsghdr *messages, int count)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    int n;
    do {
        n = loop->backend->sendmmsg(loop, datagram->fd, messages,
            (unsigned)count, 0);
    } while (n < 0 && n != -EAGAIN && acioi_datagram_put_aside(datagram));
    return n;
}

/* The same, unless others wait for their turn. */
static int
send_now(struct acioi_datagram *datagram, struct mmsghdr *messages, int count)
{
    if (!acioi_list_empty(&datagram->senders))
        return -EAGAIN;
    return try_send(datagram, messages, count);
}

/* ---- waiting for room ---- */

/* Until the call is the first of those who send; 0, or why it leaves. */
static int
await_turn(struct acioi_datagram *datagram, struct acioi_call *call)
{
    struct acioi_task *task = acioi_current();
    int reason = acioi_check(task);
    while (!reason && !call->nudged &&
        acioi_list_first(&datagram->senders) != &call->link) {
        call->waiting = task;
        reason = acioi_park_with(task, acioi_interrupt_wake, "datagram.send",
            datagram);
        call->waiting = NULL;
    }
    return reason;
}

static void
leave_turn(struct acioi_datagram *datagram, struct acioi_call *call)
{
    acioi_list_remove(&call->link);
    struct acio_link *next = acioi_list_first(&datagram->senders);
    if (!next)
        return;
    call = acioi_container_of(next, struct acioi_call, link);
    if (call->waiting)
        acioi_wake(call->waiting);
}

/* Not by an operation that sends, which would meet the errors of earlier
 * datagrams: see try_send. */
static int
send_in_turn(struct acioi_datagram *datagram, struct acioi_call *call,
    struct mmsghdr *message)
{
    int err = await_turn(datagram, call);
    while (err == 0) {
        if (datagram->slot.number == 0)
            return -ACIO_ECLOSED;
        err = try_send(datagram, message, 1);
        if (err != -EAGAIN)
            break;
        acio_op_poll(&call->op, datagram->fd, POLLOUT);
        ssize_t result = acioi_datagram_await(datagram, call, NULL);
        err = result < 0 ? (int)result : 0;
    }
    return err < 0 ? err : 0;
}

static int
send_when_ready(struct acioi_datagram *datagram, struct mmsghdr *message)
{
    struct acioi_call call;
    memset(&call, 0, sizeof call);
    acioi_list_push_back(&datagram->senders, &call.link);
    acioi_datagram_use(datagram);
    int err = send_in_turn(datagram, &call, message);
    leave_turn(datagram, &call);
    return acioi_datagram_unuse(datagram) && err < 0 ? -ACIO_ECLOSED : err;
}

static int
send_by_and_by(struct acioi_datagram *datagram, struct mmsghdr *message)
{
    double pause = first_pause;
    for (;;) {
        acioi_datagram_use(datagram);
        int err = acio_sleep(pause);
        if (acioi_datagram_unuse(datagram))
            return -ACIO_ECLOSED;
        if (err == 0)
            err = try_send(datagram, message, 1);
        if (err != -EAGAIN)
            return err < 0 ? err : 0;
        pause = pause < last_pause ? pause * 2 : last_pause;
    }
}

/* The kernel had no room for this one: waits until it is sent. */
static int
send_later(struct acioi_datagram *datagram, struct mmsghdr *message)
{
    if (datagram->family == AF_UNIX && message->msg_hdr.msg_name)
        return send_by_and_by(datagram, message);
    return send_when_ready(datagram, message);
}

/* ---- sending ---- */

static void
set_message(struct mmsghdr *message, struct iovec *piece,
    const struct acio_address *to)
{
    acioi_message_set(&message->msg_hdr, piece, NULL);
    if (to && to->length > 0) {
        message->msg_hdr.msg_name = (void *)&to->as;
        message->msg_hdr.msg_namelen = to->length;
    }
}

int
acio_sendto_nowait(acio_datagram *handle, const void *data, size_t n,
    const struct acio_address *to)
{
    int err;
    struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    struct iovec piece = { (void *)data, n };
    struct mmsghdr message;
    set_message(&message, &piece, to);
    err = send_now(datagram, &message, 1);
    return err < 0 ? err : 0;
}

int
acio_sendto(acio_datagram *handle, const void *data, size_t n,
    const struct acio_address *to)
{
    int err;
    struct acioi_datagram *datagram = acioi_datagram_begin(handle, __func__,
        &err);
    if (!datagram)
        return err;
    struct acioi_task *task = acioi_current();
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    struct iovec piece = { (void *)data, n };
    struct mmsghdr message;
    set_message(&message, &piece, to);
    err = send_now(datagram, &message, 1);
    if (err == -EAGAIN)
        return send_later(datagram, &message);
    acioi_charge(task);
    return err < 0 ? err : 0;
}

/* ---- many ---- */

/* Some of them, one at least: how many, or an error. */
static int
send_some(struct acioi_datagram *datagram,
    const struct acio_datagram_message *messages, int count)
{
    struct mmsghdr headers[BATCH];
    struct iovec pieces[BATCH];
    if (count > BATCH)
        count = BATCH;
    for (int i = 0; i < count; i++) {
        pieces[i] = (struct iovec){ messages[i].data, messages[i].bytes };
        set_message(&headers[i], &pieces[i], &messages[i].address);
    }
    int n = send_now(datagram, headers, count);
    if (n != -EAGAIN)
        return n;
    n = send_later(datagram, &headers[0]);
    return n < 0 ? n : 1;
}

int
acio_send_batch(acio_datagram *handle,
    const struct acio_datagram_message *messages, int count)
{
    int err, sent = 0;
    struct acioi_datagram *datagram = acioi_datagram_begin(handle, __func__,
        &err);
    if (!datagram)
        return err;
    struct acioi_task *task = acioi_current();
    err = acioi_check(task);
    while (err == 0 && sent < count) {
        int n = send_some(datagram, messages + sent, count - sent);
        if (n < 0)
            err = n;
        else
            sent += n;
        if (!acioi_datagram_of(handle, &n))
            break; /* closed meanwhile */
    }
    acioi_charge(task);
    return sent > 0 ? sent : err;
}
