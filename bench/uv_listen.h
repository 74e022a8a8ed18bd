/* SPDX-License-Identifier: MIT */
/* uv_listen.h - what every server on libuv does before it serves: listen.h
 * says what that is */
#ifndef ACIO_BENCH_UV_LISTEN_H
#define ACIO_BENCH_UV_LISTEN_H

#include "listen.h"

#include <uv.h>

union bench_uv_socket {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

static inline void
bench_uv_listen(uv_loop_t *loop, const char *where, uv_connection_cb connected)
{
    static union bench_uv_socket listener;
    struct bench_address address = bench_parse(where);
    uv_os_fd_t fd;
    if (address.any.sa_family == AF_UNIX) {
        unlink(where);
        uv_pipe_init(loop, &listener.pipe, 0);
        uv_pipe_bind(&listener.pipe, where);
    } else {
        uv_tcp_init(loop, &listener.tcp);
        uv_tcp_bind(&listener.tcp, &address.any, 0);
    }
    bench_require(uv_listen(&listener.stream, BENCH_BACKLOG, connected) == 0,
        "uv_listen");
    uv_fileno((uv_handle_t *)&listener.stream, &fd);
    bench_print_port(fd);
}

static inline uv_stream_t *
bench_uv_accept(uv_stream_t *listener)
{
    union bench_uv_socket *client = malloc(sizeof *client);
    bench_require(client != NULL, "memory");
    if (listener->type == UV_NAMED_PIPE)
        uv_pipe_init(listener->loop, &client->pipe, 0);
    else
        uv_tcp_init(listener->loop, &client->tcp);
    bench_require(uv_accept(listener, &client->stream) == 0, "uv_accept");
    if (listener->type == UV_TCP)
        uv_tcp_nodelay(&client->tcp, 1);
    return &client->stream;
}

static inline void
bench_uv_dropped(uv_handle_t *handle)
{
    free(handle);
}

#endif
