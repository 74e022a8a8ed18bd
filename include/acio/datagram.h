/* SPDX-License-Identifier: MIT */
/* Datagrams: UDP, and Unix sockets that keep messages apart.
 *
 *     struct acio_datagram_options options = { .local_port = 7777 };
 *     acio_datagram *datagram;
 *     int err = acio_create_datagram_endpoint(&datagram, &options);
 *     ...
 *     struct acio_datagram_info info;
 *     ssize_t n = acio_recvfrom(datagram, buf, sizeof buf, &info);
 *     if (n >= 0)
 *         err = acio_sendto(datagram, buf, (size_t)n, &info.from);
 *     ...
 *     acio_datagram_close(datagram);
 *
 * Where asyncio calls a protocol's datagram_received and error_received, here
 * a task asks: acio_recvfrom gives the next datagram, or the next error that
 * the network sent back.
 *
 * What nobody has received waits in the kernel, as far as the socket's buffer
 * goes (`receive_buffer`); what comes beyond that the kernel drops, and counts
 * (acio_datagram_drops). Nothing is kept on this side of it. Sending hands a
 * datagram to the kernel at once, or waits until there is room.
 *
 * Any number of tasks may receive and send at once: who came first is served
 * first (but not among those who send to full Unix sockets by name, who try
 * again from time to time: there is nothing else to wait for). An endpoint's
 * handle is good until acio_datagram_close or acio_datagram_abort is called;
 * after that it answers -ACIO_ECLOSED.
 */
#ifndef ACIO_DATAGRAM_H
#define ACIO_DATAGRAM_H

#include <sys/types.h>

#include "address.h"
#include "loop.h"

ACIO_BEGIN_DECLS

typedef struct acio_datagram acio_datagram;

/* All zero is no endpoint: an address, a path or a family is needed. */
struct acio_datagram_options {
    const char *local_host;  /* where to receive; NULL, with a port: at all
                             * interfaces, by IPv4 and IPv6 */
    int local_port;          /* 0: any */
    const char *remote_host; /* the only peer: connects the socket; NULL, with
                              * a port: this machine */
    int remote_port;
    int family; /* AF_INET, AF_INET6; 0: whichever the addresses have */

    /* Unix sockets. '@' begins an abstract name; "" stands for one that the
     * kernel picks. A socket that lies at the local path is replaced. */
    const char *local_path, *remote_path;

    bool reuse_port;      /* SO_REUSEPORT: share the port with others */
    bool allow_broadcast; /* SO_BROADCAST */
    /* Without a remote address: tell also what the network sends back about
     * datagrams to single peers, as -ECONNREFUSED (IP_RECVERR). With one,
     * that is told in any case. */
    bool report_errors;
    size_t receive_buffer, send_buffer; /* bytes in the kernel, which doubles
                                         * them and has a limit; 0: its own */
    char *error_text; /* takes a sentence about a failure; NULL: none */
    size_t error_text_bytes;
};

/* About a datagram that was received. */
struct acio_datagram_info {
    struct acio_address from; /* after an error: whom it is about, where the
                               * kernel tells; length 0: it does not */
    size_t bytes;             /* of the whole, though it was cut */
    bool truncated;           /* there was room for less than the whole */
};

/* One of several. */
struct acio_datagram_message {
    void *data;
    size_t size;  /* receiving: the room at `data` */
    size_t bytes; /* to send; received and stored: ready to be sent back */
    size_t whole; /* received: before it was cut to fit */
    struct acio_address address; /* to whom (length 0: to the peer that the
                                  * endpoint is connected to); from whom */
};

/* Open an endpoint: bound where a local address is given, connected to its
 * only peer where a remote one is. A connected one receives from that peer
 * alone. Names are looked up in a thread, pairs of addresses tried in order.
 *
 *   returns   0; the error of the last pair of addresses (-EADDRINUSE,
 *             -EACCES, -ENETUNREACH, ...); -(ACIO_EAI_BASE + n) where a name
 *             has no address; -EINVAL where neither an address nor a family is
 *             given, or a port is not in 0 to 65535; -ENAMETOOLONG; -EMFILE;
 *             -ENOMEM; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: there is no endpoint
 *   owner     the caller closes `*out`, which is NULL after an error; the
 *             strings and `options` are borrowed
 *   thread    the loop's
 *   python    loop.create_datagram_endpoint()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_create_datagram_endpoint(acio_datagram **out,
    const struct acio_datagram_options *options);

/* Make an endpoint of a socket at hand, of socketpair(2), say.
 *
 *   returns   0; -EBADF, -ENOTSOCK; -EPROTOTYPE where it keeps no messages
 *             apart; -ENOMEM; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `fd` is the endpoint's from then on, and non-blocking; after an
 *             error it stays the caller's
 *   thread    the loop's
 *   python    loop.create_datagram_endpoint(sock=...)
 */
ACIO_EXPORT ACIO_MUST_USE int acio_open_datagram_socket(acio_datagram **out,
    int fd);

/* ---- receiving ---- */

/* Receive the next datagram. What does not fit into `n` bytes is lost, and
 * `info` (or NULL) tells so. A datagram of no bytes is one like any other.
 *
 *   returns   bytes stored; -ECONNREFUSED, -EHOSTUNREACH and their like, once
 *             for each that the network sent back about an earlier datagram:
 *             the endpoint goes on; -ECANCELED, -ETIMEDOUT; -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: no datagram was taken
 *   owner     `buf` and `info` are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    DatagramProtocol.datagram_received()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_recvfrom(acio_datagram *datagram,
    void *buf, size_t n, struct acio_datagram_info *info);

/* Receive if there is something.
 *
 *   returns   as acio_recvfrom; -EAGAIN where nothing is there, or others
 *             wait for it
 *   suspends  no
 *   cancel    -
 *   owner     `buf` and `info` are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_recvfrom_nowait(acio_datagram *datagram,
    void *buf, size_t n, struct acio_datagram_info *info);

/* Receive what is there, at least one datagram and at most `count`: one system
 * call for many. `data` and `size` of each message are the caller's.
 *
 *   returns   the number of datagrams; -EINVAL where `count` is below 1; else
 *             as acio_recvfrom
 *   suspends  yes
 *   cancel    clean: no datagram was taken
 *   owner     `messages` and their data are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_recv_batch(acio_datagram *datagram,
    struct acio_datagram_message *messages, int count);

/* How many datagrams the kernel has dropped because nobody received those
 * before them.
 *
 *   returns   the number since the socket was made; -EOPNOTSUPP where the
 *             kernel does not tell (before Linux 4.12); -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT int64_t acio_datagram_drops(acio_datagram *datagram);

/* ---- sending ---- */

/* Send a datagram to `to`, or, where that is NULL, to the peer that the
 * endpoint is connected to. It is handed to the kernel at once, or as soon as
 * there is room.
 *
 *   returns   0; -EMSGSIZE where it is too large; -ECONNREFUSED and its like
 *             for an earlier one: this one was not sent then, and the endpoint
 *             goes on; -EDESTADDRREQ, -EISCONN; -EACCES for a broadcast that
 *             is not allowed; -ENETUNREACH, -ENOBUFS, -EPERM, ...; -EINVAL;
 *             -ECANCELED, -ETIMEDOUT; -ACIO_ECLOSED, -ACIO_EFOREIGN,
 *             -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: it was not sent
 *   owner     `data` and `to` are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    DatagramTransport.sendto()
 */
ACIO_EXPORT int acio_sendto(acio_datagram *datagram, const void *data, size_t n,
    const struct acio_address *to);

/* Send if there is room.
 *
 *   returns   as acio_sendto; -EAGAIN where there is none, or others wait
 *             for it
 *   suspends  no
 *   cancel    -
 *   owner     `data` and `to` are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT int acio_sendto_nowait(acio_datagram *datagram, const void *data,
    size_t n, const struct acio_address *to);

/* Send several datagrams, in order: one system call for many.
 *
 *   returns   how many were sent: `count`, or fewer where one failed or the
 *             task was interrupted, and the next call tells why; where it is
 *             the first, as acio_sendto
 *   suspends  yes
 *   cancel    partial: those that the result counts were sent
 *   owner     `messages` and their data are borrowed until the call returns
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_send_batch(acio_datagram *datagram,
    const struct acio_datagram_message *messages, int count);

/* ---- groups ---- */

/* Receive what is sent to a multicast group, too.
 *
 *   returns   0; -EINVAL where `group` is no address in digits of a group;
 *             -ENODEV for an interface that is not there, or where there is
 *             none with multicast; -EADDRINUSE for the second time;
 *             -ENOBUFS; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     the strings are borrowed; `interface` is a name, "eth0", or NULL:
 *             the system chooses
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_datagram_join(acio_datagram *datagram,
    const char *group, const char *interface);

/* Leave a group that was joined at that interface.
 *
 *   returns   0; -EADDRNOTAVAIL where it was not; else as acio_datagram_join
 *   suspends  no
 *   cancel    -
 *   owner     the strings are borrowed
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT int acio_datagram_leave(acio_datagram *datagram, const char *group,
    const char *interface);

/* How what this endpoint sends to groups leaves; only what is not at its
 * default needs to be set. */
struct acio_multicast_options {
    const char *interface; /* by which; NULL: as the system chooses */
    int ttl;               /* how many networks far; 0: 1; negative: 0, it
                            * stays on this machine */
    bool no_loop;          /* members on this machine do not get it */
};

/* Set how multicast leaves.
 *
 *   returns   0; -ENODEV for an interface that is not there; -EINVAL;
 *             -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `options` is borrowed
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_datagram_set_multicast(acio_datagram
                                                              *datagram,
    const struct acio_multicast_options *options);

/* ---- the end ---- */

/* Close. What other tasks wait for on the endpoint answers -ACIO_ECLOSED;
 * when they have left and the port is free, this returns. What was sent
 * leaves; what nobody received is lost.
 *
 *   returns   0; -ACIO_ECLOSED for the second time; -ACIO_ENOTASK (the
 *             endpoint stays open, acio_datagram_abort closes it),
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: it closes all the same
 *   owner     the handle ends; NULL is fine
 *   thread    the endpoint's loop
 *   python    DatagramTransport.close()
 */
ACIO_EXPORT int acio_datagram_close(acio_datagram *datagram);

/* The same without waiting: the port is free soon.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends; NULL and closed endpoints are fine
 *   thread    the endpoint's loop
 *   python    DatagramTransport.abort()
 */
ACIO_EXPORT void acio_datagram_abort(acio_datagram *datagram);

/* ---- properties ---- */

/* The port that it is bound to.
 *
 *   returns   the port; 0 where it has none yet; -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the endpoint's loop
 *   python    -
 */
ACIO_EXPORT int acio_datagram_port(acio_datagram *datagram);

/* The address of this end.
 *
 *   returns   0; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `out` is the caller's
 *   thread    the endpoint's loop
 *   python    DatagramTransport.get_extra_info("sockname")
 */
ACIO_EXPORT ACIO_MUST_USE int acio_datagram_sock_address(acio_datagram
                                                             *datagram,
    struct acio_address *out);

/* The address of the peer that it is connected to.
 *
 *   returns   0; -ENOTCONN; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `out` is the caller's
 *   thread    the endpoint's loop
 *   python    DatagramTransport.get_extra_info("peername")
 */
ACIO_EXPORT ACIO_MUST_USE int acio_datagram_peer_address(acio_datagram
                                                             *datagram,
    struct acio_address *out);

/* The socket, for options; not to be read, written or closed.
 *
 *   returns   the fd (of no use outside of acio on the simulator);
 *             -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     borrowed
 *   thread    the endpoint's loop
 *   python    DatagramTransport.get_extra_info("socket")
 */
ACIO_EXPORT int acio_datagram_fd(acio_datagram *datagram);

ACIO_END_DECLS

#endif
