/* SPDX-License-Identifier: MIT */
/* From a file to a socket, without a detour. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine_world.h"

static int
file_of(const char *text)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static int
large_file(int64_t bytes)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE_EQ(ftruncate(fd, bytes), 0);
    return fd;
}

static ssize_t
send_part(int fd, int file, int64_t offset, size_t bytes)
{
    struct call call = { 0 };
    acio_op_sendfile(&call.op, fd, file, offset, bytes);
    return perform(&call);
}

static void
await_text(const struct stream *stream, const char *text)
{
    run_until_count(&stream->pieces, 1);
    for (int i = 0; i < 100 && stream->bytes < strlen(text); i++)
        let_pass(0.001);
    EXPECT_TEXT(stream->text, text);
}

ENGINE(engine_sendfile, a_part_of_a_file_is_sent)
{
    struct stream stream = { 0 };
    struct pair pair = connected_pair();
    int file = file_of("0123456789");
    receive_stream(&stream, pair.there);
    EXPECT_EQ(send_part(pair.here, file, 3, 4), 4);
    await_text(&stream, "3456");
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), 0);
    EXPECT_EQ(send_part(pair.here, file, 10, 4), 0);
    EXPECT_EQ(send_part(pair.here, file, 8, 100), 2);
    await_text(&stream, "345689");
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    close_pair(&pair);
    close(file);
}

ENGINE(engine_sendfile, without_an_offset_the_position_moves)
{
    struct stream stream = { 0 };
    struct pair pair = connected_pair();
    int file = file_of("0123456789");
    receive_stream(&stream, pair.there);
    EXPECT_EQ(send_part(pair.here, file, -1, 4), 4);
    EXPECT_EQ(send_part(pair.here, file, -1, 100), 6);
    EXPECT_EQ(send_part(pair.here, file, -1, 100), 0);
    await_text(&stream, "0123456789");
    acio_op_cancel(&stream.op);
    run_until(&stream.done);
    close_pair(&pair);
    close(file);
}

/* More than sockets hold. */
ENGINE(engine_sendfile, a_full_socket_is_waited_for)
{
    enum { BYTES = 16 << 20 };
    struct stream stream = { 0 };
    struct call call = { 0 };
    int64_t sent = 0;
    struct pair pair = connected_pair();
    int file = large_file(BYTES);
    for (;;) {
        acio_op_sendfile(&call.op, pair.here, file, sent, BYTES);
        submit(&call);
        for (int i = 0; i < 20 && !call.done; i++)
            let_pass(0.001);
        if (!call.done)
            break;
        REQUIRE(call.result > 0);
        sent += call.result;
    }
    EXPECT(sent < BYTES);
    receive_stream(&stream, pair.there);
    while (sent < BYTES) {
        ssize_t n = finish(&call);
        REQUIRE(n > 0);
        sent += n;
        acio_op_sendfile(&call.op, pair.here, file, sent, BYTES);
        submit(&call);
    }
    EXPECT_EQ(finish(&call), 0);
    close_socket(&pair.here);
    run_until(&stream.done);
    EXPECT_EQ(stream.bytes, BYTES);
    close_pair(&pair);
    close(file);
}

ENGINE(engine_sendfile, a_wait_for_room_is_cancelled)
{
    struct call call = { 0 };
    struct pair pair = connected_pair();
    int file = large_file(16 << 20);
    for (int i = 0; i < 200; i++) {
        acio_op_sendfile(&call.op, pair.here, file, 0, 16 << 20);
        submit(&call);
        for (int waits = 0; waits < 20 && !call.done; waits++)
            let_pass(0.001);
        if (!call.done)
            break;
        REQUIRE(call.result > 0);
    }
    REQUIRE(!call.done);
    EXPECT_ERR(cancel(&call), -ECANCELED);
    close_pair(&pair);
    close(file);
}

ENGINE(engine_sendfile, a_broken_connection_is_an_error_and_kills_nobody)
{
    struct call call = { 0 };
    struct pair pair = connected_pair();
    int file = large_file(1 << 20);
    close_socket(&pair.there);
    ssize_t result = 1;
    for (int i = 0; i < 10 && result > 0; i++) {
        acio_op_sendfile(&call.op, pair.here, file, 0, 1 << 20);
        result = perform(&call);
        let_pass(0.001);
    }
    EXPECT(result == -EPIPE || result == -ECONNRESET);
    close_pair(&pair);
    close(file);
}

ENGINE(engine_sendfile, a_file_that_is_none_is_refused)
{
    struct pair pair = connected_pair();
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    EXPECT_ERR(send_part(pair.here, file, 0, 10), -EBADF);
    close(file);
    EXPECT_ERR(send_part(pair.here, file, 0, 10), -EBADF);
    close_pair(&pair);
}

ENGINE(engine_sendfile, a_file_is_sent_into_a_pipe)
{
    int fds[2];
    char data[8] = "";
    int file = file_of("into a pipe");
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_EQ(send_part(fds[1], file, 7, 100), 4);
    EXPECT_EQ(read(fds[0], data, sizeof data), 4);
    EXPECT_TEXT(data, "pipe");
    EXPECT_EQ(acio_loop_close_fd(loop, fds[0]), 0);
    EXPECT_ERR(send_part(fds[1], file, 0, 100), -EPIPE);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[1]), 0);
    close(file);
}
