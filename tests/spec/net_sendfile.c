/* SPDX-License-Identifier: MIT */
/* Files that are sent as they are. */
#include "net_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <acio/filter.h>

/* A file without a name, of so many bytes of the pattern. */
static int
make_file(size_t bytes)
{
    char name[] = "/tmp/acio-XXXXXX", piece[4096];
    int file = mkostemp(name, O_CLOEXEC);
    unlink(name);
    for (size_t at = 0; file >= 0 && at < bytes;) {
        size_t n = 0;
        for (; n < sizeof piece && at < bytes; n++, at++)
            piece[n] = pattern(at);
        if (write(file, piece, n) != (ssize_t)n)
            return -1;
    }
    return file;
}

struct send_and_note_args {
    acio_stream *stream;
    int file;
    bool goes_on; /* the stream does not end with the file */
};
static int
send_and_note(void *arg)
{
    const struct send_and_note_args *a = arg;
    int64_t n = acio_sendfile(a->stream, a->file, 0, -1);
    if (n >= 0)
        note("[%lld]", (long long)n);
    else
        note("[%s]", acio_strerror((int)n));
    if (!a->goes_on)
        acio_write_eof(a->stream);
    return 0;
}

SPEC(net_sendfile, sends_a_whole_file)
{
    struct pair pair;
    bool good = false;
    int file = make_file(300000);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(send_and_note, .stream = pair.client, .file = file);
    EXPECT_EQ(read_all(pair.served, &good), 300000);
    EXPECT(good);
    settle();
    EXPECT_NOTED("[300000]");
    close_pair(&pair);
    finish();
    close(file);
}

SPEC(net_sendfile, sends_a_part_between_what_is_written)
{
    struct pair pair;
    char buf[16] = "";
    int file = make_file(100);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_write(pair.client, "<", 1);
    EXPECT_EQ(acio_sendfile(pair.client, file, 3, 4), 4);
    acio_write(pair.client, ">", 1);
    EXPECT_EQ(acio_sendfile(pair.client, file, 98, -1), 2);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 8), 8);
    char wanted[16] = { '<', pattern(3), pattern(4), pattern(5), pattern(6),
        '>', pattern(98), pattern(99) };
    EXPECT_TEXT(buf, wanted);
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), 100);
    close_pair(&pair);
    close(file);
}

SPEC(net_sendfile, sends_from_the_position_of_the_file)
{
    struct pair pair;
    char buf[8] = "";
    int file = make_file(100);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_EQ(lseek(file, 10, SEEK_SET), 10);
    EXPECT_EQ(acio_sendfile(pair.client, file, -1, 3), 3);
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), 13);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 3), 3);
    EXPECT_EQ(buf[0], pattern(10));
    EXPECT_EQ(buf[2], pattern(12));
    close_pair(&pair);
    close(file);
}

SPEC(net_sendfile, says_how_much_there_was)
{
    struct pair pair;
    int file = make_file(100);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_EQ(acio_sendfile(pair.client, file, 0, 1000), 100);
    EXPECT_EQ(acio_sendfile(pair.client, file, 100, -1), 0);
    EXPECT_EQ(acio_sendfile(pair.client, file, 500, 10), 0);
    EXPECT_EQ(acio_sendfile(pair.client, file, 0, 0), 0);
    close_pair(&pair);
    close(file);
}

SPEC(net_sendfile, of_no_file_leaves_the_stream_as_it_was)
{
    struct pair pair;
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_EQ(acio_sendfile(pair.client, -1, 0, 10), -EBADF);
    EXPECT_EQ(acio_stream_partial(pair.client), 0);
    EXPECT_ERR(say(pair.client, "fine"), 0);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 4), 4);
    close_pair(&pair);
}

static int
turn_over(struct acio_filter *filter, const char *data, size_t bytes)
{
    char buf[4096];
    int err = 0;
    while (err == 0 && bytes > 0) {
        size_t n = bytes < sizeof buf ? bytes : sizeof buf;
        for (size_t i = 0; i < n; i++)
            buf[i] = (char)~data[i];
        err = acio_filter_send(filter, buf, n);
        data += n;
        bytes -= n;
    }
    return err;
}

/* A filter that lets pass what is written, and has something to say itself. */
SPEC_LARGE(net_sendfile, goes_before_what_a_filter_sends_meanwhile)
{
    static const struct acio_filter_type type = { .write = turn_over };
    struct acio_filter filter = { .type = &type, .pass_output = true };
    struct pair pair;
    size_t size = much(), got = 0;
    char buf[4096];
    bool good = true;
    int file = make_file(size);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_filter(pair.client, &filter), 0);
    acio_task *task = acio_create_task(send_and_note, .stream = pair.client,
        .file = file, .goes_on = true);
    (void)acio_sleep(0.01);
    EXPECT(!acio_task_done(task));
    EXPECT_ERR(acio_filter_send(&filter, "<end>", 5), 0);
    while (got < size) {
        size_t left = size - got;
        ssize_t n = acio_read(pair.served, buf,
            left < sizeof buf ? left : sizeof buf);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            good = good && buf[i] == pattern(got + (size_t)i);
        got += (size_t)n;
    }
    EXPECT(good);
    EXPECT_EQ(got, size);
    ACIO_TIMEOUT(limit, 1);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    acio_timeout_close(&limit);
    EXPECT_EQ(memcmp(buf, "<end>", 5), 0);
    EXPECT_ERR(acio_await(task), 0);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "[%zu]", size);
    EXPECT_NOTED(wanted);
    close_pair(&pair);
    close(file);
}

SPEC(net_sendfile, goes_through_a_filter)
{
    static const struct acio_filter_type type = { .write = turn_over };
    struct pair pair;
    struct acio_filter filter = { .type = &type };
    size_t all = 0;
    ssize_t n;
    bool good = true;
    char buf[4096];
    int file = make_file(300000);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_filter(pair.client, &filter), 0);
    start(send_and_note, .stream = pair.client, .file = file);
    while ((n = acio_read(pair.served, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            good = good && buf[i] == (char)~pattern(all + (size_t)i);
        all += (size_t)n;
    }
    EXPECT(good);
    EXPECT_EQ(all, 300000);
    settle();
    EXPECT_NOTED("[300000]");
    close_pair(&pair);
    finish();
    close(file);
}

SPEC(net_sendfile, fills_a_pipe)
{
    acio_stream *reader = NULL, *writer = NULL;
    bool good = false;
    int fds[2];
    int file = make_file(200000);
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    EXPECT_ERR(acio_connect_read_pipe(&reader, fds[0], NULL), 0);
    EXPECT_ERR(acio_connect_write_pipe(&writer, fds[1], NULL), 0);
    start(send_and_note, .stream = writer, .file = file);
    if (reader && writer) {
        EXPECT_EQ(read_all(reader, &good), 200000);
        EXPECT(good);
        settle();
        EXPECT_NOTED("[200000]");
    }
    if (!reader)
        close(fds[0]);
    if (!writer)
        close(fds[1]);
    acio_abort(reader);
    acio_abort(writer);
    finish();
    close(file);
}

SPEC(net_sendfile, lets_nobody_else_write, .may_deadlock = true)
{
    struct pair pair;
    int file = make_file(much());
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(send_and_note, .stream = pair.client, .file = file);
    settle();
    EXPECT_ERR(acio_write(pair.client, "x", 1), -EBUSY);
    EXPECT_ERR(acio_write_eof(pair.client), -EBUSY);
    EXPECT_EQ(acio_sendfile(pair.client, file, 0, 1), -EBUSY);
    EXPECT_EQ(read_all(pair.served, NULL), (ssize_t)much());
    settle();
    EXPECT_NOTED(time_is_virtual() ? "[400000]" : "[16777216]");
    close_pair(&pair);
    finish();
    close(file);
}

struct send_file_args {
    acio_stream *stream;
    int file;
    int64_t *sent;
};
static int
send_file(void *arg)
{
    const struct send_file_args *a = arg;
    int64_t n = acio_sendfile(a->stream, a->file, 0, -1);
    *a->sent = (int64_t)acio_stream_partial(a->stream);
    acio_write_eof(a->stream);
    return n < 0 ? (int)n : 0;
}

SPEC(net_sendfile, cancelled_tells_how_much_was_sent, .may_deadlock = true)
{
    struct pair pair;
    bool good = false;
    int64_t sent = 0;
    int file = make_file(much());
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(send_file, .stream = pair.client,
        .file = file, .sent = &sent);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    if (time_is_virtual()) /* else the thread may not have begun */
        EXPECT(sent > 0);
    EXPECT(sent < (int64_t)much());
    EXPECT_EQ(read_all(pair.served, &good), sent);
    EXPECT(good);
    close_pair(&pair);
    close(file);
}

SPEC(net_sendfile, ends_when_the_stream_is_closed, .may_deadlock = true)
{
    struct pair pair;
    char buf[4096];
    ssize_t n;
    int file = make_file(much());
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(send_and_note, .stream = pair.client, .file = file);
    settle();
    EXPECT_ERR(acio_close(pair.client), 0);
    settle();
    EXPECT_NOTED("[the object is closed]");
    while ((n = acio_read(pair.served, buf, sizeof buf)) > 0) {
        /* what had left */
    }
    EXPECT_ERR((int)n, -ECONNRESET);
    close_pair(&pair);
    finish();
    close(file);
}

SPEC(net_sendfile, to_a_peer_that_leaves_fails, .may_deadlock = true)
{
    struct pair pair;
    int64_t sent = 0;
    int file = make_file(much());
    EXPECT_ERR(open_pair(&pair, 0), 0);
    acio_task *task = acio_create_task(send_file, .stream = pair.client,
        .file = file, .sent = &sent);
    settle();
    acio_abort(pair.served);
    int err = acio_await(task);
    EXPECT(err == -EPIPE || err == -ECONNRESET);
    EXPECT(sent < (int64_t)much());
    EXPECT_ERR(acio_write(pair.client, "x", 1), err);
    EXPECT_ERR(acio_drain(pair.client), err);
    close_pair(&pair);
    close(file);
}
