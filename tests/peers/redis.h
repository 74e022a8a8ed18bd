/* SPDX-License-Identifier: MIT */
/* redis.h - the way to the server, which is all that differs */
#ifndef ACIO_TESTS_REDIS_H
#define ACIO_TESTS_REDIS_H

#include <acio/stream.h>

/* Connects to the server that $REDIS names. */
int redis_connect(acio_stream **out, char *error_text, size_t size);

/* TLS that trusts this certificate; NULL: there is none. It lives as long as
 * the process. */
const struct acio_security *redis_security(const char *certificate);

#endif
