/* SPDX-License-Identifier: MIT */
/* Look-ups of one's own: names, services, and a name service that hangs. */
#include "net_world.h"

#include <acio/dns.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "name_service.h"

static const struct addrinfo stream_hints = { .ai_socktype = SOCK_STREAM };

/* ---- addresses ---- */

SPEC(net_dns, tells_digits_at_once)
{
    struct addrinfo *list;
    EXPECT_ERR(acio_getaddrinfo(&list, "127.0.0.1", "80", &stream_hints), 0);
    EXPECT(list && !list->ai_next);
    const struct sockaddr_in *in = list ? (void *)list->ai_addr : NULL;
    if (in) {
        EXPECT_EQ(in->sin_family, AF_INET);
        EXPECT_EQ(ntohs(in->sin_port), 80);
        EXPECT_EQ(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
        freeaddrinfo(list);
    }
}

SPEC(net_dns, finds_the_addresses_of_a_name_and_they_can_be_connected_to)
{
    acio_server *server = serve(echo, NULL);
    acio_stream *stream;
    struct addrinfo *list;
    char port[8];
    snprintf(port, sizeof port, "%d", acio_server_port(server));
    EXPECT_ERR(acio_getaddrinfo(&list, "localhost", port, &stream_hints), 0);
    if (list) {
        EXPECT_ERR(acio_open_connection_addresses(&stream, list, NULL), 0);
        acio_close(stream);
        freeaddrinfo(list);
    }
    acio_server_wait_closed(server, 1);
}

SPEC(net_dns, knows_services_by_name)
{
    struct addrinfo *list;
    int err = acio_getaddrinfo(&list, "localhost", "no-such-service",
        &stream_hints);
    EXPECT_ERR(err, -(ACIO_EAI_BASE - EAI_SERVICE));
    EXPECT(list == NULL);
}

SPEC(net_dns, tells_that_nobody_has_a_name)
{
    struct addrinfo *list = (void *)"not touched";
    EXPECT_ERR(acio_getaddrinfo(&list, "none.test", NULL, NULL),
        -(ACIO_EAI_BASE - EAI_NONAME));
    EXPECT(list == NULL);
}

SPEC(net_dns, needs_something_to_look_for)
{
    struct addrinfo *list;
    EXPECT_ERR(acio_getaddrinfo(&list, NULL, NULL, NULL), -EINVAL);
    EXPECT_ERR(acio_getaddrinfo(NULL, "localhost", NULL, NULL), -EINVAL);
}

TEST(net_dns, needs_a_task)
{
    struct addrinfo *list;
    const struct sockaddr_in none = { .sin_family = AF_INET };
    struct acio_names names = { .host = NULL };
    EXPECT_ERR(acio_getaddrinfo(&list, "localhost", NULL, NULL), -ACIO_ENOTASK);
    EXPECT_ERR(acio_getnameinfo((const void *)&none, sizeof none, &names, 0),
        -ACIO_ENOTASK);
}

/* ---- names ---- */

static int
ask_names(const char *digits, int port, struct acio_names *names, int flags)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, digits, &in.sin_addr);
    return acio_getnameinfo((struct sockaddr *)&in, sizeof in, names, flags);
}

SPEC(net_dns, tells_an_address_in_digits)
{
    char host[20] = "", service[8] = "";
    struct acio_names names = { host, sizeof host, service, sizeof service };
    EXPECT_ERR(ask_names("192.0.2.1", 80, &names,
                   NI_NUMERICHOST | NI_NUMERICSERV),
        0);
    EXPECT_TEXT(host, "192.0.2.1");
    EXPECT_TEXT(service, "80");
}

SPEC(net_dns, finds_the_name_of_an_address)
{
    char host[100] = "";
    struct acio_names names = { .host = host, .host_bytes = sizeof host };
    EXPECT_ERR(ask_names("127.0.0.1", 0, &names, NI_NAMEREQD), 0);
    EXPECT_TEXT(host, "localhost");
}

SPEC(net_dns, tells_a_name_only_where_there_is_room_for_it)
{
    char host[4] = "";
    struct acio_names names = { .host = host, .host_bytes = sizeof host };
    EXPECT_ERR(ask_names("127.0.0.1", 0, &names, NI_NAMEREQD),
        -(ACIO_EAI_BASE - EAI_OVERFLOW));
}

SPEC_SIM(net_dns, can_insist_on_a_name)
{
    char host[20] = "";
    struct acio_names names = { .host = host, .host_bytes = sizeof host };
    EXPECT_ERR(ask_names("192.0.2.1", 0, &names, NI_NAMEREQD),
        -(ACIO_EAI_BASE - EAI_NONAME));
    EXPECT_ERR(ask_names("192.0.2.1", 0, &names, 0), 0);
    EXPECT_TEXT(host, "192.0.2.1");
}

/* ---- a name service that hangs ---- */

static int
ask_slow(void *arg)
{
    (void)arg;
    struct addrinfo *list;
    int err = acio_getaddrinfo(&list, "slow.test", NULL, &stream_hints);
    if (list)
        freeaddrinfo(list);
    note("%s ", err ? "error" : "answer");
    return err;
}

/* `count` threads have the question, and will not answer before they are let.
 */
static void
start_slow(acio_task **tasks, int count)
{
    for (int i = 0; i < count; i++)
        tasks[i] = acio_create_task(ask_slow);
    settle();
    for (int i = 0; i < count; i++)
        name_service_wait_asked(tasks[i]);
}

static void
cancel_all(acio_task **tasks, int count)
{
    for (int i = 0; i < count; i++) {
        acio_cancel(tasks[i]);
        EXPECT_ERR(acio_await(tasks[i]), -ECANCELED);
    }
}

SPEC_REAL(net_dns, left_early_is_left_at_once)
{
    acio_task *task;
    start_slow(&task, 1);
    cancel_all(&task, 1);
    EXPECT_NOTED("error ");
    name_service_answer();
}

SPEC_REAL(net_dns, that_hangs_does_not_hold_up_others)
{
    enum { COUNT = 40 }; /* more than there are threads */
    acio_task *tasks[COUNT];
    struct addrinfo *list;
    for (int i = 0; i < COUNT; i += 8) {
        start_slow(tasks + i, 8);
        cancel_all(tasks + i, 8);
    }
    EXPECT_ERR(acio_getaddrinfo(&list, "two.test", NULL, &stream_hints), 0);
    freeaddrinfo(list);
    for (int i = 0; i < COUNT; i++)
        name_service_answer();
    (void)acio_sleep(0.01);
    EXPECT_NOTED("error error error error error error error error "
                 "error error error error error error error error "
                 "error error error error error error error error "
                 "error error error error error error error error "
                 "error error error error error error error error ");
}

SPEC_REAL(net_dns, waits_for_a_thread_when_all_are_busy)
{
    enum { THREADS = 16 };
    acio_task *tasks[THREADS + 1];
    start_slow(tasks, THREADS);
    tasks[THREADS] = acio_create_task(ask_slow);
    settle();
    cancel_all(tasks, 1); /* makes room for another thread */
    name_service_wait_asked(tasks[THREADS]);
    for (int i = 0; i < THREADS + 1; i++)
        name_service_answer();
    for (int i = 1; i < THREADS + 1; i++)
        EXPECT_ERR(acio_await(tasks[i]), 0);
    EXPECT_NOTED("error answer answer answer answer answer answer answer "
                 "answer answer answer answer answer answer answer answer "
                 "answer ");
}

SPEC_REAL(net_dns, is_not_asked_for_what_nobody_waits_for_any_more)
{
    enum { THREADS = 16 };
    acio_task *tasks[THREADS + 2];
    start_slow(tasks, THREADS);
    tasks[THREADS] = acio_create_task(ask_slow);
    tasks[THREADS + 1] = acio_create_task(ask_slow);
    settle();
    cancel_all(tasks + THREADS, 2); /* no thread has taken them */
    for (int i = 0; i < THREADS + 2; i++)
        name_service_answer(); /* or two have, if others had no memory */
    for (int i = 0; i < THREADS; i++)
        EXPECT_ERR(acio_await(tasks[i]), 0);
    EXPECT_NOTED("error error answer answer answer answer answer answer answer "
                 "answer answer answer answer answer answer answer answer "
                 "answer ");
}

struct ask_two_args {
    int *answers;
};
static int
ask_two(void *arg)
{
    const struct ask_two_args *a = arg;
    struct addrinfo *list;
    int err = acio_getaddrinfo(&list, "two.test", NULL, &stream_hints);
    if (err < 0)
        return err;
    *a->answers += list && list->ai_next && !list->ai_next->ai_next;
    freeaddrinfo(list);
    return 0;
}

/* Cancels come before a thread has the question, while it has it, and when the
 * answer is on its way. */
SPEC_REAL(net_dns, answers_and_cancels_may_meet)
{
    enum { ROUNDS = 60, AT_ONCE = 24 };
    int answers = 0, awaited = 0;
    for (int round = 0; round < ROUNDS; round++) {
        acio_task *tasks[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            tasks[i] = acio_create_task(ask_two, .answers = &answers);
        for (int i = 0; i < round % 7; i++)
            (void)acio_sleep(0.00005 * (round % 5));
        for (int i = 0; i < AT_ONCE; i += 2)
            acio_cancel(tasks[i]);
        for (int i = 0; i < AT_ONCE; i++)
            awaited += acio_await(tasks[i]) == 0;
    }
    EXPECT_EQ(answers, awaited);
    EXPECT(awaited >= ROUNDS * AT_ONCE / 2);
}

static int
ask_and_leave(void *arg)
{
    (void)arg;
    acio_task *tasks[3];
    start_slow(tasks, 3);
    acio_cancel(tasks[0]); /* the run's end cancels the others */
    return 7;
}

TEST(net_dns, that_hangs_does_not_keep_the_loop_from_closing)
{
    const char *backend = getenv("ACIO_BACKEND");
    if (!backend || strcmp(backend, "sim") == 0)
        SKIP("on the simulator no thread looks names up");
    /* the threads are let go only after the run: had it waited for them, it
     * would never have come to its end */
    EXPECT_ERR(acio_run(ask_and_leave), 7);
    for (int i = 0; i < 3; i++)
        name_service_answer(); /* now each thread frees its question */
}
