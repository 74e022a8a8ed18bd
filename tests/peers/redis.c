/* SPDX-License-Identifier: MIT */
/* A client of Redis: what a stream has to bear in daily work.
 *
 * $REDIS says where the server is: "tcp HOST PORT", "unix PATH" or
 * "tls HOST PORT CERTIFICATE". The protocol is RESP2: lines that end with
 * "\r\n", and strings that are preceded by their length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acio_spec.h"
#include "redis.h"

static acio_stream *
connected(void)
{
    acio_stream *stream = NULL;
    char sentence[256] = "";
    int err = redis_connect(&stream, sentence, sizeof sentence);
    if (!EXPECT_ERR(err, 0))
        printf("%s\n", sentence);
    return stream;
}

/* ---- the protocol ---- */

/* Writes a command, its words separated by spaces. */
static void
command(acio_stream *stream, const char *words)
{
    acio_write(stream, words, strlen(words));
    acio_write(stream, "\r\n", 2);
}

/* Reads a line, without its end; its length or an error. */
static ssize_t
read_reply(acio_stream *stream, char *reply, size_t size)
{
    ssize_t n = acio_readuntil(stream, reply, size, "\r\n", 2);
    if (n < 0)
        return n;
    reply[n - 2] = '\0';
    return n - 2;
}

/* Reads "$5\r\nhello\r\n" into `value`. */
static ssize_t
read_string(acio_stream *stream, char *value, size_t size)
{
    char head[64];
    ssize_t n = read_reply(stream, head, sizeof head);
    if (n < 0)
        return n;
    long bytes = strtol(head + 1, NULL, 10);
    if (head[0] != '$' || bytes < 0 || (size_t)bytes + 2 > size)
        return -EPROTO;
    n = acio_readexactly(stream, value, (size_t)bytes + 2);
    if (n < 0)
        return n;
    value[bytes] = '\0';
    return bytes;
}

/* Reads an array of strings, and notes them with a space between. */
static int
note_array(acio_stream *stream)
{
    char text[256];
    ssize_t n = read_reply(stream, text, sizeof text);
    if (n < 0)
        return (int)n;
    long count = text[0] == '*' ? strtol(text + 1, NULL, 10) : 0;
    for (long i = 0; i < count; i++) {
        n = read_string(stream, text, sizeof text);
        if (n < 0)
            return (int)n;
        note("%s ", text);
    }
    return 0;
}

/* Is the next line this one? */
static bool
replies(acio_stream *stream, const char *wanted)
{
    char reply[256] = "";
    return EXPECT(read_reply(stream, reply, sizeof reply) >= 0) &&
        EXPECT_TEXT(reply, wanted);
}

/* ---- one connection ---- */

SPEC_REAL(redis, answers_a_ping)
{
    acio_stream *stream = connected();
    command(stream, "PING");
    REQUIRE(replies(stream, "+PONG"));
    EXPECT_ERR(acio_close(stream), 0);
}

SPEC_REAL(redis, answers_ten_thousand_commands_in_order)
{
    enum { COUNT = 10000 };
    acio_stream *stream = connected();
    char text[64];
    command(stream, "DEL spec:n");
    EXPECT(read_reply(stream, text, sizeof text) >= 0);
    for (int i = 0; i < COUNT; i++)
        command(stream, "INCR spec:n");
    EXPECT_ERR(acio_drain(stream), 0);
    int right = 0;
    for (int i = 1; i <= COUNT; i++) {
        if (read_reply(stream, text, sizeof text) < 0)
            break;
        right += text[0] == ':' && atoi(text + 1) == i;
    }
    EXPECT_EQ(right, COUNT);
    EXPECT_ERR(acio_close(stream), 0);
}

SPEC_REAL(redis, keeps_four_million_bytes_as_they_are)
{
    enum { BYTES = 4 << 20 };
    acio_stream *stream = connected();
    char *sent = malloc(BYTES), *got = malloc(BYTES + 2), head[64];
    for (unsigned i = 0; i < BYTES; i++)
        sent[i] = (char)(i * 2654435761U >> 24);
    int n = snprintf(head, sizeof head,
        "*3\r\n$3\r\nSET\r\n$8\r\nspec:big\r\n$%d\r\n", BYTES);
    acio_write(stream, head, (size_t)n);
    acio_write(stream, sent, BYTES);
    acio_write(stream, "\r\n", 2);
    EXPECT_ERR(acio_drain(stream), 0);
    REQUIRE(replies(stream, "+OK"));
    command(stream, "GET spec:big");
    EXPECT_EQ(read_string(stream, got, BYTES + 2), BYTES);
    EXPECT(memcmp(sent, got, BYTES) == 0);
    command(stream, "DEL spec:big");
    REQUIRE(replies(stream, ":1"));
    EXPECT_ERR(acio_close(stream), 0);
    free(sent);
    free(got);
}

SPEC_REAL(redis, is_left_in_peace_when_it_does_not_answer_in_time)
{
    acio_stream *stream = connected();
    char text[64];
    command(stream, "BLPOP spec:empty 30");
    ACIO_TIMEOUT(limit, 0.05);
    EXPECT_ERR((int)read_reply(stream, text, sizeof text), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT(acio_timeout_expired(&limit));
    acio_abort(stream);
}

SPEC_REAL(redis, ends_the_stream_when_it_is_told_to_quit)
{
    acio_stream *stream = connected();
    char text[8];
    command(stream, "QUIT");
    REQUIRE(replies(stream, "+OK"));
    EXPECT_EQ(acio_read(stream, text, sizeof text), 0);
    EXPECT(acio_at_eof(stream));
    EXPECT_ERR(acio_close(stream), 0);
}

/* ---- several ---- */

SPEC_REAL(redis, wakes_a_client_that_waits_for_another)
{
    acio_stream *waits = connected(), *pushes = connected();
    command(pushes, "DEL spec:list");
    char text[64];
    EXPECT(read_reply(pushes, text, sizeof text) >= 0);
    command(waits, "BLPOP spec:list 30");
    EXPECT_ERR(acio_drain(waits), 0);
    command(pushes, "RPUSH spec:list hello");
    EXPECT_ERR(note_array(waits), 0);
    EXPECT_NOTED("spec:list hello ");
    EXPECT(read_reply(pushes, text, sizeof text) >= 0);
    EXPECT_ERR(acio_close(waits), 0);
    EXPECT_ERR(acio_close(pushes), 0);
}

struct publish_args {
    int count;
};

static int
publish(void *arg)
{
    struct publish_args *a = arg;
    acio_stream *stream = connected();
    char text[64];
    for (int i = 0; i < a->count; i++) {
        snprintf(text, sizeof text, "PUBLISH spec:news %d", i);
        command(stream, text);
    }
    for (int i = 0; i < a->count; i++)
        REQUIRE(replies(stream, ":1"));
    return acio_close(stream);
}

SPEC_REAL(redis, tells_its_subscribers_everything_in_order)
{
    enum { COUNT = 1000, PARTS = 3 };
    acio_stream *stream = connected();
    command(stream, "SUBSCRIBE spec:news");
    REQUIRE(replies(stream, "*3"));
    char text[64];
    read_string(stream, text, sizeof text);
    read_string(stream, text, sizeof text);
    REQUIRE(replies(stream, ":1"));
    start(publish, .count = COUNT);
    int right = 0;
    for (int i = 0; i < COUNT; i++) {
        REQUIRE(replies(stream, "*3"));
        for (int part = 0; part < PARTS; part++)
            EXPECT(read_string(stream, text, sizeof text) >= 0);
        right += atoi(text) == i;
    }
    EXPECT_EQ(right, COUNT);
    finish();
    EXPECT_ERR(acio_close(stream), 0);
}

static int
ask_fifty_times(void *arg)
{
    (void)arg;
    acio_stream *stream = connected();
    for (int i = 0; i < 50; i++) {
        command(stream, "INCR spec:crowd");
        char text[64];
        ssize_t n = read_reply(stream, text, sizeof text);
        if (n < 0)
            return (int)n;
    }
    return acio_close(stream);
}

SPEC_REAL(redis, counts_right_what_two_hundred_clients_add)
{
    enum { CLIENTS = 200 };
    acio_stream *stream = connected();
    command(stream, "SET spec:crowd 0");
    REQUIRE(replies(stream, "+OK"));
    for (int i = 0; i < CLIENTS; i++)
        start(ask_fifty_times);
    finish();
    char value[64];
    command(stream, "GET spec:crowd");
    EXPECT(read_string(stream, value, sizeof value) > 0);
    EXPECT_TEXT(value, "10000");
    EXPECT_ERR(acio_close(stream), 0);
}

/* ---- a server that breaks off ---- */

SPEC_REAL(redis, that_throws_a_client_out_is_an_end_or_a_reset)
{
    acio_stream *victim = connected(), *other = connected();
    char text[64], kill[96];
    command(victim, "CLIENT ID");
    EXPECT(read_reply(victim, text, sizeof text) > 0);
    snprintf(kill, sizeof kill, "CLIENT KILL ID %s", text + 1);
    command(other, kill);
    REQUIRE(replies(other, ":1"));
    ssize_t n = acio_read(victim, text, sizeof text);
    EXPECT(n == 0 || n == -ECONNRESET || n == -ACIO_EINCOMPLETE);
    acio_abort(victim);
    EXPECT_ERR(acio_close(other), 0);
}
