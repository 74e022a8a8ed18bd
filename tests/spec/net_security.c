/* SPDX-License-Identifier: MIT */
/* Connections that are made safe before they are used: the order of things,
 * and what a failure comes to. The handshake here is a word each. */
#include "net_world.h"

#include <stdio.h>

struct handshake {
    struct acio_security security;
    const char *says; /* what this end sends */
    int result;       /* what a handshake that went well comes to */
    const char *why;  /* NULL: no sentence */
};

static int
shake_hands(const struct acio_security *security, acio_stream *stream,
    const struct acio_security_options *options)
{
    const struct handshake *handshake = (const void *)security;
    char word[6] = "";
    int err = say(stream, handshake->says);
    if (err == 0)
        err = (int)acio_readexactly(stream, word, 5);
    if (err < 0)
        return err;
    if (!options->server_side)
        note("[%s expects %s within %g]", word, options->server_hostname,
            options->handshake_timeout);
    if (handshake->why && options->error_text_bytes > 0)
        snprintf(options->error_text, options->error_text_bytes, "%s",
            handshake->why);
    return handshake->result;
}

static int
say_hello(acio_stream *stream, void *arg)
{
    (void)arg;
    return say(stream, "hello");
}

static acio_server *
serve_safely(struct handshake *handshake)
{
    acio_server *server;
    struct acio_server_options options = { .security = &handshake->security };
    EXPECT_ERR(acio_start_server(&server, say_hello, NULL, "127.0.0.1", 0,
                   &options),
        0);
    return server;
}

#define HANDSHAKE(...)                                                         \
    {                                                                          \
        .security.start = shake_hands, __VA_ARGS__                             \
    }

SPEC(net_security, comes_before_the_first_byte_on_both_sides)
{
    struct handshake there = HANDSHAKE(.says = "there");
    struct handshake here = HANDSHAKE(.says = "here ");
    acio_server *server = serve_safely(&there);
    acio_stream *stream;
    char text[40] = "", buf[6] = "";
    struct acio_connect_options options = { .security = &here.security,
        .handshake_timeout = 3,
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server), &options),
        0);
    EXPECT_EQ(acio_readexactly(stream, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
    EXPECT_TEXT(text, "");
    EXPECT_NOTED("[there expects 127.0.0.1 within 3]");
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, can_expect_another_name_than_the_host)
{
    struct handshake there = HANDSHAKE(.says = "there");
    struct handshake here = HANDSHAKE(.says = "here ");
    acio_server *server = serve_safely(&there);
    acio_stream *stream;
    struct acio_connect_options options = { .security = &here.security,
        .server_hostname = "example.org" };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server), &options),
        0);
    EXPECT_NOTED("[there expects example.org within 0]");
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, whose_failure_is_the_connections_failure)
{
    struct handshake there = HANDSHAKE(.says = "there");
    struct handshake here = HANDSHAKE(.says = "here ", .result = -EPROTO,
        .why = "the word is wrong");
    acio_server *server = serve_safely(&there);
    acio_stream *stream;
    char text[100] = "", wanted[100];
    struct acio_connect_options options = { .security = &here.security,
        .error_text = text,
        .error_text_bytes = sizeof text };
    int port = acio_server_port(server);
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", port, &options),
        -EPROTO);
    EXPECT(stream == NULL);
    snprintf(wanted, sizeof wanted,
        "cannot connect to 127.0.0.1, port %d: the word is wrong", port);
    EXPECT_TEXT(text, wanted);
    EXPECT_NOTED("[there expects 127.0.0.1 within 0]");
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, is_told_in_the_errors_words_where_it_has_no_sentence)
{
    struct handshake there = HANDSHAKE(.says = "there");
    struct handshake here = HANDSHAKE(.says = "here ", .result = -EPROTO);
    acio_server *server = serve_safely(&there);
    acio_stream *stream;
    char text[100] = "";
    struct acio_connect_options options = { .security = &here.security,
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server), &options),
        -EPROTO);
    EXPECT(strstr(text, ": Protocol error"));
    EXPECT_NOTED("[there expects 127.0.0.1 within 0]");
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, needs_a_name_where_there_is_no_host)
{
    struct handshake here = HANDSHAKE(.says = "here ");
    acio_stream *stream;
    char text[100] = "";
    struct acio_connect_options options = { .security = &here.security,
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_connection(&stream, NULL, 1, &options), -EINVAL);
    EXPECT(strstr(text, "server_hostname is needed"));
}

/* Reads what there is; the connection ends without a word of the handler. */
static ssize_t
be_refused(acio_server *server)
{
    acio_stream *stream = connect_to(server);
    char buf[20];
    ssize_t n = 0, all = 0;
    if (say(stream, "here ") == 0)
        while ((n = acio_read(stream, buf, sizeof buf)) > 0)
            all += n;
    acio_close(stream);
    return all;
}

SPEC(net_security, that_fails_at_a_server_is_reported_and_the_server_goes_on)
{
    struct handshake there = HANDSHAKE(.says = "there", .result = -EPROTO,
        .why = "no such word");
    acio_server *server = serve_safely(&there);
    EXPECT_EQ(be_refused(server), 5);
    EXPECT_EQ(be_refused(server), 5);
    EXPECT_EQ(acio_server_connections(server), 0);
    EXPECT_REPORTED(
        "connection: the handshake of a connection failed: no such word: "
        "Protocol error\n"
        "connection: the handshake of a connection failed: no such word: "
        "Protocol error\n");
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, is_not_reported_where_the_peer_just_left)
{
    struct handshake there = HANDSHAKE(.says = "there");
    acio_server *server = serve_safely(&there);
    acio_stream *stream = connect_to(server);
    acio_close(stream);
    let_arrive();
    let_arrive();
    EXPECT_REPORTED("");
    acio_server_wait_closed(server, 1);
}

SPEC(net_security, counts_as_a_connection_while_it_lasts)
{
    struct handshake there = HANDSHAKE(.says = "there");
    acio_server *server = serve_safely(&there);
    acio_stream *stream = connect_to(server);
    char buf[6] = "";
    EXPECT_EQ(acio_readexactly(stream, buf, 5), 5);
    EXPECT_EQ(acio_server_connections(server), 1);
    EXPECT_ERR(acio_server_wait_closed(server, 0), -ETIMEDOUT);
    acio_close(stream);
}

/* ---- a handshake that never ends ---- */

static int
shake_for_ever(const struct acio_security *security, acio_stream *stream,
    const struct acio_security_options *options)
{
    (void)security;
    (void)stream;
    (void)options;
    note("begun ");
    int err = acio_sleep(1e6);
    note("%s ", acio_strerror(err));
    return err;
}

/* A server with a client whose hand it shakes for ever. */
static acio_server *
begin_to_shake(acio_stream **stream)
{
    static const struct acio_security endless = { shake_for_ever };
    acio_server *server;
    struct acio_server_options options = { .security = &endless };
    EXPECT_ERR(acio_start_server(&server, say_hello, NULL, "127.0.0.1", 0,
                   &options),
        0);
    *stream = connect_to(server);
    let_arrive();
    EXPECT_EQ(acio_server_connections(server), 1);
    return server;
}

/* Without a handler nobody has written anything that should leave. */
SPEC(net_security, is_given_up_where_clients_are_closed_in_peace)
{
    acio_stream *stream;
    char byte;
    acio_server *server = begin_to_shake(&stream);
    acio_server_close_clients(server);
    EXPECT_EQ(acio_read(stream, &byte, 1), 0);
    EXPECT_NOTED("begun Operation canceled ");
    EXPECT_REPORTED("");
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
}

SPEC(net_security, is_given_up_where_clients_are_aborted)
{
    acio_stream *stream;
    char byte;
    acio_server *server = begin_to_shake(&stream);
    acio_server_abort_clients(server);
    EXPECT_EQ(acio_read(stream, &byte, 1), 0);
    EXPECT_NOTED("begun Operation canceled ");
    EXPECT_REPORTED("");
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
}
