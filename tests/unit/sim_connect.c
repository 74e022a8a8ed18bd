/* SPDX-License-Identifier: MIT */
/* Simulated addresses: who is bound where, connect and accept. */
#include <stddef.h>
#include <sys/un.h>

#include "sim_world.h"

static int
bind_to(acio_loop *loop, int fd, const char *address, unsigned port)
{
    struct sockaddr_in in = ipv4(address, port);
    return loop->backend->bind(loop, fd, (struct sockaddr *)&in, sizeof in);
}

static void
start_connect(acio_loop *loop, int fd, struct sockaddr_in *to,
    struct call *call)
{
    acio_op_connect(&call->op, fd, (struct sockaddr *)to, sizeof *to);
    sim_submit(loop, call);
}

static ssize_t
connect_now(acio_loop *loop, int fd, const char *address, unsigned port)
{
    struct sockaddr_in to = ipv4(address, port);
    struct call call = { 0 };
    start_connect(loop, fd, &to, &call);
    sim_settle(loop);
    return call.result;
}

static ssize_t
accept_now(acio_loop *loop, int listener)
{
    struct call call = { 0 };
    acio_op_accept(&call.op, listener, NULL, NULL);
    sim_submit(loop, &call);
    sim_settle(loop);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    return call.result;
}

static unsigned
port_of(acio_loop *loop, int fd)
{
    struct sockaddr_in in = { 0 };
    socklen_t length = sizeof in;
    loop->backend->getsockname(loop, fd, (struct sockaddr *)&in, &length);
    return ntohs(in.sin_port);
}

static void
set_option(acio_loop *loop, int fd, int level, int name, int value)
{
    EXPECT_EQ(loop->backend->setsockopt(loop, fd, level, name, &value,
                  sizeof value),
        0);
}

static int
get_option(acio_loop *loop, int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int err = loop->backend->getsockopt(loop, fd, level, name, &value, &length);
    return err < 0 ? err : value;
}

/* ---- names ---- */

TEST(sim_connect, a_port_can_be_bound_once)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int a = stream_socket(loop), b = stream_socket(loop);
    EXPECT_EQ(bind_to(loop, a, "127.0.0.1", 80), 0);
    EXPECT_ERR(bind_to(loop, b, "127.0.0.1", 80), -EADDRINUSE);
    EXPECT_ERR(bind_to(loop, b, "0.0.0.0", 80), -EADDRINUSE);
    EXPECT_EQ(bind_to(loop, b, "192.0.2.1", 80), 0);
    EXPECT_ERR(bind_to(loop, b, "192.0.2.1", 81), -EINVAL);
    acio_loop_close(loop);
}

TEST(sim_connect, a_port_is_free_again_after_the_close)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int a = listen_at(loop, 80);
    EXPECT_EQ(acio_loop_close_fd(loop, a), 0);
    int b = stream_socket(loop);
    EXPECT_EQ(bind_to(loop, b, "127.0.0.1", 80), 0);
    acio_loop_close(loop);
}

TEST(sim_connect, port_0_stands_for_the_next_free_one)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int a = listen_at(loop, 0), b = listen_at(loop, 0);
    EXPECT_EQ(port_of(loop, a), 32768u);
    EXPECT_EQ(port_of(loop, b), 32769u);
    acio_loop_close(loop);
}

TEST(sim_connect, a_port_can_be_shared_by_those_who_agree)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int a = stream_socket(loop), b = stream_socket(loop);
    set_option(loop, a, SOL_SOCKET, SO_REUSEPORT, 1);
    EXPECT_EQ(bind_to(loop, a, "127.0.0.1", 80), 0);
    EXPECT_ERR(bind_to(loop, b, "127.0.0.1", 80), -EADDRINUSE);
    set_option(loop, b, SOL_SOCKET, SO_REUSEPORT, 1);
    EXPECT_EQ(bind_to(loop, b, "127.0.0.1", 80), 0);
    acio_loop_close(loop);
}

TEST(sim_connect, an_address_of_another_family_is_refused)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int fd = loop->backend->socket(loop, AF_INET6, SOCK_STREAM, 0);
    EXPECT_ERR(bind_to(loop, fd, "127.0.0.1", 80), -EAFNOSUPPORT);
    EXPECT_ERR(loop->backend->socket(loop, AF_INET, SOCK_RAW, 0),
        -ESOCKTNOSUPPORT);
    acio_loop_close(loop);
}

TEST(sim_connect, a_connection_has_a_name_at_either_end)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in from = { 0 }, peer = { 0 };
    socklen_t from_length = sizeof from, peer_length = sizeof peer;
    struct call accepting = { 0 };
    int listener = listen_at(loop, 80), client = stream_socket(loop);
    acio_op_accept(&accepting.op, listener, (struct sockaddr *)&from,
        &from_length);
    sim_submit(loop, &accepting);
    EXPECT_EQ(connect_now(loop, client, "127.0.0.1", 80), 0);
    EXPECT_EQ(from_length, sizeof from);
    EXPECT_EQ(ntohs(from.sin_port), port_of(loop, client));
    EXPECT_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    EXPECT_EQ(port_of(loop, (int)accepting.result), 80u);
    loop->backend->getpeername(loop, client, (struct sockaddr *)&peer,
        &peer_length);
    EXPECT_EQ(ntohs(peer.sin_port), 80u);
    EXPECT_ERR(loop->backend->getpeername(loop, listener,
                   (struct sockaddr *)&peer, &peer_length),
        -ENOTCONN);
    acio_loop_close(loop);
}

/* ---- whom a connect reaches ---- */

TEST(sim_connect, nobody_there_is_a_refusal)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int fd = stream_socket(loop);
    EXPECT_ERR(connect_now(loop, fd, "127.0.0.1", 80), -ECONNREFUSED);
    listen_at(loop, 80);
    EXPECT_EQ(connect_now(loop, fd, "127.0.0.1", 80), 0);
    EXPECT_ERR(connect_now(loop, fd, "127.0.0.1", 80), -EISCONN);
    acio_loop_close(loop);
}

TEST(sim_connect, the_very_address_comes_before_the_wildcard)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int any = stream_socket(loop), host = stream_socket(loop);
    set_option(loop, any, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(loop, host, SOL_SOCKET, SO_REUSEPORT, 1);
    EXPECT_EQ(bind_to(loop, any, "0.0.0.0", 80), 0);
    EXPECT_EQ(bind_to(loop, host, "192.0.2.1", 80), 0);
    EXPECT_EQ(loop->backend->listen(loop, any, 8), 0);
    EXPECT_EQ(loop->backend->listen(loop, host, 8), 0);
    EXPECT_EQ(connect_now(loop, stream_socket(loop), "192.0.2.1", 80), 0);
    EXPECT_ERR(accept_now(loop, any), -ECANCELED);
    EXPECT(accept_now(loop, host) >= 0);
    EXPECT_EQ(connect_now(loop, stream_socket(loop), "192.0.2.2", 80), 0);
    EXPECT(accept_now(loop, any) >= 0);
    acio_loop_close(loop);
}

TEST(sim_connect, a_wildcard_of_ipv6_is_one_of_ipv4_too)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in6 any = { .sin6_family = AF_INET6,
        .sin6_port = htons(80) };
    struct sockaddr_in6 from = { 0 };
    socklen_t length = sizeof from;
    struct call accepting = { 0 };
    int listener = loop->backend->socket(loop, AF_INET6, SOCK_STREAM, 0);
    EXPECT_EQ(loop->backend->bind(loop, listener, (struct sockaddr *)&any,
                  sizeof any),
        0);
    EXPECT_EQ(loop->backend->listen(loop, listener, 8), 0);
    acio_op_accept(&accepting.op, listener, (struct sockaddr *)&from, &length);
    sim_submit(loop, &accepting);
    EXPECT_EQ(connect_now(loop, stream_socket(loop), "127.0.0.1", 80), 0);
    EXPECT_EQ(length, sizeof from);
    EXPECT(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    acio_loop_close(loop);
}

TEST(sim_connect, a_listener_for_ipv6_only_is_none_for_ipv4)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in6 any = { .sin6_family = AF_INET6,
        .sin6_port = htons(80) };
    int listener = loop->backend->socket(loop, AF_INET6, SOCK_STREAM, 0);
    set_option(loop, listener, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    loop->backend->bind(loop, listener, (struct sockaddr *)&any, sizeof any);
    loop->backend->listen(loop, listener, 8);
    EXPECT_ERR(connect_now(loop, stream_socket(loop), "127.0.0.1", 80),
        -ECONNREFUSED);
    acio_loop_close(loop);
}

static ssize_t
connect_path(acio_loop *loop, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, path);
    struct call call = { 0 };
    int fd = loop->backend->socket(loop, AF_UNIX, SOCK_STREAM, 0);
    acio_op_connect(&call.op, fd, (struct sockaddr *)&un, sizeof un);
    sim_submit(loop, &call);
    sim_settle(loop);
    return call.result;
}

TEST(sim_connect, unix_sockets_are_found_by_their_path)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + 6;
    int fd = loop->backend->socket(loop, AF_UNIX, SOCK_STREAM, 0);
    EXPECT_ERR(connect_path(loop, "/run/x"), -ENOENT);
    EXPECT_ERR(loop->backend->listen(loop, fd, 8), -EINVAL);
    EXPECT_EQ(loop->backend->bind(loop, fd, (struct sockaddr *)&un, length), 0);
    EXPECT_ERR(connect_path(loop, "/run/x"), -ECONNREFUSED);
    EXPECT_EQ(loop->backend->listen(loop, fd, 8), 0);
    EXPECT_EQ(connect_path(loop, "/run/x"), 0);
    EXPECT_ERR(connect_path(loop, "/run/y"), -ENOENT);
    acio_loop_close(loop);
}

TEST(sim_connect, unix_sockets_without_a_path_get_an_abstract_name)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    socklen_t length = sizeof un;
    int fd = loop->backend->socket(loop, AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(loop->backend->bind(loop, fd, (struct sockaddr *)&un,
                  sizeof un.sun_family),
        0);
    loop->backend->getsockname(loop, fd, (struct sockaddr *)&un, &length);
    EXPECT_EQ(length, sizeof un.sun_family + 6);
    EXPECT_EQ(un.sun_path[0], '\0');
    acio_loop_close(loop);
}

/* ---- backlog ---- */

TEST(sim_connect, a_full_backlog_lets_others_try_again_later)
{
    struct acio_sim_options options = { .latency_max = -1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct call calls[2] = { 0 };
    struct sockaddr_in to = ipv4("127.0.0.1", 80);
    int listener = listen_at(loop, 80);
    struct call accepting = { 0 };
    loop->backend->listen(loop, listener, 0);
    start_connect(loop, stream_socket(loop), &to, &calls[0]);
    start_connect(loop, stream_socket(loop), &to, &calls[1]);
    EXPECT(acio_loop_run_once(loop, 0.5) > 0);
    EXPECT(calls[0].done);
    EXPECT(!calls[1].done);
    acio_op_accept(&accepting.op, listener, NULL, NULL);
    sim_submit(loop, &accepting);
    sim_settle(loop);
    EXPECT_EQ(calls[1].result, 0);
    EXPECT_EQ(calls[1].when_ns, ACIOI_SECOND_NS);
    acio_loop_close(loop);
}

TEST(sim_connect, nobody_knocks_longer_than_two_minutes)
{
    struct acio_sim_options options = { .latency_max = -1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct sockaddr_in to = ipv4("127.0.0.1", 80);
    struct call calls[2] = { 0 };
    loop->backend->listen(loop, listen_at(loop, 80), 0);
    start_connect(loop, stream_socket(loop), &to, &calls[0]);
    start_connect(loop, stream_socket(loop), &to, &calls[1]);
    sim_settle(loop);
    EXPECT_ERR(calls[1].result, -ETIMEDOUT);
    EXPECT_EQ(calls[1].when_ns, 127 * ACIOI_SECOND_NS);
    acio_loop_close(loop);
}

struct greeter {
    acio_op op;
    int fds[64];
    int count;
    ssize_t last;
};

static void
greet(acio_op *op)
{
    struct greeter *greeter = op->user;
    if (!acio_op_alive(op))
        greeter->last = op->result;
    else if (greeter->count < 64)
        greeter->fds[greeter->count++] = (int)op->result;
}

TEST(sim_connect, one_operation_accepts_all_who_come)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in to = ipv4("127.0.0.1", 80);
    struct greeter greeter = { 0 };
    struct call calls[40] = { 0 };
    int listener = listen_at(loop, 80);
    loop->backend->listen(loop, listener, 64);
    for (int i = 0; i < 40; i++)
        start_connect(loop, stream_socket(loop), &to, &calls[i]);
    sim_settle(loop);
    acio_op_accept_many(&greeter.op, listener);
    acio_loop_submit(loop, &greeter.op, greet, &greeter);
    sim_settle(loop);
    EXPECT_EQ(greeter.count, 40);
    for (int i = 1; i < greeter.count; i++)
        EXPECT_EQ(greeter.fds[i], greeter.fds[i - 1] + 1);
    acio_op_cancel(&greeter.op);
    sim_settle(loop);
    EXPECT_ERR(greeter.last, -ECANCELED);
    acio_loop_close(loop);
}

TEST(sim_connect, an_accept_that_is_cancelled_leaves_the_connection)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int listener = listen_at(loop, 80);
    EXPECT_ERR(accept_now(loop, listener), -ECANCELED);
    EXPECT_EQ(connect_now(loop, stream_socket(loop), "127.0.0.1", 80), 0);
    EXPECT(accept_now(loop, listener) >= 0);
    acio_loop_close(loop);
}

TEST(sim_connect, closing_a_listener_resets_those_not_accepted)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int listener = listen_at(loop, 80), client = stream_socket(loop);
    EXPECT_EQ(connect_now(loop, client, "127.0.0.1", 80), 0);
    acio_loop_close_fd(loop, listener);
    sim_settle(loop);
    EXPECT_EQ(get_option(loop, client, SOL_SOCKET, SO_ERROR), ECONNRESET);
    acio_loop_close(loop);
}

TEST(sim_connect, a_cancelled_connect_goes_on_without_its_operation)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct sockaddr_in to = ipv4("127.0.0.1", 80);
    struct call call = { 0 };
    int listener = listen_at(loop, 80), client = stream_socket(loop);
    start_connect(loop, client, &to, &call);
    acio_op_cancel(&call.op);
    EXPECT_ERR(connect_now(loop, client, "127.0.0.1", 80), -EALREADY);
    EXPECT_ERR(call.result, -ECANCELED);
    EXPECT(accept_now(loop, listener) >= 0);
    EXPECT_ERR(connect_now(loop, client, "127.0.0.1", 80), -EISCONN);
    acio_loop_close(loop);
}

/* ---- options ---- */

TEST(sim_connect, options_are_read_back_as_they_were_set)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int fd = stream_socket(loop);
    EXPECT_EQ(get_option(loop, fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    EXPECT_EQ(get_option(loop, fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    EXPECT_EQ(get_option(loop, fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    EXPECT_EQ(get_option(loop, fd, IPPROTO_TCP, 1), 0);
    set_option(loop, fd, IPPROTO_TCP, 1, 1);
    set_option(loop, fd, IPPROTO_TCP, 1, 7);
    EXPECT_EQ(get_option(loop, fd, IPPROTO_TCP, 1), 7);
    set_option(loop, fd, SOL_SOCKET, SO_RCVBUF, 5000);
    EXPECT_EQ(get_option(loop, fd, SOL_SOCKET, SO_RCVBUF), 5000);
    int zero = 0;
    EXPECT_ERR(loop->backend->setsockopt(loop, fd, SOL_SOCKET, SO_ERROR, &zero,
                   sizeof zero),
        -ENOPROTOOPT);
    acio_loop_close(loop);
}
