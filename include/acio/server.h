/* SPDX-License-Identifier: MIT */
/* Servers: a task for each connection.
 *
 *     static int
 *     echo(acio_stream *stream, void *arg)
 *     {
 *         char buf[4096];
 *         ssize_t n;
 *         while ((n = acio_read(stream, buf, sizeof buf)) > 0) {
 *             acio_write(stream, buf, (size_t)n);
 *             ...
 *
 *     err = acio_start_server(&server, echo, NULL, NULL, 7777, NULL);
 *     if (err == 0)
 *         err = acio_serve_forever(server);
 *
 * A server's handle is good until acio_server_wait_closed or
 * acio_serve_forever has returned; after that it answers -ACIO_ECLOSED. One
 * that nobody waits for is freed with its loop.
 */
#ifndef ACIO_SERVER_H
#define ACIO_SERVER_H

#include "stream.h"

ACIO_BEGIN_DECLS

typedef struct acio_server acio_server;

/* Serves a connection, in a task of its own. When it returns, the stream is
 * closed as by acio_close, unless it did that itself; so a stream does not
 * outlive its handler. An error it returns is reported to the loop's exception
 * handler and ends nothing but the connection. */
typedef int acio_connection_handler(acio_stream *stream, void *arg);

/* All zero: the defaults. */
struct acio_server_options {
    size_t limit; /* of the streams: see struct acio_connect_options */
    int family;   /* AF_INET, AF_INET6; 0: both */
    int backlog;  /* connections that the kernel may keep waiting; 0: 100 */
    unsigned max_connections; /* at once; no more are accepted meanwhile; 0:
                               * any number */
    bool reuse_port;          /* SO_REUSEPORT: share the port with others */
    const char *name;         /* of the tasks, borrowed; NULL: "connection" */
    char *error_text;         /* takes a sentence about a failure; NULL: none */
    size_t error_text_bytes;
    bool no_reuse_address; /* without SO_REUSEADDR */
    bool keep_alive;       /* SO_KEEPALIVE */

    /* of Unix sockets */
    mode_t mode;           /* of the file, 0600 say; 0: what the umask leaves */
    bool keep_socket_file; /* do not remove it when the server closes */

    /* Makes each connection safe, in its task, before the handler is called;
     * where that fails it is reported and the handler is not called. NULL:
     * none; borrowed until the server has ended. */
    const struct acio_security *security;
    double handshake_timeout; /* see struct acio_security_options */

    /* Of acio_start_server: listen at these as well, on the same port; ended
     * by NULL. NULL: there are none. Borrowed until the call returns. */
    const char *const *more_hosts;
};

/* Listen at every address of `host` (NULL: at all interfaces, by IPv4 and
 * IPv6), and of options->more_hosts, and serve what connects. Port 0 picks a
 * free one, the same for all addresses. An address that this machine does not
 * have is left out, unless none is left.
 *
 *   returns   0; -EADDRINUSE and its like; -(ACIO_EAI_BASE + n) where the
 *             name has no address; -EINVAL for a port outside of 0 to 65535;
 *             -ENOMEM; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: nothing listens
 *   owner     the caller ends `*out` by acio_server_wait_closed or
 *             acio_serve_forever; `arg` and options->name are borrowed until
 *             then, `host` and `options` (or NULL) until the call returns
 *   thread    the loop's
 *   python    asyncio.start_server()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_start_server(acio_server **out,
    acio_connection_handler *handler, void *arg, const char *host, int port,
    const struct acio_server_options *options);

/* Listen at a Unix socket and serve what connects. A path that begins with '@'
 * is an abstract name, without a file. A socket that stands at `path` is
 * removed, in use or not; any other file is left alone. The socket's own file
 * is removed when the server closes, unless another has taken its place.
 *
 *   returns   0; -EADDRINUSE where a file stands at `path` or the name is in
 *             use; -EACCES and its like; -ENAMETOOLONG for more than 107
 *             bytes; -EINVAL; -ENOMEM; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: nothing listens
 *   owner     as acio_start_server; `path` is borrowed until the call returns
 *   thread    the loop's
 *   python    asyncio.start_unix_server()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_start_unix_server(acio_server **out,
    acio_connection_handler *handler, void *arg, const char *path,
    const struct acio_server_options *options);

/* Serve what connects to a socket of the caller's, one of systemd's say. It is
 * made to listen, with options->backlog, and non-blocking.
 *
 *   returns   0; -EBADF, -ENOTSOCK and what else listen(2) answers; -EINVAL;
 *             -ENOMEM; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: `fd` is the caller's
 *   owner     `fd` is taken, after an error it is the caller's; else as
 *             acio_start_server
 *   thread    the loop's
 *   python    asyncio.start_server(sock=)
 */
ACIO_EXPORT ACIO_MUST_USE int acio_start_socket_server(acio_server **out,
    acio_connection_handler *handler, void *arg, int fd,
    const struct acio_server_options *options);

/* The port; 0 where there are none.
 *
 *   returns   the port; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the server's loop
 *   python    Server.sockets[0].getsockname()[1]
 */
ACIO_EXPORT int acio_server_port(acio_server *server);

/* The address of the socket number `index`, from 0 on, as text.
 *
 *   returns   its length; -ENOENT behind the last one, and for all after
 *             acio_server_close; -ENOSPC where `buf` is too small (112 bytes
 *             do); -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `buf` is the caller's
 *   thread    the server's loop
 *   python    Server.sockets[index].getsockname()
 */
ACIO_EXPORT int acio_server_sock_name(acio_server *server, size_t index,
    char *buf, size_t size);

/* How many connections are being served.
 *
 *   returns   the number; 0 for a server that has ended
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the server's loop
 *   python    -
 */
ACIO_EXPORT size_t acio_server_connections(acio_server *server);

/* Stop listening. Connections go on. Closing twice does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle stays good, for acio_server_wait_closed
 *   thread    the server's loop
 *   python    Server.close()
 */
ACIO_EXPORT void acio_server_close(acio_server *server);

/* End the connections that are being served, in peace: what their handlers
 * have written leaves, and is the last; reading meets the end of the stream
 * after what has come. The handlers return in their own time; a connection that
 * is still being made safe has none, and is given up. The server goes on: one
 * that is to end is closed before.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the server's loop
 *   python    Server.close_clients()
 */
ACIO_EXPORT void acio_server_close_clients(acio_server *server);

/* Abort the connections that are being served, as by acio_abort: what their
 * handlers wait for on their streams answers -ACIO_ECLOSED. A connection that
 * is still being made safe is given up.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the server's loop
 *   python    Server.abort_clients()
 */
ACIO_EXPORT void acio_server_abort_clients(acio_server *server);

/* Stop listening, wait `timeout` seconds at most (INFINITY: for as long as it
 * takes) for the handlers to return, cancel those that have not, wait for
 * them, and free the server. When the caller is cancelled or times out the
 * handlers are cancelled at once.
 *
 *   returns   0 when all have returned by themselves; -ETIMEDOUT, -ECANCELED
 *             where they were cancelled; -EINVAL for no number;
 *             -ACIO_ESELF from a handler of the server; -ACIO_ECLOSED for the
 *             second time; -ACIO_EFOREIGN, -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: all handlers have returned, the server is freed
 *   owner     the handle ends; NULL is fine
 *   thread    the server's loop
 *   python    Server.close() and wait_closed()
 */
ACIO_EXPORT int acio_server_wait_closed(acio_server *server, double timeout);

/* Serve until the caller is cancelled or times out; then stop listening,
 * cancel the handlers, wait for them, and free the server.
 *
 *   returns   -ECANCELED, -ETIMEDOUT; 0 where acio_server_close was called and
 *             all handlers have returned; -ACIO_ESELF, -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: all handlers have returned, the server is freed
 *   owner     the handle ends
 *   thread    the server's loop
 *   python    Server.serve_forever()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_serve_forever(acio_server *server);

ACIO_END_DECLS

#endif
