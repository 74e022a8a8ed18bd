/* SPDX-License-Identifier: MIT */
/* Cancelling is a request: the op ends once, with what it got or without. */
#include "engine_world.h"

ENGINE(engine_cancel, a_waiting_recv_ends_with_ECANCELED)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    pass(2);
    EXPECT_ERR(cancel(&receiving), -ECANCELED);
    EXPECT_EQ(receiving.times, 1);
    close_pair(&pair);
}

ENGINE(engine_cancel, an_op_is_cancelled_before_any_pass_saw_it)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    EXPECT_ERR(cancel(&receiving), -ECANCELED);
    close_pair(&pair);
}

ENGINE(engine_cancel, the_callback_does_not_run_inside_cancel)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    acio_op_cancel(&receiving.op);
    EXPECT(!receiving.done);
    EXPECT(acio_op_alive(&receiving.op));
    EXPECT_ERR(finish(&receiving), -ECANCELED);
    EXPECT(!acio_op_alive(&receiving.op));
    close_pair(&pair);
}

ENGINE(engine_cancel, asking_twice_is_asking_once)
{
    struct pair pair = connected_pair();
    char data[4];
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    pass(1);
    acio_op_cancel(&receiving.op);
    acio_op_cancel(&receiving.op);
    EXPECT_ERR(finish(&receiving), -ECANCELED);
    pass(3);
    EXPECT_EQ(receiving.times, 1);
    acio_op_cancel(&receiving.op); /* it is over: nothing happens */
    pass(1);
    EXPECT_EQ(receiving.times, 1);
    close_pair(&pair);
}

/* Nothing is lost: either the op brings the bytes, or they are still there
 * for the next one. */
static void
expect_text_once(struct call *first, const char *got, int fd)
{
    char data[16] = "";
    if (first->result == -ECANCELED) {
        struct call second = { 0 };
        acio_op_recv(&second.op, fd, data, sizeof data - 1, 0);
        EXPECT_EQ(perform(&second), 4);
        EXPECT_TEXT(data, "data");
    } else {
        EXPECT_EQ(first->result, 4);
        EXPECT_TEXT(got, "data");
    }
}

ENGINE(engine_cancel, a_recv_that_has_its_bytes_already_loses_none)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    struct call receiving = { 0 };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
    submit(&receiving);
    pass(1);
    send_text(pair.here, "data");
    cancel(&receiving);
    expect_text_once(&receiving, data, pair.there);
    close_pair(&pair);
}

ENGINE(engine_cancel, bytes_that_race_with_the_cancel_are_not_lost)
{
    struct pair pair = connected_pair();
    for (int i = 0; i < 50; i++) {
        char data[16] = "";
        struct call receiving = { 0 }, sending = { 0 };
        acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
        submit(&receiving);
        pass(1);
        acio_op_send(&sending.op, pair.here, "data", 4, 0);
        submit(&sending);
        acio_op_cancel(&receiving.op);
        EXPECT_EQ(finish(&sending), 4);
        finish(&receiving);
        expect_text_once(&receiving, data, pair.there);
    }
    close_pair(&pair);
}

ENGINE(engine_cancel, an_op_can_be_submitted_again_at_once)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    struct call receiving = { 0 };
    for (int i = 0; i < 50; i++) {
        acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
        submit(&receiving);
        pass(i % 3);
        EXPECT_ERR(cancel(&receiving), -ECANCELED);
    }
    acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
    submit(&receiving);
    pass(2);
    send_text(pair.here, "data");
    EXPECT_EQ(finish(&receiving), 4);
    close_pair(&pair);
}

ENGINE(engine_cancel, one_of_several_waiters_leaves_and_the_others_stay)
{
    struct pair pair = connected_pair();
    char data[3];
    struct call calls[3] = { { .times = 0 } };
    for (int i = 0; i < 3; i++) {
        acio_op_recv(&calls[i].op, pair.there, &data[i], 1, 0);
        submit(&calls[i]);
    }
    pass(1);
    EXPECT_ERR(cancel(&calls[1]), -ECANCELED);
    send_text(pair.here, "ab");
    EXPECT_EQ(finish(&calls[0]), 1);
    EXPECT_EQ(finish(&calls[2]), 1);
    close_pair(&pair);
}

ENGINE(engine_cancel, a_waiting_accept_ends_and_the_next_guest_is_not_lost)
{
    struct sockaddr_in address;
    struct call accepting = { 0 }, connecting = { 0 };
    int door = listener(&address), fd = stream_socket();
    acio_op_accept(&accepting.op, door, NULL, NULL);
    submit(&accepting);
    pass(2);
    EXPECT_ERR(cancel(&accepting), -ECANCELED);
    acio_op_connect(&connecting.op, fd, (struct sockaddr *)&address,
        sizeof address);
    EXPECT_EQ(perform(&connecting), 0);
    acio_op_accept(&accepting.op, door, NULL, NULL);
    int accepted = (int)perform(&accepting);
    EXPECT(accepted >= 0);
    close_socket(&accepted);
    close_socket(&fd);
    close_socket(&door);
}

/* The one connection is either the accept's result, or waits for another
 * accept; in no case it is lost, and no descriptor leaks. */
ENGINE(engine_cancel, a_guest_who_races_with_the_cancel_is_not_lost)
{
    struct sockaddr_in address;
    int door = listener(&address);
    for (int i = 0; i < 20; i++) {
        struct call accepting = { 0 }, connecting = { 0 };
        int fd = stream_socket();
        acio_op_accept(&accepting.op, door, NULL, NULL);
        submit(&accepting);
        pass(1);
        acio_op_connect(&connecting.op, fd, (struct sockaddr *)&address,
            sizeof address);
        submit(&connecting);
        acio_op_cancel(&accepting.op);
        EXPECT_EQ(finish(&connecting), 0);
        int accepted = (int)finish(&accepting);
        if (accepted == -ECANCELED) {
            acio_op_accept(&accepting.op, door, NULL, NULL);
            accepted = (int)perform(&accepting);
        }
        EXPECT(accepted >= 0);
        close_socket(&accepted);
        close_socket(&fd);
    }
    close_socket(&door);
}

ENGINE(engine_cancel, recv_many_delivers_what_came_before_the_cancel)
{
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    receive_stream(&stream, pair.there);
    pass(2);
    send_text(pair.here, "before");
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECANCELED);
    if (stream.bytes == 0) { /* then it is still in the socket */
        struct call receiving = { 0 };
        acio_op_recv(&receiving.op, pair.there, stream.text,
            sizeof stream.text - 1, 0);
        EXPECT_EQ(perform(&receiving), 6);
    }
    EXPECT_TEXT(stream.text, "before");
    close_pair(&pair);
}

ENGINE(engine_cancel, recv_many_is_cancelled_before_any_pass_saw_it)
{
    struct pair pair = connected_pair();
    struct stream stream = { 0 };
    receive_stream(&stream, pair.there);
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECANCELED);
    EXPECT_EQ(stream.bytes, 0);
    close_pair(&pair);
}

ENGINE(engine_cancel, recv_many_stops_and_starts_again_without_losing_a_byte)
{
    struct pair pair = connected_pair();
    char expected[64] = "", got[64] = "";
    struct stream stream = { 0 };
    for (int i = 0; i < 20; i++) {
        char text[2] = { (char)('a' + i), '\0' };
        stream = (struct stream){ 0 };
        receive_stream(&stream, pair.there);
        pass(i % 3);
        send_text(pair.here, text);
        strcat(expected, text);
        pass(i % 2);
        acio_op_cancel(&stream.op);
        run_until(&stream.done);
        strncat(got, stream.text, sizeof got - strlen(got) - 1);
    }
    stream = (struct stream){ 0 };
    close_socket(&pair.here);
    receive_stream(&stream, pair.there);
    run_until(&stream.done);
    EXPECT_EQ(stream.result, 0);
    strncat(got, stream.text, sizeof got - strlen(got) - 1);
    EXPECT_TEXT(got, expected);
    close_pair(&pair);
}

/* A completion the loop has not yet delivered: the cancel comes too late. */
static void
cancel_the_other(acio_op *op)
{
    acio_op_cancel(op->user);
}

ENGINE(engine_cancel, a_cancel_between_completion_and_callback_changes_nothing)
{
    struct pair pair = connected_pair();
    char data[16] = "";
    struct call receiving = { 0 };
    acio_op poll = { 0 };
    acio_op_poll(&poll, pair.there, 1); /* POLLIN; it is served first */
    acio_loop_submit(loop, &poll, cancel_the_other, &receiving.op);
    acio_op_recv(&receiving.op, pair.there, data, sizeof data - 1, 0);
    submit(&receiving);
    pass(1);
    send_text(pair.here, "data");
    finish(&receiving);
    expect_text_once(&receiving, data, pair.there);
    acio_op_cancel(&poll);
    pass(3);
    EXPECT(!acio_op_alive(&poll));
    close_pair(&pair);
}

ENGINE(engine_cancel, thousands_of_cancels_at_once_are_all_heard)
{
    enum { OPS = 3000 };
    static struct call calls[OPS];
    static char data[OPS];
    struct pair pair = connected_pair();
    memset(calls, 0, sizeof calls);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < OPS; i++) {
            acio_op_recv(&calls[i].op, pair.there, &data[i], 1, 0);
            submit(&calls[i]);
        }
        pass(round);
        for (int i = 0; i < OPS; i++)
            acio_op_cancel(&calls[i].op);
        int cancelled = 0;
        for (int i = 0; i < OPS; i++)
            cancelled += finish(&calls[i]) == -ECANCELED;
        EXPECT_EQ(cancelled, OPS);
    }
    close_pair(&pair);
}
