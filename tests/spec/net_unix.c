/* SPDX-License-Identifier: MIT */
/* Unix sockets: names, files, and a queue that is full. */
#include "net_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- a place for files ---- */

/* On the simulator paths are but names, and no folder is made. */
struct place {
    char folder[32], path[48];
};

static void
open_place(struct place *place)
{
    strcpy(place->folder, "/tmp/acio-unix-XXXXXX");
    if (!time_is_virtual())
        EXPECT(mkdtemp(place->folder) != NULL);
    snprintf(place->path, sizeof place->path, "%s/socket", place->folder);
}

static void
close_place(const struct place *place)
{
    unlink(place->path);
    rmdir(place->folder);
}

static bool
is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static acio_server *
serve_at(const char *path, acio_connection_handler *handler)
{
    acio_server *server;
    EXPECT_ERR(acio_start_unix_server(&server, handler, NULL, path, NULL), 0);
    return server;
}

static acio_stream *
connect_at(const char *path)
{
    acio_stream *stream;
    EXPECT_ERR(acio_open_unix_connection(&stream, path, NULL), 0);
    return stream;
}

static void
expect_echo(acio_stream *stream)
{
    char buf[6] = "";
    EXPECT_ERR(say(stream, "hello"), 0);
    EXPECT_EQ(acio_readexactly(stream, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
}

/* ---- names ---- */

SPEC(net_unix, serves_at_a_path)
{
    struct place place;
    char name[112] = "?";
    open_place(&place);
    acio_server *server = serve_at(place.path, echo);
    acio_stream *stream = connect_at(place.path);
    expect_echo(stream);
    EXPECT_EQ(acio_stream_peer_name(stream, name, sizeof name),
        (int)strlen(place.path));
    EXPECT_TEXT(name, place.path);
    EXPECT_EQ(acio_stream_sock_name(stream, name, sizeof name), 0);
    EXPECT_TEXT(name, "");
    EXPECT(acio_server_sock_name(server, 0, name, sizeof name) > 0);
    EXPECT_TEXT(name, place.path);
    EXPECT_EQ(acio_server_port(server), 0);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
    close_place(&place);
}

SPEC(net_unix, has_names_without_a_file)
{
    char wanted[40], name[112] = "";
    snprintf(wanted, sizeof wanted, "@acio-test-%d", getpid());
    acio_server *server = serve_at(wanted, echo);
    acio_stream *stream = connect_at(wanted);
    expect_echo(stream);
    EXPECT(acio_stream_peer_name(stream, name, sizeof name) > 0);
    EXPECT_TEXT(name, wanted);
    acio_close(stream);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
}

SPEC(net_unix, tells_a_name_only_where_there_is_room_for_it)
{
    char name[8];
    acio_server *server = serve_at("@acio-narrow", echo);
    EXPECT_ERR(acio_server_sock_name(server, 0, name, sizeof name), -ENOSPC);
    acio_server_wait_closed(server, 1);
}

SPEC(net_unix, is_told_that_nobody_is_there)
{
    acio_stream *stream = (acio_stream *)"not touched";
    char text[100] = "";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_open_unix_connection(&stream, "/nowhere/socket", &options),
        -ENOENT);
    EXPECT(stream == NULL);
    EXPECT_TEXT(text,
        "cannot connect: /nowhere/socket: No such file or directory");
}

SPEC(net_unix, refuses_a_path_that_is_none)
{
    acio_stream *stream;
    acio_server *server;
    char path[110], name[120];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    EXPECT_ERR(acio_open_unix_connection(&stream, path, NULL), -ENAMETOOLONG);
    EXPECT_ERR(acio_start_unix_server(&server, echo, NULL, path, NULL),
        -ENAMETOOLONG);
    EXPECT_ERR(acio_open_unix_connection(&stream, "", NULL), -EINVAL);
    EXPECT_ERR(acio_open_unix_connection(&stream, NULL, NULL), -EINVAL);
    EXPECT_ERR(acio_start_unix_server(&server, echo, NULL, NULL, NULL),
        -EINVAL);
    path[0] = '@'; /* has no zero at its end */
    server = serve_at(path, echo);
    EXPECT_EQ(acio_server_sock_name(server, 0, name, sizeof name), 108);
    EXPECT_TEXT(name, path);
    acio_server_wait_closed(server, 1);
}

SPEC(net_unix, says_what_is_wrong_with_a_path)
{
    acio_stream *stream;
    char path[110], text[200] = "";
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    EXPECT_ERR(acio_open_unix_connection(&stream, path, &options),
        -ENAMETOOLONG);
    EXPECT_TEXT(text, "cannot connect: the path is too long for a socket");
    EXPECT_ERR(acio_open_unix_connection(&stream, "", &options), -EINVAL);
    EXPECT_TEXT(text, "cannot connect: the path is empty");
}

SPEC(net_unix, needs_a_name_to_be_safe)
{
    acio_stream *stream;
    static const struct acio_security security = { NULL };
    struct acio_connect_options options = { .security = &security };
    EXPECT_ERR(acio_open_unix_connection(&stream, "@nobody", &options),
        -EINVAL);
}

/* ---- a full queue ---- */

static int
greet(acio_stream *stream, void *arg)
{
    (void)arg;
    char byte;
    int err = say(stream, "hi");
    return err < 0 ? err : (int)acio_read(stream, &byte, 1);
}

static int
be_greeted(void *arg)
{
    (void)arg;
    acio_stream *stream;
    char buf[2];
    int err = acio_open_unix_connection(&stream, "@acio-queue", NULL);
    if (err < 0)
        return err;
    err = (int)acio_readexactly(stream, buf, 2);
    acio_close(stream);
    note("%d ", err);
    return 0;
}

SPEC(net_unix, waits_for_a_place_in_the_servers_queue)
{
    acio_server *server;
    struct acio_server_options options = { .backlog = 1, .max_connections = 1 };
    EXPECT_ERR(acio_start_unix_server(&server, greet, NULL, "@acio-queue",
                   &options),
        0);
    for (int i = 0; i < 8; i++)
        start(be_greeted);
    finish();
    EXPECT_NOTED("2 2 2 2 2 2 2 2 ");
    acio_server_wait_closed(server, 1);
}

static int
hold(acio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    return acio_sleep(1e6);
}

SPEC(net_unix, can_be_given_a_time_limit_for_that, .sim.latency_max = -1)
{
    acio_server *server;
    acio_stream *streams[8] = { NULL };
    struct acio_server_options options = { .backlog = 1, .max_connections = 1 };
    EXPECT_ERR(acio_start_unix_server(&server, hold, NULL, "@acio-held",
                   &options),
        0);
    int i = 0, err = 0;
    for (; err == 0 && i < 8; i++) {
        ACIO_TIMEOUT(limit, 0.05);
        err = acio_open_unix_connection(&streams[i], "@acio-held", NULL);
    }
    EXPECT_ERR(err, -ETIMEDOUT);
    EXPECT_ELAPSED(0.05);
    while (i-- > 0)
        acio_close(streams[i]);
    acio_server_wait_closed(server, 0);
}

static double
processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A socket that is not connected is always writable: asking as soon as it is
 * would take the whole processor. */
SPEC_REAL(net_unix, rests_while_the_servers_queue_is_full)
{
    acio_server *server;
    acio_stream *streams[8] = { NULL };
    struct acio_server_options options = { .backlog = 1, .max_connections = 1 };
    EXPECT_ERR(acio_start_unix_server(&server, hold, NULL, "@acio-rest",
                   &options),
        0);
    int i = 0, err = 0;
    double used = 0;
    for (; err == 0 && i < 8; i++) {
        ACIO_TIMEOUT(limit, 0.6);
        double begin = processor_seconds();
        err = acio_open_unix_connection(&streams[i], "@acio-rest", NULL);
        used = processor_seconds() - begin;
    }
    EXPECT_ERR(err, -ETIMEDOUT);
    EXPECT(used < 0.15 || spec_under_valgrind());
    while (i-- > 0)
        acio_close(streams[i]);
    acio_server_wait_closed(server, 0);
}

/* ---- files ---- */

SPEC_REAL(net_unix, removes_its_file_when_it_closes)
{
    struct place place;
    open_place(&place);
    acio_server *server = serve_at(place.path, echo);
    EXPECT(is_socket(place.path));
    acio_server_close(server);
    EXPECT(!is_socket(place.path));
    acio_server_wait_closed(server, 1);
    close_place(&place);
}

SPEC_REAL(net_unix, leaves_its_file_where_it_is_told_to)
{
    struct place place;
    acio_server *server;
    acio_stream *stream;
    open_place(&place);
    struct acio_server_options options = { .keep_socket_file = true };
    EXPECT_ERR(acio_start_unix_server(&server, echo, NULL, place.path,
                   &options),
        0);
    acio_server_wait_closed(server, 1);
    EXPECT(is_socket(place.path));
    EXPECT_ERR(acio_open_unix_connection(&stream, place.path, NULL),
        -ECONNREFUSED);
    close_place(&place);
}

SPEC_REAL(net_unix, takes_the_place_of_a_socket_that_was_left)
{
    struct place place;
    open_place(&place);
    acio_server *first = serve_at(place.path, echo);
    acio_server *second = serve_at(place.path, echo);
    acio_server_wait_closed(first, 1); /* the file is not its own any more */
    EXPECT(is_socket(place.path));
    acio_stream *stream = connect_at(place.path);
    expect_echo(stream);
    acio_close(stream);
    acio_server_wait_closed(second, 1);
    EXPECT(!is_socket(place.path));
    close_place(&place);
}

SPEC_REAL(net_unix, does_not_touch_a_file_that_is_no_socket)
{
    struct place place;
    struct stat st;
    acio_server *server;
    char text[200] = "", wanted[200];
    open_place(&place);
    close(open(place.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    struct acio_server_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    EXPECT_ERR(acio_start_unix_server(&server, echo, NULL, place.path,
                   &options),
        -EADDRINUSE);
    snprintf(wanted, sizeof wanted,
        "cannot listen at %s: Address already in use", place.path);
    EXPECT_TEXT(text, wanted);
    EXPECT(stat(place.path, &st) == 0 && S_ISREG(st.st_mode));
    close_place(&place);
}

SPEC_REAL(net_unix, gives_its_file_the_mode_that_is_asked_for)
{
    struct place place;
    struct stat st = { 0 };
    acio_server *server;
    open_place(&place);
    struct acio_server_options options = { .mode = 0620 };
    EXPECT_ERR(acio_start_unix_server(&server, echo, NULL, place.path,
                   &options),
        0);
    EXPECT(stat(place.path, &st) == 0);
    EXPECT_EQ(st.st_mode & 0777, 0620);
    acio_server_wait_closed(server, 1);
    close_place(&place);
}

static int
serve_and_forget(void *arg)
{
    acio_server *server;
    return acio_start_unix_server(&server, echo, NULL, *(char **)arg, NULL);
}

TEST(net_unix, whose_server_is_forgotten_leaves_no_file)
{
    const char *backend = getenv("ACIO_BACKEND");
    if (!backend || strcmp(backend, "sim") == 0)
        SKIP("simulated paths are no files");
    char folder[] = "/tmp/acio-unix-XXXXXX", path[48];
    char *at = path;
    EXPECT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    EXPECT_ERR(spec_run(serve_and_forget, (struct acio_args){ &at, sizeof at },
                   NULL),
        0);
    EXPECT(!is_socket(path));
    EXPECT_EQ(rmdir(folder), 0);
}

/* ---- sockets of the caller's ---- */

SPEC_REAL(net_unix, serves_at_a_socket_that_was_made_elsewhere)
{
    struct sockaddr_in any = { .sin_family = AF_INET };
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    acio_server *server;
    EXPECT_EQ(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    int err = acio_start_socket_server(&server, echo, NULL, fd, NULL);
    if (err < 0)
        close(fd); /* it is the caller's still */
    EXPECT_ERR(err, 0);
    acio_stream *stream = connect_to(server);
    expect_echo(stream);
    acio_close(stream);
    acio_server_wait_closed(server, 1);
}

SPEC(net_unix, does_not_serve_at_what_is_no_socket)
{
    acio_server *server;
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    int err = acio_start_socket_server(&server, echo, NULL, fds[0], NULL);
    close(fds[0]);
    close(fds[1]);
    EXPECT(err == -ENOTSOCK || (err == -EBADF && time_is_virtual()));
    EXPECT(server == NULL);
    EXPECT_ERR(acio_start_socket_server(&server, echo, NULL, -1, NULL),
        -EINVAL);
}
