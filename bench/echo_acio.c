/* SPDX-License-Identifier: MIT */
/* An echo server on streams, as the library's users write it. */
#include "listen.h"

#include <acio.h>

static int
serve(acio_stream *stream, void *arg)
{
    (void)arg;
    char buffer[BENCH_BUFFER];
    for (;;) {
        ssize_t got = acio_read(stream, buffer, sizeof buffer);
        if (got <= 0)
            return 0; /* the client went, politely or not */
        int err = acio_write(stream, buffer, (size_t)got);
        if (err < 0)
            return err;
        err = acio_drain(stream);
        if (err < 0)
            return err;
    }
}

static int
amain(void *arg)
{
    (void)arg;
    acio_server *server;
    int err = acio_start_server(&server, serve, NULL, "127.0.0.1", 0,
        &(struct acio_server_options){ .backlog = BENCH_BACKLOG });
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(void)
{
    bench_raise_files();
    return acio_run(amain) < 0;
}
