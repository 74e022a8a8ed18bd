/* SPDX-License-Identifier: MIT */
/* datagram_receive.c - receiving datagrams, and what the network sends back
 *
 * Idea.       The operation of a call receives straight into the caller's
 *             memory; where the back end only queues it, recvmsg(2) is tried
 *             first, which saves a busy endpoint a pass for each. A batch
 *             awaits its first datagram like any call, and takes what else is
 *             there in one system call. (On io_uring a multishot receive into
 *             buffers of the ring was measured, too: at 100,000 datagrams a
 *             second each took as much of the processor, 2.1 microseconds
 *             against 2.0, and it would queue on this side.)
 *
 * Errors.     On a connected socket the kernel tells them by itself. On
 *             another one they lie in the socket's error queue (IP_RECVERR),
 *             and the next call, be it a send or a receive, fails to say so.
 *             They are for who receives: who sends puts them aside.
 *
 * Why aside.  A socket whose error queue is not empty is ready for ever, but
 *             only the first call after the error fails: a receive that came
 *             second would spin between "ready" and EAGAIN.
 *
 * Cancel.     An operation that wins the race against its cancel brings its
 *             datagram: none is lost.
 */
#include "net/datagram.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "base/alloc.h"

enum { BATCH = 32, MOST_REPORTS = 64 };

/* ---- what the network sends back ---- */

static const struct sock_extended_err *
find_error(struct msghdr *header)
{
    struct cmsghdr *at = CMSG_FIRSTHDR(header);
    for (; at; at = CMSG_NXTHDR(header, at)) {
        bool in = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR;
        bool in6 = at->cmsg_level == IPPROTO_IPV6 &&
            at->cmsg_type == IPV6_RECVERR;
        if (in || in6)
            return (const void *)CMSG_DATA(at);
    }
    return NULL;
}

/* Takes the first of the error queue, with the address it is about: what it
 * was (an errno), or 0 where the queue is empty. Those of our own making are
 * told by the call that made them, and are passed over. There is room for a
 * byte of the datagram: emulators answer a call without any by themselves,
 * and for ever. */
static int
take_queued(struct acioi_datagram *datagram, struct acio_address *about)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    for (;;) {
        _Alignas(struct cmsghdr) char control[512];
        char byte;
        struct iovec piece = { &byte, 1 };
        struct mmsghdr message = { .msg_hdr.msg_control = control,
            .msg_hdr.msg_controllen = sizeof control,
            .msg_hdr.msg_iov = &piece,
            .msg_hdr.msg_iovlen = 1,
            .msg_hdr.msg_name = &about->as,
            .msg_hdr.msg_namelen = sizeof about->as };
        int n = loop->backend->recvmmsg(loop, datagram->fd, &message, 1,
            MSG_ERRQUEUE);
        if (n < 1)
            return 0;
        const struct sock_extended_err *error = find_error(&message.msg_hdr);
        if (!error)
            return 0;
        if (error->ee_origin == SO_EE_ORIGIN_LOCAL)
            continue;
        about->length = message.msg_hdr.msg_namelen;
        return (int)error->ee_errno;
    }
}

void
acioi_datagram_nudge(struct acioi_datagram *datagram)
{
    struct acio_link *link = datagram->receivers.next;
    for (; link != &datagram->receivers; link = link->next) {
        struct acioi_call *call = acioi_container_of(link, struct acioi_call,
            link);
        if (call->nudged)
            continue;
        call->nudged = true;
        acio_op_cancel(&call->op);
        return;
    }
}

static void
keep_report(struct acioi_datagram *datagram, int error,
    const struct acio_address *about)
{
    struct acioi_report *report = datagram->report_count < MOST_REPORTS
        ? acioi_alloc(sizeof *report)
        : NULL;
    if (!report)
        return;
    report->error = error;
    report->about = *about;
    acioi_list_push_back(&datagram->reports, &report->link);
    datagram->report_count++;
}

bool
acioi_datagram_put_aside(struct acioi_datagram *datagram)
{
    struct acio_address about;
    if (!datagram->report_errors)
        return false;
    int error = take_queued(datagram, &about);
    if (error == 0)
        return false;
    keep_report(datagram, error, &about);
    acioi_datagram_nudge(datagram);
    return true;
}

static int
take_report(struct acioi_datagram *datagram, struct acio_address *about)
{
    struct acio_link *link = acioi_list_pop_front(&datagram->reports);
    if (!link)
        return 0;
    struct acioi_report *report = acioi_container_of(link, struct acioi_report,
        link);
    int error = report->error;
    *about = report->about;
    acioi_free(report);
    datagram->report_count--;
    return error;
}

void
acioi_reports_free(struct acioi_datagram *datagram)
{
    struct acio_address about;
    while (datagram->report_count > 0)
        (void)take_report(datagram, &about);
}

/* A receive has failed: `err` in the words of the error queue, if it knows
 * more. */
static int
explain(struct acioi_datagram *datagram, int err, struct acio_address *about)
{
    about->length = 0;
    if (datagram->connected) {
        acio_loop *loop = acioi_datagram_loop(datagram);
        about->length = sizeof about->as;
        if (loop->backend->getpeername(loop, datagram->fd, &about->as.any,
                &about->length) < 0)
            about->length = 0;
    } else if (datagram->report_errors) {
        int error = take_queued(datagram, about);
        err = error ? -error : err;
    }
    return err;
}

/* ---- one datagram ---- */

void
acioi_message_set(struct msghdr *header, struct iovec *piece,
    struct acio_address *address)
{
    memset(header, 0, sizeof *header);
    header->msg_iov = piece;
    header->msg_iovlen = 1;
    if (address) {
        header->msg_name = &address->as;
        header->msg_namelen = sizeof address->as;
    }
}

static bool
is_interruption(const struct acioi_task *task, ssize_t result)
{
    return task->pending && result == task->pending;
}

static int
tell_report(struct acioi_datagram *datagram, struct acio_address *about)
{
    struct acioi_task *task = acioi_current();
    int answer = acioi_check(task);
    if (answer == 0)
        answer = -take_report(datagram, about);
    return acioi_spend(task, answer);
}

/* Takes what is there without a pass of the loop, as await_one does; -EAGAIN
 * where nothing is, or others wait for it, or an operation would try the same
 * as soon as it is submitted. */
static ssize_t
receive_now(struct acioi_datagram *datagram, struct acioi_call *call,
    struct acio_address *from)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    if (!loop->backend->queues || datagram->report_count > 0 ||
        !acioi_list_empty(&datagram->receivers))
        return -EAGAIN;
    int reason = acioi_check(acioi_current());
    if (reason)
        return reason;
    struct mmsghdr message;
    acioi_message_set(&message.msg_hdr, &call->piece, from);
    int n = loop->backend->recvmmsg(loop, datagram->fd, &message, 1, MSG_TRUNC);
    call->header = message.msg_hdr;
    return n < 0 ? n : (ssize_t)message.msg_len;
}

/* Awaits a datagram in the call's header; its whole length, or an error. */
static ssize_t
await_one(struct acioi_datagram *datagram, struct acioi_call *call,
    struct acio_address *from)
{
    struct acioi_task *task = acioi_current();
    ssize_t result = receive_now(datagram, call, from);
    bool waited = result == -EAGAIN;
    while (result == -EAGAIN) {
        if (datagram->report_count > 0)
            return tell_report(datagram, from);
        acioi_message_set(&call->header, &call->piece, from);
        acio_op_recvmsg(&call->op, datagram->fd, &call->header, MSG_TRUNC);
        result = acioi_datagram_await(datagram, call, &datagram->receivers);
    }
    if (result >= 0)
        from->length = call->header.msg_namelen;
    else if (result != -ACIO_ECLOSED && !is_interruption(task, result))
        result = explain(datagram, (int)result, from);
    if (!waited)
        acioi_charge(task);
    return result;
}

static void
fill_info(struct acio_datagram_info *info, size_t room, ssize_t whole)
{
    info->bytes = whole > 0 ? (size_t)whole : 0;
    info->truncated = info->bytes > room;
}

static ssize_t
stored(size_t room, ssize_t whole)
{
    return whole > 0 && (size_t)whole > room ? (ssize_t)room : whole;
}

ssize_t
acio_recvfrom(acio_datagram *handle, void *buf, size_t n,
    struct acio_datagram_info *info)
{
    struct acio_datagram_info unasked;
    struct acioi_call call;
    int err;
    info = info ? info : &unasked;
    info->from.length = 0;
    fill_info(info, n, 0);
    struct acioi_datagram *datagram = acioi_datagram_begin(handle, __func__,
        &err);
    if (!datagram)
        return err;
    memset(&call.op, 0, sizeof call.op);
    call.waiting = NULL;
    call.piece = (struct iovec){ buf, n };
    ssize_t whole = await_one(datagram, &call, &info->from);
    fill_info(info, n, whole);
    return stored(n, whole);
}

ssize_t
acio_recvfrom_nowait(acio_datagram *handle, void *buf, size_t n,
    struct acio_datagram_info *info)
{
    struct acio_datagram_info unasked;
    int err;
    info = info ? info : &unasked;
    info->from.length = 0;
    fill_info(info, n, 0);
    struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    if (!acioi_list_empty(&datagram->receivers))
        return -EAGAIN;
    err = take_report(datagram, &info->from);
    if (err)
        return -err;
    acio_loop *loop = acioi_datagram_loop(datagram);
    struct iovec piece = { buf, n };
    struct mmsghdr message;
    acioi_message_set(&message.msg_hdr, &piece, &info->from);
    err = loop->backend->recvmmsg(loop, datagram->fd, &message, 1, MSG_TRUNC);
    if (err < 0)
        return err == -EAGAIN ? err : explain(datagram, err, &info->from);
    info->from.length = message.msg_hdr.msg_namelen;
    fill_info(info, n, message.msg_len);
    return stored(n, message.msg_len);
}

/* ---- many ---- */

static void
fill_message(struct acio_datagram_message *message, size_t whole,
    socklen_t length)
{
    message->whole = whole;
    message->bytes = whole < message->size ? whole : message->size;
    message->address.length = length;
}

/* The kernel tells an error once: it is kept for the next call. */
static void
keep_error(struct acioi_datagram *datagram, int err)
{
    struct acio_address about;
    err = explain(datagram, err, &about);
    keep_report(datagram, -err, &about);
}

/* What is there, in one system call; how many, or an error. */
static int
take_some(struct acioi_datagram *datagram,
    struct acio_datagram_message *messages, int count)
{
    acio_loop *loop = acioi_datagram_loop(datagram);
    struct mmsghdr headers[BATCH];
    struct iovec pieces[BATCH];
    if (count > BATCH)
        count = BATCH;
    for (int i = 0; i < count; i++) {
        pieces[i] = (struct iovec){ messages[i].data, messages[i].size };
        acioi_message_set(&headers[i].msg_hdr, &pieces[i],
            &messages[i].address);
    }
    int n = count > 0 ? loop->backend->recvmmsg(loop, datagram->fd, headers,
                            (unsigned)count, MSG_TRUNC)
                      : 0;
    for (int i = 0; i < n; i++)
        fill_message(&messages[i], headers[i].msg_len,
            headers[i].msg_hdr.msg_namelen);
    return n;
}

/* Who waits behind keeps his turn: only what is left over is taken. */
static int
take_rest(struct acioi_datagram *datagram,
    struct acio_datagram_message *messages, int count)
{
    int got = 0;
    while (got < count && acioi_list_empty(&datagram->receivers)) {
        int room = count - got < BATCH ? count - got : BATCH;
        int n = take_some(datagram, messages + got, room);
        if (n > 0)
            got += n;
        else if (n < 0 && n != -EAGAIN)
            keep_error(datagram, n);
        if (n < room)
            break;
    }
    return got;
}

int
acio_recv_batch(acio_datagram *handle, struct acio_datagram_message *messages,
    int count)
{
    struct acioi_call call;
    int err;
    struct acioi_datagram *datagram = acioi_datagram_begin(handle, __func__,
        &err);
    if (!datagram)
        return err;
    if (count < 1)
        return -EINVAL;
    memset(&call.op, 0, sizeof call.op);
    call.waiting = NULL;
    call.piece = (struct iovec){ messages->data, messages->size };
    ssize_t whole = await_one(datagram, &call, &messages->address);
    if (whole < 0)
        return (int)whole;
    fill_message(messages, (size_t)whole, messages->address.length);
    if (!acioi_datagram_of(handle, &err))
        return 1; /* closed meanwhile */
    return 1 + take_rest(datagram, messages + 1, count - 1);
}

int64_t
acio_datagram_drops(acio_datagram *handle)
{
    int err;
    const struct acioi_datagram *datagram = acioi_datagram_of(handle, &err);
    if (!datagram)
        return err;
    acio_loop *loop = acioi_datagram_loop(datagram);
    uint32_t info[SK_MEMINFO_VARS] = { 0 };
    socklen_t length = sizeof info;
    err = loop->backend->getsockopt(loop, datagram->fd, SOL_SOCKET, SO_MEMINFO,
        info, &length);
    if (err < 0 || length <= SK_MEMINFO_DROPS * sizeof info[0])
        return -EOPNOTSUPP;
    return info[SK_MEMINFO_DROPS];
}
