/* SPDX-License-Identifier: MIT */
/* engine.h - the loop from the inside
 *
 * The parts, each in a file of its own, in the order in which a pass uses
 * them:
 *
 *     backend (uring.c, epoll.c, sim/)   operations, and the wait
 *     wake.c     what other threads and signal handlers bring
 *     timer.c    the heap of timers, moved to the ready queue when due
 *     loop.c     the ready queue and the pass
 *     op.c       an operation's life: submit, cancel, completion
 *     perform.c  an operation as a plain system call
 *     pool.c     threads for what may block
 *     watch.c    add_reader and add_writer, made of poll operations
 *     signal.c   signal handlers
 */
#ifndef ACIOI_ENGINE_H
#define ACIOI_ENGINE_H

#include <stdatomic.h>
#include <sys/types.h>

#include <acio/loop.h>
#include <acio/op.h>

#include "backend.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"

/* ---- ops ---- */

enum acioi_op_state {
    ACIOI_OP_IDLE,   /* the caller's */
    ACIOI_OP_ACTIVE, /* with the back end or the pool */
    ACIOI_OP_DONE    /* over; the last completion waits in the ready queue */
};

enum {
    ACIOI_OP_CANCEL_ASKED = 1 << 0,
    ACIOI_OP_POOLED = 1 << 1,      /* with the pool, not with the back end */
    ACIOI_OP_BACKEND_FLAG = 1 << 4 /* this and higher bits: the back end's */
};

/* The terminal completion: exactly once for each submit. */
void acioi_op_complete(acio_op *op, ssize_t result);

/* Takes a completion out of the ready queue, for who waits for it inline:
 * true where the op is over, its result valid, and no callback will come. */
bool acioi_op_take(acio_op *op);

/* For a handle that is taken out of the ready queue because the loop closes:
 * where it is an op's completion, the fds that it brings are closed. */
void acioi_op_discard(acio_handle *handle);

/* RECV_MANY: data can be had; runs `deliver` from the ready queue. */
void acioi_op_notify(acio_op *op);

/* RECV_MANY, from inside `deliver`: calls back with `bytes` at `data`. */
void acioi_op_deliver(acio_op *op, void *data, size_t bytes);

/* ACCEPT_MANY: room for one more, and one more. */
bool acioi_op_has_room(const acio_op *op);
void acioi_op_push_fd(acio_op *op, int fd);

/* Performs the op as a plain system call, which blocks where the fd does:
 * sockets never do. What the call returned, or a negative errno. */
ssize_t acioi_op_perform(acio_op *op);

/* ---- threads ---- */

struct acioi_pool;

/* Performs `op` in a thread of its pool and completes it. */
void acioi_pool_submit(acio_loop *loop, acio_op *op);
void acioi_pool_cancel(acio_loop *loop, acio_op *op);
/* Waits for the threads; what they finished is completed. */
void acioi_pool_close(acio_loop *loop);

/* ---- wake-ups ---- */

struct acioi_wake {
    _Atomic(struct acio_link *) posted; /* newest first; ends at `end` */
    struct acio_link end;               /* marks the last one; never linked */
    int fd;                             /* eventfd */
    acio_op read;                       /* empties it */
    uint64_t count;
};

int acioi_wake_open(acio_loop *loop);
void acioi_wake_close(acio_loop *loop);
/* Moves what was posted into the ready queue, oldest first. */
void acioi_wake_drain(acio_loop *loop);

/* ---- watches and signals ---- */

struct acioi_watch; /* a reader or a writer */
/* When no operation is active any more. */
void acioi_watch_close(acio_loop *loop);
void acioi_signal_close(acio_loop *loop);
/* In a forked child: gives every signal back to who had it before. */
void acioi_signal_forget(void);

/* ---- the loop ---- */

/* The library's only thread-local: see acio_get_running_loop. */
extern _Thread_local acio_loop *acioi_running_loop
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

struct acio_loop {
    const struct acioi_backend *backend;
    void *backend_state;

    struct acio_link ready; /* handles, in order of call_soon */
    struct acio_link batch; /* those of the pass under way */
    struct acioi_heap timers;
    uint64_t timer_sequence;  /* of the next timer armed */
    unsigned passes_to_poll;  /* passes until the kernel is asked again */
    int64_t polled_coarse_ns; /* coarse clock when it was asked last */
    size_t active;            /* ops alive, the loop's own not counted */

    bool running, stopping, debug, poll_every_pass;
    bool turning; /* whoever runs the loop does not count its passes */
    pid_t pid;    /* a forked child must not touch the rings */

    struct acioi_wake wake;
    struct acioi_pool *pool; /* made at first use */
    unsigned pool_threads;
    struct acioi_watch **watches; /* by fd: its reader, its writer */
    int watch_count;              /* fds that `watches` has room for */
    struct acio_link all_watches; /* removed ones too, until they are freed */
    struct acio_link signals;     /* signal handlers of this loop */

    struct acio_wait_hooks hooks;
    acio_exception_handler *exception_handler;
    void *exception_user;
    struct acio_link parts;
    void *runtime; /* the task layer's, NULL without tasks */
};

/* Puts a handle whose callback is set at the end of the ready queue. */
static inline void
acioi_loop_ready(acio_loop *loop, acio_handle *handle)
{
    acioi_list_push_back(&loop->ready, &handle->link);
}

static inline int64_t
acioi_loop_now(const acio_loop *loop)
{
    return loop->backend->now(loop);
}

/* Moves every timer that is due into the ready queue. */
void acioi_timers_expire(acio_loop *loop);

/* Makes `loop` the running loop of this thread; 0 or -ACIO_ERUNNING. For those
 * who drive the loop by passes of their own. */
int acioi_loop_enter(acio_loop *loop);
void acioi_loop_leave(acio_loop *loop);

/* From inside a callback, the batch being empty: begins the next pass there
 * and then, where it would not ask the kernel. True: the batch has something.
 */
bool acioi_loop_turn(acio_loop *loop);

/* One pass, waiting `limit_ns` at most; the number of callbacks run. */
int acioi_loop_pass(acio_loop *loop, int64_t limit_ns);

#endif
