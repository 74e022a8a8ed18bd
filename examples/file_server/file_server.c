/* SPDX-License-Identifier: MIT */
/* file_server - the files of a folder, by HTTP:
 *
 *     build/examples/file_server/file_server 8080 FOLDER
 *
 * A connection is a task: it reads a head, which has to fit and to be whole in
 * time, opens the file and lets the kernel send it, again and again. Names are
 * taken as they are sent; those that begin with a dot, as ".." does, are not
 * found, symbolic links are followed.
 */
#include <acio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char OK[] = "200 OK", NOT_FOUND[] = "404 Not Found";

struct request {
    char method[8], path[1024];
    bool keep; /* the connection */
};

/* The status to answer with; NULL: the client has gone, or is too slow. */
static const char *
read_request(acio_stream *stream, struct request *out)
{
    char head[8192], minor;
    ACIO_TIMEOUT(limit, 5.0);
    ssize_t n = acio_readuntil(stream, head, sizeof head, "\r\n\r\n", 4);
    *out = (struct request){ .path = "." };
    if (n < 0)
        return n == -ACIO_ELIMIT ? "431 Request Header Fields Too Large" : NULL;
    if (strlen(head) != (size_t)n || /* there is a zero in it */
        sscanf(head, "%7[A-Z] %1000s HTTP/1.%c", out->method, out->path + 1,
            &minor) != 3)
        return "400 Bad Request";
    if (strcmp(out->method, "GET") != 0 && strcmp(out->method, "HEAD") != 0)
        return "405 Method Not Allowed\r\nAllow: GET, HEAD";
    out->keep = minor == '1' && !strcasestr(head, "\nConnection: close") &&
        !strcasestr(head, "\nContent-Length") && /* where would it end? */
        !strcasestr(head, "\nTransfer-Encoding");
    return out->path[1] != '/' || strstr(out->path + 1, "/.") ? NOT_FOUND : OK;
}

/* What it promises and cannot keep is an error: the connection ends. */
static int
answer(acio_stream *stream, const struct request *to, const char *status)
{
    struct stat file = { .st_size = 0 };
    int fd = -1;
    if (status == OK) /* without O_NONBLOCK a FIFO would be waited for */
        fd = acio_open(to->path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 || acio_fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
        status = status == OK ? NOT_FOUND : status;
    int64_t size = status == OK ? file.st_size : 0;
    int64_t body = strcmp(to->method, "HEAD") == 0 ? 0 : size;
    char head[256];
    int n = snprintf(head, sizeof head,
        "HTTP/1.1 %s\r\nContent-Length: %lld\r\nConnection: %s\r\n\r\n", status,
        (long long)size, to->keep ? "keep-alive" : "close");
    acio_write(stream, head, (size_t)n);
    ACIO_TIMEOUT(limit, 60.0 + (double)body / 10000); /* at 10 kB a second */
    int64_t sent = body > 0 ? acio_sendfile(stream, fd, 0, body)
                            : acio_drain(stream);
    if (fd >= 0)
        acio_close_fd(fd);
    return sent < 0 ? (int)sent : sent < body ? -EIO : 0;
}

static int
serve(acio_stream *stream, void *arg)
{
    (void)arg;
    struct request request = { .keep = true };
    while (request.keep) {
        const char *status = read_request(stream, &request);
        if (!status || answer(stream, &request, status) < 0)
            return 0;
    }
    /* To close with something unread would reset it, the answer included. */
    char dropped[4096];
    ACIO_TIMEOUT(limit, 2.0);
    acio_write_eof(stream);
    while (acio_read(stream, dropped, sizeof dropped) > 0)
        ;
    return 0;
}

struct amain_args {
    int port;
};

static int
amain(void *arg)
{
    acio_server *server;
    int err = acio_start_server(&server, serve, NULL, "127.0.0.1",
        ((struct amain_args *)arg)->port,
        &(struct acio_server_options){ .max_connections = 500 });
    if (err < 0)
        return err;
    printf("port %d\n", acio_server_port(server));
    fflush(stdout);
    return acio_serve_forever(server);
}

int
main(int argc, char **argv)
{
    if (argc != 3)
        return fprintf(stderr, "Usage: file_server PORT FOLDER\n"), 2;
    int err = chdir(argv[2]) < 0 ? -errno
                                 : acio_run(amain, .port = atoi(argv[1]));
    if (err != -EINTR) /* Ctrl-C */
        fprintf(stderr, "file_server: %s\n", acio_strerror(err));
    return err == -EINTR ? 130 : 1;
}
