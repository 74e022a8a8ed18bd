/* SPDX-License-Identifier: MIT */
/* Filters: what stands between a stream's user and its fd.
 *
 *     user                 acio_read           acio_write
 *       ^                      ^                   |
 *       |           acio_filter_deliver            v
 *     filter               received              write
 *       |                      ^                   |
 *       v                      |            acio_filter_send
 *     fd                     receive             send
 *
 * A filter is a struct of its maker that begins with (or holds) a struct
 * acio_filter. The stream calls the functions of its type; the filter answers
 * with acio_filter_deliver and acio_filter_send, as often as it likes, from
 * inside those functions or from anywhere else in the loop's thread. None of
 * this suspends. Filters pile up: the one that was set last is the user's
 * neighbour, the one set first the fd's.
 *
 * A stream stops receiving while more than twice its limit of what filters
 * delivered waits to be read; acio_drain looks at what they have sent. So a
 * filter should keep nothing back that it could hand on, but for what it holds
 * until the stream flushes (acio_filter_hold).
 *
 * Not in <acio.h>: users of streams do not need it.
 */
#ifndef ACIO_FILTER_H
#define ACIO_FILTER_H

#include "stream.h"

ACIO_BEGIN_DECLS

struct acio_filter;

/* Any of them may be NULL, which is told with each. Those that return an int
 * return a negative error where the connection is lost with it. */
struct acio_filter_type {
    const char *name;

    /* Bytes came from below; NULL: they are handed on as they are. */
    int (*received)(struct acio_filter *filter, const char *data, size_t bytes);

    /* What is below has ended, well. 0: it is a good end, and is delivered;
     * an error: it came too early. NULL: 0. */
    int (*received_end)(struct acio_filter *filter);

    /* The user writes; NULL: the bytes are handed on as they are. -EBUSY
     * refuses them, and is no harm to the connection. */
    int (*write)(struct acio_filter *filter, const char *data, size_t bytes);

    /* What acio_filter_hold has announced is handed on now. */
    int (*flush)(struct acio_filter *filter);

    /* The user will write no more. 1: what is below is to be told so as well,
     * after all that was sent; 0: it is not; -EBUSY: as for `write`. NULL: 1.
     */
    int (*write_eof)(struct acio_filter *filter);

    /* acio_close has begun: the last words are sent now. NULL: none. */
    void (*closing)(struct acio_filter *filter);

    /* Shall acio_close wait for more from the peer, for as long as the
     * stream's close timeout lets it? Asked after everything has left, and
     * again after each piece that came. NULL: no. */
    bool (*end_awaited)(struct acio_filter *filter);

    /* The connection is lost, for whatever reason. Said once; from inside of
     * acio_filter_deliver and _send, too. NULL: nobody needs to know. */
    void (*lost)(struct acio_filter *filter, int err);

    /* The stream is gone: the filter is its maker's again, who frees it. No
     * function of it is called any more. NULL: nothing to free. */
    void (*release)(struct acio_filter *filter);

    /* A sentence about what went wrong, for acio_error_text; NULL: none. */
    const char *(*error_text)(struct acio_filter *filter);
};

struct acio_filter {
    const struct acio_filter_type *type;
    bool pass_input;    /* `received` and `received_end` are not called: what */
    bool pass_output;   /* comes from below goes up; `write` and `write_eof` */
    bool end_delivered; /* the stream's, as all the rest */
    struct acio_filter *above; /* towards the user; NULL: the next is he */
    struct acio_filter *below; /* towards the fd; NULL: the next is it */
    void *stream;
};

/* Set a filter on a stream, between its user and those set before. It may be
 * in use: bytes that nobody has read yet are received by the filter, inside of
 * this call; what was written before leaves as it was. From now on the stream
 * receives, whether it is read or not.
 *
 *   returns   0; -EINVAL for no filter or one without a type; -EBUSY where a
 *             task is reading, or a file is sent; the error that broke the
 *             connection; -ACIO_ECLOSED, also after acio_write_eof;
 *             -ACIO_EFOREIGN, -ACIO_ENOLOOP. What the filter itself finds
 *             wrong is said by the stream later
 *   suspends  no
 *   cancel    -
 *   owner     0: `filter` is the stream's until its `release` is called, which
 *             may happen as soon as the loop runs on; else the caller's
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_stream_set_filter(acio_stream *stream,
    struct acio_filter *filter);

/* The filter of this type that is nearest to the user.
 *
 *   returns   the filter; NULL where there is none, or the stream is closed
 *   suspends  no
 *   cancel    -
 *   owner     the stream's
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT struct acio_filter *acio_stream_filter(acio_stream *stream,
    const struct acio_filter_type *type);

/* Hand bytes on towards the user.
 *
 *   returns   0; -ACIO_ECLOSED where nobody can read them any more, be it that
 *             the stream is closed (the bytes are dropped) or broken
 *   suspends  no
 *   cancel    -
 *   owner     `data` is copied
 *   thread    the stream's loop
 *   python    StreamReader.feed_data()
 */
ACIO_EXPORT int acio_filter_deliver(struct acio_filter *filter,
    const void *data, size_t bytes);

/* Tell the user that the stream has ended, though what is below may not have.
 * The second time does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    StreamReader.feed_eof()
 */
ACIO_EXPORT void acio_filter_deliver_end(struct acio_filter *filter);

/* Where bytes for the user can be put without a copy: the memory of the task
 * that waits for them. Then acio_filter_delivered, before anything else is done
 * with the stream.
 *
 *   returns   the memory, of `*bytes` bytes; NULL where nobody waits, or there
 *             is a filter above: acio_filter_deliver does then
 *   suspends  no
 *   cancel    -
 *   owner     borrowed until the caller returns to the stream
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT void *acio_filter_room(struct acio_filter *filter, size_t *bytes);

/* Hand on the first `bytes` bytes that were put there, one at least.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT void acio_filter_delivered(struct acio_filter *filter,
    size_t bytes);

/* Say that the filter holds bytes that the user has written, so that what comes
 * in small pieces leaves in one. Its `flush` is called when the stream flushes:
 * by acio_drain, or in the next pass of the loop. Before `write_eof` and
 * `closing` it is not: they know.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT void acio_filter_hold(struct acio_filter *filter);

/* Hand bytes on towards the fd. They leave as those of acio_write do.
 *
 *   returns   0; the error that broke the connection; -ACIO_ECLOSED where the
 *             stream is closed (acio_close still takes what `closing` sends,
 *             and what is sent while it waits), or what is below was told that
 *             nothing more will come
 *   suspends  no
 *   cancel    -
 *   owner     `data` is copied
 *   thread    the stream's loop
 *   python    -
 */
ACIO_EXPORT int acio_filter_send(struct acio_filter *filter, const void *data,
    size_t bytes);

/* Break the connection: reads, after what was delivered, and writes answer
 * `err`, and the peer finds it reset. What waits to leave is dropped.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `filter` is not released inside of this call
 *   thread    the stream's loop
 *   python    StreamReader.set_exception()
 */
ACIO_EXPORT void acio_filter_fail(struct acio_filter *filter, int err);

ACIO_END_DECLS

#endif
