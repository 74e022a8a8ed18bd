/* SPDX-License-Identifier: MIT */
/* What the network sends back: refused datagrams. */
#include <errno.h>

#include "datagram_world.h"

static acio_datagram *
towards(const struct acio_address *address)
{
    acio_datagram *datagram;
    const struct acio_datagram_options options = { .remote_host = "127.0.0.1",
        .remote_port = acio_address_port(address) };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

SPEC(datagram_error, of_a_peer_that_is_not_there_is_told_once)
{
    struct acio_address gone = nobody();
    acio_datagram *a = towards(&gone);
    struct acio_datagram_info info;
    char byte;
    EXPECT_ERR(tell(a, "anybody?", NULL), 0);
    EXPECT_ERR(receive(a, &byte, 1, &info), -ECONNREFUSED);
    EXPECT(acio_address_equal(&info.from, &gone));
    EXPECT_ERR(receive(a, &byte, 1, &info), -ETIMEDOUT);
    acio_datagram_close(a);
}

SPEC(datagram_error, wakes_who_waits_already)
{
    struct acio_address gone = nobody();
    acio_datagram *a = towards(&gone);
    start(listen_to, .datagram = a, .times = 1);
    settle();
    EXPECT_ERR(tell(a, "anybody?", NULL), 0);
    finish();
    EXPECT_NOTED("[Connection refused]");
    acio_datagram_close(a);
}

SPEC(datagram_error, meets_the_next_send_of_a_connected_endpoint)
{
    struct acio_address gone = nobody();
    acio_datagram *a = towards(&gone);
    EXPECT_ERR(tell(a, "anybody?", NULL), 0);
    let_arrive();
    EXPECT_ERR(tell(a, "really?", NULL), -ECONNREFUSED);
    EXPECT_ERR(tell(a, "again", NULL), 0);
    acio_datagram_close(a);
}

SPEC(datagram_error, does_not_end_the_endpoint)
{
    struct acio_address gone = nobody();
    acio_datagram *a = towards(&gone), *late;
    EXPECT_ERR(tell(a, "anybody?", NULL), 0);
    let_arrive();
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .local_port = acio_address_port(&gone) };
    EXPECT_ERR(acio_create_datagram_endpoint(&late, &options), 0);
    hear(a);
    EXPECT_ERR(tell(a, "now?", NULL), 0);
    hear(late);
    EXPECT_NOTED("[Connection refused][now?]");
    acio_datagram_close(a);
    acio_datagram_close(late);
}

SPEC(datagram_error, is_not_told_to_who_has_not_asked_and_is_not_connected)
{
    struct acio_address gone = nobody();
    acio_datagram *a = endpoint();
    EXPECT_ERR(tell(a, "anybody?", &gone), 0);
    let_arrive();
    EXPECT_ERR(tell(a, "really?", &gone), 0);
    hear(a);
    EXPECT_NOTED("[Connection timed out]");
    acio_datagram_close(a);
}

/* ---- asked for ---- */

static acio_datagram *
asking(void)
{
    acio_datagram *datagram;
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .report_errors = true };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

SPEC(datagram_error, names_whom_it_is_about)
{
    struct acio_address gone[2] = { nobody(), nobody() };
    acio_datagram *a = asking();
    struct acio_datagram_info info;
    char byte;
    for (int i = 0; i < 2; i++) {
        EXPECT_ERR(tell(a, "anybody?", &gone[i]), 0);
        EXPECT_ERR(receive(a, &byte, 1, &info), -ECONNREFUSED);
        EXPECT(acio_address_equal(&info.from, &gone[i]));
    }
    EXPECT_ERR(receive(a, &byte, 1, &info), -ETIMEDOUT);
    EXPECT_EQ(info.from.length, 0);
    acio_datagram_close(a);
}

SPEC(datagram_error, is_put_aside_by_who_sends_for_who_receives)
{
    struct acio_address gone = nobody();
    acio_datagram *a = asking(), *b = endpoint();
    struct acio_address at_b = address_of(b);
    EXPECT_ERR(tell(a, "anybody?", &gone), 0);
    EXPECT_ERR(tell(a, "anybody?", &gone), 0);
    let_arrive();
    EXPECT_ERR(tell(a, "hello", &at_b), 0);
    hear(b);
    hear(a);
    hear(a);
    hear(a);
    EXPECT_NOTED("[hello][Connection refused][Connection refused]"
                 "[Connection timed out]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

/* The send meets the error before the task that waits is told of it. */
SPEC(datagram_error, met_by_a_send_wakes_who_waits)
{
    struct acio_address gone = nobody();
    acio_datagram *a = asking(), *b = endpoint();
    struct acio_address at_b = address_of(b);
    start(listen_to, .datagram = a, .times = 1);
    start(listen_to, .datagram = a, .times = 1);
    settle();
    for (int i = 0; i < 50; i++)
        tell(a, "anybody?", i % 10 ? &at_b : &gone);
    finish();
    EXPECT_NOTED("[Connection refused][Connection refused]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram_error, of_many_is_told_for_each)
{
    struct acio_address gone = nobody();
    acio_datagram *a = asking();
    int refused = 0;
    char byte;
    for (int i = 0; i < 6; i++) {
        EXPECT_ERR(tell(a, "anybody?", &gone), 0);
        let_arrive();
    }
    while (receive(a, &byte, 1, NULL) == -ECONNREFUSED)
        refused++;
    /* the kernel answers so many a second, and more in a burst */
    EXPECT(refused >= (time_is_virtual() ? 6 : 1));
    acio_datagram_close(a);
}

/* The kernel puts what went wrong on this side into the same queue. */
SPEC(datagram_error, of_the_network_is_not_mixed_with_those_of_the_sender)
{
    static const char large[65508];
    struct acio_address gone = nobody();
    acio_datagram *a = asking();
    for (int i = 0; i < 3; i++) {
        EXPECT_ERR(tell(a, "anybody?", &gone), 0);
        EXPECT_ERR(acio_sendto(a, large, sizeof large, &gone), -EMSGSIZE);
        let_arrive();
    }
    for (int i = 0; i < 4; i++)
        hear(a);
    EXPECT_NOTED("[Connection refused][Connection refused]"
                 "[Connection refused][Connection timed out]");
    acio_datagram_close(a);
}

SPEC(datagram_error, in_a_batch_is_told_by_the_next_call)
{
    struct acio_address gone = nobody();
    acio_datagram *a = asking(), *b = endpoint();
    struct acio_address at_a = address_of(a);
    char data[4];
    struct acio_datagram_message in = { .data = data, .size = sizeof data };
    EXPECT_ERR(tell(a, "anybody?", &gone), 0);
    let_arrive();
    EXPECT_ERR(tell(b, "here", &at_a), 0);
    let_arrive();
    ACIO_TIMEOUT(limit, 0.5);
    EXPECT_ERR(acio_recv_batch(a, &in, 1), -ECONNREFUSED);
    EXPECT(acio_address_equal(&in.address, &gone));
    EXPECT_EQ(acio_recv_batch(a, &in, 1), 1);
    acio_timeout_close(&limit);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

struct fall_silent_args {
    acio_datagram *signal, *peer, *client;
};
static int
fall_silent(void *arg)
{
    const struct fall_silent_args *a = arg;
    char byte;
    if (acio_recvfrom(a->signal, &byte, 1, NULL) < 0)
        return 0;
    acio_datagram_abort(a->peer);
    return acio_sendto_nowait(a->client, "anybody?", 8, NULL);
}

struct take_batch_args {
    acio_datagram *datagram;
};
static int
take_batch(void *arg)
{
    const struct take_batch_args *a = arg;
    char data[2][8];
    struct acio_datagram_message in[2] = { { .data = data[0], .size = 8 },
        { .data = data[1], .size = 8 } };
    note("[%d]", acio_recv_batch(a->datagram, in, 2));
    return 0;
}

/* It comes after the first of the batch, and before the rest is taken. */
SPEC_REAL(datagram_error, met_by_the_rest_of_a_batch_is_told_by_the_next_call)
{
    acio_datagram *peer = endpoint(), *client = endpoint_towards(peer);
    acio_datagram *signal = endpoint();
    struct acio_address at_client = address_of(client);
    struct acio_address at_signal = address_of(signal);
    start(fall_silent, .signal = signal, .peer = peer, .client = client);
    start(take_batch, .datagram = client);
    settle();
    EXPECT_ERR(acio_sendto_nowait(peer, "now", 3, &at_signal), 0);
    EXPECT_ERR(acio_sendto_nowait(peer, "one", 3, &at_client), 0);
    settle();
    hear(client);
    EXPECT_NOTED("[1][Connection refused]");
    acio_datagram_close(client);
    acio_datagram_close(signal);
    finish();
}

SPEC(datagram_error, of_a_group_that_may_not_be_sent_to_is_told_at_once)
{
    acio_datagram *a = endpoint();
    struct acio_address everybody;
    EXPECT_ERR(acio_address_parse(&everybody, "255.255.255.255", 9), 0);
    EXPECT_ERR(tell(a, "everybody", &everybody), -EACCES);
    acio_datagram_close(a);
}
