/* SPDX-License-Identifier: MIT */
/* chat - a chat server: build/examples/chat/chat 7000
 *
 *     nc 127.0.0.1 7000       in several terminals: your name, then talk
 *
 * Each client has two tasks: his handler puts what he says into everybody's
 * outbox, his sender writes what is in his own. So nobody waits for anybody
 * else, and whose outbox is full is cut off.
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTBOX = 32, LINE_BYTES = 512, TEXT_BYTES = 600 };

struct client {
    struct client *next;
    acio_stream *stream;
    acio_queue *outbox; /* of texts */
    char name[24];
};

struct send_outbox_args {
    struct client *to;
};

static int
send_outbox(void *arg)
{
    struct client *to = ((struct send_outbox_args *)arg)->to;
    char text[TEXT_BYTES];
    int err = 0;
    while (err == 0 && (err = acio_queue_get(to->outbox, text)) == 0) {
        acio_write(to->stream, text, strlen(text));
        err = acio_drain(to->stream); /* waits for a slow client */
    }
    return err == -ACIO_EQUEUESHUTDOWN ? 0 : err;
}

/* Nothing here suspends, so nobody comes or goes meanwhile. */
static void
tell(struct client *all, const char *name, const char *verb, const char *what)
{
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "%s%s%s\n", name, verb, what);
    for (struct client *to = all; to; to = to->next)
        if (acio_queue_put_nowait(to->outbox, text) < 0)
            acio_abort(to->stream); /* too slow: both of his tasks fail */
}

static int
serve(acio_stream *stream, void *arg)
{
    struct client **all = arg, **at = all;
    ACIO_QUEUE(outbox, char[TEXT_BYTES], OUTBOX);
    struct client me = { .stream = stream, .outbox = &outbox };
    struct acio_line line;
    acio_write(stream, "Your name?\n", 11);
    int err = acio_next_line(stream, &line);
    if (err <= 0 || sscanf(line.text, "%23[^: \r]", me.name) != 1)
        return err; /* nobody's name looks like something that is said */

    ACIO_GROUP(group);
    acio_group_create_task(&group, send_outbox, &me);
    me.next = *all;
    *all = &me;
    tell(*all, me.name, " comes", "");
    while ((err = acio_next_line(stream, &line)) > 0)
        tell(*all, me.name, ": ", line.text);

    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
    tell(*all, me.name, err < 0 ? " is lost" : " leaves", "");
    acio_queue_shutdown(&outbox, false); /* his sender ends behind the last */
    ACIO_TIMEOUT(limit, 5.0);
    return acio_group_wait(&group);
}

struct amain_args {
    int port;
};

static int
amain(void *arg)
{
    struct client *all = NULL;
    acio_server *server;
    int err = acio_start_server(&server, serve, &all, "127.0.0.1",
        ((struct amain_args *)arg)->port,
        &(struct acio_server_options){ .limit = LINE_BYTES });
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    if (argc != 2 || *argv[1] == '-')
        return fprintf(stderr, "Usage: chat PORT\n"), 2;
    int err = acio_run(amain, .port = atoi(argv[1]));
    if (err != -EINTR) /* Ctrl-C */
        fprintf(stderr, "chat: %s\n", acio_strerror(err));
    return err == -EINTR ? 130 : 1;
}
