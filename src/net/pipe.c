/* SPDX-License-Identifier: MIT */
/* pipe.c - streams of pipes, and of sockets that others have made
 *
 * Idea.       A pipe is a stream with one direction. The other one answers
 *             with an error that is there from the beginning, so that neither
 *             reading nor writing asks for the direction.
 *
 * Hang-up.    A stream that is written has no use for the operation that
 *             receives: it polls for the reader's end instead, so that a
 *             writer which has nothing to say at the moment learns of it.
 *
 * Blocking.   The fd is made non-blocking, for all who share it, as asyncio
 *             does: a write into a pipe whose reader is slow would else hold
 *             up the loop, and a read from one that another process emptied.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "net/open.h"

static int
set_non_blocking(int fd, int flags)
{
    if (flags & O_NONBLOCK)
        return 0;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* 0, or why this fd is not one; its type in `*type`. */
static int
check(int fd, int wrong_mode, mode_t *type)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !S_ISCHR(st.st_mode))
        return -EINVAL;
    if ((flags & O_ACCMODE) == wrong_mode)
        return -EBADF;
    *type = st.st_mode & S_IFMT;
    return set_non_blocking(fd, flags);
}

static int
make_stream(struct acioi_stream **out, enum acioi_stream_kind kind, int fd,
    const struct acio_pipe_options *options)
{
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    if (!net)
        return -ENOMEM;
    *out = acioi_stream_new_of(kind, net, fd, options ? options->limit : 0);
    return *out ? 0 : -ENOMEM;
}

/* ---- reading ---- */

int
acio_connect_read_pipe(acio_stream **out, int fd,
    const struct acio_pipe_options *options)
{
    struct acioi_stream *stream = NULL;
    mode_t type = 0;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!acioi_running_loop)
        return -ACIO_ENOLOOP;
    int err = check(fd, O_WRONLY, &type);
    if (err == 0)
        err = make_stream(&stream, STREAM_READ_PIPE, fd, options);
    if (err < 0)
        return err;
    stream->write_error = -EBADF;
    *out = acioi_stream_handle(stream);
    return 0;
}

/* ---- writing ---- */

/* What is asked for is nothing: errors and hang-ups are always told. io_uring
 * tells POLLRDHUP as well: the other end of a socket has ended its writing, and
 * may go on to read. As it would tell that again and again it is not asked a
 * second time; that such a reader leaves, too, is what a write learns. */
static void
reader_left(acio_op *op)
{
    struct acioi_stream *stream = op->user;
    bool over = acioi_stream_closed(stream) && !stream->closer;
    bool left = op->result > 0 && (op->result & (POLLERR | POLLHUP)) != 0;
    if (left && !over && !stream->finished) {
        bool idle = stream->output_bytes == 0 && !stream->held &&
            !stream->write_error;
        acioi_output_fail(stream, -EPIPE);
        stream->left_idle = idle;
    }
    acioi_stream_release(stream);
}

/* A terminal does not tell. */
static void
watch_reader(struct acioi_stream *stream, mode_t type)
{
    if (type == S_IFCHR)
        return;
    acio_op_poll(&stream->in, stream->fd, 0);
    acio_loop_submit(stream->slot.net->loop, &stream->in, reader_left, stream);
}

int
acio_connect_write_pipe(acio_stream **out, int fd,
    const struct acio_pipe_options *options)
{
    struct acioi_stream *stream = NULL;
    mode_t type = 0;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!acioi_running_loop)
        return -ACIO_ENOLOOP;
    int err = check(fd, O_RDONLY, &type);
    if (err == 0)
        err = make_stream(&stream, STREAM_WRITE_PIPE, fd, options);
    if (err < 0)
        return err;
    stream->read_error = -EBADF;
    watch_reader(stream, type);
    *out = acioi_stream_handle(stream);
    return 0;
}

void
acioi_pipe_finish(struct acioi_stream *stream)
{
    acio_op_cancel(&stream->in);
    acioi_stream_release(stream);
}

/* ---- sockets ---- */

/* What kind of stream a connected socket makes, or an error. */
static int
kind_of_socket(acio_loop *loop, int fd)
{
    struct acio_address peer;
    int type = 0;
    socklen_t length = sizeof type;
    int err = loop->backend->getsockopt(loop, fd, SOL_SOCKET, SO_TYPE, &type,
        &length);
    if (err == 0 && type != SOCK_STREAM)
        err = -EINVAL;
    if (err == 0)
        err = acioi_address_ask(&peer, loop, fd, loop->backend->getpeername);
    if (err < 0)
        return err;
    return acioi_address_port(&peer) > 0 ? STREAM_TCP : STREAM_SOCKET;
}

/* A simulated socket never blocks, and is none of fcntl(2)'s. */
static int
make_usable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? 0 : set_non_blocking(fd, flags);
}

int
acio_open_socket(acio_stream **out, int fd,
    const struct acio_connect_options *options)
{
    static const struct acio_connect_options defaults;
    options = options ? options : &defaults;
    struct acioi_text text;
    acioi_text_begin(&text, options->error_text, options->error_text_bytes);
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!acioi_current())
        return acioi_no_task(__func__);
    acioi_text_add(&text, "cannot use the socket");
    if (options->security && !options->server_hostname) {
        acioi_text_add(&text, ": server_hostname is needed");
        return -EINVAL;
    }
    int kind = kind_of_socket(acioi_running_loop, fd);
    int err = kind < 0 ? kind : make_usable(fd);
    if (err < 0) {
        acioi_text_add(&text, ": %s", acio_strerror(err));
        return err;
    }
    struct acioi_stream *stream = acioi_stream_new((enum acioi_stream_kind)kind,
        fd, options->limit);
    return acioi_connection_begin(out, stream, NULL, options, &text);
}
