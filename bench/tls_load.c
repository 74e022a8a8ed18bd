/* SPDX-License-Identifier: MIT */
/* tls_load.c - the other side of every TLS server
 *
 *     tls_load WHERE PID CONNECTIONS WARM_MS MEASURE_MS
 *         handshake|echo|send|receive
 *
 * Idea.       Threads on OpenSSL that block. All servers are asked for the
 *             same: TLS 1.3, AES-128-GCM, X25519, the whole handshake each
 *             time, and the certificate is not checked.
 * Figures.    Of a handshake with all of its connection, which also echoes 64
 *             bytes so that the server has seen its end; of an echo of 1 KiB;
 *             or of 64 KiB that the server sends or receives.
 */
#include "clients.h"
#include "flow.h"

#include <openssl/ssl.h>

enum { SMALL = 64, REQUEST = 1024 };

static SSL_CTX *context;

static SSL *
open_tls(const char *where)
{
    SSL *tls = SSL_new(context);
    bench_require(tls != NULL, "memory");
    SSL_set_fd(tls, bench_connect(where));
    bench_require(SSL_connect(tls) == 1, "SSL_connect");
    return tls;
}

static void
echo_once(SSL *tls, int bytes)
{
    char reply[REQUEST];
    int got = 0;
    bench_require(SSL_write(tls, flow_block, bytes) == bytes, "SSL_write");
    while (got < bytes) {
        int more = SSL_read(tls, reply + got, bytes - got);
        bench_require(more > 0, "SSL_read");
        got += more;
    }
    bench_require(memcmp(reply, flow_block, (size_t)bytes) == 0,
        "the bytes came back");
}

static void
shake_hands(struct bench_client *c)
{
    for (;;) {
        SSL *tls = open_tls(c->where);
        echo_once(tls, SMALL);
        SSL_shutdown(tls);
        close(SSL_get_fd(tls));
        SSL_free(tls);
        atomic_fetch_add(&c->done, 1);
    }
}

static void
echo(struct bench_client *c)
{
    SSL *tls = open_tls(c->where);
    for (;;) {
        echo_once(tls, REQUEST);
        atomic_fetch_add(&c->done, 1);
    }
}

static void
take(struct bench_client *c)
{
    SSL *tls = open_tls(c->where);
    char *data = malloc(FLOW_BLOCK);
    for (;;) {
        int got = SSL_read(tls, data, FLOW_BLOCK);
        bench_require(got > 0, "SSL_read");
        flow_check(atomic_load(&c->done), data, got);
        atomic_fetch_add(&c->done, got);
    }
}

static void
give(struct bench_client *c)
{
    SSL *tls = open_tls(c->where);
    for (;;) {
        int sent = SSL_write(tls, flow_block, FLOW_BLOCK);
        bench_require(sent == FLOW_BLOCK, "SSL_write");
        atomic_fetch_add(&c->done, sent);
    }
}

static void
open_context(void)
{
    context = SSL_CTX_new(TLS_client_method());
    bench_require(context != NULL, "OpenSSL");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    bench_require(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") ==
                1 &&
            SSL_CTX_set1_groups_list(context, "X25519") == 1,
        "the cipher");
}

int
main(int argc, char **argv)
{
    bench_require(argc == 7, "six arguments");
    flow_fill();
    open_context();
    if (strcmp(argv[6], "handshake") == 0)
        bench_clients_run(argv, shake_hands, 1);
    if (strcmp(argv[6], "echo") == 0)
        bench_clients_run(argv, echo, 1);
    int sends = strcmp(argv[6], "send") == 0;
    bench_clients_run(argv, sends ? take : give, FLOW_BLOCK);
}
