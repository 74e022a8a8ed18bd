/* SPDX-License-Identifier: MIT */
/* Datagrams: whole, each by itself, with who sent them. */
#include <stdio.h>
#include <stdlib.h>

#include "datagram_world.h"

SPEC(datagram, comes_with_the_address_of_its_sender)
{
    acio_datagram *a = endpoint(), *b = endpoint();
    struct acio_address at_a = address_of(a), at_b = address_of(b);
    struct acio_datagram_info info;
    char buf[16] = "";
    EXPECT_ERR(tell(a, "hello", &at_b), 0);
    EXPECT_EQ(receive(b, buf, sizeof buf, &info), 5);
    EXPECT_TEXT(buf, "hello");
    EXPECT_EQ(info.bytes, 5);
    EXPECT(!info.truncated);
    EXPECT(acio_address_equal(&info.from, &at_a));
    EXPECT_ERR(acio_datagram_close(a), 0);
    EXPECT_ERR(acio_datagram_close(b), 0);
}

SPEC(datagram, is_echoed_by_a_task)
{
    acio_datagram *server = endpoint(), *client = endpoint_towards(server);
    start(reflect, .datagram = server);
    for (int i = 0; i < 5; i++) {
        EXPECT_ERR(tell(client, "ping", NULL), 0);
        if (hear(client) < 0)
            break;
    }
    EXPECT_NOTED("[ping][ping][ping][ping][ping]");
    acio_datagram_close(client);
    acio_datagram_close(server);
    finish();
}

SPEC(datagram, keeps_its_bounds)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    EXPECT_ERR(tell(b, "one", NULL), 0);
    EXPECT_ERR(tell(b, "two", NULL), 0);
    EXPECT_ERR(tell(b, "three", NULL), 0);
    for (int i = 0; i < 3; i++) {
        if (hear(a) < 0)
            break;
    }
    EXPECT_NOTED("[one][two][three]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram, may_be_empty)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    struct acio_datagram_info info;
    char byte;
    EXPECT_ERR(acio_sendto(b, NULL, 0, NULL), 0);
    EXPECT_EQ(receive(a, &byte, 1, &info), 0);
    EXPECT_EQ(info.bytes, 0);
    EXPECT(!info.truncated);
    EXPECT_EQ(acio_address_port(&info.from), acio_datagram_port(b));
    EXPECT_ERR(tell(b, "x", NULL), 0);
    EXPECT_EQ(receive(a, &byte, 1, &info), 1);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram, that_is_cut_tells_its_whole_length)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    struct acio_datagram_info info;
    char buf[5] = "";
    EXPECT_ERR(tell(b, "much too long", NULL), 0);
    EXPECT_ERR(tell(b, "fits", NULL), 0);
    EXPECT_EQ(receive(a, buf, 4, &info), 4);
    EXPECT_TEXT(buf, "much");
    EXPECT_EQ(info.bytes, 13);
    EXPECT(info.truncated);
    EXPECT_EQ(receive(a, buf, 4, &info), 4);
    EXPECT_TEXT(buf, "fits");
    EXPECT(!info.truncated);
    EXPECT_ERR(tell(b, "no room at all", NULL), 0);
    EXPECT_EQ(receive(a, NULL, 0, &info), 0);
    EXPECT_EQ(info.bytes, 14);
    EXPECT(info.truncated);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram, of_the_largest_size_passes_and_one_byte_more_is_refused)
{
    enum { LARGEST = 65507 };
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .send_buffer = 200000,
        .receive_buffer = 200000 };
    acio_datagram *a, *b;
    EXPECT_ERR(acio_create_datagram_endpoint(&a, &options), 0);
    EXPECT_ERR(acio_create_datagram_endpoint(&b, &options), 0);
    struct acio_address at_b = address_of(b);
    struct acio_datagram_info info;
    char *data = malloc(LARGEST + 1);
    for (size_t i = 0; i <= LARGEST; i++)
        data[i] = pattern(i);
    EXPECT_ERR(acio_sendto(a, data, LARGEST + 1, &at_b), -EMSGSIZE);
    EXPECT_ERR(acio_sendto(a, data, LARGEST, &at_b), 0);
    data[LARGEST - 1] = 0;
    EXPECT_EQ(receive(b, data, LARGEST + 1, &info), LARGEST);
    EXPECT_EQ(data[LARGEST - 1], pattern(LARGEST - 1));
    acio_datagram_close(a);
    acio_datagram_close(b);
    free(data);
}

SPEC(datagram, of_a_stranger_does_not_reach_a_connected_endpoint)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a), *c = endpoint();
    struct acio_address at_b = address_of(b);
    EXPECT_ERR(tell(c, "from a stranger", &at_b), 0);
    EXPECT_ERR(tell(a, "from the peer", &at_b), 0);
    hear(b);
    EXPECT_NOTED("[from the peer]");
    acio_datagram_close(a);
    acio_datagram_close(b);
    acio_datagram_close(c);
}

SPEC(datagram, needs_to_know_whereto)
{
    acio_datagram *a = endpoint();
    EXPECT_ERR(tell(a, "whereto?", NULL), -EDESTADDRREQ);
    acio_datagram_close(a);
}

SPEC(datagram, travels_by_ipv6)
{
    acio_datagram *a, *b;
    const struct acio_datagram_options here = { .local_host = "::1" };
    int err = acio_create_datagram_endpoint(&a, &here);
    if (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT)
        SKIP("this machine has no IPv6");
    EXPECT_ERR(err, 0);
    const struct acio_datagram_options there = { .remote_host = "::1",
        .remote_port = acio_datagram_port(a) };
    EXPECT_ERR(acio_create_datagram_endpoint(&b, &there), 0);
    EXPECT_ERR(tell(b, "six", NULL), 0);
    hear(a);
    EXPECT_NOTED("[six]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram, comes_by_ipv4_and_ipv6_where_no_host_is_given)
{
    acio_datagram *all = NULL, *a = endpoint();
    struct acio_datagram_options options = { .local_port = acio_datagram_port(
                                                 a) };
    acio_datagram_close(a); /* its port is free now */
    EXPECT_ERR(acio_create_datagram_endpoint(&all, &options), 0);
    acio_datagram *b = endpoint_towards(all);
    EXPECT_ERR(tell(b, "by four", NULL), 0);
    hear(all);
    EXPECT_NOTED("[by four]");
    acio_datagram_close(all);
    acio_datagram_close(b);
}

SPEC(datagram, is_sent_to_a_name)
{
    acio_datagram *a = endpoint(), *b = endpoint();
    struct acio_address to;
    EXPECT_ERR(acio_address_resolve(&to, "localhost", acio_datagram_port(b),
                   AF_INET),
        0);
    EXPECT_ERR(tell(a, "by name", &to), 0);
    hear(b);
    EXPECT_NOTED("[by name]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

/* ---- opening ---- */

SPEC(datagram_open, tells_what_is_wrong_in_a_sentence)
{
    acio_datagram *datagram;
    char text[256] = "";
    struct acio_datagram_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), -EINVAL);
    EXPECT(datagram == NULL);
    EXPECT_TEXT(text,
        "cannot open a datagram endpoint: it needs an address, "
        "a path or a family, and ports from 0 to 65535");
    options.local_host = "127.0.0.1";
    options.remote_host = "::1";
    options.remote_port = 9;
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options),
        -EADDRNOTAVAIL);
    EXPECT_TEXT(text,
        "cannot open a datagram endpoint: Cannot assign "
        "requested address");
    options.remote_host = "no-such-name.invalid";
    EXPECT(acio_create_datagram_endpoint(&datagram, &options) < -ACIO_EAI_BASE);
    options.remote_port = 65536;
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), -EINVAL);
}

SPEC(datagram_open, refuses_a_port_that_is_taken_and_names_it)
{
    acio_datagram *a = endpoint(), *b;
    char text[256] = "", wanted[256];
    struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .local_port = acio_datagram_port(a),
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_create_datagram_endpoint(&b, &options), -EADDRINUSE);
    snprintf(wanted, sizeof wanted,
        "cannot open a datagram endpoint: at 127.0.0.1:%d: "
        "Address already in use",
        options.local_port);
    EXPECT_TEXT(text, wanted);
    acio_datagram_close(a);
}

SPEC(datagram_open, lets_several_share_a_port_by_reuse_port)
{
    acio_datagram *a, *b, *c = endpoint();
    struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .reuse_port = true };
    EXPECT_ERR(acio_create_datagram_endpoint(&a, &options), 0);
    options.local_port = acio_datagram_port(a);
    EXPECT_ERR(acio_create_datagram_endpoint(&b, &options), 0);
    struct acio_address to = address_of(a);
    EXPECT_ERR(tell(c, "to one of both", &to), 0);
    start(listen_to, .datagram = a, .times = 1);
    start(listen_to, .datagram = b, .times = 1);
    let_arrive();
    EXPECT_NOTED("[to one of both]");
    acio_datagram_close(a);
    acio_datagram_close(b);
    finish();
    EXPECT_NOTED("[the object is closed]");
    acio_datagram_close(c);
}

SPEC(datagram_open, knows_both_ends)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    struct acio_address at_a = address_of(a), peer;
    char text[64], wanted[64];
    EXPECT_ERR(acio_datagram_peer_address(b, &peer), 0);
    EXPECT(acio_address_equal(&at_a, &peer));
    EXPECT_ERR(acio_datagram_peer_address(a, &peer), -ENOTCONN);
    EXPECT(acio_address_write(&at_a, text, sizeof text) > 0);
    snprintf(wanted, sizeof wanted, "127.0.0.1:%d", acio_datagram_port(a));
    EXPECT_TEXT(text, wanted);
    EXPECT(acio_datagram_fd(a) >= 0);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

/* ---- one at a time, or none ---- */

SPEC(datagram_nowait, answers_eagain_where_nothing_is_there)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    struct acio_datagram_info info;
    char buf[8] = "";
    EXPECT_ERR(acio_recvfrom_nowait(a, buf, sizeof buf, &info), -EAGAIN);
    EXPECT_ERR(acio_sendto_nowait(b, "now", 3, NULL), 0);
    let_arrive();
    EXPECT_EQ(acio_recvfrom_nowait(a, buf, sizeof buf, &info), 3);
    EXPECT_TEXT(buf, "now");
    EXPECT_EQ(acio_address_port(&info.from), acio_datagram_port(b));
    EXPECT_ERR(acio_recvfrom_nowait(a, buf, sizeof buf, NULL), -EAGAIN);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram_batch, takes_what_is_there)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    struct acio_datagram_message out[40], in[64];
    char data[64][8], text[40][8];
    for (int i = 0; i < 40; i++) {
        int n = snprintf(text[i], sizeof text[i], "%d", i);
        out[i] = (struct acio_datagram_message){ .data = text[i],
            .bytes = (size_t)n };
    }
    for (int i = 0; i < 64; i++)
        in[i] = (struct acio_datagram_message){ .data = data[i], .size = 1 };
    EXPECT_EQ(acio_send_batch(b, out, 40), 40);
    int got = 0;
    while (got < 40) {
        ACIO_TIMEOUT(limit, 0.5);
        int n = acio_recv_batch(a, in + got, 64 - got);
        if (!EXPECT(n > 0))
            break;
        got += n;
    }
    bool good = got == 40;
    for (int i = 0; i < got && good; i++)
        good = data[i][0] == text[i][0] && in[i].bytes == 1 &&
            in[i].whole == out[i].bytes &&
            acio_address_port(&in[i].address) == acio_datagram_port(b);
    EXPECT(good);
    EXPECT_ERR(acio_recv_batch(a, in, 0), -EINVAL);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram_batch, waits_for_the_first)
{
    acio_datagram *a = endpoint();
    struct acio_datagram_message message = { .size = 0 };
    ACIO_TIMEOUT(limit, 0.01);
    EXPECT_ERR(acio_recv_batch(a, &message, 1), -ETIMEDOUT);
    acio_timeout_close(&limit);
    acio_datagram_close(a);
}

SPEC(datagram_batch, tells_how_many_were_sent_before_an_error)
{
    acio_datagram *a = endpoint(), *b = endpoint();
    struct acio_address to = address_of(b);
    struct acio_datagram_message out[3] = { { .data = "a", .bytes = 1 },
        { .data = "b", .bytes = 1 }, { .data = "c", .bytes = 1 } };
    out[0].address = out[1].address = to;
    EXPECT_EQ(acio_send_batch(a, out, 3), 2);
    EXPECT_ERR(acio_send_batch(a, out + 2, 1), -EDESTADDRREQ);
    acio_datagram_close(a);
    acio_datagram_close(b);
}
