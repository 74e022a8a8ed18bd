/* SPDX-License-Identifier: MIT */
/* forwarder - a port that leads elsewhere:
 *
 *     build/examples/forwarder/forwarder 8080 example.org 80
 *
 * A connection is two tasks, one for each direction. Each reads what is there,
 * writes it, and waits in acio_drain while the other side is slow, so that no
 * more than a few buffers are ever held. Who has said everything (shutdown(2))
 * may still be listening: the end of one direction is passed on, the other one
 * goes on. An error in either direction ends both.
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 200 }; /* at once; beyond that nobody is accepted */

struct copy_args {
    acio_stream *from, *to;
};

static int
copy(void *arg)
{
    struct copy_args *a = arg;
    char buf[16384];
    ssize_t n;
    while ((n = acio_read(a->from, buf, sizeof buf)) > 0) {
        acio_write(a->to, buf, (size_t)n);
        int err = acio_drain(a->to);
        if (err < 0)
            return err;
    }
    return n < 0 ? (int)n : acio_write_eof(a->to);
}

static int
copy_both_ways(acio_stream *one, acio_stream *other)
{
    ACIO_GROUP(group); /* the first error cancels the other direction */
    acio_group_create_task(&group, copy, .from = one, .to = other);
    acio_group_create_task(&group, copy, .from = other, .to = one);
    return acio_group_wait(&group);
}

struct amain_args {
    int port;
    const char *host;
    int host_port;
};

/* An error that it returns is told on the standard error. */
static int
forward(acio_stream *client, void *arg)
{
    const struct amain_args *to = arg;
    acio_stream *target;
    int err = acio_open_connection(&target, to->host, to->host_port, NULL);
    if (err == 0)
        err = copy_both_ways(client, target);
    if (err == 0)
        return acio_close(target);
    acio_abort(target); /* what is broken on one side is so on both */
    acio_abort(client);
    return err;
}

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    acio_server *server;
    int err = acio_start_server(&server, forward, a, "127.0.0.1", a->port,
        &(struct acio_server_options){ .max_connections = CONNECTIONS });
    if (err < 0)
        return err;
    printf("port %d leads to %s port %d\n", acio_server_port(server), a->host,
        a->host_port);
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "Usage: forwarder PORT HOST HOSTPORT\n"), 2;
    int err = acio_run(amain, .port = atoi(argv[1]), .host = argv[2],
        .host_port = atoi(argv[3]));
    if (err != -EINTR) /* Ctrl-C */
        fprintf(stderr, "forwarder: %s\n", acio_strerror(err));
    return err == -EINTR ? 130 : 1;
}
