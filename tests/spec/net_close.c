/* SPDX-License-Identifier: MIT */
/* The end of streams: closed in peace, aborted, forgotten. */
#include "net_world.h"

#include <pthread.h>
#include <stdlib.h>

static void
write_pattern(acio_stream *stream, size_t bytes)
{
    char *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    EXPECT_ERR(acio_write(stream, data, bytes), 0);
    free(data);
}

struct close_and_note_args {
    acio_stream *stream;
};
static int
close_and_note(void *arg)
{
    const struct close_and_note_args *a = arg;
    int err = acio_close(a->stream);
    note("%s", err < 0 ? acio_strerror(err) : "closed");
    return 0;
}

SPEC(net_close, lets_leave_all_that_was_written)
{
    struct pair pair;
    bool good = false;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    write_pattern(pair.client, much());
    start(close_and_note, .stream = pair.client);
    EXPECT_EQ(read_all(pair.served, &good), (ssize_t)much());
    EXPECT(good);
    settle();
    EXPECT_NOTED("closed");
    close_pair(&pair);
}

SPEC(net_close, for_the_second_time_is_answered)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_ERR(acio_close(pair.client), -ACIO_ECLOSED);
    acio_abort(pair.client);
    EXPECT_ERR(acio_close(NULL), 0);
    acio_abort(NULL);
    close_pair(&pair);
}

SPEC(net_close, while_it_is_being_closed_is_answered)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    write_pattern(pair.client, much());
    start(close_and_note, .stream = pair.client);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_close(pair.client), -ACIO_ECLOSED);
    EXPECT_EQ(read_all(pair.served, NULL), (ssize_t)much());
    settle();
    EXPECT_NOTED("closed");
    close_pair(&pair);
}

SPEC(net_close, leaves_a_handle_that_all_functions_answer)
{
    struct pair pair;
    char buf[8];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_stream *closed = pair.client;
    EXPECT_ERR(acio_close(closed), 0);
    EXPECT_ERR(acio_read(closed, buf, 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_readexactly(closed, buf, 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_readline(closed, buf, 8), -ACIO_ECLOSED);
    EXPECT_ERR(acio_readuntil(closed, buf, 8, "x", 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_write(closed, "x", 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_drain(closed), -ACIO_ECLOSED);
    EXPECT_ERR(acio_write_eof(closed), -ACIO_ECLOSED);
    EXPECT_ERR(acio_stream_fd(closed), -ACIO_ECLOSED);
    EXPECT_ERR(acio_stream_peer_name(closed, buf, 8), -ACIO_ECLOSED);
    EXPECT_ERR(acio_stream_set_write_buffer_limits(closed, 2, 1),
        -ACIO_ECLOSED);
    EXPECT_ERR(acio_stream_set_close_timeout(closed, 1), -ACIO_ECLOSED);
    EXPECT_EQ(acio_write_buffer_size(closed), 0);
    EXPECT_EQ(acio_stream_partial(closed), 0);
    EXPECT(acio_at_eof(closed));
    EXPECT_TEXT(acio_error_text(closed), acio_strerror(-ACIO_ECLOSED));
    close_pair(&pair);
}

SPEC(net_close, does_not_let_an_old_handle_touch_a_new_stream)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *old = connect_to(server);
    EXPECT_ERR(acio_close(old), 0);
    acio_stream *new = connect_to(server);
    EXPECT_ERR(acio_close(old), -ACIO_ECLOSED);
    acio_abort(old);
    char buf[2];
    EXPECT_ERR(say(new, "hi"), 0);
    EXPECT_EQ(acio_readexactly(new, buf, 2), 2);
    acio_close(new);
    acio_server_wait_closed(server, 1);
}

SPEC(net_close, gives_up_after_its_limit)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    write_pattern(pair.client, much());
    EXPECT_ERR(acio_stream_set_close_timeout(pair.client, NAN), -EINVAL);
    EXPECT_ERR(acio_stream_set_close_timeout(pair.client, 0.05), 0);
    EXPECT_ERR(acio_close(pair.client), -ETIMEDOUT);
    EXPECT(elapsed_ns() >= 50000000);
    EXPECT_ERR(acio_close(pair.client), -ACIO_ECLOSED);
    close_pair(&pair);
}

SPEC(net_close, cancelled_drops_the_rest)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    write_pattern(pair.client, much());
    acio_task *task = acio_create_task(close_and_note, .stream = pair.client);
    settle();
    acio_cancel(task);
    acio_await(task);
    EXPECT_NOTED("Operation canceled");
    EXPECT_ERR(read_all(pair.served, NULL), -ECONNRESET);
    close_pair(&pair);
}

SPEC(net_close, with_nothing_to_send_works_in_a_cancelled_task)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    {
        ACIO_TIMEOUT(limit, 0);
        EXPECT_ERR(acio_close(pair.client), 0);
    }
    EXPECT_EQ(read_all(pair.served, NULL), 0);
    close_pair(&pair);
}

SPEC(net_close, is_answered_to_those_who_wait_on_the_stream)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(read_and_note, .stream = pair.client, .size = 1);
    settle();
    EXPECT_ERR(acio_close(pair.client), 0);
    settle();
    EXPECT_NOTED("[the object is closed]");
    close_pair(&pair);
}

/* ---- aborting ---- */

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

SPEC(net_abort, drops_what_is_in_flight)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    write_pattern(pair.client, much());
    start(drain_and_note, .stream = pair.client);
    start(read_and_note, .stream = pair.client, .size = 1);
    let_arrive();
    acio_abort(pair.client);
    EXPECT_ERR(acio_write(pair.client, "x", 1), -ACIO_ECLOSED);
    settle();
    EXPECT_NOTED("[the object is closed]the object is closed");
    EXPECT_ERR(read_all(pair.served, NULL), -ECONNRESET);
    close_pair(&pair);
}

SPEC(net_abort, sends_nothing_that_was_written_in_the_same_pass)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "never", 5);
    acio_abort(pair.client);
    EXPECT_ERR(read_all(pair.served, NULL), -ECONNRESET);
    close_pair(&pair);
}

SPEC(net_abort, with_nothing_to_drop_ends_the_stream_in_peace)
{
    struct pair pair;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "hello"), 0);
    let_arrive();
    acio_abort(pair.client);
    EXPECT_EQ(read_all(pair.served, NULL), 5);
    close_pair(&pair);
}

static void
abort_stream(void *arg)
{
    acio_abort(arg);
}

SPEC(net_abort, can_be_called_from_a_callback)
{
    struct pair pair;
    acio_handle handle = { 0 };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_loop_call_soon(acio_get_running_loop(), &handle, abort_stream,
        pair.client);
    EXPECT_EQ(read_all(pair.served, NULL), 0);
    settle();
    close_pair(&pair);
}

/* ---- misuse ---- */

static void
use_stream(void *arg)
{
    char byte;
    EXPECT_ERR(acio_read(arg, &byte, 1), -ACIO_ENOTASK);
    EXPECT_ERR(acio_drain(arg), -ACIO_ENOTASK);
    EXPECT_ERR(acio_close(arg), -ACIO_ENOTASK);
    EXPECT_ERR(acio_write(arg, "x", 1), 0);
}

SPEC(net_stream, may_be_written_from_a_callback_which_cannot_wait)
{
    struct pair pair;
    char byte = 0;
    acio_handle handle = { 0 };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    if (pair.client)
        acio_loop_call_soon(acio_get_running_loop(), &handle, use_stream,
            pair.client);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 1);
    settle();
    close_pair(&pair);
}

static int
use_in_another_loop(void *arg)
{
    char byte;
    acio_stream *const *stream = arg;
    EXPECT_ERR(acio_read(*stream, &byte, 1), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_write(*stream, "x", 1), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_drain(*stream), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_close(*stream), -ACIO_EFOREIGN);
    acio_abort(*stream);
    return 0;
}

static void *
run_another_loop(void *arg)
{
    acio_stream *stream = arg;
    (void)acio_run_with(use_in_another_loop,
        (struct acio_args){ &stream, sizeof(acio_stream *) },
        &(struct acio_run_options){ .backend = "sim" });
    EXPECT_ERR(acio_write(stream, "x", 1), -ACIO_ENOLOOP);
    return NULL;
}

SPEC(net_stream, of_another_loop_is_refused)
{
    struct pair pair;
    pthread_t thread;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    if (pair.client &&
        pthread_create(&thread, NULL, run_another_loop, pair.client) == 0)
        pthread_join(thread, NULL);
    EXPECT_ERR(say(pair.client, "x"), 0);
    close_pair(&pair);
}

SPEC(net_stream, that_does_not_exist_is_refused)
{
    char byte;
    EXPECT_ERR(acio_read(NULL, &byte, 1), -EINVAL);
    EXPECT_ERR(acio_write(NULL, "x", 1), -EINVAL);
    EXPECT_ERR(acio_drain(NULL), -EINVAL);
    EXPECT_TEXT(acio_error_text(NULL), "");
}

/* ---- forgotten ---- */

SPEC(net_stream, that_nobody_closes_is_freed_with_its_loop)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream = connect_to(server);
    acio_write(stream, "unsent", 6);
    acio_stream *other = connect_to(server);
    write_pattern(other, much());
    let_arrive();
    acio_server_wait_closed(server, 0);
}

/* ---- properties ---- */

SPEC(net_stream, knows_the_names_of_both_its_ends)
{
    struct pair pair;
    char client[64] = "", served[64] = "", small[4];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT(acio_stream_sock_name(pair.client, client, sizeof client) > 0);
    EXPECT(acio_stream_peer_name(pair.served, served, sizeof served) > 0);
    EXPECT_TEXT(client, served);
    EXPECT_EQ(strncmp(client, "127.0.0.1:", 10), 0);
    EXPECT_ERR(acio_stream_peer_name(pair.client, small, sizeof small),
        -ENOSPC);
    EXPECT(acio_stream_fd(pair.client) >= 0);
    close_pair(&pair);
}
