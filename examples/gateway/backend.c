/* SPDX-License-Identifier: MIT */
/* backend - answers what a gateway asks: build/examples/gateway/backend PORT
 *
 * Idea.  A link carries the requests of many clients. Each becomes a task that
 *        thinks for a while and answers when it is ready, so that answers come
 *        in another order than requests, as they would from a data base.
 */
#include <acio.h>
#include <acio/server.h>
#include <errno.h>
#include <stdlib.h>

#include "common.h"

struct answer_args {
    acio_stream *link;
    char *frame; /* with its head; freed by the task */
    double seconds;
};

static int
answer(void *arg)
{
    struct answer_args *a = arg;
    size_t bytes = LINK_HEAD + get_number(a->frame + 4);
    int err = acio_sleep(a->seconds);
    for (size_t i = LINK_HEAD; i < bytes; i++)
        a->frame[i] ^= MASK;
    if (err == 0)
        err = acio_write(a->link, a->frame, bytes);
    free(a->frame);
    return err;
}

/* 1 with a frame; 0 at the end of the link. */
static int
read_frame(acio_stream *link, char **out)
{
    char head[LINK_HEAD];
    ssize_t n = acio_readexactly(link, head, sizeof head);
    if (n < 0)
        return n == -ACIO_EINCOMPLETE && !acio_stream_partial(link) ? 0
                                                                    : (int)n;
    size_t bytes = get_number(head + 4);
    if (bytes > BODY_MOST)
        return -EMSGSIZE;
    *out = malloc(LINK_HEAD + bytes);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, head, sizeof head);
    n = acio_readexactly(link, *out + LINK_HEAD, bytes);
    if (n < 0)
        free(*out);
    return n < 0 ? (int)n : 1;
}

static int
serve(acio_stream *link, void *arg)
{
    const int *most_ms = arg;
    struct acio_task_options options = { .name = "answer",
        .always_start = true };
    ACIO_GROUP(group);
    unsigned chance = 1;
    char *frame = NULL;
    int err;
    while ((err = read_frame(link, &frame)) > 0) {
        chance = chance * 1103515245 + 12345;
        double part = (chance >> 16 & 0x3ff) / 1023.0;
        struct answer_args args = { link, frame, part * *most_ms / 1000 };
        err = acio_group_start_with(&group, answer,
            (struct acio_args){ &args, sizeof args }, &options);
        if (err < 0)
            free(frame);
        if (err == 0)
            err = acio_drain(link); /* a slow gateway is not asked for more */
        if (err < 0)
            break;
    }
    int end = acio_group_wait(&group);
    return err < 0 ? err : end;
}

struct amain_args {
    int port, most_ms;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    acio_server *server;
    int err = acio_start_server(&server, serve, &a->most_ms, "127.0.0.1",
        a->port, NULL);
    if (err < 0)
        return err;
    printf("backend: port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

static int
usage(FILE *out)
{
    fputs("Usage: backend PORT [MILLISECONDS]\n"
          "Answer gateways at PORT of 127.0.0.1 (0: any free one), each\n"
          "request within MILLISECONDS (usually 20).\n",
        out);
    return out == stdout ? 0 : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    int port = 0, most_ms = 20;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (argc < 2 || argc > 3 || !parse_number(&port, argv[1], 0, 65535) ||
        (argc == 3 && !parse_number(&most_ms, argv[2], 0, 60000)))
        return usage(stderr);
    int err = acio_run(amain, .port = port, .most_ms = most_ms);
    if (err == -EINTR)
        return EXIT_CTRL_C;
    fprintf(stderr, "backend: cannot serve port %d: %s\n", port,
        acio_strerror(err));
    return 1;
}
