/* SPDX-License-Identifier: MIT */
/* The real world, seen from the simulator: files, functions, pipes, children.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim_world.h"

static void
add_one(int *number)
{
    (*number)++;
}

static int
work(void *arg)
{
    add_one(arg);
    return 42;
}

static void
start_work(acio_loop *loop, struct call *call, int *number)
{
    acio_op_work(&call->op, work, number, ACIO_POOL_DEFAULT);
    sim_submit(loop, call);
}

TEST(sim_outside, a_function_runs_in_virtual_time_without_a_thread)
{
    struct acio_sim_options options = { .latency_min = 2, .latency_max = 2 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct call call = { 0 };
    int number = 0;
    start_work(loop, &call, &number);
    EXPECT_EQ(number, 0);
    sim_settle(loop);
    EXPECT_EQ(call.result, 42);
    EXPECT_EQ(call.when_ns, 2 * ACIOI_SECOND_NS);
    EXPECT_EQ(number, 1);
    acio_loop_close(loop);
}

TEST(sim_outside, a_function_that_is_cancelled_in_time_does_not_run)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct call call = { 0 };
    int number = 0;
    start_work(loop, &call, &number);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT_EQ(call.result, -ECANCELED);
    EXPECT_EQ(number, 0);
    acio_loop_close(loop);
}

TEST(sim_outside, a_function_that_is_cancelled_too_late_runs)
{
    struct acio_sim_options options = { .late_cancels = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct call call = { 0 };
    int number = 0;
    start_work(loop, &call, &number);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT_EQ(call.result, 42);
    EXPECT_EQ(number, 1);
    acio_loop_close(loop);
}

TEST(sim_outside, files_are_real_and_their_transfers_can_be_short)
{
    struct acio_sim_options options = { .short_at = 2 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct call writing = { 0 }, reading = { 0 };
    char data[8] = "";
    int fd = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    acio_op_write(&writing.op, fd, "abcdef", 6, 0);
    sim_submit(loop, &writing);
    sim_settle(loop);
    EXPECT_EQ(writing.result, 6);
    acio_op_read(&reading.op, fd, data, 6, 2);
    sim_submit(loop, &reading);
    sim_settle(loop);
    EXPECT_EQ(reading.result, 1);
    EXPECT_TEXT(data, "c");
    acio_loop_close_fd(loop, fd);
    acio_loop_close(loop);
}

TEST(sim_outside, opening_and_closing_are_real_too)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct call opening = { 0 }, closing = { 0 };
    acio_op_open(&opening.op, AT_FDCWD, "/dev/null", O_RDONLY, 0);
    sim_submit(loop, &opening);
    sim_settle(loop);
    if (EXPECT(opening.result > 0)) {
        acio_op_close(&closing.op, (int)opening.result);
        sim_submit(loop, &closing);
        sim_settle(loop);
        EXPECT_EQ(closing.result, 0);
        EXPECT(fcntl((int)opening.result, F_GETFD) < 0);
        if (!closing.done || closing.result < 0)
            close((int)opening.result);
    }
    acio_loop_close(loop);
}

TEST(sim_outside, a_pipe_is_really_waited_for)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct call reading = { 0 }, writing = { 0 };
    int ends[2];
    char data[8] = "";
    REQUIRE_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    acio_op_read(&reading.op, ends[0], data, 8, -1);
    sim_submit(loop, &reading);
    EXPECT_EQ(acio_loop_run_once(loop, 0), 0);
    EXPECT(!reading.done);
    EXPECT_EQ(write(ends[1], "abc", 3), 3);
    sim_settle(loop);
    EXPECT_EQ(reading.result, 3);
    EXPECT_TEXT(data, "abc");
    acio_op_write(&writing.op, ends[1], "defg", 4, -1);
    sim_submit(loop, &writing);
    sim_settle(loop);
    EXPECT_EQ(writing.result, 4);
    EXPECT_EQ(read(ends[0], data, 8), 4);
    acio_loop_close(loop);
    close(ends[0]);
    close(ends[1]);
}

TEST(sim_outside, a_real_fd_can_be_polled)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int ends[2];
    struct call polling = { 0 };
    REQUIRE_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    acio_op_poll(&polling.op, ends[0], POLLIN);
    sim_submit(loop, &polling);
    sim_settle(loop);
    EXPECT_EQ(polling.result, POLLIN);
    acio_loop_close(loop);
    close(ends[0]);
    close(ends[1]);
}

TEST(sim_outside, a_child_is_really_waited_for)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        _exit(7);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 && errno == ENOSYS) {
        waitpid(pid, NULL, 0);
        acio_loop_close(loop);
        SKIP("there are no descriptors of processes here");
    }
    REQUIRE(pidfd >= 0);
    siginfo_t info = { 0 };
    struct call waiting = { 0 };
    acio_op_wait_child(&waiting.op, pidfd, &info);
    sim_submit(loop, &waiting);
    sim_settle(loop);
    EXPECT_EQ(waiting.result, 0);
    EXPECT_EQ(info.si_status, 7);
    acio_loop_close(loop);
    close(pidfd);
    waitpid(pid, NULL, 0); /* where there was no memory to wait */
}

TEST(sim_outside, time_is_real_while_a_real_fd_is_waited_for)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int ends[2];
    struct call polling = { 0 };
    REQUIRE_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    acio_op_poll(&polling.op, ends[0], POLLIN);
    sim_submit(loop, &polling);
    int64_t before_ns = acioi_clock_ns();
    while (!polling.done && acio_loop_time_ns(loop) < 10000000)
        EXPECT(acio_loop_run_once(loop, 0.01) >= 0);
    if (!polling.done)
        EXPECT(acioi_clock_ns() - before_ns >= 10000000);
    acio_loop_close(loop);
    close(ends[0]);
    close(ends[1]);
}

struct many {
    acio_op op;
    struct spec_log log;
};

static void
note_result(acio_op *op)
{
    struct many *many = op->user;
    spec_log_add(&many->log, "%d ", (int)op->result);
    if (op->kind == ACIO_OP_ACCEPT_MANY && op->result >= 0) {
        close((int)op->result);
        acio_op_cancel(op);
    }
}

TEST(sim_outside, a_real_socket_is_received_from_until_its_end)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int ends[2];
    struct many many = { 0 };
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    EXPECT_EQ(write(ends[1], "abc", 3), 3);
    acio_op_recv_many(&many.op, ends[0]);
    acio_loop_submit(loop, &many.op, note_result, &many);
    EXPECT(acio_loop_run_once(loop, 10) >= 0);
    close(ends[1]);
    sim_settle(loop);
    EXPECT_TEXT(&many.log, "3 0 ");
    acio_loop_close(loop);
    close(ends[0]);
}

TEST(sim_outside, real_sockets_connect_to_each_other)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in in = ipv4("127.0.0.1", 0);
    socklen_t length = sizeof in;
    struct call connecting = { 0 };
    struct many accepting = { 0 };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    REQUIRE_EQ(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
    REQUIRE_EQ(listen(listener, 8), 0);
    REQUIRE_EQ(getsockname(listener, (struct sockaddr *)&in, &length), 0);
    acio_op_connect(&connecting.op, client, (struct sockaddr *)&in, sizeof in);
    sim_submit(loop, &connecting);
    sim_settle(loop);
    EXPECT_EQ(connecting.result, 0);
    if (connecting.result == 0) {
        acio_op_accept_many(&accepting.op, listener);
        acio_loop_submit(loop, &accepting.op, note_result, &accepting);
        sim_settle(loop);
        EXPECT_EQ(accepting.op.result, -ECANCELED);
    }
    acio_loop_close(loop);
    close(listener);
    close(client);
}

TEST(sim_outside, what_has_no_fd_is_bad)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct call none = { 0 }, closed = { 0 }, many = { 0 };
    char data[4];
    acio_op_recv(&none.op, -1, data, 4, 0);
    acio_op_read(&closed.op, 1000, data, 4, -1);
    acio_op_recv_many(&many.op, 1000);
    sim_submit(loop, &none);
    sim_submit(loop, &closed);
    sim_submit(loop, &many);
    sim_settle(loop);
    EXPECT_ERR(none.result, -EBADF);
    EXPECT_ERR(closed.result, -EBADF);
    EXPECT_ERR(many.op.result, -EBADF);
    acio_loop_close(loop);
}
