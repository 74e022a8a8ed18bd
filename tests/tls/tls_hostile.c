/* SPDX-License-Identifier: MIT */
/* Peers that mean no good, and what stands between two ends.
 *
 * Idea.  A wire has a client and a server at its ends, each with a plain
 *        connection to the middle, which is the test: it hands on what it
 *        likes, in the pieces it likes.
 */
#include "tls_world.h"

#include <errno.h>
#include <openssl/ssl.h>

#include "adapters/tls/tls.h"

struct wire {
    struct tls_pair contexts;
    struct pair left, right; /* client -- left.served, right.client -- served */
    acio_task *there, *back; /* what the middle does */
};

struct pump_args {
    acio_stream *from, *to;
    size_t piece;
};

static int
hand_on(const struct pump_args *a)
{
    char buf[4096];
    ssize_t n = acio_read(a->from, buf, a->piece);
    if (n <= 0)
        return n < 0 ? (int)n : -ACIO_ECLOSED;
    (void)acio_write(a->to, buf, (size_t)n);
    int err = acio_drain(a->to);
    return err < 0 ? err : acio_sleep(0.002);
}

/* Hands on all that comes, a piece at a time. Who fails tells both ends. */
static int
pump(void *arg)
{
    const struct pump_args *a = arg;
    int err;
    while ((err = hand_on(a)) == 0) {
        /* what comes next */
    }
    if (err == -ECANCELED)
        return err;
    acio_abort(a->from);
    acio_abort(a->to);
    return 0;
}

struct shake_end_args {
    acio_stream *stream;
    acio_tls_context *context;
};

static int
shake_end(void *arg)
{
    const struct shake_end_args *a = arg;
    return acio_start_tls(a->stream, a->context,
        &(struct acio_start_tls_options){ .server_hostname = "localhost" });
}

/* `piece` is that of the way back, to the client. */
static int
open_wire(struct wire *wire, const struct handshake *handshake, size_t piece)
{
    *wire = (struct wire){ .there = NULL };
    struct tls_pair *contexts = &wire->contexts;
    int err = acio_tls_client_context(&contexts->client_context,
        &handshake->client);
    if (err == 0)
        err = acio_tls_server_context(&contexts->server_context,
            &handshake->server);
    if (err == 0)
        err = open_pair(&wire->left, 0);
    if (err == 0)
        err = open_pair(&wire->right, 0);
    if (err < 0)
        return err;
    SSL_CTX_set_max_send_fragment(acio_tls_context_native(
                                      contexts->server_context),
        512);
    wire->there = acio_create_task(pump, .from = wire->left.served,
        .to = wire->right.client, .piece = 4096);
    wire->back = acio_create_task(pump, .from = wire->right.client,
        .to = wire->left.served, .piece = piece);
    acio_task *server = acio_create_task(shake_end,
        .stream = wire->right.served, .context = contexts->server_context);
    err = shake_end(&(struct shake_end_args){ .stream = wire->left.client,
        .context = contexts->client_context });
    int err_of_server = acio_await(server);
    return err < 0 ? err : err_of_server;
}

static void
stop(acio_task **task)
{
    if (!*task)
        return;
    acio_cancel(*task);
    (void)acio_await(*task);
    *task = NULL;
}

static void
free_wire(struct wire *wire)
{
    stop(&wire->there);
    stop(&wire->back);
    if (wire->left.client)
        acio_abort(wire->left.client);
    if (wire->right.served)
        acio_abort(wire->right.served);
    if (wire->left.server)
        close_pair(&wire->left);
    if (wire->right.server)
        close_pair(&wire->right);
    acio_tls_context_free(wire->contexts.client_context);
    acio_tls_context_free(wire->contexts.server_context);
}

/* ---- names ---- */

SPEC(tls_hostile, names_that_would_be_compared_with_nothing_are_refused)
{
    static const char *const names[] = { "", "%eth0", ".example.org", "." };
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    tls_close(&pair);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    for (int i = 0; i < 4; i++) {
        EXPECT_ERR(acio_start_tls(pair.plain.client, pair.client_context,
                       &(struct acio_start_tls_options){
                           .server_hostname = names[i] }),
            -EINVAL);
    }
    tls_free(&pair);
}

/* A name with a scope is no name, and not the same without it. */
SPEC(tls_hostile, only_an_address_has_a_scope)
{
    struct tls_pair pair;
    EXPECT(tls_open(&pair,
               &(struct handshake){ LOCALHOST, .host = "localhost%evil",
                   .quiet = true }) < 0);
    tls_free(&pair);
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ LOCALHOST, .host = "::1%lo" }),
        0);
    tls_free(&pair);
}

/* forger.pem has the name "alice, O=acio", and then a line of its own. */
SPEC(tls_hostile, what_a_certificate_says_is_not_taken_for_our_words)
{
    struct tls_pair pair;
    struct acio_tls_certificate shown;
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ LOCALHOST,
                       .server.verify = ACIO_TLS_VERIFY_REQUIRED,
                       .server.authorities_file = certificate("authority.pem"),
                       .client.certificate_file = certificate("forger.pem") }),
        0);
    EXPECT_ERR(acio_tls_peer_certificate(pair.plain.served, &shown), 0);
    EXPECT_TEXT(shown.subject, "CN=alice\\, O=acio\\0Aall is well");
    tls_free(&pair);
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ TRUSTED, SERVED_BY("forger.pem") }),
        -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is for 'alice, O=acio?all is well', "
                 "not for 'localhost'\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
    tls_free(&pair);
}

/* ---- messages in pieces ---- */

/* A session that holds the client's certificate does not fit into one record
 * here. While its half has come, OpenSSL can not write. */
SPEC_SIM(tls_hostile, half_a_session_does_not_keep_the_client_from_writing)
{
    struct wire wire;
    char buf[600];
    size_t all = 0;
    REQUIRE_ERR(open_wire(&wire,
                    &(struct handshake){ LOCALHOST,
                        .server.verify = ACIO_TLS_VERIFY_REQUIRED,
                        .server.authorities_file = certificate("authority.pem"),
                        .client.certificate_file = certificate("alice.pem") },
                    64),
        0);
    while (all < 600) {
        EXPECT_ERR(say(wire.left.client, "0123456789"), 0);
        let_arrive();
        all += 10;
    }
    EXPECT_EQ(acio_readexactly(wire.right.served, buf, 600), 600);
    EXPECT(!memcmp(buf + 590, "0123456789", 10));
    EXPECT_ERR(say(wire.right.served, "well"), 0);
    EXPECT_EQ(acio_readexactly(wire.left.client, buf, 4), 4);
    free_wire(&wire);
}

/* ---- floods ---- */

/* A peer that wants to be answered, and does not read the answers. */
SPEC_KIND(tls_hostile, answers_that_nobody_reads_do_not_pile_up, "sim",
    SPEC_NO_TORTURE, )
{
    struct wire wire;
    size_t most = 0;
    REQUIRE_ERR(open_wire(&wire, &(struct handshake){ LOCALHOST }, 4096), 0);
    stop(&wire.back);
    SSL *ssl = acio_tls_native(wire.left.client);
    for (int i = 0; i < 20000; i++) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        if (SSL_do_handshake(ssl) != 1)
            break;
        if (i % 100 == 0)
            let_arrive();
        size_t waits = acio_write_buffer_size(wire.right.served);
        most = waits > most ? waits : most;
    }
    EXPECT(most < 70000);
    EXPECT(strstr(acio_error_text(wire.right.served),
        "the peer does not read what it asks for"));
    free_wire(&wire);
}

SPEC(tls_hostile, keys_are_changed_after_our_last_word_as_well)
{
    struct tls_pair pair;
    char buf[8];
    REQUIRE_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    EXPECT_ERR(acio_write_eof(pair.plain.client), 0);
    EXPECT_EQ(acio_read(pair.plain.served, buf, 8), 0);
    EXPECT_EQ(SSL_key_update(acio_tls_native(pair.plain.served),
                  SSL_KEY_UPDATE_REQUESTED),
        1);
    EXPECT_ERR(say(pair.plain.served, "new"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 3), 3);
    EXPECT_ERR(say(pair.plain.served, "keys"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 4), 4);
    tls_free(&pair);
}

/* ---- while hands are shaken, and after that has failed ---- */

/* The peer does not read, so that something waits to leave. Not under torture:
 * once the reader is cancelled there is a handshake, and nobody to answer. */
SPEC_KIND(tls_hostile, a_stream_that_is_read_is_refused_at_once_and_as_it_was,
    "sim", SPEC_NO_TORTURE, )
{
    struct tls_pair pair = { .client_context = NULL };
    struct handshake handshake = { LOCALHOST };
    static const char piece[4096];
    EXPECT_ERR(acio_tls_client_context(&pair.client_context, &handshake.client),
        0);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    for (int i = 0; i < 1000 && acio_write_buffer_size(pair.plain.client) == 0;
         i++) {
        (void)acio_write(pair.plain.client, piece, sizeof piece);
        EXPECT_ERR(acio_drain(pair.plain.client), 0);
        let_arrive();
    }
    start(read_and_note, .stream = pair.plain.client, .size = 8);
    let_arrive();
    EXPECT(acio_write_buffer_size(pair.plain.client) > 0);
    EXPECT_ERR(shake_end(&(struct shake_end_args){ .stream = pair.plain.client,
                   .context = pair.client_context }),
        -EBUSY);
    EXPECT_ERR(acio_drain(pair.plain.client), 0);
    EXPECT(elapsed_ns() < 10000000000);
    acio_abort(pair.plain.client);
    settle();
    EXPECT_NOTED("[the object is closed]");
    tls_free(&pair);
}

struct write_meanwhile_args {
    acio_stream *stream;
};

static int
write_meanwhile(void *arg)
{
    const struct write_meanwhile_args *a = arg;
    EXPECT_ERR(acio_write(a->stream, "too early", 9), -EBUSY);
    EXPECT_ERR(acio_write_eof(a->stream), -EBUSY);
    return 0;
}

SPEC(tls_hostile, who_writes_during_a_handshake_is_refused_without_harm)
{
    struct tls_pair pair;
    char buf[8];
    struct handshake handshake = { LOCALHOST };
    pair = (struct tls_pair){ .client_context = NULL };
    EXPECT_ERR(acio_tls_client_context(&pair.client_context, &handshake.client),
        0);
    EXPECT_ERR(acio_tls_server_context(&pair.server_context, &handshake.server),
        0);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    acio_task *client = acio_create_task(shake_end, .stream = pair.plain.client,
        .context = pair.client_context);
    acio_task *writer = acio_create_task(write_meanwhile,
        .stream = pair.plain.client);
    EXPECT_ERR(acio_await(writer), 0);
    EXPECT_ERR(shake_end(&(struct shake_end_args){ .stream = pair.plain.served,
                   .context = pair.server_context }),
        0);
    EXPECT_ERR(acio_await(client), 0);
    EXPECT_ERR(say(pair.plain.client, "now"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 3), 3);
    EXPECT(!memcmp(buf, "now", 3));
    tls_free(&pair);
}

SPEC(tls_hostile, the_end_after_a_failed_handshake_is_no_good_end)
{
    struct tls_pair pair = { .client_context = NULL };
    struct handshake handshake = { LOCALHOST };
    char buf[8];
    EXPECT_ERR(acio_tls_client_context(&pair.client_context, &handshake.client),
        0);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    EXPECT_ERR(say(pair.plain.served, "220 mail ESMTP\r\n"), 0);
    EXPECT_ERR(shake_end(&(struct shake_end_args){ .stream = pair.plain.client,
                   .context = pair.client_context }),
        -ACIO_ENOTTLS);
    EXPECT_ERR(acio_write_eof(pair.plain.served), 0);
    EXPECT_ERR(acio_read(pair.plain.client, buf, 8), -ACIO_ETLS);
    tls_free(&pair);
}

/* ---- what a server says of its peers ---- */

static int
never(acio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    note("served");
    return 0;
}

/* A client that says something, and leaves. */
static void
visit(const char *words)
{
    acio_tls_context *context;
    acio_server *server;
    EXPECT_ERR(acio_tls_server_context(&context,
                   &(struct acio_tls_options){
                       .certificate_file = certificate("server.pem") }),
        0);
    EXPECT_ERR(acio_start_server(&server, never, NULL, "127.0.0.1", 0,
                   &(struct acio_server_options){
                       .security = acio_tls_security(context) }),
        0);
    acio_stream *stream = connect_to(server);
    if (*words)
        EXPECT_ERR(say(stream, words), 0);
    let_arrive();
    EXPECT_ERR(acio_close(stream), 0);
    let_arrive();
    (void)acio_server_wait_closed(server, 1.0);
    acio_tls_context_free(context);
}

SPEC(tls_hostile, who_looks_in_and_leaves_is_not_reported)
{
    visit("");
    visit("\x16\x03\x01\x02");
    EXPECT_REPORTED("");
    EXPECT_NOTED("");
}

SPEC(tls_hostile, who_looks_in_and_leaves_is_reported_in_debug_mode,
    .run.debug = true)
{
    /* what the machine is slow at is reported otherwise */
    acio_loop_set_slow_callback_duration(acio_get_running_loop(), 1000);
    visit("");
    EXPECT_REPORTED("connection: the handshake of a connection failed: "
                    "the peer closed the connection during the handshake: "
                    "the peer left without ending the TLS connection\n");
}

SPEC(tls_hostile, who_speaks_something_else_is_reported)
{
    visit("GET / HTTP/1.1\r\n\r\n");
    EXPECT_REPORTED("connection: the handshake of a connection failed: "
                    "the peer does not speak TLS: it says \"GET / HTTP/1.1\": "
                    "the peer does not speak TLS\n");
}

/* ---- a loop that ends ---- */

struct forget_args {
    struct tls_pair *pair;
};

static int
forget(void *arg)
{
    const struct forget_args *a = arg;
    return tls_open(a->pair, &(struct handshake){ LOCALHOST });
}

TEST(tls_hostile, a_connection_that_was_forgotten_ends_with_its_loop)
{
    struct tls_pair pair = { .client_context = NULL };
    EXPECT_ERR(acio_run(forget, .pair = &pair), 0);
    acio_tls_context_free(pair.client_context);
    acio_tls_context_free(pair.server_context);
}
