/* SPDX-License-Identifier: MIT */
/* Socket addresses: of datagrams, to be kept, compared, and shown.
 *
 *     struct acio_address to;
 *     int err = acio_address_resolve(&to, "example.org", 53, AF_UNSPEC);
 */
#ifndef ACIO_ADDRESS_H
#define ACIO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "export.h"

ACIO_BEGIN_DECLS

/* `as.any` and `length` are what bind(2) and its like want. */
struct acio_address {
    socklen_t length; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } as;
};

/* Read an address in digits, "192.0.2.1" or "fe80::1%eth0".
 *
 *   returns   0; -EINVAL where it is none, or the port is not in 0 to 65535
 *   suspends  no
 *   cancel    -
 *   owner     `out` is the caller's
 *   thread    any
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_address_parse(struct acio_address *out,
    const char *digits, int port);

/* Look a name up in a thread, and take the first of its addresses. Digits are
 * read at once. NULL is this machine.
 *
 *   returns   0; -(ACIO_EAI_BASE + n) where the name has no address of that
 *             family; -EINVAL for a port outside of 0 to 65535; -ENOMEM;
 *             -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: the answer is dropped when it comes
 *   owner     `out` is the caller's, `host` is borrowed
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_address_resolve(struct acio_address *out,
    const char *host, int port, int family);

/* Write it as text, "192.0.2.1:80", "[2001:db8::1]:80" or a path. An abstract
 * name of a Unix socket begins with '@'; one that has none is "".
 *
 *   returns   its length; -ENOSPC where `buf` is too small (112 bytes do)
 *   suspends  no
 *   cancel    -
 *   owner     `buf` is the caller's
 *   thread    any
 *   python    -
 */
ACIO_EXPORT int acio_address_write(const struct acio_address *address,
    char *buf, size_t size);

/* The port of an Internet address.
 *
 *   returns   the port; 0 for any other address
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    -
 */
ACIO_EXPORT int acio_address_port(const struct acio_address *address);

/* Are they the same, port and all?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    -
 */
ACIO_EXPORT bool acio_address_equal(const struct acio_address *a,
    const struct acio_address *b);

ACIO_END_DECLS

#endif
