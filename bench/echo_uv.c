/* SPDX-License-Identifier: MIT */
/* An echo server on libuv: what was read is sent at once, from the buffer all
 * connections share; only what the socket has no room for is copied. */
#include "uv_listen.h"

struct rest {
    uv_write_t request;
    char data[];
};

static char buffer[64 << 10];

static void
wrote(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void
write_later(uv_stream_t *stream, const char *data, size_t bytes)
{
    struct rest *rest = malloc(sizeof *rest + bytes);
    bench_require(rest != NULL, "memory");
    memcpy(rest->data, data, bytes);
    uv_buf_t piece = uv_buf_init(rest->data, (unsigned)bytes);
    uv_write(&rest->request, stream, &piece, 1, wrote);
}

static void
give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle, (void)suggested;
    *out = uv_buf_init(buffer, sizeof buffer);
}

static void
received(uv_stream_t *stream, ssize_t got, const uv_buf_t *piece)
{
    if (got < 0)
        uv_close((uv_handle_t *)stream, bench_uv_dropped);
    if (got <= 0)
        return;
    uv_buf_t all = uv_buf_init(piece->base, (unsigned)got);
    int sent = uv_try_write(stream, &all, 1);
    sent = sent < 0 ? 0 : sent;
    if (sent < got)
        write_later(stream, piece->base + sent, (size_t)(got - sent));
}

static void
connected(uv_stream_t *listener, int status)
{
    bench_require(status == 0, "a connection");
    uv_read_start(bench_uv_accept(listener), give_buffer, received);
}

int
main(int argc, char **argv)
{
    uv_loop_t loop;
    bench_raise_files();
    uv_loop_init(&loop);
    bench_uv_listen(&loop, argc > 1 ? argv[1] : "0", connected);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
