/* SPDX-License-Identifier: MIT */
/* The simulator: a back end without a kernel, for tests of one's own programs.
 *
 * Its clock is virtual and moves straight to the next event, its sockets are
 * queues in memory, and everything that is chance (how long a byte travels,
 * what fails, what comes late) is drawn from a seed: the same program with the
 * same seed does the same again. Ask for it by `ACIO_BACKEND=sim`, or by name:
 *
 *     struct acio_sim_options sim = { .seed = 7, .short_transfers = 0.5 };
 *     struct acio_loop_options options = { .backend = "sim", .sim = &sim };
 *
 * docs/simulator.md tells what is simulated and what is not.
 */
#ifndef ACIO_SIM_H
#define ACIO_SIM_H

#include <sys/types.h>

#include "loop.h"
#include "op.h"

ACIO_BEGIN_DECLS

/* Something that an operation brought about. */
struct acio_sim_event {
    int64_t when_ns;
    enum acio_op_kind kind;
    int fd;         /* -1 where it is not a simulated socket */
    ssize_t result; /* what the op was told, or the bytes delivered */
};

typedef void acio_sim_watcher(const struct acio_sim_event *event, void *user);

/* All zero: the defaults. Times are seconds. Chances lie between 0 (never, the
 * default) and 1 (always). */
struct acio_sim_options {
    uint64_t seed; /* 0: 1. ACIO_SIM_SEED in the environment comes first */

    /* How long anything travels: bytes and connections through the network,
     * work through a thread. Both 0: 10 to 100 microseconds. A negative
     * latency_max: no time at all. */
    double latency_min, latency_max;
    size_t buffer_bytes; /* of a socket, for each direction; 0: 65536 */

    /* Chances that */
    double short_transfers; /* a transfer moves fewer bytes than it could */
    double resets;          /* a transfer meets a connection reset */
    double refusals;        /* a connect is refused */
    double no_buffers;      /* a send fails with -ENOBUFS */
    double busy_sends;      /* acio_loop_try_send answers -EAGAIN */
    double late;            /* a completion comes late, and others before it */
    double late_cancels;    /* a cancel comes late, and loses races */
    double late_max;        /* at most so late; 0: 1 millisecond */
    double losses;          /* a datagram is lost */
    double duplicates;      /* a datagram arrives twice */
    double reorders; /* a datagram is held up, by late_max at most, and others
                      * overtake it */

    /* The n-th transfer of the run, counted from 1: it moves one byte; it
     * meets a connection reset. 0: none. */
    uint64_t short_at, reset_at;

    /* Threads of the program's own call acio_loop_call_soon_threadsafe: with
     * nothing else to wait for, wait for them instead of -EDEADLK. */
    bool wait_for_threads;

    acio_sim_watcher *watcher; /* told of every event; NULL: nobody */
    void *watcher_user;
};

struct acio_sim_stats {
    uint64_t seed;        /* the one in use */
    int64_t now_ns;       /* virtual time since the loop was made */
    uint64_t events;      /* completions and deliveries */
    uint64_t fingerprint; /* of all events and their times, in order */
    uint64_t transfers;   /* sends, receives, reads and writes with bytes */
    uint64_t deliveries;  /* those of acio_op_recv_many among them */
    uint64_t connections; /* made */
    unsigned sockets;     /* open now */
    /* faults injected */
    uint64_t short_transfers, resets, refusals, no_buffers, busy_sends, late,
        late_cancels, losses, duplicates, reorders;
    uint64_t datagrams; /* that came to a socket */
    uint64_t drops;     /* of them, those that its buffer had no room for */
};

/* What a simulated loop has done so far.
 *
 *   returns   0; -EINVAL where the loop is not simulated
 *   suspends  no
 *   cancel    -
 *   owner     `out` is the caller's
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_sim_stats(const acio_loop *loop,
    struct acio_sim_stats *out);

ACIO_END_DECLS

#endif
