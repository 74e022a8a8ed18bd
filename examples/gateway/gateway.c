/* SPDX-License-Identifier: MIT */
/* gateway - many clients, few links to a back end, one thread:
 *
 *     build/examples/gateway/gateway PORT HOST HOSTPORT
 *
 * Idea.     Each client is a task: it reads a request, sends it over a link
 *           under the client's id, and waits for the answer. Each link is a
 *           task too: it reads answers, in whatever order they come, and
 *           hands each to the client with its id.
 * Bounds.   A client is not read from before it has taken its last answer, so
 *           one that is slow costs a frame, and holds up no link. A back end
 *           that is slow makes clients wait in acio_drain of the link.
 * Leaving.  An id whose client has left stays taken until its answer has come
 *           or the link is lost; else the next client would get that answer.
 * Memory.   A client that is silent has a task and a stream, and no buffer.
 */
#include <acio.h>
#include <acio/server.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "common.h"

struct link {
    acio_stream *stream; /* NULL: there is none just then */
};

struct slot {             /* of an id */
    acio_stream *client;  /* NULL: has left */
    acio_event *answered; /* NULL: has left */
    struct link *awaited; /* brings the answer; NULL: nothing is asked */
    bool lost;            /* there will be no answer */
    uint32_t next_free;
};

struct gateway {
    const char *host;
    int port, host_port, limit, link_count;
    struct link *links;
    struct slot *slots;
    uint32_t first_free;
    struct memory idle; /* before the first client */
    acio_server *server;
    size_t clients, most, answers, bytes;
};

enum { NO_ID = UINT32_MAX };

/* ---- ids ---- */

static void
give_back(struct gateway *g, uint32_t id)
{
    g->slots[id] = (struct slot){ .next_free = g->first_free };
    g->first_free = id;
}

static uint32_t
take_id(struct gateway *g, acio_stream *client, acio_event *answered)
{
    uint32_t id = g->first_free;
    if (id == NO_ID)
        return id;
    g->first_free = g->slots[id].next_free;
    g->slots[id] = (struct slot){ .client = client, .answered = answered };
    return id;
}

static void
leave(struct gateway *g, uint32_t id)
{
    struct slot *slot = &g->slots[id];
    slot->client = NULL;
    slot->answered = NULL;
    if (!slot->awaited)
        give_back(g, id);
}

/* ---- clients ---- */

/* 1 with a frame for the link; 0 where the client has nothing more to ask. */
static int
read_request(struct gateway *g, uint32_t id, char **frame, size_t *bytes)
{
    acio_stream *client = g->slots[id].client;
    char head[CLIENT_HEAD];
    ssize_t n = acio_readexactly(client, head, sizeof head);
    if (n < 0)
        return n == -ACIO_EINCOMPLETE && !acio_stream_partial(client) ? 0
                                                                      : (int)n;
    size_t body = get_number(head);
    if (body > BODY_MOST)
        return -EMSGSIZE;
    *bytes = LINK_HEAD + body;
    *frame = malloc(*bytes);
    if (!*frame)
        return -ENOMEM;
    put_number(*frame, id);
    put_number(*frame + 4, (uint32_t)body);
    n = acio_readexactly(client, *frame + LINK_HEAD, body);
    if (n < 0)
        free(*frame);
    return n < 0 ? (int)n : 1;
}

static int
ask(struct gateway *g, uint32_t id, char *frame, size_t bytes)
{
    struct slot *slot = &g->slots[id];
    struct link *link = &g->links[id % (uint32_t)g->link_count];
    if (!link->stream) {
        free(frame);
        return -ENOTCONN;
    }
    acio_event_clear(slot->answered);
    slot->awaited = link;
    acio_write(link->stream, frame, bytes);
    free(frame); /* before it waits: the link has a copy */
    int err = acio_drain(link->stream);
    if (err == 0)
        err = acio_event_wait(slot->answered);
    return err == 0 && slot->lost ? -ENOTCONN : err;
}

/* 1: and there may be another one. */
static int
relay_request(struct gateway *g, uint32_t id)
{
    char *frame = NULL;
    size_t bytes = 0;
    int err = read_request(g, id, &frame, &bytes);
    if (err <= 0)
        return err;
    err = ask(g, id, frame, bytes);
    if (err == 0)
        err = acio_drain(g->slots[id].client);
    return err < 0 ? err : 1;
}

static int
serve(acio_stream *client, void *arg)
{
    struct gateway *g = arg;
    acio_event answered;
    acio_event_init(&answered);
    uint32_t id = take_id(g, client, &answered);
    int err = id == NO_ID ? -EAGAIN : 1;
    g->clients++;
    g->most = g->clients > g->most ? g->clients : g->most;
    while (err > 0)
        err = relay_request(g, id);
    g->clients--;
    if (id != NO_ID)
        leave(g, id);
    if (err < 0) /* broken, or breaks the rules, or cannot be answered */
        acio_abort(client);
    return 0;
}

/* ---- links ---- */

static void
deliver(struct gateway *g, uint32_t id, char *body, size_t bytes)
{
    struct slot *slot = &g->slots[id];
    char head[CLIENT_HEAD];
    slot->awaited = NULL;
    g->answers++;
    g->bytes += bytes;
    if (!slot->client) {
        give_back(g, id);
        return;
    }
    put_number(head, (uint32_t)bytes);
    struct iovec pieces[] = { { head, sizeof head }, { body, bytes } };
    acio_writelines(slot->client, pieces, 2); /* its task sees an error */
    acio_event_set(slot->answered);
}

static int
read_answers(struct gateway *g, struct link *link)
{
    char body[BODY_MOST]; /* a quarter of the stack, of a few tasks */
    for (;;) {
        char head[LINK_HEAD];
        ssize_t n = acio_readexactly(link->stream, head, sizeof head);
        if (n < 0)
            return (int)n;
        uint32_t id = get_number(head), bytes = get_number(head + 4);
        if (id >= (uint32_t)g->limit || bytes > BODY_MOST ||
            g->slots[id].awaited != link)
            return -EPROTO;
        n = acio_readexactly(link->stream, body, bytes);
        if (n < 0)
            return (int)n;
        deliver(g, id, body, bytes);
    }
}

/* Who waits for an answer of this link will not get one. */
static void
lose_link(struct gateway *g, struct link *link)
{
    acio_abort(link->stream);
    link->stream = NULL;
    for (uint32_t id = 0; id < (uint32_t)g->limit; id++) {
        struct slot *slot = &g->slots[id];
        if (slot->awaited != link)
            continue;
        slot->awaited = NULL;
        slot->lost = true;
        if (slot->answered)
            acio_event_set(slot->answered);
        else
            give_back(g, id);
    }
}

struct keep_link_args {
    struct gateway *gateway;
    struct link *link;
};

/* Until it is cancelled. */
static int
keep_link(void *arg)
{
    struct gateway *g = ((struct keep_link_args *)arg)->gateway;
    struct link *link = ((struct keep_link_args *)arg)->link;
    for (;;) {
        int err = acio_open_connection(&link->stream, g->host, g->host_port,
            NULL);
        if (err == 0) {
            err = read_answers(g, link);
            lose_link(g, link);
        }
        if (err != -ECANCELED)
            fprintf(stderr, "gateway: the back end: %s\n", acio_strerror(err));
        err = acio_sleep(0.5);
        if (err < 0)
            return err;
    }
}

/* ---- the run ---- */

static void
print_state(void *arg)
{
    struct gateway *g = arg;
    struct memory now = memory_now();
    printf("gateway: %zu clients (at most %zu), %zu answers, %zu bytes, "
           "RSS %ld KiB, PSS %ld KiB",
        g->clients, g->most, g->answers, g->bytes, now.rss, now.pss);
    if (g->clients)
        printf(", for each client %.2f and %.2f KiB",
            (double)(now.rss - g->idle.rss) / (double)g->clients,
            (double)(now.pss - g->idle.pss) / (double)g->clients);
    printf("\n");
    fflush(stdout);
}

static int
serve_clients(struct gateway *g)
{
    struct acio_server_options options = { .backlog = 4096,
        .max_connections = (unsigned)g->limit };
    int err = acio_start_server(&g->server, serve, g, "127.0.0.1", g->port,
        &options);
    if (err < 0)
        return err;
    printf("gateway: port %d leads to %s port %d over %d links (%s)\n",
        acio_server_port(g->server), g->host, g->host_port, g->link_count,
        acio_loop_backend(acio_get_running_loop()));
    fflush(stdout);
    g->idle = memory_now();
    return acio_serve_forever(g->server);
}

struct amain_args {
    struct gateway *gateway;
};

static int
amain(void *arg)
{
    struct gateway *g = ((struct amain_args *)arg)->gateway;
    acio_loop *loop = acio_get_running_loop();
    int err = acio_loop_add_signal_handler(loop, SIGUSR1, print_state, g);
    if (err < 0)
        return err;
    ACIO_GROUP(group);
    for (int i = 0; i < g->link_count; i++)
        acio_group_create_task(&group, keep_link, g, &g->links[i]);
    err = serve_clients(g);
    print_state(g);
    acio_group_cancel(&group);
    int end = acio_group_wait(&group);
    return err < 0 ? err : end;
}

static int
run(struct gateway *g)
{
    raise_fd_limit();
    g->links = calloc((size_t)g->link_count, sizeof *g->links);
    g->slots = calloc((size_t)g->limit, sizeof *g->slots);
    int err = g->links && g->slots ? 0 : -ENOMEM;
    g->first_free = NO_ID;
    for (uint32_t id = (uint32_t)g->limit; err == 0 && id-- > 0;)
        give_back(g, id);
    if (err == 0)
        err = acio_run(amain, .gateway = g);
    free(g->slots);
    free(g->links);
    return err;
}

static int
usage(FILE *out)
{
    fputs("Usage: gateway [OPTION]... PORT HOST HOSTPORT\n"
          "Relay the requests of clients at PORT of 127.0.0.1 (0: any free\n"
          "one) to the back end at HOSTPORT of HOST, on one thread. SIGUSR1\n"
          "lets it print how many there are, and the memory they take.\n"
          "\n"
          "  --links N   over N connections to the back end (default 4)\n"
          "  --limit N   N clients at once (default 15000)\n"
          "  --help      print this\n",
        out);
    return out == stdout ? 0 : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    static const struct option names[] = { { "links", 1, NULL, 'k' },
        { "limit", 1, NULL, 'l' }, { "help", 0, NULL, 'h' },
        { NULL, 0, NULL, 0 } };
    struct gateway g = { .link_count = 4, .limit = 15000 };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (option == 'h')
            return usage(stdout);
        else if (option == '?' ||
            !parse_number(option == 'k' ? &g.link_count : &g.limit, optarg, 1,
                1000000))
            return usage(stderr);
    if (argc - optind != 3 || !parse_number(&g.port, argv[optind], 0, 65535) ||
        !parse_number(&g.host_port, argv[optind + 2], 1, 65535))
        return usage(stderr);
    g.host = argv[optind + 1];
    int err = run(&g);
    if (err == -EINTR)
        return EXIT_CTRL_C;
    fprintf(stderr, "gateway: cannot serve port %d: %s\n", g.port,
        acio_strerror(err));
    return 1;
}
