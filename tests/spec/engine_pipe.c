/* SPDX-License-Identifier: MIT */
/* Pipes and terminals: what comes without being asked for, and writing at
 * once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine_world.h"

struct ends {
    int read, write;
};

static struct ends
open_pipe(int flags)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, flags | O_CLOEXEC), 0);
    return (struct ends){ fds[0], fds[1] };
}

static void
put_text(int fd, const char *text)
{
    EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static void
await_bytes(const struct stream *stream, size_t bytes)
{
    for (int i = 0; i < 1000 && stream->bytes < bytes && !stream->done; i++)
        let_pass(0.001);
    EXPECT_EQ(stream->bytes, bytes);
}

/* ---- what comes ---- */

static void
expect_pipe_is_read(int flags)
{
    struct stream stream = { 0 };
    struct ends pipe = open_pipe(flags);
    read_stream(&stream, pipe.read);
    pass(3);
    EXPECT_EQ(stream.bytes, 0);
    put_text(pipe.write, "one ");
    await_bytes(&stream, 4);
    put_text(pipe.write, "two");
    await_bytes(&stream, 7);
    EXPECT_TEXT(stream.text, "one two");
    EXPECT(!stream.done);
    close_socket(&pipe.write);
    run_until(&stream.done);
    EXPECT_EQ(stream.result, 0);
    close_socket(&pipe.read);
}

ENGINE(engine_pipe, what_is_written_is_brought_until_the_last_writer_closes)
{
    expect_pipe_is_read(O_NONBLOCK);
}

ENGINE(engine_pipe, a_blocking_pipe_is_read_without_blocking)
{
    expect_pipe_is_read(0);
}

ENGINE(engine_pipe, what_was_written_before_the_end_comes_before_the_end)
{
    struct stream stream = { 0 };
    struct ends pipe = open_pipe(O_NONBLOCK);
    put_text(pipe.write, "last words");
    close_socket(&pipe.write);
    read_stream(&stream, pipe.read);
    run_until(&stream.done);
    EXPECT_TEXT(stream.text, "last words");
    EXPECT_EQ(stream.result, 0);
    close_socket(&pipe.read);
}

ENGINE(engine_pipe, after_a_cancel_the_pipe_keeps_what_comes)
{
    struct stream stream = { .stop_after = 1 };
    char data[8] = "";
    struct ends pipe = open_pipe(O_NONBLOCK);
    put_text(pipe.write, "first");
    read_stream(&stream, pipe.read);
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECANCELED);
    size_t before = stream.bytes;
    put_text(pipe.write, "second");
    pass(3);
    EXPECT_EQ(stream.bytes, before);
    EXPECT_EQ(read(pipe.read, data, sizeof data), 6);
    EXPECT_TEXT(data, "second");
    close_socket(&pipe.write);
    close_socket(&pipe.read);
}

ENGINE(engine_pipe, reading_goes_on_after_a_cancel)
{
    struct stream stream = { 0 };
    struct ends pipe = open_pipe(O_NONBLOCK);
    for (size_t i = 1; i <= 3; i++) {
        stream.done = false;
        read_stream(&stream, pipe.read);
        put_text(pipe.write, "x");
        await_bytes(&stream, i);
        acio_op_cancel(&stream.op);
        run_until(&stream.done);
        EXPECT_ERR(stream.result, -ECANCELED);
    }
    close_socket(&pipe.write);
    close_socket(&pipe.read);
}

struct source {
    acio_op op;
    int fd;
    size_t left;
    bool done;
};

static char zeros[300000];

static void
write_more(acio_op *op)
{
    struct source *source = op->user;
    ALWAYS(op->result >= 0);
    source->left -= op->result > 0 ? (size_t)op->result : 0;
    source->done = source->left == 0 || op->result < 0;
    if (source->done)
        return;
    acio_op_write(op, source->fd, zeros, source->left, -1);
    acio_loop_submit(loop, op, write_more, source);
}

ENGINE(engine_pipe, more_than_all_buffers_hold_arrives_whole)
{
    enum { PIPES = 8 };
    struct stream streams[PIPES] = { { .bytes = 0 } };
    struct source sources[PIPES] = { { .left = 0 } };
    struct ends pipes[PIPES];
    for (int i = 0; i < PIPES; i++) {
        pipes[i] = open_pipe(O_NONBLOCK);
        read_stream(&streams[i], pipes[i].read);
        sources[i].fd = pipes[i].write;
        sources[i].left = sizeof zeros;
        acio_op_write(&sources[i].op, pipes[i].write, zeros, sizeof zeros, -1);
        acio_loop_submit(loop, &sources[i].op, write_more, &sources[i]);
    }
    for (int i = 0; i < PIPES; i++) {
        run_until(&sources[i].done);
        close_socket(&pipes[i].write);
        run_until(&streams[i].done);
        EXPECT_EQ(streams[i].result, 0);
        EXPECT_EQ(streams[i].bytes, sizeof zeros);
        close_socket(&pipes[i].read);
    }
}

ENGINE(engine_pipe, a_terminal_is_read_until_it_hangs_up)
{
    struct stream stream = { 0 };
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(master >= 0);
    REQUIRE_EQ(unlockpt(master), 0);
    int slave = open(ptsname(master),
        O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(slave >= 0);
    read_stream(&stream, slave);
    pass(3);
    EXPECT(!stream.done);
    put_text(master, "line\n");
    await_bytes(&stream, 5);
    EXPECT_TEXT(stream.text, "line\n");
    close(master);
    run_until(&stream.done);
    EXPECT(stream.result == 0 || stream.result == -EIO);
    close_socket(&slave);
}

/* Standard input may be anything. */
ENGINE(engine_pipe, a_file_that_is_always_ready_is_read_to_its_end)
{
    struct stream nothing = { 0 }, text = { 0 };
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int file = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(null >= 0 && file >= 0);
    read_stream(&nothing, null);
    run_until(&nothing.done);
    EXPECT_EQ(nothing.result, 0);
    EXPECT_EQ(nothing.bytes, 0);
    put_text(file, "text");
    EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
    read_stream(&text, file);
    run_until(&text.done);
    EXPECT_EQ(text.result, 0);
    EXPECT_TEXT(text.text, "text");
    close_socket(&null);
    close_socket(&file);
}

ENGINE(engine_pipe, an_endless_file_is_read_until_it_is_cancelled)
{
    struct stream stream = { .stop_after = 3 };
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    REQUIRE(zero >= 0);
    read_stream(&stream, zero);
    run_until(&stream.done);
    EXPECT_ERR(stream.result, -ECANCELED);
    EXPECT(stream.pieces >= 3);
    close_socket(&zero);
}

ENGINE(engine_pipe, the_wrong_end_cannot_be_read)
{
    struct stream stream = { 0 };
    struct ends pipe = open_pipe(O_NONBLOCK);
    put_text(pipe.write, "x");
    read_stream(&stream, pipe.write);
    if (!stream.done)
        pass(5);
    if (stream.done)
        EXPECT_ERR(stream.result, -EBADF);
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    EXPECT_EQ(stream.bytes, 0);
    close_socket(&pipe.write);
    close_socket(&pipe.read);
}

ENGINE(engine_pipe, pipes_that_are_still_read_are_let_go_when_the_loop_closes)
{
    static struct stream stream; /* the loop closes after the test */
    struct ends pipe = open_pipe(O_NONBLOCK);
    memset(&stream, 0, sizeof stream);
    read_stream(&stream, pipe.read);
    pass(3);
    EXPECT(!stream.done);
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    close_socket(&pipe.write);
    close_socket(&pipe.read);
}

/* ---- writing at once ---- */

static ssize_t
try_write(int fd, const char *data, size_t bytes)
{
    acio_op op = { 0 };
    acio_op_write(&op, fd, data, bytes, -1);
    return acio_loop_try_send(loop, &op);
}

/* A back end that batches takes nothing at once. */
static void
expect_full_pipe_takes_no_more(int flags)
{
    size_t written = 0;
    struct ends pipe = open_pipe(flags);
    ssize_t n;
    while ((n = try_write(pipe.write, zeros, sizeof zeros)) > 0)
        written += (size_t)n;
    EXPECT_ERR(n, -EAGAIN);
    EXPECT(written == 0 || written >= 4096);
    close_socket(&pipe.read);
    n = try_write(pipe.write, zeros, 1);
    EXPECT(n == -EPIPE || n == -EAGAIN);
    close_socket(&pipe.write);
}

ENGINE(engine_pipe, a_write_at_once_takes_what_the_pipe_has_room_for)
{
    expect_full_pipe_takes_no_more(O_NONBLOCK);
}

ENGINE(engine_pipe, a_write_at_once_does_not_block_on_a_blocking_pipe)
{
    expect_full_pipe_takes_no_more(0);
}

ENGINE_ON(engine_pipe, a_write_at_once_writes_at_once_where_nothing_is_batched,
    "epoll")
{
    char data[8] = "";
    acio_op op = { 0 };
    struct ends pipe = open_pipe(0);
    int file = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    EXPECT_EQ(try_write(pipe.write, "hello", 5), 5);
    EXPECT_EQ(read(pipe.read, data, sizeof data), 5);
    EXPECT_TEXT(data, "hello");
    acio_op_write(&op, file, "hello", 5, 0);
    EXPECT_ERR(acio_loop_try_send(loop, &op), -EAGAIN);
    close_socket(&pipe.read);
    EXPECT_ERR(try_write(pipe.write, "x", 1), -EPIPE);
    close_socket(&pipe.write);
    close_socket(&file);
}

/* Whoever closes the last reader is in the middle of a system call. */
ENGINE(engine_pipe, a_writer_that_waits_learns_that_the_reader_left)
{
    struct call writing = { 0 };
    struct ends pipe = open_pipe(O_NONBLOCK);
    while (write(pipe.write, zeros, sizeof zeros) > 0) {
        /* until it is full */
    }
    acio_op_write(&writing.op, pipe.write, zeros, sizeof zeros, -1);
    submit(&writing);
    pass(3);
    EXPECT(!writing.done);
    close_socket(&pipe.read);
    EXPECT_ERR(finish(&writing), -EPIPE);
    close_socket(&pipe.write);
}
