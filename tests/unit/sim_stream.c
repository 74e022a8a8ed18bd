/* SPDX-License-Identifier: MIT */
/* Simulated connections: bytes, their end, and resets. */
#include <fcntl.h>
#include <poll.h>

#include "sim_world.h"

/* A message in a call of its own. */
static void
send_text(acio_loop *loop, int fd, const char *text, struct call *call)
{
    acio_op_send(&call->op, fd, text, strlen(text), 0);
    sim_submit(loop, call);
}

static void
receive(acio_loop *loop, int fd, char *data, size_t bytes, struct call *call)
{
    acio_op_recv(&call->op, fd, data, bytes, 0);
    sim_submit(loop, call);
}

/* What one receive says when everything has settled. */
static ssize_t
receive_now(acio_loop *loop, int fd, char *data, size_t bytes)
{
    struct call call = { 0 };
    receive(loop, fd, data, bytes, &call);
    sim_settle(loop);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    return call.result;
}

static ssize_t
send_now(acio_loop *loop, int fd, const char *text)
{
    struct call call = { 0 };
    send_text(loop, fd, text, &call);
    sim_settle(loop);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    return call.result;
}

static short
poll_now(acio_loop *loop, int fd, unsigned events)
{
    struct call call = { 0 };
    acio_op_poll(&call.op, fd, events);
    sim_submit(loop, &call);
    sim_settle(loop);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    return (short)call.result;
}

static int
socket_error(acio_loop *loop, int fd)
{
    int error = -1;
    socklen_t length = sizeof error;
    loop->backend->getsockopt(loop, fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

/* A pair on a loop. Closing the loop ends whatever is left of both. */
struct world {
    acio_loop *loop;
    struct pair pair;
};

static bool
open_world(struct world *world, const struct acio_sim_options *options)
{
    world->loop = sim_loop(options);
    if (!world->loop)
        return false;
    world->pair = connect_pair(world->loop);
    return true;
}

static void
close_world(struct world *world)
{
    acio_loop_close(world->loop);
}

/* ---- bytes ---- */

TEST(sim_stream, bytes_take_the_latency_to_arrive)
{
    struct acio_sim_options options = { .latency_min = 0.25,
        .latency_max = 0.25 };
    struct world world;
    if (!open_world(&world, &options))
        return;
    struct call sending = { 0 }, receiving = { 0 };
    char data[16] = "";
    int64_t begin_ns = acio_loop_time_ns(world.loop);
    EXPECT_EQ(begin_ns, 500000000); /* there and back: the connection */
    receive(world.loop, world.pair.server, data, sizeof data, &receiving);
    send_text(world.loop, world.pair.client, "hello", &sending);
    sim_settle(world.loop);
    EXPECT_EQ(sending.result, 5);
    EXPECT_EQ(sending.when_ns - begin_ns, 0);
    EXPECT_EQ(receiving.result, 5);
    EXPECT_EQ(receiving.when_ns - begin_ns, 250000000);
    EXPECT_TEXT(data, "hello");
    close_world(&world);
}

TEST(sim_stream, carries_many_bytes_in_order)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct bulk bulk = { .pair = world.pair };
    bulk_start(world.loop, &bulk, 1000000);
    sim_settle(world.loop);
    EXPECT_EQ(bulk.received, 1000000u);
    EXPECT(bulk.ended);
    ALWAYS(bulk.wrong == 0);
    close_world(&world);
}

TEST(sim_stream, a_writer_that_outruns_its_reader_waits)
{
    struct acio_sim_options options = { .buffer_bytes = 6 };
    struct world world;
    if (!open_world(&world, &options))
        return;
    struct call first = { 0 }, second = { 0 };
    char data[16] = "";
    send_text(world.loop, world.pair.client, "abcdefgh", &first);
    send_text(world.loop, world.pair.client, "ij", &second);
    sim_settle(world.loop);
    EXPECT_EQ(first.result, 6);
    EXPECT(!second.done);
    EXPECT_EQ(poll_now(world.loop, world.pair.client, POLLOUT), -ECANCELED);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 4), 4);
    EXPECT(second.done);
    EXPECT_EQ(second.result, 2);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data + 4, 10), 4);
    EXPECT_TEXT(data, "abcdefij");
    close_world(&world);
}

TEST(sim_stream, a_send_at_once_says_eagain_when_there_is_no_room)
{
    struct acio_sim_options options = { .buffer_bytes = 4 };
    struct world world;
    if (!open_world(&world, &options))
        return;
    acio_op op = { 0 };
    acio_op_send(&op, world.pair.client, "abcdef", 6, 0);
    EXPECT_EQ(acio_loop_try_send(world.loop, &op), 4);
    EXPECT_EQ(acio_loop_try_send(world.loop, &op), -EAGAIN);
    close_world(&world);
}

TEST(sim_stream, a_message_of_many_pieces_is_gathered_and_scattered)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct iovec out[3] = { { (char *)"ab", 2 }, { NULL, 0 },
        { (char *)"cdefg", 5 } };
    char one[3] = "", two[9] = "";
    struct iovec in[2] = { { one, 3 }, { two, 8 } };
    struct msghdr sent = { .msg_iov = out, .msg_iovlen = 3 };
    struct msghdr got = { .msg_iov = in, .msg_iovlen = 2, .msg_controllen = 8 };
    struct call sending = { 0 }, receiving = { 0 };
    acio_op_sendmsg(&sending.op, world.pair.client, &sent, 0);
    acio_op_recvmsg(&receiving.op, world.pair.server, &got, 0);
    sim_submit(world.loop, &sending);
    sim_submit(world.loop, &receiving);
    sim_settle(world.loop);
    EXPECT_EQ(sending.result, 7);
    EXPECT_EQ(receiving.result, 7);
    EXPECT(memcmp(one, "abc", 3) == 0);
    EXPECT_TEXT(two, "defg");
    EXPECT_EQ(got.msg_controllen, 0u);
    close_world(&world);
}

TEST(sim_stream, a_peek_leaves_the_bytes)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    char data[4] = "";
    struct call peeking = { 0 };
    send_now(world.loop, world.pair.client, "abc");
    acio_op_recv(&peeking.op, world.pair.server, data, 2, MSG_PEEK);
    sim_submit(world.loop, &peeking);
    sim_settle(world.loop);
    EXPECT_EQ(peeking.result, 2);
    EXPECT_TEXT(data, "ab");
    acio_op_cancel(&peeking.op);
    sim_settle(world.loop);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 3), 3);
    EXPECT_TEXT(data, "abc");
    close_world(&world);
}

TEST(sim_stream, reads_and_writes_are_receives_and_sends)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct call writing = { 0 }, reading = { 0 };
    char data[4] = "";
    acio_op_write(&writing.op, world.pair.client, "abc", 3, -1);
    acio_op_read(&reading.op, world.pair.server, data, 3, -1);
    sim_submit(world.loop, &writing);
    sim_submit(world.loop, &reading);
    sim_settle(world.loop);
    EXPECT_EQ(writing.result, 3);
    EXPECT_EQ(reading.result, 3);
    EXPECT_TEXT(data, "abc");
    close_world(&world);
}

/* ---- receiving again and again ---- */

struct many {
    acio_op op;
    struct spec_log log;
    bool cancel_first;
};

static void
note_many(acio_op *op)
{
    struct many *many = op->user;
    if (!acio_op_alive(op)) {
        spec_log_add(&many->log, "(%d)", (int)op->result);
        return;
    }
    spec_log_add(&many->log, "%.*s ", (int)op->result,
        (char *)op->u.recv_many.data);
    if (many->cancel_first)
        acio_op_cancel(op);
}

static void
receive_many(struct world *world, struct many *many)
{
    acio_op_recv_many(&many->op, world->pair.server);
    acio_loop_submit(world->loop, &many->op, note_many, many);
}

TEST(sim_stream, one_operation_receives_all_up_to_the_end)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct many many = { 0 };
    receive_many(&world, &many);
    send_now(world.loop, world.pair.client, "one");
    send_now(world.loop, world.pair.client, "two");
    EXPECT_TEXT(&many.log, "one two ");
    acio_loop_close_fd(world.loop, world.pair.client);
    sim_settle(world.loop);
    EXPECT_TEXT(&many.log, "one two (0)");
    close_world(&world);
}

TEST(sim_stream, bytes_not_delivered_before_a_cancel_stay_in_the_socket)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct many many = { .cancel_first = true };
    char data[4] = "";
    send_now(world.loop, world.pair.client, "one");
    send_now(world.loop, world.pair.client, "two");
    receive_many(&world, &many);
    sim_settle(world.loop);
    EXPECT_TEXT(&many.log, "one (-125)");
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 3), 3);
    EXPECT_TEXT(data, "two");
    close_world(&world);
}

TEST(sim_stream, a_reader_in_line_gets_what_the_cancelled_one_left)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct many many = { .cancel_first = true };
    struct call behind = { 0 };
    char data[4] = "";
    receive_many(&world, &many);
    receive(world.loop, world.pair.server, data, 3, &behind);
    send_now(world.loop, world.pair.client, "one");
    send_now(world.loop, world.pair.client, "two");
    EXPECT_TEXT(&many.log, "one (-125)");
    EXPECT_EQ(behind.result, 3);
    EXPECT_TEXT(data, "two");
    close_world(&world);
}

/* ---- ends ---- */

TEST(sim_stream, half_a_connection_can_be_closed)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    char data[8] = "";
    send_now(world.loop, world.pair.client, "last");
    EXPECT_EQ(world.loop->backend->shutdown(world.loop, world.pair.client,
                  SHUT_WR),
        0);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 8), 4);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 8), 0);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 8), 0);
    EXPECT_EQ(send_now(world.loop, world.pair.client, "no"), -EPIPE);
    EXPECT_EQ(send_now(world.loop, world.pair.server, "yes"), 3);
    EXPECT_EQ(receive_now(world.loop, world.pair.client, data, 8), 3);
    close_world(&world);
}

TEST(sim_stream, what_was_sent_before_a_close_arrives)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    char data[8] = "";
    acio_op op = { 0 };
    acio_op_send(&op, world.pair.client, "bye", 3, 0);
    EXPECT_EQ(acio_loop_try_send(world.loop, &op), 3);
    acio_loop_close_fd(world.loop, world.pair.client);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 8), 3);
    EXPECT_EQ(receive_now(world.loop, world.pair.server, data, 8), 0);
    close_world(&world);
}

TEST(sim_stream, sending_to_a_closed_socket_says_epipe_the_second_time)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    acio_loop_close_fd(world.loop, world.pair.server);
    sim_settle(world.loop);
    EXPECT_EQ(send_now(world.loop, world.pair.client, "one"), 3);
    EXPECT_EQ(send_now(world.loop, world.pair.client, "two"), -EPIPE);
    close_world(&world);
}

TEST(sim_stream, closing_with_bytes_unread_resets_the_peer)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    char data[8];
    send_now(world.loop, world.pair.client, "unread");
    send_now(world.loop, world.pair.server, "read");
    acio_loop_close_fd(world.loop, world.pair.server);
    sim_settle(world.loop);
    EXPECT_EQ(receive_now(world.loop, world.pair.client, data, 8), 4);
    EXPECT_EQ(receive_now(world.loop, world.pair.client, data, 8), -ECONNRESET);
    EXPECT_EQ(receive_now(world.loop, world.pair.client, data, 8), 0);
    EXPECT_EQ(send_now(world.loop, world.pair.client, "x"), -EPIPE);
    close_world(&world);
}

TEST(sim_stream, lingering_for_no_time_resets_the_peer)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct linger linger = { .l_onoff = 1 };
    EXPECT_EQ(world.loop->backend->setsockopt(world.loop, world.pair.server,
                  SOL_SOCKET, SO_LINGER, &linger, sizeof linger),
        0);
    acio_loop_close_fd(world.loop, world.pair.server);
    sim_settle(world.loop);
    EXPECT_EQ(poll_now(world.loop, world.pair.client, POLLIN),
        POLLIN | POLLHUP | POLLERR);
    EXPECT_EQ(socket_error(world.loop, world.pair.client), ECONNRESET);
    EXPECT_EQ(socket_error(world.loop, world.pair.client), 0);
    close_world(&world);
}

TEST(sim_stream, a_reset_ends_a_send_that_waits)
{
    struct acio_sim_options options = { .buffer_bytes = 4 };
    struct world world;
    if (!open_world(&world, &options))
        return;
    struct call first = { 0 }, second = { 0 };
    send_text(world.loop, world.pair.client, "abcd", &first);
    send_text(world.loop, world.pair.client, "efgh", &second);
    sim_settle(world.loop);
    EXPECT(!second.done);
    acio_loop_close_fd(world.loop, world.pair.server);
    sim_settle(world.loop);
    EXPECT_EQ(second.result, -ECONNRESET);
    close_world(&world);
}

TEST(sim_stream, closing_the_loop_frees_what_still_flies)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct call receiving = { 0 };
    char data[8];
    acio_op op = { 0 };
    acio_op_send(&op, world.pair.client, "flying", 6, 0);
    EXPECT_EQ(acio_loop_try_send(world.loop, &op), 6);
    receive(world.loop, world.pair.server, data, 8, &receiving);
    acio_loop_close(world.loop);
    EXPECT(!receiving.done); /* closing calls nobody back */
}

/* ---- readiness ---- */

TEST(sim_stream, poll_waits_for_bytes)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct call polling = { 0 };
    acio_op_poll(&polling.op, world.pair.server, POLLIN);
    sim_submit(world.loop, &polling);
    sim_settle(world.loop);
    EXPECT(!polling.done);
    send_now(world.loop, world.pair.client, "x");
    EXPECT_EQ(polling.result, POLLIN);
    EXPECT_EQ(poll_now(world.loop, world.pair.server, POLLIN | POLLOUT),
        POLLIN | POLLOUT);
    close_world(&world);
}

TEST(sim_stream, poll_tells_of_a_peer_that_hung_up)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    acio_loop_close_fd(world.loop, world.pair.client);
    sim_settle(world.loop);
    unsigned asked = POLLIN | POLLRDHUP;
    EXPECT_EQ(poll_now(world.loop, world.pair.server, asked),
        POLLIN | POLLRDHUP);
    world.loop->backend->shutdown(world.loop, world.pair.server, SHUT_WR);
    EXPECT_EQ(poll_now(world.loop, world.pair.server, asked),
        POLLIN | POLLRDHUP | POLLHUP);
    close_world(&world);
}

/* ---- misuse ---- */

TEST(sim_stream, a_simulated_fd_is_none_to_the_kernel)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    EXPECT(fcntl(world.pair.client, F_GETFD) < 0);
    EXPECT_EQ(errno, EBADF);
    close_world(&world);
}

TEST(sim_stream, an_fd_that_was_closed_is_bad)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    char data[1];
    int fd = world.pair.client;
    acio_loop_close_fd(world.loop, fd);
    EXPECT_EQ(receive_now(world.loop, fd, data, 1), -EBADF);
    EXPECT_EQ(acio_loop_close_fd(world.loop, fd), -EBADF);
    close_world(&world);
}

TEST(sim_stream, the_lowest_free_fd_is_used_again)
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    int fd = world.pair.client;
    acio_loop_close_fd(world.loop, fd);
    int low = stream_socket(world.loop), high = stream_socket(world.loop);
    EXPECT_EQ(low < fd ? high : low, fd);
    acio_loop_close_fd(world.loop, low);
    acio_loop_close_fd(world.loop, high);
    close_world(&world);
}

TEST_DIES(sim_stream, a_socket_is_not_closed_below_an_operation,
    "was closed while an operation on it is alive")
{
    struct world world;
    if (!open_world(&world, NULL))
        return;
    struct call receiving = { 0 };
    char data[1];
    receive(world.loop, world.pair.server, data, 1, &receiving);
    acio_loop_close_fd(world.loop, world.pair.server);
}
