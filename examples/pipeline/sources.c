/* SPDX-License-Identifier: MIT */
/* sources.c - where events come from
 *
 * Each source is a task that ends with its source: when the sender closes his
 * connection, sends an empty datagram, or appends the line "end". It waits in
 * acio_queue_put while the queue is full. For TCP the sender waits then too, a
 * file just grows; datagrams wait in the kernel, in a buffer made large enough
 * for a second of them.
 */
#include "pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_BYTES = 128 };

static const double POLL_SECONDS = 0.01, TICK_SECONDS = 0.01;

int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
parse(struct event *out, const char *line)
{
    int length = 0;
    int found = sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %n",
        &out->number, &out->stamp_ms, &out->value, &length);
    return found == 3 && line[length] == '\0' && out->number > 0;
}

static int
put_line(struct pipeline *p, enum source source, const char *line)
{
    struct event event = { .source = source };
    if (parse(&event, line))
        return acio_queue_put(&p->events, &event);
    p->malformed++;
    return 0;
}

static int
put_end(struct pipeline *p, enum source source)
{
    return acio_queue_put(&p->events, &(struct event){ .source = source });
}

/* ---- TCP: one sender ---- */

int
serve_sender(acio_stream *stream, void *arg)
{
    struct pipeline *p = arg;
    struct acio_line line;
    int err;
    while ((err = acio_next_line(stream, &line)) > 0) {
        err = put_line(p, TCP, line.text);
        if (err < 0)
            break;
    }
    acio_event_set(&p->tcp_ended);
    return err == -ACIO_EQUEUESHUTDOWN ? 0 : err; /* that was Ctrl-C */
}

int
from_tcp(void *arg)
{
    struct pipeline *p = ((struct from_tcp_args *)arg)->pipeline;
    int err = acio_event_wait(&p->tcp_ended);
    return err < 0 ? err : put_end(p, TCP);
}

/* ---- UDP: an event in each datagram ---- */

int
from_udp(void *arg)
{
    struct pipeline *p = ((struct from_udp_args *)arg)->pipeline;
    char line[LINE_BYTES];
    ssize_t n;
    while ((n = acio_recvfrom(p->datagram, line, sizeof line - 1, NULL)) > 0) {
        line[n] = '\0';
        int err = put_line(p, UDP, line);
        if (err < 0)
            return err;
    }
    return n < 0 ? (int)n : put_end(p, UDP);
}

/* ---- a file that is appended to ---- */

struct lines {
    char data[16384];
    size_t bytes; /* that have come, and were not taken */
};

/* Takes the whole lines; 1 where one of them was the end. */
static int
take_lines(struct pipeline *p, struct lines *lines)
{
    char *at = lines->data, *end = at + lines->bytes, *newline;
    int err = 0;
    while (err == 0 && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        *newline = '\0';
        err = strcmp(at, "end") == 0 ? 1 : put_line(p, APPENDED, at);
        at = newline + 1;
    }
    lines->bytes = (size_t)(end - at);
    memmove(lines->data, at, lines->bytes);
    if (err == 0 && lines->bytes == sizeof lines->data)
        err = -EMSGSIZE; /* that is no line of ours */
    return err;
}

int
from_file(void *arg)
{
    struct pipeline *p = ((struct from_file_args *)arg)->pipeline;
    struct lines lines = { .bytes = 0 };
    int64_t offset = 0;
    int err = 0;
    while (err == 0) {
        ssize_t n = acio_pread(p->input_fd, lines.data + lines.bytes,
            sizeof lines.data - lines.bytes, offset);
        if (n <= 0) {
            err = n < 0 ? (int)n : acio_sleep(POLL_SECONDS);
            continue;
        }
        offset += n;
        lines.bytes += (size_t)n;
        err = take_lines(p, &lines);
    }
    return err < 0 ? err : put_end(p, APPENDED);
}

/* ---- a timer ---- */

/* Ticks by the clock: one that comes late does not delay the next. */
int
from_timer(void *arg)
{
    struct pipeline *p = ((struct from_timer_args *)arg)->pipeline;
    acio_loop *loop = acio_get_running_loop();
    double begin = acio_loop_time(loop);
    for (int64_t number = 1;; number++) {
        double due = begin + (double)number * TICK_SECONDS;
        int err = acio_sleep(due - acio_loop_time(loop));
        struct event event = { TIMER, number, now_ms(), 1 };
        if (err == 0)
            err = acio_queue_put(&p->events, &event);
        if (err < 0)
            return err;
    }
}
