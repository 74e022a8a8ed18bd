/* SPDX-License-Identifier: MIT */
/* redis.h - the way to the server, which is all that differs */
#ifndef ACIO_TESTS_REDIS_H
#define ACIO_TESTS_REDIS_H

#include <acio/stream.h>

/* Connects to the server that $REDIS names. */
int redis_connect(acio_stream **out, char *error_text, size_t size);

/* The same over TLS, for a server with this certificate; -ENOTSUP in a build
 * without OpenSSL. */
int redis_connect_tls(acio_stream **out, const char *host, int port,
    const char *certificate, const struct acio_connect_options *options);

#endif
