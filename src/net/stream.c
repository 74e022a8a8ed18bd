/* SPDX-License-Identifier: MIT */
/* stream.c - a stream's life: made, closed, gone
 *
 * Idea.       Closing ends the handle at once; the memory and the fd go when
 *             the kernel has let go of both operations and no task is inside a
 *             call on the stream any more:
 *
 *                 open --close, abort--> closed --release--> gone
 *
 *             Whoever lets go (a completion, a task that leaves its call) asks
 *             for the release; the last one gets it.
 *
 * Reset.      Where something was dropped the connection is reset, so that the
 *             peer does not take what came for all there was. One that broke
 *             gives its fd back without waiting for acio_close.
 *
 * Close.      acio_close waits twice: until the output is empty and no filter
 *             waits for the peer, which the caller's deadline, a cancel and
 *             the stream's own limit cut short; then until the operations have
 *             ended, which is soon, and nothing cuts short: when it returns
 *             the fd is closed.
 */
#include "net/net.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "base/alloc.h"

static const double close_timeout = 30.0;

/* Small answers must not wait for the peer's acknowledgement. */
static void
set_no_delay(acio_loop *loop, int fd)
{
    int on = 1;
    (void)loop->backend->setsockopt(loop, fd, IPPROTO_TCP, TCP_NODELAY, &on,
        sizeof on);
}

struct acioi_stream *
acioi_stream_new_of(enum acioi_stream_kind kind, struct acioi_net *net, int fd,
    size_t limit)
{
    struct acioi_slot *slot = acioi_slot_take(net, ACIOI_SLOT_STREAM);
    if (!slot)
        return NULL;
    struct acioi_stream *stream = (struct acioi_stream *)slot;
    stream->kind = (uint8_t)kind;
    stream->fd = fd;
    stream->limit = limit ? limit : DEFAULT_LIMIT;
    if (stream->limit > SIZE_MAX / 4)
        stream->limit = SIZE_MAX / 4; /* so that twice of it is a number */
    stream->high = DEFAULT_HIGH_WATER;
    stream->low = DEFAULT_HIGH_WATER / 4;
    stream->close_timeout = close_timeout;
    acioi_list_init(&stream->drainers);
    acioi_output_prepare(stream);
    if (kind == STREAM_TCP)
        set_no_delay(net->loop, fd);
    return stream;
}

struct acioi_stream *
acioi_stream_new(enum acioi_stream_kind kind, int fd, size_t limit)
{
    acio_loop *loop = acioi_running_loop;
    struct acioi_net *net = acioi_net_of(loop);
    struct acioi_stream *stream = net
        ? acioi_stream_new_of(kind, net, fd, limit)
        : NULL;
    if (!stream)
        loop->backend->close_fd(loop, fd);
    return stream;
}

/* ---- letting go ---- */

static void
close_socket(struct acioi_stream *stream)
{
    acio_loop *loop = stream->slot.net->loop;
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (stream->fd < 0)
        return;
    bool resets = stream->broken || stream->output_bytes > 0;
    if (resets && !acioi_stream_is_pipe(stream))
        (void)loop->backend->setsockopt(loop, stream->fd, SOL_SOCKET, SO_LINGER,
            &at_once, sizeof at_once);
    loop->backend->close_fd(loop, stream->fd);
    stream->fd = -1;
}

void
acioi_stream_drop(struct acioi_stream *stream)
{
    close_socket(stream);
    acioi_filter_release(stream);
    acioi_list_remove(&stream->link);
    acioi_input_close(stream);
    acioi_output_free(stream);
    acioi_slot_give(&stream->slot);
}

void
acioi_stream_release(struct acioi_stream *stream)
{
    if (acio_op_alive(&stream->in) || acio_op_alive(&stream->out))
        return;
    if (stream->broken || (stream->finished && acioi_stream_is_pipe(stream)))
        close_socket(stream);
    if (!acioi_stream_closed(stream))
        return;
    if (stream->closer)
        acioi_wake(stream->closer);
    else if (stream->users == 0)
        acioi_stream_drop(stream);
}

bool
acioi_stream_unuse(struct acioi_stream *stream)
{
    stream->users--;
    if (!acioi_stream_closed(stream))
        return false;
    acioi_stream_release(stream);
    return true;
}

void
acioi_stream_lose(struct acioi_stream *stream, int err)
{
    if (!stream->read_error)
        stream->read_error = err;
    bool news = !stream->broken;
    stream->broken = true;
    acioi_output_fail(stream, err);
    acioi_input_wake_reader(stream);
    acio_op_cancel(&stream->in);
    if (news)
        acioi_filter_lost(stream, err);
    acioi_stream_release(stream);
}

/* ---- closing ---- */

static void
end_handle(struct acioi_stream *stream)
{
    stream->slot.number = 0;
    acioi_input_wake_reader(stream);
    acioi_output_wake_drainers(stream);
}

static void
stop_operations(struct acioi_stream *stream)
{
    if (stream->output_bytes > 0 || stream->sending)
        stream->broken = true;
    stream->armed = false;
    acioi_list_remove(&stream->link);
    acio_op_cancel(&stream->in);
    acio_op_cancel(&stream->out);
}

void
acioi_stream_abort(struct acioi_stream *stream)
{
    end_handle(stream);
    stop_operations(stream);
    acioi_stream_release(stream);
}

void
acio_abort(acio_stream *handle)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (stream)
        acioi_stream_abort(stream);
}

/* A filter may wait for its peer's last words after its own have left. */
static bool
is_unfinished(const struct acioi_stream *stream)
{
    if (stream->output_bytes > 0)
        return true;
    return stream->filter && !stream->broken && !stream->write_error &&
        !stream->ended && !stream->read_error &&
        acioi_filter_end_awaited(stream);
}

/* Until there is nothing to wait for; 0, or why it was cut short. */
static int
wait_finished(struct acioi_stream *stream, struct acioi_task *task)
{
    acio_timeout limit;
    acio_timeout_open(&limit, stream->close_timeout);
    int reason = task->pending;
    while (!reason && is_unfinished(stream))
        reason = acioi_park_with(task, acioi_interrupt_wake, "stream.close",
            stream);
    acio_timeout_close(&limit);
    return reason;
}

static void
wait_stopped(struct acioi_stream *stream)
{
    while (acio_op_alive(&stream->in) || acio_op_alive(&stream->out))
        acioi_park_shielded(NULL, "stream.close", stream);
}

int
acio_close(acio_stream *handle)
{
    if (!handle)
        return 0;
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    (void)acioi_check(task); /* counted; what is pending is asked for below */
    stream->closer = task;
    end_handle(stream);
    if (stream->filter)
        acioi_filter_closing(stream);
    acioi_output_flush(stream);
    if (is_unfinished(stream))
        err = wait_finished(stream, task);
    if (stream->write_error && stream->kind != STREAM_READ_PIPE &&
        !stream->left_idle)
        err = stream->write_error;
    stop_operations(stream);
    wait_stopped(stream);
    stream->closer = NULL;
    acioi_stream_release(stream);
    return err;
}

int
acio_stream_set_close_timeout(acio_stream *handle, double timeout)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    if (timeout != timeout)
        return -EINVAL;
    stream->close_timeout = timeout;
    return 0;
}

int
acio_stream_set_keep_alive(acio_stream *handle, bool on)
{
    int err, value = on;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    acio_loop *loop = stream->slot.net->loop;
    if (stream->fd < 0)
        return -ENOTCONN;
    return loop->backend->setsockopt(loop, stream->fd, SOL_SOCKET, SO_KEEPALIVE,
        &value, sizeof value);
}

/* ---- properties ---- */

static int
write_name(acio_stream *handle, bool peer, char *buf, size_t size)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    acio_loop *loop = stream->slot.net->loop;
    struct acio_address address;
    if (stream->fd < 0)
        return -ENOTCONN;
    err = acioi_address_ask(&address, loop, stream->fd,
        peer ? loop->backend->getpeername : loop->backend->getsockname);
    return err < 0 ? err : acioi_address_write(&address, buf, size);
}

int
acio_stream_peer_name(acio_stream *handle, char *buf, size_t size)
{
    return write_name(handle, true, buf, size);
}

int
acio_stream_sock_name(acio_stream *handle, char *buf, size_t size)
{
    return write_name(handle, false, buf, size);
}

int
acio_stream_fd(acio_stream *handle)
{
    int err;
    const struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return err;
    return stream->fd < 0 ? -ENOTCONN : stream->fd;
}

static void
tell_which(struct acioi_text *text, const struct acioi_stream *stream)
{
    acio_stream *handle = acioi_stream_handle(stream);
    char name[NAME_BYTES];
    if (acioi_stream_is_pipe(stream))
        acioi_text_add(text, "the pipe broke: ");
    else if (write_name(handle, true, name, sizeof name) > 0)
        acioi_text_add(text, "the connection to %s broke: ", name);
    else if (write_name(handle, false, name, sizeof name) > 0)
        acioi_text_add(text, "the connection from %s broke: ", name);
    else
        acioi_text_add(text, "the connection broke: ");
}

/* A connection that is lost does not know its peer any more. */
const char *
acio_error_text(acio_stream *handle)
{
    int err;
    struct acioi_stream *stream = acioi_stream_of(handle, &err);
    if (!stream)
        return handle ? acio_strerror(err) : "";
    int error = acioi_stream_error(stream);
    if (!error)
        return "";
    struct acioi_net *net = stream->slot.net;
    struct acioi_text text;
    acioi_text_begin(&text, net->text, sizeof net->text);
    tell_which(&text, stream);
    const char *why = acioi_filter_error_text(stream);
    acioi_text_add(&text, "%s", why ? why : acio_strerror(error));
    return net->text;
}
