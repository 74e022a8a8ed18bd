/* SPDX-License-Identifier: MIT */
/* A server on streams that sends 64 KiB at a time to every connection, or
 * reads all that comes and checks it. */
#include "acio_listen.h"
#include "flow.h"

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

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: send or receive");
    flow_fill();
    int sends = strcmp(argv[1], "send") == 0;
    return acio_run(bench_serve, .where = "0", .handler = sends ? give : take) <
        0;
}
