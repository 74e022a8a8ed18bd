/* SPDX-License-Identifier: MIT */
/* chat - a chat server with rooms: build/examples/chat/chat [PORT]
 *
 *     nc 127.0.0.1 PORT       in several terminals; say your name, then
 *     /join ROOM, /quit or whatever you have to tell the others
 *
 * Idea.     Each client has two tasks. His handler reads what he says and puts
 *           it into the outbox of all who are in his room; his sender takes
 *           from his own outbox and writes. So nobody waits for anybody else.
 * Slow.     Whose outbox is full when something is put into it is cut off.
 * Leaving.  However a client ends (he says so, is gone, is slow, the server
 *           ends), his handler comes to the same lines of serve().
 */
#include <acio.h>
#include <acio/server.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTBOX = 32, NAME_BYTES = 24, LINE_BYTES = 512 };

struct text {
    char at[LINE_BYTES + 3 * NAME_BYTES];
};

struct client {
    struct client *next, **all;
    acio_stream *stream;
    acio_group *group; /* cancelled: he is cut off */
    acio_queue outbox; /* of struct text */
    const char *end;   /* how he leaves */
    char name[NAME_BYTES], room[NAME_BYTES];
};

struct send_outbox_args {
    struct client *to;
};

static int
send_outbox(void *arg)
{
    struct client *to = ((struct send_outbox_args *)arg)->to;
    struct text text;
    int err;
    while ((err = acio_queue_get(&to->outbox, &text)) == 0) {
        acio_write(to->stream, text.at, strlen(text.at));
        err = acio_drain(to->stream); /* waits for a slow client */
        if (err < 0)
            return err;
    }
    return err == -ACIO_EQUEUESHUTDOWN ? 0 : err;
}

/* To all in the room of `from`, himself too. */
__attribute__((format(printf, 2, 3))) static void
say(struct client *from, const char *format, ...)
{
    struct text text;
    va_list list;
    va_start(list, format);
    vsnprintf(text.at, sizeof text.at, format, list);
    va_end(list);
    for (struct client *to = *from->all; to; to = to->next) {
        if (strcmp(to->room, from->room) != 0 ||
            acio_queue_put_nowait(&to->outbox, &text) == 0)
            continue;
        to->end = "is too slow for us";
        acio_group_cancel(to->group);
    }
}

/* 1 with a line, without its end and without what would steer a terminal. */
static int
read_line(struct client *me, char line[LINE_BYTES])
{
    ssize_t n = acio_readline(me->stream, line, LINE_BYTES);
    if (n <= 0)
        return (int)n;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = ' ';
    return 1;
}

/* The first word: nobody's name looks like something that he said. */
static void
take_word(char out[NAME_BYTES], const char *line)
{
    size_t n = strcspn(line, " ");
    n = n < NAME_BYTES ? n : NAME_BYTES - 1;
    memcpy(out, line, n);
    out[n] = '\0';
}

static bool
take_name(struct client *me)
{
    char line[LINE_BYTES];
    acio_write(me->stream, "Your name?\n", 11);
    if (read_line(me, line) <= 0)
        return false;
    take_word(me->name, line);
    bool good = *me->name != '\0';
    for (struct client *other = *me->all; other; other = other->next)
        good = good && strcmp(other->name, me->name) != 0;
    if (!good)
        acio_write(me->stream, "That is taken, or no name.\n", 27);
    return good;
}

static void
converse(struct client *me)
{
    char line[LINE_BYTES];
    int err;
    say(me, "* %s comes to %s\n", me->name, me->room);
    while ((err = read_line(me, line)) > 0 && strcmp(line, "/quit") != 0) {
        if (strncmp(line, "/join ", 6) != 0) {
            say(me, "%s: %s\n", me->name, line);
            continue;
        }
        say(me, "* %s leaves %s\n", me->name, me->room);
        take_word(me->room, line + 6);
        say(me, "* %s comes to %s\n", me->name, me->room);
    }
    if (!me->end)
        me->end = err < 0 ? "is lost" : "leaves";
}

static void
take_part(struct client *me)
{
    me->next = *me->all;
    *me->all = me;
    converse(me);
    struct client **at = me->all;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
    say(me, "* %s %s\n", me->name, me->end);
}

static int
serve(acio_stream *stream, void *arg)
{
    struct client me = { .all = arg, .stream = stream, .room = "lobby" };
    acio_queue_init(&me.outbox, sizeof(struct text), OUTBOX);
    ACIO_GROUP(group);
    me.group = &group;
    acio_group_create_task(&group, send_outbox, &me);
    if (take_name(&me))
        take_part(&me);
    acio_queue_shutdown(&me.outbox, false); /* the sender ends behind it */
    ACIO_TIMEOUT(limit, 5.0);
    if (acio_group_wait(&group) < 0 || acio_queue_qsize(&me.outbox) > 0)
        acio_abort(stream); /* does not take what there is for him */
    acio_queue_close(&me.outbox);
    return 0;
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
        ((struct amain_args *)arg)->port, NULL);
    if (err < 0)
        return err;
    printf("chat: port %d, Ctrl-C ends it\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    char *end = "";
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 7000;
    if (argc > 2 || *end || port < 0 || port > 65535) {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fprintf(asked ? stdout : stderr,
            "Usage: chat [PORT]\n"
            "A chat server on 127.0.0.1; PORT is 7000 unless you say so,\n"
            "0 for any free one.\n");
        return asked ? 0 : 2;
    }
    int err = acio_run(amain, .port = (int)port);
    if (err == -EINTR)
        return 130;
    fprintf(stderr, "chat: cannot serve port %ld: %s\n", port,
        acio_strerror(err));
    return 1;
}
