/* SPDX-License-Identifier: MIT */
/* Names and addresses: getaddrinfo(3) and getnameinfo(3) without waiting.
 *
 *     struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
 *     int err = acio_getaddrinfo(&list, "example.org", "https", &hints);
 *     if (err < 0)
 *         return err;
 *     err = acio_open_connection_addresses(&stream, list, NULL);
 *     freeaddrinfo(list);
 *
 * The system's own name service is asked, with all that it is set up for, in
 * threads that the loop keeps for this alone. Nothing waits for one that hangs:
 * neither a task that is cancelled or times out, nor the loop when it is
 * closed; the thread drops the answer when it comes. For its sake dlclose(3)
 * leaves the library in memory.
 *
 * On the simulator nobody is asked: "localhost" is the only name there.
 */
#ifndef ACIO_DNS_H
#define ACIO_DNS_H

#include <netdb.h>
#include <sys/socket.h>

#include "loop.h"

ACIO_BEGIN_DECLS

/* The addresses of a host and of a service, as getaddrinfo(3) lists them.
 * Either may be NULL, and be in digits.
 *
 *   returns   0; -(ACIO_EAI_BASE + n) for the EAI_* code -n: no such host, try
 *             again, ...; -EINVAL for neither host nor service; -ENOMEM;
 *             -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    lost: at once; the answer is dropped when it comes
 *   owner     `*out` is freed by freeaddrinfo(3), and NULL after an error; the
 *             strings and `hints` (or NULL) are borrowed until the call returns
 *   thread    the loop's
 *   python    loop.getaddrinfo()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_getaddrinfo(struct addrinfo **out,
    const char *host, const char *service, const struct addrinfo *hints);

/* Memory for the names of an address. */
struct acio_names {
    char *host; /* NULL: it is not asked for */
    size_t host_bytes;
    char *service; /* NULL: it is not asked for */
    size_t service_bytes;
};

/* The names of an address, as getnameinfo(3) tells them. `flags` are those of
 * getnameinfo(3): NI_NAMEREQD, NI_NUMERICHOST, ...
 *
 *   returns   as acio_getaddrinfo; -(ACIO_EAI_BASE - EAI_OVERFLOW) where a name
 *             does not fit
 *   suspends  yes
 *   cancel    lost: at once; the answer is dropped when it comes
 *   owner     `address` and `out` are borrowed until the call returns, what
 *             `out` points to is written then
 *   thread    the loop's
 *   python    loop.getnameinfo()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_getnameinfo(const struct sockaddr *address,
    socklen_t length, const struct acio_names *out, int flags);

ACIO_END_DECLS

#endif
