/* SPDX-License-Identifier: MIT */
/* load - many clients of a gateway, who look at every byte of its answers:
 *
 *     build/examples/gateway/load --clients 10000 127.0.0.1 PORT
 *
 * Idea.  Each client is a task that reads like a program with one connection.
 *        First all connect, then all ask at once, again and again; what they
 *        send follows from their number and the round, so that an answer for
 *        somebody else is noticed like one that is damaged.
 */
#include <acio.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "common.h"

struct load {
    const char *host;
    int port, clients, rounds, most_bytes;
    bool hold;
    acio_semaphore connecting;
    acio_barrier all; /* the clients and the main task */
    acio_event end;   /* they may close */
    size_t requests, bytes;
    int connected;
    double started, *seconds; /* each request took */
};

/* ---- one request ---- */

static uint32_t
next_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void
fill(char *at, size_t bytes, uint32_t state)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)next_number(&state);
}

/* The answer is what was sent, masked; `body` is overwritten. */
static int
check_answer(acio_stream *stream, char *body, size_t bytes, uint32_t seed)
{
    char head[CLIENT_HEAD];
    ssize_t n = acio_readexactly(stream, head, sizeof head);
    if (n < 0)
        return (int)n;
    if (get_number(head) != bytes)
        return -EBADMSG;
    n = acio_readexactly(stream, body, bytes);
    if (n < 0)
        return (int)n;
    for (size_t i = 0; i < bytes; i++)
        if (body[i] != ((char)next_number(&seed) ^ MASK))
            return -EBADMSG;
    return 0;
}

static int
send_and_check(struct load *load, acio_stream *stream, uint32_t seed)
{
    size_t bytes = 1 + next_number(&seed) % (uint32_t)load->most_bytes;
    char *frame = malloc(CLIENT_HEAD + bytes);
    if (!frame)
        return -ENOMEM;
    put_number(frame, (uint32_t)bytes);
    fill(frame + CLIENT_HEAD, bytes, seed);
    acio_write(stream, frame, CLIENT_HEAD + bytes);
    int err = acio_drain(stream);
    if (err == 0)
        err = check_answer(stream, frame, bytes, seed);
    free(frame);
    load->bytes += err == 0 ? bytes : 0;
    return err;
}

static int
ask(struct load *load, acio_stream *stream, uint32_t seed)
{
    acio_loop *loop = acio_get_running_loop();
    double begin = acio_loop_time(loop);
    int err = send_and_check(load, stream, seed);
    if (err == 0)
        load->seconds[load->requests++] = acio_loop_time(loop) - begin;
    return err;
}

/* ---- a client ---- */

static int
open_stream(struct load *load, acio_stream **out)
{
    int err = acio_semaphore_acquire(&load->connecting);
    if (err < 0)
        return err;
    err = acio_open_connection(out, load->host, load->port, NULL);
    acio_semaphore_release(&load->connecting);
    load->connected += err == 0;
    return err;
}

struct client_args {
    struct load *load;
    uint32_t number;
};

static int
ask_all(struct client_args *a, acio_stream *stream)
{
    int err = acio_barrier_wait(&a->load->all);
    for (int round = 0; err >= 0 && round < a->load->rounds; round++)
        err = ask(a->load, stream,
            (a->number * 1000003u + (uint32_t)round) * 2654435761u | 1);
    if (err >= 0)
        err = acio_barrier_wait(&a->load->all);
    return err < 0 ? err : acio_event_wait(&a->load->end);
}

static int
client(void *arg)
{
    struct client_args *a = arg;
    acio_stream *stream;
    int err = open_stream(a->load, &stream);
    if (err < 0)
        return err;
    err = ask_all(a, stream);
    if (err < 0)
        acio_abort(stream);
    else
        err = acio_close(stream);
    return err;
}

/* ---- all of them ---- */

static int
compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static void
print_summary(struct load *load, double seconds)
{
    size_t count = load->requests;
    qsort(load->seconds, count, sizeof *load->seconds, compare);
    printf("load: %d clients at once, %zu answers, %zu bytes, each one right, "
           "%.3f s: %.0f a second, %.1f MB/s, p50 %.3f s, p99 %.3f s\n",
        load->connected, count, load->bytes, seconds, (double)count / seconds,
        (double)load->bytes / seconds / 1e6, load->seconds[count / 2],
        load->seconds[count - 1 - count / 100]);
    fflush(stdout);
}

static int
wait_for_input(void *arg)
{
    (void)arg;
    char byte;
    return (int)read(STDIN_FILENO, &byte, 1);
}

/* The main task takes part in the barrier: it learns when all are connected,
 * and when all have their answers. */
static int
watch(struct load *load)
{
    acio_loop *loop = acio_get_running_loop();
    int err = acio_barrier_wait(&load->all);
    double begin = acio_loop_time(loop);
    printf("load: %d connected in %.3f s\n", load->connected,
        begin - load->started);
    fflush(stdout);
    if (err >= 0)
        err = acio_barrier_wait(&load->all);
    if (err < 0)
        return err;
    print_summary(load, acio_loop_time(loop) - begin);
    if (load->hold)
        err = acio_to_thread(wait_for_input, NULL);
    acio_event_set(&load->end);
    return err;
}

struct amain_args {
    struct load *load;
};

static int
amain(void *arg)
{
    struct load *load = ((struct amain_args *)arg)->load;
    acio_semaphore_init(&load->connecting, 500);
    acio_barrier_init(&load->all, load->clients + 1);
    acio_event_init(&load->end);
    load->started = acio_loop_time(acio_get_running_loop());
    ACIO_GROUP(group);
    int err = 0;
    for (int i = 0; err == 0 && i < load->clients; i++)
        err = acio_group_start(&group, client, load, (uint32_t)i);
    if (err == 0)
        err = watch(load);
    int first = acio_group_wait(&group);
    return first < 0 ? first : err;
}

static int
usage(FILE *out)
{
    fputs("Usage: load [OPTION]... HOST PORT\n"
          "Connect many clients to a gateway, let all ask at once, and check\n"
          "each byte of the answers.\n"
          "\n"
          "  --clients N  how many (default 1000)\n"
          "  --rounds N   requests of each, one after the other (default 10)\n"
          "  --bytes N    in a request, at most (default 1024)\n"
          "  --hold       stay connected until there is a line of input\n"
          "  --help       print this\n",
        out);
    return out == stdout ? 0 : EXIT_USAGE;
}

static bool
take_option(struct load *load, int option)
{
    switch (option) {
    case 'c':
        return parse_number(&load->clients, optarg, 1, 1000000);
    case 'r':
        return parse_number(&load->rounds, optarg, 1, 1000000);
    case 'b':
        return parse_number(&load->most_bytes, optarg, 1, BODY_MOST);
    case 'w':
        return load->hold = true;
    default:
        return false;
    }
}

static int
run(struct load *load)
{
    raise_fd_limit();
    size_t requests = (size_t)load->clients * (size_t)load->rounds;
    load->seconds = malloc(requests * sizeof *load->seconds);
    int err = load->seconds ? acio_run(amain, .load = load) : -ENOMEM;
    free(load->seconds);
    if (err >= 0)
        return 0;
    fprintf(stderr, "load: after %zu answers, with %d of %d connected: %s\n",
        load->requests, load->connected, load->clients, acio_strerror(err));
    return err == -EINTR ? EXIT_CTRL_C : 1;
}

int
main(int argc, char **argv)
{
    static const struct option names[] = { { "clients", 1, NULL, 'c' },
        { "rounds", 1, NULL, 'r' }, { "bytes", 1, NULL, 'b' },
        { "hold", 0, NULL, 'w' }, { "help", 0, NULL, 'h' },
        { NULL, 0, NULL, 0 } };
    struct load load = { .clients = 1000, .rounds = 10, .most_bytes = 1024 };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!take_option(&load, option))
            return usage(option == 'h' ? stdout : stderr);
    if (argc - optind != 2 ||
        !parse_number(&load.port, argv[optind + 1], 1, 65535))
        return usage(stderr);
    load.host = argv[optind];
    return run(&load);
}
