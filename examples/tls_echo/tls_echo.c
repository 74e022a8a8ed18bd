/* SPDX-License-Identifier: MIT */
/* An echo over TLS: a server, and a client that checks whom it talks to.
 *
 *     build/examples/tls_echo/tls_echo serve PORT server.pem
 *     build/examples/tls_echo/tls_echo ask HOST PORT authority.pem WORD...
 *
 * server.pem holds the certificate and the key, authority.pem whom the client
 * trusts. Each WORD goes there and back on a line of its own.
 */
#include <acio.h>
#include <acio/tls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[4096];
    ssize_t n;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        acio_write(stream, buf, (size_t)n);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    return (int)n;
}

struct serve_args {
    acio_tls_context *tls;
    int port;
};

static int
serve(void *arg)
{
    const struct serve_args *a = arg;
    acio_server *server;
    int err = acio_start_server(&server, echo, NULL, NULL, a->port,
        &(struct acio_server_options){ .security = acio_tls_security(a->tls) });
    if (err < 0)
        return err;
    printf("serving on port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

struct ask_args {
    acio_tls_context *tls;
    char **words;
    const char *host, *port;
};

static int
ask(void *arg)
{
    const struct ask_args *a = arg;
    ACIO_TIMEOUT(limit, 10.0);
    char line[4096], why[300];
    acio_stream *stream;
    int err = acio_open_connection(&stream, a->host, atoi(a->port),
        &(struct acio_connect_options){ .security = acio_tls_security(a->tls),
            .error_text = why,
            .error_text_bytes = sizeof why });
    if (err < 0) {
        printf("%s\n", why);
        return err;
    }
    printf("%s, %s\n", acio_tls_version(stream), acio_tls_cipher(stream));
    for (char **word = a->words; err == 0 && *word; word++) {
        acio_write(stream, *word, strlen(*word));
        acio_write(stream, "\n", 1);
        ssize_t n = acio_readline(stream, line, sizeof line);
        if (n > 0)
            printf("%s", line);
        err = n < 0 ? (int)n : 0;
    }
    int closed = acio_close(stream);
    return err < 0 ? err : closed;
}

int
main(int argc, char **argv)
{
    bool serves = argc == 4 && strcmp(argv[1], "serve") == 0;
    if (!serves && (argc < 5 || strcmp(argv[1], "ask") != 0))
        return 2;
    char why[300];
    acio_tls_context *tls;
    struct acio_tls_options options = { .error_text = why,
        .error_text_bytes = sizeof why };
    *(serves ? &options.certificate_file
             : &options.authorities_file) = argv[serves ? 3 : 4];
    int err = serves ? acio_tls_server_context(&tls, &options)
                     : acio_tls_client_context(&tls, &options);
    if (err < 0)
        return fprintf(stderr, "%s\n", why), 1;
    err = serves ? acio_run(serve, .tls = tls, .port = atoi(argv[2]))
                 : acio_run(ask, .tls = tls, .words = argv + 5, .host = argv[2],
                       .port = argv[3]);
    acio_tls_context_free(tls);
    return err < 0;
}
