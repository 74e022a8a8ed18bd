/* SPDX-License-Identifier: MIT */
/* tls_world.h - what the tests of TLS have in common
 *
 * Idea.  A plain connection with both its ends in the hands of the test, which
 *        then shake hands: each writes down how that went, the client first.
 *        The certificates are those of tests/tls/certificates.
 */
#ifndef ACIO_TESTS_TLS_WORLD_H
#define ACIO_TESTS_TLS_WORLD_H

#include <acio/tls.h>

#include "../spec/net_world.h"

/* The path of a certificate, as "server.pem"; of 4 at a time. */
const char *certificate(const char *name);

struct tls_pair {
    struct pair plain;
    acio_tls_context *client_context, *server_context;
};

/* What a handshake is made of; all zero but `client` and `server`: the host is
 * "localhost". */
struct handshake {
    struct acio_tls_options client, server;
    const char *host;
    double timeout;
    bool quiet; /* nothing is noted */
};

/* The usual: a client that trusts the authority, a server that is localhost. */
#define TRUSTED .client.authorities_file = certificate("authority.pem")
#define SERVED_BY(name) .server.certificate_file = certificate(name)
#define LOCALHOST TRUSTED, SERVED_BY("server.pem")

/* Makes contexts, connects, and shakes hands. What the client answers; what
 * each says is noted, unless it is 0. */
int tls_open(struct tls_pair *pair, const struct handshake *handshake);

/* Another connection with the contexts there are. */
int tls_open_again(struct tls_pair *pair, const struct handshake *handshake);

/* The connection's end, not of the contexts. */
void tls_close(struct tls_pair *pair);
void tls_free(struct tls_pair *pair);

/* A task that ends by acio_close. */
struct tls_leave_args {
    acio_stream *stream;
};
int tls_leave(void *arg);

#endif
