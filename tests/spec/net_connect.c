/* SPDX-License-Identifier: MIT */
/* Connecting: names, addresses, and what goes wrong. */
#include "net_world.h"

#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "name_service.h"

static const char *
name_of_both(void)
{
    return time_is_virtual() ? "localhost" : "two.test";
}

/* ---- names ---- */

SPEC(net_connect, tells_of_a_name_that_nobody_has)
{
    acio_stream *stream = (acio_stream *)"not touched";
    char text[200];
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_open_connection(&stream, "none.test", 80, &options);
    EXPECT_ERR(err, -(ACIO_EAI_BASE - EAI_NONAME));
    EXPECT(stream == NULL);
    EXPECT_TEXT(text, "cannot connect to none.test, port 80: no such host");
}

SPEC(net_connect, tries_one_address_after_the_other)
{
    acio_server *server = serve(echo, NULL); /* at 127.0.0.1 alone */
    acio_stream *stream;
    char name[64] = "";
    EXPECT_ERR(acio_open_connection(&stream, name_of_both(),
                   acio_server_port(server), NULL),
        0);
    EXPECT(acio_stream_peer_name(stream, name, sizeof name) > 0);
    EXPECT_EQ(strncmp(name, "127.0.0.1:", 10), 0);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_connect, names_each_address_that_failed)
{
    acio_stream *stream;
    char text[300] = "";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_open_connection(&stream, name_of_both(), 1, &options);
    EXPECT_ERR(err, -ECONNREFUSED);
    EXPECT(strstr(text, "[::1]:1: "));
    EXPECT(strstr(text, "; 127.0.0.1:1: Connection refused"));
}

SPEC(net_connect, cuts_a_sentence_that_does_not_fit)
{
    acio_stream *stream;
    char text[10];
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_open_connection(&stream, "127.0.0.1", 1, &options);
    EXPECT_ERR(err, -ECONNREFUSED);
    EXPECT_TEXT(text, "cannot co");
}

SPEC(net_connect, to_nobody_is_to_this_machine)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream;
    EXPECT_ERR(acio_open_connection(&stream, NULL, acio_server_port(server),
                   NULL),
        0);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_connect, can_be_told_the_family)
{
    acio_stream *stream;
    struct acio_connect_options options = { .family = AF_INET6 };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", 1, &options),
        -(ACIO_EAI_BASE - EAI_NONAME));
}

SPEC(net_connect, can_come_from_an_address)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream;
    char name[64] = "";
    struct acio_connect_options options = { .local_host = "127.0.0.2" };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1",
                   acio_server_port(server), &options),
        0);
    EXPECT(acio_stream_sock_name(stream, name, sizeof name) > 0);
    EXPECT_EQ(strncmp(name, "127.0.0.2:", 10), 0);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_connect, works_with_ipv6)
{
    acio_server *server;
    acio_stream *stream;
    char name[64] = "";
    int err = acio_start_server(&server, echo, NULL, "::1", 0, NULL);
    if (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT)
        SKIP("this machine has no IPv6");
    EXPECT_ERR(err, 0);
    EXPECT_ERR(acio_open_connection(&stream, "::1", acio_server_port(server),
                   NULL),
        0);
    EXPECT(acio_stream_peer_name(stream, name, sizeof name) > 0);
    EXPECT_EQ(strncmp(name, "[::1]:", 6), 0);
    char buf[2];
    EXPECT_ERR(say(stream, "hi"), 0);
    EXPECT_EQ(acio_readexactly(stream, buf, 2), 2);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_connect, refuses_a_port_that_is_none)
{
    acio_stream *stream;
    char text[40] = "of an earlier call";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", -1, &options),
        -EINVAL);
    EXPECT_TEXT(text, "");
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", 65536, NULL),
        -EINVAL);
    EXPECT_ERR(acio_open_connection(NULL, "127.0.0.1", 1, NULL), -EINVAL);
}

TEST(net_connect, needs_a_task)
{
    acio_stream *stream;
    EXPECT_ERR(acio_open_connection(&stream, "127.0.0.1", 1, NULL),
        -ACIO_ENOTASK);
}

/* ---- leaving early ---- */

struct connect_and_note_args {
    const char *host;
    int port;
};
static int
connect_and_note(void *arg)
{
    const struct connect_and_note_args *a = arg;
    acio_stream *stream;
    int err = acio_open_connection(&stream, a->host, a->port, NULL);
    note("%s", err < 0 ? acio_strerror(err) : "connected");
    if (err == 0)
        acio_close(stream);
    return err;
}

static void
require_threads(void)
{
    if (time_is_virtual())
        SKIP("on the simulator no thread looks names up");
}

/* The thread has the question, and will not answer before it is let. */
static acio_task *
start_slow_connect(void)
{
    acio_task *task = acio_create_task(connect_and_note, .host = "slow.test",
        .port = 1);
    settle();
    name_service_wait_asked(task);
    return task;
}

SPEC(net_connect, cancelled_while_a_name_is_looked_up_leaves_at_once)
{
    require_threads();
    acio_task *task = start_slow_connect();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("Operation canceled");
    name_service_answer(); /* the answer comes, and is dropped */
    settle();
}

SPEC(net_connect, goes_on_when_a_slow_name_is_answered)
{
    require_threads();
    acio_task *task = start_slow_connect();
    EXPECT_NOTED("");
    name_service_answer();
    EXPECT_ERR(acio_await(task), -ECONNREFUSED);
    EXPECT_NOTED("Connection refused");
}

/* The main task is about to return, and the loop to be closed. */
static sem_t left;

static void *
go_on_soon(void *arg)
{
    (void)arg;
    sem_wait(&left);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    name_service_answer();
    return NULL;
}

static int
look_up_and_leave(void *arg)
{
    (void)arg;
    acio_task *task = start_slow_connect();
    acio_cancel(task);
    int err = acio_await(task);
    sem_post(&left);
    return err;
}

TEST(net_connect, whose_answer_comes_when_the_loop_is_closing_leaks_nothing)
{
    pthread_t thread;
    const char *backend = getenv("ACIO_BACKEND");
    if (!backend || strcmp(backend, "sim") == 0)
        SKIP("on the simulator no thread looks names up");
    sem_init(&left, 0, 0);
    pthread_create(&thread, NULL, go_on_soon, NULL);
    EXPECT_ERR(acio_run(look_up_and_leave), -ECANCELED);
    sem_post(&left); /* there may have been no run */
    pthread_join(thread, NULL);
}

SPEC_SIM(net_connect, can_be_given_a_time_limit_for_names, .sim.latency_min = 5,
    .sim.latency_max = 5)
{
    acio_stream *stream;
    ACIO_TIMEOUT(limit, 1);
    EXPECT_ERR(acio_open_connection(&stream, "localhost", 1, NULL), -ETIMEDOUT);
    EXPECT_ELAPSED(1);
}

static int
hold_forever(acio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    return acio_sleep(1e6);
}

SPEC(net_connect, cancelled_before_there_is_an_answer_leaves_nothing)
{
    enum { COUNT = 8 };
    acio_server *server;
    acio_task *tasks[COUNT];
    struct acio_server_options options = { .backlog = 1, .max_connections = 1 };
    int port = 0, cancelled = 0;
    EXPECT_ERR(acio_start_server(&server, hold_forever, NULL, "127.0.0.1", 0,
                   &options),
        0);
    port = acio_server_port(server);
    for (int i = 0; i < COUNT; i++) {
        tasks[i] = acio_create_task(connect_and_note, .host = "127.0.0.1",
            .port = port);
        let_arrive();
    }
    for (int i = 0; i < COUNT; i++) {
        acio_cancel(tasks[i]);
        cancelled += acio_await(tasks[i]) == -ECANCELED;
    }
    EXPECT(cancelled > 0); /* those for whom the backlog had no room */
    acio_server_wait_closed(server, 0);
    char wanted[512] = "";
    for (int i = 0; i < COUNT; i++)
        strcat(wanted,
            i < COUNT - cancelled ? "connected" : "Operation canceled");
    EXPECT_NOTED(wanted);
}
