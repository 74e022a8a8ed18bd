/* SPDX-License-Identifier: MIT */
/* Streams of pipes, and of sockets that others have made. */
#include "net_world.h"

#include <ctype.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <acio/filter.h>

struct tube {
    acio_stream *reader, *writer;
};

static int
open_tube(struct tube *tube, size_t limit)
{
    const struct acio_pipe_options options = { .limit = limit };
    int fds[2];
    *tube = (struct tube){ .reader = NULL };
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    int err = acio_connect_read_pipe(&tube->reader, fds[0], &options);
    if (err < 0)
        close(fds[0]);
    int other = acio_connect_write_pipe(&tube->writer, fds[1], &options);
    if (other < 0)
        close(fds[1]);
    return err < 0 ? err : other;
}

static void
close_tube(struct tube *tube)
{
    acio_abort(tube->writer);
    acio_abort(tube->reader);
    settle();
}

SPEC(net_pipe, carries_what_is_written)
{
    struct tube tube;
    char buf[8] = "";
    EXPECT_ERR(open_tube(&tube, 0), 0);
    EXPECT_ERR(say(tube.writer, "hello"), 0);
    EXPECT_EQ(acio_readexactly(tube.reader, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
    close_tube(&tube);
}

SPEC_LARGE(net_pipe, carries_more_than_fits)
{
    struct tube tube;
    bool good = false;
    EXPECT_ERR(open_tube(&tube, 0), 0);
    start(flood, .stream = tube.writer, .bytes = 1000000, .piece = 4096);
    EXPECT_EQ(read_all(tube.reader, &good), 1000000);
    EXPECT(good);
    close_tube(&tube);
    finish();
}

SPEC(net_pipe, ends_for_the_reader_when_writing_ends)
{
    struct tube tube;
    char buf[8];
    EXPECT_ERR(open_tube(&tube, 0), 0);
    acio_write(tube.writer, "bye", 3);
    EXPECT_ERR(acio_write_eof(tube.writer), 0);
    EXPECT_ERR(acio_write(tube.writer, "x", 1), -ACIO_ECLOSED);
    EXPECT_EQ(acio_readexactly(tube.reader, buf, 3), 3);
    EXPECT_EQ(acio_read(tube.reader, buf, 1), 0);
    EXPECT(acio_at_eof(tube.reader));
    EXPECT_ERR(acio_stream_fd(tube.writer), -ENOTCONN);
    EXPECT_ERR(acio_close(tube.writer), 0);
    EXPECT_ERR(acio_close(tube.reader), 0);
}

SPEC(net_pipe, lets_leave_what_was_written_before_its_close)
{
    struct tube tube;
    char buf[8] = "";
    EXPECT_ERR(open_tube(&tube, 0), 0);
    acio_write(tube.writer, "bye", 3);
    EXPECT_ERR(acio_close(tube.writer), 0);
    EXPECT_EQ(acio_read(tube.reader, buf, sizeof buf), 3);
    EXPECT_EQ(acio_read(tube.reader, buf, sizeof buf), 0);
    EXPECT_ERR(acio_close(tube.reader), 0);
}

SPEC(net_pipe, has_one_direction)
{
    struct tube tube;
    char buf[8];
    EXPECT_ERR(open_tube(&tube, 0), 0);
    EXPECT_ERR(acio_write(tube.reader, "x", 1), -EBADF);
    EXPECT_ERR(acio_drain(tube.reader), -EBADF);
    EXPECT_ERR(acio_write_eof(tube.reader), -EBADF);
    EXPECT_ERR(acio_read(tube.writer, buf, 1), -EBADF);
    EXPECT_ERR(acio_readline(tube.writer, buf, sizeof buf), -EBADF);
    EXPECT(acio_at_eof(tube.writer));
    EXPECT_TEXT(acio_error_text(tube.reader), "");
    EXPECT_TEXT(acio_error_text(tube.writer), "");
    EXPECT_ERR(acio_close(tube.reader), 0);
    close_tube(&tube);
}

SPEC(net_pipe, tells_a_writer_with_nothing_to_say_that_the_reader_left)
{
    struct tube tube;
    EXPECT_ERR(open_tube(&tube, 0), 0);
    EXPECT_ERR(acio_close(tube.reader), 0);
    settle();
    EXPECT_ERR(acio_write(tube.writer, "x", 1), -EPIPE);
    EXPECT_ERR(acio_drain(tube.writer), -EPIPE);
    EXPECT_TEXT(acio_error_text(tube.writer), "the pipe broke: Broken pipe");
    EXPECT_ERR(acio_close(tube.writer), -EPIPE);
}

SPEC(net_pipe, whose_reader_left_after_all_had_left_is_closed_in_peace)
{
    struct tube tube;
    char buf[8];
    EXPECT_ERR(open_tube(&tube, 0), 0);
    EXPECT_ERR(say(tube.writer, "all"), 0);
    EXPECT_EQ(acio_readexactly(tube.reader, buf, 3), 3);
    EXPECT_ERR(acio_close(tube.reader), 0);
    settle();
    EXPECT_ERR(acio_drain(tube.writer), -EPIPE);
    EXPECT_ERR(acio_close(tube.writer), 0);
}

struct drain_and_note_args {
    acio_stream *stream;
};
static int
drain_and_note(void *arg)
{
    const struct drain_and_note_args *a = arg;
    note("[%s]", acio_strerror(acio_drain(a->stream)));
    return 0;
}

SPEC(net_pipe, wakes_a_writer_whose_reader_leaves, .may_deadlock = true)
{
    struct tube tube;
    static char much_of_it[300000];
    EXPECT_ERR(open_tube(&tube, 0), 0);
    acio_write(tube.writer, much_of_it, sizeof much_of_it);
    start(drain_and_note, .stream = tube.writer);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_close(tube.reader), 0);
    settle();
    EXPECT_NOTED("[Broken pipe]");
    EXPECT_EQ(acio_write_buffer_size(tube.writer), 0);
    close_tube(&tube);
}

SPEC(net_pipe, that_nobody_reads_holds_no_more_than_twice_its_limit)
{
    struct tube tube;
    bool good = false;
    size_t written = 0;
    enum { LIMIT = 1000, PIPE = 65536, BLOCK = 65536, BYTES = 600000 };
    EXPECT_ERR(open_tube(&tube, LIMIT), 0);
    start(flood, .stream = tube.writer, .bytes = BYTES, .piece = 1000,
        .written = &written);
    char byte;
    EXPECT_EQ(acio_read(tube.reader, &byte, 1), 1);
    settle();
    EXPECT(written <= 2 * LIMIT + 2 * PIPE + BLOCK + 65536 + 1000);
    EXPECT_EQ(read_all(tube.reader, &good), BYTES - 1);
    close_tube(&tube);
    finish();
}

SPEC(net_pipe, aborted_leaves_nothing)
{
    struct tube tube;
    static char much_of_it[300000];
    EXPECT_ERR(open_tube(&tube, 0), 0);
    acio_write(tube.writer, much_of_it, sizeof much_of_it);
    start(read_and_note, .stream = tube.reader, .size = 4);
    acio_abort(tube.writer);
    acio_abort(tube.reader);
    settle();
    EXPECT_NOTED("[the object is closed]");
}

SPEC(net_pipe, is_no_file_and_has_the_right_mode)
{
    acio_stream *stream;
    char name[] = "/tmp/acio-XXXXXX";
    int fds[2];
    int file = mkstemp(name);
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    EXPECT_ERR(acio_connect_read_pipe(&stream, file, NULL), -EINVAL);
    EXPECT_ERR(acio_connect_write_pipe(&stream, file, NULL), -EINVAL);
    EXPECT_ERR(acio_connect_read_pipe(&stream, fds[1], NULL), -EBADF);
    EXPECT_ERR(acio_connect_write_pipe(&stream, fds[0], NULL), -EBADF);
    EXPECT_ERR(acio_connect_read_pipe(&stream, -1, NULL), -EBADF);
    EXPECT_ERR(acio_connect_read_pipe(NULL, fds[0], NULL), -EINVAL);
    EXPECT(!stream);
    close(fds[0]);
    close(fds[1]);
    close(file);
    unlink(name);
}

SPEC(net_pipe, may_be_a_terminal)
{
    acio_stream *stream = NULL;
    char line[16] = "";
    int controller, terminal;
    EXPECT_EQ(openpty(&controller, &terminal, NULL, NULL, NULL), 0);
    EXPECT_ERR(acio_connect_read_pipe(&stream, terminal, NULL), 0);
    EXPECT_EQ(write(controller, "hello\n", 6), 6);
    EXPECT_EQ(acio_readline(stream, line, sizeof line), 6);
    EXPECT_TEXT(line, "hello\n");
    acio_abort(stream);
    settle();
    if (!stream)
        close(terminal);
    close(controller);
}

SPEC(net_pipe, may_be_the_end_of_all_things)
{
    acio_stream *stream = NULL;
    char byte;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    EXPECT_ERR(acio_connect_read_pipe(&stream, fd, NULL), 0);
    EXPECT_EQ(acio_read(stream, &byte, 1), 0);
    acio_abort(stream);
    settle();
    if (!stream)
        close(fd);
}

SPEC(net_pipe, may_be_a_socket_whose_other_end_has_ended_its_writing)
{
    struct tube tube = { .reader = NULL };
    char buf[8] = "";
    int fds[2];
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    int err = acio_connect_write_pipe(&tube.writer, fds[0], NULL);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(shutdown(fds[1], SHUT_WR), 0);
    settle();
    EXPECT_ERR(say(tube.writer, "hello"), 0);
    settle();
    EXPECT_EQ(recv(fds[1], buf, sizeof buf, MSG_DONTWAIT), 5);
    EXPECT_TEXT(buf, "hello");
    close_tube(&tube);
    if (err != 0)
        close(fds[0]);
    close(fds[1]);
}

static int
shout(struct acio_filter *filter, const char *data, size_t bytes)
{
    char buf[16];
    for (size_t i = 0; i < bytes && i < sizeof buf; i++)
        buf[i] = (char)toupper((unsigned char)data[i]);
    return acio_filter_send(filter, buf, bytes);
}

static int
whisper(struct acio_filter *filter, const char *data, size_t bytes)
{
    char buf[16];
    for (size_t i = 0; i < bytes && i < sizeof buf; i++)
        buf[i] = (char)tolower((unsigned char)data[i]);
    return acio_filter_deliver(filter, buf, bytes);
}

static bool
expect_more(struct acio_filter *filter)
{
    (void)filter;
    return true;
}

SPEC(net_pipe, takes_filters)
{
    static const struct acio_filter_type loud = { .write = shout,
        .end_awaited = expect_more };
    static const struct acio_filter_type quiet = { .received = whisper };
    struct acio_filter at_writer = { .type = &loud };
    struct acio_filter at_reader = { .type = &quiet };
    struct tube tube;
    char buf[8] = "";
    EXPECT_ERR(open_tube(&tube, 0), 0);
    EXPECT_ERR(acio_stream_set_filter(tube.writer, &at_writer), 0);
    EXPECT_ERR(say(tube.writer, "Hello"), 0);
    EXPECT_EQ(acio_readexactly(tube.reader, buf, 5), 5);
    EXPECT_TEXT(buf, "HELLO");
    EXPECT_ERR(acio_stream_set_filter(tube.reader, &at_reader), 0);
    EXPECT_ERR(say(tube.writer, "World"), 0);
    EXPECT_EQ(acio_readexactly(tube.reader, buf, 5), 5);
    EXPECT_TEXT(buf, "world");
    EXPECT_ERR(acio_close(tube.writer), 0);
    EXPECT_EQ(acio_read(tube.reader, buf, 1), 0);
    EXPECT_ERR(acio_close(tube.reader), 0);
}

/* ---- sockets ---- */

SPEC(net_open_socket, takes_a_socket_of_the_callers)
{
    acio_stream *ours = NULL, *theirs = NULL;
    int fds[2];
    bool good = false;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    int err = acio_open_socket(&ours, fds[0], NULL);
    if (err != 0 && err != -ENOMEM)
        close(fds[0]);
    EXPECT_ERR(err, 0);
    err = acio_open_socket(&theirs, fds[1], NULL);
    if (err != 0 && err != -ENOMEM)
        close(fds[1]);
    EXPECT_ERR(err, 0);
    start(flood, .stream = ours, .bytes = 300000, .piece = 4096);
    start(flood, .stream = theirs, .bytes = 200000, .piece = 1000);
    EXPECT_EQ(read_all(ours, &good), 200000);
    EXPECT(good);
    EXPECT_EQ(read_all(theirs, &good), 300000);
    EXPECT(good);
    acio_close(ours);
    acio_close(theirs);
    finish();
}

SPEC(net_open_socket, tells_nothing_of_what_was_wrong_before)
{
    acio_stream *stream;
    char text[80] = "of an earlier call";
    static const struct acio_security security = { NULL };
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_socket(&stream, -1, &options), -EBADF);
    EXPECT_TEXT(text, "cannot use the socket: Bad file descriptor");
    strcpy(text, "of an earlier call");
    options.security = &security;
    EXPECT_ERR(acio_open_socket(&stream, -1, &options), -EINVAL);
    EXPECT_TEXT(text, "cannot use the socket: server_hostname is needed");
    strcpy(text, "of an earlier call");
    EXPECT_ERR(acio_open_socket(NULL, -1, &options), -EINVAL);
    EXPECT_TEXT(text, "");
}

SPEC(net_open_socket, refuses_what_is_no_connected_stream)
{
    acio_stream *stream;
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int lonely = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_ERR(acio_open_socket(&stream, fds[0], NULL), -ENOTSOCK);
    EXPECT_ERR(acio_open_socket(&stream, datagrams, NULL), -EINVAL);
    EXPECT_ERR(acio_open_socket(&stream, lonely, NULL), -ENOTCONN);
    EXPECT_ERR(acio_open_socket(&stream, -1, NULL), -EBADF);
    EXPECT_ERR(acio_open_socket(NULL, lonely, NULL), -EINVAL);
    EXPECT(!stream);
    close(fds[0]);
    close(fds[1]);
    close(datagrams);
    close(lonely);
}
