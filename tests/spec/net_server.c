/* SPDX-License-Identifier: MIT */
/* Servers: a task for each connection, from the first to the last. */
#include "net_world.h"

#include <acio/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

SPEC(net_server, answers_many_clients_in_turn)
{
    acio_server *server = serve(echo, NULL);
    char buf[5];
    for (int i = 0; i < 20; i++) {
        acio_stream *stream = connect_to(server);
        EXPECT_ERR(say(stream, "hello"), 0);
        EXPECT_EQ(acio_readexactly(stream, buf, 5), 5);
        acio_close(stream);
    }
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC(net_server, picks_one_port_for_all_its_addresses)
{
    acio_server *server;
    char name[64], tail[16];
    EXPECT_ERR(acio_start_server(&server, echo, NULL, NULL, 0, NULL), 0);
    snprintf(tail, sizeof tail, ":%d", acio_server_port(server));
    size_t count = 0;
    while (acio_server_sock_name(server, count, name, sizeof name) > 0) {
        EXPECT_TEXT(strrchr(name, ':'), tail);
        count++;
    }
    EXPECT(count > 0);
    EXPECT_ERR(acio_server_sock_name(server, count, name, sizeof name),
        -ENOENT);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC(net_server, listens_at_several_hosts_on_one_port)
{
    static const char *const more[] = { "127.0.0.3", "127.0.0.2", NULL };
    acio_server *server;
    acio_stream *stream;
    char name[64];
    struct acio_server_options options = { .more_hosts = more };
    REQUIRE_ERR(acio_start_server(&server, echo, NULL, "127.0.0.2", 0,
                    &options),
        0);
    int port = acio_server_port(server);
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.3", port, NULL), 0);
    acio_abort(stream);
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", port, NULL),
        -ECONNREFUSED);
    EXPECT(acio_server_sock_name(server, 1, name, sizeof name) > 0);
    EXPECT_ERR(acio_server_sock_name(server, 2, name, sizeof name), -ENOENT);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC_SIM(net_server, is_told_which_of_several_hosts_has_no_address)
{
    static const char *const more[] = { "127.0.0.1", "no.such.invalid", NULL };
    acio_server *server;
    char text[200] = "";
    struct acio_server_options options = { .more_hosts = more,
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT(
        acio_start_server(&server, echo, NULL, "127.0.0.1", 0, &options) < 0);
    EXPECT(server == NULL);
    EXPECT(strstr(text, "127.0.0.1, port 0: no.such.invalid: "));
}

SPEC(net_server, is_told_that_a_port_is_taken)
{
    acio_server *server = serve(echo, NULL), *second;
    char text[200] = "";
    struct acio_server_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_start_server(&second, echo, NULL, "127.0.0.1",
                   acio_server_port(server), &options),
        -EADDRINUSE);
    EXPECT(second == NULL);
    EXPECT(strstr(text, "Address already in use"));
    acio_server_wait_closed(server, 1);
}

SPEC(net_server, needs_a_handler_and_a_port)
{
    acio_server *server;
    EXPECT_ERR(acio_start_server(&server, NULL, NULL, NULL, 0, NULL), -EINVAL);
    EXPECT_ERR(acio_start_server(&server, echo, NULL, NULL, 65536, NULL),
        -EINVAL);
    EXPECT_ERR(acio_start_server(NULL, echo, NULL, NULL, 0, NULL), -EINVAL);
}

/* ---- handlers ---- */

static int
fail(acio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    return -EIO;
}

SPEC(net_server, reports_a_handler_that_fails_and_goes_on)
{
    acio_server *server = serve(fail, NULL);
    for (int i = 0; i < 2; i++) {
        acio_stream *stream = connect_to(server);
        EXPECT_EQ(read_all(stream, NULL), 0); /* it was closed */
        acio_close(stream);
        EXPECT_REPORTED("connection: the handler of a connection failed: "
                        "Input/output error\n");
    }
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

static int
write_and_leave(acio_stream *stream, void *arg)
{
    (void)arg;
    acio_write(stream, "goodbye", 7);
    return 0;
}

SPEC(net_server, closes_the_stream_when_the_handler_has_returned)
{
    acio_server *server = serve(write_and_leave, NULL);
    acio_stream *stream = connect_to(server);
    EXPECT_EQ(read_all(stream, NULL), 7);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

static int
close_itself(acio_stream *stream, void *arg)
{
    (void)arg;
    acio_write(stream, "goodbye", 7);
    return acio_close(stream);
}

SPEC(net_server, does_not_mind_a_handler_that_closes_its_stream)
{
    acio_server *server = serve(close_itself, NULL);
    acio_stream *stream = connect_to(server);
    EXPECT_EQ(read_all(stream, NULL), 7);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

struct early {
    acio_stream *closed; /* by the first handler, long before it returns */
    acio_stream *latest; /* that the others serve */
    acio_future end;     /* of the first handler */
};

static int
close_early(acio_stream *stream, void *arg)
{
    struct early *early = arg;
    early->latest = stream;
    if (early->closed)
        return echo(stream, NULL);
    early->closed = stream;
    acio_close(stream);
    return acio_future_await(&early->end);
}

/* A handle's memory and its number come back one day, as those of another
 * connection. */
SPEC_LARGE(net_server, does_not_take_another_stream_for_one_closed_long_ago)
{
    struct early early = { .closed = NULL };
    acio_future_init(&early.end);
    acio_server *server = serve(close_early, &early);
    acio_stream *stream = connect_to(server);
    char byte;
    EXPECT_EQ(read_all(stream, NULL), 0);
    acio_close(stream);
    for (int i = 0; i < 5000; i++) {
        stream = connect_to(server);
        REQUIRE_ERR(say(stream, "x"), 0);
        REQUIRE_EQ(acio_read(stream, &byte, 1), 1);
        if (early.latest == early.closed)
            break;
        acio_close(stream);
        let_arrive();
    }
    EXPECT(early.latest == early.closed);
    acio_future_set_result(&early.end, 0);
    let_arrive();
    EXPECT_EQ(acio_server_connections(server), 1);
    EXPECT_ERR(say(stream, "y"), 0);
    EXPECT_EQ(acio_read(stream, &byte, 1), 1);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
    acio_future_close(&early.end);
}

static const acio_context_var colour = { "colour", "none" };

static int
note_colour(acio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    note("%s", (const char *)acio_context_get(&colour));
    return 0;
}

SPEC(net_server, hands_its_starters_context_to_the_handlers)
{
    acio_context_token token;
    EXPECT_ERR(acio_context_set(&colour, "green", &token), 0);
    acio_server *server = serve(note_colour, NULL);
    acio_context_reset(&token);
    acio_stream *stream = connect_to(server);
    EXPECT_EQ(read_all(stream, NULL), 0);
    EXPECT_NOTED("green");
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC(net_server, keeps_no_memory_of_connections_that_ended)
{
    acio_server *server = serve(echo, NULL);
    char byte;
    size_t blocks = 0;
    for (int i = 0; i < 60; i++) {
        if (i == 10)
            blocks = spec_heap_live();
        acio_stream *stream = connect_to(server);
        EXPECT_ERR(say(stream, "x"), 0);
        EXPECT_EQ(acio_read(stream, &byte, 1), 1);
        acio_close(stream);
        let_arrive();
    }
    EXPECT_EQ(acio_server_connections(server), 0);
    EXPECT_EQ(spec_heap_live(), blocks);
    acio_server_wait_closed(server, 1);
}

/* ---- how many ---- */

struct crowd {
    int now, most, all;
};

static int
count_and_wait(acio_stream *stream, void *arg)
{
    struct crowd *crowd = arg;
    char byte;
    crowd->all++;
    crowd->now++;
    if (crowd->most < crowd->now)
        crowd->most = crowd->now;
    ssize_t n = acio_read(stream, &byte, 1);
    crowd->now--;
    return n == -ECANCELED ? -ECANCELED : 0;
}

SPEC(net_server, serves_no_more_than_its_limit_at_once)
{
    enum { CLIENTS = 7, MOST = 2 };
    struct crowd crowd = { 0, 0, 0 };
    acio_server *server;
    acio_stream *clients[CLIENTS];
    struct acio_server_options options = { .max_connections = MOST };
    EXPECT_ERR(acio_start_server(&server, count_and_wait, &crowd, "127.0.0.1",
                   0, &options),
        0);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(server);
    let_arrive();
    EXPECT_EQ(crowd.now, MOST);
    for (int i = 0; i < CLIENTS; i++) {
        acio_close(clients[i]);
        let_arrive();
    }
    EXPECT_EQ(crowd.most, MOST);
    EXPECT_EQ(crowd.all, CLIENTS);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

/* As many as there may be files, of which each connection takes two. */
static int
possible_connections(int wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (!time_is_virtual() && limit.rlim_cur < 2 * (rlim_t)wanted + 100)
        return (int)(limit.rlim_cur - 100) / 2;
    return wanted;
}

SPEC(net_server, serves_a_thousand_connections_at_once)
{
    int count = tortured() ? 5 : possible_connections(1000);
    struct crowd crowd = { 0, 0, 0 };
    acio_server *server = serve(count_and_wait, &crowd);
    acio_stream **clients = calloc((size_t)count, sizeof *clients);
    for (int i = 0; i < count; i++)
        clients[i] = connect_to(server);
    let_arrive();
    EXPECT_EQ(crowd.now, count);
    EXPECT_EQ(acio_server_connections(server), (size_t)count);
    for (int i = 0; i < count; i++)
        acio_close(clients[i]);
    EXPECT_ERR(acio_server_wait_closed(server, 10), 0);
    EXPECT_EQ(crowd.now, 0);
    free(clients);
}

static rlim_t
next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return (rlim_t)fd;
}

SPEC(net_server, pauses_when_there_are_no_more_files_and_goes_on_later)
{
    if (time_is_virtual())
        SKIP("simulated files do not run out");
    if (spec_under_valgrind())
        SKIP("Valgrind accepts, and then closes what is beyond the limit");
    acio_server *server = serve(echo, NULL);
    struct rlimit before, after;
    getrlimit(RLIMIT_NOFILE, &before);
    after = before;
    after.rlim_cur = next_fd() + 1; /* the client's */
    setrlimit(RLIMIT_NOFILE, &after);
    acio_stream *stream = connect_to(server);
    let_arrive();
    EXPECT_REPORTED("connection: accepting connections pauses for a second: "
                    "Too many open files\n");
    setrlimit(RLIMIT_NOFILE, &before);
    char byte;
    EXPECT_ERR(say(stream, "x"), 0);
    EXPECT_EQ(acio_read(stream, &byte, 1), 1);
    EXPECT_ELAPSED(1);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

static double
processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The listener stays readable all the time; asking for it in every pass would
 * take the whole processor. */
SPEC_REAL(net_server, rests_while_there_are_no_more_files)
{
    if (spec_under_valgrind())
        SKIP("Valgrind accepts, and then closes what is beyond the limit");
    acio_server *server = serve(echo, NULL);
    struct rlimit before, after;
    getrlimit(RLIMIT_NOFILE, &before);
    after = before;
    after.rlim_cur = next_fd() + 1; /* the client's */
    setrlimit(RLIMIT_NOFILE, &after);
    acio_stream *stream = connect_to(server);
    double begin = processor_seconds();
    (void)acio_sleep(2.5);
    EXPECT(processor_seconds() - begin < 0.1);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_REPORTED("connection: accepting connections pauses for a second: "
                    "Too many open files\n"
                    "connection: accepting connections pauses for a second: "
                    "Too many open files\n"
                    "connection: accepting connections pauses for a second: "
                    "Too many open files\n");
    acio_close(stream);
    acio_server_wait_closed(server, 0);
}

/* ---- the end ---- */

static int
read_and_tell(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[8] = "";
    acio_write(stream, "goodbye", 7);
    ssize_t n;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0)
        note("[%.*s]", (int)n, buf);
    note("%s ", n < 0 ? acio_strerror((int)n) : "end");
    int err = acio_write(stream, "more", 4);
    note("%s ", acio_strerror(err));
    return 0;
}

SPEC(net_server, closes_its_clients_in_peace)
{
    acio_server *server = serve(read_and_tell, NULL);
    acio_stream *stream = connect_to(server);
    EXPECT_ERR(say(stream, "hello"), 0);
    let_arrive();
    acio_server_close(server);
    acio_server_close_clients(server);
    EXPECT_EQ(read_all(stream, NULL), 7);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "[hello]end %s ",
        acio_strerror(-ACIO_ECLOSED));
    EXPECT_NOTED(wanted);
    acio_close(stream);
}

/* To it, an end of the socket is an end that came too early. */
static int
refuse_end(struct acio_filter *filter)
{
    (void)filter;
    return -ACIO_EINCOMPLETE;
}

static int
set_strict_filter(const struct acio_security *security, acio_stream *stream,
    const struct acio_security_options *options)
{
    static const struct acio_filter_type strict = { .name = "strict",
        .received_end = refuse_end };
    static struct acio_filter filter;
    (void)security;
    (void)options;
    filter = (struct acio_filter){ .type = &strict };
    return acio_stream_set_filter(stream, &filter);
}

SPEC(net_server, closes_clients_with_a_filter_in_peace_as_well)
{
    static const struct acio_security security = { set_strict_filter };
    struct acio_server_options options = { .security = &security };
    acio_server *server;
    EXPECT_ERR(acio_start_server(&server, read_and_tell, NULL, "127.0.0.1", 0,
                   &options),
        0);
    acio_stream *stream = connect_to(server);
    let_arrive();
    acio_server_close(server);
    acio_server_close_clients(server);
    EXPECT_EQ(read_all(stream, NULL), 7);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "end %s ", acio_strerror(-ACIO_ECLOSED));
    EXPECT_NOTED(wanted);
    acio_close(stream);
}

SPEC(net_server, aborts_its_clients, .may_deadlock = true)
{
    acio_server *server = serve(read_and_tell, NULL);
    acio_stream *stream = connect_to(server);
    let_arrive();
    acio_server_abort_clients(server);
    EXPECT_EQ(read_all(stream, NULL), 7);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%s %s ", acio_strerror(-ACIO_ECLOSED),
        acio_strerror(-ACIO_ECLOSED));
    EXPECT_NOTED(wanted);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC(net_server, serves_on_when_it_has_closed_its_clients, .may_deadlock = true)
{
    acio_server *server = serve(read_and_tell, NULL);
    acio_stream *first = connect_to(server);
    let_arrive();
    acio_server_close_clients(server);
    EXPECT_EQ(read_all(first, NULL), 7);
    acio_stream *second = connect_to(server);
    char buf[7];
    EXPECT_EQ(acio_readexactly(second, buf, 7), 7);
    acio_close(first);
    acio_close(second);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
    char wanted[80];
    const char *closed = acio_strerror(-ACIO_ECLOSED);
    snprintf(wanted, sizeof wanted, "end %s end success ", closed);
    EXPECT_NOTED(wanted);
}

SPEC(net_server, closed_takes_no_more_but_serves_on)
{
    acio_server *server = serve(echo, NULL);
    int port = acio_server_port(server);
    acio_stream *stream = connect_to(server), *late;
    char buf[2], name[64];
    EXPECT_ERR(say(stream, "a"), 0);
    EXPECT_EQ(acio_readexactly(stream, buf, 1), 1);
    acio_server_close(server);
    acio_server_close(server);
    let_arrive();
    EXPECT_ERR(acio_open_connection(&late, "127.0.0.1", port, NULL),
        -ECONNREFUSED);
    EXPECT_ERR(acio_server_sock_name(server, 0, name, sizeof name), -ENOENT);
    EXPECT_EQ(acio_server_connections(server), 1);
    EXPECT_ERR(say(stream, "b"), 0);
    EXPECT_EQ(acio_readexactly(stream, buf, 1), 1);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

struct close_later_args {
    acio_stream *stream;
};
static int
close_later(void *arg)
{
    const struct close_later_args *a = arg;
    (void)acio_sleep(0.01);
    return acio_close(a->stream);
}

SPEC(net_server, without_connections_is_closed_in_no_time)
{
    acio_server *server = serve(echo, NULL);
    EXPECT_ERR(acio_server_wait_closed(server, 0), 0);
}

SPEC(net_server, waits_for_its_handlers)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream = connect_to(server);
    let_arrive();
    start(close_later, .stream = stream);
    EXPECT_ERR(acio_server_wait_closed(server, INFINITY), 0);
    EXPECT(elapsed_ns() >= 10000000);
}

static int
note_end(acio_stream *stream, void *arg)
{
    (void)arg;
    char byte;
    ssize_t n = acio_read(stream, &byte, 1);
    note("%s", acio_strerror((int)n));
    return (int)n;
}

SPEC(net_server, cancels_its_handlers_after_the_limit)
{
    acio_server *server = serve(note_end, NULL);
    acio_stream *stream = connect_to(server);
    let_arrive();
    int64_t before_ns = elapsed_ns();
    EXPECT_ERR(acio_server_wait_closed(server, 0.02), -ETIMEDOUT);
    EXPECT(elapsed_ns() >= before_ns + 20000000);
    EXPECT_NOTED("Operation canceled");
    EXPECT_EQ(read_all(stream, NULL), 0);
    acio_close(stream);
}

SPEC(net_server, is_answered_when_it_is_waited_for_again)
{
    acio_server *server = serve(echo, NULL);
    EXPECT_ERR(acio_server_wait_closed(server, NAN), -EINVAL);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
    EXPECT_ERR(acio_server_wait_closed(server, 1), -ACIO_ECLOSED);
    EXPECT_ERR(acio_serve_forever(server), -ACIO_ECLOSED);
    EXPECT_ERR(acio_server_port(server), -ACIO_ECLOSED);
    EXPECT_EQ(acio_server_connections(server), 0);
    acio_server_close(server);
    EXPECT_ERR(acio_server_wait_closed(NULL, 1), 0);
}

static int
wait_for_own_server(acio_stream *stream, void *arg)
{
    (void)stream;
    acio_server **server = arg;
    note("%s", acio_strerror(acio_server_wait_closed(*server, 1)));
    return 0;
}

SPEC(net_server, cannot_be_waited_for_by_its_handler)
{
    acio_server *server = NULL;
    server = serve(wait_for_own_server, &server);
    acio_stream *stream = connect_to(server);
    EXPECT_EQ(read_all(stream, NULL), 0);
    EXPECT_NOTED("a task cannot await itself");
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

struct serve_and_note_args {
    acio_server *server;
};
static int
serve_and_note(void *arg)
{
    const struct serve_and_note_args *a = arg;
    int err = acio_serve_forever(a->server);
    note("%s", acio_strerror(err));
    return 0;
}

SPEC(net_server, serves_until_it_is_cancelled)
{
    acio_server *server = serve(echo, NULL);
    acio_task *task = acio_create_task(serve_and_note, .server = server);
    acio_stream *stream = connect_to(server);
    char byte;
    EXPECT_ERR(say(stream, "x"), 0);
    EXPECT_EQ(acio_read(stream, &byte, 1), 1);
    acio_cancel(task);
    acio_await(task);
    EXPECT_NOTED("Operation canceled");
    EXPECT_EQ(read_all(stream, NULL), 0);
    acio_close(stream);
}

SPEC(net_server, may_be_waited_for_by_several)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream = connect_to(server);
    start(serve_and_note, .server = server);
    start(serve_and_note, .server = server);
    let_arrive();
    acio_server_close(server);
    acio_close(stream);
    let_arrive();
    EXPECT_NOTED("successsuccess");
    finish();
}

static int
forget_server(void *arg)
{
    (void)arg;
    acio_server *server = serve(echo, NULL);
    acio_stream *stream = connect_to(server);
    EXPECT_ERR(say(stream, "x"), 0);
    let_arrive();
    (void)connect_to(server); /* not even accepted */
    return 0;
}

TEST(net_server, that_nobody_waits_for_ends_with_the_run)
{
    EXPECT_ERR(spec_run(forget_server, (struct acio_args){ 0 }, NULL), 0);
}

static int
note_start(acio_stream *stream, void *arg)
{
    note("started ");
    return note_end(stream, arg);
}

struct connect_and_leave_args {
    acio_server *server;
};
static int
connect_and_leave(void *arg)
{
    const struct connect_and_leave_args *a = arg;
    (void)connect_to(a->server);
    return 0;
}

/* They come all at once: so they are accepted before one of them is served. */
static int
forget_waiting(void *arg)
{
    (void)arg;
    acio_server *server;
    struct acio_server_options options = { .max_connections = 1 };
    int err = acio_start_server(&server, note_start, NULL, "127.0.0.1", 0,
        &options);
    for (int i = 0; err == 0 && i < 4; i++)
        start(connect_and_leave, .server = server);
    let_arrive();
    let_arrive();
    return err;
}

/* Those who wait for a place are nobody's handlers yet. */
TEST(net_server, starts_no_handler_at_the_end_of_the_run)
{
    EXPECT_ERR(spec_run(forget_waiting, (struct acio_args){ 0 }, NULL), 0);
    EXPECT_NOTED("started Operation canceled");
}
