/* SPDX-License-Identifier: MIT */
/* A datagram server: sends back what comes, except what begins with a zero
 * byte.
 *
 *     udp_acio one|many
 *
 * With many, it receives up to 64 datagrams by one call, and sends all the
 * answers to them by another. */
#include "listen.h"

#include <acio.h>

enum { BATCH = 64 };

struct amain_args {
    bool many;
};

static char data[BATCH][BENCH_BUFFER];

static int
serve_one_by_one(acio_datagram *socket)
{
    for (;;) {
        struct acio_datagram_info info;
        ssize_t got = acio_recvfrom(socket, data[0], BENCH_BUFFER, &info);
        if (got < 0)
            return (int)got;
        if (got == 0 || data[0][0] == 0)
            continue;
        int err = acio_sendto(socket, data[0], (size_t)got, &info.from);
        if (err < 0)
            return err;
    }
}

/* Moves the messages that are answered to the front, and counts them. */
static int
choose(struct acio_datagram_message *messages, int count)
{
    int answers = 0;
    for (int i = 0; i < count; i++)
        if (*(char *)messages[i].data)
            messages[answers++] = messages[i];
    return answers;
}

static int
serve_many(acio_datagram *socket)
{
    struct acio_datagram_message messages[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            messages[i].data = data[i];
            messages[i].size = BENCH_BUFFER;
        }
        int count = acio_recv_batch(socket, messages, BATCH);
        if (count < 0)
            return count;
        count = choose(messages, count);
        int sent = count ? acio_send_batch(socket, messages, count) : 0;
        if (sent < 0)
            return sent;
    }
}

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    acio_datagram *socket;
    int err = acio_create_datagram_endpoint(&socket,
        &(struct acio_datagram_options){ .local_host = "127.0.0.1" });
    if (err < 0)
        return err;
    printf("port udp:%d\n", acio_datagram_port(socket));
    fflush(stdout);
    return a->many ? serve_many(socket) : serve_one_by_one(socket);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 2, "one argument: one or many");
    bool many = strcmp(argv[1], "many") == 0;
    return acio_run(amain, .many = many) < 0;
}
