/* SPDX-License-Identifier: MIT */
/* Operations on sockets, and the two that complete many times. */
#include <poll.h>
#include <sys/un.h>

#include "engine_world.h"

ENGINE(engine_socket, bytes_arrive_as_they_were_sent)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    struct call receiving = { 0 };
    send_text(pair.here, "hello");
    acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
    EXPECT_EQ(perform(&receiving), 5);
    EXPECT_TEXT(data, "hello");
    close_pair(&pair);
}

ENGINE(engine_socket, a_recv_waits_for_bytes)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
    submit(&receiving);
    pass(3);
    EXPECT(!receiving.done);
    send_text(pair.here, "late");
    EXPECT_EQ(finish(&receiving), 4);
    EXPECT_TEXT(data, "late");
    close_pair(&pair);
}

ENGINE(engine_socket, an_op_waits_though_its_flags_say_not_to)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    for (int i = 0; i < 2; i++) {
        struct call receiving = { 0 };
        acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1,
            MSG_DONTWAIT);
        submit(&receiving);
        pass(3);
        EXPECT(!receiving.done);
        EXPECT_ERR(cancel(&receiving), -ECANCELED);
        submit(&receiving);
        pass(3);
        send_text(pair.here, "late");
        EXPECT_EQ(finish(&receiving), 4);
        EXPECT_TEXT(data, "late");
    }
    close_pair(&pair);
}

ENGINE(engine_socket, two_recvs_on_a_socket_are_both_served)
{
    struct pair pair = connected_pair();
    char first[4], second[4];
    struct call a = { 0 }, b = { 0 };
    acio_op_recv(&a.op, pair.there, first, 1, 0);
    acio_op_recv(&b.op, pair.there, second, 1, 0);
    submit(&a);
    submit(&b);
    pass(2);
    send_text(pair.here, "xx");
    EXPECT_EQ(finish(&a), 1);
    EXPECT_EQ(finish(&b), 1);
    EXPECT_EQ(first[0] + second[0], 'x' + 'x');
    close_pair(&pair);
}

ENGINE(engine_socket, a_request_follows_an_answer_a_thousand_times)
{
    struct pair pair = connected_pair();
    char data[64];
    for (int i = 0; i < 1000; i++) {
        struct call receiving = { 0 };
        int fd = i % 2 ? pair.here : pair.there;
        acio_op_recv(&receiving.op, fd, data, sizeof data, 0);
        submit(&receiving);
        send_text(i % 2 ? pair.there : pair.here, "ping");
        if (!EXPECT_EQ(finish(&receiving), 4))
            break;
    }
    close_pair(&pair);
}

ENGINE(engine_socket, the_end_of_the_stream_is_a_recv_of_nothing)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    pass(1);
    EXPECT_EQ(loop->backend->shutdown(loop, pair.here, SHUT_WR), 0);
    EXPECT_EQ(finish(&receiving), 0);
    close_pair(&pair);
}

ENGINE(engine_socket, a_reset_is_an_error_of_the_recv)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    struct linger now = { .l_onoff = 1 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    pass(1);
    EXPECT_EQ(loop->backend->setsockopt(loop, pair.here, SOL_SOCKET, SO_LINGER,
                  &now, sizeof now),
        0);
    close_socket(&pair.here);
    EXPECT_ERR(finish(&receiving), -ECONNRESET);
    close_pair(&pair);
}

ENGINE(engine_socket, a_send_to_who_is_gone_fails_and_kills_nobody)
{
    struct pair pair = connected_pair();
    struct call sending = { 0 };
    close_socket(&pair.there);
    ssize_t result = 1;
    for (int i = 0; i < 100 && result > 0; i++) {
        acio_op_send(&sending.op, pair.here, "x", 1, 0);
        result = perform(&sending);
        let_pass(0.001);
    }
    EXPECT(result == -EPIPE || result == -ECONNRESET);
    close_pair(&pair);
}

struct bulk {
    acio_op send, recv;
    struct pair pair;
    size_t bytes, sent, received, wrong;
    char out[100000], in[70000];
    bool done;
};

static void
bulk_send(acio_op *op)
{
    struct bulk *bulk = op->user;
    ALWAYS(op->result >= 0);
    bulk->sent += (size_t)op->result;
    if (bulk->sent == bulk->bytes || op->result < 0)
        return;
    size_t size = bulk->bytes - bulk->sent;
    if (size > sizeof bulk->out)
        size = sizeof bulk->out;
    for (size_t i = 0; i < size; i++)
        bulk->out[i] = (char)((bulk->sent + i) % 251);
    acio_op_send(op, bulk->pair.here, bulk->out, size, 0);
    acio_loop_submit(loop, op, bulk_send, bulk);
}

static void
bulk_receive(acio_op *op)
{
    struct bulk *bulk = op->user;
    ALWAYS(op->result >= 0);
    for (ssize_t i = 0; i < op->result; i++)
        bulk->wrong += bulk->in[i] !=
            (char)((bulk->received + (size_t)i) % 251);
    bulk->received += (size_t)op->result;
    bulk->done = bulk->received == bulk->bytes || op->result < 0;
    if (bulk->done)
        return;
    acio_op_recv(op, bulk->pair.there, bulk->in, sizeof bulk->in, 0);
    acio_loop_submit(loop, op, bulk_receive, bulk);
}

ENGINE(engine_socket, megabytes_pass_through_full_buffers_unharmed)
{
    static struct bulk bulk;
    bulk = (struct bulk){ .pair = connected_pair(), .bytes = 5000000 };
    acio_op_send(&bulk.send, bulk.pair.here, bulk.out, 0, 0);
    acio_loop_submit(loop, &bulk.send, bulk_send, &bulk);
    acio_op_recv(&bulk.recv, bulk.pair.there, bulk.in, 0, 0);
    bulk.recv.result = 0;
    bulk.recv.user = &bulk;
    bulk_receive(&bulk.recv);
    run_until(&bulk.done);
    EXPECT_EQ(bulk.received, bulk.bytes);
    EXPECT_EQ(bulk.wrong, 0);
    close_pair(&bulk.pair);
}

ENGINE(engine_socket, messages_are_gathered_and_scattered)
{
    struct pair pair = connected_pair();
    char left[4] = "", right[4] = "";
    struct iovec out[2] = { { "abc", 3 }, { "def", 3 } };
    struct iovec in[2] = { { left, 3 }, { right, 3 } };
    struct msghdr sent = { .msg_iov = out, .msg_iovlen = 2 };
    struct msghdr received = { .msg_iov = in, .msg_iovlen = 2 };
    struct call sending = { 0 }, receiving = { 0 };
    acio_op_recvmsg(&receiving.op, pair.there, &received, 0);
    submit(&receiving);
    pass(1);
    acio_op_sendmsg(&sending.op, pair.here, &sent, 0);
    EXPECT_EQ(perform(&sending), 6);
    EXPECT_EQ(finish(&receiving), 6);
    EXPECT_TEXT(left, "abc");
    EXPECT_TEXT(right, "def");
    close_pair(&pair);
}

enum { LONG_MESSAGE = 8000, MESSAGES = 40 }; /* more than wait at a name */

/* What is sent to a Unix socket that has no room leaves when it has some, and
 * leaves whole. */
static void
send_into_full_queue(bool by_message)
{
    static char data[LONG_MESSAGE];
    static struct call calls[MESSAGES];
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    socklen_t length = sizeof name;
    int there = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int here = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct iovec piece = { data, sizeof data };
    struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1 };
    REQUIRE_EQ(bind(there, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
    REQUIRE_EQ(getsockname(there, (struct sockaddr *)&name, &length), 0);
    REQUIRE_EQ(connect(here, (struct sockaddr *)&name, length), 0);
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < MESSAGES; i++) {
        if (by_message)
            acio_op_sendmsg(&calls[i].op, here, &header, 0);
        else
            acio_op_send(&calls[i].op, here, data, sizeof data, 0);
        submit(&calls[i]);
    }
    pass(3);
    EXPECT(!calls[MESSAGES - 1].done);
    for (int i = 0; i < MESSAGES; i++) {
        struct call receiving = { 0 };
        acio_op_recv(&receiving.op, there, data, sizeof data, 0);
        EXPECT_EQ(perform(&receiving), LONG_MESSAGE);
    }
    for (int i = 0; i < MESSAGES; i++)
        EXPECT_EQ(finish(&calls[i]), LONG_MESSAGE);
    close_socket(&here);
    close_socket(&there);
}

ENGINE_REAL(engine_socket, a_datagram_that_waits_for_room_leaves_whole)
{
    send_into_full_queue(false);
    send_into_full_queue(true);
}

ENGINE(engine_socket, a_connect_that_nobody_answers_is_refused)
{
    struct sockaddr_in address;
    struct call connecting = { 0 };
    int door = listener(&address), fd = stream_socket();
    close_socket(&door);
    acio_op_connect(&connecting.op, fd, (struct sockaddr *)&address,
        sizeof address);
    EXPECT_ERR(perform(&connecting), -ECONNREFUSED);
    close_socket(&fd);
}

ENGINE(engine_socket, an_accept_tells_who_came)
{
    struct sockaddr_in address, peer = { 0 }, own = { 0 };
    socklen_t peer_length = sizeof peer, own_length = sizeof own;
    struct call accepting = { 0 }, connecting = { 0 };
    int door = listener(&address), fd = stream_socket();
    acio_op_accept(&accepting.op, door, (struct sockaddr *)&peer, &peer_length);
    submit(&accepting);
    acio_op_connect(&connecting.op, fd, (struct sockaddr *)&address,
        sizeof address);
    EXPECT_EQ(perform(&connecting), 0);
    int accepted = (int)finish(&accepting);
    EXPECT(accepted >= 0);
    EXPECT_EQ(loop->backend->getsockname(loop, fd, (struct sockaddr *)&own,
                  &own_length),
        0);
    EXPECT_EQ(peer.sin_port, own.sin_port);
    close_socket(&accepted);
    close_socket(&fd);
    close_socket(&door);
}

ENGINE(engine_socket, a_bad_descriptor_is_an_error_and_not_a_hang)
{
    char data[4] = "abc";
    struct call call = { 0 };
    acio_op_recv(&call.op, -1, data, sizeof data, 0);
    EXPECT_ERR(perform(&call), -EBADF);
    acio_op_send(&call.op, 1 << 20, data, sizeof data, 0);
    EXPECT_ERR(perform(&call), -EBADF);
    acio_op_poll(&call.op, 1 << 20, 1);
    EXPECT_ERR(perform(&call), -EBADF);
}

ENGINE_REAL(engine_socket, a_bad_descriptor_ends_what_completes_many_times)
{
    struct call call = { 0 };
    acio_op_accept_many(&call.op, -1);
    EXPECT_ERR(perform(&call), -EBADF);
    acio_op_recv_many(&call.op, -1);
    EXPECT_ERR(perform(&call), -EBADF);
}

/* ---- accept_many ---- */

struct crowd {
    acio_op op;
    int fds[200];
    int count;
    bool done;
    ssize_t result;
};

static void
let_in(acio_op *op)
{
    struct crowd *crowd = op->user;
    ALWAYS(!crowd->done);
    crowd->result = op->result;
    crowd->done = !acio_op_alive(op);
    if (!crowd->done)
        crowd->fds[crowd->count++] = (int)op->result;
}

ENGINE(engine_socket, accept_many_lets_in_more_than_it_has_room_for_at_once)
{
    enum { GUESTS = 100 };
    static struct crowd crowd;
    static struct call calls[GUESTS];
    int fds[GUESTS];
    struct sockaddr_in address;
    int door = listener(&address);
    memset(&crowd, 0, sizeof crowd);
    memset(calls, 0, sizeof calls);
    acio_op_accept_many(&crowd.op, door);
    acio_loop_submit(loop, &crowd.op, let_in, &crowd);
    for (int i = 0; i < GUESTS; i++) {
        fds[i] = stream_socket();
        acio_op_connect(&calls[i].op, fds[i], (struct sockaddr *)&address,
            sizeof address);
        submit(&calls[i]);
    }
    run_until_count(&crowd.count, GUESTS);
    for (int i = 0; i < GUESTS; i++)
        EXPECT_EQ(finish(&calls[i]), 0);
    EXPECT(!crowd.done);
    acio_op_cancel(&crowd.op);
    run_until(&crowd.done);
    EXPECT_ERR(crowd.result, -ECANCELED);
    EXPECT_EQ(crowd.count, GUESTS);
    for (int i = 0; i < GUESTS; i++) {
        close_socket(&fds[i]);
        close_socket(&crowd.fds[i]);
    }
    close_socket(&door);
}

/* ---- recv_many ---- */

ENGINE(engine_socket, recv_many_brings_what_comes_until_the_end)
{
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    receive_stream(&stream, pair.there);
    for (int i = 0; i < 5; i++) {
        send_text(pair.here, "abcd");
        while (stream.bytes < 4 * ((size_t)i + 1))
            REQUIRE(acio_loop_run_once(loop, 1.0) >= 0);
    }
    EXPECT(!stream.done);
    close_socket(&pair.here);
    run_until(&stream.done);
    EXPECT_EQ(stream.result, 0);
    EXPECT_TEXT(stream.text, "abcdabcdabcdabcdabcd");
    close_pair(&pair);
}

ENGINE(engine_socket, recv_many_brings_what_came_before_it_was_submitted)
{
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    send_text(pair.here, "early");
    close_socket(&pair.here);
    receive_stream(&stream, pair.there);
    run_until(&stream.done);
    EXPECT_EQ(stream.result, 0);
    EXPECT_TEXT(stream.text, "early");
    close_pair(&pair);
}

ENGINE(engine_socket, recv_many_ends_with_a_reset)
{
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    struct linger now = { .l_onoff = 1 };
    receive_stream(&stream, pair.there);
    pass(2);
    EXPECT_EQ(loop->backend->setsockopt(loop, pair.here, SOL_SOCKET, SO_LINGER,
                  &now, sizeof now),
        0);
    close_socket(&pair.here);
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECONNRESET);
    close_pair(&pair);
}

ENGINE(engine_socket, recv_many_is_cancelled_from_its_own_callback)
{
    struct pair pair = connected_pair();
    struct stream stream = { .stop_after = 1 };
    receive_stream(&stream, pair.there);
    send_text(pair.here, "one");
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECANCELED);
    EXPECT_TEXT(stream.text, "one");
    close_pair(&pair);
}

/* More connections than there are buffers, each with more bytes than fit into
 * one: running out of buffers is nobody's error. */
ENGINE(engine_socket, recv_many_on_many_sockets_loses_nothing)
{
    enum { PAIRS = 120, BYTES = 40000 };
    static struct stream streams[PAIRS];
    static struct call calls[PAIRS];
    static struct pair pairs[PAIRS];
    static char data[BYTES];
    memset(streams, 0, sizeof streams);
    memset(calls, 0, sizeof calls);
    memset(data, 'x', sizeof data);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = connected_pair();
        receive_stream(&streams[i], pairs[i].there);
    }
    for (int i = 0; i < PAIRS; i++) {
        acio_op_send(&calls[i].op, pairs[i].here, data, BYTES, 0);
        submit(&calls[i]);
    }
    for (int i = 0; i < PAIRS; i++) {
        size_t sent = (size_t)finish(&calls[i]);
        EXPECT(sent > 0 && sent <= BYTES);
        close_socket(&pairs[i].here);
        run_until(&streams[i].done);
        EXPECT_EQ(streams[i].result, 0);
        EXPECT_EQ(streams[i].bytes, sent);
        close_pair(&pairs[i]);
    }
}

/* More pieces than there can be buffers: each is given back and used again. */
ENGINE(engine_socket, recv_many_goes_on_for_thousands_of_pieces)
{
    enum { PIECES = 3000 };
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    receive_stream(&stream, pair.there);
    for (int i = 1; i <= PIECES; i++) {
        send_text(pair.here, "x");
        run_until_count(&stream.pieces, i);
        if (!EXPECT_EQ(stream.bytes, i))
            break;
    }
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    close_pair(&pair);
}

ENGINE(engine_socket, try_send_sends_at_once_or_not_at_all)
{
    struct pair pair = connected_pair();
    acio_op op = { 0 };
    char data[4] = "";
    acio_op_send(&op, pair.here, "now", 3, 0);
    ssize_t result = acio_loop_try_send(loop, &op);
    EXPECT(result == 3 || result == -EAGAIN);
    if (result < 0)
        send_text(pair.here, "now");
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, 3, 0);
    EXPECT_EQ(perform(&receiving), 3);
    EXPECT_TEXT(data, "now");
    close_pair(&pair);
}

/* ---- many ---- */

ENGINE(engine_socket, more_ops_than_the_ring_has_places_all_complete)
{
    enum { OPS = 5000 };
    static struct call calls[OPS];
    static char data[OPS];
    struct pair pair = connected_pair();
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < OPS; i++) {
        acio_op_recv(&calls[i].op, pair.there, &data[i], 1, 0);
        submit(&calls[i]);
    }
    pass(2);
    for (int i = 0; i < OPS / 2; i++)
        send_text(pair.here, "x");
    int received = 0;
    for (int i = 0; i < 5000 && received < OPS / 2; i++) {
        pass(1);
        received = 0;
        for (int k = 0; k < OPS; k++)
            received += calls[k].done;
    }
    EXPECT_EQ(received, OPS / 2);
    for (int i = 0; i < OPS; i++)
        acio_op_cancel(&calls[i].op);
    int cancelled = 0;
    for (int i = 0; i < OPS; i++)
        cancelled += finish(&calls[i]) == -ECANCELED;
    EXPECT_EQ(cancelled, OPS - OPS / 2);
    close_pair(&pair);
}

/* From here on the test has a loop with a ring of eight places. */
static void
shrink_ring(void)
{
    struct acio_loop_options options = {
        .backend = acio_loop_backend(loop),
        .ring_entries = 8,
    };
    REQUIRE_EQ(acio_loop_close(loop), 0);
    REQUIRE_EQ(acio_loop_new(&loop, &options), 0);
}

ENGINE(engine_socket, a_ring_of_eight_places_serves_a_thousand_at_once)
{
    enum { OPS = 1000 };
    static struct call calls[OPS];
    shrink_ring();
    struct pair pair = connected_pair();
    memset(calls, 0, sizeof calls);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < OPS; i++) {
            acio_op_poll(&calls[i].op, pair.here, POLLOUT);
            submit(&calls[i]);
        }
        for (int i = 0; i < OPS; i++)
            EXPECT_EQ(finish(&calls[i]), POLLOUT);
    }
    close_pair(&pair);
}

/* The kernel ends a recv of many when its completions find no room; nobody is
 * told, and nothing is lost. */
ENGINE(engine_socket, recv_many_goes_on_when_completions_find_no_room)
{
    enum { PAIRS = 60, ROUNDS = 5 };
    static struct stream streams[PAIRS];
    static struct call calls[PAIRS];
    static struct pair pairs[PAIRS];
    shrink_ring();
    memset(streams, 0, sizeof streams);
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = connected_pair();
        receive_stream(&streams[i], pairs[i].there);
    }
    pass(3);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PAIRS; i++) {
            acio_op_send(&calls[i].op, pairs[i].here, "abc", 3, 0);
            submit(&calls[i]);
        }
        for (int i = 0; i < PAIRS; i++)
            EXPECT_EQ(finish(&calls[i]), 3);
    }
    for (int i = 0; i < PAIRS; i++) {
        close_socket(&pairs[i].here);
        run_until(&streams[i].done);
        EXPECT_EQ(streams[i].result, 0);
        EXPECT_TEXT(streams[i].text, "abcabcabcabcabc");
        close_pair(&pairs[i]);
    }
}
