/* SPDX-License-Identifier: MIT */
/* Peers that mean no good, or know no better. */
#include "net_world.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- memory ---- */

/* What the sockets between both ends take is the kernel's. */
SPEC_REAL(net_hostile, a_peer_that_never_reads_costs_the_high_mark)
{
    struct pair pair;
    size_t written = 0;
    enum { HIGH = 65536, PIECE = 4096, BLOCKS = 65536 };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    size_t before = spec_heap_bytes();
    start(flood, .stream = pair.served, .bytes = 256 << 20, .piece = PIECE,
        .written = &written);
    settle();
    settle();
    size_t cost = spec_heap_peak_bytes() - before;
    EXPECT(written < 256 << 20);
    EXPECT(acio_write_buffer_size(pair.served) <= HIGH + PIECE);
    EXPECT(cost <= HIGH + PIECE + BLOCKS);
    printf("    a peer that never reads holds %zu bytes\n", cost);
    acio_abort(pair.client);
    close_pair(&pair);
}

/* What the kernel takes of a flood, until it takes no more. */
static size_t
flood_by_hand(int fd)
{
    static char piece[65536];
    size_t all = 0, before = 1;
    while (all != before && all < (size_t)256 << 20) {
        ssize_t n;
        before = all;
        while ((n = send(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
            all += (size_t)n;
        settle();
    }
    return all;
}

/* Twice the limit, in a block that has doubled; before Linux 6.17 io_uring may
 * have received half a mebibyte more when it is told to stop. */
SPEC_REAL(net_hostile, a_flood_that_nobody_reads_is_held_back)
{
    struct pair pair;
    char byte;
    enum { LIMIT = 65536 };
    EXPECT_ERR(open_pair(&pair, LIMIT), 0);
    EXPECT_ERR(say(pair.client, "x"), 0);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 1);
    size_t before = spec_heap_bytes();
    (void)spec_heap_peak_bytes();
    size_t written = flood_by_hand(acio_stream_fd(pair.client));
    size_t cost = spec_heap_peak_bytes() - before;
    EXPECT(written < (size_t)256 << 20);
    EXPECT(cost <= 6 * LIMIT + (1 << 20));
    printf("    a flood that nobody reads holds %zu bytes\n", cost);
    acio_abort(pair.served);
    close_pair(&pair);
}

/* ---- resets ---- */

/* A line is asked, a flood is answered, then the end is waited for. */
static int
answer(acio_stream *stream, void *arg)
{
    char line[64];
    int *ended = arg;
    ssize_t n = acio_readline(stream, line, sizeof line);
    for (int i = 0; n > 0 && i < 100; i++) {
        static const char piece[4096] = "answer";
        acio_write(stream, piece, sizeof piece);
        n = acio_drain(stream) < 0 ? -1 : n;
    }
    if (n > 0)
        n = acio_read(stream, line, sizeof line);
    acio_close(stream);
    ++*ended;
    return 0;
}

/* As a program that is killed with data of its peer unread. */
static void
reset(acio_stream *stream)
{
    const struct linger at_once = { .l_onoff = 1 };
    int fd = acio_stream_fd(stream);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    acio_abort(stream);
}

enum { STAGES = 7 };

/* A client that gets so far, and no further. */
static void
go_to(int stage, acio_stream *stream)
{
    char buf[4096];
    if (stage >= 1)
        (void)say(stream, "half a ");
    if (stage >= 2)
        (void)say(stream, "line\n");
    if (stage >= 3 && acio_read(stream, buf, 100) < 0)
        note("no answer");
    if (stage >= 4)
        (void)acio_write_eof(stream);
    if (stage >= 5)
        settle();
    if (stage >= 6) {
        while (acio_read(stream, buf, sizeof buf) > 0) {
            /* all of it */
        }
    }
    reset(stream);
}

SPEC_REAL(net_hostile, resets_at_every_stage_are_survived)
{
    int ended = 0;
    acio_server *server = serve(answer, &ended);
    for (int stage = 0; server && stage < STAGES; stage++) {
        acio_stream *stream = connect_to(server);
        if (stream)
            go_to(stage, stream);
        settle();
    }
    EXPECT_EQ(ended, STAGES);
    acio_stream *polite = connect_to(server);
    EXPECT_ERR(say(polite, "a line\n"), 0);
    EXPECT_ERR(acio_write_eof(polite), 0);
    EXPECT_EQ(read_all(polite, NULL), 100 * 4096);
    acio_close(polite);
    acio_server_wait_closed(server, 1);
}

SPEC(net_hostile, a_peer_that_only_ends_its_writing_gets_its_answer)
{
    int ended = 0;
    acio_server *server = serve(answer, &ended);
    acio_stream *stream = connect_to(server);
    acio_write(stream, "a line", 6); /* without its end */
    EXPECT_ERR(acio_write_eof(stream), 0);
    EXPECT_EQ(read_all(stream, NULL), 100 * 4096);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
    EXPECT_EQ(ended, 1);
}

/* ---- pieces ---- */

struct trickle_args {
    acio_stream *stream;
    size_t bytes;
};
static int
trickle(void *arg)
{
    const struct trickle_args *a = arg;
    for (size_t i = 0; i < a->bytes; i++) {
        acio_write(a->stream, i + 1 < a->bytes ? "x" : "\n", 1);
        if (acio_drain(a->stream) < 0 || acio_sleep(0) < 0)
            break;
    }
    acio_write_eof(a->stream);
    return 0;
}

SPEC_LARGE(net_hostile, a_line_may_come_byte_by_byte)
{
    enum { BYTES = 5000 };
    struct pair pair;
    struct acio_line line;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    start(trickle, .stream = pair.client, .bytes = BYTES);
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    EXPECT_EQ(line.bytes, BYTES - 1);
    EXPECT_EQ(acio_next_line(pair.served, &line), 0);
    close_pair(&pair);
}

SPEC(net_hostile, lines_of_64_kib_are_read_and_longer_ones_are_not)
{
    enum { LIMIT = 65536 };
    struct pair pair;
    char *text = malloc(LIMIT + 3);
    memset(text, 'x', LIMIT + 2);
    EXPECT_ERR(open_pair(&pair, 0), 0);
    text[LIMIT] = '\n';
    acio_write(pair.client, text, LIMIT + 1);
    acio_write(pair.client, text, LIMIT + 1);
    text[LIMIT] = 'x';
    text[LIMIT + 1] = '\n';
    acio_write(pair.client, text, LIMIT + 2);
    struct acio_line line;
    EXPECT_EQ(acio_next_line(pair.served, &line), 1);
    EXPECT_EQ(line.bytes, LIMIT);
    EXPECT_EQ(acio_readline(pair.served, text, LIMIT + 3), LIMIT + 1);
    EXPECT_ERR(acio_next_line(pair.served, &line), -ACIO_ELIMIT);
    EXPECT_ERR((int)acio_readline(pair.served, text, LIMIT + 3), -ACIO_ELIMIT);
    EXPECT_EQ(acio_readexactly(pair.served, text, LIMIT + 2), LIMIT + 2);
    close_pair(&pair);
    free(text);
}

/* ---- time ---- */

static int
serve_in_time(acio_stream *stream, void *arg)
{
    char line[64];
    int *late = arg;
    ACIO_TIMEOUT(limit, 0.1);
    ssize_t n = acio_readline(stream, line, sizeof line);
    if (n == -ETIMEDOUT && acio_timeout_expired(&limit))
        ++*late;
    return 0;
}

struct dawdle_args {
    acio_server *server;
};
static int
dawdle(void *arg)
{
    const struct dawdle_args *a = arg;
    acio_stream *stream = NULL;
    int err = acio_open_connection(&stream, "127.0.0.1",
        acio_server_port(a->server), NULL);
    while (err == 0) {
        acio_write(stream, "x", 1);
        err = acio_drain(stream);
        if (err == 0)
            err = acio_sleep(0.03);
    }
    acio_abort(stream);
    return 0;
}

SPEC(net_hostile, who_sends_a_byte_now_and_then_is_let_go_in_time)
{
    enum { CLIENTS = 20 };
    int late = 0;
    acio_server *server = serve(serve_in_time, &late);
    for (int i = 0; i < CLIENTS; i++)
        start(dawdle, .server = server);
    const int64_t last_ns = time_is_virtual() ? 200000000 : 10000000000;
    while (late < CLIENTS && elapsed_ns() < last_ns)
        if (acio_sleep(0.01) < 0)
            break;
    EXPECT_EQ(late, CLIENTS);
    acio_server_wait_closed(server, 1);
    finish();
}

/* ---- options ---- */

SPEC_REAL(net_stream, keeps_connections_alive_where_asked_to)
{
    struct pair pair;
    int on = 0;
    socklen_t length = sizeof on;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_keep_alive(pair.client, true), 0);
    int fd = acio_stream_fd(pair.client);
    EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length), 0);
    EXPECT(on);
    EXPECT_ERR(acio_stream_set_keep_alive(pair.client, false), 0);
    EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length), 0);
    EXPECT(!on);
    close_pair(&pair);
}

static int
no_delay(acio_stream *stream)
{
    int on = 0;
    socklen_t length = sizeof on;
    int fd = acio_stream_fd(stream);
    return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) < 0 ? -errno
                                                                      : on;
}

SPEC_REAL(net_stream, sends_small_pieces_without_delay_by_tcp)
{
    struct pair pair;
    acio_stream *stream;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_EQ(no_delay(pair.client), 1);
    EXPECT_EQ(no_delay(pair.served), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in server = { .sin_family = AF_INET,
        .sin_port = htons((uint16_t)acio_server_port(pair.server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    EXPECT_EQ(connect(fd, (struct sockaddr *)&server, sizeof server), 0);
    EXPECT_ERR(acio_open_socket(&stream, fd, NULL), 0);
    EXPECT_EQ(no_delay(stream), 1);
    acio_abort(stream);
    close_pair(&pair);
}
