/* SPDX-License-Identifier: MIT */
/* What the simulated network does to datagrams. */
#include <errno.h>

#include "datagram_world.h"

enum { COUNT = 400 };

/* Numbers 0 to COUNT - 1, each in a datagram of its own. */
static void
send_numbers(acio_datagram *datagram)
{
    for (int i = 0; i < COUNT; i++) {
        if (acio_sendto(datagram, &i, sizeof i, NULL) < 0)
            return;
    }
}

struct tally {
    int received;
    int seen[COUNT];
    int overtaken; /* came after a larger one */
};

static struct tally
take_numbers(acio_datagram *datagram)
{
    struct tally tally = { .received = 0 };
    int number, largest = -1;
    while (receive(datagram, &number, sizeof number, NULL) == sizeof number) {
        tally.received++;
        tally.seen[number]++;
        tally.overtaken += number < largest;
        largest = number > largest ? number : largest;
    }
    return tally;
}

static struct acio_sim_stats
stats_now(void)
{
    struct acio_sim_stats stats = { .seed = 0 };
    EXPECT_ERR(acio_sim_stats(acio_get_running_loop(), &stats), 0);
    return stats;
}

SPEC_SIM(datagram_sim, loses_some_and_counts_them, .sim.losses = 0.25)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    struct tally tally = take_numbers(a);
    EXPECT_EQ(stats_now().losses + (uint64_t)tally.received, COUNT);
    EXPECT_NEAR(tally.received, 0.75 * COUNT, 40);
    EXPECT_EQ(tally.overtaken, 0);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, doubles_some, .sim.duplicates = 0.25)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    struct tally tally = take_numbers(a);
    EXPECT_EQ(stats_now().duplicates + COUNT, tally.received);
    EXPECT_NEAR(tally.received, 1.25 * COUNT, 40);
    bool good = true;
    for (int i = 0; i < COUNT; i++)
        good = good && (tally.seen[i] == 1 || tally.seen[i] == 2);
    EXPECT(good);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, holds_some_up, .sim.reorders = 0.25)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    struct tally tally = take_numbers(a);
    EXPECT_EQ(tally.received, COUNT);
    EXPECT(tally.overtaken > 0);
    EXPECT(stats_now().reorders >= (uint64_t)tally.overtaken);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, keeps_the_order_of_a_sender_without_faults)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    struct tally tally = take_numbers(a);
    EXPECT_EQ(tally.received, COUNT);
    EXPECT_EQ(tally.overtaken, 0);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, takes_the_time_that_the_network_takes,
    .sim.latency_min = 0.125, .sim.latency_max = 0.125)
{
    struct acio_address gone = nobody();
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    char byte;
    EXPECT_ERR(tell(b, "x", NULL), 0);
    EXPECT_EQ(receive(a, &byte, 1, NULL), 1);
    EXPECT_ELAPSED(0.125);
    const struct acio_datagram_options there = { .remote_host = "127.0.0.1",
        .remote_port = acio_address_port(&gone) };
    acio_datagram *c;
    EXPECT_ERR(acio_create_datagram_endpoint(&c, &there), 0);
    EXPECT_ERR(tell(c, "x", NULL), 0);
    EXPECT_ERR(receive(c, &byte, 1, NULL), -ECONNREFUSED);
    EXPECT_ELAPSED(0.375); /* there and back */
    acio_datagram_close(a);
    acio_datagram_close(b);
    acio_datagram_close(c);
}

SPEC_SIM(datagram_sim, drops_what_the_receiver_has_no_room_for,
    .sim.buffer_bytes = 1000)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    let_arrive();
    struct tally tally = take_numbers(a);
    EXPECT_EQ(tally.received, 1000 / sizeof(int));
    EXPECT_EQ(acio_datagram_drops(a), COUNT - tally.received);
    EXPECT_EQ(stats_now().drops, COUNT - tally.received);
    EXPECT_EQ(stats_now().datagrams, COUNT);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, lets_a_send_wait_for_room, .sim.buffer_bytes = 100,
    .sim.latency_min = 1, .sim.latency_max = 1)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    char data[60] = "";
    EXPECT_ERR(acio_sendto(b, data, sizeof data, NULL), 0);
    EXPECT_ERR(acio_sendto(b, data, sizeof data, NULL), 0);
    EXPECT_ELAPSED(0);
    EXPECT_ERR(acio_sendto_nowait(b, data, sizeof data, NULL), -EAGAIN);
    EXPECT_ERR(acio_sendto(b, data, sizeof data, NULL), 0);
    EXPECT_ELAPSED(1);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, waits_where_a_send_is_told_to_try_again,
    .sim.busy_sends = 0.5)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    send_numbers(b);
    struct tally tally = take_numbers(a);
    EXPECT_EQ(tally.received, COUNT);
    EXPECT_EQ(tally.overtaken, 0);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, runs_short_of_buffers, .sim.no_buffers = 1)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    EXPECT_ERR(tell(b, "x", NULL), -ENOBUFS);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC_SIM(datagram_sim, lets_fly_what_was_sent_before_a_close)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    EXPECT_ERR(tell(b, "last words", NULL), 0);
    acio_datagram_close(b);
    hear(a);
    EXPECT_NOTED("[last words]");
    acio_datagram_close(a);
}

SPEC_SIM(datagram_sim, forgets_what_flies_to_a_loop_that_ends)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    EXPECT_ERR(tell(b, "nobody will know", NULL), 0);
    acio_datagram_abort(a);
}
