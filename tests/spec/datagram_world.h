/* SPDX-License-Identifier: MIT */
/* datagram_world.h - what the tests of datagrams have in common */
#ifndef ACIO_TESTS_DATAGRAM_WORLD_H
#define ACIO_TESTS_DATAGRAM_WORLD_H

#include <string.h>

#include "acio_spec.h"
#include "net_world.h"

/* An endpoint at 127.0.0.1 and a port of its own; NULL where it fails. */
acio_datagram *endpoint(void);

/* One that is connected to the other; NULL where it fails. */
acio_datagram *endpoint_towards(acio_datagram *other);

/* Where an endpoint is reached. */
struct acio_address address_of(acio_datagram *datagram);

/* A port at which nobody is. */
struct acio_address nobody(void);

/* Sends a text. */
int tell(acio_datagram *datagram, const char *text,
    const struct acio_address *to);

/* acio_recvfrom, for half a second at most: what was not sent does not come.
 */
ssize_t receive(acio_datagram *datagram, void *buf, size_t n,
    struct acio_datagram_info *info);

/* Receives and notes "[text]", or "[error]"; what the call returned. */
ssize_t hear(acio_datagram *datagram);

/* A task that does so `times` times; 0: until an error. */
struct listen_to_args {
    acio_datagram *datagram;
    int times;
};
int listen_to(void *arg);

/* A task that sends back what comes, until an error. */
struct reflect_args {
    acio_datagram *datagram;
};
int reflect(void *arg);

#endif
