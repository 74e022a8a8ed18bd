/* SPDX-License-Identifier: MIT */
/* Datagrams of Unix sockets: none is lost, and a full receiver holds up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datagram_world.h"

static acio_datagram *
at_path(const char *local, const char *remote)
{
    acio_datagram *datagram = NULL;
    const struct acio_datagram_options options = { .local_path = local,
        .remote_path = remote };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options), 0);
    return datagram;
}

/* A name that nobody else has. */
static const char *
abstract_name(char *buf, size_t size, const char *word)
{
    snprintf(buf, size, "@acio-test-%d-%s", (int)getpid(), word);
    return buf;
}

SPEC(datagram_unix, is_answered_by_the_name_it_came_from)
{
    char name[64], text[128];
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path("", name); /* the kernel picks a name */
    struct acio_datagram_info info = { .bytes = 0 };
    char buf[8] = "";
    EXPECT_ERR(tell(client, "knock", NULL), 0);
    EXPECT_EQ(receive(server, buf, sizeof buf, &info), 5);
    EXPECT(acio_address_write(&info.from, text, sizeof text) > 1);
    EXPECT_EQ(text[0], '@');
    EXPECT_ERR(tell(server, "open", &info.from), 0);
    hear(client);
    EXPECT_NOTED("[open]");
    acio_datagram_close(server);
    acio_datagram_close(client);
}

SPEC(datagram_unix, may_come_from_who_has_no_name)
{
    char name[64], text[128] = "?";
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path(NULL, name);
    struct acio_datagram_info info = { .bytes = 0 };
    char buf[8] = "";
    EXPECT_ERR(tell(client, "knock", NULL), 0);
    EXPECT_EQ(receive(server, buf, sizeof buf, &info), 5);
    EXPECT_EQ(info.from.length, 0);
    EXPECT_EQ(acio_address_write(&info.from, text, sizeof text), 0);
    EXPECT_TEXT(text, "");
    acio_datagram_close(server);
    acio_datagram_close(client);
}

SPEC(datagram_unix, to_a_name_that_nobody_has_is_refused)
{
    acio_datagram *datagram;
    char name[64], text[256] = "", wanted[256];
    abstract_name(name, sizeof name, "nobody");
    const struct acio_datagram_options options = { .remote_path = name,
        .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_create_datagram_endpoint(&datagram, &options),
        -ECONNREFUSED);
    snprintf(wanted, sizeof wanted,
        "cannot open a datagram endpoint: to %s: Connection refused", name);
    EXPECT_TEXT(text, wanted);
}

struct pour_args {
    acio_datagram *datagram;
    int count;
    const struct acio_address *to;
};
static int
pour(void *arg)
{
    const struct pour_args *a = arg;
    char data[8000] = "";
    int i = 0, err = 0;
    for (; err == 0 && i < a->count; i++) {
        memcpy(data, &i, sizeof i);
        err = acio_sendto(a->datagram, data, sizeof data, a->to);
    }
    if (err < 0)
        note("[%s]", acio_strerror(err));
    return 0;
}

static void
expect_all(acio_datagram *server, int count)
{
    char data[8000];
    int got = 0, number = 0;
    bool in_order = true;
    ssize_t n = sizeof data;
    while (got < count && n == sizeof data) {
        n = receive(server, data, sizeof data, NULL);
        memcpy(&number, data, sizeof number);
        in_order = in_order && number == got;
        got++;
    }
    EXPECT_EQ(n, 8000);
    EXPECT(in_order);
}

SPEC(datagram_unix, waits_for_a_receiver_it_is_connected_to)
{
    char name[64];
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path(NULL, name);
    start(pour, .datagram = client, .count = 200);
    settle();
    expect_all(server, 200);
    acio_datagram_close(server);
    acio_datagram_close(client);
    finish();
}

SPEC(datagram_unix, waits_for_a_receiver_that_each_datagram_names)
{
    char name[64];
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path("", NULL);
    struct acio_address to = address_of(server);
    start(pour, .datagram = client, .count = 200, .to = &to);
    settle();
    expect_all(server, 200);
    acio_datagram_close(server);
    acio_datagram_close(client);
    finish();
}

SPEC(datagram_unix, that_waits_is_told_when_its_endpoint_is_closed)
{
    char name[64];
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path("", NULL), *other = at_path(NULL, name);
    struct acio_address to = address_of(server);
    start(pour, .datagram = client, .count = 1000, .to = &to);
    start(pour, .datagram = other, .count = 1000);
    let_arrive();
    EXPECT_ERR(acio_datagram_close(client), 0);
    EXPECT_ERR(acio_datagram_close(other), 0);
    finish();
    EXPECT_NOTED("[the object is closed][the object is closed]");
    acio_datagram_close(server);
}

SPEC(datagram_unix, that_waits_is_told_when_its_receiver_is_gone)
{
    char name[64];
    acio_datagram *server = at_path(abstract_name(name, sizeof name, "a"),
        NULL);
    acio_datagram *client = at_path(NULL, name);
    start(pour, .datagram = client, .count = 1000);
    let_arrive();
    EXPECT_ERR(acio_datagram_close(server), 0);
    finish();
    EXPECT_NOTED("[Connection refused]");
    acio_datagram_close(client);
}

SPEC_REAL(datagram_unix, replaces_a_socket_that_was_left_at_its_path)
{
    char directory[] = "/tmp/acio-datagram-XXXXXX", path[64];
    REQUIRE(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/socket", directory);
    acio_datagram_close(at_path(path, NULL)); /* the file stays */
    struct stat file;
    EXPECT_EQ(stat(path, &file), 0);
    acio_datagram *server = at_path(path, NULL), *client = at_path(NULL, path);
    EXPECT_ERR(tell(client, "by path", NULL), 0);
    hear(server);
    EXPECT_NOTED("[by path]");
    acio_datagram_close(server);
    acio_datagram_close(client);
    unlink(path);
    rmdir(directory);
}

SPEC_REAL(datagram_socket, is_made_an_endpoint)
{
    int fds[2], pipes[2];
    acio_datagram *a, *b;
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    EXPECT_ERR(acio_open_datagram_socket(&a, fds[0]), 0);
    EXPECT_ERR(acio_open_datagram_socket(&b, fds[1]), 0);
    EXPECT_ERR(tell(a, "through a pair", NULL), 0);
    hear(b);
    EXPECT_NOTED("[through a pair]");
    acio_datagram_close(a);
    acio_datagram_close(b);
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    EXPECT_ERR(acio_open_datagram_socket(&a, fds[0]), -EPROTOTYPE);
    close(fds[0]);
    close(fds[1]);
    REQUIRE_EQ(pipe(pipes), 0);
    EXPECT_ERR(acio_open_datagram_socket(&a, pipes[0]), -ENOTSOCK);
    EXPECT(a == NULL);
    close(pipes[0]);
    close(pipes[1]);
    EXPECT_ERR(acio_open_datagram_socket(&a, -1), -EBADF);
}
