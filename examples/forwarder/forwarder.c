/* SPDX-License-Identifier: MIT */
/* forwarder - a port that leads elsewhere:
 *
 *     build/examples/forwarder/forwarder 8080 example.org 80
 *
 * Idea.      Each connection is two tasks, one for each direction: it reads
 *            what is there, writes it, and waits in acio_drain while the other
 *            side is slow, so that no more than a few buffers are ever held.
 * Half ends. Who has said everything (shutdown(2)) may still be listening: the
 *            end of one direction is passed on, the other one goes on.
 * Limit.     Beyond LIMIT connections nobody is accepted until one ends.
 */
#include <acio.h>
#include <acio/server.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct forwarder {
    const char *host;
    int from, to; /* ports */
    int limit;    /* connections at once */
};

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
copy_both_ways(acio_stream *client, acio_stream *target)
{
    ACIO_GROUP(group); /* the first error ends both directions */
    acio_group_create_task(&group, copy, .from = client, .to = target);
    acio_group_create_task(&group, copy, .from = target, .to = client);
    return acio_group_wait(&group);
}

static int
forward(acio_stream *client, void *arg)
{
    struct forwarder *f = arg;
    char name[64] = "", text[256] = "";
    acio_stream *target;
    acio_stream_peer_name(client, name, sizeof name);
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_open_connection(&target, f->host, f->to, &options);
    if (err < 0) {
        fprintf(stderr, "forwarder: %s: %s\n", name, text);
        acio_abort(client);
        return 0;
    }
    err = copy_both_ways(client, target);
    if (err == 0)
        return acio_close(target);
    fprintf(stderr, "forwarder: %s: %s\n", name, acio_strerror(err));
    acio_abort(target); /* a broken connection is broken on both sides */
    acio_abort(client);
    return 0;
}

struct amain_args {
    struct forwarder *forwarder;
};

static int
amain(void *arg)
{
    struct forwarder *f = ((struct amain_args *)arg)->forwarder;
    struct acio_server_options options = {
        .max_connections = (unsigned)f->limit
    };
    acio_server *server;
    int err = acio_start_server(&server, forward, f, "127.0.0.1", f->from,
        &options);
    if (err < 0)
        return err;
    printf("forwarder: port %d leads to %s port %d, Ctrl-C ends it\n",
        acio_server_port(server), f->host, f->to);
    fflush(stdout);
    return acio_serve_forever(server);
}

/* -1 where it is none. */
static int
number(const char *text, int most)
{
    char *end;
    long value = strtol(text, &end, 10);
    return *text && !*end && value >= 0 && value <= most ? (int)value : -1;
}

int
main(int argc, char **argv)
{
    struct forwarder f = { .from = -1 };
    if (argc == 4 || argc == 5)
        f = (struct forwarder){ argv[2], number(argv[1], 65535),
            number(argv[3], 65535),
            argc == 5 ? number(argv[4], 1000000) : 1000 };
    if (f.from < 0 || f.to <= 0 || f.limit <= 0) {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("Usage: forwarder PORT HOST HOSTPORT [LIMIT]\n"
              "Connections to PORT of 127.0.0.1 (0: any free one) lead to\n"
              "HOSTPORT of HOST, LIMIT of them at once (usually 1000).\n",
            asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    int err = acio_run(amain, .forwarder = &f);
    if (err == -EINTR)
        return 130;
    fprintf(stderr, "forwarder: cannot serve port %d: %s\n", f.from,
        acio_strerror(err));
    return 1;
}
