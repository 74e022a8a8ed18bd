/* SPDX-License-Identifier: MIT */
/* redis_no_tls.c - of a build without OpenSSL */
#include <errno.h>

#include "redis.h"

int
redis_connect_tls(acio_stream **out, const char *host, int port,
    const char *certificate, const struct acio_connect_options *options)
{
    (void)out;
    (void)host;
    (void)port;
    (void)certificate;
    (void)options;
    return -ENOTSUP;
}
