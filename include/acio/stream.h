/* SPDX-License-Identifier: MIT */
/* Streams: connections that are read and written in order.
 *
 *     acio_stream *stream;
 *     int err = acio_open_connection(&stream, "example.org", 80, NULL);
 *     if (err < 0)
 *         return err;
 *     acio_write(stream, request, sizeof request);
 *     n = acio_read(stream, buf, sizeof buf);
 *     ...
 *     acio_close(stream);
 *
 * One object stands for both directions (asyncio's StreamReader and its
 * StreamWriter). Writing never waits: bytes are copied and leave by
 * themselves; acio_drain is where a writer waits for a slow peer. Errors of
 * writing stick, so it is enough to look at what acio_drain says.
 *
 * A stream's handle is good until acio_close or acio_abort is called; after
 * that it answers -ACIO_ECLOSED, to a second close too. (Handles carry a
 * number of 9 bits that tells them from older ones of the same memory.)
 */
#ifndef ACIO_STREAM_H
#define ACIO_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "loop.h"

ACIO_BEGIN_DECLS

struct addrinfo;

typedef struct acio_stream acio_stream;

/* What a way to make connections safe is told about the one at hand. */
struct acio_security_options {
    bool server_side;
    const char *server_hostname; /* of the peer, as the client expects it; "":
                                  * any, where `start` lets that be; NULL on
                                  * the server's side */
    double handshake_timeout;    /* in seconds; 0: as long as is usual there */
    char *error_text;            /* takes a sentence about a failure */
    size_t error_text_bytes;     /* 0: it takes none */
};

/* How a connection is made safe before it is used. `start` is called in the
 * task that opens the connection, or in the one that serves it, with a stream
 * that nobody has read from or written to. It suspends; what it returns, 0 or
 * an error, is what the connection comes to. It leaves the stream open. */
struct acio_security {
    int (*start)(const struct acio_security *security, acio_stream *stream,
        const struct acio_security_options *options);
};

/* All zero: the defaults. */
struct acio_connect_options {
    size_t limit;           /* bytes a line may have, half of what is read
                             * ahead; 0: 65536 */
    int family;             /* AF_INET, AF_INET6; 0: both */
    const char *local_host; /* where to connect from; NULL: anywhere */
    int local_port;         /* 0: any */
    char *error_text;       /* takes a sentence about a failure; NULL: none */
    size_t error_text_bytes;
    bool keep_alive; /* SO_KEEPALIVE */

    /* With several addresses: seconds until the next one is tried as well; 0:
     * 0.25; negative, or INFINITY: one after the other */
    double happy_eyeballs_delay;
    /* How many addresses of the first one's family are tried before one of
     * another family; 0: 1; negative: in the order of the name service */
    int interleave;

    const struct acio_security *security; /* NULL: none */
    const char *server_hostname;          /* NULL: the host */
    double handshake_timeout;             /* see struct acio_security_options */
};

/* Connect to a TCP server. A name is looked up in a thread; its addresses are
 * tried one after the other, each with a little start on the next (RFC 8305),
 * and the first that answers is taken. NULL for a host is this machine.
 *
 *   returns   0; what the last address answered, or a more telling one before
 *             it (-ECONNREFUSED rather than -ENETUNREACH); -(ACIO_EAI_BASE +
 *             n) where the name has no address; what options->security
 *             answered; -EINVAL for a port outside of 0 to 65535, and for
 *             security without a name to expect; -ENOMEM; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: there is no connection. It is answered at once, also
 *             while a name is looked up; a connection made in the same moment
 *             is returned, unless it is still to be made safe
 *   owner     the caller closes `*out`, which is NULL after an error; the
 *             strings and `options` (or NULL) are borrowed
 *   thread    the loop's
 *   python    asyncio.open_connection()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_open_connection(acio_stream **out,
    const char *host, int port, const struct acio_connect_options *options);

/* The same, with addresses that the caller has: of acio_getaddrinfo, say, or
 * of his own. The kind and the protocol that they name are not looked at: the
 * connection is a stream.
 *
 *   returns   as acio_open_connection; -EINVAL for no address of a wanted
 *             family
 *   suspends  yes
 *   cancel    clean: as acio_open_connection
 *   owner     the caller closes `*out`, which is NULL after an error; `list`
 *             and `options` (or NULL) are borrowed
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_open_connection_addresses(acio_stream **out,
    const struct addrinfo *list, const struct acio_connect_options *options);

/* Connect to a Unix socket. A path that begins with '@' is an abstract name,
 * without a file. Where the server has no place in its queue the call waits
 * for one. Of the options `limit`, those for security, and the sentence are
 * looked at.
 *
 *   returns   0; -ENOENT, -ECONNREFUSED and their like; -ENAMETOOLONG for
 *             more than 107 bytes; -EINVAL for an empty path; else as
 *             acio_open_connection
 *   suspends  yes
 *   cancel    clean: as acio_open_connection
 *   owner     as acio_open_connection
 *   thread    the loop's
 *   python    asyncio.open_unix_connection()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_open_unix_connection(acio_stream **out,
    const char *path, const struct acio_connect_options *options);

/* Make a stream of a connected socket (SOCK_STREAM) that the caller has: by
 * socketpair(2), or from elsewhere. Of the options, those that say how and
 * where to connect mean nothing here.
 *
 *   returns   0; -EINVAL for another kind of socket, and for options->security
 *             without a server_hostname; -ENOTSOCK, -EBADF, -ENOTCONN;
 *             -ENOMEM; what options->security answers; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: there is no stream
 *   owner     0: `fd` is the stream's, and made non-blocking; an error of
 *             options->security, and -ENOMEM: it was closed; else it is still
 *             the caller's. `options` (or NULL) are borrowed
 *   thread    the loop's
 *   python    loop.connect_accepted_socket()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_open_socket(acio_stream **out, int fd,
    const struct acio_connect_options *options);

/* All zero: the defaults. */
struct acio_pipe_options {
    size_t limit; /* as in struct acio_connect_options */
};

/* Make a stream of the end of a pipe that is read; or of a FIFO, a terminal or
 * another device, or a socket. Writing to it answers -EBADF.
 *
 *   returns   0; -EINVAL for a file on a disk and its like; -EBADF, also where
 *             `fd` cannot be read; -ENOMEM; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     0: `fd` is the stream's, and was made non-blocking, which also
 *             those notice who share it (a terminal, for one); else it is
 *             still the caller's. `options` (or NULL) are borrowed
 *   thread    the loop's
 *   python    loop.connect_read_pipe()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_connect_read_pipe(acio_stream **out, int fd,
    const struct acio_pipe_options *options);

/* The same for the end that is written. Reading it answers -EBADF. When the
 * reader has gone, acio_write and acio_drain answer -EPIPE, even before
 * anything is written; there is no SIGPIPE. acio_write_eof closes the fd when
 * all has left.
 *
 *   returns   as acio_connect_read_pipe; -EBADF where it cannot be written
 *   suspends  no
 *   cancel    -
 *   owner     as acio_connect_read_pipe
 *   thread    the loop's
 *   python    loop.connect_write_pipe()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_connect_write_pipe(acio_stream **out, int fd,
    const struct acio_pipe_options *options);

/* ---- reading ---- */

/* Read at least one and at most `n` bytes.
 *
 *   returns   bytes read; 0 at the end of the stream, or where `n` is 0;
 *             -ECONNRESET and its like, after all that came before;
 *             -EBUSY where another task is reading; -ECANCELED, -ETIMEDOUT;
 *             -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: no byte was taken from the stream
 *   owner     `buf` is borrowed until the call returns
 *   thread    the stream's loop
 *   python    StreamReader.read(n)
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_read(acio_stream *stream, void *buf,
    size_t n);

/* Read exactly `n` bytes.
 *
 *   returns   n; -ACIO_EINCOMPLETE where the stream ends before, and
 *             acio_stream_partial tells how many came: 0 where it ended
 *             between two messages; else as acio_read
 *   suspends  yes
 *   cancel    clean: what had come goes back to the stream
 *   owner     `buf` is borrowed until the call returns
 *   thread    the stream's loop
 *   python    StreamReader.readexactly()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_readexactly(acio_stream *stream,
    void *buf, size_t n);

/* Read up to and including `separator`, and put a zero byte behind it.
 *
 *   returns   bytes read, the zero not counted; -ACIO_ELIMIT where there is no
 *             separator within `size - 1` bytes or the stream's limit, and
 *             the data stays; -ACIO_EINCOMPLETE where the stream ends before,
 *             and acio_stream_partial tells how many bytes were stored;
 *             -EINVAL for no room or no separator; else as acio_read
 *   suspends  yes
 *   cancel    clean: no byte was taken from the stream
 *   owner     `buf` and `separator` are borrowed until the call returns
 *   thread    the stream's loop
 *   python    StreamReader.readuntil()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_readuntil(acio_stream *stream, char *buf,
    size_t size, const void *separator, size_t separator_bytes);

/* Read a line with its '\n', and put a zero byte behind it. The last one may
 * have no '\n'.
 *
 *   returns   bytes read, the zero not counted; 0 at the end of the stream;
 *             -ACIO_ELIMIT where it does not fit into `size - 1` bytes or the
 *             stream's limit, and the data stays; else as acio_read
 *   suspends  yes
 *   cancel    clean: no byte was taken from the stream
 *   owner     `buf` is borrowed until the call returns
 *   thread    the stream's loop
 *   python    StreamReader.readline()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_readline(acio_stream *stream, char *buf,
    size_t size);

/* Read up to and including one of several separators, the one that ends first,
 * and put a zero byte behind it.
 *
 *   returns   as acio_readuntil; the limit is met where it is for the longest
 *             separator
 *   suspends  yes
 *   cancel    clean: no byte was taken from the stream
 *   owner     `buf` and the separators are borrowed until the call returns
 *   thread    the stream's loop
 *   python    StreamReader.readuntil()
 */
ACIO_EXPORT ACIO_MUST_USE ssize_t acio_readuntil_any(acio_stream *stream,
    char *buf, size_t size, const struct iovec *separators, size_t count);

/* The next line, where it lies: nothing is copied. Its '\n' is gone, and a zero
 * in its place; the last one may have had none.
 *
 *     struct acio_line line;
 *     while ((err = acio_next_line(stream, &line)) > 0)
 *         puts(line.text);
 *
 *   returns   1 with a line; 0 at the end of the stream; -ACIO_ELIMIT where it
 *             is longer than the stream's limit, and the data stays; else as
 *             acio_read
 *   suspends  yes
 *   cancel    clean: no byte was taken from the stream
 *   owner     the line is the stream's, and good until somebody reads from it
 *             again or closes it; its bytes may be written to
 *   thread    the stream's loop
 *   python    StreamReader.__anext__()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_next_line(acio_stream *stream,
    struct acio_line *line);

/* How many bytes the last acio_readexactly or acio_readuntil has stored, or
 * acio_sendfile has sent, although it failed.
 *
 *   returns   the number; 0 where it did not fail, or kept the data
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    IncompleteReadError.partial
 */
ACIO_EXPORT size_t acio_stream_partial(acio_stream *stream);

/* Was everything read, and the end of the stream met?
 *
 *   returns   true or false; true for a stream that is closed
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    StreamReader.at_eof()
 */
ACIO_EXPORT bool acio_at_eof(acio_stream *stream);

/* ---- writing ---- */

/* Write `n` bytes. They leave in the next pass of the loop, together with what
 * else is written until then, or with acio_drain.
 *
 *   returns   0; the error that broke the connection, which sticks;
 *             -ENOMEM, which sticks as well; -ACIO_ECLOSED, also after
 *             acio_write_eof; -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `data` is copied
 *   thread    the stream's loop
 *   python    StreamWriter.write()
 */
ACIO_EXPORT int acio_write(acio_stream *stream, const void *data, size_t n);

/* Write several pieces, one after the other.
 *
 *   returns   as acio_write
 *   suspends  no
 *   cancel    -
 *   owner     the pieces are copied
 *   thread    the stream's loop
 *   python    StreamWriter.writelines()
 */
ACIO_EXPORT int acio_writelines(acio_stream *stream, const struct iovec *pieces,
    size_t count);

/* Send what was written, and, where more than the high-water mark is left
 * over, wait until no more than the low-water mark is.
 *
 *   returns   0; -EPIPE, -ECONNRESET or another error that broke the
 *             connection, of reading too; -ECANCELED, -ETIMEDOUT;
 *             -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOTASK, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    clean: what was written still leaves
 *   owner     -
 *   thread    the stream's loop
 *   python    StreamWriter.drain()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_drain(acio_stream *stream);

/* Tell the peer, after all that was written, that nothing more will come.
 * Reading goes on.
 *
 *   returns   0, also for the second time; the error that broke the
 *             connection; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    StreamWriter.write_eof()
 */
ACIO_EXPORT int acio_write_eof(acio_stream *stream);

/* Send a part of a file, after all that was written: `count` bytes from
 * `offset`, or to its end where `count` is negative. A negative offset means
 * the file's position, which moves then. A socket gets it from the kernel
 * without a copy; through a filter (TLS), or to a pipe, it is read and written.
 * Nobody else can write meanwhile.
 *
 *   returns   bytes sent, fewer than `count` only where the file ends; where
 *             it fails after some, acio_stream_partial tells how many those
 *             were. The errors of acio_write and of pread(2); -EBUSY while
 *             another file is sent; -ENOMEM; -ECANCELED, -ETIMEDOUT;
 *             -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    partial: acio_stream_partial tells how many bytes were sent, and
 *             the next write goes behind them
 *   owner     `file` is borrowed until the call returns
 *   thread    the stream's loop
 *   python    loop.sendfile()
 */
ACIO_EXPORT ACIO_MUST_USE int64_t acio_sendfile(acio_stream *stream, int file,
    int64_t offset, int64_t count);

/* How many bytes were written and have not left.
 *
 *   returns   the number
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    WriteTransport.get_write_buffer_size()
 */
ACIO_EXPORT size_t acio_write_buffer_size(acio_stream *stream);

/* Set the marks of acio_drain; 65536 and 16384 to begin with. A high mark of
 * 0 lets it wait until everything has left.
 *
 *   returns   0; -EINVAL where `low` is above `high`; -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    WriteTransport.set_write_buffer_limits()
 */
ACIO_EXPORT int acio_stream_set_write_buffer_limits(acio_stream *stream,
    size_t high, size_t low);

/* ---- the end ---- */

/* Let leave what was written, then close. After the time of
 * acio_stream_set_close_timeout (30 s to begin with), or when the caller is
 * cancelled or times out, the rest is dropped and the connection reset, so that
 * the peer does not take what came for all. What others wait for on the stream
 * answers -ACIO_ECLOSED. What the peer sent and nobody read is lost, and lets
 * the kernel reset the connection as well.
 *
 *   returns   0 when everything has left, be the reader of a pipe gone since
 *             then; else why not: the error that broke the connection,
 *             -ETIMEDOUT, -ECANCELED; -ACIO_ECLOSED for the
 *             second time; -ACIO_ENOTASK (the stream stays open, acio_abort
 *             closes it), -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    partial: the stream is closed, part of the data may be lost
 *   owner     the handle ends; NULL is fine
 *   thread    the stream's loop
 *   python    StreamWriter.close() and wait_closed()
 */
ACIO_EXPORT int acio_close(acio_stream *stream);

/* Close at once and drop what was not sent: the connection is reset then, else
 * it ends in peace. What others wait for on the stream answers -ACIO_ECLOSED.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends; NULL and closed streams are fine
 *   thread    the stream's loop
 *   python    WriteTransport.abort()
 */
ACIO_EXPORT void acio_abort(acio_stream *stream);

/* How long acio_close may take, in seconds; INFINITY for as long as it takes.
 *
 *   returns   0; -EINVAL for no number; -ACIO_ECLOSED, -ACIO_EFOREIGN,
 *             -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT int acio_stream_set_close_timeout(acio_stream *stream,
    double timeout);

/* Let the kernel ask a silent peer from time to time whether it is still there
 * (SO_KEEPALIVE).
 *
 *   returns   0; the error of setsockopt(2), as of a pipe; -ENOTCONN once the
 *             connection is lost; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT int acio_stream_set_keep_alive(acio_stream *stream, bool on);

/* ---- properties ---- */

/* The address of the other end as text: "192.0.2.1:80", "[2001:db8::1]:80",
 * "/run/socket", "@abstract"; "" for a Unix socket without a name, as clients
 * mostly are.
 *
 *   returns   its length; -ENOSPC where `buf` is too small (112 bytes do);
 *             -ENOTCONN once the connection is lost; -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `buf` is the caller's
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("peername")
 */
ACIO_EXPORT int acio_stream_peer_name(acio_stream *stream, char *buf,
    size_t size);

/* The address of this end.
 *
 *   returns   as acio_stream_peer_name
 *   suspends  no
 *   cancel    -
 *   owner     `buf` is the caller's
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("sockname")
 */
ACIO_EXPORT int acio_stream_sock_name(acio_stream *stream, char *buf,
    size_t size);

/* The socket, for options; not to be read, written or closed.
 *
 *   returns   the fd (of no use outside of acio on the simulator);
 *             -ENOTCONN once the connection is lost; -ACIO_ECLOSED,
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     borrowed
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("socket")
 */
ACIO_EXPORT int acio_stream_fd(acio_stream *stream);

/* A sentence about what broke the connection.
 *
 *   returns   the sentence; "" where nothing did
 *   suspends  no
 *   cancel    -
 *   owner     borrowed until the next call of this function in this loop
 *   thread    the stream's loop
 *   python    str(exception)
 */
ACIO_EXPORT const char *acio_error_text(acio_stream *stream);

ACIO_END_DECLS

#endif
