/* SPDX-License-Identifier: MIT */
/* read.c - a stream's input (asyncio.StreamReader)
 *
 * Idea.       One operation receives for as long as the stream lives. What it
 *             brings goes straight to the task that waits, and what nobody
 *             waits for into a block of the stream's, which is given back when
 *             it is empty.
 *
 *                 RECV_MANY --> reader->into          a task waits
 *                           --> stream->input         none does
 *
 *             The task that was woken gets more until it runs, or has no room
 *             left.
 *
 * Pressure.   Above twice the limit the operation is cancelled, and it starts
 *             again when no more than the limit is left: a peer that floods
 *             is stopped by the kernel's window.
 *
 * Lines.      acio_next_line lends a line where it lies: until the next read,
 *             its block moves nothing and is not given back. What comes
 *             meanwhile goes behind it, or into a block in front of it.
 *
 * Invariant.  While a reader with `into` waits, the input is empty. A block
 *             without bytes is there only while a line is lent.
 * Cancel.     A reader that is interrupted unlinks itself at that moment, so
 *             that what comes later is kept; readexactly puts back what it
 *             had got. No byte is lost, nor read out of turn.
 */
#include "net/net.h"

#include <errno.h>
#include <string.h>

static struct acioi_blocks *
blocks_of(const struct acioi_stream *stream)
{
    return &stream->slot.net->blocks;
}

static bool
at_end(const struct acioi_stream *stream)
{
    return stream->ended || stream->read_error;
}

/* ---- the block ---- */

static size_t
input_bytes(const struct acioi_stream *stream)
{
    return stream->input ? acioi_block_bytes(stream->input) : 0;
}

void
acioi_input_close(struct acioi_stream *stream)
{
    struct acioi_block *block;
    while ((block = stream->input)) {
        stream->input = block->next;
        acioi_block_give(blocks_of(stream), block);
    }
}

/* A line that was lent stays where it is, in a block behind the new one. */
static void
replace_block(struct acioi_stream *stream, struct acioi_block *block)
{
    struct acioi_block *old = stream->input;
    stream->input = block;
    if (!old)
        return;
    if (stream->busy == LENT && !old->next) {
        block->next = old;
    } else {
        block->next = old->next;
        acioi_block_give(blocks_of(stream), old);
    }
}

/* A block with room for what there is and `bytes` more, in the front or in
 * the back. The move pays for itself: it happens when half is used up, or
 * doubles the room. */
static struct acioi_block *
make_room(struct acioi_stream *stream, size_t bytes, bool in_front)
{
    const struct acioi_block *old = stream->input;
    size_t have = input_bytes(stream);
    size_t want = have ? 2 * (have + bytes) : bytes;
    struct acioi_block *block = acioi_block_take(blocks_of(stream), want);
    if (!block)
        return NULL;
    block->first = block->end = in_front ? bytes : 0;
    if (have) {
        memcpy(block->data + block->end, old->data + old->first, have);
        block->end += have;
    }
    replace_block(stream, block);
    return block;
}

static int
append(struct acioi_stream *stream, const char *data, size_t bytes)
{
    struct acioi_block *block = stream->input;
    if (!block || block->capacity - block->end < bytes) {
        size_t have = input_bytes(stream);
        bool slide = block && have <= block->first &&
            block->capacity - have >= bytes && stream->busy != LENT;
        if (slide) {
            memcpy(block->data, block->data + block->first, have);
            block->first = 0;
            block->end = have;
        } else {
            block = make_room(stream, bytes, false);
        }
    }
    if (!block)
        return -ENOMEM;
    memcpy(block->data + block->end, data, bytes);
    block->end += bytes;
    return 0;
}

static int
put_back(struct acioi_stream *stream, const char *data, size_t bytes)
{
    struct acioi_block *block = make_room(stream, bytes, true);
    if (!block)
        return -ENOMEM;
    block->first -= bytes;
    memcpy(block->data + block->first, data, bytes);
    return 0;
}

static size_t
take(struct acioi_stream *stream, char *into, size_t bytes)
{
    struct acioi_block *block = stream->input;
    size_t have = input_bytes(stream);
    if (bytes > have)
        bytes = have;
    if (bytes == 0)
        return 0;
    memcpy(into, block->data + block->first, bytes);
    block->first += bytes;
    if (bytes == have)
        acioi_input_close(stream);
    acioi_input_receive(stream);
    return bytes;
}

/* ---- what comes ---- */

void
acioi_input_wake_reader(struct acioi_stream *stream)
{
    struct acioi_reader *reader = stream->reader;
    stream->reader = NULL;
    if (reader)
        acioi_wake(reader->task);
}

static ACIOI_INTO_CALLER void
fill(struct acioi_stream *stream, size_t bytes)
{
    struct acioi_reader *reader = stream->reader;
    reader->got += bytes;
    if (reader->got == reader->wanted)
        acioi_input_wake_reader(stream);
    else if (!reader->exactly)
        acioi_wake(reader->task);
}

static ACIOI_INTO_CALLER size_t
feed_reader(struct acioi_stream *stream, const char *data, size_t bytes)
{
    struct acioi_reader *reader = stream->reader;
    size_t room = reader->wanted - reader->got;
    if (bytes > room)
        bytes = room;
    memcpy(reader->into + reader->got, data, bytes);
    fill(stream, bytes);
    return bytes;
}

void
acioi_input_fill(struct acioi_stream *stream, size_t bytes)
{
    fill(stream, bytes);
}

static ACIOI_INTO_CALLER void
feed(struct acioi_stream *stream, const char *data, size_t bytes)
{
    if (stream->reader && stream->reader->into) {
        size_t fed = feed_reader(stream, data, bytes);
        data += fed;
        bytes -= fed;
    }
    if (bytes == 0)
        return;
    if (append(stream, data, bytes) < 0) {
        acioi_stream_lose(stream, -ENOMEM);
        return;
    }
    acioi_input_wake_reader(stream);
    if (input_bytes(stream) > 2 * stream->limit)
        acio_op_cancel(&stream->in);
}

void
acioi_input_feed(struct acioi_stream *stream, const char *data, size_t bytes)
{
    feed(stream, data, bytes);
}

/* An end that follows an error of writing is no good end. */
void
acioi_input_feed_end(struct acioi_stream *stream, int err)
{
    if (err == -ECANCELED) { /* paused, or the loop is about to end */
        acioi_input_receive(stream);
        return;
    }
    if (err == 0 && stream->kind != STREAM_READ_PIPE)
        err = stream->write_error;
    stream->ended = true;
    if (err < 0)
        acioi_stream_lose(stream, err);
    else
        acioi_input_wake_reader(stream);
}

static void
received(acio_op *op)
{
    struct acioi_stream *stream = op->user;
    bool over = !acio_op_alive(op);
    if (__builtin_expect(stream->filter != NULL, false)) {
        acioi_filter_received(stream);
    } else if (acioi_stream_closed(stream) || stream->broken) {
        if (over)
            acioi_stream_release(stream);
    } else if (over) {
        acioi_input_feed_end(stream, (int)op->result);
    } else {
        feed(stream, op->u.recv_many.data, (size_t)op->result);
    }
}

static bool
has_enough(const struct acioi_stream *stream)
{
    return input_bytes(stream) > stream->limit && stream->busy != READING;
}

/* For a filter, acio_close goes on receiving. */
static bool
wants_none(const struct acioi_stream *stream)
{
    return !stream->armed || at_end(stream) || has_enough(stream) ||
        (acioi_stream_closed(stream) && !(stream->closer && stream->filter));
}

void
acioi_input_receive(struct acioi_stream *stream)
{
    if (acio_op_alive(&stream->in) || wants_none(stream))
        return;
    if (acioi_stream_is_pipe(stream))
        acio_op_read_many(&stream->in, stream->fd);
    else
        acio_op_recv_many(&stream->in, stream->fd);
    acio_loop_submit(stream->slot.net->loop, &stream->in, received, stream);
}

/* ---- a task that reads ---- */

int
acioi_input_take_back(struct acioi_stream *stream)
{
    struct acioi_block *block = stream->input;
    if (stream->busy == READING)
        return -EBUSY;
    stream->busy = 0;
    if (block->next)
        acioi_block_give(blocks_of(stream), block->next);
    block->next = NULL;
    if (input_bytes(stream) == 0)
        acioi_input_close(stream);
    return 0;
}

/* 0, or why it may not read. */
static int
begin(struct acioi_reader *reader, const acio_stream *handle)
{
    int err;
    reader->stream = acioi_stream_of(handle, &err);
    if (!reader->stream)
        return err;
    reader->task = acioi_current();
    if (!reader->task)
        return acioi_no_task("a read of a stream");
    if (reader->stream->busy && acioi_input_take_back(reader->stream) < 0)
        return -EBUSY;
    reader->stream->partial = 0;
    return acioi_check(reader->task);
}

static void
interrupt_reader(struct acioi_task *task, int reason)
{
    struct acioi_stream *stream = task->interrupted_thing;
    stream->reader = NULL;
    acioi_interrupt_wake(task, reason);
}

/* Until something came; 0, the reason of an interruption, or -ACIO_ECLOSED
 * where the stream was closed, and is not to be looked at again. */
static int
await_input(struct acioi_reader *reader)
{
    struct acioi_stream *stream = reader->stream;
    struct acioi_task *task = reader->task;
    stream->armed = true;
    stream->busy = READING;
    acioi_input_receive(stream);
    stream->reader = reader;
    stream->users++;
    task->interrupted_thing = stream;
    int reason = acioi_park_with(task, interrupt_reader, "stream.read", stream);
    stream->reader = NULL;
    stream->busy = 0;
    return acioi_stream_unuse(stream) ? -ACIO_ECLOSED : reason;
}

ssize_t
acio_read(acio_stream *handle, void *buf, size_t n)
{
    struct acioi_reader reader = { .into = buf, .wanted = n };
    int err = begin(&reader, handle);
    if (err < 0 || n == 0)
        return err;
    struct acioi_stream *stream = reader.stream;
    bool waits = !stream->input && !at_end(stream);
    if (waits)
        err = await_input(&reader);
    else
        reader.got = take(stream, buf, n);
    if (err == 0 && reader.got == 0)
        err = stream->read_error;
    if (!waits)
        acioi_charge(reader.task);
    return reader.got > 0 ? (ssize_t)reader.got : err;
}

/* ---- exactly ---- */

/* An interruption gives back what had come. */
static int
end_early(struct acioi_reader *reader, int err)
{
    struct acioi_stream *stream = reader->stream;
    if (err == -ACIO_ECLOSED)
        return err;
    if (err < 0) {
        if (reader->got > 0 && put_back(stream, reader->into, reader->got) < 0)
            acioi_stream_lose(stream, -ENOMEM);
        return err;
    }
    stream->partial = reader->got;
    return stream->read_error ? stream->read_error : -ACIO_EINCOMPLETE;
}

ssize_t
acio_readexactly(acio_stream *handle, void *buf, size_t n)
{
    struct acioi_reader reader = { .into = buf, .wanted = n, .exactly = true };
    int err = begin(&reader, handle);
    if (err < 0 || n == 0)
        return err;
    struct acioi_stream *stream = reader.stream;
    reader.got = take(stream, buf, n);
    bool waits = reader.got < n && !at_end(stream);
    if (waits)
        err = await_input(&reader);
    if (reader.got < n)
        err = end_early(&reader, err);
    if (!waits)
        acioi_charge(reader.task);
    return reader.got < n ? err : (ssize_t)n;
}

/* ---- up to a separator ---- */

struct separators {
    const struct iovec *list;
    size_t count;
    size_t longest; /* bytes */
    bool or_end;    /* the end of the stream does as well */
};

/* The end of the first `what` that does not begin before `from`; 0: none. */
static size_t
find_one(const char *data, size_t have, const struct iovec *what, size_t from)
{
    size_t bytes = what->iov_len;
    if (have < from + bytes)
        return 0;
    const char *found = bytes == 1
        ? memchr(data + from, *(const char *)what->iov_base, have - from)
        : memmem(data + from, have - from, what->iov_base, bytes);
    return found ? (size_t)(found - data) + bytes : 0;
}

/* How many bytes there are up to and with a separator, the one that ends
 * first; none ends before `from` and its own length. 0: there is none among
 * the first `most`. */
static size_t
find(const struct acioi_stream *stream, const struct separators *separators,
    size_t from, size_t most)
{
    size_t have = input_bytes(stream);
    if (have > most)
        have = most;
    if (have == 0)
        return 0;
    const char *data = stream->input->data + stream->input->first;
    size_t first = 0;
    for (size_t i = 0; i < separators->count; i++) {
        size_t end = find_one(data, have, &separators->list[i], from);
        if (end && (!first || end < first))
            first = have = end;
    }
    return first;
}

/* 0 when a separator is there, its end in `*length`. */
static int
await_separator(struct acioi_reader *reader,
    const struct separators *separators, size_t most, size_t *length)
{
    struct acioi_stream *stream = reader->stream;
    size_t from = 0, longest = separators->longest;
    if (stream->limit < most && most - stream->limit > longest)
        most = stream->limit + longest;
    for (;;) {
        *length = find(stream, separators, from, most);
        size_t have = input_bytes(stream);
        if (*length)
            return 0;
        if (have >= most)
            return -ACIO_ELIMIT;
        if (stream->read_error)
            return stream->read_error;
        if (stream->ended)
            return -ACIO_EINCOMPLETE;
        from = have < longest ? 0 : have - longest + 1;
        int err = await_input(reader);
        if (err < 0)
            return err;
    }
}

/* Takes `bytes`, for which there is room, and ends them with a zero. */
static void
take_text(struct acioi_stream *stream, char *buf, size_t bytes)
{
    take(stream, buf, bytes);
    buf[bytes] = '\0';
}

/* The stream has ended without a separator. */
static int
take_rest(struct acioi_stream *stream, char *buf, bool is_fine, size_t *length)
{
    *length = input_bytes(stream);
    take_text(stream, buf, *length);
    if (is_fine)
        return 0;
    stream->partial = *length;
    return -ACIO_EINCOMPLETE;
}

static ssize_t
read_until(acio_stream *handle, char *buf, size_t size,
    const struct separators *separators)
{
    struct acioi_reader reader = { 0 };
    if (size == 0)
        return -EINVAL;
    buf[0] = '\0';
    int err = begin(&reader, handle);
    if (err < 0)
        return err;
    struct acioi_stream *stream = reader.stream;
    size_t length = 0;
    err = await_separator(&reader, separators, size - 1, &length);
    if (err == 0)
        take_text(stream, buf, length);
    else if (err == -ACIO_EINCOMPLETE)
        err = take_rest(stream, buf, separators->or_end, &length);
    acioi_charge(reader.task);
    return err < 0 ? err : (ssize_t)length;
}

ssize_t
acio_readuntil_any(acio_stream *handle, char *buf, size_t size,
    const struct iovec *separators, size_t count)
{
    struct separators any = { .list = separators, .count = count };
    for (size_t i = 0; i < count; i++) {
        if (separators[i].iov_len == 0)
            return -EINVAL;
        if (separators[i].iov_len > any.longest)
            any.longest = separators[i].iov_len;
    }
    return count ? read_until(handle, buf, size, &any) : -EINVAL;
}

ssize_t
acio_readuntil(acio_stream *handle, char *buf, size_t size,
    const void *separator, size_t separator_bytes)
{
    const struct iovec one = { (void *)separator, separator_bytes };
    return acio_readuntil_any(handle, buf, size, &one, 1);
}

static const struct iovec newline = { "\n", 1 };

static const struct separators end_of_line = {
    .list = &newline,
    .count = 1,
    .longest = 1,
    .or_end = true,
};

ssize_t
acio_readline(acio_stream *handle, char *buf, size_t size)
{
    return read_until(handle, buf, size, &end_of_line);
}

/* ---- lines where they lie ---- */

/* The last line has no '\n' to be replaced. */
static int
make_room_for_zero(struct acioi_stream *stream)
{
    const struct acioi_block *block = stream->input;
    if (block->end < block->capacity || make_room(stream, 1, false))
        return 0;
    return -ENOMEM;
}

/* Lends the first `bytes` of the block, and what ends the line: they are read,
 * and stay where they are. */
static int
lend(struct acioi_stream *stream, struct acio_line *line, size_t bytes)
{
    bool has_newline = stream->input->data[stream->input->first + bytes - 1] ==
        '\n';
    if (!has_newline && make_room_for_zero(stream) < 0)
        return -ENOMEM;
    struct acioi_block *block = stream->input;
    line->text = block->data + block->first;
    line->bytes = has_newline ? bytes - 1 : bytes;
    block->data[block->first + line->bytes] = '\0';
    block->first += bytes;
    stream->busy = LENT;
    acioi_input_receive(stream);
    return 1;
}

int
acio_next_line(acio_stream *handle, struct acio_line *line)
{
    struct acioi_reader reader = { 0 };
    struct acioi_task *task = acioi_current();
    *line = (struct acio_line){ "", 0 };
    if (task)
        acioi_charge(task); /* first: others who run could read as well */
    int err = begin(&reader, handle);
    if (err < 0)
        return err;
    struct acioi_stream *stream = reader.stream;
    size_t length = 0;
    err = await_separator(&reader, &end_of_line, SIZE_MAX, &length);
    if (err == -ACIO_EINCOMPLETE) {
        length = input_bytes(stream);
        err = 0;
    }
    if (err == 0 && length > 0)
        err = lend(stream, line, length);
    return err;
}

/* ---- properties ---- */

size_t
acio_stream_partial(acio_stream *handle)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    return stream ? stream->partial : 0;
}

bool
acio_at_eof(acio_stream *handle)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    return !stream || (input_bytes(stream) == 0 && at_end(stream));
}
