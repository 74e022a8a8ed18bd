/* SPDX-License-Identifier: MIT */
/* A client and a server for the peers that others have written:
 *
 *     tls_peer serve [NAME=VALUE ...]
 *     tls_peer connect HOST PORT [NAME=VALUE ...]
 *
 * The names are those of struct acio_tls_options, cut to one word. A server
 * prints its port, then a line for each connection, which it echoes; a client
 * sends "ping" and prints what comes back, `times` times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <acio.h>
#include <acio/tls.h>

struct setup {
    struct acio_tls_options tls;
    const char *protocols[2];
    int times;
};

static int
version(const char *text)
{
    return strcmp(text, "1.3") == 0 ? ACIO_TLS_1_3 : ACIO_TLS_1_2;
}

static void
set(struct setup *setup, const char *name, const char *value)
{
    struct acio_tls_options *tls = &setup->tls;
    if (strcmp(name, "certificate") == 0)
        tls->certificate_file = value;
    else if (strcmp(name, "authorities") == 0)
        tls->authorities_file = value;
    else if (strcmp(name, "verify") == 0)
        tls->verify = *value == 'n' ? ACIO_TLS_VERIFY_NONE
                                    : ACIO_TLS_VERIFY_REQUIRED;
    else if (strcmp(name, "lowest") == 0)
        tls->lowest_version = version(value);
    else if (strcmp(name, "highest") == 0)
        tls->highest_version = version(value);
    else if (strcmp(name, "protocol") == 0)
        setup->protocols[0] = value;
    else if (strcmp(name, "times") == 0)
        setup->times = atoi(value);
    else
        abort();
}

static void
read_options(struct setup *setup, char **words)
{
    for (; *words; words++) {
        char *value = strchr(*words, '=');
        if (!value)
            abort();
        *value = '\0';
        set(setup, *words, value + 1);
    }
    if (setup->protocols[0])
        setup->tls.protocols = setup->protocols;
}

/* One line about the connection. */
static void
describe(acio_stream *stream)
{
    struct acio_tls_certificate shown;
    int err = acio_tls_peer_certificate(stream, &shown);
    printf("%s protocol=%s name=%s peer=%s reused=%d\n",
        acio_tls_version(stream), acio_tls_protocol(stream),
        acio_tls_server_name(stream), err < 0 ? "-" : shown.subject,
        acio_tls_session_reused(stream));
    fflush(stdout);
}

static void
describe_end(acio_stream *stream, ssize_t n)
{
    if (n < 0)
        printf("%s\n", acio_error_text(stream));
    else
        printf("end\n");
    fflush(stdout);
}

/* ---- the server ---- */

static int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[4096];
    ssize_t n;
    describe(stream);
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        acio_write(stream, buf, (size_t)n);
        int err = acio_drain(stream);
        if (err < 0)
            break;
    }
    describe_end(stream, n);
    return 0;
}

static void
report(acio_loop *loop, const struct acio_exception *exception, void *arg)
{
    (void)loop;
    (void)arg;
    printf("%s\n", exception->message);
    fflush(stdout);
}

struct serve_args {
    acio_tls_context *context;
};
static int
serve(void *arg)
{
    const struct serve_args *a = arg;
    acio_server *server;
    acio_loop_set_exception_handler(acio_get_running_loop(), report, NULL);
    int err = acio_start_server(&server, echo, NULL, "127.0.0.1", 0,
        &(struct acio_server_options){
            .security = acio_tls_security(a->context) });
    if (err < 0)
        return err;
    printf("%d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

/* ---- the client ---- */

struct ask_args {
    acio_tls_context *context;
    const char *host;
    int port, times;
};

static int
ask_once(const struct ask_args *a)
{
    acio_stream *stream;
    char line[4096], why[400];
    struct acio_connect_options options = {
        .security = acio_tls_security(a->context),
        .error_text = why,
        .error_text_bytes = sizeof why,
    };
    int err = acio_open_connection(&stream, a->host, a->port, &options);
    if (err < 0) {
        printf("%s\n", why);
        return 0;
    }
    describe(stream);
    acio_write(stream, "ping\n", 5);
    ssize_t n = acio_readline(stream, line, sizeof line);
    if (n < 0)
        printf("%s\n", acio_error_text(stream));
    else
        printf("%s", line);
    fflush(stdout);
    return acio_close(stream);
}

static int
ask(void *arg)
{
    const struct ask_args *a = arg;
    int err = 0;
    for (int i = 0; i < a->times; i++)
        err = ask_once(a);
    return err;
}

int
main(int argc, char **argv)
{
    char why[400];
    bool serves = argc > 1 && strcmp(argv[1], "serve") == 0;
    struct setup setup = { .times = 1,
        .tls.error_text = why,
        .tls.error_text_bytes = sizeof why };
    acio_tls_context *context;
    if (argc < (serves ? 2 : 4))
        return 2;
    read_options(&setup, argv + (serves ? 2 : 4));
    int err = serves ? acio_tls_server_context(&context, &setup.tls)
                     : acio_tls_client_context(&context, &setup.tls);
    if (err < 0) {
        printf("%s\n", why);
        return 1;
    }
    if (serves)
        err = acio_run(serve, .context = context);
    else
        err = acio_run(ask, .context = context, .host = argv[2],
            .port = atoi(argv[3]), .times = setup.times);
    acio_tls_context_free(context);
    return err < 0;
}
