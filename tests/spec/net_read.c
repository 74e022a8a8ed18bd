/* SPDX-License-Identifier: MIT */
/* Reading from streams: what came is there, all of it and in order. */
#include "net_world.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

SPEC(net_read, gives_what_came_and_no_more_than_asked_for)
{
    struct pair pair;
    char buf[16] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "hello"), 0);
    EXPECT_EQ(acio_read(pair.served, buf, 3), 3);
    EXPECT_TEXT(buf, "hel");
    memset(buf, 0, sizeof buf);
    EXPECT_EQ(acio_read(pair.served, buf, sizeof buf), 2);
    EXPECT_TEXT(buf, "lo");
    close_pair(&pair);
}

SPEC(net_read, waits_for_the_first_byte)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(read_and_note, .stream = pair.served, .size = 10);
    let_arrive();
    EXPECT_NOTED("");
    EXPECT_ERR(say(pair.client, "x"), 0);
    let_arrive();
    EXPECT_NOTED("[x]");
    close_pair(&pair);
}

SPEC(net_read, of_nothing_returns_at_once)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_EQ(acio_read(pair.client, NULL, 0), 0);
    EXPECT_EQ(acio_readexactly(pair.client, NULL, 0), 0);
    close_pair(&pair);
}

SPEC(net_read, says_the_end_again_and_again)
{
    struct pair pair;
    char byte;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT(!acio_at_eof(pair.served));
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 0);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 0);
    EXPECT(acio_at_eof(pair.served));
    close_pair(&pair);
}

SPEC(net_read, comes_to_the_end_after_all_the_bytes)
{
    struct pair pair;
    char buf[16] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "bye", 3);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 2), 2);
    let_arrive();
    EXPECT(!acio_at_eof(pair.served));
    EXPECT_EQ(acio_read(pair.served, buf, sizeof buf), 1);
    EXPECT(acio_at_eof(pair.served));
    close_pair(&pair);
}

SPEC(net_read, refuses_a_second_reader, .may_deadlock = true)
{
    struct pair pair;
    char byte;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(read_and_note, .stream = pair.served, .size = 1);
    settle();
    EXPECT_ERR(acio_read(pair.served, &byte, 1), -EBUSY);
    EXPECT_ERR(acio_readline(pair.served, &byte, 1), -EBUSY);
    EXPECT_ERR(say(pair.client, "x"), 0);
    let_arrive();
    EXPECT_NOTED("[x]");
    close_pair(&pair);
}

SPEC(net_read, lets_one_task_read_while_another_writes)
{
    struct pair pair;
    bool good = false;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(flood, .stream = pair.client, .bytes = 300000, .piece = 4096);
    start(flood, .stream = pair.served, .bytes = 200000, .piece = 1000);
    EXPECT_EQ(read_all(pair.client, &good), 200000);
    EXPECT(good);
    EXPECT_EQ(read_all(pair.served, &good), 300000);
    EXPECT(good);
    close_pair(&pair);
}

/* ---- exactly ---- */

/* io_uring brings it in pieces, of which the first one wakes the reader. */
SPEC_REAL(net_read, gives_all_that_had_come_before_it_runs)
{
    enum { ALL = 40000, ROOM = 65536 };
    acio_stream *stream = NULL;
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT_ERR(acio_open_socket(&stream, fds[0], NULL), 0);
    char *sent = malloc(ALL), *got = malloc(ROOM);
    for (int i = 0; i < ALL; i++)
        sent[i] = (char)(i % 251);
    EXPECT_EQ(send(fds[1], sent, ALL, 0), ALL);
    EXPECT_EQ(acio_read(stream, got, ROOM), ALL);
    EXPECT(memcmp(sent, got, ALL) == 0);
    free(sent);
    free(got);
    acio_abort(stream);
    close(fds[1]);
}

SPEC(net_readexactly, collects_what_comes_in_pieces)
{
    struct pair pair;
    char buf[6] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(flood, .stream = pair.client, .bytes = 10, .piece = 3);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_TEXT(buf, "abcde");
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_TEXT(buf, "fghij");
    close_pair(&pair);
}

SPEC(net_readexactly, takes_more_than_the_limit)
{
    struct pair pair;
    enum { BYTES = 400000 };
    char *buf = malloc(BYTES);
    EXPECT_ERR(open_pair(&pair, 1000), 0);
    start(flood, .stream = pair.client, .bytes = BYTES, .piece = 4096);
    EXPECT_EQ(acio_readexactly(pair.served, buf, BYTES), BYTES);
    if (acio_at_eof(pair.served))
        EXPECT_EQ(buf[BYTES - 1], pattern(BYTES - 1));
    close_pair(&pair);
    finish();
    free(buf);
}

SPEC(net_readexactly, tells_how_many_came_before_the_end)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "abc", 3);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_ERR(acio_readexactly(pair.served, buf, 5), -ACIO_EINCOMPLETE);
    EXPECT_EQ(acio_stream_partial(pair.served), 3);
    EXPECT_TEXT(buf, "abc");
    EXPECT_EQ(acio_read(pair.served, buf, 5), 0);
    EXPECT_EQ(acio_stream_partial(pair.served), 0);
    close_pair(&pair);
}

/* ---- lines and other separators ---- */

SPEC(net_readline, gives_one_line_after_the_other)
{
    struct pair pair;
    char line[16];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "one\n\ntwo\nrest", 13);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 4);
    EXPECT_TEXT(line, "one\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 1);
    EXPECT_TEXT(line, "\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 4);
    EXPECT_TEXT(line, "two\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 4);
    EXPECT_TEXT(line, "rest");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 0);
    EXPECT_TEXT(line, "");
    close_pair(&pair);
}

struct dribble_args {
    acio_stream *stream;
    const char *text;
};
static int
dribble(void *arg)
{
    const struct dribble_args *a = arg;
    int err = 0;
    for (const char *at = a->text; err == 0 && *at; at++) {
        acio_write(a->stream, at, 1);
        err = acio_drain(a->stream);
        if (err == 0)
            err = acio_sleep(0.0001);
    }
    acio_write_eof(a->stream);
    return 0;
}

SPEC(net_readline, puts_together_what_comes_byte_by_byte)
{
    struct pair pair;
    char line[32];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(dribble, .stream = pair.client, .text = "slow line\nand more\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 10);
    EXPECT_TEXT(line, "slow line\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 9);
    EXPECT_TEXT(line, "and more\n");
    close_pair(&pair);
    finish();
}

SPEC(net_readline, takes_a_line_of_64_kib)
{
    struct pair pair;
    enum { BYTES = 65536 };
    char *line = malloc(BYTES + 2);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    memset(line, 'x', BYTES);
    line[BYTES] = '\n';
    acio_write(pair.client, line, BYTES + 1);
    acio_write(pair.client, "y\n", 2);
    EXPECT_EQ(acio_readline(pair.served, line, BYTES + 2), BYTES + 1);
    EXPECT_EQ(strspn(line, "x"), BYTES);
    EXPECT_EQ(acio_readline(pair.served, line, BYTES + 2), 2);
    EXPECT_TEXT(line, "y\n");
    close_pair(&pair);
    free(line);
}

SPEC(net_readline, keeps_a_line_that_is_longer_than_the_limit)
{
    struct pair pair;
    char line[64];
    EXPECT_ERR(open_pair(&pair, 10), 0);
    EXPECT_ERR(say(pair.client, "0123456789A\nshort\n"), 0);
    EXPECT_ERR(acio_readline(pair.served, line, sizeof line), -ACIO_ELIMIT);
    EXPECT_TEXT(line, "");
    EXPECT_ERR(acio_readline(pair.served, line, sizeof line), -ACIO_ELIMIT);
    EXPECT_EQ(acio_readexactly(pair.served, line, 5), 5);
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 7);
    EXPECT_TEXT(line, "56789A\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 6);
    EXPECT_TEXT(line, "short\n");
    close_pair(&pair);
}

SPEC(net_readline, keeps_a_line_for_which_there_is_no_room)
{
    struct pair pair;
    char line[16];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "12345\n"), 0);
    EXPECT_ERR(acio_readline(pair.served, line, 0), -EINVAL);
    EXPECT_ERR(acio_readline(pair.served, line, 1), -ACIO_ELIMIT);
    EXPECT_ERR(acio_readline(pair.served, line, 6), -ACIO_ELIMIT);
    EXPECT_EQ(acio_readline(pair.served, line, 7), 6);
    EXPECT_TEXT(line, "12345\n");
    close_pair(&pair);
}

SPEC(net_readline, waits_for_a_long_line_where_much_was_read_ahead)
{
    struct pair pair;
    char line[32];
    EXPECT_ERR(open_pair(&pair, 10), 0);
    EXPECT_ERR(say(pair.client, "0123456789ABCDEFGHIJKLMNOPQRS\n01234567"), 0);
    let_arrive();
    EXPECT_EQ(acio_readexactly(pair.served, line, 30), 30);
    start(dribble, .stream = pair.client, .text = "89\n");
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 11);
    EXPECT_TEXT(line, "0123456789\n");
    close_pair(&pair);
    finish();
}

SPEC(net_readuntil, finds_a_separator_that_comes_in_pieces)
{
    struct pair pair;
    char text[64];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(dribble, .stream = pair.client, .text = "a\r\rb\r\n\r\r\n\r\nrest");
    EXPECT_EQ(acio_readuntil(pair.served, text, sizeof text, "\r\n\r\n", 4),
        11);
    EXPECT_TEXT(text, "a\r\rb\r\n\r\r\n\r\n");
    EXPECT_ERR(acio_readuntil(pair.served, text, sizeof text, "\r\n", 2),
        -ACIO_EINCOMPLETE);
    EXPECT_EQ(acio_stream_partial(pair.served), 4);
    EXPECT_TEXT(text, "rest");
    close_pair(&pair);
    finish();
}

SPEC(net_readuntil, needs_a_separator)
{
    struct pair pair;
    char text[8];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_readuntil(pair.served, text, sizeof text, "", 0), -EINVAL);
    close_pair(&pair);
}

/* ---- cancels and time limits ---- */

struct exactly_and_note_args {
    acio_stream *stream;
};
static int
exactly_and_note(void *arg)
{
    const struct exactly_and_note_args *a = arg;
    char buf[6];
    ssize_t n = acio_readexactly(a->stream, buf, sizeof buf);
    note("%s", n < 0 ? acio_strerror((int)n) : "read");
    return 0;
}

SPEC(net_readexactly, cancelled_gives_back_what_it_had)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(exactly_and_note, .stream = pair.served);
    settle();
    EXPECT_ERR(say(pair.client, "abc"), 0);
    let_arrive();
    acio_cancel(task);
    acio_await(task);
    EXPECT_NOTED("Operation canceled");
    EXPECT_ERR(say(pair.client, "def"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 6), 6);
    EXPECT_TEXT(buf, "abcdef");
    close_pair(&pair);
}

SPEC(net_read, cancelled_takes_no_byte)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(read_and_note, .stream = pair.served,
        .size = 8);
    settle();
    EXPECT_ERR(say(pair.client, "abc"), 0);
    acio_cancel(task);
    acio_await(task);
    EXPECT_NOTED("[Operation canceled]");
    EXPECT_EQ(acio_readexactly(pair.served, buf, 3), 3);
    EXPECT_TEXT(buf, "abc");
    close_pair(&pair);
}

SPEC(net_read, cancelled_too_late_gives_its_bytes)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "abc"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 1), 1);
    let_arrive();
    {
        ACIO_TIMEOUT(limit, 0);
        EXPECT_ERR(acio_read(pair.served, buf, 8), -ETIMEDOUT);
        EXPECT_ERR(acio_readline(pair.served, buf, 8), -ETIMEDOUT);
        EXPECT_ERR(acio_readexactly(pair.served, buf, 1), -ETIMEDOUT);
    }
    EXPECT_EQ(acio_read(pair.served, buf, 8), 2);
    close_pair(&pair);
}

SPEC(net_read, can_be_given_a_time_limit)
{
    struct pair pair;
    char line[8];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "li"), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_readline(pair.served, line, sizeof line), -ETIMEDOUT);
        EXPECT(acio_timeout_expired(&limit));
    }
    EXPECT_ERR(say(pair.client, "ne\n"), 0);
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 5);
    EXPECT_TEXT(line, "line\n");
    close_pair(&pair);
}

/* Reads all the pattern, giving up now and then; how many bytes were right. */
static size_t
read_with_time_limits(acio_stream *stream, size_t bytes)
{
    size_t at = 0;
    char buf[700];
    ssize_t n = 1;
    while (at < bytes && (n > 0 || n == -ETIMEDOUT)) {
        size_t want = bytes - at < sizeof buf ? bytes - at : sizeof buf;
        ACIO_TIMEOUT(limit, 0.0003);
        n = at % 2 ? acio_readexactly(stream, buf, want)
                   : acio_read(stream, buf, want);
        for (ssize_t i = 0; i < n; i++, at++) {
            if (!EXPECT_EQ(buf[i], pattern(at)))
                return at;
        }
    }
    return at;
}

SPEC_SIM(net_read, loses_no_byte_whatever_the_network_does,
    .sim.short_transfers = 0.3, .sim.late = 0.3, .sim.late_cancels = 0.5,
    .sim.busy_sends = 0.3, .sim.buffer_bytes = 3000)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 1000), 0);
    start(flood, .stream = pair.client, .bytes = 20001, .piece = 1700);
    start(flood, .stream = pair.served, .bytes = 10001, .piece = 4000);
    EXPECT_EQ(read_with_time_limits(pair.served, 20001), 20001);
    EXPECT_EQ(read_with_time_limits(pair.client, 10001), 10001);
    close_pair(&pair);
    finish();
}

/* ---- memory ---- */

SPEC(net_read, stops_a_peer_that_sends_what_nobody_reads)
{
    struct pair pair;
    size_t written = 0;
    char byte;
    const size_t bytes = (size_t)1 << 30;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(flood, .stream = pair.client,
        .bytes = bytes, .piece = 4096, .written = &written);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 1);
    size_t before;
    do {
        before = written;
        let_arrive();
    } while (written != before);
    EXPECT(written < bytes / 8);
    acio_cancel(task);
    acio_await(task);
    acio_abort(pair.client);
    close_pair(&pair);
}

SPEC(net_read, holds_no_memory_while_it_is_idle)
{
    enum { COUNT = 20 };
    struct pair pairs[COUNT];
    char byte;
    if (time_is_virtual())
        SKIP("the simulator's requests are allocated");
    for (int i = 0; i < COUNT; i++)
        EXPECT_ERR(open_pair(&pairs[i], 0), 0);
    size_t blocks = spec_heap_live();
    for (int i = 0; i < COUNT; i++) {
        EXPECT_ERR(say(pairs[i].client, "ab"), 0);
        EXPECT_EQ(acio_read(pairs[i].served, &byte, 1), 1);
        EXPECT_EQ(acio_read(pairs[i].served, &byte, 1), 1);
    }
    EXPECT(spec_heap_live() < blocks + COUNT / 2);
    for (int i = 0; i < COUNT; i++)
        close_pair(&pairs[i]);
}

SPEC(net_read, allocates_nothing_in_steady_traffic)
{
    if (time_is_virtual())
        SKIP("the simulator's packets are allocated");
    acio_server *server = serve(echo, NULL);
    acio_stream *stream = connect_to(server);
    char line[64];
    size_t before = 0;
    for (int i = 0; i < 200; i++) {
        if (i == 100)
            before = spec_heap_allocations();
        EXPECT_ERR(say(stream, "a request\n"), 0);
        EXPECT_EQ(acio_readline(stream, line, sizeof line), 10);
    }
    EXPECT_EQ(spec_heap_allocations(), before);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}
