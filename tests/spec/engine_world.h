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

/* The loop of the test. The names below are short for those of the linker,
 * which knows the other tests of the program as well. */
#define loop engine_loop
extern acio_loop *engine_loop;

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
#define submit(call) engine_submit(call)
void engine_submit(struct call *call);

/* Runs passes until the op is over; the op's result. */
#define finish(call) engine_finish(call)
ssize_t engine_finish(struct call *call);

/* Both. */
#define perform(call) engine_perform(call)
ssize_t engine_perform(struct call *call);

/* Cancels, and runs passes until the op is over; the op's result. */
#define cancel(call) engine_cancel(call)
ssize_t engine_cancel(struct call *call);

/* Makes `count` passes that do not wait. */
#define pass(count) engine_pass(count)
void engine_pass(int count);

/* Runs the loop for so long. */
#define let_pass(seconds) engine_let_pass(seconds)
void engine_let_pass(double seconds);

/* Runs passes until `*flag`. */
#define run_until(flag) engine_run_until(flag)
void engine_run_until(const bool *flag);

/* Runs passes until `*count` is at least `wanted`. */
#define run_until_count(count, wanted) engine_run_until_count(count, wanted)
void engine_run_until_count(const int *count, int wanted);

/* ---- sockets ---- */

/* A stream socket listening at a port of 127.0.0.1 that `address` tells. */
#define listener(address) engine_listener(address)
int engine_listener(struct sockaddr_in *address);

/* An unconnected stream socket. */
#define stream_socket() engine_stream_socket()
int engine_stream_socket(void);

/* Two connected stream sockets; the test closes them with close_pair. */
struct pair {
    int here, there;
};
#define connected_pair() engine_connected_pair()
struct pair engine_connected_pair(void);
#define close_pair(pair) engine_close_pair(pair)
void engine_close_pair(struct pair *pair);

/* Closes an fd through the loop and sets it to -1; -1 is fine. */
#define close_socket(fd) engine_close_socket(fd)
void engine_close_socket(int *fd);

/* The whole text arrives on the other side, or the test fails. */
#define send_text(fd, text) engine_send_text(fd, text)
void engine_send_text(int fd, const char *text);

/* What recv_many or read_many brought. */
struct stream {
    acio_op op;
    bool done;
    ssize_t result; /* of the last callback */
    size_t bytes;
    int pieces;
    char text[256]; /* the beginning of it */
    int stop_after; /* pieces, then the callback cancels; 0: never */
};
#define receive_stream(stream, fd) engine_receive_stream(stream, fd)
void engine_receive_stream(struct stream *stream, int fd);

/* The same by read_many. */
#define read_stream(stream, fd) engine_read_stream(stream, fd)
void engine_read_stream(struct stream *stream, int fd);

#endif
