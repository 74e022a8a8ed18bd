/* SPDX-License-Identifier: MIT */
/* demo.c - a server to be fetched from
 *
 * It takes a second for each answer, as a busy server far away may. It runs in
 * the same loop and thread as the workers that fetch from it: while a task
 * waits, on either side, all others run.
 */
#include <acio/server.h>
#include <errno.h>
#include <stdlib.h>

#include "fetch.h"

enum { DEMO_URLS = 1000, REQUEST_BYTES = 4096 };

static const double ANSWER_SECONDS = 1.0;

struct demo {
    acio_server *server;
};

static int
answer(acio_stream *stream, void *arg)
{
    (void)arg;
    static const char response[] = "HTTP/1.1 200 OK\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-Length: 13\r\n"
                                   "Connection: close\r\n"
                                   "\r\n"
                                   "Hello, world\n";
    char request[REQUEST_BYTES];
    ssize_t n = acio_readuntil(stream, request, sizeof request, "\r\n\r\n", 4);
    if (n < 0)
        return 0; /* the client has gone: its affair */
    int err = acio_sleep(ANSWER_SECONDS);
    if (err < 0)
        return err;
    acio_write(stream, response, sizeof response - 1);
    return 0;
}

static bool
add_urls(struct jobs *jobs, int port, struct report *report)
{
    for (int i = 1; i <= DEMO_URLS; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%d/%d", port, i);
        if (!jobs_add(jobs, url, "demo", report))
            return false;
    }
    return true;
}

int
demo_start(struct demo **out, struct jobs *jobs, struct report *report)
{
    struct demo *demo = calloc(1, sizeof *demo);
    *out = demo;
    if (!demo)
        return -ENOMEM;
    int err = acio_start_server(&demo->server, answer, NULL, "127.0.0.1", 0,
        &(struct acio_server_options){ .backlog = DEMO_URLS });
    if (err < 0)
        return err;
    int port = acio_server_port(demo->server);
    return add_urls(jobs, port, report) ? 0 : -ENOMEM;
}

void
demo_stop(struct demo *demo)
{
    if (!demo)
        return;
    acio_server_wait_closed(demo->server, 0);
    free(demo);
}
