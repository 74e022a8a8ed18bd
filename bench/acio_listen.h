/* SPDX-License-Identifier: MIT */
/* acio_listen.h - what every server on streams does before it serves: listen.h
 * says what that is */
#ifndef ACIO_BENCH_ACIO_LISTEN_H
#define ACIO_BENCH_ACIO_LISTEN_H

#include "listen.h"

#include <acio.h>

struct bench_serve_args {
    const char *where;
    acio_connection_handler *handler;
    const struct acio_security *security; /* NULL: none */
};

static inline int
bench_serve(void *arg)
{
    struct bench_serve_args *a = arg;
    struct acio_server_options options = { .backlog = BENCH_BACKLOG,
        .security = a->security };
    acio_server *server;
    int err = a->where[0] == '/'
        ? acio_start_unix_server(&server, a->handler, NULL, a->where, &options)
        : acio_start_server(&server, a->handler, NULL, "127.0.0.1",
              atoi(a->where), &options);
    if (err < 0)
        return err;
    if (a->where[0] == '/')
        printf("port %s\n", a->where);
    else
        printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

#endif
