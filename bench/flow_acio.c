/* SPDX-License-Identifier: MIT */
/* A server on streams that sends 64 KiB at a time to every connection, or
 * reads all that comes and checks it. */
#include "flow.h"
#include "listen.h"

#include <acio.h>

static int
give(acio_stream *stream, void *arg)
{
    (void)arg;
    for (;;) {
        int err = acio_write(stream, flow_block, FLOW_BLOCK);
        if (err == 0)
            err = acio_drain(stream);
        if (err < 0)
            return 0; /* the client went */
    }
}

static int
take(acio_stream *stream, void *arg)
{
    (void)arg;
    char buffer[FLOW_BLOCK];
    for (long at = 0;;) {
        ssize_t got = acio_read(stream, buffer, sizeof buffer);
        if (got <= 0)
            return 0;
        flow_check(at, buffer, got);
        at += got;
    }
}

struct amain_args {
    acio_connection_handler *handler;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    acio_server *server;
    int err = acio_start_server(&server, a->handler, NULL, "127.0.0.1", 0,
        &(struct acio_server_options){ .backlog = BENCH_BACKLOG });
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: send or receive");
    flow_fill();
    int sends = strcmp(argv[1], "send") == 0;
    return acio_run(amain, .handler = sends ? give : take) < 0;
}
