/* SPDX-License-Identifier: MIT */
/* engine_world.h - what the tests of the engine have in common
 *
 * Idea.  The body of an ENGINE test has a loop, on the back end that
 *        $ACIO_BACKEND names, and drives it with callbacks alone: no task runs.
 *        A `call` is an op together with what became of it.
 */
#ifndef ACIO_TESTS_ENGINE_WORLD_H
#define ACIO_TESTS_ENGINE_WORLD_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "engine/engine.h"
#include "spec.h"

/* The loop of the test. */
extern acio_loop *loop;

void engine_run(const struct spec_test *test);

#define ENGINE_ON(suite, name, backends)                                       \
    static void engine_body_##suite##_##name(void);                            \
    SPEC_REGISTER(suite, name, .body = engine_body_##suite##_##name,           \
        .run = engine_run, .flags = SPEC_NO_TORTURE, .backend = backends);     \
    static void engine_body_##suite##_##name(void)

/* ENGINE(suite, name_as_a_sentence) { ... } */
#define ENGINE(suite, name) ENGINE_ON(suite, name, NULL)

/* The same where a kernel answers, and not the simulator. */
#define ENGINE_REAL(suite, name) ENGINE_ON(suite, name, "epoll uring")

/* ---- ops ---- */

struct call {
    acio_op op;
    bool done; /* the last callback came */
    int times; /* callbacks so far */
    ssize_t result;
    struct spec_log *log; /* where `name` is noted at the end, or NULL */
    const char *name;
};

/* Submits call->op, which is prepared. */
void submit(struct call *call);

/* Runs passes until the op is over; the op's result. */
ssize_t finish(struct call *call);

/* Both. */
ssize_t perform(struct call *call);

/* Cancels, and runs passes until the op is over; the op's result. */
ssize_t cancel(struct call *call);

/* Makes `count` passes that do not wait. */
void pass(int count);

/* Runs the loop for so long. */
void let_pass(double seconds);

/* Runs passes until `*flag`. */
void run_until(const bool *flag);

/* Runs passes until `*count` is at least `wanted`. */
void run_until_count(const int *count, int wanted);

/* ---- sockets ---- */

/* A stream socket listening at a port of 127.0.0.1 that `address` tells. */
int listener(struct sockaddr_in *address);

/* An unconnected stream socket. */
int stream_socket(void);

/* Two connected stream sockets; the test closes them with close_pair. */
struct pair {
    int here, there;
};
struct pair connected_pair(void);
void close_pair(struct pair *pair);

/* Closes an fd through the loop and sets it to -1; -1 is fine. */
void close_socket(int *fd);

/* The whole text arrives on the other side, or the test fails. */
void send_text(int fd, const char *text);

/* What recv_many brought. */
struct stream {
    acio_op op;
    bool done;
    ssize_t result; /* of the last callback */
    size_t bytes;
    int pieces;
    char text[256]; /* the beginning of it */
    int stop_after; /* pieces, then the callback cancels; 0: never */
};
void receive_stream(struct stream *stream, int fd);

#endif
