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
 *     report.c   the exception handler
 *     debug.c    debug mode
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
    ACIOI_OP_NOT_READY = 1 << 2,   /* back from it: the fd was not ready */
    ACIOI_OP_BACKEND_FLAG = 1 << 4 /* this and higher bits: the back end's */
};

/* RECV_MANY or READ_MANY? What is said of the first holds for both. */
static inline bool
acioi_op_receives(const acio_op *op)
{
    return op->kind == ACIO_OP_RECV_MANY || op->kind == ACIO_OP_READ_MANY;
}

static inline bool
acioi_op_completes_many_times(const acio_op *op)
{
    return acioi_op_receives(op) || op->kind == ACIO_OP_ACCEPT_MANY;
}

/* The terminal completion: exactly once for each submit. */
void acioi_op_complete(acio_op *op, ssize_t result);

/* The same where there is neither memory nor a thread for the op: it fails.
 * What closes an fd is done all the same, here and now: to ask again could
 * close it twice, for close(2) may fail and the fd is gone. */
void acioi_op_give_up(acio_op *op, int err);

/* Takes a completion out of the ready queue, for who waits for it inline:
 * true where the op is over, its result valid, and no callback will come. */
bool acioi_op_take(acio_op *op);

/* For a handle that is taken out of the ready queue because the loop closes:
 * where it is an op's completion, the fds that it brings are closed. */
void acioi_op_discard(acio_handle *handle);

/* The operation whose completions the handle brings, or NULL. */
acio_op *acioi_op_of(const acio_handle *handle);

/* RECV_MANY: data can be had; runs `deliver` from the ready queue. */
void acioi_op_notify(acio_op *op);

/* RECV_MANY, from inside `deliver`: calls back with `bytes` at `data`. */
void acioi_op_deliver(acio_op *op, void *data, size_t bytes);

/* RECV_MANY, for a back end that receives by itself when the fd is ready: as
 * recv(2), or read(2), with a negative errno; EAGAIN also for EINTR. */
ssize_t acioi_op_receive(const acio_op *op, void *data, size_t bytes);

/* ACCEPT_MANY: room for one more, and one more. */
bool acioi_op_has_room(const acio_op *op);
void acioi_op_push_fd(acio_op *op, int fd);

/* Performs the op as a plain system call, which blocks where the fd does:
 * sockets never do. What the call returned, or a negative errno. */
ssize_t acioi_op_perform(acio_op *op);

/* Sends a file, or the rest of one, that is small and in the kernel's memory,
 * with op->result; `copy` has room for ACIOI_CACHED_MOST bytes. False where a
 * thread has to do it, or to find out what is wrong. */
bool acioi_op_send_cached(acio_op *op, void *copy);
enum { ACIOI_CACHED_MOST = 65536 };

/* ---- threads ---- */

struct acioi_pool;

/* Performs `op` in a thread of its pool and completes it; a sendfile perhaps
 * here and now. */
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

/* The user's callback behind a watch's operation, behind a signal's handle;
 * NULL for any other. */
acio_callback *acioi_watch_callback(const acio_op *op);
acio_callback *acioi_signal_callback(const acio_handle *handle);

/* ---- reports and debug mode ---- */

/* Whom a report is about: a copy, for it may be gone by then. */
struct acioi_source {
    char name[64];
    char place[128]; /* where it was created; empty: unknown */
};

/* What the layer with the tasks answers. */
struct acioi_layer {
    /* Fills `out` where the handle is a task's. */
    void (*describe)(const acio_handle *handle, struct acioi_source *out);
    /* Makes `task` (or NULL) the running one; returns who it was. */
    void *(*set_current)(acio_loop *loop, void *task);
};

enum { ACIOI_BLAMED = 8 };

struct acioi_debug {
    int64_t slow_ns;
    struct acio_link rest;          /* of the pass under way, in debug mode */
    uintptr_t running;              /* the callback under way; 0: unknown */
    uintptr_t blamed[ACIOI_BLAMED]; /* by acioi_debug_no_task */
    unsigned blamed_count;
    bool reporting; /* inside the exception handler */
};

void acioi_debug_init(struct acioi_debug *debug);

/* Runs what is ready, as a pass does; the number of callbacks run. */
int acioi_debug_run(acio_loop *loop);

/* Reports that `what`, which suspends, was refused outside a task: once for
 * each callback. */
void acioi_debug_no_task(acio_loop *loop, const char *what);

void acioi_debug_check_thread(const acio_loop *loop, const char *what);

/* A function's symbol, or the file and the offset that it lies at. */
void acioi_function_name(uintptr_t address, char *out, size_t bytes);

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
    void *runtime;                   /* the task layer's, NULL without tasks */
    const struct acioi_layer *layer; /* likewise */
    void *door; /* likewise, for other threads: set before they know the loop */
    struct acioi_debug debugging;
};

/* In debug mode, ends the process where `what` ("a timer is armed") happens in
 * a thread that is not the loop's. */
static inline void
acioi_check_thread(const acio_loop *loop, const char *what)
{
    if (__builtin_expect(loop->debug, false))
        acioi_debug_check_thread(loop, what);
}

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
