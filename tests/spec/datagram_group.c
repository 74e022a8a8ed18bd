/* SPDX-License-Identifier: MIT */
/* One datagram for many: broadcast and multicast. */
#include <errno.h>

#include "datagram_world.h"

static acio_datagram *
open_with(struct acio_datagram_options options)
{
    acio_datagram *datagram = NULL;
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

SPEC(datagram_broadcast, reaches_who_listens_at_all_interfaces)
{
    acio_datagram *a = open_with(
        (struct acio_datagram_options){ .local_host = "0.0.0.0" });
    acio_datagram *b = open_with(
        (struct acio_datagram_options){ .local_host = "127.0.0.1",
            .allow_broadcast = true });
    struct acio_address all;
    EXPECT_ERR(acio_address_parse(&all, "127.255.255.255",
                   acio_datagram_port(a)),
        0);
    EXPECT_ERR(tell(b, "to all", &all), 0);
    hear(a);
    EXPECT_NOTED("[to all]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

/* The loopback interface has no multicast flag, yet carries it where it is
 * named; some containers have no route for it, and emulators no word. */
static bool
can_multicast(acio_datagram *datagram, const struct acio_address *group)
{
    const struct acio_multicast_options by_lo = { .interface = "lo" };
    struct acio_address probe = *group;
    probe.as.in.sin_port = htons(9); /* at the same place for IPv6 */
    int err = acio_datagram_set_multicast(datagram, &by_lo);
    if (err == 0)
        err = tell(datagram, "", &probe);
    return err != -ENODEV && err != -ENETUNREACH && err != -EADDRNOTAVAIL &&
        err != -ENOPROTOOPT;
}

static void
expect_group(const char *group, const char *any)
{
    acio_datagram *member = open_with(
        (struct acio_datagram_options){ .local_host = any });
    acio_datagram *sender = open_with((struct acio_datagram_options){
        .family = strchr(any, ':') ? AF_INET6 : AF_INET });
    if (!member || !sender)
        goto close;
    struct acio_address to;
    EXPECT_ERR(acio_address_parse(&to, group, acio_datagram_port(member)), 0);
    if (!tortured() && !can_multicast(sender, &to))
        SKIP("this kernel has no multicast on its loopback interface");
    EXPECT_ERR(acio_datagram_join(member, group, "lo"), 0);
    EXPECT_ERR(acio_datagram_join(member, group, "lo"), -EADDRINUSE);
    const struct acio_multicast_options by_lo = { .interface = "lo" };
    EXPECT_ERR(acio_datagram_set_multicast(sender, &by_lo), 0);
    EXPECT_ERR(tell(sender, "members", &to), 0);
    hear(member);
    EXPECT_NOTED("[members]");
    EXPECT_ERR(acio_datagram_leave(member, group, "lo"), 0);
    EXPECT_ERR(acio_datagram_leave(member, group, "lo"), -EADDRNOTAVAIL);
    EXPECT_ERR(tell(sender, "nobody", &to), 0);
    let_arrive();
    char byte;
    EXPECT_ERR(acio_recvfrom_nowait(member, &byte, 1, NULL), -EAGAIN);
close:
    acio_datagram_close(member);
    acio_datagram_close(sender);
}

SPEC(datagram_multicast, reaches_members_until_they_leave)
{
    expect_group("239.255.77.1", "0.0.0.0");
}

SPEC(datagram_multicast, reaches_members_by_ipv6_too)
{
    acio_datagram *probe;
    const struct acio_datagram_options options = { .local_host = "::1" };
    if (acio_create_datagram_endpoint(&probe, &options) < 0)
        SKIP("this machine has no IPv6");
    acio_datagram_close(probe);
    expect_group("ff05::7701", "::");
}

/* The loopback interface brings everything back, this option or not. */
SPEC_SIM(datagram_multicast, does_not_come_back_without_loop)
{
    acio_datagram *member = open_with(
        (struct acio_datagram_options){ .local_host = "0.0.0.0" });
    struct acio_address to;
    EXPECT_ERR(acio_address_parse(&to, "239.255.77.2",
                   acio_datagram_port(member)),
        0);
    EXPECT_ERR(acio_datagram_join(member, "239.255.77.2", NULL), 0);
    const struct acio_multicast_options mute = { .no_loop = true, .ttl = 3 };
    EXPECT_ERR(acio_datagram_set_multicast(member, &mute), 0);
    EXPECT_ERR(tell(member, "to others", &to), 0);
    hear(member);
    EXPECT_NOTED("[Connection timed out]");
    acio_datagram_close(member);
}

SPEC(datagram_multicast, refuses_what_is_no_group)
{
    acio_datagram *a = endpoint();
    EXPECT_ERR(acio_datagram_join(a, "127.0.0.1", NULL), -EINVAL);
    EXPECT_ERR(acio_datagram_join(a, "some name", NULL), -EINVAL);
    EXPECT_ERR(acio_datagram_join(a, NULL, NULL), -EINVAL);
    const struct acio_multicast_options far = { .ttl = 256 };
    EXPECT_ERR(acio_datagram_set_multicast(a, &far), -EINVAL);
    if (!time_is_virtual())
        EXPECT_ERR(acio_datagram_join(a, "239.255.77.3", "no-such-link0"),
            -ENODEV);
    acio_datagram_close(a);
}
