/* SPDX-License-Identifier: MIT */
/* net_world.h - what the tests of streams and servers have in common
 *
 * Idea.  A pair is a connection with both its ends in the hands of the test:
 *        the client's, and the one that a server has accepted.
 */
#ifndef ACIO_TESTS_NET_WORLD_H
#define ACIO_TESTS_NET_WORLD_H

#include <math.h>
#include <string.h>

#include "acio_spec.h"

struct pair {
    acio_server *server;
    acio_stream *client, *served;
    acio_future there; /* `served` is set */
    acio_future end;   /* nobody brings it: the handler waits */
};

/* Connects. Streams have `limit`, 0 for the default. */
int open_pair(struct pair *pair, size_t limit);

/* Closes what is still open. */
void close_pair(struct pair *pair);

/* Lets arrive what is under way. */
void let_arrive(void);

/* Serves by sending back what comes. */
int echo(acio_stream *stream, void *arg);

/* A server at 127.0.0.1 and a port of its own; NULL where it fails. */
acio_server *serve(acio_connection_handler *handler, void *arg);

/* A connection to it; NULL where it fails. */
acio_stream *connect_to(acio_server *server);

/* Writes a text and sends it. */
int say(acio_stream *stream, const char *text);

/* Reads until the end of the stream; how many bytes, or an error. What comes
 * is byte number i of a pattern, if `is_pattern` is given. */
ssize_t read_all(acio_stream *stream, bool *is_pattern);

/* Byte number `i` of the pattern. */
char pattern(size_t i);

/* More bytes than the sockets between two ends take. */
size_t much(void);

/* Does the test run again and again, with a fault each time? */
bool tortured(void);

/* A task that writes `bytes` of the pattern and ends the stream. */
struct flood_args {
    acio_stream *stream;
    size_t bytes, piece;
    size_t *written; /* NULL: nobody asks */
};
int flood(void *arg);

/* A task that reads at most `size` bytes, and notes how that ended. */
struct read_and_note_args {
    acio_stream *stream;
    size_t size;
};
int read_and_note(void *arg);

#endif
