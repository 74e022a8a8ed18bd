/* SPDX-License-Identifier: MIT */
/* A TLS server on streams:
 *
 *     tls_acio echo|send|receive CERTIFICATE KEY
 */
#include "acio_listen.h"
#include "flow.h"

#include <acio/tls.h>

static int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buffer[BENCH_BUFFER];
    ssize_t got;
    while ((got = acio_read(stream, buffer, sizeof buffer)) > 0) {
        acio_write(stream, buffer, (size_t)got);
        if (acio_drain(stream) < 0)
            return 0; /* the client went */
    }
    return 0;
}

static int
give(acio_stream *stream, void *arg)
{
    (void)arg;
    while (acio_write(stream, flow_block, FLOW_BLOCK) == 0)
        if (acio_drain(stream) < 0)
            return 0;
    return 0;
}

static int
take(acio_stream *stream, void *arg)
{
    (void)arg;
    char buffer[FLOW_BLOCK];
    ssize_t got;
    for (long at = 0; (got = acio_read(stream, buffer, sizeof buffer)) > 0;) {
        flow_check(at, buffer, got);
        at += got;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    bench_require(argc == 4, "three arguments");
    flow_fill();
    acio_tls_context *context;
    int err = acio_tls_server_context(&context,
        &(struct acio_tls_options){ .certificate_file = argv[2],
            .key_file = argv[3] });
    bench_require(err == 0, "the certificate");
    acio_connection_handler *handler = argv[1][0] == 'e' ? echo
        : argv[1][0] == 's'                              ? give
                                                         : take;
    return acio_run(bench_serve, .where = "0", .handler = handler,
               .security = acio_tls_security(context)) < 0;
}
