/* SPDX-License-Identifier: MIT */
/* A datagram server on libuv: sends back what comes, except what begins with a
 * zero byte.
 *
 *     udp_uv one|many
 *
 * With many, libuv receives by recvmmsg(2). */
#include "listen.h"

#include <uv.h>

/* libuv cuts the buffer into pieces of 64 KiB, one for each datagram. */
static char buffer[20 * 65536];

static void
give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle, (void)suggested;
    *out = uv_buf_init(buffer, sizeof buffer);
}

static void
received(uv_udp_t *socket, ssize_t got, const uv_buf_t *piece,
    const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    bench_require(got >= 0, "receiving");
    if (got == 0 || !from || !piece->base[0])
        return;
    uv_buf_t answer = uv_buf_init(piece->base, (unsigned)got);
    uv_udp_try_send(socket, &answer, 1, from);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: one or many");
    int many = strcmp(argv[1], "many") == 0;
    uv_loop_t loop;
    uv_udp_t socket;
    uv_os_fd_t fd;
    struct bench_address address = bench_parse("udp:0");
    uv_loop_init(&loop);
    uv_udp_init_ex(&loop, &socket, AF_INET | (many ? UV_UDP_RECVMMSG : 0));
    bench_require(uv_udp_bind(&socket, &address.any, 0) == 0, "uv_udp_bind");
    bench_require(uv_udp_recv_start(&socket, give_buffer, received) == 0,
        "uv_udp_recv_start");
    uv_fileno((uv_handle_t *)&socket, &fd);
    bench_print_port(fd);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
