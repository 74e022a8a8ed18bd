/* SPDX-License-Identifier: MIT */
/* Handshakes: who is accepted, who is not, and what both ends say about it. */
#include "tls_world.h"

/* Shakes hands, and lets go; what went wrong is noted. */
static int
try(const struct handshake *handshake)
{
    struct tls_pair pair;
    int err = tls_open(&pair, handshake);
    tls_free(&pair);
    return err;
}
#define TRY(...) try(&(const struct handshake){ __VA_ARGS__ })

SPEC(tls_handshake, makes_a_stream_of_plain_bytes)
{
    struct tls_pair pair;
    char buf[16];
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    EXPECT_ERR(say(pair.plain.client, "ping"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 4), 4);
    EXPECT_ERR(say(pair.plain.served, "pong"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.client, buf + 4, 4), 4);
    buf[8] = '\0';
    EXPECT_TEXT(buf, "pingpong");
    EXPECT_NOTED("");
    tls_free(&pair);
}

SPEC(tls_handshake, tells_what_was_agreed_upon)
{
    struct tls_pair pair;
    struct acio_tls_certificate shown;
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    EXPECT_TEXT(acio_tls_version(pair.plain.client), "TLSv1.3");
    EXPECT_TEXT(acio_tls_version(pair.plain.served), "TLSv1.3");
    EXPECT_TEXT(acio_tls_cipher(pair.plain.client), "TLS_AES_256_GCM_SHA384");
    EXPECT_TEXT(acio_tls_protocol(pair.plain.client), "");
    EXPECT_TEXT(acio_tls_server_name(pair.plain.client), "localhost");
    EXPECT_TEXT(acio_tls_server_name(pair.plain.served), "localhost");
    EXPECT(!acio_tls_session_reused(pair.plain.client));
    EXPECT_ERR(acio_tls_peer_certificate(pair.plain.client, &shown), 0);
    EXPECT_TEXT(shown.subject, "CN=localhost, O=acio");
    EXPECT_TEXT(shown.issuer, "CN=acio test authority, O=acio");
    EXPECT_EQ(shown.not_before, 1577836800);
    EXPECT_EQ(shown.not_after, 4070908800);
    EXPECT_ERR(acio_tls_peer_certificate(pair.plain.served, &shown), -ENODATA);
    tls_free(&pair);
}

SPEC(tls_handshake, is_unknown_to_a_stream_without_tls)
{
    struct pair pair;
    struct acio_tls_certificate shown;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_TEXT(acio_tls_version(pair.client), "");
    EXPECT_TEXT(acio_tls_cipher(pair.client), "");
    EXPECT_TEXT(acio_tls_protocol(pair.client), "");
    EXPECT_TEXT(acio_tls_server_name(pair.client), "");
    EXPECT(!acio_tls_session_reused(pair.client));
    EXPECT(!acio_tls_native(pair.client));
    EXPECT_ERR(acio_tls_peer_certificate(pair.client, &shown), -ENOPROTOOPT);
    EXPECT_ERR(acio_tls_set_shutdown_timeout(pair.client, 1), -ENOPROTOOPT);
    acio_stream *closed = pair.client;
    close_pair(&pair);
    EXPECT_TEXT(acio_tls_version(closed), "");
    EXPECT_ERR(acio_tls_peer_certificate(closed, &shown), -ACIO_ECLOSED);
}

SPEC(tls_handshake, speaks_tls_1_2_with_who_does_not_speak_more)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ LOCALHOST,
                       .server.highest_version = ACIO_TLS_1_2 }),
        0);
    EXPECT_TEXT(acio_tls_version(pair.plain.client), "TLSv1.2");
    EXPECT_ERR(say(pair.plain.client, "ping"), 0);
    EXPECT_EQ(acio_readexactly(pair.plain.served, buf, 4), 4);
    tls_free(&pair);
}

/* ---- certificates ---- */

SPEC(tls_handshake, refuses_the_certificate_of_another_host)
{
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("other.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is for 'other.example', not for 'localhost'\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
}

SPEC(tls_handshake, refuses_the_certificate_of_another_address)
{
    EXPECT_ERR(TRY(LOCALHOST, .host = "127.0.0.2"), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is for 'localhost', '127.0.0.1', '::1', "
                 "not for '127.0.0.2'\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
}

SPEC(tls_handshake, refuses_an_expired_certificate)
{
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("expired.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate has been expired since 2021-02-03 04:05:06 "
                 "UTC\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer finds our certificate expired\n");
}

SPEC(tls_handshake, refuses_a_certificate_of_the_future)
{
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("future.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is not valid before 2090-01-02 03:04:05 "
                 "UTC\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
}

SPEC(tls_handshake, refuses_a_selfsigned_certificate)
{
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("selfsigned.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is self-signed, and not trusted\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not trust the issuer of our certificate\n");
}

SPEC(tls_handshake, refuses_a_certificate_of_an_unknown_authority)
{
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("unknown.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate was issued by 'a stranger', which is not "
                 "trusted\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not trust the issuer of our certificate\n");
}

SPEC(tls_handshake, trusts_nobody_but_the_system_by_default)
{
    EXPECT_ERR(TRY(SERVED_BY("server.pem")), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate was issued by 'acio test authority', which "
                 "is not trusted\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not trust the issuer of our certificate\n");
}

SPEC(tls_handshake, needs_a_name_to_compare)
{
    struct tls_pair pair;
    char why[100];
    EXPECT_ERR(TRY(LOCALHOST, .client.any_host = true, .host = ""), 0);
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    tls_close(&pair);
    EXPECT_ERR(open_pair(&pair.plain, 0), 0);
    EXPECT_ERR(acio_start_tls(pair.plain.client, pair.client_context,
                   &(struct acio_start_tls_options){ .error_text = why,
                       .error_text_bytes = sizeof why }),
        -EINVAL);
    EXPECT_TEXT(why,
        "server_hostname is needed to compare the certificate "
        "with");
    tls_free(&pair);
}

SPEC(tls_handshake, accepts_addresses_wildcards_and_chains)
{
    EXPECT_ERR(TRY(LOCALHOST, .host = "127.0.0.1"), 0);
    EXPECT_ERR(TRY(LOCALHOST, .host = "::1"), 0);
    EXPECT_ERR(TRY(LOCALHOST, .host = "LocalHost."), 0);
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("wild.pem"), .host = "a.example.org"), 0);
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("chain.pem")), 0);
    EXPECT_NOTED("");
    EXPECT_ERR(TRY(TRUSTED, SERVED_BY("wild.pem"), .host = "a.b.example.org"),
        -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is for '*.example.org', not for "
                 "'a.b.example.org'\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
}

SPEC(tls_handshake, accepts_anybody_where_it_is_told_to)
{
    EXPECT_ERR(TRY(SERVED_BY("selfsigned.pem"),
                   .client.verify = ACIO_TLS_VERIFY_NONE,
                   .host = "elsewhere.example"),
        0);
    EXPECT_ERR(TRY(LOCALHOST, .client.any_host = true,
                   .host = "elsewhere.example"),
        0);
    EXPECT_NOTED("");
}

/* ---- clients' certificates ---- */

#define ASKS_CLIENTS .server.verify = ACIO_TLS_VERIFY_REQUIRED, TRUSTING
#define TRUSTING .server.authorities_file = certificate("authority.pem")

SPEC(tls_handshake, accepts_a_clients_certificate)
{
    struct tls_pair pair;
    struct acio_tls_certificate shown;
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ LOCALHOST, ASKS_CLIENTS,
                       .client.certificate_file = certificate("alice.pem") }),
        0);
    EXPECT_ERR(acio_tls_peer_certificate(pair.plain.served, &shown), 0);
    EXPECT_TEXT(shown.subject, "CN=alice");
    EXPECT_NOTED("");
    tls_free(&pair);
}

SPEC(tls_handshake, refuses_a_client_without_the_certificate_asked_for)
{
    EXPECT_ERR(TRY(LOCALHOST, ASKS_CLIENTS,
                   .client.highest_version = ACIO_TLS_1_2),
        -ACIO_ETLSALERT);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client has shown no certificate\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer found nothing that both could agree upon\n");
}

/* In TLS 1.3 the client is done before the server looks. */
SPEC(tls_handshake, tells_the_first_read_that_the_client_is_refused)
{
    struct tls_pair pair;
    char buf[8];
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST, ASKS_CLIENTS }),
        -ACIO_ETLS);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client has shown no certificate\n");
    EXPECT_ERR(acio_read(pair.plain.client, buf, 8), -ACIO_ETLSALERT);
    EXPECT(strstr(acio_error_text(pair.plain.client),
        "the peer wants a certificate, and got none"));
    tls_free(&pair);
}

SPEC(tls_handshake, refuses_a_client_of_an_unknown_authority)
{
    EXPECT_ERR(TRY(LOCALHOST, ASKS_CLIENTS,
                   .client.certificate_file = certificate("mallory.pem"),
                   .client.highest_version = ACIO_TLS_1_2),
        -ACIO_ETLSALERT);
    EXPECT_NOTED("server: the peer's certificate could not be verified: "
                 "the client's certificate was issued by 'a stranger', which "
                 "is not trusted\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer does not trust the issuer of our certificate\n");
}

SPEC(tls_handshake, lets_a_client_go_without_where_that_is_optional)
{
    EXPECT_ERR(TRY(LOCALHOST, TRUSTING,
                   .server.verify = ACIO_TLS_VERIFY_OPTIONAL),
        0);
    EXPECT_NOTED("");
}

/* ---- what both speak ---- */

static const char *const h2_or_http[] = { "h2", "http/1.1", NULL };
static const char *const http[] = { "http/1.1", NULL };
static const char *const irc[] = { "irc", NULL };

SPEC(tls_handshake, agrees_upon_the_servers_best_protocol)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair,
                   &(struct handshake){ LOCALHOST,
                       .client.protocols = h2_or_http,
                       .server.protocols = http }),
        0);
    EXPECT_TEXT(acio_tls_protocol(pair.plain.client), "http/1.1");
    EXPECT_TEXT(acio_tls_protocol(pair.plain.served), "http/1.1");
    tls_free(&pair);
}

SPEC(tls_handshake, refuses_a_client_of_other_protocols)
{
    EXPECT_ERR(TRY(LOCALHOST, .client.protocols = irc,
                   .server.protocols = h2_or_http),
        -ACIO_ETLSALERT);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client offers none of our protocols (ALPN)\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer speaks none of the protocols offered (ALPN)\n");
}

SPEC(tls_handshake, does_without_protocols_where_one_end_has_none)
{
    EXPECT_ERR(TRY(LOCALHOST, .client.protocols = irc), 0);
    EXPECT_ERR(TRY(LOCALHOST, .server.protocols = irc), 0);
    EXPECT_NOTED("");
}

SPEC(tls_handshake, refuses_versions_that_are_too_old)
{
    EXPECT_ERR(TRY(LOCALHOST, .client.highest_version = ACIO_TLS_1_2,
                   .server.lowest_version = ACIO_TLS_1_3),
        -ACIO_ETLSALERT);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client speaks TLS 1.2, and at least TLS 1.3 is wanted\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer does not speak these versions of TLS\n");
}

SPEC(tls_handshake, needs_a_cipher_in_common)
{
    EXPECT_ERR(TRY(LOCALHOST, .client.cipher_suites = "TLS_AES_128_GCM_SHA256",
                   .server.cipher_suites = "TLS_AES_256_GCM_SHA384",
                   .server.lowest_version = ACIO_TLS_1_3),
        -ACIO_ETLSALERT);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "both have no cipher in common\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer found nothing that both could agree upon\n");
}

/* ---- peers that do not speak TLS ---- */

struct shake_half_args {
    acio_stream *stream;
    acio_tls_context *context;
    double timeout;
};

/* Shakes hands with a peer that the test plays. */
static int
shake_half(void *arg)
{
    const struct shake_half_args *a = arg;
    char why[200];
    int err = acio_start_tls(a->stream, a->context,
        &(struct acio_start_tls_options){
            .server_hostname = "localhost",
            .handshake_timeout = a->timeout,
            .error_text = why,
            .error_text_bytes = sizeof why,
        });
    note("%s: %s", acio_strerror(err), why);
    return 0;
}

static acio_tls_context *
server_context(void)
{
    acio_tls_context *context;
    EXPECT_ERR(acio_tls_server_context(&context,
                   &(struct acio_tls_options){
                       .certificate_file = certificate("server.pem") }),
        0);
    return context;
}

static acio_tls_context *
client_context(void)
{
    acio_tls_context *context;
    EXPECT_ERR(acio_tls_client_context(&context,
                   &(struct acio_tls_options){
                       .authorities_file = certificate("authority.pem") }),
        0);
    return context;
}

SPEC(tls_handshake, names_a_client_that_speaks_http)
{
    struct pair pair;
    acio_tls_context *context = server_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    shake_half(
        &(struct shake_half_args){ .stream = pair.served, .context = context });
    EXPECT_NOTED("the peer does not speak TLS: "
                 "the peer does not speak TLS: it says \"GET / HTTP/1.1\"");
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC(tls_handshake, names_a_server_that_speaks_something_else)
{
    struct pair pair;
    acio_tls_context *context = client_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.served, "220 mail ESMTP\r\n"), 0);
    shake_half(
        &(struct shake_half_args){ .stream = pair.client, .context = context });
    EXPECT_NOTED("the peer does not speak TLS: the peer does not speak TLS: "
                 "it says \"220 mail ESMTP\"");
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC(tls_handshake, tells_of_a_peer_that_leaves)
{
    struct pair pair;
    acio_tls_context *context = client_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(shake_half, .stream = pair.client,
        .context = context);
    let_arrive();
    acio_write_eof(pair.served);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("the peer left without ending the TLS connection: "
                 "the peer closed the connection during the handshake");
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC_SIM(tls_handshake, takes_no_longer_than_its_timeout)
{
    struct pair pair;
    acio_tls_context *context = client_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    shake_half(&(struct shake_half_args){ .stream = pair.client,
        .context = context,
        .timeout = 2.5 });
    EXPECT_NOTED("Connection timed out: "
                 "the handshake took longer than 2.5 seconds");
    EXPECT(elapsed_ns() >= 2500000000);
    EXPECT(elapsed_ns() < 2600000000);
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC_SIM(tls_handshake, takes_60_seconds_at_most_by_default)
{
    struct pair pair;
    acio_tls_context *context = server_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    shake_half(
        &(struct shake_half_args){ .stream = pair.served, .context = context });
    EXPECT_NOTED("Connection timed out: "
                 "the handshake took longer than 60 seconds");
    EXPECT(elapsed_ns() >= 60000000000);
    EXPECT(elapsed_ns() < 61000000000);
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC(tls_handshake, happens_once)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    EXPECT_ERR(acio_start_tls(pair.plain.client, pair.client_context,
                   &(struct acio_start_tls_options){
                       .server_hostname = "localhost" }),
        -EALREADY);
    tls_free(&pair);
}

SPEC(tls_handshake, ends_where_somebody_else_closes_the_stream)
{
    struct pair pair;
    acio_tls_context *context = client_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(shake_half, .stream = pair.client,
        .context = context);
    let_arrive();
    acio_abort(pair.client);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("the object is closed: the object is closed");
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC(tls_handshake, that_is_cancelled_leaves_a_stream_to_close)
{
    struct pair pair;
    acio_tls_context *context = client_context();
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(shake_half, .stream = pair.client,
        .context = context);
    let_arrive();
    acio_cancel(task);
    (void)acio_await(task);
    EXPECT_NOTED("Operation canceled: Operation canceled");
    EXPECT_ERR(acio_close(pair.client), 0);
    close_pair(&pair);
    acio_tls_context_free(context);
}

SPEC(tls_handshake, needs_the_context_of_its_side)
{
    acio_tls_context *context = server_context();
    acio_stream *stream;
    char why[200];
    acio_server *server = serve(echo, NULL);
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server),
                   &(struct acio_connect_options){
                       .security = acio_tls_security(context),
                       .error_text = why,
                       .error_text_bytes = sizeof why }),
        -EINVAL);
    EXPECT(strstr(why, ": this is a context for servers"));
    (void)acio_server_wait_closed(server, 1.0);
    acio_tls_context_free(context);
}
