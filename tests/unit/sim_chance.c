/* SPDX-License-Identifier: MIT */
/* What the simulator leaves to chance, and chance to the seed. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

/* Everything that can go wrong and still leave the bytes whole. */
static const struct acio_sim_options rough = {
    .short_transfers = 0.3,
    .busy_sends = 0.3,
    .late = 0.3,
    .late_cancels = 0.3,
};

/* The whole of a bulk transfer, and what it did. */
static struct acio_sim_stats
run_bulk(const struct acio_sim_options *options, struct bulk *bulk,
    size_t bytes)
{
    struct acio_sim_stats stats = { 0 };
    acio_loop *loop = sim_loop(options);
    if (!loop)
        return stats;
    bulk->pair = connect_pair(loop);
    bulk_start(loop, bulk, bytes);
    sim_settle(loop);
    ALWAYS(bulk->wrong == 0);
    stats = sim_stats(loop);
    acio_loop_close(loop);
    return stats;
}

/* ---- the seed ---- */

TEST(sim_chance, the_same_seed_does_the_same_again)
{
    struct acio_sim_options options = rough;
    options.seed = 7;
    struct bulk one = { 0 }, two = { 0 };
    struct acio_sim_stats first = run_bulk(&options, &one, 100000);
    struct acio_sim_stats second = run_bulk(&options, &two, 100000);
    EXPECT_EQ(first.seed, 7u);
    EXPECT_EQ(one.received, 100000u);
    EXPECT_EQ(memcmp(&first, &second, sizeof first), 0);
}

TEST(sim_chance, another_seed_does_otherwise)
{
    struct acio_sim_options options = rough;
    struct bulk one = { 0 }, two = { 0 };
    options.seed = 7;
    struct acio_sim_stats first = run_bulk(&options, &one, 100000);
    options.seed = 8;
    struct acio_sim_stats second = run_bulk(&options, &two, 100000);
    EXPECT(first.fingerprint != second.fingerprint);
    EXPECT_EQ(two.received, 100000u);
}

TEST(sim_chance, the_environment_comes_before_the_option)
{
    struct acio_sim_options options = { .seed = 7 };
    setenv("ACIO_SIM_SEED", "99", 1);
    acio_loop *loop = sim_loop(&options);
    if (loop)
        EXPECT_EQ(sim_stats(loop).seed, 99u);
    acio_loop_close(loop);
}

TEST(sim_chance, a_seed_that_is_no_number_is_invalid)
{
    struct acio_loop_options options = { .backend = "sim" };
    acio_loop *loop;
    setenv("ACIO_SIM_SEED", "7x", 1);
    EXPECT_ERR(acio_loop_new(&loop, &options), -EINVAL);
}

TEST(sim_chance, latencies_that_make_no_sense_are_invalid)
{
    struct acio_sim_options sim = { .latency_min = 2, .latency_max = 1 };
    struct acio_loop_options options = { .backend = "sim", .sim = &sim };
    acio_loop *loop;
    EXPECT_ERR(acio_loop_new(&loop, &options), -EINVAL);
    sim = (struct acio_sim_options){ .latency_min = -1, .latency_max = 1 };
    EXPECT_ERR(acio_loop_new(&loop, &options), -EINVAL);
    sim = (struct acio_sim_options){ .late_max = -1 };
    EXPECT_ERR(acio_loop_new(&loop, &options), -EINVAL);
}

/* ---- short transfers ---- */

static struct acio_sim_stats
run_short_at(uint64_t n)
{
    struct acio_sim_options options = { .short_at = n };
    struct bulk bulk = { 0 };
    struct acio_sim_stats stats = run_bulk(&options, &bulk, 12000);
    EXPECT_EQ(bulk.received, 12000u);
    EXPECT(bulk.ended);
    return stats;
}

TEST(sim_chance, the_nth_transfer_alone_is_short_and_no_byte_is_lost)
{
    uint64_t transfers = run_short_at(0).transfers;
    EXPECT(transfers >= 6);
    for (uint64_t n = 1; n <= transfers; n++)
        EXPECT_EQ(run_short_at(n).short_transfers, 1u);
    EXPECT_EQ(run_short_at(transfers + 1).short_transfers, 0u);
}

struct sizes {
    acio_op op;
    struct spec_log log;
};

static void
note_size(acio_op *op)
{
    struct sizes *sizes = op->user;
    spec_log_add(&sizes->log, "%d ", (int)op->result);
}

/* Ten bytes, twice; the sends are the first two transfers. */
static void
deliver_twice(uint64_t short_at, const char *wanted)
{
    struct acio_sim_options options = { .short_at = short_at };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct sizes sizes = { 0 };
    acio_op op = { 0 };
    acio_op_send(&op, pair.client, "0123456789", 10, 0);
    EXPECT_EQ(acio_loop_try_send(loop, &op), 10);
    EXPECT_EQ(acio_loop_try_send(loop, &op), 10);
    acio_op_recv_many(&sizes.op, pair.server);
    acio_loop_submit(loop, &sizes.op, note_size, &sizes);
    sim_settle(loop);
    EXPECT_TEXT(&sizes.log, wanted);
    acio_loop_close(loop);
}

TEST(sim_chance, a_short_delivery_is_split)
{
    deliver_twice(0, "10 10 ");
    deliver_twice(3, "1 9 10 ");
    deliver_twice(4, "10 1 9 ");
}

TEST(sim_chance, transfers_that_are_all_short_lose_nothing)
{
    struct acio_sim_options options = { .short_transfers = 1 };
    struct bulk bulk = { 0 };
    struct acio_sim_stats stats = run_bulk(&options, &bulk, 20000);
    EXPECT_EQ(bulk.received, 20000u);
    EXPECT(stats.short_transfers > stats.transfers / 2);
}

/* ---- resets and refusals ---- */

TEST(sim_chance, the_nth_transfer_meets_a_reset)
{
    for (uint64_t n = 1; n <= 6; n++) {
        struct acio_sim_options options = { .reset_at = n };
        struct bulk bulk = { 0 };
        struct acio_sim_stats stats = run_bulk(&options, &bulk, 12000);
        EXPECT_EQ(bulk.error, -ECONNRESET);
        EXPECT(!bulk.ended);
        EXPECT_EQ(stats.resets, 1u);
    }
}

TEST(sim_chance, a_reset_is_told_at_both_ends)
{
    struct acio_sim_options options = { .reset_at = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct call waiting = { 0 }, near = { 0 }, far = { 0 };
    char data[4];
    acio_op_recv(&waiting.op, pair.client, data, 4, 0);
    sim_submit(loop, &waiting);
    acio_op_recv(&far.op, pair.server, data, 4, 0);
    sim_submit(loop, &far);
    acio_op_send(&near.op, pair.client, "abc", 3, 0);
    sim_submit(loop, &near);
    sim_settle(loop);
    EXPECT_ERR(near.result, -ECONNRESET);
    EXPECT_ERR(far.result, -ECONNRESET);
    EXPECT(waiting.done);
    EXPECT_EQ(waiting.result, 0);
    acio_loop_close(loop);
}

TEST(sim_chance, a_connect_may_be_refused)
{
    struct acio_sim_options options = { .refusals = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct sockaddr_in to = ipv4("127.0.0.1", 80);
    struct call call = { 0 };
    listen_at(loop, 80);
    acio_op_connect(&call.op, stream_socket(loop), (struct sockaddr *)&to,
        sizeof to);
    sim_submit(loop, &call);
    sim_settle(loop);
    EXPECT_ERR(call.result, -ECONNREFUSED);
    EXPECT_EQ(sim_stats(loop).refusals, 1u);
    acio_loop_close(loop);
}

TEST(sim_chance, a_send_may_find_no_buffers)
{
    struct acio_sim_options options = { .no_buffers = 1, .busy_sends = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct call call = { 0 };
    acio_op_send(&call.op, pair.client, "abc", 3, 0);
    EXPECT_ERR(acio_loop_try_send(loop, &call.op), -EAGAIN);
    sim_submit(loop, &call);
    sim_settle(loop);
    EXPECT_ERR(call.result, -ENOBUFS);
    struct acio_sim_stats stats = sim_stats(loop);
    EXPECT_EQ(stats.no_buffers, 1u);
    EXPECT_EQ(stats.busy_sends, 1u);
    EXPECT_EQ(stats.transfers, 0u);
    acio_loop_close(loop);
}

TEST(sim_chance, whatever_goes_wrong_no_byte_is_wrong)
{
    struct acio_sim_options options = rough;
    options.resets = 0.01;
    options.no_buffers = 0.01;
    options.buffer_bytes = 3000;
    int whole = 0;
    for (options.seed = 1; options.seed <= 100; options.seed++) {
        struct bulk bulk = { 0 };
        run_bulk(&options, &bulk, 20000);
        ALWAYS(bulk.ended == (bulk.received == 20000) || bulk.error < 0);
        whole += bulk.ended;
    }
    EXPECT(whole > 0 && whole < 100);
}

/* ---- late completions and cancels ---- */

/* Eight sends to eight sockets, submitted in order. */
static void
send_eight(const struct acio_sim_options *options, struct spec_log *log)
{
    static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6",
        "7" };
    acio_loop *loop = sim_loop(options);
    if (!loop)
        return;
    struct call calls[8] = { 0 };
    for (int i = 0; i < 8; i++) {
        struct pair pair = connect_pair(loop);
        acio_op_send(&calls[i].op, pair.client, "x", 1, 0);
    }
    for (int i = 0; i < 8; i++) {
        calls[i].log = log;
        calls[i].name = names[i];
        sim_submit(loop, &calls[i]);
    }
    sim_settle(loop);
    acio_loop_close(loop);
}

TEST(sim_chance, completions_come_in_order_unless_they_come_late)
{
    struct acio_sim_options options = { .seed = 3 };
    struct spec_log in_time = SPEC_LOG_INIT, late = SPEC_LOG_INIT;
    send_eight(&options, &in_time);
    EXPECT_TEXT(&in_time, "0 1 2 3 4 5 6 7 ");
    options.late = 1;
    send_eight(&options, &late);
    EXPECT_EQ(late.length, in_time.length);
    EXPECT(strcmp(late.text, in_time.text) != 0);
}

TEST(sim_chance, a_cancel_loses_against_a_result_that_is_only_late)
{
    struct acio_sim_options options = { .late = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct call call = { 0 };
    acio_op_send(&call.op, pair.client, "abc", 3, 0);
    sim_submit(loop, &call);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT_EQ(call.result, 3);
    acio_loop_close(loop);
}

/* What a receive says that is cancelled just when bytes are on their way. */
static ssize_t
cancel_in_flight(double late_cancels)
{
    struct acio_sim_options options = { .late_cancels = late_cancels,
        .late_max = 1,
        .latency_min = 1e-9,
        .latency_max = 1e-9 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return 0;
    struct pair pair = connect_pair(loop);
    struct call call = { 0 };
    char data[4];
    acio_op op = { 0 };
    acio_op_recv(&call.op, pair.server, data, 4, 0);
    sim_submit(loop, &call);
    acio_op_send(&op, pair.client, "abc", 3, 0);
    EXPECT_EQ(acio_loop_try_send(loop, &op), 3);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT(call.done);
    acio_loop_close(loop);
    return call.result;
}

TEST(sim_chance, a_late_cancel_loses_the_race)
{
    EXPECT_ERR(cancel_in_flight(0), -ECANCELED);
    EXPECT_EQ(cancel_in_flight(1), 3);
}

TEST(sim_chance, a_late_cancel_of_what_never_comes_still_ends_it)
{
    struct acio_sim_options options = { .late_cancels = 1 };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct call call = { 0 };
    char data[4];
    acio_op_recv(&call.op, pair.server, data, 4, 0);
    sim_submit(loop, &call);
    int64_t asked_ns = acio_loop_time_ns(loop);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT_ERR(call.result, -ECANCELED);
    EXPECT(call.when_ns > asked_ns);
    acio_loop_close(loop);
}

/* ---- looking on ---- */

static void
watch(const struct acio_sim_event *event, void *user)
{
    spec_log_add(user, "%d:%d ", (int)event->kind, (int)event->result);
}

TEST(sim_chance, a_watcher_is_told_of_every_event)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct acio_sim_options options = { .watcher = watch,
        .watcher_user = &log };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    log = (struct spec_log)SPEC_LOG_INIT;
    uint64_t before = sim_stats(loop).events;
    struct call call = { 0 };
    char data[4];
    acio_op op = { 0 };
    acio_op_recv(&call.op, pair.server, data, 4, 0);
    sim_submit(loop, &call);
    acio_op_send(&op, pair.client, "abc", 3, 0);
    EXPECT_EQ(acio_loop_try_send(loop, &op), 3);
    sim_settle(loop);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%d:3 %d:3 ", ACIO_OP_SEND, ACIO_OP_RECV);
    EXPECT_TEXT(&log, wanted);
    EXPECT_EQ(sim_stats(loop).events - before, 2u);
    acio_loop_close(loop);
}

TEST(sim_chance, only_a_simulated_loop_has_statistics)
{
    struct acio_sim_stats stats;
    struct acioi_backend other = acioi_backend_sim;
    struct acio_loop loop = { .backend = &other };
    EXPECT_ERR(acio_sim_stats(&loop, &stats), -EINVAL);
}
