/* SPDX-License-Identifier: MIT */
/* A client for nginx:
 *
 *     http_client HOST PORT PATH [NAME=VALUE ...]
 *
 *     times=N            so many requests, one after the other
 *     idle=SECONDS       before the next, unless the server ends the connection
 *     field=TEXT         one more field for each
 *     authorities=FILE   by TLS, with a server that one of these has certified
 *     protocol=NAME      and that speaks this (ALPN)
 *
 * Bodies go to standard output. What happens is told on standard error, a line
 * for each head and for each body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <acio/tls.h>

#include "http.h"

struct wishes {
    const char *host, *path, *field;
    int port, times;
    double idle;
    struct acio_tls_options tls;
    const char *protocols[2];
};

static int
tell_failure(acio_stream *stream, size_t bytes, int err)
{
    const char *text = acio_error_text(stream);
    fprintf(stderr, "broken after %zu bytes: %s\n",
        bytes + acio_stream_partial(stream), *text ? text : acio_strerror(err));
    return err;
}

static int
receive_body(acio_stream *stream, struct http_head *head)
{
    char buf[5000];
    size_t bytes = 0;
    ssize_t n;
    while ((n = http_read_body(stream, head, buf, sizeof buf)) > 0) {
        fwrite(buf, 1, (size_t)n, stdout);
        bytes += (size_t)n;
    }
    if (n < 0)
        return tell_failure(stream, bytes, (int)n);
    fprintf(stderr, "whole, %zu bytes\n", bytes);
    return 0;
}

/* 1 where the connection may be used again. */
static int
request(acio_stream *stream, const struct wishes *w)
{
    struct http_head head;
    char text[1000];
    int bytes = snprintf(text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", w->path, w->host, w->field,
        *w->field ? "\r\n" : "");
    acio_write(stream, text, (size_t)bytes);
    int err = http_read_head(stream, &head);
    if (err <= 0)
        return tell_failure(stream, 0, err < 0 ? err : -ACIO_EINCOMPLETE);
    fprintf(stderr, "%.3s %s\n", head.text + 9, head.chunked ? "chunked" : "");
    err = receive_body(stream, &head);
    return err < 0 ? err : head.keep;
}

/* Does the server end the connection? */
static bool
ends(acio_stream *stream, double seconds)
{
    char byte;
    ACIO_TIMEOUT(limit, seconds);
    if (acio_read(stream, &byte, 1) != 0)
        return false;
    fprintf(stderr, "ended\n");
    return true;
}

static int
request_all(acio_stream *stream, const struct wishes *w)
{
    int err = 1;
    for (int i = 0; err > 0 && i < w->times; i++)
        err = i > 0 && ends(stream, w->idle) ? 0 : request(stream, w);
    return err < 0 ? err : 0;
}

struct talk_args {
    const struct wishes *wishes;
    acio_tls_context *tls;
};
static int
talk(void *arg)
{
    const struct talk_args *a = arg;
    const struct wishes *w = a->wishes;
    acio_stream *stream;
    char why[400];
    struct acio_connect_options options = {
        .security = acio_tls_security(a->tls),
        .error_text = why,
        .error_text_bytes = sizeof why,
    };
    int err = acio_open_connection(&stream, w->host, w->port, &options);
    if (err < 0) {
        fprintf(stderr, "%s\n", why);
        return err;
    }
    if (a->tls)
        fprintf(stderr, "%s %s\n", acio_tls_version(stream),
            acio_tls_protocol(stream));
    err = request_all(stream, w);
    int closed = acio_close(stream);
    return err < 0 ? err : closed;
}

static void
read_wish(struct wishes *w, const char *name, const char *value)
{
    if (strcmp(name, "times") == 0)
        w->times = atoi(value);
    else if (strcmp(name, "idle") == 0)
        w->idle = strtod(value, NULL);
    else if (strcmp(name, "field") == 0)
        w->field = value;
    else if (strcmp(name, "authorities") == 0)
        w->tls.authorities_file = value;
    else if (strcmp(name, "protocol") == 0)
        w->protocols[0] = value;
    else
        abort();
}

int
main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    struct wishes w = { .host = argv[1],
        .port = atoi(argv[2]),
        .path = argv[3],
        .field = "",
        .times = 1 };
    for (int i = 4; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            return 2;
        *value = '\0';
        read_wish(&w, argv[i], value + 1);
    }
    if (w.protocols[0])
        w.tls.protocols = w.protocols;
    acio_tls_context *tls = NULL;
    int err = 0;
    if (w.tls.authorities_file)
        err = acio_tls_client_context(&tls, &w.tls);
    if (err == 0)
        err = acio_run(talk, .wishes = &w, .tls = tls);
    acio_tls_context_free(tls);
    return err < 0;
}
