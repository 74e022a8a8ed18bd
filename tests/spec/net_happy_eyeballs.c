/* SPDX-License-Identifier: MIT */
/* Several addresses: which is tried when, who wins, and what is left.
 *
 * A hole is an address that takes a connect and does not answer: it listens,
 * nobody accepts, and its queue is full. On the simulator, where nothing takes
 * any time here, the connect asks again after 1, 2, 4 ... seconds. */
#include "net_world.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "engine/engine.h"

#define NO_LATENCY .sim.latency_max = -1

/* ---- lists of addresses ---- */

struct list {
    struct addrinfo entries[8];
    struct sockaddr_storage addresses[8];
    size_t count;
};

static void
add(struct list *list, const char *digits, int port)
{
    struct addrinfo *entry = &list->entries[list->count];
    struct sockaddr_in6 *in6 = (void *)&list->addresses[list->count];
    struct sockaddr_in *in = (void *)in6;
    memset(in6, 0, sizeof *in6);
    *entry = (struct addrinfo){ .ai_addr = (void *)in6 };
    if (inet_pton(AF_INET, digits, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        entry->ai_addrlen = sizeof *in;
    } else {
        inet_pton(AF_INET6, digits, &in6->sin6_addr);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        entry->ai_addrlen = sizeof *in6;
    }
    if (list->count > 0)
        entry[-1].ai_next = entry;
    list->count++;
}

/* ---- holes ---- */

struct hole {
    struct sockaddr_in name;
    int fd, port;
    acio_op fillers[4];
    int filling[4];
};

static void
filled(acio_op *op)
{
    (void)op;
}

static void
fill(struct hole *hole)
{
    acio_loop *loop = acio_get_running_loop();
    for (int i = 0; i < 4; i++) {
        acio_op *op = &hole->fillers[i];
        hole->filling[i] = loop->backend->socket(loop, AF_INET, SOCK_STREAM, 0);
        acio_op_connect(op, hole->filling[i], (struct sockaddr *)&hole->name,
            sizeof hole->name);
        acio_loop_submit(loop, op, filled, NULL);
        settle();
    }
}

static void
open_hole(struct hole *hole, const char *digits)
{
    acio_loop *loop = acio_get_running_loop();
    const struct acioi_backend *backend = loop->backend;
    socklen_t length = sizeof hole->name;
    memset(hole, 0, sizeof *hole);
    hole->name.sin_family = AF_INET;
    inet_pton(AF_INET, digits, &hole->name.sin_addr);
    hole->fd = backend->socket(loop, AF_INET, SOCK_STREAM, 0);
    backend->bind(loop, hole->fd, (struct sockaddr *)&hole->name, length);
    backend->listen(loop, hole->fd, 0);
    backend->getsockname(loop, hole->fd, (struct sockaddr *)&hole->name,
        &length);
    hole->port = ntohs(hole->name.sin_port);
    fill(hole);
}

static void
close_hole(struct hole *hole)
{
    acio_loop *loop = acio_get_running_loop();
    for (int i = 0; i < 4; i++)
        acio_op_cancel(&hole->fillers[i]);
    settle();
    for (int i = 0; i < 4; i++)
        acio_loop_close_fd(loop, hole->filling[i]);
    acio_loop_close_fd(loop, hole->fd);
}

/* ---- who is tried when ---- */

static acio_server *
serve_on(const char *host)
{
    acio_server *server;
    EXPECT_ERR(acio_start_server(&server, echo, NULL, host, 0, NULL), 0);
    return server;
}

static void
expect_peer(acio_stream *stream, const char *digits)
{
    char name[112] = "";
    EXPECT(acio_stream_peer_name(stream, name, sizeof name) > 0);
    name[strcspn(name, ":")] = '\0';
    EXPECT_TEXT(name, digits);
}

SPEC(net_happy_eyeballs, try_the_next_address_after_a_quarter_of_a_second,
    NO_LATENCY)
{
    ACIO_TIMEOUT(limit, 5);
    struct hole hole;
    struct list list = { .count = 0 };
    acio_stream *stream;
    open_hole(&hole, "127.0.0.2");
    acio_server *server = serve_on("127.0.0.3");
    add(&list, "127.0.0.2", hole.port);
    add(&list, "127.0.0.3", acio_server_port(server));
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, NULL), 0);
    EXPECT_ELAPSED(0.25);
    expect_peer(stream, "127.0.0.3");
    acio_close(stream);
    acio_server_wait_closed(server, 1);
    close_hole(&hole);
}

SPEC(net_happy_eyeballs, can_be_told_another_delay, NO_LATENCY)
{
    ACIO_TIMEOUT(limit, 5);
    struct hole hole;
    struct list list = { .count = 0 };
    acio_stream *stream;
    struct acio_connect_options options = { .happy_eyeballs_delay = 0.05 };
    open_hole(&hole, "127.0.0.2");
    acio_server *server = serve_on("127.0.0.3");
    add(&list, "127.0.0.2", hole.port);
    add(&list, "127.0.0.3", acio_server_port(server));
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &options),
        0);
    EXPECT_ELAPSED(0.05);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
    close_hole(&hole);
}

SPEC(net_happy_eyeballs, do_not_wait_behind_an_address_that_refuses, NO_LATENCY)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    acio_server *server = serve_on("127.0.0.3");
    add(&list, "127.0.0.2", 1);
    add(&list, "127.0.0.4", 1);
    add(&list, "127.0.0.3", acio_server_port(server));
    int64_t begin_ns = elapsed_ns();
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, NULL), 0);
    if (time_is_virtual())
        EXPECT_EQ(elapsed_ns() - begin_ns, 0);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

/* A port can be bound for the second address while the first one, of the same
 * family or not, is still tried from it. */
SPEC(net_happy_eyeballs, try_the_next_address_from_the_same_local_port,
    NO_LATENCY)
{
    ACIO_TIMEOUT(limit, 5);
    struct hole hole;
    struct list list = { .count = 0 };
    acio_stream *stream;
    char name[64] = ":0";
    open_hole(&hole, "127.0.0.2");
    acio_server *server = serve_on("127.0.0.3"), *other = serve_on("127.0.0.4");
    struct acio_connect_options options = { .local_port = acio_server_port(
                                                other) };
    acio_server_wait_closed(other, 1); /* nobody else has that port */
    add(&list, "127.0.0.2", hole.port);
    add(&list, "127.0.0.3", acio_server_port(server));
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &options),
        0);
    EXPECT_ELAPSED(0.25);
    EXPECT(acio_stream_sock_name(stream, name, sizeof name) > 0);
    EXPECT_EQ(atoi(strchr(name, ':') + 1), options.local_port);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
    close_hole(&hole);
}

struct widen_later_args {
    struct hole *hole;
};
static int
widen_later(void *arg)
{
    const struct widen_later_args *a = arg;
    acio_loop *loop = acio_get_running_loop();
    int err = acio_sleep(0.5);
    loop->backend->listen(loop, a->hole->fd, 8);
    return err;
}

/* At 0.5 s there is room in the first hole; there, the connect that began at 0
 * asks again after 1 s, which is before the second one does. */
SPEC_SIM(net_happy_eyeballs, let_the_older_attempts_go_on, NO_LATENCY)
{
    struct hole first, second;
    struct list list = { .count = 0 };
    acio_stream *stream;
    open_hole(&first, "127.0.0.2");
    open_hole(&second, "127.0.0.3");
    add(&list, "127.0.0.2", first.port);
    add(&list, "127.0.0.3", second.port);
    acio_task *task = acio_create_task(widen_later, .hole = &first);
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, NULL), 0);
    EXPECT_ELAPSED(1);
    expect_peer(stream, "127.0.0.2");
    acio_close(stream);
    (void)acio_await(task);
    close_hole(&first);
    close_hole(&second);
}

SPEC(net_happy_eyeballs, are_closed_by_a_negative_delay, NO_LATENCY)
{
    struct hole hole;
    struct list list = { .count = 0 };
    acio_stream *stream;
    struct acio_connect_options options = { .happy_eyeballs_delay = -1 };
    open_hole(&hole, "127.0.0.2");
    acio_server *server = serve_on("127.0.0.3");
    add(&list, "127.0.0.2", hole.port);
    add(&list, "127.0.0.3", acio_server_port(server));
    {
        ACIO_TIMEOUT(limit, 0.4);
        EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries,
                       &options),
            -ETIMEDOUT);
    }
    EXPECT_ELAPSED(0.4);
    acio_server_wait_closed(server, 1);
    close_hole(&hole);
}

/* ---- the order ---- */

static void
expect_order(int interleave, const char *wanted)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[400] = "";
    struct acio_connect_options options = { .interleave = interleave,
        .error_text = text,
        .error_text_bytes = sizeof text };
    add(&list, "::6", 1);
    add(&list, "::7", 1);
    add(&list, "::8", 1);
    add(&list, "127.0.0.4", 1);
    add(&list, "127.0.0.5", 1);
    int err = acio_open_connection_addresses(&stream, list.entries, &options);
    if (err == -ECANCELED)
        return;
    EXPECT_ERR(err, -ECONNREFUSED);
    for (const char *at = text; (at = strstr(at, ":1: ")); at++)
        note("%c", at[-1] == ']' ? at[-2] : at[-1]);
    EXPECT_NOTED(wanted);
}

SPEC_SIM(net_happy_eyeballs, let_the_families_take_turns)
{
    expect_order(0, "64758");
    expect_order(1, "64758");
}

SPEC_SIM(net_happy_eyeballs, can_begin_with_more_of_the_first_family)
{
    expect_order(2, "67485");
    expect_order(9, "67845");
}

SPEC_SIM(net_happy_eyeballs, can_keep_the_order_of_the_list)
{
    expect_order(-1, "67845");
}

/* ---- failures ---- */

SPEC(net_happy_eyeballs, tell_of_every_failure_in_the_order_of_trying)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[400] = "";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    add(&list, "127.0.0.2", 1);
    add(&list, "127.0.0.3", 1);
    add(&list, "127.0.0.4", 1);
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &options),
        -ECONNREFUSED);
    EXPECT_TEXT(text,
        "cannot connect: 127.0.0.2:1: Connection refused; "
        "127.0.0.3:1: Connection refused; 127.0.0.4:1: Connection refused");
}

SPEC(net_happy_eyeballs, tell_that_there_is_no_address_to_try)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[100] = "";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_connection_addresses(&stream, NULL, &options),
        -EINVAL);
    EXPECT_TEXT(text, "cannot connect: there is no address");
    add(&list, "127.0.0.2", 1);
    options.family = AF_INET6;
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &options),
        -EINVAL);
    EXPECT_TEXT(text, "cannot connect: there is no address of that family");
}

SPEC(net_happy_eyeballs, need_an_address_of_the_local_ones_family)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[400] = "";
    struct acio_connect_options options = { .local_host = "127.0.0.1",
        .error_text = text,
        .error_text_bytes = sizeof text };
    add(&list, "::1", 1);
    int err = acio_open_connection_addresses(&stream, list.entries, &options);
    if (err == -EAFNOSUPPORT)
        SKIP("this machine has no IPv6");
    EXPECT_ERR(err, -EADDRNOTAVAIL);
    EXPECT(strstr(text, ": [::1]:1: Cannot assign requested address"));
}

SPEC_REAL(net_happy_eyeballs, tell_that_there_are_no_more_files)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[400] = "";
    struct rlimit before, after;
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    add(&list, "127.0.0.2", 1);
    add(&list, "127.0.0.3", 1);
    getrlimit(RLIMIT_NOFILE, &before);
    after = before;
    after.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &after);
    int err = acio_open_connection_addresses(&stream, list.entries, &options);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_ERR(err, -EMFILE);
    EXPECT_TEXT(text,
        "cannot connect: 127.0.0.2:1: Too many open files; "
        "127.0.0.3:1: Too many open files");
}

SPEC(net_happy_eyeballs, tell_what_was_tried_when_the_time_was_up, NO_LATENCY)
{
    struct hole hole;
    struct list list = { .count = 0 };
    acio_stream *stream;
    char text[400] = "", wanted[400];
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    open_hole(&hole, "127.0.0.3");
    add(&list, "127.0.0.2", 1);
    add(&list, "127.0.0.3", hole.port);
    {
        ACIO_TIMEOUT(limit, 0.1);
        EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries,
                       &options),
            -ETIMEDOUT);
    }
    snprintf(wanted, sizeof wanted,
        "cannot connect: 127.0.0.2:1: Connection refused; 127.0.0.3:%d: "
        "Connection timed out",
        hole.port);
    EXPECT_TEXT(text, wanted);
    close_hole(&hole);
}

static int
note_once(void *arg)
{
    (void)arg;
    note("ran");
    return 0;
}

/* An address that cannot be tried at all is answered at once: whoever tries
 * again and again does not have the loop for himself. */
SPEC(net_happy_eyeballs, that_fail_at_once_let_others_run)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    struct acio_connect_options options = { .local_host = "::1" };
    add(&list, "127.0.0.2", 1);
    start(note_once);
    for (int i = 0; i < 1000; i++)
        EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries,
                       &options),
            -EADDRNOTAVAIL);
    EXPECT_NOTED("ran");
}

SPEC(net_happy_eyeballs, need_an_address)
{
    struct list list = { .count = 0 };
    acio_stream *stream;
    struct acio_connect_options wrong = { .family = AF_INET6 };
    EXPECT_ERR(acio_open_connection_addresses(&stream, NULL, NULL), -EINVAL);
    add(&list, "127.0.0.1", 1);
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &wrong),
        -EINVAL);
    wrong = (struct acio_connect_options){ .happy_eyeballs_delay = NAN };
    EXPECT_ERR(acio_open_connection_addresses(&stream, list.entries, &wrong),
        -EINVAL);
}

/* ---- what is left ---- */

static unsigned
sockets_open(void)
{
    struct acio_sim_stats stats = { 0 };
    if (acio_sim_stats(acio_get_running_loop(), &stats) < 0)
        return 0;
    return stats.sockets;
}

struct connect_list_args {
    struct addrinfo *list;
    double delay;
};
static int
connect_list(void *arg)
{
    const struct connect_list_args *a = arg;
    acio_stream *stream;
    struct acio_connect_options options = { .happy_eyeballs_delay = a->delay };
    int err = acio_open_connection_addresses(&stream, a->list, &options);
    acio_close(stream);
    return err;
}

SPEC(net_happy_eyeballs, cancelled_leave_no_socket, NO_LATENCY)
{
    struct hole hole;
    struct list list = { .count = 0 };
    open_hole(&hole, "127.0.0.2");
    unsigned before = sockets_open();
    add(&list, "127.0.0.2", hole.port);
    add(&list, "127.0.0.3", 1);
    acio_task *task = acio_create_task(connect_list, .list = list.entries,
        .delay = 0.01);
    (void)acio_sleep(0.05);
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_EQ(sockets_open(), before);
    close_hole(&hole);
}

/* Completions and cancels come late and in any order: more than one attempt
 * may have won before the others are called off. */
SPEC_SIM(net_happy_eyeballs, with_several_winners_leave_one_socket,
    .sim.latency_min = 0.001, .sim.latency_max = 0.004, .sim.late = 0.5,
    .sim.late_cancels = 0.5, .sim.late_max = 0.01, .sim.refusals = 0.3)
{
    struct list list = { .count = 0 };
    static const char *const hosts[] = { "127.0.0.2", "127.0.0.3", "::4",
        "::5" };
    acio_server *servers[4];
    int connected = 0;
    for (int i = 0; i < 4; i++) {
        servers[i] = serve_on(hosts[i]);
        add(&list, hosts[i], acio_server_port(servers[i]));
    }
    unsigned before = sockets_open();
    for (int i = 0; i < 200; i++) {
        acio_task *task = acio_create_task(connect_list, .list = list.entries,
            .delay = 0.001);
        if (i % 2) {
            (void)acio_sleep(0.0005 * (i % 16));
            acio_cancel(task);
        }
        connected += acio_await(task) == 0;
    }
    (void)acio_sleep(1);
    EXPECT_EQ(sockets_open(), before);
    EXPECT(connected > 100 || tortured());
    for (int i = 0; i < 4; i++)
        acio_server_wait_closed(servers[i], 1);
}
