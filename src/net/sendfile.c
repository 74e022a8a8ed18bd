/* SPDX-License-Identifier: MIT */
/* sendfile.c - a file as output
 *
 * Idea.       When all that was written has left, the stream's own operation
 *             that sends takes the file instead of a block. So whatever ends
 *             that operation (the peer, acio_close, a broken connection) ends
 *             this one as well.
 *
 * Otherwise.  Where filters want to see the bytes, where the fd is a pipe, or
 *             the kernel cannot send this file, it is read and written piece
 *             by piece, as fast as acio_drain lets it.
 * Sockets.    To one of the user's the file goes in the same two ways, only
 *             without anything that could be in between.
 *
 * Invariant.  While `sending`, nobody else writes: the file is in one piece.
 *             While `out_taken`, nothing is sent from the output, not even
 *             between two of the operations.
 * Cancel.     What the kernel took is counted; the rest is not sent.
 */
#include <acio/sock.h>
#include <errno.h>

#include "net/net.h"

enum { PORTION = 1 << 30, PIECE = 65536 - sizeof(struct acioi_block) };

struct sending {
    struct acioi_stream *stream; /* NULL: to a socket of the user's, `fd` */
    struct acioi_task *task;
    int fd, file;
    int64_t offset; /* negative: the file's position */
    int64_t left, sent;
};

static int64_t
offset_of(const struct sending *s)
{
    return s->offset < 0 ? -1 : s->offset + s->sent;
}

static size_t
portion_of(const struct sending *s, size_t most)
{
    return s->left < (int64_t)most ? (size_t)s->left : most;
}

static void
count(struct sending *s, ssize_t n)
{
    s->sent += n;
    s->left -= n;
}

/* What stops a stream that others may have closed or broken meanwhile. */
static int
state_of(const struct acioi_stream *stream)
{
    return acioi_stream_closed(stream) ? -ACIO_ECLOSED : stream->write_error;
}

/* ---- by the kernel ---- */

static int
await_empty(const struct sending *s)
{
    struct acioi_stream *stream = s->stream;
    acioi_output_flush(stream);
    while (state_of(stream) == 0 && stream->output_bytes > 0) {
        acioi_list_push_back(&stream->drainers, &s->task->handle.link);
        int reason = acioi_park_with(s->task, acioi_interrupt_wake,
            "stream.sendfile", stream);
        if (reason)
            return reason;
    }
    return state_of(stream);
}

/* A peer that is gone is so for all who write. */
static int
judge(struct acioi_stream *stream, int err)
{
    int state = state_of(stream);
    if (state < 0)
        return state;
    if (err == -EPIPE || err == -ECONNRESET)
        acioi_output_fail(stream, err);
    return err;
}

/* 0 at the end, be it that of the file, or an error. */
static int
send_portions(struct sending *s)
{
    struct acioi_stream *stream = s->stream;
    int err = 0;
    while (err == 0 && s->left > 0) {
        acio_op_sendfile(&stream->out, stream->fd, s->file, offset_of(s),
            portion_of(s, PORTION));
        ssize_t n = acio_await_op(&stream->out);
        acioi_output_prepare(stream);
        if (n == 0)
            return 0;
        if (n > 0)
            count(s, n);
        err = judge(stream, n < 0 ? (int)n : 0);
    }
    return err;
}

/* What a filter sends of its own accord meanwhile comes after the file. */
static int
send_by_kernel(struct sending *s)
{
    struct acioi_stream *stream = s->stream;
    int err = await_empty(s);
    if (err < 0)
        return err;
    stream->out_taken = true;
    err = send_portions(s);
    stream->out_taken = false;
    if (!acioi_stream_closed(stream))
        acioi_output_flush(stream);
    return err;
}

/* ---- by hand ---- */

static int
give_to_stream(struct sending *s, const char *data, size_t n)
{
    struct acioi_stream *stream = s->stream;
    int err = state_of(stream);
    if (n > 0 && err == 0)
        err = acioi_filter_write(stream, data, n);
    if (n == 0 || err < 0)
        return err;
    count(s, (ssize_t)n);
    return acio_drain(acioi_stream_handle(stream));
}

static int
give_to_socket(struct sending *s, const char *data, size_t n)
{
    size_t sent = 0;
    int err = n > 0 ? acio_sock_sendall(s->fd, data, n, &sent) : 0;
    count(s, (ssize_t)sent);
    return err;
}

static ssize_t
copy_piece(struct sending *s, struct acioi_block *block)
{
    acio_op op = { 0 };
    acio_op_read(&op, s->file, block->data, portion_of(s, PIECE), offset_of(s));
    ssize_t n = acio_await_op(&op);
    if (n < 0)
        return n;
    int err = s->stream ? give_to_stream(s, block->data, (size_t)n)
                        : give_to_socket(s, block->data, (size_t)n);
    return err < 0 ? err : n;
}

static int
copy(struct sending *s)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    if (!net)
        return -ENOMEM;
    struct acioi_blocks *blocks = &net->blocks;
    struct acioi_block *block = acioi_block_take(blocks, PIECE);
    if (!block)
        return -ENOMEM;
    ssize_t n = 1;
    while (n > 0 && s->left > 0)
        n = copy_piece(s, block);
    acioi_block_give(blocks, block);
    return n < 0 ? (int)n : 0;
}

/* ---- either way ---- */

static bool
is_unsupported(int err)
{
    return err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP ||
        err == -ESPIPE;
}

static int
send_file(struct sending *s)
{
    int err = -EOPNOTSUPP;
    if (!acioi_stream_is_pipe(s->stream) &&
        acioi_filter_passes_output(s->stream))
        err = send_by_kernel(s);
    return is_unsupported(err) && s->sent == 0 ? copy(s) : err;
}

static int64_t
send_alone(struct sending *s)
{
    struct acioi_stream *stream = s->stream;
    stream->sending = stream->detour = true;
    stream->users++;
    int err = send_file(s);
    stream->sending = false;
    stream->detour = stream->filter || stream->finishing;
    stream->partial = err < 0 ? (size_t)s->sent : 0;
    if (!acioi_stream_unuse(stream) && stream->broken)
        acioi_stream_release(stream);
    return err < 0 ? err : s->sent;
}

static int
refuse(const struct acioi_stream *stream)
{
    if (stream->write_error)
        return stream->write_error;
    if (stream->finishing)
        return -ACIO_ECLOSED;
    return stream->sending ? -EBUSY : 0;
}

int64_t
acio_sendfile(acio_stream *handle, int file, int64_t offset, int64_t count)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    struct sending s = { .stream = stream,
        .task = acioi_current(),
        .file = file,
        .offset = offset,
        .left = count < 0 ? INT64_MAX : count };
    if (!s.task)
        return acioi_no_task(__func__);
    err = acioi_check(s.task);
    if (err == 0)
        err = refuse(stream);
    return err < 0 ? err : send_alone(&s);
}

/* ---- to a socket of the user's ---- */

static int
send_to_socket(struct sending *s)
{
    ssize_t n;
    do {
        acio_op op = { 0 };
        acio_op_sendfile(&op, s->fd, s->file, offset_of(s),
            portion_of(s, PORTION));
        n = acio_await_op(&op);
        if (n > 0)
            count(s, n);
    } while (n > 0 && s->left > 0);
    return n < 0 ? (int)n : 0;
}

int
acio_sock_sendfile(int fd, int file, int64_t offset, int64_t count,
    int64_t *sent)
{
    struct sending s = { .fd = fd,
        .file = file,
        .offset = offset,
        .left = count < 0 ? INT64_MAX : count };
    if (offset < 0)
        return -EINVAL;
    int err = send_to_socket(&s);
    if (is_unsupported(err))
        err = copy(&s);
    if (sent)
        *sent = s.sent;
    return err;
}
