/* SPDX-License-Identifier: MIT */
/* Readiness of any descriptor: poll ops, readers and writers. */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine_world.h"

struct plumbing {
    int out, in; /* the end to read from, the end to write to */
};

static struct plumbing
make_pipe(void)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    return (struct plumbing){ fds[0], fds[1] };
}

static void
close_pipe(struct plumbing *p)
{
    close(p->out);
    close(p->in);
}

ENGINE(engine_poll, an_fd_that_is_ready_is_told_at_once)
{
    struct pair pair = connected_pair();
    struct call polling = { 0 };
    acio_op_poll(&polling.op, pair.here, POLLOUT);
    EXPECT_EQ(perform(&polling), POLLOUT);
    close_pair(&pair);
}

ENGINE(engine_poll, a_poll_waits_and_takes_nothing)
{
    struct pair pair = connected_pair();
    struct call polling = { 0 }, receiving = { 0 };
    char data[4];
    acio_op_poll(&polling.op, pair.there, POLLIN);
    submit(&polling);
    pass(3);
    EXPECT(!polling.done);
    send_text(pair.here, "x");
    EXPECT_EQ(finish(&polling), POLLIN);
    EXPECT_EQ(perform(&polling), POLLIN); /* again, for it is level-triggered */
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    EXPECT_EQ(perform(&receiving), 1);
    close_pair(&pair);
}

ENGINE(engine_poll, a_hang_up_is_told_unasked)
{
    struct plumbing p = make_pipe();
    struct call polling = { 0 };
    acio_op_poll(&polling.op, p.out, POLLIN);
    submit(&polling);
    pass(1);
    close(p.in);
    EXPECT(finish(&polling) & POLLHUP);
    close(p.out);
}

ENGINE(engine_poll, both_directions_of_an_fd_are_polled_at_once)
{
    struct pair pair = connected_pair();
    struct call in = { 0 }, out = { 0 };
    acio_op_poll(&in.op, pair.there, POLLIN);
    acio_op_poll(&out.op, pair.there, POLLOUT);
    submit(&in);
    submit(&out);
    EXPECT_EQ(finish(&out), POLLOUT);
    EXPECT(!in.done);
    send_text(pair.here, "x");
    EXPECT_EQ(finish(&in), POLLIN);
    close_pair(&pair);
}

ENGINE(engine_poll, a_poll_and_a_recv_share_a_socket)
{
    struct pair pair = connected_pair();
    struct call polling = { 0 }, receiving = { 0 };
    char data[4];
    acio_op_poll(&polling.op, pair.there, POLLIN);
    acio_op_recv(&receiving.op, pair.there, data, 1, 0);
    submit(&polling);
    submit(&receiving);
    pass(2);
    send_text(pair.here, "xy");
    EXPECT_EQ(finish(&receiving), 1);
    EXPECT_EQ(finish(&polling), POLLIN);
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    EXPECT_EQ(perform(&receiving), 1);
    submit(&receiving);
    pass(2);
    send_text(pair.here, "z");
    EXPECT_EQ(finish(&receiving), 1);
    close_pair(&pair);
}

ENGINE(engine_poll, a_cancelled_poll_leaves_the_fd_alone)
{
    struct plumbing p = make_pipe();
    struct call polling = { 0 };
    acio_op_poll(&polling.op, p.out, POLLIN);
    submit(&polling);
    pass(1);
    EXPECT_ERR(cancel(&polling), -ECANCELED);
    EXPECT_EQ(write(p.in, "x", 1), 1);
    EXPECT_EQ(perform(&polling), POLLIN);
    close_pipe(&p);
}

/* Closed by others without a word to the loop, and its number taken again. */
ENGINE(engine_poll, an_fd_closed_behind_our_back_is_not_mistaken_for_the_next)
{
    for (int i = 0; i < 4; i++) {
        struct plumbing p = make_pipe(), q;
        struct call polling = { 0 };
        EXPECT_EQ(write(p.in, "x", 1), 1);
        acio_op_poll(&polling.op, p.out, POLLIN);
        EXPECT_EQ(perform(&polling), POLLIN);
        int number = p.out, kept = i % 2 ? dup(p.out) : -1;
        close_pipe(&p);
        q = make_pipe();
        EXPECT_EQ(q.out, number);
        acio_op_poll(&polling.op, q.out, POLLIN);
        submit(&polling);
        pass(3);
        EXPECT(!polling.done);
        EXPECT_EQ(write(q.in, "y", 1), 1);
        EXPECT_EQ(finish(&polling), POLLIN);
        close_pipe(&q);
        if (kept >= 0)
            close(kept);
    }
}

/* The same after a read, which leaves its fd known to epoll. */
ENGINE(engine_poll, an_fd_that_was_read_and_closed_elsewhere_can_be_polled)
{
    struct plumbing p = make_pipe(), q;
    struct call reading = { 0 }, polling = { 0 };
    char byte;
    EXPECT_EQ(write(p.in, "x", 1), 1);
    acio_op_read(&reading.op, p.out, &byte, 1, -1);
    EXPECT_EQ(perform(&reading), 1);
    int number = p.out;
    close_pipe(&p);
    q = make_pipe();
    EXPECT_EQ(q.out, number);
    acio_op_poll(&polling.op, q.out, POLLIN);
    submit(&polling);
    pass(2);
    EXPECT_EQ(write(q.in, "y", 1), 1);
    EXPECT_EQ(finish(&polling), POLLIN);
    close_pipe(&q);
}

static void
count_wait(void *user)
{
    ++*(int *)user;
}

static void
nothing(void *user)
{
    (void)user;
}

ENGINE(engine_poll, bytes_that_nobody_waits_for_do_not_keep_the_loop_awake)
{
    struct pair pair = connected_pair();
    struct call receiving = { 0 };
    char data[4];
    int waits = 0;
    struct acio_wait_hooks hooks = { count_wait, nothing, &waits };
    acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
    submit(&receiving);
    pass(2);
    EXPECT_ERR(cancel(&receiving), -ECANCELED);
    send_text(pair.here, "x");
    acio_loop_set_wait_hooks(loop, &hooks);
    let_pass(0.03);
    acio_loop_set_wait_hooks(loop, NULL);
    EXPECT(waits < 20);
    close_socket(&pair.here); /* and no more does a hang-up */
    waits = 0;
    acio_loop_set_wait_hooks(loop, &hooks);
    let_pass(0.03);
    acio_loop_set_wait_hooks(loop, NULL);
    EXPECT(waits < 20);
    close_pair(&pair);
}

ENGINE(engine_poll, a_socket_closed_through_the_loop_gives_its_number_back)
{
    int number = -1;
    for (int i = 0; i < 5; i++) {
        struct pair pair = connected_pair();
        char data[4];
        struct call receiving = { 0 };
        acio_op_recv(&receiving.op, pair.there, data, sizeof data, 0);
        submit(&receiving);
        pass(2);
        send_text(pair.here, "x");
        EXPECT_EQ(finish(&receiving), 1);
        EXPECT(number < 0 || number == pair.there);
        number = pair.there;
        close_pair(&pair);
    }
}

ENGINE(engine_poll, a_file_is_always_ready)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct call polling = { 0 };
    REQUIRE(fd >= 0);
    acio_op_poll(&polling.op, fd, POLLIN);
    EXPECT_EQ(perform(&polling), POLLIN);
    close(fd);
}

/* ---- readers and writers ---- */

struct watched {
    int fd, calls;
    int remove_after; /* calls; 0: never */
    bool drain;       /* read one byte each time */
};

static void
read_byte(void *arg)
{
    struct watched *w = arg;
    char byte;
    w->calls++;
    if (w->drain)
        EXPECT_EQ(read(w->fd, &byte, 1), 1);
    if (w->calls == w->remove_after)
        EXPECT(acio_loop_remove_reader(loop, w->fd));
}

ENGINE(engine_poll, a_reader_is_called_for_as_long_as_there_is_something)
{
    struct plumbing p = make_pipe();
    struct watched w = { .fd = p.out, .drain = true };
    EXPECT_EQ(acio_loop_add_reader(loop, p.out, read_byte, &w), 0);
    pass(3);
    EXPECT_EQ(w.calls, 0);
    EXPECT_EQ(write(p.in, "abc", 3), 3);
    run_until_count(&w.calls, 3);
    pass(5);
    EXPECT_EQ(w.calls, 3);
    EXPECT(acio_loop_remove_reader(loop, p.out));
    EXPECT(!acio_loop_remove_reader(loop, p.out));
    EXPECT_EQ(write(p.in, "d", 1), 1);
    pass(5);
    EXPECT_EQ(w.calls, 3);
    close_pipe(&p);
}

ENGINE(engine_poll, a_reader_removes_itself_and_is_not_called_again)
{
    struct plumbing p = make_pipe();
    struct watched w = { .fd = p.out, .remove_after = 2 };
    EXPECT_EQ(write(p.in, "x", 1), 1);
    EXPECT_EQ(acio_loop_add_reader(loop, p.out, read_byte, &w), 0);
    run_until_count(&w.calls, 2);
    pass(5);
    EXPECT_EQ(w.calls, 2);
    close_pipe(&p);
}

static void
count_call(void *arg)
{
    ++*(int *)arg;
}

ENGINE(engine_poll, a_reader_and_a_writer_of_one_fd_do_not_disturb_each_other)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int reads = 0, writes = 0;
    uint64_t one = 1;
    REQUIRE(fd >= 0);
    EXPECT_EQ(acio_loop_add_reader(loop, fd, count_call, &reads), 0);
    EXPECT_EQ(acio_loop_add_writer(loop, fd, count_call, &writes), 0);
    run_until_count(&writes, 2);
    EXPECT_EQ(reads, 0);
    EXPECT(acio_loop_remove_writer(loop, fd));
    EXPECT_EQ(write(fd, &one, sizeof one), sizeof one);
    run_until_count(&reads, 2);
    EXPECT(acio_loop_remove_reader(loop, fd));
    close(fd);
}

ENGINE(engine_poll, a_second_reader_replaces_the_first)
{
    struct plumbing p = make_pipe();
    int first = 0, second = 0;
    EXPECT_EQ(acio_loop_add_reader(loop, p.out, count_call, &first), 0);
    EXPECT_EQ(acio_loop_add_reader(loop, p.out, count_call, &second), 0);
    EXPECT_EQ(write(p.in, "x", 1), 1);
    run_until_count(&second, 1);
    EXPECT_EQ(first, 0);
    EXPECT(acio_loop_remove_reader(loop, p.out));
    close_pipe(&p);
}

ENGINE(engine_poll,
    a_reader_s_fd_is_removed_closed_and_its_number_watched_again)
{
    for (int i = 0; i < 5; i++) {
        struct plumbing p = make_pipe();
        int calls = 0;
        EXPECT_EQ(acio_loop_add_reader(loop, p.out, count_call, &calls), 0);
        pass(i % 3);
        EXPECT_EQ(calls, 0);
        EXPECT_EQ(write(p.in, "x", 1), 1);
        run_until_count(&calls, 1);
        EXPECT(acio_loop_remove_reader(loop, p.out));
        close_pipe(&p);
    }
}

ENGINE(engine_poll, a_file_cannot_be_watched)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int calls = 0;
    REQUIRE(fd >= 0);
    EXPECT_ERR(acio_loop_add_reader(loop, fd, count_call, &calls), -EPERM);
    close(fd);
    EXPECT_ERR(acio_loop_add_reader(loop, fd, count_call, &calls), -EBADF);
}
