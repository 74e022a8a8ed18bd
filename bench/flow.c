/* SPDX-License-Identifier: MIT */
/* flow.c - the other side of every server that sends or receives only
 *
 *     flow WHERE PID CONNECTIONS WARM_MS MEASURE_MS send|receive
 *
 * The word says what the server does. The figures are for 64 KiB.
 */
#include "flow.h"
#include "clients.h"

static void
take(struct bench_client *c)
{
    char *data = malloc(FLOW_BLOCK);
    int fd = bench_connect(c->where);
    for (;;) {
        ssize_t got = recv(fd, data, FLOW_BLOCK, 0);
        bench_require(got > 0, "recv");
        flow_check(atomic_load(&c->done), data, got);
        atomic_fetch_add(&c->done, got);
    }
}

static void
give(struct bench_client *c)
{
    int fd = bench_connect(c->where);
    for (;;) {
        ssize_t sent = send(fd, flow_block, FLOW_BLOCK, 0);
        bench_require(sent == FLOW_BLOCK, "send");
        atomic_fetch_add(&c->done, sent);
    }
}

int
main(int argc, char **argv)
{
    bench_require(argc == 7, "six arguments");
    flow_fill();
    int sends = strcmp(argv[6], "send") == 0;
    bench_clients_run(argv, sends ? take : give, FLOW_BLOCK);
}
