/* SPDX-License-Identifier: MIT */
/* Streams with TLS: their bytes, their ends, and what is done to them. */
#include "tls_world.h"

#include <openssl/ssl.h>

static const struct handshake *
usual(void)
{
    static _Thread_local struct handshake handshake;
    handshake = (struct handshake){ LOCALHOST };
    return &handshake;
}

SPEC(tls_stream, carries_much_both_ways)
{
    struct tls_pair pair;
    bool there = false, back = false;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    start(flood, .stream = pair.plain.client, .bytes = much() / 2,
        .piece = 4096);
    start(flood, .stream = pair.plain.served, .bytes = 100000, .piece = 100);
    EXPECT_EQ(read_all(pair.plain.client, &back), 100000);
    EXPECT_EQ(read_all(pair.plain.served, &there), (ssize_t)much() / 2);
    EXPECT(there);
    EXPECT(back);
    tls_free(&pair);
}

SPEC(tls_stream, reads_lines_and_pieces)
{
    struct tls_pair pair;
    char line[32];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(say(pair.plain.served, "one\ntwo\nthree|four"), 0);
    EXPECT_EQ(acio_readline(pair.plain.client, line, sizeof line), 4);
    EXPECT_TEXT(line, "one\n");
    EXPECT_EQ(acio_readline(pair.plain.client, line, sizeof line), 4);
    EXPECT_EQ(acio_readuntil(pair.plain.client, line, sizeof line, "|", 1), 6);
    EXPECT_TEXT(line, "three|");
    EXPECT_EQ(acio_readexactly(pair.plain.client, line, 4), 4);
    tls_free(&pair);
}

SPEC(tls_stream, puts_the_small_writes_of_a_pass_into_one_record)
{
    struct tls_pair pair;
    char buf[4096];
    REQUIRE_ERR(tls_open(&pair, usual()), 0);
    BIO *wire = SSL_get_wbio(acio_tls_native(pair.plain.client));
    uint64_t before = BIO_number_written(wire);
    for (int i = 0; i < 1000; i++)
        acio_write(pair.plain.client, "abc", 3);
    EXPECT_EQ(BIO_number_written(wire), before);
    EXPECT_ERR(acio_drain(pair.plain.client), 0);
    EXPECT_EQ(BIO_number_written(wire), before + 3000 + 22);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 3000), 3000);
    acio_write(pair.plain.client, "in the next pass", 16);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 16), 16);
    tls_free(&pair);
}

/* The gathered bytes of one are sealed when another is written to. */
SPEC(tls_stream, gathers_for_one_stream_at_a_time)
{
    struct tls_pair pair;
    char buf[64];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    for (int i = 0; i < 10; i++) {
        acio_write(pair.plain.client, "ask", 3);
        acio_write(pair.plain.served, "told", 4);
    }
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 30), 30);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 40), 40);
    buf[8] = 0;
    EXPECT_TEXT(buf, "toldtold");
    acio_write(pair.plain.client, "lost", 4);
    acio_abort(pair.plain.client);
    EXPECT_ERR(say(pair.plain.served, "x"), 0);
    tls_free(&pair);
}

SPEC(tls_stream, keeps_the_order_of_small_and_large_writes)
{
    struct tls_pair pair;
    static char large[20000];
    bool good = false;
    size_t at = 0;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    for (int i = 0; i < 40; i++) {
        size_t n = i % 3 == 2 ? sizeof large : (size_t)i * 117;
        for (size_t j = 0; j < n; j++)
            large[j] = pattern(at + j);
        acio_write(pair.plain.client, large, n);
        at += n;
    }
    EXPECT_ERR(acio_write_eof(pair.plain.client), 0);
    EXPECT_EQ(read_all(pair.plain.served, &good), (ssize_t)at);
    EXPECT(good);
    tls_free(&pair);
}

SPEC(tls_stream, pauses_a_peer_that_floods)
{
    struct tls_pair pair;
    size_t written = 0;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(say(pair.plain.served, "!"), 0);
    start(flood, .stream = pair.plain.client, .bytes = much(), .piece = 4096,
        .written = &written);
    settle();
    EXPECT(written < much());
    bool good = false;
    EXPECT_EQ(read_all(pair.plain.served, &good), (ssize_t)much());
    EXPECT(good);
    tls_free(&pair);
}

/* ---- the end ---- */

static void
leave_without_a_word(acio_stream *stream)
{
    SSL_set_quiet_shutdown(acio_tls_native(stream), 1);
    EXPECT_ERR(acio_tls_set_shutdown_timeout(stream, 0), 0);
}

SPEC(tls_stream, ends_where_the_peer_closes_it)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(say(pair.plain.served, "bye"), 0);
    start(tls_leave, .stream = pair.plain.served);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 3), 3);
    EXPECT_EQ(acio_read(pair.plain.client, buf, 8), 0);
    EXPECT(acio_at_eof(pair.plain.client));
    EXPECT_ERR(acio_close(pair.plain.client), 0);
    let_arrive();
    tls_free(&pair);
}

SPEC(tls_stream, is_called_truncated_where_it_ends_without_a_word)
{
    struct tls_pair pair;
    char buf[8];
    REQUIRE_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(say(pair.plain.served, "cut"), 0);
    leave_without_a_word(pair.plain.served);
    start(tls_leave, .stream = pair.plain.served);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 3), 3);
    EXPECT_ERR(acio_read(pair.plain.client, buf, 8), -ACIO_ETLSEOF);
    EXPECT(strstr(acio_error_text(pair.plain.client),
        "what came may be cut short"));
    acio_abort(pair.plain.client);
    tls_free(&pair);
}

SPEC(tls_stream, may_end_without_a_word_where_that_is_told)
{
    struct tls_pair pair;
    char buf[8];
    REQUIRE_ERR(tls_open(&pair,
                    &(struct handshake){ LOCALHOST,
                        .client.end_needs_no_word = true }),
        0);
    EXPECT_ERR(say(pair.plain.served, "cut"), 0);
    leave_without_a_word(pair.plain.served);
    start(tls_leave, .stream = pair.plain.served);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 3), 3);
    EXPECT_EQ(acio_read(pair.plain.client, buf, 8), 0);
    tls_free(&pair);
}

SPEC(tls_stream, ends_one_way_and_goes_on_the_other)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(say(pair.plain.client, "ask"), 0);
    EXPECT_ERR(acio_write_eof(pair.plain.client), 0);
    EXPECT_ERR(acio_write(pair.plain.client, "x", 1), -ACIO_ECLOSED);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 3), 3);
    EXPECT_EQ(acio_read(pair.plain.served, buf, 8), 0);
    EXPECT_ERR(say(pair.plain.served, "told"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 4), 4);
    start(tls_leave, .stream = pair.plain.served);
    EXPECT_EQ(acio_read(pair.plain.client, buf, 8), 0);
    EXPECT_ERR(acio_close(pair.plain.client), 0);
    tls_free(&pair);
}

struct close_and_note_args {
    acio_stream *stream;
};
static int
close_and_note(void *arg)
{
    const struct close_and_note_args *a = arg;
    int err = acio_close(a->stream);
    note("%s", acio_strerror(err));
    return 0;
}

SPEC(tls_stream, waits_for_the_peers_last_word)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    start(close_and_note, .stream = pair.plain.client);
    EXPECT_EQ(acio_read(pair.plain.served, buf, 8), 0);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_close(pair.plain.served), 0);
    let_arrive();
    EXPECT_NOTED("success");
    tls_free(&pair);
}

SPEC_SIM(tls_stream, waits_30_seconds_at_most_for_the_peers_last_word)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(acio_close(pair.plain.client), -ETIMEDOUT);
    EXPECT(elapsed_ns() >= 30000000000);
    EXPECT(elapsed_ns() < 31000000000);
    tls_free(&pair);
}

SPEC_SIM(tls_stream, waits_as_well_where_it_has_said_its_own_before)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(acio_write_eof(pair.plain.client), 0);
    EXPECT_ERR(acio_close(pair.plain.client), -ETIMEDOUT);
    EXPECT(elapsed_ns() >= 30000000000);
    tls_free(&pair);
}

SPEC_SIM(tls_stream, waits_as_long_for_the_last_word_as_it_is_told)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    EXPECT_ERR(acio_tls_set_shutdown_timeout(pair.plain.client, 1.5), 0);
    EXPECT_ERR(acio_close(pair.plain.client), 0);
    EXPECT(elapsed_ns() >= 1500000000);
    EXPECT(elapsed_ns() < 1600000000);
    tls_close(&pair);
    int64_t before = elapsed_ns();
    EXPECT_ERR(tls_open_again(&pair, usual()), 0);
    EXPECT_ERR(acio_tls_set_shutdown_timeout(pair.plain.client, 0), 0);
    EXPECT_ERR(acio_close(pair.plain.client), 0);
    EXPECT(elapsed_ns() - before < 100000000);
    tls_free(&pair);
}

/* ---- a stream in use ---- */

struct upgrade_args {
    acio_stream *stream;
    acio_tls_context *context;
    bool is_client;
};

static int
upgrade(void *arg)
{
    const struct upgrade_args *a = arg;
    int err = acio_start_tls(a->stream, a->context,
        &(struct acio_start_tls_options){
            .server_hostname = a->is_client ? "localhost" : NULL });
    note("[%s]", err < 0 ? acio_strerror(err) : acio_tls_version(a->stream));
    return 0;
}

/* The client's hello follows its request without a pause, and lies in the
 * server's buffer before that goes over to TLS. */
SPEC(tls_stream, takes_what_was_buffered_before_for_the_handshake)
{
    struct tls_pair pair;
    char line[32];
    struct handshake handshake = { LOCALHOST };
    pair = (struct tls_pair){ .client_context = NULL };
    EXPECT_ERR(acio_tls_client_context(&pair.client_context, &handshake.client),
        0);
    EXPECT_ERR(acio_tls_server_context(&pair.server_context, &handshake.server),
        0);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    EXPECT_ERR(acio_write(pair.plain.client, "hello\nSTARTTLS\n", 15), 0);
    acio_task *client = acio_create_task(upgrade, .stream = pair.plain.client,
        .context = pair.client_context, .is_client = true);
    EXPECT_EQ(acio_readline(pair.plain.served, line, sizeof line), 6);
    let_arrive();
    EXPECT_EQ(acio_readline(pair.plain.served, line, sizeof line), 9);
    upgrade(&(struct upgrade_args){ .stream = pair.plain.served,
        .context = pair.server_context });
    EXPECT_ERR(acio_await(client), 0);
    EXPECT_NOTED("[TLSv1.3][TLSv1.3]");
    EXPECT_ERR(say(pair.plain.client, "secret"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.served, line, 6), 6);
    tls_free(&pair);
}

/* ---- breaking ---- */

SPEC_SIM(tls_stream, notices_what_was_changed_on_its_way)
{
    struct tls_pair pair;
    char buf[64];
    const unsigned char forged[] = { 23, 3, 3, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 9,
        1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6 };
    REQUIRE_ERR(tls_open(&pair, usual()), 0);
    BIO *wire = SSL_get_wbio(acio_tls_native(pair.plain.served));
    EXPECT_ERR(say(pair.plain.served, "true"), 0);
    EXPECT_EQ(BIO_write(wire, forged, sizeof forged), (int)sizeof forged);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 4), 4);
    EXPECT_ERR(acio_read(pair.plain.client, buf, 64), -ACIO_ETLS);
    EXPECT(strstr(acio_error_text(pair.plain.client),
        "what came was changed on its way"));
    EXPECT_ERR(acio_write(pair.plain.client, "x", 1), -ACIO_ETLS);
    tls_free(&pair);
}

SPEC(tls_stream, does_not_renegotiate)
{
    struct tls_pair pair;
    struct handshake handshake = { LOCALHOST,
        .server.highest_version = ACIO_TLS_1_2 };
    char buf[8];
    REQUIRE_ERR(tls_open(&pair, &handshake), 0);
    SSL *ssl = acio_tls_native(pair.plain.client);
    SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    EXPECT_EQ(SSL_renegotiate(ssl), 1);
    EXPECT_EQ(SSL_do_handshake(ssl), -1);
    EXPECT_ERR(acio_read(pair.plain.client, buf, 8), -ACIO_ETLS);
    EXPECT(strstr(acio_error_text(pair.plain.client),
        "the peer does not renegotiate"));
    tls_free(&pair);
}

SPEC(tls_stream, changes_its_keys_when_the_peer_wants_that)
{
    struct tls_pair pair;
    char buf[8];
    REQUIRE_ERR(tls_open(&pair, usual()), 0);
    EXPECT_EQ(SSL_key_update(acio_tls_native(pair.plain.client),
                  SSL_KEY_UPDATE_REQUESTED),
        1);
    EXPECT_ERR(say(pair.plain.client, "new"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 3), 3);
    EXPECT_ERR(say(pair.plain.served, "keys"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf, 4), 4);
    tls_free(&pair);
}

SPEC(tls_stream, is_aborted_at_once)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair, usual()), 0);
    acio_write(pair.plain.client, "lost?", 5);
    acio_abort(pair.plain.client);
    ssize_t n = acio_read(pair.plain.served, buf, 8);
    EXPECT(n < 0);
    tls_free(&pair);
}
