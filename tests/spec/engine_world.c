/* SPDX-License-Identifier: MIT */
/* engine_world.c - what the tests of the engine have in common */
#include "engine_world.h"

#include <stdlib.h>

acio_loop *engine_loop;

/* More passes than any test needs; each waits for a moment at most, so that a
 * test that waits in vain fails instead of hanging. */
enum { PASSES = 3000 };
static const double moment = 0.005;

void
engine_run(const struct spec_test *test)
{
    const char *backend = getenv("ACIO_BACKEND");
    struct acio_loop_options options = {
        .backend = backend && *backend ? backend : "sim",
    };
    int err = acio_loop_new(&loop, &options);
    if (err == -EPERM || err == -ENOSYS)
        SKIP("the kernel refuses this back end");
    REQUIRE_EQ(err, 0);
    test->body();
    EXPECT_EQ(acio_loop_close(loop), 0);
    loop = NULL;
}

/* ---- ops ---- */

static void
note_call(acio_op *op)
{
    struct call *call = op->user;
    ALWAYS(!call->done);
    call->times++;
    call->result = op->result;
    call->done = !acio_op_alive(op);
    if (call->done && call->log)
        spec_log_add(call->log, "%s ", call->name);
}

void
engine_submit(struct call *call)
{
    call->done = false;
    acio_loop_submit(loop, &call->op, note_call, call);
}

/* On the simulator, where nothing more can happen it says so. */
static bool
one_pass(double timeout)
{
    int ran = acio_loop_run_once(loop, timeout);
    return EXPECT(ran >= 0 || ran == -EDEADLK) && ran >= 0;
}

void
engine_pass(int count)
{
    while (count-- > 0)
        one_pass(0);
}

static void
set_flag(void *arg)
{
    *(bool *)arg = true;
}

void
engine_let_pass(double seconds)
{
    bool over = false;
    acio_timer timer = { 0 };
    acio_loop_call_later(loop, &timer, seconds, set_flag, &over);
    run_until(&over);
    acio_timer_cancel(loop, &timer);
}

void
engine_run_until(const bool *flag)
{
    for (int i = 0; i < PASSES && !*flag; i++) {
        if (!one_pass(moment))
            break;
    }
    EXPECT(*flag);
}

void
engine_run_until_count(const int *count, int wanted)
{
    for (int i = 0; i < PASSES && *count < wanted; i++) {
        if (!one_pass(moment))
            break;
    }
    EXPECT(*count >= wanted);
}

ssize_t
engine_finish(struct call *call)
{
    run_until(&call->done);
    REQUIRE(call->done); /* the kernel may still write into the test's stack */
    return call->result;
}

ssize_t
engine_perform(struct call *call)
{
    submit(call);
    return finish(call);
}

ssize_t
engine_cancel(struct call *call)
{
    acio_op_cancel(&call->op);
    return finish(call);
}

/* ---- sockets ---- */

int
engine_stream_socket(void)
{
    int fd = loop->backend->socket(loop, AF_INET, SOCK_STREAM, 0);
    REQUIRE(fd >= 0);
    return fd;
}

int
engine_listener(struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){ .sin_family = AF_INET };
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof *address;
    int fd = stream_socket();
    struct sockaddr *generic = (struct sockaddr *)address;
    REQUIRE_EQ(loop->backend->bind(loop, fd, generic, length), 0);
    REQUIRE_EQ(loop->backend->listen(loop, fd, 128), 0);
    REQUIRE_EQ(loop->backend->getsockname(loop, fd, generic, &length), 0);
    return fd;
}

struct pair
engine_connected_pair(void)
{
    struct call connecting = { 0 }, accepting = { 0 };
    struct sockaddr_in address;
    int door = listener(&address);
    struct pair pair = { stream_socket(), -1 };
    acio_op_accept(&accepting.op, door, NULL, NULL);
    submit(&accepting);
    acio_op_connect(&connecting.op, pair.here, (struct sockaddr *)&address,
        sizeof address);
    REQUIRE_EQ(perform(&connecting), 0);
    pair.there = (int)finish(&accepting);
    REQUIRE(pair.there >= 0);
    close_socket(&door);
    return pair;
}

void
engine_close_socket(int *fd)
{
    if (*fd >= 0)
        EXPECT_EQ(acio_loop_close_fd(loop, *fd), 0);
    *fd = -1;
}

void
engine_close_pair(struct pair *pair)
{
    close_socket(&pair->here);
    close_socket(&pair->there);
}

void
engine_send_text(int fd, const char *text)
{
    struct call call = { 0 };
    acio_op_send(&call.op, fd, text, strlen(text), 0);
    EXPECT_EQ(perform(&call), strlen(text));
}

/* ---- recv_many ---- */

static void
note_piece(acio_op *op)
{
    struct stream *stream = op->user;
    ALWAYS(!stream->done);
    stream->result = op->result;
    stream->done = !acio_op_alive(op);
    if (stream->done)
        return;
    ALWAYS(op->result > 0);
    size_t bytes = (size_t)op->result;
    size_t room = stream->bytes < sizeof stream->text - 1
        ? sizeof stream->text - 1 - stream->bytes
        : 0;
    memcpy(stream->text + (room ? stream->bytes : 0), op->u.recv_many.data,
        bytes < room ? bytes : room);
    stream->bytes += bytes;
    if (++stream->pieces == stream->stop_after)
        acio_op_cancel(op);
}

void
engine_receive_stream(struct stream *stream, int fd)
{
    acio_op_recv_many(&stream->op, fd);
    acio_loop_submit(loop, &stream->op, note_piece, stream);
}

void
engine_read_stream(struct stream *stream, int fd)
{
    acio_op_read_many(&stream->op, fd);
    acio_loop_submit(loop, &stream->op, note_piece, stream);
}
