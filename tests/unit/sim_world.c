/* SPDX-License-Identifier: MIT */
/* sim_world.c - what the simulator's tests have in common */
#include "sim_world.h"

acio_loop *
sim_loop(const struct acio_sim_options *options)
{
    struct acio_loop_options loop_options = { .backend = "sim",
        .sim = options };
    acio_loop *loop;
    EXPECT_EQ(acio_loop_new(&loop, &loop_options), 0);
    return loop;
}

void
sim_settle(acio_loop *loop)
{
    EXPECT_ERR(acio_loop_run_forever(loop), -EDEADLK);
}

struct acio_sim_stats
sim_stats(acio_loop *loop)
{
    struct acio_sim_stats stats = { 0 };
    EXPECT_EQ(acio_sim_stats(loop, &stats), 0);
    return stats;
}

static void
note(acio_op *op)
{
    struct call *call = op->user;
    ALWAYS(!call->done);
    call->done = true;
    call->result = op->result;
    call->when_ns = acio_loop_time_ns(call->loop);
    if (call->log)
        spec_log_add(call->log, "%s ", call->name);
}

void
sim_submit(acio_loop *loop, struct call *call)
{
    call->loop = loop;
    call->done = false;
    acio_loop_submit(loop, &call->op, note, call);
}

struct sockaddr_in
ipv4(const char *address, unsigned port)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, address, &in.sin_addr);
    return in;
}

int
stream_socket(acio_loop *loop)
{
    return loop->backend->socket(loop, AF_INET, SOCK_STREAM, 0);
}

int
listen_at(acio_loop *loop, unsigned port)
{
    struct sockaddr_in in = ipv4("127.0.0.1", port);
    int fd = stream_socket(loop);
    EXPECT(fd >= 0);
    EXPECT_EQ(loop->backend->bind(loop, fd, (struct sockaddr *)&in, sizeof in),
        0);
    EXPECT_EQ(loop->backend->listen(loop, fd, 16), 0);
    return fd;
}

struct pair
connect_pair(acio_loop *loop)
{
    struct call connecting = { 0 }, accepting = { 0 };
    struct pair pair = { stream_socket(loop), -1 };
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    int listener = listen_at(loop, 0);
    loop->backend->getsockname(loop, listener, (struct sockaddr *)&in, &length);
    acio_op_accept(&accepting.op, listener, NULL, NULL);
    sim_submit(loop, &accepting);
    acio_op_connect(&connecting.op, pair.client, (struct sockaddr *)&in,
        sizeof in);
    sim_submit(loop, &connecting);
    sim_settle(loop);
    acio_op_cancel(&accepting.op); /* it waits still where memory failed */
    sim_settle(loop);
    EXPECT_EQ(connecting.result, 0);
    EXPECT(accepting.result >= 0);
    pair.server = (int)accepting.result;
    acio_loop_close_fd(loop, listener);
    return pair;
}

void
close_pair(acio_loop *loop, struct pair *pair)
{
    if (pair->client >= 0)
        acio_loop_close_fd(loop, pair->client);
    if (pair->server >= 0)
        acio_loop_close_fd(loop, pair->server);
}

/* ---- bulk ---- */

char
bulk_byte(size_t at)
{
    return (char)(at * 7 + at / 251);
}

static void bulk_sent(acio_op *op);
static void bulk_received(acio_op *op);

static void
bulk_fail(struct bulk *bulk, ssize_t result)
{
    if (bulk->error == 0)
        bulk->error = (int)result;
}

static void
bulk_send(acio_loop *loop, struct bulk *bulk)
{
    size_t left = bulk->bytes - bulk->sent;
    size_t bytes = left < bulk->piece ? left : bulk->piece;
    if (left == 0) {
        if (bulk->end_after)
            loop->backend->shutdown(loop, bulk->pair.client, SHUT_WR);
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        bulk->out[i] = bulk_byte(bulk->sent + i);
    acio_op_send(&bulk->send.op, bulk->pair.client, bulk->out, bytes, 0);
    acio_loop_submit(loop, &bulk->send.op, bulk_sent, bulk);
}

static void
bulk_sent(acio_op *op)
{
    struct bulk *bulk = op->user;
    if (op->result < 0) {
        bulk_fail(bulk, op->result);
        return;
    }
    bulk->sent += (size_t)op->result;
    bulk_send(op->loop, bulk);
}

static void
bulk_receive(acio_loop *loop, struct bulk *bulk)
{
    acio_op_recv(&bulk->receive.op, bulk->pair.server, bulk->in,
        sizeof bulk->in, 0);
    acio_loop_submit(loop, &bulk->receive.op, bulk_received, bulk);
}

static void
bulk_received(acio_op *op)
{
    struct bulk *bulk = op->user;
    if (op->result < 0) {
        bulk_fail(bulk, op->result);
        return;
    }
    for (ssize_t i = 0; i < op->result; i++)
        bulk->wrong += bulk->in[i] != bulk_byte(bulk->received++);
    bulk->ended = op->result == 0;
    if (!bulk->ended)
        bulk_receive(op->loop, bulk);
}

void
bulk_start(acio_loop *loop, struct bulk *bulk, size_t bytes)
{
    bulk->bytes = bytes;
    if (bulk->piece == 0)
        bulk->piece = sizeof bulk->out;
    bulk->end_after = true;
    bulk_send(loop, bulk);
    bulk_receive(loop, bulk);
}
