/* SPDX-License-Identifier: MIT */
/* An echo server on streams, as the library's users write it. */
#include "acio_listen.h"

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

int
main(int argc, char **argv)
{
    bench_raise_files();
    return acio_run(bench_serve, .where = argc > 1 ? argv[1] : "0",
               .handler = serve) < 0;
}
