/* SPDX-License-Identifier: MIT */
/* Sockets of one's own: the calls of socket(2) that wait, for whoever needs
 * more than a stream gives.
 *
 *     int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
 *     int err = acio_sock_connect(fd, address, length);
 *     if (err == 0)
 *         err = acio_sock_sendall(fd, "hello", 5, NULL);
 *     ...
 *     acio_loop_close_fd(acio_get_running_loop(), fd);
 *
 * A socket is to be non-blocking, and closed by acio_loop_close_fd, when no
 * task waits for it. All calls answer, besides what is said there, what the
 * system call answers, -ECANCELED, -ETIMEDOUT and -ACIO_ENOTASK.
 */
#ifndef ACIO_SOCK_H
#define ACIO_SOCK_H

#include <sys/socket.h>

#include "loop.h"

ACIO_BEGIN_DECLS

/* Receive what there is, at least one byte and at most `n`.
 *
 *   returns   bytes; 0 at the end of the stream, or for an empty datagram
 *   suspends  yes
 *   cancel    clean: nothing was received
 *   owner     `buf` is borrowed until the call returns
 *   thread    the loop's
 *   python    loop.sock_recv(), loop.sock_recv_into()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_sock_recv(int fd, void *buf, size_t n);

/* The same, and where it came from: `*length`, the room at `from`, becomes the
 * length of the address.
 *
 *   returns   bytes, of a datagram those that fit
 *   suspends  yes
 *   cancel    clean: nothing was received
 *   owner     `buf`, `from` and `length` (or NULL) are borrowed until the call
 *             returns
 *   thread    the loop's
 *   python    loop.sock_recvfrom(), loop.sock_recvfrom_into()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_sock_recvfrom(int fd, void *buf,
    size_t n, struct sockaddr *from, socklen_t *length);

/* Send all of `n` bytes.
 *
 *   returns   0
 *   suspends  yes
 *   cancel    partial: `*sent` tells how many bytes have left
 *   owner     `data` is borrowed until the call returns; `sent` may be NULL
 *   thread    the loop's
 *   python    loop.sock_sendall()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_sock_sendall(int fd, const void *data,
    size_t n, size_t *sent);

/* Send a datagram.
 *
 *   returns   bytes
 *   suspends  yes
 *   cancel    clean: nothing was sent
 *   owner     `data` and `to` are borrowed until the call returns
 *   thread    the loop's
 *   python    loop.sock_sendto()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_sock_sendto(int fd, const void *data,
    size_t n, const struct sockaddr *to, socklen_t length);

/* Connect. Names are what acio_getaddrinfo is for.
 *
 *   returns   0; -EINVAL for a socket that blocks; -EAGAIN for a Unix socket
 *             whose server has no place in its queue
 *   suspends  yes
 *   cancel    partial: the socket is good for closing alone
 *   owner     `address` is borrowed until the call returns
 *   thread    the loop's
 *   python    loop.sock_connect()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_sock_connect(int fd,
    const struct sockaddr *address, socklen_t length);

/* Accept a connection, and whose it is, as acio_sock_recvfrom does.
 *
 *   returns   its socket, non-blocking and close-on-exec; -EINVAL for a
 *             socket that blocks, or does not listen
 *   suspends  yes
 *   cancel    clean: nothing was accepted
 *   owner     the caller closes the socket; `from` and `length` (or NULL) are
 *             borrowed until the call returns
 *   thread    the loop's
 *   python    loop.sock_accept()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_sock_accept(int fd, struct sockaddr *from,
    socklen_t *length);

/* Send `count` bytes of a file (negative: all there are) from `offset` on,
 * without copying them through the program.
 *
 *   returns   0, also where the file ends before
 *   suspends  yes
 *   cancel    partial: `*sent` tells how many bytes have left
 *   owner     `file` is borrowed until the call returns; `sent` may be NULL
 *   thread    the loop's
 *   python    loop.sock_sendfile()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_sock_sendfile(int fd, int file,
    int64_t offset, int64_t count, int64_t *sent);

ACIO_END_DECLS

#endif
