/* SPDX-License-Identifier: MIT */
/* A server for curl:
 *
 *     http_server [CERTIFICATE]         with it by TLS
 *
 *     GET /bytes/N     N bytes, each the rest of its place by 251
 *     else             what was sent goes back while it comes
 *
 * It prints its port, and then what became of each connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <acio/tls.h>

#include "http.h"

enum { PIECE = 251 * 64 };

static int
write_head(acio_stream *stream, const struct http_head *head, int64_t length)
{
    char text[200], field[100] = "Transfer-Encoding: chunked\r\n";
    if (!head->chunked)
        snprintf(field, sizeof field, "Content-Length: %lld\r\n",
            (long long)length);
    int bytes = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n", field);
    return acio_write(stream, text, (size_t)bytes);
}

static int
send_bytes(acio_stream *stream, const struct http_head *head, int64_t length)
{
    char piece[PIECE];
    for (int i = 0; i < PIECE; i++)
        piece[i] = (char)(i % 251);
    int err = write_head(stream, head, length);
    for (int64_t left = length; err == 0 && left > 0; left -= PIECE) {
        acio_write(stream, piece, left < PIECE ? (size_t)left : PIECE);
        err = acio_drain(stream);
    }
    return err;
}

static int
send_back(acio_stream *stream, struct http_head *head)
{
    char buf[PIECE], size[20];
    ssize_t n;
    if (head->expects_word)
        acio_write(stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    write_head(stream, head, head->length < 0 ? 0 : head->length);
    while ((n = http_read_body(stream, head, buf, sizeof buf)) > 0) {
        snprintf(size, sizeof size, "%zx\r\n", (size_t)n);
        acio_write(stream, size, head->chunked ? strlen(size) : 0);
        acio_write(stream, buf, (size_t)n);
        acio_write(stream, "\r\n", head->chunked ? 2 : 0);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    acio_write(stream, "0\r\n\r\n", head->chunked ? 5 : 0);
    return (int)n;
}

static int
answer(acio_stream *stream, struct http_head *head)
{
    static const char bytes[] = "GET /bytes/";
    int err = strncmp(head->text, bytes, sizeof bytes - 1) == 0
        ? send_bytes(stream, head,
              strtoll(head->text + sizeof bytes - 1, NULL, 10))
        : send_back(stream, head);
    return err < 0 ? err : acio_drain(stream);
}

static int
serve_one(acio_stream *stream, void *arg)
{
    (void)arg;
    struct http_head head;
    int requests = 0, err = 1;
    while (err > 0 && (err = http_read_head(stream, &head)) > 0) {
        requests++;
        err = answer(stream, &head);
        if (err == 0)
            err = head.keep;
    }
    const char *why = acio_error_text(stream);
    printf("%d requests, %s\n", requests,
        err == 0   ? "ended"
            : *why ? why
                   : acio_strerror(err));
    fflush(stdout);
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
    acio_tls_context *tls;
};
static int
serve(void *arg)
{
    const struct serve_args *a = arg;
    acio_server *server;
    acio_loop_set_exception_handler(acio_get_running_loop(), report, NULL);
    int err = acio_start_server(&server, serve_one, NULL, "127.0.0.1", 0,
        &(struct acio_server_options){ .security = acio_tls_security(a->tls) });
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    static const char *const protocols[] = { "http/1.1", NULL };
    acio_tls_context *tls = NULL;
    int err = 0;
    if (argc > 1)
        err = acio_tls_server_context(&tls,
            &(struct acio_tls_options){ .certificate_file = argv[1],
                .protocols = protocols });
    if (err == 0)
        err = acio_run(serve, .tls = tls);
    acio_tls_context_free(tls);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "%s\n", acio_strerror(err));
    return err < 0 && err != -EINTR;
}
