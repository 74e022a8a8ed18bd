/* SPDX-License-Identifier: MIT */
/* libcurl on the loop: what acio_curl_perform returns, and what it leaves.
 *
 * The server is one of acio, in the same loop; what it does with a request
 * depends on the path.
 */
#include <acio/curl.h>
#include <acio/server.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acio_spec.h"

enum { BIG_BYTES = 1000000 };

/* ---- a server ---- */

struct web {
    acio_server *server;
    unsigned connections; /* ever made */
    unsigned requests;
    unsigned unanswered; /* requests that get no answer, at this moment */
};

static int
answer_hello(acio_stream *stream)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    acio_write(stream, text, sizeof text - 1);
    return acio_drain(stream);
}

static char
big_byte(size_t at)
{
    return (char)(at % 251);
}

static int
answer_big(acio_stream *stream)
{
    char head[64], piece[1000];
    int n = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG_BYTES);
    acio_write(stream, head, (size_t)n);
    int err = 0;
    for (size_t at = 0; at < BIG_BYTES && err == 0; at += sizeof piece) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = big_byte(at + i);
        acio_write(stream, piece, sizeof piece);
        err = acio_drain(stream);
    }
    return err;
}

/* Ends the connection in the middle of a body. */
static int
answer_half(acio_stream *stream)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    acio_write(stream, text, sizeof text - 1);
    int err = acio_drain(stream);
    return err < 0 ? err : -ECONNABORTED;
}

static int
answer_by_reset(acio_stream *stream)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt(acio_stream_fd(stream), SOL_SOCKET, SO_LINGER, &at_once,
        sizeof at_once);
    acio_abort(stream);
    return -ECONNABORTED;
}

static int
answer_never(acio_stream *stream, struct web *web)
{
    char byte;
    web->unanswered++;
    ssize_t n = acio_read(stream, &byte, 1); /* until the client goes */
    web->unanswered--;
    return n < 0 ? (int)n : -ECONNABORTED;
}

static int
answer(acio_stream *stream, struct web *web, const char *request)
{
    web->requests++;
    if (strncmp(request, "GET /big", 8) == 0)
        return answer_big(stream);
    if (strncmp(request, "GET /half", 9) == 0)
        return answer_half(stream);
    if (strncmp(request, "GET /reset", 10) == 0)
        return answer_by_reset(stream);
    if (strncmp(request, "GET /never", 10) == 0)
        return answer_never(stream, web);
    int err = answer_hello(stream);
    bool last = strncmp(request, "GET /last", 9) == 0;
    return err == 0 && last ? -ECONNABORTED : err;
}

static int
serve(acio_stream *stream, void *arg)
{
    struct web *web = arg;
    char request[2048];
    int err = 0;
    web->connections++;
    while (err == 0) {
        ssize_t n = acio_readuntil(stream, request, sizeof request, "\r\n\r\n",
            4);
        err = n < 0 ? (int)n : answer(stream, web, request);
    }
    return 0;
}

static void
open_web(struct web *web)
{
    *web = (struct web){ 0 };
    int err = acio_start_server(&web->server, serve, web, "127.0.0.1", 0,
        &(struct acio_server_options){ .backlog = 500 });
    REQUIRE_ERR(err, 0);
}

static void
close_web(struct web *web)
{
    int err = acio_server_wait_closed(web->server, 0);
    (void)err; /* idle connections are cancelled */
}

/* ---- a client ---- */

struct client {
    CURL *easy;
    size_t bytes;
    bool wrong; /* a byte was not the one that big_byte says */
    bool pauses, paused;
};

static size_t
take(char *data, size_t size, size_t count, void *user)
{
    struct client *client = user;
    if (client->pauses && !client->paused) {
        client->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    for (size_t i = 0; i < size * count; i++)
        client->wrong |= data[i] != big_byte(client->bytes + i);
    client->bytes += size * count;
    return size * count;
}

static void
set_url(struct client *client, const struct web *web, const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s",
        acio_server_port(web->server), path);
    curl_easy_setopt(client->easy, CURLOPT_URL, url);
}

static void
open_client(struct client *client)
{
    *client = (struct client){ .easy = curl_easy_init() };
    REQUIRE(client->easy != NULL);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->easy, CURLOPT_NOPROXY, "*");
}

static void
close_client(struct client *client)
{
    curl_easy_cleanup(client->easy);
}

/* The result of one transfer with a handle of its own. */
static int
get(const struct web *web, const char *path)
{
    struct client client;
    open_client(&client);
    set_url(&client, web, path);
    int err = acio_curl_perform(client.easy);
    close_client(&client);
    return err;
}

struct get_later_args {
    const struct web *web;
    const char *path;
};

static int
get_later(void *arg)
{
    struct get_later_args *a = arg;
    return get(a->web, a->path);
}

struct perform_args {
    CURL *easy;
};

static int
perform(void *arg)
{
    return acio_curl_perform(((struct perform_args *)arg)->easy);
}

static void
wait_until(const unsigned *count, unsigned wanted)
{
    for (int i = 0; i < 5000 && *count != wanted; i++) {
        int err = acio_sleep(0.001);
        REQUIRE_ERR(err, 0);
    }
    EXPECT_EQ(*count, wanted);
}

/* ---- results ---- */

SPEC(curl, fetches_a_body)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/big");

    int err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(client.bytes, (size_t)BIG_BYTES);
    EXPECT(!client.wrong);

    close_client(&client);
    close_web(&web);
}

SPEC(curl, tells_what_connect_has_answered)
{
    struct web web;
    open_web(&web);
    struct client client;
    open_client(&client);
    set_url(&client, &web, "/");
    close_web(&web);

    int err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, -ECONNREFUSED);
    close_client(&client);
}

SPEC(curl, tells_an_unknown_host_as_getaddrinfo_does)
{
    struct client client;
    open_client(&client);
    curl_easy_setopt(client.easy, CURLOPT_URL, "http://no.such.invalid/");

    int err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, -(ACIO_EAI_BASE - EAI_NONAME));
    close_client(&client);
}

SPEC(curl, tells_other_errors_by_the_code_of_curl)
{
    struct web web;
    open_web(&web);
    int err = get(&web, "/half");
    EXPECT_ERR(err, -(ACIO_ECURL_BASE + CURLE_PARTIAL_FILE));
    EXPECT_TEXT(acio_strerror(err), curl_easy_strerror(CURLE_PARTIAL_FILE));
    err = get(&web, "/reset");
    EXPECT_ERR(err, -(ACIO_ECURL_BASE + CURLE_RECV_ERROR));
    close_web(&web);
}

SPEC(curl, tells_a_limit_set_in_curl_as_a_timeout)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/never");
    curl_easy_setopt(client.easy, CURLOPT_TIMEOUT_MS, 50L);
    {
        ACIO_TIMEOUT(limit, 60);
        int err = acio_curl_perform(client.easy);
        EXPECT_ERR(err, -ETIMEDOUT);
        EXPECT(!acio_timeout_expired(&limit));
    }
    close_client(&client);
    close_web(&web);
}

TEST(curl, has_a_sentence_for_every_error)
{
    EXPECT_TEXT(acio_strerror(-(ACIO_ECURL_BASE + CURLE_GOT_NOTHING)),
        curl_easy_strerror(CURLE_GOT_NOTHING));
    EXPECT_TEXT(acio_curl_strerror(-EPERM), acio_strerror(-EPERM));
    EXPECT_TEXT(acio_curl_strerror(-ACIO_ECLOSED),
        acio_strerror(-ACIO_ECLOSED));
    EXPECT_TEXT(acio_curl_strerror(0), acio_strerror(0));
    EXPECT_TEXT(acio_curl_strerror(ACIO_ECURL_BASE + CURLE_SSL_CONNECT_ERROR),
        curl_easy_strerror(CURLE_SSL_CONNECT_ERROR));
}

/* ---- misuse ---- */

TEST(curl, is_refused_outside_of_a_task)
{
    CURL *easy = curl_easy_init();
    EXPECT_ERR(acio_curl_perform(easy), -ACIO_ENOTASK);
    curl_easy_cleanup(easy);
}

static int
perform_nothing(void *arg)
{
    (void)arg;
    CURL *easy = curl_easy_init();
    int err = acio_curl_perform(easy);
    EXPECT_ERR(err, -EOPNOTSUPP);
    curl_easy_cleanup(easy);
    return 0;
}

TEST(curl, is_refused_on_the_simulator)
{
    int err = acio_run_with(perform_nothing, (struct acio_args){ 0 },
        &(struct acio_run_options){ .backend = "sim" });
    EXPECT_ERR(err, 0);
}

SPEC(curl, refuses_no_handle)
{
    int err = acio_curl_perform(NULL);
    EXPECT_ERR(err, -EINVAL);
}

SPEC(curl, refuses_a_handle_that_is_in_a_transfer)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/never");
    acio_task *task = acio_create_task(perform, .easy = client.easy);
    wait_until(&web.unanswered, 1);

    int err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, -EBUSY);
    EXPECT(!acio_task_done(task));

    acio_cancel(task);
    err = acio_await(task);
    EXPECT_ERR(err, -ECANCELED);
    close_client(&client);
    close_web(&web);
}

/* ---- interruption ---- */

SPEC(curl, is_cancelled_and_lets_the_handle_be_used_again)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/never");
    acio_task *task = acio_create_task(perform, .easy = client.easy);
    wait_until(&web.unanswered, 1);

    acio_cancel(task);
    int err = acio_await(task);
    EXPECT_ERR(err, -ECANCELED);
    wait_until(&web.unanswered, 0); /* the connection was closed */

    set_url(&client, &web, "/big");
    err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(client.bytes, (size_t)BIG_BYTES);
    close_client(&client);
    close_web(&web);
}

SPEC(curl, times_out_by_a_scope_and_lets_the_handle_be_used_again)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/never");
    int err;
    {
        ACIO_TIMEOUT(limit, 0.05);
        err = acio_curl_perform(client.easy);
        EXPECT_ERR(err, -ETIMEDOUT);
        EXPECT(acio_timeout_expired(&limit));
    }
    set_url(&client, &web, "/hello");
    err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(client.bytes, 5U);
    close_client(&client);
    close_web(&web);
}

SPEC(curl, does_nothing_in_a_task_that_is_cancelled_already)
{
    struct web web;
    open_web(&web);
    int err;
    {
        ACIO_TIMEOUT(limit, 0);
        err = get(&web, "/hello");
    }
    EXPECT_ERR(err, -ETIMEDOUT);
    settle();
    EXPECT_EQ(web.requests, 0U);
    close_web(&web);
}

SPEC(curl, is_cancelled_by_its_group)
{
    struct web web;
    open_web(&web);
    int err;
    {
        ACIO_GROUP(group);
        for (int i = 0; i < 20; i++)
            acio_group_create_task(&group, get_later, .web = &web,
                .path = "/never");
        wait_until(&web.unanswered, 20);
        acio_group_create_task(&group, get_later, .web = &web, .path = "/half");
        err = acio_group_wait(&group);
    }
    EXPECT_ERR(err, -(ACIO_ECURL_BASE + CURLE_PARTIAL_FILE));
    wait_until(&web.unanswered, 0);
    close_web(&web);
}

struct return_early_args {
    struct web *web;
};

static int
return_early(void *arg)
{
    struct return_early_args *a = arg;
    open_web(a->web);
    start(get_later, .web = a->web, .path = "/hello");
    start(get_later, .web = a->web, .path = "/never");
    wait_until(&a->web->unanswered, 1);
    return 0;
}

TEST(curl, leaves_nothing_when_the_loop_ends_in_the_middle)
{
    struct web web;
    int err = spec_run(return_early, ACIO_ARGS(return_early, .web = &web),
        NULL);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(web.unanswered, 0U);
}

/* ---- names ---- */

static sem_t resolver_may_go_on;

/* Stands in front of the C library's: this one name takes as long as the test
 * wants. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
    typedef int resolver(const char *, const char *, const struct addrinfo *,
        struct addrinfo **);
    resolver *real = NULL;
    if (node && strcmp(node, "slow.invalid") == 0) {
        while (sem_wait(&resolver_may_go_on) < 0) {
        }
        return EAI_NONAME;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real ? real(node, service, hints, out) : EAI_SYSTEM;
}

static size_t
count_threads(void)
{
    size_t count = 0;
    DIR *threads = opendir("/proc/self/task");
    REQUIRE(threads != NULL);
    while (readdir(threads))
        count++;
    closedir(threads);
    return count;
}

/* curl leaves its thread behind, which still has a socket to close. */
static void
let_resolver_end(size_t threads_before)
{
    sem_post(&resolver_may_go_on);
    for (int i = 0; i < 5000 && count_threads() > threads_before; i++) {
        int err = acio_sleep(0.001);
        REQUIRE_ERR(err, 0);
    }
}

SPEC(curl, does_not_wait_for_a_name_after_a_cancel)
{
    struct client client;
    size_t threads_before = count_threads();
    sem_init(&resolver_may_go_on, 0, 0);
    open_client(&client);
    curl_easy_setopt(client.easy, CURLOPT_URL, "http://slow.invalid/");
    int err;
    {
        ACIO_TIMEOUT(limit, 0.05);
        err = acio_curl_perform(client.easy);
    }
    EXPECT_ERR(err, -ETIMEDOUT);
    close_client(&client);
    let_resolver_end(threads_before);
}

/* ---- many ---- */

SPEC(curl, runs_many_transfers_at_once)
{
    enum { COUNT = 300 };
    struct web web;
    open_web(&web);
    int err;
    {
        ACIO_GROUP(group);
        for (int i = 0; i < COUNT; i++)
            acio_group_create_task(&group, get_later, .web = &web,
                .path = "/hello");
        err = acio_group_wait(&group);
    }
    EXPECT_ERR(err, 0);
    EXPECT_EQ(web.requests, (unsigned)COUNT);
    close_web(&web);
}

SPEC(curl, uses_a_connection_again)
{
    struct web web;
    open_web(&web);
    for (int i = 0; i < 10; i++) {
        int err = get(&web, "/hello");
        EXPECT_ERR(err, 0);
    }
    EXPECT_EQ(web.requests, 10U);
    EXPECT_EQ(web.connections, 1U);
    close_web(&web);
}

struct get_often_args {
    const struct web *web;
    int times;
};

static int
get_often(void *arg)
{
    struct get_often_args *a = arg;
    int err = 0;
    for (int i = 0; i < a->times && err == 0; i++)
        err = get(a->web, i % 3 ? "/last" : "/big");
    return err;
}

/* curl closes its fds, and the kernel gives their numbers to the next ones,
 * of the client and of the server. */
SPEC(curl, tells_fds_of_the_same_number_apart)
{
    struct web web;
    open_web(&web);
    int err;
    {
        ACIO_GROUP(group);
        for (int i = 0; i < 20; i++)
            acio_group_create_task(&group, get_often, .web = &web, .times = 9);
        err = acio_group_wait(&group);
    }
    EXPECT_ERR(err, 0);
    EXPECT_EQ(web.requests, 20U * 9U);
    close_web(&web);
}

/* ---- the handle is the caller's ---- */

SPEC(curl, leaves_the_private_pointer_alone)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    set_url(&client, &web, "/hello");
    curl_easy_setopt(client.easy, CURLOPT_PRIVATE, &web);
    int err = acio_curl_perform(client.easy);
    EXPECT_ERR(err, 0);
    void *private = NULL;
    curl_easy_getinfo(client.easy, CURLINFO_PRIVATE, &private);
    EXPECT(private == &web);
    close_client(&client);
    close_web(&web);
}

SPEC(curl, goes_on_when_a_task_ends_a_pause)
{
    struct web web;
    struct client client;
    open_web(&web);
    open_client(&client);
    client.pauses = true;
    set_url(&client, &web, "/big");
    acio_task *task = acio_create_task(perform, .easy = client.easy);
    for (int i = 0; i < 5000 && !client.paused; i++) {
        int err = acio_sleep(0.001);
        REQUIRE_ERR(err, 0);
    }
    settle();
    EXPECT(!acio_task_done(task));
    EXPECT_EQ(client.bytes, 0U);

    curl_easy_pause(client.easy, CURLPAUSE_CONT);
    int err = acio_await(task);
    EXPECT_ERR(err, 0);
    EXPECT_EQ(client.bytes, (size_t)BIG_BYTES);
    EXPECT(!client.wrong);
    close_client(&client);
    close_web(&web);
}
