/* SPDX-License-Identifier: MIT */
/* sim_world.h - what the simulator's tests have in common
 *
 * Idea.  A simulated loop that has nothing left to do says -EDEADLK: so
 *        sim_settle() runs everything that was started to its end, and what did
 *        not end waits for ever.
 */
#ifndef ACIO_TESTS_SIM_WORLD_H
#define ACIO_TESTS_SIM_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <acio/sim.h>

#include "engine/engine.h"
#include "spec.h"

/* An op and what became of it. */
struct call {
    acio_op op;
    acio_loop *loop;
    bool done;
    ssize_t result;
    int64_t when_ns;      /* when the callback came */
    struct spec_log *log; /* where `name` is noted then, or NULL */
    const char *name;
};

/* A loop on the simulator; NULL under torture, when there is no memory. */
acio_loop *sim_loop(const struct acio_sim_options *options);

/* Runs until nothing can happen any more. */
void sim_settle(acio_loop *loop);

struct acio_sim_stats sim_stats(acio_loop *loop);

/* Submits call->op, which is prepared. */
void sim_submit(acio_loop *loop, struct call *call);

struct sockaddr_in ipv4(const char *address, unsigned port);

/* A stream socket that listens at `port` of 127.0.0.1. */
int listen_at(acio_loop *loop, unsigned port);
/* An unbound stream socket of IPv4. */
int stream_socket(acio_loop *loop);

/* Two connected sockets; -1 where that failed. */
struct pair {
    int client, server;
};
struct pair connect_pair(acio_loop *loop);
void close_pair(acio_loop *loop, struct pair *pair);

/* Sends the whole of a pattern, then the end; receives until the end. */
struct bulk {
    struct call send, receive;
    struct pair pair;
    size_t bytes, sent, received;
    size_t piece;   /* what one send offers */
    bool end_after; /* shut down when all is sent */
    int error;      /* the first of either side */
    bool ended;     /* the receiver saw the end */
    size_t wrong;   /* bytes that are not those of the pattern */
    char out[4096], in[4096];
};
void bulk_start(acio_loop *loop, struct bulk *bulk, size_t bytes);
/* The byte at a place of the pattern. */
char bulk_byte(size_t at);

#endif
