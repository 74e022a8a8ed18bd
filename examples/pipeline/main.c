/* SPDX-License-Identifier: MIT */
/* pipeline - events of four sources, summed up in windows of time:
 *
 *     build/examples/pipeline/pipeline 0 0 events.log sums.csv
 *     examples/pipeline/feed.py TCPPORT UDPPORT events.log
 *
 * Idea.     pipeline.h shows the stages. When every source has ended, or at
 *           Ctrl-C, the first queue is shut down: each stage takes what is
 *           left, shuts down the next queue and returns. So what was taken in
 *           is also written.
 * Failures. A stage that fails (a disk that is full, say) ends the group, and
 *           with it the sources.
 */
#include "pipeline.h"

#include <acio/signals.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_LOST = 1, EXIT_USAGE = 2, UDP_BUFFER = 4 << 20 };

struct stop_at_signal_args {
    struct pipeline *pipeline;
};

static int
stop_at_signal(void *arg)
{
    struct pipeline *p = ((struct stop_at_signal_args *)arg)->pipeline;
    ACIO_SIGNALS(signals, SIGINT, SIGTERM);
    int signum = acio_signals_next(&signals);
    if (signum > 0)
        acio_group_cancel(p->sources);
    return signum < 0 ? signum : 0;
}

static int
run_sources(struct pipeline *p)
{
    ACIO_GROUP(group);
    p->sources = &group;
    acio_group_create_task(&group, from_tcp, p);
    acio_group_create_task(&group, from_udp, p);
    acio_group_create_task(&group, from_file, p);
    return acio_group_wait(&group);
}

/* The timer has no end of its own. */
static int
run_with_timer(struct pipeline *p)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, from_timer, p);
    acio_group_create_task(&group, stop_at_signal, p);
    int err = run_sources(p);
    acio_group_cancel(&group);
    int end = acio_group_wait(&group);
    return err < 0 ? err : end;
}

static int
run_stages(struct pipeline *p)
{
    ACIO_GROUP(group);
    acio_group_create_task(&group, fill_windows, p);
    acio_group_create_task(&group, write_rows, p);
    int err = run_with_timer(p);
    acio_queue_shutdown(&p->events, false);
    int end = acio_group_wait(&group);
    return end < 0 ? end : err;
}

/* ---- the ends of the pipeline ---- */

static int
open_file(const char *path, int flags)
{
    int fd = acio_open(path, flags, 0666);
    if (fd < 0)
        fprintf(stderr, "pipeline: cannot open %s: %s\n", path,
            acio_strerror(fd));
    return fd;
}

static int
open_ports(struct pipeline *p)
{
    char text[256] = "";
    struct acio_datagram_options datagram = { .local_host = "127.0.0.1",
        .local_port = p->udp_port,
        .receive_buffer = UDP_BUFFER,
        .error_text = text,
        .error_text_bytes = sizeof text };
    struct acio_server_options server = { .max_connections = 1,
        .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_create_datagram_endpoint(&p->datagram, &datagram);
    if (err == 0)
        err = acio_start_server(&p->server, serve_sender, p, "127.0.0.1",
            p->tcp_port, &server);
    if (err < 0) {
        fprintf(stderr, "pipeline: %s\n", text);
        return err;
    }
    printf("pipeline: TCP port %d, UDP port %d\n", acio_server_port(p->server),
        acio_datagram_port(p->datagram));
    fflush(stdout);
    return 0;
}

static int
run_with_files(struct pipeline *p)
{
    p->input_fd = open_file(p->path, O_RDONLY | O_CREAT);
    if (p->input_fd < 0)
        return p->input_fd;
    p->output_fd = open_file(p->output, O_WRONLY | O_CREAT | O_TRUNC);
    int err = p->output_fd < 0 ? p->output_fd : open_ports(p);
    if (err == 0)
        err = run_stages(p);
    if (p->server)
        acio_server_wait_closed(p->server, 0);
    if (p->output_fd >= 0)
        acio_close_fd(p->output_fd);
    acio_close_fd(p->input_fd);
    return err;
}

/* ---- the summary ---- */

static int
print_summary(struct pipeline *p)
{
    int64_t lost = 0, total = 0;
    for (int source = 0; source < SOURCES; source++) {
        lost += p->last[source] - p->count[source];
        total += p->count[source];
    }
    printf("pipeline: %" PRId64 " tcp, %" PRId64 " udp, %" PRId64 " file and "
           "%" PRId64 " timer events: ",
        p->count[TCP], p->count[UDP], p->count[APPENDED], p->count[TIMER]);
    printf("%" PRId64 " in, %" PRId64 " written, %" PRId64 " lost, %" PRId64
           " late, %" PRId64 " malformed, %" PRId64 " dropped, "
           "at most %" PRId64 " ms behind\n",
        total, p->written, lost, p->late, p->malformed, p->dropped,
        p->behind_ms);
    return total == p->written && lost == 0 && p->dropped <= 0 ? 0 : EXIT_LOST;
}

struct amain_args {
    struct pipeline *pipeline;
};

static int
amain(void *arg)
{
    struct pipeline *p = ((struct amain_args *)arg)->pipeline;
    acio_queue_init(&p->events, sizeof(struct event), EVENTS);
    acio_queue_init(&p->rows, sizeof(struct row), ROWS);
    int err = run_with_files(p);
    if (p->datagram)
        p->dropped = acio_datagram_drops(p->datagram);
    acio_datagram_close(p->datagram);
    acio_queue_close(&p->rows);
    acio_queue_close(&p->events);
    if (err < 0)
        fprintf(stderr, "pipeline: it broke: %s\n", acio_strerror(err));
    int status = print_summary(p);
    return err < 0 ? err : status;
}

/* ---- the command line ---- */

static int
usage(FILE *out)
{
    fputs("Usage: pipeline [OPTION]... TCPPORT UDPPORT FILE OUTPUT\n"
          "Take events from a connection, from datagrams (ports of 127.0.0.1;\n"
          "0: any free one), from what is appended to FILE and from a timer,\n"
          "sum them up for each source and window, and write that to OUTPUT\n"
          "as lines BEGIN,SOURCE,COUNT,SUM.\n"
          "\n"
          "  --window MS  how long a window is (default 100)\n"
          "  --late MS    by how much events may be late (default 200)\n"
          "  --idle MS    how long to wait for a source that is silent\n"
          "               (default 10000)\n"
          "  --help       print this\n"
          "\n"
          "An event is a line NUMBER STAMP VALUE: numbered from 1 on, stamped\n"
          "with CLOCK_MONOTONIC in milliseconds. A source ends with the\n"
          "connection, an empty datagram, the line \"end\" in FILE.\n"
          "Exit status: 0 nothing was lost, 1 something was, 2 wrong usage.\n",
        out);
    return out == stdout ? 0 : EXIT_USAGE;
}

static bool
parse(int *out, const char *text, int least, int most)
{
    char *end;
    long value = strtol(text, &end, 10);
    *out = (int)value;
    if (*text && !*end && value >= least && value <= most)
        return true;
    fprintf(stderr, "pipeline: not a number from %d to %d: %s\n", least, most,
        text);
    return false;
}

static bool
take_option(struct pipeline *p, int option)
{
    switch (option) {
    case 'w':
        return parse(&p->window_ms, optarg, 1, 60000);
    case 'l':
        return parse(&p->late_ms, optarg, 0, 60000);
    case 'i':
        return parse(&p->idle_ms, optarg, 1, 1000000);
    default:
        return false;
    }
}

int
main(int argc, char **argv)
{
    static const struct option names[] = { { "window", 1, NULL, 'w' },
        { "late", 1, NULL, 'l' }, { "idle", 1, NULL, 'i' },
        { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    struct pipeline p = { .window_ms = 100, .late_ms = 200, .idle_ms = 10000 };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!take_option(&p, option))
            return usage(option == 'h' ? stdout : stderr);
    if (argc - optind != 4 || !parse(&p.tcp_port, argv[optind], 0, 65535) ||
        !parse(&p.udp_port, argv[optind + 1], 0, 65535))
        return usage(stderr);
    p.path = argv[optind + 2];
    p.output = argv[optind + 3];
    int status = acio_run_with(amain, ACIO_ARGS(amain, .pipeline = &p),
        &(struct acio_run_options){ .keep_sigint = true });
    return status < 0 ? EXIT_LOST : status;
}
