/* SPDX-License-Identifier: MIT */
/* filter.c - what stands between a stream's user and its fd
 *
 * Idea.       A stream has a pile of filters. Input climbs it from the bottom
 *             (pass_up), output comes down from the top (pass_down), each
 *             filter handing on to the next; past the last one they are what
 *             they are without filters: the input and the output of the
 *             stream. A stream without a filter does not come here.
 *
 * Pressure.   What is delivered counts as input, so that twice the limit of
 *             it stops the receiving; what is sent counts as output, for
 *             acio_drain.
 *
 * Invariant.  While a filter's function runs, the stream is in use or has an
 *             open handle, so it does not go, nor do the filters.
 * Close.      acio_close keeps input coming up, for the filters' sake: what
 *             they deliver is dropped. Whoever brings something new wakes it.
 */
#include "net/net.h"

#include <errno.h>

#include "base/log.h"

/* Nothing goes up or down any more; `armed` ends with acio_close's wait. NULL
 * for a filter that is not set, or was released. */
static bool
is_over(const struct acioi_stream *stream)
{
    return !stream || stream->broken ||
        (acioi_stream_closed(stream) && !(stream->closer && stream->armed));
}

static void
wake_closer(const struct acioi_stream *stream)
{
    if (stream->closer)
        acioi_wake(stream->closer);
}

static struct acio_filter *
bottom_of(const struct acioi_stream *stream)
{
    struct acio_filter *filter = stream->filter;
    while (filter->below)
        filter = filter->below;
    return filter;
}

/* A negative result is an error that a filter has found. */
static int
judge(struct acioi_stream *stream, int result)
{
    if (result < 0 && !stream->broken)
        acioi_stream_lose(stream, result);
    return result;
}

/* ---- input ---- */

static void
pass_up(struct acioi_stream *stream, struct acio_filter *filter,
    const char *data, size_t bytes)
{
    while (filter && (filter->pass_input || !filter->type->received))
        filter = filter->above;
    if (filter)
        (void)judge(stream, filter->type->received(filter, data, bytes));
    else if (bytes > 0 && !acioi_stream_closed(stream) && !stream->ended)
        acioi_input_feed(stream, data, bytes);
}

static int
ask_end(struct acio_filter *filter)
{
    if (filter->pass_input || !filter->type->received_end)
        return 0;
    return filter->type->received_end(filter);
}

/* A filter may find that the end came too early, or may have delivered it
 * before. */
static void
pass_end_up(struct acioi_stream *stream, struct acio_filter *filter)
{
    for (; filter; filter = filter->above) {
        if (judge(stream, ask_end(filter)) < 0 || filter->end_delivered)
            return;
        filter->end_delivered = true;
    }
    if (!stream->ended && !stream->broken)
        acioi_input_feed_end(stream, 0);
    wake_closer(stream);
}

/* Where all that we had to say has left, it does not matter how the peer goes
 * whose last words acio_close waits for. */
static bool
ends_well(const struct acioi_stream *stream, ssize_t result)
{
    return acioi_stream_closed(stream) && result != -ECANCELED &&
        (result == 0 || stream->output_bytes == 0);
}

static void
take_end(struct acioi_stream *stream, ssize_t result)
{
    if (ends_well(stream, result))
        stream->ended = true;
    else if (result == 0)
        pass_end_up(stream, bottom_of(stream));
    else
        acioi_input_feed_end(stream, (int)result);
}

void
acioi_filter_received(struct acioi_stream *stream)
{
    const acio_op *op = &stream->in;
    bool over = !acio_op_alive(op);
    stream->users++;
    if (!is_over(stream)) {
        if (over)
            take_end(stream, op->result);
        else
            pass_up(stream, bottom_of(stream), op->u.recv_many.data,
                (size_t)op->result);
        wake_closer(stream);
    }
    if (!acioi_stream_unuse(stream) && stream->broken)
        acioi_stream_release(stream);
}

int
acio_filter_deliver(struct acio_filter *filter, const void *data, size_t bytes)
{
    struct acioi_stream *stream = filter->stream;
    if (is_over(stream))
        return -ACIO_ECLOSED;
    pass_up(stream, filter->above, data, bytes);
    return stream->broken || acioi_stream_closed(stream) ? -ACIO_ECLOSED : 0;
}

void *
acio_filter_room(struct acio_filter *filter, size_t *bytes)
{
    struct acioi_stream *stream = filter->stream;
    struct acioi_reader *reader = stream->reader;
    if (filter->above || is_over(stream) || stream->ended || !reader ||
        !reader->into)
        return NULL;
    *bytes = reader->wanted - reader->got;
    return reader->into + reader->got;
}

void
acio_filter_delivered(struct acio_filter *filter, size_t bytes)
{
    acioi_input_fill(filter->stream, bytes);
}

void
acio_filter_deliver_end(struct acio_filter *filter)
{
    struct acioi_stream *stream = filter->stream;
    if (is_over(stream) || filter->end_delivered)
        return;
    filter->end_delivered = true;
    pass_end_up(stream, filter->above);
}

void
acio_filter_fail(struct acio_filter *filter, int err)
{
    struct acioi_stream *stream = filter->stream;
    ACIOI_ASSERT(err < 0);
    if (!is_over(stream))
        acioi_stream_lose(stream, err);
}

/* ---- output ---- */

static struct acio_filter *
that_writes(struct acio_filter *filter)
{
    while (filter && (filter->pass_output || !filter->type->write))
        filter = filter->below;
    return filter;
}

/* A filter that cannot take it by now refuses it without harm. */
static int
judge_output(struct acioi_stream *stream, int result)
{
    return result == -EBUSY ? result : judge(stream, result);
}

static int
pass_down(struct acioi_stream *stream, struct acio_filter *filter,
    const char *data, size_t bytes)
{
    filter = that_writes(filter);
    if (!filter)
        return acioi_output_write(stream, data, bytes);
    int err = judge_output(stream, filter->type->write(filter, data, bytes));
    return err < 0 ? err : stream->write_error;
}

int
acioi_filter_write(struct acioi_stream *stream, const char *data, size_t bytes)
{
    return pass_down(stream, stream->filter, data, bytes);
}

bool
acioi_filter_passes_output(const struct acioi_stream *stream)
{
    return !that_writes(stream->filter);
}

int
acio_filter_send(struct acio_filter *filter, const void *data, size_t bytes)
{
    struct acioi_stream *stream = filter->stream;
    if (stream && stream->write_error)
        return stream->write_error;
    if (is_over(stream) || stream->shutting)
        return -ACIO_ECLOSED;
    return pass_down(stream, filter->below, data, bytes);
}

void
acio_filter_hold(struct acio_filter *filter)
{
    struct acioi_stream *stream = filter->stream;
    if (is_over(stream))
        return;
    stream->held = true;
    acioi_net_flush_soon(stream->slot.net, stream);
}

/* From above to below: what the upper one hands on the lower one may hold. */
void
acioi_filter_flush(struct acioi_stream *stream)
{
    struct acio_filter *filter = stream->filter;
    stream->held = false;
    for (; filter && !stream->broken; filter = filter->below) {
        if (filter->type->flush)
            (void)judge(stream, filter->type->flush(filter));
    }
    stream->held = false;
}

static int
ask_write_eof(struct acio_filter *filter)
{
    if (filter->pass_output || !filter->type->write_eof)
        return 1;
    return filter->type->write_eof(filter);
}

/* 1: the socket is to be shut down for writing, after all that was sent. */
int
acioi_filter_write_eof(struct acioi_stream *stream)
{
    struct acio_filter *filter = stream->filter;
    int result = 1;
    for (; filter && result > 0; filter = filter->below)
        result = judge_output(stream, ask_write_eof(filter));
    return result;
}

/* ---- the end ---- */

/* What nobody has read makes room for the peer's last words. */
void
acioi_filter_closing(struct acioi_stream *stream)
{
    struct acio_filter *filter = stream->filter;
    for (; filter && !is_over(stream); filter = filter->below) {
        if (filter->type->closing)
            filter->type->closing(filter);
    }
    acioi_input_close(stream);
    acioi_input_receive(stream);
}

bool
acioi_filter_end_awaited(const struct acioi_stream *stream)
{
    struct acio_filter *filter = stream->filter;
    for (; filter; filter = filter->below) {
        if (filter->type->end_awaited && filter->type->end_awaited(filter))
            return true;
    }
    return false;
}

void
acioi_filter_lost(struct acioi_stream *stream, int err)
{
    struct acio_filter *filter = stream->filter;
    for (; filter; filter = filter->below) {
        if (filter->type->lost)
            filter->type->lost(filter, err);
    }
}

void
acioi_filter_release(struct acioi_stream *stream)
{
    struct acio_filter *filter;
    while ((filter = stream->filter)) {
        stream->filter = filter->below;
        filter->stream = NULL;
        if (filter->type->release)
            filter->type->release(filter);
    }
}

const char *
acioi_filter_error_text(const struct acioi_stream *stream)
{
    const char *text = NULL;
    struct acio_filter *filter = stream->filter;
    for (; filter && !text; filter = filter->below) {
        if (filter->type->error_text)
            text = filter->type->error_text(filter);
    }
    return text;
}

/* ---- setting ---- */

static int
refuse(struct acioi_stream *stream, const struct acio_filter *filter)
{
    if (!filter || !filter->type)
        return -EINVAL;
    if (stream->busy && acioi_input_take_back(stream) < 0)
        return -EBUSY;
    if (stream->sending)
        return -EBUSY;
    if (stream->finishing)
        return -ACIO_ECLOSED;
    return acioi_stream_error(stream);
}

static void
put_on_top(struct acioi_stream *stream, struct acio_filter *filter)
{
    filter->stream = stream;
    filter->end_delivered = false;
    filter->above = NULL;
    filter->below = stream->filter;
    if (filter->below)
        filter->below->above = filter;
    stream->filter = filter;
    stream->detour = stream->armed = true;
}

/* What came before goes through the filter as well. */
static void
feed_again(struct acioi_stream *stream)
{
    struct acioi_block *block = stream->input;
    bool ended = stream->ended;
    stream->input = NULL;
    stream->ended = false;
    if (block) {
        pass_up(stream, stream->filter, block->data + block->first,
            acioi_block_bytes(block));
        acioi_block_give(&stream->slot.net->blocks, block);
    }
    if (ended && !stream->broken)
        pass_end_up(stream, stream->filter);
}

int
acio_stream_set_filter(acio_stream *handle, struct acio_filter *filter)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    err = refuse(stream, filter);
    if (err < 0)
        return err;
    put_on_top(stream, filter);
    feed_again(stream);
    acioi_input_receive(stream);
    return 0;
}

struct acio_filter *
acio_stream_filter(acio_stream *handle, const struct acio_filter_type *type)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    struct acio_filter *filter = stream ? stream->filter : NULL;
    while (filter && filter->type != type)
        filter = filter->below;
    return filter;
}
