/* SPDX-License-Identifier: MIT */
/* datagram.h - datagram endpoints from the inside
 *
 * The parts, each in a file of its own:
 *
 *     datagram.c           an endpoint's life, and what is known of it
 *     datagram_open.c      acio_create_datagram_endpoint
 *     datagram_receive.c   receiving, and what the network sends back
 *     datagram_send.c      sending
 *     datagram_group.c     multicast
 */
#ifndef ACIOI_DATAGRAM_H
#define ACIOI_DATAGRAM_H

#include <acio/datagram.h>

#include "net/net.h"

struct acioi_datagram {
    struct acioi_slot slot;
    int fd;
    int family;
    bool connected;
    bool report_errors;         /* IP_RECVERR, and not connected */
    unsigned users;             /* calls that will look at it again */
    struct acioi_task *closer;  /* inside acio_datagram_close */
    struct acio_link receivers; /* struct acioi_call, in order of coming */
    struct acio_link senders;   /* likewise */
    struct acio_link reports;   /* struct acioi_report: met by who sends */
    unsigned report_count;
};

/* A task that receives or sends, on its stack, while its operation is alive. */
struct acioi_call {
    struct acio_link link;
    acio_op op;
    struct iovec piece;
    struct msghdr header;
    struct acioi_task *waiting; /* for its turn, without an operation */
    bool nudged; /* the operation was cancelled, and not the task */
};

/* An error that the network has sent back. */
struct acioi_report {
    struct acio_link link;
    int error;
    struct acio_address about;
};

static inline struct acioi_datagram *
acioi_datagram_of(const acio_datagram *handle, int *err)
{
    return acioi_slot_of(handle, err);
}

static inline acio_loop *
acioi_datagram_loop(const struct acioi_datagram *datagram)
{
    return datagram->slot.net->loop;
}

/* Makes an endpoint of a socket, or NULL: the fd stays the caller's then. */
struct acioi_datagram *acioi_datagram_new(struct acioi_net *net, int fd);

/* The start of a call that suspends: the endpoint, or NULL with the reason. */
struct acioi_datagram *acioi_datagram_begin(const acio_datagram *handle,
    const char *what, int *err);

/* Awaits the call's operation in a queue of the endpoint (or NULL: it is in
 * one). Its result; a negative reason where the task was interrupted;
 * -ACIO_ECLOSED where the endpoint was closed, and is not to be looked at
 * again; -EAGAIN where it was nudged. */
ssize_t acioi_datagram_await(struct acioi_datagram *datagram,
    struct acioi_call *call, struct acio_link *queue);

/* Begins and ends a use of the endpoint over a suspension; the second tells
 * whether it was closed meanwhile, and may be gone. */
void acioi_datagram_use(struct acioi_datagram *datagram);
bool acioi_datagram_unuse(struct acioi_datagram *datagram);

/* One more of those who wait to receive is to look at the reports. */
void acioi_datagram_nudge(struct acioi_datagram *datagram);

/* Fills one message's header; `address` or NULL. */
void acioi_message_set(struct msghdr *header, struct iovec *piece,
    struct acio_address *address);

/* For who sends and met an error: puts aside what the network has sent back,
 * for who receives. True where there was something, and sending again may do.
 */
bool acioi_datagram_put_aside(struct acioi_datagram *datagram);
void acioi_reports_free(struct acioi_datagram *datagram);

#endif
