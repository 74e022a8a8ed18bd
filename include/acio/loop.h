/* SPDX-License-Identifier: MIT */
/* The event loop, driven by callbacks alone.
 *
 * A loop belongs to the thread that runs it. Handles, timers and operations
 * (op.h) lie in the caller's memory, zeroed before their first use: scheduling
 * one allocates nothing and cannot fail. Callbacks run from the loop, one after
 * the other, and may not suspend.
 *
 * One pass: wait for what the kernel has (not at all while callbacks are
 * ready), move the timers that are due behind what is ready, run what was
 * ready at that moment, in order.
 */
#ifndef ACIO_LOOP_H
#define ACIO_LOOP_H

#include "error.h"
#include "types.h"

ACIO_BEGIN_DECLS

/* A callback in the ready queue (asyncio.Handle). */
typedef struct acio_handle {
    struct acio_link link; /* the loop's */
    acio_callback *callback;
    void *arg;
} acio_handle;

/* A callback at a time (asyncio.TimerHandle). */
typedef struct acio_timer {
    acio_handle handle;
    struct acio_heap_node node; /* the loop's */
} acio_timer;

struct acio_sim_options;

struct acio_loop_options {
    const char *backend;   /* "uring", "epoll", "sim"; NULL: $ACIO_BACKEND,
                          * else uring where it works, else epoll */
    bool debug;            /* also set by ACIO_DEBUG=1 */
    bool poll_every_pass;  /* ask the kernel in every pass, as asyncio does,
                           * and not only every few while callbacks are ready */
    unsigned ring_entries; /* io_uring submission queue; 0: 1024 */
    unsigned pool_threads; /* threads for files and for user work, and as many
                            * again for name look-ups; 0: 4 */
    const struct acio_sim_options *sim; /* for "sim"; NULL: defaults */
};

/* What went wrong where nobody was there to be told. Who fills one leaves
 * the rest zero: it may grow. */
struct acio_exception {
    const char *message;     /* a sentence */
    int error;               /* negative; 0 where there is no code */
    const char *source;      /* the name of the task, of the callback's
                              * function, or of the object; NULL: unknown */
    const char *place;       /* "file:line" where that was created; NULL:
                              * unknown */
    const void *reserved[4]; /* zero */
};

typedef void acio_exception_handler(acio_loop *loop,
    const struct acio_exception *exception, void *user);

/* Called around the wait, for those who hold a lock (Python's GIL, say). */
struct acio_wait_hooks {
    void (*before)(void *user); /* only when the wait may block */
    void (*after)(void *user);
    void *user;
};

/* Make a loop. It runs nothing until it is told to.
 *
 *   returns   0; -EINVAL for an unknown back end; -ENOMEM; what the back end's
 *             set-up answered, where it was asked for by name
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `*out`; `options` (or NULL) is copied
 *   thread    any; the loop belongs to the thread that runs it
 *   python    asyncio.new_event_loop()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_new(acio_loop **out,
    const struct acio_loop_options *options);

/* Cancel every operation in flight, wait for the kernel to let go of their
 * buffers, and free the loop. Callbacks that are ready do not run. NULL is
 * fine.
 *
 *   returns   0; -ACIO_ERUNNING while the loop runs
 *   suspends  no (but waits in the kernel for what is in flight)
 *   cancel    -
 *   owner     `loop` is gone afterwards
 *   thread    the loop's
 *   python    loop.close()
 */
ACIO_EXPORT int acio_loop_close(acio_loop *loop);

/* Run until acio_loop_stop.
 *
 *   returns   0; -ACIO_ERUNNING; -EDEADLK on the simulator, when nothing can
 *             ever happen again; a negative errno when the back end broke
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.run_forever()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_run_forever(acio_loop *loop);

/* Make one pass, waiting `timeout` seconds at most when nothing is ready
 * (negative: as long as it takes; 0: not at all).
 *
 *   returns   the number of callbacks run; negative as acio_loop_run_forever
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    BaseEventLoop._run_once()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_run_once(acio_loop *loop,
    double timeout);

/* Let run_forever return at the end of the pass under way, or, before it
 * runs, after its first pass.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.stop()
 */
ACIO_EXPORT void acio_loop_stop(acio_loop *loop);

/* The loop that runs in this thread.
 *
 *   returns   the loop, or NULL
 *   suspends  no
 *   cancel    -
 *   owner     borrowed
 *   thread    any
 *   python    asyncio.get_running_loop()
 */
ACIO_EXPORT acio_loop *acio_get_running_loop(void);

/* Is the loop inside a run function?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.is_running()
 */
ACIO_EXPORT bool acio_loop_is_running(const acio_loop *loop);

/* The loop's clock: seconds since some start, never going back. Virtual on the
 * simulator.
 *
 *   returns   seconds
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.time()
 */
ACIO_EXPORT double acio_loop_time(const acio_loop *loop);

/* The same in nanoseconds, exactly.
 *
 *   returns   nanoseconds
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.time()
 */
ACIO_EXPORT int64_t acio_loop_time_ns(const acio_loop *loop);

/* The name of the back end in use: "uring", "epoll" or "sim".
 *
 *   returns   the name
 *   suspends  no
 *   cancel    -
 *   owner     static
 *   thread    any
 *   python    -
 */
ACIO_EXPORT const char *acio_loop_backend(const acio_loop *loop);

/* Debug mode, which costs time and finds mistakes; from the next pass on. It
 * tells the exception handler of callbacks and of tasks that run for too long,
 * of functions that suspend and were called outside a task, and of handles of
 * tasks that were neither awaited nor detached. What is done to a loop that
 * runs in another thread ends the process.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.set_debug()
 */
ACIO_EXPORT void acio_loop_set_debug(acio_loop *loop, bool debug);

/* Is debug mode on?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.get_debug()
 */
ACIO_EXPORT bool acio_loop_debug(const acio_loop *loop);

/* How long a callback, or a task between two suspensions, may run before
 * debug mode reports it; 0.1 seconds unless this was called. 0 reports each,
 * INFINITY none. It is the loop's time: on the simulator it stands still
 * meanwhile. No number changes nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.slow_callback_duration = seconds
 */
ACIO_EXPORT void acio_loop_set_slow_callback_duration(acio_loop *loop,
    double seconds);

/* The same time.
 *
 *   returns   seconds
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.slow_callback_duration
 */
ACIO_EXPORT double acio_loop_slow_callback_duration(const acio_loop *loop);

/* Call `callback(arg)` in the next pass. A handle that is already scheduled
 * keeps its place in the queue and takes the new callback. The callback may
 * free the handle's memory.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `handle` stays with the caller, unmoved until it ran or was
 *             cancelled
 *   thread    the loop's
 *   python    loop.call_soon()
 */
ACIO_EXPORT void acio_loop_call_soon(acio_loop *loop, acio_handle *handle,
    acio_callback *callback, void *arg);

/* The same from another thread or from a signal handler; wakes the loop up.
 * Lock-free. The handle must not be scheduled already, and cannot be cancelled
 * before the loop has seen it.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     as acio_loop_call_soon; the loop must outlive the call
 *   thread    any; async-signal-safe
 *   python    loop.call_soon_threadsafe()
 */
ACIO_EXPORT void acio_loop_call_soon_threadsafe(acio_loop *loop,
    acio_handle *handle, acio_callback *callback, void *arg);

/* Take a handle out of the queue. One that ran, or was never scheduled, is
 * left alone.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle's memory is the caller's again
 *   thread    the loop's
 *   python    Handle.cancel()
 */
ACIO_EXPORT void acio_handle_cancel(acio_handle *handle);

/* Call `callback(arg)` after `delay` seconds; at once, in the next pass, when
 * it is negative or no number. Timers of equal time fire in the order of
 * arming. A timer that is armed already is moved.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `timer` stays with the caller, unmoved until it fired or was
 *             cancelled
 *   thread    the loop's
 *   python    loop.call_later()
 */
ACIO_EXPORT void acio_loop_call_later(acio_loop *loop, acio_timer *timer,
    double delay, acio_callback *callback, void *arg);

/* The same at an absolute time of acio_loop_time.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     as acio_loop_call_later
 *   thread    the loop's
 *   python    loop.call_at()
 */
ACIO_EXPORT void acio_loop_call_at(acio_loop *loop, acio_timer *timer,
    double when, acio_callback *callback, void *arg);

/* The same at an absolute time of acio_loop_time_ns.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     as acio_loop_call_later
 *   thread    the loop's
 *   python    loop.call_at()
 */
ACIO_EXPORT void acio_loop_call_at_ns(acio_loop *loop, acio_timer *timer,
    int64_t when_ns, acio_callback *callback, void *arg);

/* Disarm a timer. One that fired, or was never armed, is left alone.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the timer's memory is the caller's again
 *   thread    the loop's
 *   python    TimerHandle.cancel()
 */
ACIO_EXPORT void acio_timer_cancel(acio_loop *loop, acio_timer *timer);

/* Call `callback(arg)` once a pass for as long as `fd` is readable; a second
 * call for the same fd replaces the callback. Remove the reader before the fd
 * is closed.
 *
 *   returns   0; -EBADF, on the simulator also for a simulated socket; -EPERM
 *             for a regular file; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     `fd` stays with the caller
 *   thread    the loop's
 *   python    loop.add_reader()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_add_reader(acio_loop *loop, int fd,
    acio_callback *callback, void *arg);

/* Stop watching: the callback does not run again.
 *
 *   returns   true where there was a reader
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.remove_reader()
 */
ACIO_EXPORT bool acio_loop_remove_reader(acio_loop *loop, int fd);

/* As acio_loop_add_reader, for as long as `fd` is writable. On io_uring the
 * callback also runs, once a pass and without room to be had, while the peer of
 * a full socket has ended its writing: the kernel reports that unasked.
 *
 *   returns   as acio_loop_add_reader
 *   suspends  no
 *   cancel    -
 *   owner     `fd` stays with the caller
 *   thread    the loop's
 *   python    loop.add_writer()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_add_writer(acio_loop *loop, int fd,
    acio_callback *callback, void *arg);

/* Stop watching: the callback does not run again.
 *
 *   returns   true where there was a writer
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.remove_writer()
 */
ACIO_EXPORT bool acio_loop_remove_writer(acio_loop *loop, int fd);

/* Call `callback(arg)` from the loop when the process gets `signum`. Several
 * arrivals between two passes are one call, as with signals themselves.
 *
 *   returns   0; -EINVAL for a signal that cannot be caught; -EBUSY where
 *             another loop has it; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     the signal's disposition is the loop's until it is removed
 *   thread    the loop's
 *   python    loop.add_signal_handler()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_loop_add_signal_handler(acio_loop *loop,
    int signum, acio_callback *callback, void *arg);

/* Put the disposition back that was there before.
 *
 *   returns   true where there was a handler
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    loop.remove_signal_handler()
 */
ACIO_EXPORT bool acio_loop_remove_signal_handler(acio_loop *loop, int signum);

/* Functions to call around each wait that may block.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `hooks` (or NULL: none) is copied
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_loop_set_wait_hooks(acio_loop *loop,
    const struct acio_wait_hooks *hooks);

/* Who is told of errors that nobody saw. NULL:
 * acio_loop_default_exception_handler. The handler is no task, wherever the
 * error was found: it may not suspend.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `user` is borrowed
 *   thread    the loop's
 *   python    loop.set_exception_handler()
 */
ACIO_EXPORT void acio_loop_set_exception_handler(acio_loop *loop,
    acio_exception_handler *handler, void *user);

/* Tell the exception handler.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `exception` is borrowed
 *   thread    the loop's
 *   python    loop.call_exception_handler()
 */
ACIO_EXPORT void acio_loop_call_exception_handler(acio_loop *loop,
    const struct acio_exception *exception);

/* What is done without a handler: a line on standard error. For handlers that
 * do something more.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `exception` is borrowed
 *   thread    any
 *   python    loop.default_exception_handler()
 */
ACIO_EXPORT void acio_loop_default_exception_handler(acio_loop *loop,
    const struct acio_exception *exception);

/* Something that lives as long as a loop and ends with it, last come first.
 * `close` is called while the loop can still run passes, `release` when no
 * operation and no thread is left that could touch the part's memory. Either
 * may be NULL; the one that is called last may free the part. */
struct acio_loop_part {
    struct acio_link link; /* the loop's */
    const void *key;       /* tells the part: the address of something static */
    void (*close)(struct acio_loop_part *part, acio_loop *loop);
    void (*release)(struct acio_loop_part *part, acio_loop *loop);
};

/* Attach a part to a loop.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `part` stays with the caller until its functions were called
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_loop_attach(acio_loop *loop, struct acio_loop_part *part);

/* The part attached with `key`.
 *
 *   returns   the part, or NULL
 *   suspends  no
 *   cancel    -
 *   owner     borrowed
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT struct acio_loop_part *acio_loop_find_part(acio_loop *loop,
    const void *key);

ACIO_END_DECLS

#endif
