/* SPDX-License-Identifier: MIT */
/* What the stages of the pipeline share.
 *
 *     tcp --+
 *     udp --+--> events --> windows --> rows --> writer --> a file
 *     file -+
 *     timer-+
 *
 * Each stage is a task or a few, and between them are queues of limited size:
 * a stage that is slow makes those before it wait, and those that wait read
 * nothing from their sockets. So nothing is lost and no queue grows.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <acio.h>
#include <acio/datagram.h>
#include <acio/file.h>
#include <acio/server.h>
#include <stdint.h>

enum source { TCP, UDP, APPENDED, TIMER, SOURCES };

enum {
    EVENTS = 8192, /* room of the queues */
    ROWS = 1024,
    OPEN_WINDOWS = 1024 /* that may be open at once */
};

/* What a sender says, as "NUMBER STAMP VALUE": the stamp is CLOCK_MONOTONIC in
 * milliseconds, events are numbered from 1 on. Number 0: its source has
 * ended. */
struct event {
    enum source source;
    int64_t number, stamp_ms, value;
};

/* The events of a source in a window. */
struct row {
    int64_t begin_ms;
    enum source source;
    int64_t count;
    int64_t sum;
};

struct window {
    int64_t count[SOURCES];
    int64_t sum[SOURCES];
};

struct windows {
    struct window open[OPEN_WINDOWS]; /* window i lies at i % OPEN_WINDOWS */
    int64_t first;                    /* that is open; later ones are as well */
    bool begun;
    int64_t newest_ms[SOURCES];  /* stamp */
    int64_t arrived_ms[SOURCES]; /* when the last one came */
    bool ended[SOURCES];
};

struct pipeline {
    const char *path, *output;
    int tcp_port, udp_port;
    int window_ms, late_ms, idle_ms;
    acio_server *server;
    acio_datagram *datagram;
    int input_fd, output_fd;
    acio_event tcp_ended;
    acio_queue events, rows;
    acio_group *sources; /* while they run */
    struct windows windows;
    /* what was seen */
    int64_t count[SOURCES], last[SOURCES]; /* events; the highest number */
    int64_t malformed, late, written;
    int64_t behind_ms; /* at most: from the stamp to the window */
    int64_t dropped;   /* datagrams, by the kernel */
};

/* The stages: async functions, each with its arguments. */
struct from_tcp_args {
    struct pipeline *pipeline;
};
struct from_udp_args {
    struct pipeline *pipeline;
};
struct from_file_args {
    struct pipeline *pipeline;
};
struct from_timer_args {
    struct pipeline *pipeline;
};
struct fill_windows_args {
    struct pipeline *pipeline;
};
struct write_rows_args {
    struct pipeline *pipeline;
};
acio_function from_tcp, from_udp, from_file, from_timer;
acio_function fill_windows, write_rows;
acio_connection_handler serve_sender; /* `arg` is the struct pipeline */

int64_t now_ms(void);

#endif
