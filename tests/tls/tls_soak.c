/* SPDX-License-Identifier: MIT */
/* Many TLS connections on one thread:
 *
 *     tls_soak serve server.pem
 *     tls_soak hold PORT authority.pem COUNT
 *
 * The server prints its port, and then, for each line that it is told, how
 * many connections it has. The client opens COUNT connections and prints
 * "open"; at each line that it is told it sends a message there and back on
 * all of them; at the end of its input it closes them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include <acio.h>
#include <acio/tls.h>

enum { AT_ONCE = 64 };

static const char message[] = "there and back\n";

static void
say(const char *word, size_t count)
{
    printf("%s %zu\n", word, count);
    fflush(stdout);
}

static void
allow_many_fds(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- what standard input says ---- */

static void
readable(void *arg)
{
    acio_event_set(arg);
}

/* Until a line has come; false at the end of the input. */
static bool
await_line(acio_event *event)
{
    char buf[64];
    if (acio_event_wait(event) < 0)
        return false;
    acio_event_clear(event);
    return read(STDIN_FILENO, buf, sizeof buf) > 0;
}

static int
watch_input(acio_event *event)
{
    acio_event_init(event);
    return acio_loop_add_reader(acio_get_running_loop(), STDIN_FILENO, readable,
        event);
}

/* ---- the server ---- */

static int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[64];
    ssize_t n;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        acio_write(stream, buf, (size_t)n);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    return (int)n;
}

struct serve_args {
    acio_tls_context *tls;
};
static int
serve(void *arg)
{
    const struct serve_args *a = arg;
    acio_server *server;
    acio_event told;
    int err = watch_input(&told);
    if (err == 0)
        err = acio_start_server(&server, echo, NULL, "127.0.0.1", 0,
            &(struct acio_server_options){
                .security = acio_tls_security(a->tls),
                .backlog = 1000 });
    if (err < 0)
        return err;
    say("port", (size_t)acio_server_port(server));
    while (await_line(&told))
        say("connections", acio_server_connections(server));
    return acio_server_wait_closed(server, 5.0);
}

/* ---- the client ---- */

struct crowd {
    acio_tls_context *tls;
    int port;
    acio_semaphore few; /* who shakes hands */
    acio_event round;   /* set when a message is to be sent */
    size_t open, done;
    bool over;
};

static int
send_and_receive(acio_stream *stream)
{
    char line[64];
    acio_write(stream, message, sizeof message - 1);
    ssize_t n = acio_readline(stream, line, sizeof line);
    if (n >= 0 && strcmp(line, message) != 0)
        return -EBADMSG;
    return n < 0 ? (int)n : 0;
}

static int
open_one(struct crowd *crowd, acio_stream **out)
{
    char why[300];
    struct acio_connect_options options = {
        .security = acio_tls_security(crowd->tls),
        .server_hostname = "localhost",
        .error_text = why,
        .error_text_bytes = sizeof why,
    };
    int err = acio_semaphore_acquire(&crowd->few);
    if (err < 0)
        return err;
    err = acio_open_connection(out, "127.0.0.1", crowd->port, &options);
    if (err < 0)
        printf("%s\n", why);
    else
        err = send_and_receive(*out);
    acio_semaphore_release(&crowd->few);
    return err;
}

struct hold_one_args {
    struct crowd *crowd;
};
static int
hold_one(void *arg)
{
    struct crowd *crowd = ((struct hold_one_args *)arg)->crowd;
    acio_stream *stream;
    int err = open_one(crowd, &stream);
    if (err < 0)
        return err;
    crowd->open++;
    while (err == 0 && !crowd->over) {
        err = acio_event_wait(&crowd->round);
        if (err == 0 && !crowd->over)
            err = send_and_receive(stream);
        crowd->done++;
        if (err == 0 && !crowd->over)
            err = acio_sleep(0);
    }
    int closed = acio_close(stream);
    return err < 0 ? err : closed;
}

static int
until(const size_t *number, size_t wanted)
{
    int err = 0;
    while (err == 0 && *number < wanted)
        err = acio_sleep(0.005);
    return err;
}

struct hold_args {
    acio_tls_context *tls;
    int port;
    size_t count;
};
static int
hold(void *arg)
{
    const struct hold_args *a = arg;
    struct crowd crowd = { .tls = a->tls, .port = a->port };
    acio_event told;
    acio_semaphore_init(&crowd.few, AT_ONCE);
    acio_event_init(&crowd.round);
    int err = watch_input(&told);
    ACIO_GROUP(group);
    for (size_t i = 0; i < a->count; i++)
        acio_group_create_task(&group, hold_one, .crowd = &crowd);
    if (err == 0)
        err = until(&crowd.open, a->count);
    say("open", crowd.open);
    while (err == 0 && await_line(&told)) {
        crowd.done = 0;
        acio_event_set(&crowd.round);
        acio_event_clear(&crowd.round);
        err = until(&crowd.done, a->count);
        say("done", crowd.done);
    }
    crowd.over = true;
    acio_event_set(&crowd.round);
    int ended = acio_group_wait(&group);
    say("closed", crowd.open);
    return err < 0 ? err : ended;
}

int
main(int argc, char **argv)
{
    acio_tls_context *tls;
    bool serves = argc == 3 && strcmp(argv[1], "serve") == 0;
    if (!serves && argc != 5)
        return 2;
    allow_many_fds();
    struct acio_tls_options options = { .no_resumption = !serves };
    *(serves ? &options.certificate_file
             : &options.authorities_file) = argv[serves ? 2 : 3];
    int err = serves ? acio_tls_server_context(&tls, &options)
                     : acio_tls_client_context(&tls, &options);
    if (err == 0 && serves)
        err = acio_run(serve, .tls = tls);
    else if (err == 0)
        err = acio_run(hold, .tls = tls, .port = atoi(argv[2]),
            .count = (size_t)atol(argv[4]));
    acio_tls_context_free(tls);
    if (err < 0)
        printf("%s\n", acio_strerror(err));
    return err < 0;
}
