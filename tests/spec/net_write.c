/* SPDX-License-Identifier: MIT */
/* Writing to streams: it never waits, draining does. */
#include "net_world.h"

#include <stdlib.h>

SPEC(net_write, leaves_by_itself)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_write(pair.client, "hello", 5), 0);
    EXPECT_EQ(acio_write_buffer_size(pair.client), 5);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
    EXPECT_EQ(acio_write_buffer_size(pair.client), 0);
    close_pair(&pair);
}

static unsigned sends; /* the watcher's */

static void
count_sends(const struct acio_sim_event *event, void *user)
{
    (void)user;
    sends += event->kind == ACIO_OP_SEND && event->result > 0;
}

SPEC_SIM(net_write, joins_the_small_writes_of_a_pass, .sim.busy_sends = 1,
    .sim.watcher = count_sends)
{
    struct pair pair;
    char buf[32];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    sends = 0;
    for (int i = 0; i < 10; i++)
        EXPECT_ERR(acio_write(pair.client, "ab", 2), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 20), 20);
    EXPECT_EQ(sends, 1);
    close_pair(&pair);
}

SPEC(net_write, of_nothing_is_nothing)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_write(pair.client, NULL, 0), 0);
    EXPECT_ERR(acio_writelines(pair.client, NULL, 0), 0);
    EXPECT_EQ(acio_write_buffer_size(pair.client), 0);
    close_pair(&pair);
}

SPEC(net_write, takes_any_number_of_bytes_at_once)
{
    struct pair pair;
    size_t bytes = much();
    char *data = malloc(bytes);
    bool good = false;
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_write(pair.client, data, bytes), 0);
    memset(data, 0, bytes); /* it was copied */
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(read_all(pair.served, &good), (ssize_t)bytes);
    EXPECT(good);
    close_pair(&pair);
    free(data);
}

SPEC(net_write, keeps_the_order_of_pieces_of_all_sizes)
{
    struct pair pair;
    static const size_t sizes[] = { 1, 5000, 3, 70000, 1, 1, 17000, 65536, 9 };
    bool good = false;
    size_t at = 0;
    char *data = malloc(70000);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizes[i]; j++, at++)
            data[j] = pattern(at);
        EXPECT_ERR(acio_write(pair.client, data, sizes[i]), 0);
    }
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(read_all(pair.served, &good), (ssize_t)at);
    EXPECT(good);
    close_pair(&pair);
    free(data);
}

SPEC(net_writelines, writes_pieces_one_after_the_other)
{
    struct pair pair;
    struct iovec pieces[] = { { "one ", 4 }, { "", 0 }, { "two\n", 4 } };
    char line[16];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_writelines(pair.client, pieces, 3), 0);
    EXPECT_EQ(acio_readline(pair.served, line, sizeof line), 8);
    EXPECT_TEXT(line, "one two\n");
    close_pair(&pair);
}

/* ---- draining ---- */

struct drain_and_note_args {
    acio_stream *stream;
};
static int
drain_and_note(void *arg)
{
    const struct drain_and_note_args *a = arg;
    int err = acio_drain(a->stream);
    note("%s", err < 0 ? acio_strerror(err) : "drained");
    return 0;
}

/* How many bytes were written. */
static size_t
write_much(acio_stream *stream)
{
    const size_t bytes = much();
    char *data = calloc(1, bytes);
    EXPECT_ERR(acio_write(stream, data, bytes), 0);
    free(data);
    return bytes;
}

SPEC(net_drain, returns_at_once_below_the_high_mark)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    int64_t before_ns = elapsed_ns();
    EXPECT_ERR(say(pair.client, "a little"), 0);
    if (time_is_virtual())
        EXPECT_EQ(elapsed_ns(), before_ns);
    close_pair(&pair);
}

SPEC(net_drain, waits_above_the_high_mark_until_the_low_one)
{
    struct pair pair;
    char buf[65536];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    size_t left = write_much(pair.client);
    EXPECT_ERR(acio_stream_set_write_buffer_limits(pair.client, 200000, 100000),
        0);
    start(drain_and_note, .stream = pair.client);
    let_arrive();
    EXPECT_NOTED("");
    EXPECT(acio_write_buffer_size(pair.client) > 200000);
    ssize_t n = 0;
    while (left > 0 && acio_write_buffer_size(pair.client) > 100000 && n >= 0) {
        n = acio_read(pair.served, buf, sizeof buf);
        left -= n > 0 ? (size_t)n : 0;
    }
    settle();
    EXPECT_NOTED("drained");
    if (time_is_virtual())
        EXPECT(acio_write_buffer_size(pair.client) > 0);
    acio_abort(pair.client);
    close_pair(&pair);
}

SPEC(net_drain, waits_for_everything_where_the_high_mark_is_zero)
{
    struct pair pair;
    bool good;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_write_buffer_limits(pair.client, 0, 0), 0);
    size_t bytes = write_much(pair.client);
    start(drain_and_note, .stream = pair.client);
    acio_write_eof(pair.client);
    EXPECT_EQ(read_all(pair.served, &good), (ssize_t)bytes);
    settle();
    EXPECT_NOTED("drained");
    EXPECT_EQ(acio_write_buffer_size(pair.client), 0);
    close_pair(&pair);
}

SPEC(net_drain, refuses_marks_that_make_no_sense)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_write_buffer_limits(pair.client, 1, 2), -EINVAL);
    close_pair(&pair);
}

SPEC(net_drain, cancelled_loses_nothing)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    size_t bytes = write_much(pair.client);
    acio_task *task = acio_create_task(drain_and_note, .stream = pair.client);
    settle();
    acio_cancel(task);
    acio_await(task);
    EXPECT_NOTED("Operation canceled");
    acio_write_eof(pair.client);
    EXPECT_EQ(read_all(pair.served, NULL), (ssize_t)bytes);
    close_pair(&pair);
}

SPEC(net_drain, wakes_every_task_that_waits)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    size_t bytes = write_much(pair.client);
    start(drain_and_note, .stream = pair.client);
    start(drain_and_note, .stream = pair.client);
    acio_write_eof(pair.client);
    EXPECT_EQ(read_all(pair.served, NULL), (ssize_t)bytes);
    settle();
    EXPECT_NOTED("draineddrained");
    close_pair(&pair);
}

/* ---- half a close ---- */

SPEC(net_write_eof, ends_one_direction_only)
{
    struct pair pair;
    char buf[16] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "question", 8);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(read_all(pair.served, NULL), 8);
    EXPECT_ERR(say(pair.served, "answer"), 0);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 6), 6);
    EXPECT_TEXT(buf, "answer");
    close_pair(&pair);
}

SPEC(net_write_eof, comes_after_all_that_was_written)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    size_t bytes = write_much(pair.client);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(read_all(pair.served, NULL), (ssize_t)bytes);
    close_pair(&pair);
}

SPEC(net_write_eof, can_be_said_twice_but_nothing_after_it)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_ERR(acio_write(pair.client, "x", 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_drain(pair.client), 0);
    close_pair(&pair);
}

/* ---- a peer that is gone ---- */

static bool
is_lost(ssize_t err)
{
    return err == -EPIPE || err == -ECONNRESET;
}

/* Resets the connection: it has something unread when it is closed. */
static void
reset_by_served(struct pair *pair)
{
    EXPECT_ERR(say(pair->client, "unread"), 0);
    let_arrive();
    acio_abort(pair->served);
    let_arrive();
}

SPEC(net_write, to_a_peer_that_is_gone_fails_and_the_error_sticks)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    reset_by_served(&pair);
    acio_write(pair.client, "a", 1);
    let_arrive();
    int err = acio_drain(pair.client);
    EXPECT(is_lost(err));
    EXPECT_ERR(acio_drain(pair.client), err);
    EXPECT_ERR(acio_write(pair.client, "b", 1), err);
    EXPECT_ERR(acio_write_eof(pair.client), err);
    EXPECT_EQ(acio_write_buffer_size(pair.client), 0);
    EXPECT(strstr(acio_error_text(pair.client), acio_strerror(err)));
    EXPECT_ERR(acio_close(pair.client), err);
    close_pair(&pair);
}

SPEC(net_read, from_a_peer_that_is_gone_says_so_and_draining_too)
{
    struct pair pair;
    char byte;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_TEXT(acio_error_text(pair.client), "");
    reset_by_served(&pair);
    ssize_t err = acio_read(pair.client, &byte, 1);
    EXPECT_ERR(err, -ECONNRESET);
    EXPECT_ERR(acio_read(pair.client, &byte, 1), -ECONNRESET);
    EXPECT_ERR(acio_drain(pair.client), -ECONNRESET);
    close_pair(&pair);
}

SPEC(net_read, gives_what_came_before_the_connection_broke)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.served, "last"), 0);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 1), 1);
    let_arrive();
    reset_by_served(&pair);
    EXPECT_EQ(acio_read(pair.client, buf, 8), 3);
    EXPECT_ERR(acio_read(pair.client, buf, 8), -ECONNRESET);
    EXPECT(acio_at_eof(pair.client));
    close_pair(&pair);
}

SPEC(net_drain, wakes_up_when_the_connection_breaks)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    (void)write_much(pair.client);
    acio_task *task = acio_create_task(drain_and_note, .stream = pair.client);
    let_arrive();
    acio_abort(pair.served);
    acio_await(task);
    let_arrive();
    int err = acio_drain(pair.client);
    EXPECT(is_lost(err));
    EXPECT_NOTED(acio_strerror(err));
    close_pair(&pair);
}
