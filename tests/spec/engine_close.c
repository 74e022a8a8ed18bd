/* SPDX-License-Identifier: MIT */
/* Closing a loop with everything under way, and what a fork leaves to whom. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_world.h"

/* The ops of a closed loop are looked at no more, but were until then: they
 * outlive the bodies of the tests. */
static struct call calls[8];
static struct stream stream;
static char data[8][16];

static void
close_loop(void)
{
    EXPECT_EQ(acio_loop_close(loop), 0);
    loop = NULL;
}

static void
start_everything(struct pair *pair, int door, int pipe_end)
{
    memset(calls, 0, sizeof calls);
    stream = (struct stream){ 0 };
    acio_op_recv(&calls[0].op, pair->here, data[0], sizeof data[0], 0);
    acio_op_recv(&calls[1].op, pair->here, data[1], sizeof data[1], 0);
    acio_op_poll(&calls[2].op, pair->here, POLLIN);
    acio_op_accept(&calls[3].op, door, NULL, NULL);
    acio_op_accept_many(&calls[4].op, door);
    acio_op_read(&calls[5].op, pipe_end, data[5], sizeof data[5], -1);
    for (int i = 0; i <= 5; i++)
        submit(&calls[i]);
    receive_stream(&stream, pair->there);
}

static void
expect_silent_close(int passes)
{
    struct sockaddr_in address;
    struct pair pair = connected_pair();
    int door = listener(&address), fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    start_everything(&pair, door, fds[0]);
    pass(passes);
    close_loop();
    for (int i = 0; i <= 5; i++)
        EXPECT_EQ(calls[i].times, 0);
    EXPECT(!stream.done);
    close(fds[0]);
    close(fds[1]);
    close(pair.here); /* of the simulator's sockets nothing is left */
    close(pair.there);
    close(door);
}

ENGINE(engine_close, what_the_kernel_has_is_cancelled_and_nobody_is_called)
{
    expect_silent_close(3);
}

ENGINE(engine_close, what_the_kernel_has_not_seen_yet_is_dropped)
{
    expect_silent_close(0);
}

ENGINE(engine_close, a_cancel_under_way_is_no_hindrance)
{
    struct pair pair = connected_pair();
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < 4; i++) {
        acio_op_recv(&calls[i].op, pair.here, data[i], sizeof data[i], 0);
        submit(&calls[i]);
    }
    pass(2);
    acio_op_cancel(&calls[1].op);
    acio_op_cancel(&calls[2].op);
    close_loop();
    close(pair.here);
    close(pair.there);
}

/* Twenty guests are more than the op has room for; none is told to the test,
 * so the loop has to close their sockets. The runner counts descriptors. */
ENGINE(engine_close, guests_who_were_let_in_and_never_met_are_shown_out)
{
    enum { GUESTS = 20 };
    static struct call guests[GUESTS];
    struct sockaddr_in address;
    int door = listener(&address), fds[GUESTS];
    memset(calls, 0, sizeof calls);
    memset(guests, 0, sizeof guests);
    acio_op_accept_many(&calls[0].op, door);
    submit(&calls[0]);
    pass(1);
    for (int i = 0; i < GUESTS; i++) {
        fds[i] = stream_socket();
        acio_op_connect(&guests[i].op, fds[i], (struct sockaddr *)&address,
            sizeof address);
        submit(&guests[i]);
    }
    EXPECT_EQ(loop->backend->wait(loop, 0), 0);
    EXPECT_EQ(loop->backend->wait(loop, 0), 0);
    close_loop();
    EXPECT_EQ(calls[0].times, 0);
    for (int i = 0; i < GUESTS; i++)
        close(fds[i]);
    close(door);
}

ENGINE(engine_close, a_file_that_was_opened_and_never_met_is_closed)
{
    memset(calls, 0, sizeof calls);
    acio_op_open(&calls[0].op, AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
    submit(&calls[0]);
    while (calls[0].op.state == ACIOI_OP_ACTIVE) {
        EXPECT_EQ(loop->backend->wait(loop, 1000000), 0);
        acioi_wake_drain(loop);
        if (acio_op_alive(&calls[0].op) && loop->ready.next != &loop->ready)
            break; /* a thread brought it */
    }
    close_loop();
    EXPECT_EQ(calls[0].times, 0);
}

static int
answer_late(void *arg)
{
    (void)arg;
    return 1;
}

ENGINE(engine_close, threads_are_waited_for)
{
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < 8; i++) {
        acio_op_work(&calls[i].op, answer_late, NULL, ACIO_POOL_DEFAULT);
        submit(&calls[i]);
    }
    close_loop();
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(calls[i].times, 0);
}

static void
count_call(void *arg)
{
    ++*(int *)arg;
}

ENGINE(engine_close, readers_and_timers_end_with_the_loop)
{
    static acio_timer timer;
    static acio_handle handle;
    int fds[2], called = 0;
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    EXPECT_EQ(acio_loop_add_reader(loop, fds[0], count_call, &called), 0);
    acio_loop_call_later(loop, &timer, 0, count_call, &called);
    acio_loop_call_soon(loop, &handle, count_call, &called);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    close_loop();
    EXPECT_EQ(called, 0);
    close(fds[0]);
    close(fds[1]);
}

ENGINE(engine_close, a_hundred_loops_come_and_go)
{
    struct acio_loop_options options = {
        .backend = acio_loop_backend(loop),
        .ring_entries = 64,
    };
    for (int i = 0; i < 100; i++) {
        acio_loop *other;
        REQUIRE_EQ(acio_loop_new(&other, &options), 0);
        if (i % 2)
            EXPECT(acio_loop_run_once(other, 0) >= 0);
        EXPECT_EQ(acio_loop_close(other), 0);
    }
}

/* ---- fork ---- */

static int
open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* The exit status of a child that runs `body`. */
static int
status_of(int (*body)(void *), void *arg)
{
    int status = -1;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        _exit(body(arg));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
}

static int
close_the_parents_loop(void *arg)
{
    struct pair *pair = arg;
    int before = open_descriptors();
    if (acio_loop_close_fd(loop, pair->there) < 0)
        return 1;
    if (acio_loop_close(loop) < 0)
        return 2;
    return open_descriptors() < before - 1 ? 0 : 3;
}

ENGINE_REAL(engine_close, a_child_closes_its_copy_and_the_parent_goes_on)
{
    struct pair pair = connected_pair();
    struct stream here = { 0 };
    struct call receiving = { 0 };
    char text[8] = "";
    receive_stream(&here, pair.here);
    acio_op_recv(&receiving.op, pair.there, text, sizeof text - 1, 0);
    submit(&receiving);
    pass(2);
    EXPECT_EQ(status_of(close_the_parents_loop, &pair), 0);
    send_text(pair.here, "there");
    EXPECT_EQ(finish(&receiving), 5);
    EXPECT_TEXT(text, "there");
    send_text(pair.there, "here");
    run_until_count(&here.pieces, 1);
    EXPECT_TEXT(here.text, "here");
    acio_op_cancel(&here.op);
    run_until(&here.done);
    close_pair(&pair);
}

static int
talk_on_a_loop_of_its_own(void *arg)
{
    struct acio_loop_options options = { .backend = arg };
    if (acio_loop_close(loop) < 0 || acio_loop_new(&loop, &options) < 0)
        return 1;
    struct pair pair = connected_pair();
    struct stream there = { 0 };
    receive_stream(&there, pair.there);
    send_text(pair.here, "hello");
    run_until_count(&there.pieces, 1);
    acio_op_cancel(&there.op);
    run_until(&there.done);
    close_pair(&pair);
    acio_loop_close(loop);
    return strcmp(there.text, "hello") == 0 ? 0 : 2;
}

ENGINE_REAL(engine_close, a_child_has_a_loop_of_its_own_beside_the_parents)
{
    char name[8] = "";
    strncpy(name, acio_loop_backend(loop), sizeof name - 1);
    pass(1);
    EXPECT_EQ(status_of(talk_on_a_loop_of_its_own, name), 0);
    pass(1);
}

static void
fork_and_look(acio_op *op)
{
    struct call *call = op->user;
    call->result = op->result;
    call->done = true;
    EXPECT(acio_get_running_loop() == loop);
    pid_t pid = fork();
    if (pid == 0)
        _exit(acio_get_running_loop() != NULL);
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

ENGINE_REAL(engine_close, a_child_forked_in_a_callback_is_in_no_loop)
{
    struct pair pair = connected_pair();
    struct call receiving = { 0 };
    char text[4];
    acio_op_recv(&receiving.op, pair.there, text, sizeof text, 0);
    acio_loop_submit(loop, &receiving.op, fork_and_look, &receiving);
    send_text(pair.here, "x");
    EXPECT_EQ(finish(&receiving), 1);
    close_pair(&pair);
}
