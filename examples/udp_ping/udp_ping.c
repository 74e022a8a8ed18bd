/* SPDX-License-Identifier: MIT */
/* Ping over UDP: a server that echoes, a client that counts what comes back.
 *     udp_ping server 0          prints the port that it is given
 *     udp_ping client 7777       asks the server five times:
 *                                "5 sent, 5 received, 0.073 ms on average"
 *     udp_ping simulate 7777     both, where every fifth datagram is lost
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serve_args {
    int port;
};
static int
serve(void *arg)
{
    const struct serve_args *a = arg;
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .local_port = a->port };
    struct acio_datagram_info info;
    acio_datagram *datagram;
    char buf[2048];
    int err = acio_create_datagram_endpoint(&datagram, &options);
    printf("port %d\n", acio_datagram_port(datagram));
    fflush(stdout);
    while (err == 0) {
        ssize_t n = acio_recvfrom(datagram, buf, sizeof buf, &info);
        err = n < 0 ? (int)n
                    : acio_sendto(datagram, buf, (size_t)n, &info.from);
    }
    acio_datagram_close(datagram);
    return err;
}

/* How long a number takes to come back; negative: too long. */
static double
ping(acio_datagram *datagram, int number)
{
    acio_loop *loop = acio_get_running_loop();
    double start = acio_loop_time(loop);
    int answer = 0;
    ACIO_TIMEOUT(limit, 0.2);
    ssize_t n = acio_sendto(datagram, &number, sizeof number, NULL);
    while (n >= 0 && answer != number) /* a late answer is another number */
        n = acio_recvfrom(datagram, &answer, sizeof answer, NULL);
    return n < 0 ? -1 : acio_loop_time(loop) - start;
}

struct ask_args {
    int port, times;
};
static int
ask(void *arg)
{
    const struct ask_args *a = arg;
    const struct acio_datagram_options options = { .remote_host = "127.0.0.1",
        .remote_port = a->port };
    double sum = 0;
    int received = 0;
    acio_datagram *datagram;
    int err = acio_create_datagram_endpoint(&datagram, &options);
    for (int i = 1; err == 0 && i <= a->times; i++) {
        double seconds = ping(datagram, i);
        received += seconds >= 0;
        sum += seconds >= 0 ? seconds : 0;
        err = acio_sleep(0.01);
    }
    acio_datagram_close(datagram);
    printf("%d sent, %d received, %.3f ms on average\n", a->times, received,
        received ? 1e3 * sum / received : 0.0);
    return err < 0 || received > 0 ? err : -ETIMEDOUT;
}

static int
both(void *arg)
{
    const struct serve_args *a = arg;
    acio_detach(acio_create_task(serve, .port = a->port));
    (void)acio_sleep(0);
    return ask(&(struct ask_args){ .port = a->port, .times = 1000 });
}

int
main(int argc, char **argv)
{
    struct acio_sim_options sim = { .losses = 0.2, .reorders = 0.1 };
    struct acio_run_options options = { .backend = "sim", .sim = &sim };
    struct serve_args args = { argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0 };
    const char *what = argc == 3 ? argv[1] : "";
    if (strcmp(what, "server") == 0)
        return acio_run(serve, .port = args.port) < 0;
    if (strcmp(what, "client") == 0)
        return acio_run(ask, .port = args.port, .times = 5) < 0;
    if (strcmp(what, "simulate") == 0)
        return acio_run_with(both, (struct acio_args){ &args, sizeof args },
                   &options) < 0;
    return 2;
}
