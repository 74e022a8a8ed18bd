/* SPDX-License-Identifier: MIT */
/* write.c - a stream's output (asyncio.StreamWriter)
 *
 * Idea.       Writing copies into blocks; flushing sends the first of them,
 *             at once where the back end can, else by an operation that goes
 *             on by itself until nothing is left. A block is appended to while
 *             its beginning is being sent, so small writes join.
 *
 *                 acio_write --> [sent | being sent | waits] --> [waits    ]
 *                                 output                          output_last
 *
 * When.       A flush comes with acio_drain, in the next pass of the loop, or
 *             as soon as FLUSH_BYTES wait.
 *
 * Errors.     The first one sticks. What was not sent is dropped then: nothing
 *             that comes after a gap may leave.
 */
#include "net/net.h"

#include <errno.h>
#include <string.h>

enum {
    FLUSH_BYTES = 65536,
    DIRECT_BYTES = 16384, /* so much is sent from where it lies */
    LARGEST_PIECE = 65536 /* of a block, so that memory comes back early */
};

static struct acioi_blocks *
blocks_of(const struct acioi_stream *stream)
{
    return &stream->slot.net->blocks;
}

/* ---- the blocks ---- */

static void
give_first(struct acioi_stream *stream)
{
    struct acioi_block *block = stream->output;
    stream->output = block->next;
    if (!stream->output)
        stream->output_last = NULL;
    acioi_block_give(blocks_of(stream), block);
}

void
acioi_output_free(struct acioi_stream *stream)
{
    while (stream->output)
        give_first(stream);
    stream->output_bytes = 0;
}

/* The first block is small, those behind it are not: who writes that much
 * will write more. */
static ACIOI_INTO_CALLER struct acioi_block *
add_block(struct acioi_stream *stream, size_t bytes)
{
    struct acioi_block *last = stream->output_last;
    size_t want = last ? 4 * last->capacity : 1;
    want = want < bytes ? bytes : want;
    want = want < LARGEST_PIECE ? want : LARGEST_PIECE;
    want -= want > SMALLEST_BLOCK ? sizeof *last : 0; /* a round number */
    struct acioi_block *block = acioi_block_take(blocks_of(stream), want);
    if (!block)
        return NULL;
    if (last)
        last->next = block;
    else
        stream->output = block;
    stream->output_last = block;
    return block;
}

static ACIOI_INTO_CALLER int
append(struct acioi_stream *stream, const char *data, size_t bytes)
{
    while (bytes > 0) {
        struct acioi_block *block = stream->output_last;
        if (!block || block->end == block->capacity)
            block = add_block(stream, bytes);
        if (!block)
            return -ENOMEM;
        size_t part = block->capacity - block->end;
        part = part < bytes ? part : bytes;
        memcpy(block->data + block->end, data, part);
        block->end += part;
        stream->output_bytes += part;
        data += part;
        bytes -= part;
    }
    return 0;
}

/* ---- sending ---- */

void
acioi_output_wake_drainers(struct acioi_stream *stream)
{
    while (acioi_wake_first(&stream->drainers)) {
        /* each leaves the list as it is woken */
    }
}

static void
wake_waiters(struct acioi_stream *stream)
{
    acioi_output_wake_drainers(stream);
    if (stream->closer)
        acioi_wake(stream->closer);
}

void
acioi_output_fail(struct acioi_stream *stream, int err)
{
    if (!stream->write_error)
        stream->write_error = err;
    stream->output_bytes = 0;
    stream->left_idle = false;
    bool in_use = acio_op_alive(&stream->out) && !stream->out_taken;
    acio_op_cancel(&stream->out);
    if (!in_use) /* else the kernel has the first block */
        acioi_output_free(stream);
    wake_waiters(stream);
}

/* The peer's end of a connection may still have sent something; an error of
 * our own ends it in both directions. */
static void
fail(struct acioi_stream *stream, int err)
{
    if (err == -ENOMEM || err == -ENOBUFS)
        acioi_stream_lose(stream, err);
    else
        acioi_output_fail(stream, err);
}

static void
count_sent(struct acioi_stream *stream, size_t bytes)
{
    struct acioi_block *block = stream->output;
    block->first += bytes;
    stream->output_bytes -= bytes;
    if (block->first == block->end)
        give_first(stream);
}

static void
finish(struct acioi_stream *stream)
{
    acio_loop *loop = stream->slot.net->loop;
    stream->finished = true;
    if (acioi_stream_is_pipe(stream))
        acioi_pipe_finish(stream);
    else
        (void)loop->backend->shutdown(loop, stream->fd, SHUT_WR);
}

static void
tell_sent(struct acioi_stream *stream)
{
    if (stream->output_bytes <= stream->low &&
        !acioi_list_empty(&stream->drainers))
        acioi_output_wake_drainers(stream);
    if (stream->output_bytes > 0)
        return;
    if (stream->closer)
        acioi_wake(stream->closer);
    if (stream->shutting && !stream->finished)
        finish(stream);
}

/* A send may win against its cancel: what is broken goes on with nothing. */
static void
sent(acio_op *op)
{
    struct acioi_stream *stream = op->user;
    if (stream->broken || stream->write_error) {
        acioi_output_free(stream);
    } else if (op->result < 0) {
        fail(stream, (int)op->result);
    } else {
        count_sent(stream, (size_t)op->result);
        acioi_output_flush(stream);
    }
    acioi_stream_release(stream);
}

void
acioi_output_prepare(struct acioi_stream *stream)
{
    if (acioi_stream_is_pipe(stream))
        acio_op_write(&stream->out, stream->fd, NULL, 0, -1);
    else
        acio_op_send(&stream->out, stream->fd, NULL, 0, 0);
}

/* All that changes from one send to the next. */
static inline void
prepare_send(struct acioi_stream *stream, const char *data, size_t bytes)
{
    stream->out.u.buf.data = (void *)data;
    stream->out.u.buf.bytes = bytes;
}

/* What try_send takes only in part fills the socket: the rest waits for
 * room. */
void
acioi_output_flush(struct acioi_stream *stream)
{
    acio_loop *loop = stream->slot.net->loop;
    acio_op *op = &stream->out;
    if (__builtin_expect(stream->held, false))
        acioi_filter_flush(stream);
    acioi_list_remove(&stream->link);
    if (acio_op_alive(op) || stream->broken || stream->out_taken)
        return;
    while (stream->output) {
        const struct acioi_block *block = stream->output;
        size_t bytes = acioi_block_bytes(block);
        prepare_send(stream, block->data + block->first, bytes);
        ssize_t n = acio_loop_try_send(loop, op);
        if (n == -EAGAIN) {
            acio_loop_submit(loop, op, sent, stream);
            break;
        }
        if (n < 0) {
            fail(stream, (int)n);
            return;
        }
        count_sent(stream, (size_t)n);
    }
    tell_sent(stream);
}

/* A large piece, with nothing before it, need not be copied: how much of it
 * has left. */
static ACIOI_INTO_CALLER size_t
send_directly(struct acioi_stream *stream, const char *data, size_t bytes)
{
    acio_op *op = &stream->out;
    if (bytes < DIRECT_BYTES || stream->output || acio_op_alive(op))
        return 0;
    prepare_send(stream, data, bytes);
    ssize_t n = acio_loop_try_send(stream->slot.net->loop, op);
    if (n < 0 && n != -EAGAIN)
        fail(stream, (int)n);
    return n < 0 ? 0 : (size_t)n;
}

/* ---- writing ---- */

static ACIOI_INTO_CALLER int
write_piece(struct acioi_stream *stream, const char *data, size_t n)
{
    size_t left = send_directly(stream, data, n);
    if (stream->write_error)
        return stream->write_error;
    if (append(stream, data + left, n - left) < 0)
        fail(stream, -ENOMEM);
    else if (stream->output_bytes >= FLUSH_BYTES)
        acioi_output_flush(stream);
    else if (stream->output && !acio_op_alive(&stream->out))
        acioi_net_flush_soon(stream->slot.net, stream);
    return stream->write_error;
}

int
acioi_output_write(struct acioi_stream *stream, const char *data, size_t n)
{
    if (!stream->out_taken)
        return write_piece(stream, data, n);
    if (!stream->write_error && append(stream, data, n) < 0)
        fail(stream, -ENOMEM);
    return stream->write_error;
}

static int
write_by_detour(struct acioi_stream *stream, const char *data, size_t n)
{
    if (stream->finishing)
        return -ACIO_ECLOSED;
    if (stream->sending)
        return -EBUSY;
    return acioi_filter_write(stream, data, n);
}

/* What is refused was not sent. */
static int
refuse(struct acioi_stream *stream)
{
    stream->left_idle = false;
    return stream->write_error;
}

int
acio_write(acio_stream *handle, const void *data, size_t n)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    if (stream->write_error)
        return refuse(stream);
    if (__builtin_expect(stream->detour, false))
        return write_by_detour(stream, data, n);
    return write_piece(stream, data, n);
}

int
acio_writelines(acio_stream *handle, const struct iovec *pieces, size_t count)
{
    int err = acio_write(handle, "", 0);
    for (size_t i = 0; err == 0 && i < count; i++)
        err = acio_write(handle, pieces[i].iov_base, pieces[i].iov_len);
    return err;
}

int
acio_write_eof(acio_stream *handle)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    if (stream->write_error || stream->finishing)
        return stream->write_error;
    if (stream->sending)
        return -EBUSY;
    stream->finishing = stream->detour = true;
    err = acioi_filter_write_eof(stream);
    stream->finishing = err != -EBUSY;
    if (err < 0)
        return err;
    stream->shutting = err > 0;
    acioi_output_flush(stream);
    return stream->write_error;
}

/* ---- waiting ---- */

static int
await_room(struct acioi_stream *stream, struct acioi_task *task)
{
    stream->users++;
    acioi_list_push_back(&stream->drainers, &task->handle.link);
    int reason = acioi_park_with(task, acioi_interrupt_wake, "stream.drain",
        stream);
    int err = stream->write_error;
    if (acioi_stream_unuse(stream))
        return -ACIO_ECLOSED;
    return reason ? reason : err;
}

int
acio_drain(acio_stream *handle)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    int reason = acioi_check(task);
    if (reason)
        return reason;
    if (stream->output || stream->held)
        acioi_output_flush(stream);
    err = stream->write_error;
    if (!err && stream->output_bytes > stream->high)
        return await_room(stream, task);
    acioi_charge(task);
    return err;
}

size_t
acio_write_buffer_size(acio_stream *handle)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    return stream ? stream->output_bytes : 0;
}

int
acio_stream_set_write_buffer_limits(acio_stream *handle, size_t high,
    size_t low)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    if (low > high)
        return -EINVAL;
    stream->high = high;
    stream->low = low;
    return 0;
}
