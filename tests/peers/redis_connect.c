/* SPDX-License-Identifier: MIT */
/* redis_connect.c - to the server that $REDIS names */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis.h"

int
redis_connect(acio_stream **out, char *error_text, size_t size)
{
    char kind[8] = "", where[256] = "", certificate[256] = "";
    int port = 0;
    const char *place = getenv("REDIS");
    struct acio_connect_options options = { .error_text = error_text,
        .error_text_bytes = size };
    if (!place)
        return -EINVAL;
    if (sscanf(place, "unix %255s", where) == 1)
        return acio_open_unix_connection(out, where, &options);
    int words = sscanf(place, "%7s %255s %d %255s", kind, where, &port,
        certificate);
    if (words == 4 && strcmp(kind, "tls") == 0)
        return redis_connect_tls(out, where, port, certificate, &options);
    if (words == 3 && strcmp(kind, "tcp") == 0)
        return acio_open_connection(out, where, port, &options);
    return -EINVAL;
}
