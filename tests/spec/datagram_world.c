/* SPDX-License-Identifier: MIT */
/* datagram_world.c - what the tests of datagrams have in common */
#include "datagram_world.h"

acio_datagram *
endpoint(void)
{
    acio_datagram *datagram;
    const struct acio_datagram_options options = { .local_host = "127.0.0.1" };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

acio_datagram *
endpoint_towards(acio_datagram *other)
{
    acio_datagram *datagram;
    const struct acio_datagram_options options = { .remote_host = "127.0.0.1",
        .remote_port = acio_datagram_port(other) };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

struct acio_address
address_of(acio_datagram *datagram)
{
    struct acio_address address = { 0 };
    EXPECT_ERR(acio_datagram_sock_address(datagram, &address), 0);
    return address;
}

struct acio_address
nobody(void)
{
    acio_datagram *datagram = endpoint();
    struct acio_address address = address_of(datagram);
    acio_datagram_close(datagram);
    return address;
}

int
tell(acio_datagram *datagram, const char *text, const struct acio_address *to)
{
    return acio_sendto(datagram, text, strlen(text), to);
}

ssize_t
receive(acio_datagram *datagram, void *buf, size_t n,
    struct acio_datagram_info *info)
{
    ACIO_TIMEOUT(limit, 0.5);
    return acio_recvfrom(datagram, buf, n, info);
}

ssize_t
hear(acio_datagram *datagram)
{
    char buf[64];
    ssize_t n = receive(datagram, buf, sizeof buf, NULL);
    if (n >= 0)
        note("[%.*s]", (int)n, buf);
    else
        note("[%s]", acio_strerror((int)n));
    return n;
}

int
listen_to(void *arg)
{
    const struct listen_to_args *a = arg;
    for (int i = 0; a->times == 0 || i < a->times; i++) {
        if (hear(a->datagram) < 0)
            break;
    }
    return 0;
}

int
reflect(void *arg)
{
    const struct reflect_args *a = arg;
    char buf[2048];
    int err = 0;
    while (err == 0) {
        struct acio_datagram_info info;
        ssize_t n = acio_recvfrom(a->datagram, buf, sizeof buf, &info);
        err = n < 0 ? (int)n
                    : acio_sendto(a->datagram, buf, (size_t)n, &info.from);
    }
    return 0;
}
