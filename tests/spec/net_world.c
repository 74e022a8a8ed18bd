/* SPDX-License-Identifier: MIT */
/* net_world.c - what the tests of streams and servers have in common */
#include "net_world.h"

static int
hold(acio_stream *stream, void *arg)
{
    struct pair *pair = arg;
    pair->served = stream;
    acio_future_set_result(&pair->there, 0);
    return acio_future_await(&pair->end);
}

int
open_pair(struct pair *pair, size_t limit)
{
    struct acio_server_options serving = { .limit = limit };
    struct acio_connect_options connecting = { .limit = limit };
    *pair = (struct pair){ .server = NULL };
    acio_future_init(&pair->there);
    acio_future_init(&pair->end);
    int err = acio_start_server(&pair->server, hold, pair, "127.0.0.1", 0,
        &serving);
    if (err < 0)
        return err;
    err = acio_open_connection(&pair->client, "127.0.0.1",
        acio_server_port(pair->server), &connecting);
    return err < 0 ? err : acio_future_await(&pair->there);
}

void
close_pair(struct pair *pair)
{
    acio_close(pair->client);
    acio_server_wait_closed(pair->server, 0);
    acio_future_close(&pair->there);
    acio_future_close(&pair->end);
}

void
let_arrive(void)
{
    if (time_is_virtual())
        (void)acio_sleep(0.001);
    else
        settle();
}

int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[4096];
    ssize_t n;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        acio_write(stream, buf, (size_t)n);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    return (int)n;
}

acio_server *
serve(acio_connection_handler *handler, void *arg)
{
    acio_server *server;
    EXPECT_ERR(acio_start_server(&server, handler, arg, "127.0.0.1", 0, NULL),
        0);
    return server;
}

acio_stream *
connect_to(acio_server *server)
{
    acio_stream *stream;
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server), NULL),
        0);
    return stream;
}

int
say(acio_stream *stream, const char *text)
{
    acio_write(stream, text, strlen(text));
    return acio_drain(stream);
}

char
pattern(size_t i)
{
    return (char)('a' + (i % 26 + i / 997) % 26);
}

ssize_t
read_all(acio_stream *stream, bool *is_pattern)
{
    char buf[5000];
    ssize_t n;
    size_t all = 0;
    bool good = true;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            good = good && buf[i] == pattern(all + (size_t)i);
        all += (size_t)n;
    }
    if (is_pattern)
        *is_pattern = good;
    return n < 0 ? n : (ssize_t)all;
}

size_t
much(void)
{
    return time_is_virtual() ? 400000 : (size_t)16 << 20;
}

bool
tortured(void)
{
    return spec_torture_n(SPEC_TORTURE_ALLOC) ||
        spec_torture_n(SPEC_TORTURE_SHORT) ||
        spec_torture_n(SPEC_TORTURE_CANCEL);
}

int
flood(void *arg)
{
    struct flood_args *a = arg;
    char piece[4096];
    int err = 0;
    for (size_t at = 0; err == 0 && at < a->bytes;) {
        size_t n = 0;
        for (; n < a->piece && at < a->bytes; n++, at++)
            piece[n] = pattern(at);
        acio_write(a->stream, piece, n);
        err = acio_drain(a->stream);
        if (a->written)
            *a->written = at;
    }
    acio_write_eof(a->stream);
    return 0;
}

int
read_and_note(void *arg)
{
    const struct read_and_note_args *a = arg;
    char buf[64] = "";
    size_t size = a->size < sizeof buf ? a->size : sizeof buf - 1;
    ssize_t n = acio_read(a->stream, buf, size);
    if (n >= 0)
        note("[%.*s]", (int)n, buf);
    else
        note("[%s]", acio_strerror((int)n));
    return 0;
}
