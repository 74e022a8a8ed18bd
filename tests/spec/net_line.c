/* SPDX-License-Identifier: MIT */
/* Several separators, and lines where they lie. */
#include "net_world.h"

#include <stdlib.h>

#define PIECE(text)                                                            \
    {                                                                          \
        (void *)(text), sizeof(text) - 1                                       \
    }

static void
expect_until(acio_stream *stream, const char *wanted)
{
    static const struct iovec ends[] = { PIECE("\r\n"), PIECE("\n"),
        PIECE("END") };
    char buf[32] = "";
    ssize_t n = acio_readuntil_any(stream, buf, sizeof buf, ends, 3);
    EXPECT_EQ(n, (ssize_t)strlen(wanted));
    EXPECT_TEXT(buf, wanted);
}

SPEC(net_readuntil_any, stops_at_the_separator_that_ends_first)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "a\r\nb\nEND\nENDc"), 0);
    expect_until(pair.served, "a\r\n");
    expect_until(pair.served, "b\n");
    expect_until(pair.served, "END");
    expect_until(pair.served, "\n");
    expect_until(pair.served, "END");
    close_pair(&pair);
}

SPEC(net_readuntil_any, prefers_the_shorter_of_two_that_end_together)
{
    struct pair pair;
    static const struct iovec ends[] = { PIECE("ab"), PIECE("b"), PIECE("bc") };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "xabc"), 0);
    EXPECT_EQ(acio_readuntil_any(pair.served, buf, sizeof buf, ends, 3), 3);
    EXPECT_TEXT(buf, "xab");
    close_pair(&pair);
}

struct say_slowly_args {
    acio_stream *stream;
    const char *text;
};
static int
say_slowly(void *arg)
{
    const struct say_slowly_args *a = arg;
    for (const char *c = a->text; *c; c++) {
        acio_write(a->stream, c, 1);
        if (acio_sleep(0.0001) < 0)
            break;
    }
    acio_write_eof(a->stream);
    return 0;
}

SPEC(net_readuntil_any, finds_separators_that_come_in_pieces)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(say_slowly, .stream = pair.client, .text = "ab\rc\r\nENENDx\n");
    expect_until(pair.served, "ab\rc\r\n");
    expect_until(pair.served, "ENEND");
    expect_until(pair.served, "x\n");
    EXPECT_EQ(read_all(pair.served, NULL), 0);
    close_pair(&pair);
}

SPEC(net_readuntil_any, tells_how_many_came_before_the_end)
{
    struct pair pair;
    static const struct iovec ends[] = { PIECE("1"), PIECE("22") };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "ab2"), 0);
    acio_write_eof(pair.client);
    EXPECT_ERR(acio_readuntil_any(pair.served, buf, sizeof buf, ends, 2),
        -ACIO_EINCOMPLETE);
    EXPECT_EQ(acio_stream_partial(pair.served), 3);
    EXPECT_TEXT(buf, "ab2");
    close_pair(&pair);
}

SPEC(net_readuntil_any, refuses_to_look_for_nothing)
{
    struct pair pair;
    static const struct iovec ends[] = { PIECE("1"), PIECE("") };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_readuntil_any(pair.served, buf, sizeof buf, NULL, 0),
        -EINVAL);
    EXPECT_ERR(acio_readuntil_any(pair.served, buf, sizeof buf, ends, 2),
        -EINVAL);
    EXPECT_ERR(acio_readuntil_any(pair.served, buf, 0, ends, 1), -EINVAL);
    close_pair(&pair);
}

/* ---- lines where they lie ---- */

static void
note_lines(acio_stream *stream)
{
    struct acio_line line;
    int err;
    while ((err = acio_next_line(stream, &line)) > 0)
        note("(%zu %s)", line.bytes, line.text);
    note("%d", err);
}

SPEC(net_next_line, gives_one_line_after_the_other)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "one\n\ntwo\r\nlast"), 0);
    acio_write_eof(pair.client);
    note_lines(pair.served);
    EXPECT_NOTED("(3 one)(0 )(4 two\r)(4 last)0");
    EXPECT(acio_at_eof(pair.served));
    close_pair(&pair);
}

SPEC(net_next_line, waits_for_the_rest_of_a_line)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(say_slowly, .stream = pair.client, .text = "one\ntwo\nthree");
    note_lines(pair.served);
    EXPECT_NOTED("(3 one)(3 two)(5 three)0");
    close_pair(&pair);
}

SPEC(net_next_line, stays_where_it_is_whatever_comes)
{
    struct pair pair;
    struct acio_line line;
    bool good = true;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "keep me\n"), 0);
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    EXPECT(!acio_at_eof(pair.served));
    for (int i = 0; i < 20; i++) {
        char more[1000];
        memset(more, 'x', sizeof more);
        acio_write(pair.client, more, sizeof more);
        good = good && acio_drain(pair.client) == 0;
        let_arrive();
    }
    EXPECT(good);
    EXPECT_EQ(line.bytes, 7);
    EXPECT_TEXT(line.text, "keep me");
    acio_write_eof(pair.client);
    EXPECT_EQ(read_all(pair.served, NULL), 20000);
    close_pair(&pair);
}

SPEC(net_next_line, mixes_with_other_ways_to_read)
{
    struct pair pair;
    struct acio_line line;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "a\nbcd\nef\n"), 0);
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    EXPECT_TEXT(line.text, "a");
    EXPECT_EQ(acio_readexactly(pair.served, buf, 2), 2);
    EXPECT_TEXT(buf, "bc");
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    EXPECT_TEXT(line.text, "d");
    EXPECT_EQ(acio_readline(pair.served, buf, sizeof buf), 3);
    EXPECT_TEXT(buf, "ef\n");
    close_pair(&pair);
}

/* Blocks of 4096 bytes have a head of their own. */
SPEC(net_next_line, ends_a_last_line_that_fills_its_block)
{
    static char text[4096];
    memset(text, 'x', sizeof text);
    bool good = true;
    for (size_t bytes = 4056; good && bytes <= 4072; bytes += 8) {
        struct pair pair;
        struct acio_line line;
        good = open_pair(&pair, 0) == 0;
        acio_write(pair.client, text, bytes);
        acio_write_eof(pair.client);
        good = good && acio_next_line(pair.served, &line) == 1 &&
            line.bytes == bytes && strlen(line.text) == bytes;
        close_pair(&pair);
    }
    EXPECT(good);
}

SPEC(net_next_line, longer_than_the_limit_is_refused_and_stays)
{
    struct pair pair;
    struct acio_line line;
    char buf[32] = "";
    EXPECT_ERR(open_pair(&pair, 10), 0);
    EXPECT_ERR(say(pair.client, "0123456789ab\n"), 0);
    EXPECT_ERR(acio_next_line(pair.served, &line), -ACIO_ELIMIT);
    EXPECT_EQ(line.bytes, 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 13), 13);
    EXPECT_TEXT(buf, "0123456789ab\n");
    close_pair(&pair);
}

SPEC(net_next_line, is_gone_with_its_stream)
{
    struct pair pair;
    struct acio_line line;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "a\nb\n"), 0);
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    acio_abort(pair.served);
    EXPECT_ERR(acio_next_line(pair.served, &line), -ACIO_ECLOSED);
    close_pair(&pair);
}

SPEC(net_next_line, does_not_copy)
{
    struct pair pair;
    struct acio_line first, second;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "one\ntwo\n"), 0);
    let_arrive();
    EXPECT_EQ(acio_next_line(pair.served, &first), 1);
    EXPECT_EQ(acio_next_line(pair.served, &second), 1);
    if (!tortured())
        EXPECT(second.text == first.text + 4);
    close_pair(&pair);
}
