/* SPDX-License-Identifier: MIT */
/* A TLS server on OpenSSL and bare epoll(7), edge triggered:
 *
 *     tls_openssl echo|send|receive CERTIFICATE KEY
 *
 * OpenSSL reads and writes the sockets itself. */
#include "flow.h"
#include "listen.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>

enum { EVENTS = 512 };

struct connection {
    SSL *tls;
    long at;       /* of the stream, where there is one in one direction */
    int to_answer; /* how many bytes of `data` go back first */
    char data[BENCH_BUFFER];
};

static int set;
static SSL_CTX *context;
static int (*serve)(struct connection *); /* as SSL_read: > 0 to go on */
static char buffer[FLOW_BLOCK];

static int
echo(struct connection *c)
{
    if (c->to_answer <= 0)
        return c->to_answer = SSL_read(c->tls, c->data, sizeof c->data);
    int sent = SSL_write(c->tls, c->data, c->to_answer);
    if (sent > 0)
        c->to_answer = 0;
    return sent;
}

static int
give(struct connection *c)
{
    return SSL_write(c->tls, flow_block, FLOW_BLOCK);
}

static int
take(struct connection *c)
{
    int got = SSL_read(c->tls, buffer, sizeof buffer);
    if (got > 0)
        flow_check(c->at, buffer, got);
    c->at += got > 0 ? got : 0;
    return got;
}

static void
go_on(struct connection *c)
{
    int done;
    ERR_clear_error();
    do
        done = SSL_is_init_finished(c->tls) ? serve(c) : SSL_accept(c->tls);
    while (done > 0);
    int error = SSL_get_error(c->tls, done);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return;
    if (error == SSL_ERROR_ZERO_RETURN)
        SSL_shutdown(c->tls);
    close(SSL_get_fd(c->tls));
    SSL_free(c->tls);
    free(c);
}

static void
accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        bench_require(c != NULL, "memory");
        bench_no_delay(fd);
        c->tls = SSL_new(context);
        SSL_set_fd(c->tls, fd);
        SSL_set_accept_state(c->tls);
        struct epoll_event event = { .events = EPOLLET | EPOLLIN | EPOLLOUT,
            .data.ptr = c };
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    }
}

static void
open_context(const char *certificate, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    bench_require(context != NULL &&
            SSL_CTX_use_certificate_chain_file(context, certificate) == 1 &&
            SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
        "the certificate");
}

int
main(int argc, char **argv)
{
    bench_require(argc == 4, "three arguments");
    flow_fill();
    serve = argv[1][0] == 'e' ? echo : argv[1][0] == 's' ? give : take;
    open_context(argv[2], argv[3]);
    signal(SIGPIPE, SIG_IGN);
    set = epoll_create1(EPOLL_CLOEXEC);
    int listener = bench_listen_at("0", SOCK_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN };
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                go_on(events[i].data.ptr);
            else
                accept_all(listener);
        }
    }
}
