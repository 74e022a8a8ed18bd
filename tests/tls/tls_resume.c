/* SPDX-License-Identifier: MIT */
/* Sessions that are used again, and contexts of several hosts. */
#include "tls_world.h"

#include "adapters/tls/tls.h"

/* Lets the server's tickets come: it says something, the client reads it. */
static void
meet(struct tls_pair *pair)
{
    char buf[4];
    EXPECT_ERR(say(pair->plain.served, "hi"), 0);
    EXPECT_EQ(acio_readexactly(pair->plain.client, buf, 2), 2);
}

/* Was the session of the connection an older one, on both ends? */
static bool
reused(const struct tls_pair *pair)
{
    bool client = acio_tls_session_reused(pair->plain.client);
    EXPECT_EQ(client, acio_tls_session_reused(pair->plain.served));
    return client;
}

static void
expect_reuse(const struct handshake *handshake, bool wanted)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, handshake), 0);
    EXPECT(!reused(&pair));
    meet(&pair);
    tls_close(&pair);
    for (int i = 0; i < 3; i++) {
        EXPECT_ERR(tls_open_again(&pair, handshake), 0);
        EXPECT_EQ(reused(&pair), wanted);
        meet(&pair);
        tls_close(&pair);
    }
    EXPECT_NOTED("");
    tls_free(&pair);
}

SPEC(tls_resume, uses_sessions_of_the_host_again)
{
    expect_reuse(&(struct handshake){ LOCALHOST }, true);
}

SPEC(tls_resume, uses_sessions_of_tls_1_2_again)
{
    expect_reuse(&(struct handshake){ LOCALHOST,
                     .server.highest_version = ACIO_TLS_1_2 },
        true);
}

SPEC(tls_resume, is_off_where_the_client_wants_none)
{
    expect_reuse(&(struct handshake){ LOCALHOST, .client.no_resumption = true },
        false);
}

SPEC(tls_resume, is_off_where_the_server_wants_none)
{
    expect_reuse(&(struct handshake){ LOCALHOST, .server.no_resumption = true },
        false);
}

SPEC(tls_resume, does_not_offer_a_session_whose_time_is_over)
{
    struct tls_pair pair;
    struct handshake handshake = { LOCALHOST,
        .server.highest_version = ACIO_TLS_1_2 };
    REQUIRE_ERR(tls_open(&pair, &handshake), 0);
    meet(&pair);
    tls_close(&pair);
    struct acioi_tls_ticket *ticket = pair.client_context->tickets.first;
    if (ticket)
        SSL_SESSION_set_time(ticket->session, 1000000000);
    EXPECT_ERR(tls_open_again(&pair, &handshake), 0);
    EXPECT(!reused(&pair));
    EXPECT_EQ(pair.client_context->tickets.count, 1);
    tls_free(&pair);
}

SPEC(tls_resume, keeps_the_sessions_of_hosts_apart)
{
    struct tls_pair pair;
    struct handshake by_name = { LOCALHOST };
    struct handshake by_address = { LOCALHOST, .host = "127.0.0.1" };
    EXPECT_ERR(tls_open(&pair, &by_name), 0);
    meet(&pair);
    tls_close(&pair);
    EXPECT_ERR(tls_open_again(&pair, &by_address), 0);
    EXPECT(!reused(&pair));
    tls_close(&pair);
    EXPECT_ERR(tls_open_again(&pair, &by_name), 0);
    EXPECT(reused(&pair));
    tls_free(&pair);
}

SPEC(tls_resume, knows_the_peers_certificate_as_before)
{
    struct tls_pair pair;
    struct acio_tls_certificate shown;
    struct handshake handshake = { LOCALHOST };
    EXPECT_ERR(tls_open(&pair, &handshake), 0);
    meet(&pair);
    tls_close(&pair);
    EXPECT_ERR(tls_open_again(&pair, &handshake), 0);
    EXPECT(reused(&pair));
    EXPECT_ERR(acio_tls_peer_certificate(pair.plain.client, &shown), 0);
    EXPECT_TEXT(shown.subject, "CN=localhost, O=acio");
    tls_free(&pair);
}

/* ---- hosts ---- */

static acio_tls_context *
server_of(const char *name, bool asks)
{
    acio_tls_context *context;
    EXPECT_ERR(acio_tls_server_context(&context,
                   &(struct acio_tls_options){
                       .certificate_file = certificate(name),
                       .authorities_file = certificate("authority.pem"),
                       .verify = asks ? ACIO_TLS_VERIFY_REQUIRED
                                      : ACIO_TLS_VERIFY_NONE,
                   }),
        0);
    return context;
}

static void
add_host(struct tls_pair *pair, const char *name, const char *file, bool asks)
{
    acio_tls_context *other = server_of(file, asks);
    EXPECT_ERR(acio_tls_context_add_host(pair->server_context, name, other), 0);
    acio_tls_context_free(other);
}

static int
shake_with(struct tls_pair *pair, const char *host)
{
    struct handshake handshake = { .host = host };
    tls_close(pair);
    return tls_open_again(pair, &handshake);
}

SPEC(tls_hosts, show_the_certificate_of_the_name_asked_for)
{
    struct tls_pair pair;
    EXPECT_ERR(tls_open(&pair, &(struct handshake){ LOCALHOST }), 0);
    add_host(&pair, "*.example.org", "wild.pem", false);
    add_host(&pair, "other.example", "other.pem", false);
    EXPECT_ERR(shake_with(&pair, "a.example.org"), 0);
    EXPECT_TEXT(acio_tls_server_name(pair.plain.served), "a.example.org");
    EXPECT_ERR(shake_with(&pair, "Other.Example"), 0);
    EXPECT_ERR(shake_with(&pair, "localhost"), 0);
    EXPECT_ERR(shake_with(&pair, "127.0.0.1"), 0);
    EXPECT_NOTED("");
    EXPECT_ERR(shake_with(&pair, "a.b.example.org"), -ACIO_ETLSVERIFY);
    EXPECT_NOTED("client: the peer's certificate could not be verified: "
                 "the certificate is for 'localhost', '127.0.0.1', '::1', "
                 "not for 'a.b.example.org'\n"
                 "server: the peer has refused the TLS connection: "
                 "the peer does not accept our certificate\n");
    tls_free(&pair);
}

/* Else whoever is served by one host would be by the other, which asks for
 * certificates. */
static void
bring_the_session_of_another_host(enum acio_tls_version_number version)
{
    struct tls_pair pair;
    REQUIRE_ERR(tls_open(&pair,
                    &(struct handshake){ LOCALHOST, .client.any_host = true,
                        .client.highest_version = version }),
        0);
    add_host(&pair, "other.example", "other.pem", true);
    meet(&pair);
    SSL_SESSION *session = SSL_get1_session(acio_tls_native(pair.plain.client));
    EXPECT(acioi_tls_tickets_keep(&pair.client_context->tickets,
        "other.example", session));
    EXPECT(shake_with(&pair, "other.example") < 0);
    tls_free(&pair);
}

SPEC(tls_hosts, take_no_session_of_another_host)
{
    bring_the_session_of_another_host(ACIO_TLS_1_2);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client has shown no certificate\n"
                 "client: the peer has refused the TLS connection: "
                 "the peer found nothing that both could agree upon\n");
    bring_the_session_of_another_host(ACIO_TLS_1_3);
    EXPECT_NOTED("server: the TLS protocol failed: "
                 "the client has shown no certificate\n");
}
