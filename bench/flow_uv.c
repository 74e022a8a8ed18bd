/* SPDX-License-Identifier: MIT */
/* A server on libuv that sends 64 KiB at a time to every connection, the next
 * when the one before has left, or reads all that comes and checks it. */
#include "flow.h"
#include "uv_listen.h"

struct connection {
    uv_write_t request;
    long at; /* of the stream */
};

static int sends;
static char buffer[FLOW_BLOCK];

static void
drop(uv_stream_t *stream)
{
    free(stream->data);
    uv_close((uv_handle_t *)stream, bench_uv_dropped);
}

static void give(uv_write_t *request, int status);

static void
give_next(uv_stream_t *stream)
{
    struct connection *c = stream->data;
    uv_buf_t piece = uv_buf_init(flow_block, FLOW_BLOCK);
    if (uv_write(&c->request, stream, &piece, 1, give) < 0)
        drop(stream);
}

static void
give(uv_write_t *request, int status)
{
    if (status < 0)
        drop(request->handle);
    else
        give_next(request->handle);
}

static void
give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle, (void)suggested;
    *out = uv_buf_init(buffer, sizeof buffer);
}

static void
take(uv_stream_t *stream, ssize_t got, const uv_buf_t *piece)
{
    struct connection *c = stream->data;
    if (got < 0)
        drop(stream);
    if (got <= 0)
        return;
    flow_check(c->at, piece->base, got);
    c->at += got;
}

static void
connected(uv_stream_t *listener, int status)
{
    bench_require(status == 0, "a connection");
    uv_stream_t *stream = bench_uv_accept(listener);
    stream->data = calloc(1, sizeof(struct connection));
    bench_require(stream->data != NULL, "memory");
    if (sends)
        give_next(stream);
    else
        uv_read_start(stream, give_buffer, take);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: send or receive");
    uv_loop_t loop;
    flow_fill();
    sends = strcmp(argv[1], "send") == 0;
    uv_loop_init(&loop);
    bench_uv_listen(&loop, "0", connected);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
