/* SPDX-License-Identifier: MIT */
/* net_peer.c - the library's side of the tests with real peers
 *
 *     net_peer serve PATH               echo at a Unix socket until SIGINT
 *     net_peer talk PATH TEXT           say a text, show all that comes back
 *     net_peer look-up LIMIT HOST ...   each host's address, all at once
 *     net_peer connect HOST             to a server at 127.0.0.1, by name
 *     net_peer listen                   echo at a TCP port until SIGINT
 *     net_peer call PORT TEXT           as talk, by TCP to 127.0.0.1
 *     net_peer filter                   standard input to output, in capitals
 *     net_peer terminal PATH            the same at a terminal, to its end
 *
 * The last line of look-up is what is written when the loop is closed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <acio.h>

static int
echo(acio_stream *stream, void *arg)
{
    (void)arg;
    char buf[4096];
    ssize_t n;
    while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
        acio_write(stream, buf, (size_t)n);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    return (int)n;
}

static int
serve(char **words)
{
    acio_server *server;
    char text[200];
    struct acio_server_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_start_unix_server(&server, echo, NULL, words[0], &options);
    puts(err < 0 ? text : "ready");
    fflush(stdout);
    return err < 0 ? err : acio_serve_forever(server);
}

static int
listen_at_port(char **words)
{
    (void)words;
    acio_server *server;
    int err = acio_start_server(&server, echo, NULL, "127.0.0.1", 0, NULL);
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

static int
converse(acio_stream *stream, const char *text)
{
    char buf[4096];
    ssize_t n;
    acio_write(stream, text, strlen(text));
    acio_write_eof(stream);
    while ((n = acio_read(stream, buf, sizeof buf)) > 0)
        fwrite(buf, 1, (size_t)n, stdout);
    acio_close(stream);
    return (int)n;
}

static int
talk(char **words)
{
    acio_stream *stream;
    char text[200];
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_open_unix_connection(&stream, words[0], &options);
    if (err < 0) {
        puts(text);
        return err;
    }
    return converse(stream, words[1]);
}

static int
call(char **words)
{
    acio_stream *stream;
    int err = acio_open_connection(&stream, "127.0.0.1", atoi(words[0]), NULL);
    return err < 0 ? err : converse(stream, words[1]);
}

/* ---- pipes and terminals ---- */

static int
shout_lines(acio_stream *in, acio_stream *out)
{
    struct acio_line line;
    int err;
    while ((err = acio_next_line(in, &line)) > 0) {
        char text[4096];
        size_t n = 0;
        for (; n < line.bytes && n + 1 < sizeof text; n++)
            text[n] = (char)toupper((unsigned char)line.text[n]);
        text[n++] = '\n';
        acio_write(out, text, n);
        err = acio_drain(out);
        if (err < 0)
            break;
    }
    return err;
}

static int
shout(int in_fd, int out_fd)
{
    acio_stream *in = NULL, *out = NULL;
    int err = acio_connect_read_pipe(&in, in_fd, NULL);
    if (err == 0)
        err = acio_connect_write_pipe(&out, out_fd, NULL);
    if (err == 0)
        err = shout_lines(in, out);
    acio_close(in);
    int closed = acio_close(out);
    return err < 0 ? err : closed;
}

static int
filter(char **words)
{
    (void)words;
    return shout(STDIN_FILENO, STDOUT_FILENO);
}

static int
terminal(char **words)
{
    int fd = open(words[0], O_RDWR | O_NOCTTY | O_CLOEXEC);
    int err = fd < 0 ? -errno : shout(fd, fcntl(fd, F_DUPFD_CLOEXEC, 3));
    printf("%s\n", acio_strerror(err));
    return err;
}

/* ---- look-ups ---- */

struct look_up_args {
    const char *host;
    double limit;
};
static int
look_up(void *arg)
{
    const struct look_up_args *a = arg;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    char digits[64] = "";
    double begin = acio_loop_time(acio_get_running_loop());
    ACIO_TIMEOUT(limit, a->limit);
    int err = acio_getaddrinfo(&list, a->host, NULL, &hints);
    if (list) {
        getnameinfo(list->ai_addr, list->ai_addrlen, digits, sizeof digits,
            NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(list);
    }
    printf("%s: %s %.3f\n", a->host, err < 0 ? acio_strerror(err) : digits,
        acio_loop_time(acio_get_running_loop()) - begin);
    return 0;
}

static int
look_all_up(char **words)
{
    ACIO_GROUP(group);
    int err = 0;
    for (int i = 1; err == 0 && words[i]; i++)
        err = acio_group_start(&group, look_up, .host = words[i],
            .limit = strtod(words[0], NULL));
    return err < 0 ? err : acio_group_wait(&group);
}

static int
connect_by_name(char **words)
{
    acio_server *server;
    acio_stream *stream;
    char text[2000];
    struct acio_connect_options options = { .error_text = text,
        .error_text_bytes = sizeof text };
    int err = acio_start_server(&server, echo, NULL, "127.0.0.1", 0, NULL);
    if (err < 0)
        return err;
    err = acio_open_connection(&stream, words[0], acio_server_port(server),
        &options);
    if (err == 0)
        acio_stream_peer_name(stream, text, sizeof text);
    puts(text);
    acio_close(stream);
    return acio_server_wait_closed(server, 1);
}

/* ---- the program ---- */

struct run_args {
    int (*command)(char **words);
    char **words;
};
static int
run(void *arg)
{
    const struct run_args *a = arg;
    return a->command(a->words);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
        int (*function)(char **words);
    } commands[] = { { "serve", 1, serve }, { "talk", 2, talk },
        { "look-up", 2, look_all_up }, { "connect", 1, connect_by_name },
        { "listen", 0, listen_at_port }, { "call", 2, call },
        { "filter", 0, filter }, { "terminal", 1, terminal } };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (argc < 2 || strcmp(argv[1], commands[i].name) != 0 ||
            argc < 2 + commands[i].words)
            continue;
        int err = acio_run(run, .command = commands[i].function,
            .words = argv + 2);
        puts("closed");
        return err < 0;
    }
    return 2;
}
