/* SPDX-License-Identifier: MIT */
/* file_server - the files of a folder, by HTTP:
 *
 *     build/examples/file_server/file_server [--head-timeout S] PORT FOLDER
 *
 * Idea.     A connection is a task: it reads a head, opens the file and lets
 *           the kernel send it (acio_sendfile), again and again. http.c tells
 *           what a head means.
 * Limits.   Of a head: HEAD_BYTES, and a time in which it has to be whole, so
 *           that who sends it byte by byte keeps no connection for ever. Of a
 *           body: each CHUNK in a time. Of connections: CONNECTIONS.
 * Outside.  The folder becomes the working one, paths are relative to it, and
 *           ".." is refused; symbolic links are followed, who may make them may
 *           show what he likes.
 */
#include <acio.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"

enum { HEAD_BYTES = 8192, CHUNK = 256 << 10, CONNECTIONS = 1000 };

static const double CHUNK_SECONDS = 60, LINGER_SECONDS = 2;

struct file_server {
    int port;
    double head_timeout;
};

struct file {
    int fd;
    int64_t size;
    char path[HEAD_BYTES]; /* relative to the folder */
};

/* ---- answers ---- */

/* `more` are fields of this answer, each with its end. */
static void
write_head(acio_stream *stream, const struct request *request, int status,
    int64_t bytes, const char *more)
{
    char head[3 * HEAD_BYTES + 512];
    int n = snprintf(head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Length: %lld\r\n"
        "Accept-Ranges: bytes\r\nConnection: %s\r\n%s\r\n",
        status, http_reason(status), (long long)bytes,
        request->keep ? "keep-alive" : "close", more);
    acio_write(stream, head, (size_t)n);
}

/* 0, or an error of the connection. */
static int
answer_without_file(acio_stream *stream, struct request *request, int status,
    const char *more)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%d %s\n", status, http_reason(status));
    char fields[3 * HEAD_BYTES + 64];
    snprintf(fields, sizeof fields, "Content-Type: text/plain\r\n%s", more);
    write_head(stream, request, status, n, fields);
    if (!request->head)
        acio_write(stream, text, (size_t)n);
    return acio_drain(stream);
}

static int
send_span(acio_stream *stream, int fd, struct span span)
{
    while (span.bytes > 0) {
        ACIO_TIMEOUT(limit, CHUNK_SECONDS);
        int64_t n = acio_sendfile(stream, fd, span.begin,
            span.bytes < CHUNK ? span.bytes : CHUNK);
        if (n <= 0) /* 0: the file has become shorter */
            return n < 0 ? (int)n : -EIO;
        span.begin += n;
        span.bytes -= n;
    }
    return 0;
}

static int
answer_with_file(acio_stream *stream, struct request *request,
    const struct file *file)
{
    struct span span;
    char fields[256];
    int status = http_range(&span, request->range, file->size);
    if (status == 416) {
        snprintf(fields, sizeof fields, "Content-Range: bytes */%lld\r\n",
            (long long)file->size);
        return answer_without_file(stream, request, status, fields);
    }
    int n = snprintf(fields, sizeof fields, "Content-Type: %s\r\n",
        http_type(file->path));
    if (status == 206)
        snprintf(fields + n, sizeof fields - (size_t)n,
            "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)span.begin,
            (long long)(span.begin + span.bytes - 1), (long long)file->size);
    write_head(stream, request, status, span.bytes, fields);
    return request->head ? acio_drain(stream)
                         : send_span(stream, file->fd, span);
}

/* ---- files ---- */

/* 200 with an open file; else the status to answer with. Not to wait for who
 * writes into a FIFO is what O_NONBLOCK is for. */
static int
open_regular(struct file *out)
{
    struct stat status;
    out->fd = acio_open(out->path, O_RDONLY | O_NONBLOCK, 0);
    if (out->fd < 0)
        return out->fd == -EACCES ? 403
            : out->fd == -ENFILE || out->fd == -EMFILE || out->fd == -ENOMEM
            ? 500
            : 404;
    if (acio_fstat(out->fd, &status) == 0 && S_ISREG(status.st_mode)) {
        out->size = status.st_size;
        return 200;
    }
    acio_close_fd(out->fd);
    return S_ISDIR(status.st_mode) ? 301 : 404;
}

/* A folder's file is its index.html. */
static int
open_file(struct file *out, const char *path)
{
    size_t bytes = strlen(path);
    const char *index = path[bytes - 1] == '/' ? "index.html" : "";
    if ((size_t)snprintf(out->path, sizeof out->path, ".%s%s", path, index) >=
        sizeof out->path)
        return 404;
    return open_regular(out);
}

/* ---- connections ---- */

static int
redirect(acio_stream *stream, struct request *request)
{
    char path[3 * HEAD_BYTES], field[sizeof path + 16];
    http_encode(path, sizeof path, request->path);
    snprintf(field, sizeof field, "Location: %s/\r\n", path);
    return answer_without_file(stream, request, 301, field);
}

static int
answer(acio_stream *stream, struct request *request, int status)
{
    struct file file;
    if (status == 200)
        status = open_file(&file, request->path);
    if (status == 301)
        return redirect(stream, request);
    if (status != 200)
        return answer_without_file(stream, request, status,
            status == 405 ? "Allow: GET, HEAD\r\n" : "");
    int err = answer_with_file(stream, request, &file);
    acio_close_fd(file.fd);
    return err;
}

/* 200 with a head; 0 where there is nothing more to do. */
static int
read_head(acio_stream *stream, char head[HEAD_BYTES], double timeout)
{
    ACIO_TIMEOUT(limit, timeout);
    ssize_t n = acio_readuntil(stream, head, HEAD_BYTES, "\r\n\r\n", 4);
    if (n == -ACIO_ELIMIT)
        return 431;
    if (n == -ETIMEDOUT)
        return 408;
    return n < 0 ? 0 : memchr(head, '\0', (size_t)n) ? 400 : 200;
}

/* What the client still sends is read and dropped for a while: to close with
 * something unread would reset the connection, and take the answer along. */
static void
linger(acio_stream *stream)
{
    char dropped[4096];
    ssize_t n = 1;
    ACIO_TIMEOUT(limit, LINGER_SECONDS);
    if (acio_write_eof(stream) == 0)
        while (n > 0)
            n = acio_read(stream, dropped, sizeof dropped);
}

/* After a request that was refused nobody knows where the next one begins. */
static int
serve(acio_stream *stream, void *arg)
{
    const struct file_server *server = arg;
    char head[HEAD_BYTES];
    struct request request;
    int err = 0;
    do {
        request = (struct request){ 0 };
        int status = read_head(stream, head, server->head_timeout);
        if (status == 0)
            return 0;
        if (status == 200)
            status = http_parse(&request, head);
        request.keep = request.keep && (status == 200 || status == 404);
        err = answer(stream, &request, status);
    } while (err == 0 && request.keep);
    if (err == 0)
        linger(stream);
    else /* of what was promised, something is missing */
        acio_abort(stream);
    return 0;
}

struct amain_args {
    struct file_server *server;
};

static int
amain(void *arg)
{
    struct file_server *f = ((struct amain_args *)arg)->server;
    struct acio_server_options options = { .max_connections = CONNECTIONS };
    acio_server *server;
    int err = acio_start_server(&server, serve, f, "127.0.0.1", f->port,
        &options);
    if (err < 0)
        return err;
    printf("file_server: http://127.0.0.1:%d/ on port %d, Ctrl-C ends it\n",
        acio_server_port(server), acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

static int
usage(FILE *out)
{
    fputs("Usage: file_server [--head-timeout SECONDS] PORT FOLDER\n"
          "Serve the files in FOLDER by HTTP at PORT of 127.0.0.1 (0: any\n"
          "free one). Who has not sent a request within SECONDS (usually 10)\n"
          "is sent away.\n",
        out);
    return out == stdout ? 0 : 2;
}

int
main(int argc, char **argv)
{
    static const struct option names[] = { { "head-timeout", 1, NULL, 't' },
        { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    struct file_server f = { .head_timeout = 10 };
    char *end = "";
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 't')
            f.head_timeout = strtod(optarg, &end);
        if (option != 't' || *end || !(f.head_timeout > 0))
            return usage(option == 'h' ? stdout : stderr);
    }
    if (argc - optind != 2)
        return usage(stderr);
    long port = strtol(argv[optind], &end, 10);
    if (*end || port < 0 || port > 65535)
        return usage(stderr);
    f.port = (int)port;
    int err = chdir(argv[optind + 1]) < 0 ? -errno
                                          : acio_run(amain, .server = &f);
    if (err == -EINTR)
        return 130;
    fprintf(stderr, "file_server: cannot serve %s at port %d: %s\n",
        argv[optind + 1], f.port, acio_strerror(err));
    return 1;
}
