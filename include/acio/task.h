/* SPDX-License-Identifier: MIT */
/* Tasks: functions that run concurrently on one thread.
 *
 * An async function is `int f(void *arg)`: it returns 0 or more, or a negative
 * error. Calling a function that suspends *is* awaiting it; other tasks run
 * meanwhile. A task runs such a function on a stack of its own.
 *
 * A task's handle is good for exactly one acio_await, acio_wait_for,
 * acio_gather or acio_detach; after that its memory is used again, and the
 * handle answers -ACIO_EGONE. Tasks of a group belong to the group instead.
 *
 * Cancellation is sticky: once a task is cancelled, every suspension point in
 * it answers -ECANCELED until it ends, is uncancelled, or is inside a shield.
 */
#ifndef ACIO_TASK_H
#define ACIO_TASK_H

#include "loop.h"
#include "op.h"

ACIO_BEGIN_DECLS

typedef struct acio_task acio_task;
struct acioi_task;

/* An async function. `arg` is its task's own copy of the arguments; NULL where
 * it was given none. */
typedef int acio_function(void *arg);

struct acio_task_options {
    const char *name;  /* borrowed for the task's life; NULL: "task" */
    const char *place; /* "file:line" of the creation; NULL: unknown */
    bool always_start; /* run the function even if the task is cancelled before
                        * its first step, so that it can free what `args`
                        * hands over; its suspension points then say so */
    bool eager_start;  /* run it at once, inside the call that creates it, up
                        * to its first suspension */
};

struct acio_run_options {
    const char *backend; /* see struct acio_loop_options */
    bool debug;
    size_t stack_bytes;    /* of each task's stack; 0: 256 KiB. Memory is
                            * taken page by page as it is touched */
    unsigned pool_threads; /* see struct acio_loop_options */
    const struct acio_sim_options *sim;
    bool keep_sigint;        /* leave Ctrl-C to the program; see runner.h */
    const char *name;        /* of the main task; NULL: "main" */
    unsigned long cancel_at; /* for tests: cancel the task that reaches the
                              * n-th suspension point of the run; 0: none */
    unsigned long *suspensions_out; /* for tests: how many there were */
};

/* Arguments as the macros below pass them on. */
struct acio_args {
    const void *data;
    size_t bytes;
};

#define ACIO_ARGS(f, ...)                                                      \
    ((struct acio_args){ __VA_OPT__(&(struct f##_args){ __VA_ARGS__ },         \
        sizeof(struct f##_args)) })

#define ACIO_STRING2(x) #x
#define ACIO_STRING(x) ACIO_STRING2(x)
#define ACIO_PLACE __FILE__ ":" ACIO_STRING(__LINE__)
#define ACIO_TASK_HERE(f)                                                      \
    (&(struct acio_task_options){ .name = #f, .place = ACIO_PLACE })

/* Make a loop, run `f` in it as the main task, cancel and await what is left,
 * close the loop. `acio_run(f, .url = "...")` passes a `struct f_args` filled
 * with what is written after the comma. Ctrl-C cancels the main task (runner.h
 * says when).
 *
 *   returns   what `f` returned; -EINTR where Ctrl-C cancelled it, and it
 *             returned -ECANCELED; -ACIO_ERUNNING inside a running loop;
 *             -EINVAL for an absurd stack size; what acio_loop_new answers;
 *             -EDEADLK on the simulator when everything waits for ever
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     the arguments are copied
 *   thread    any
 *   python    asyncio.run()
 */
#define acio_run(f, ...)                                                       \
    acio_run_with(f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__), NULL)

/* The function behind acio_run, with options (or NULL).
 *
 *   returns   as acio_run
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     `args` is copied, `options` borrowed
 *   thread    any
 *   python    asyncio.run()
 */
ACIO_EXPORT int acio_run_with(acio_function *f, struct acio_args args,
    const struct acio_run_options *options);

/* Start a task. It runs for the first time in the next pass.
 * `acio_create_task(f, .url = "...", .n = 3)` fills a `struct f_args`, which
 * is copied into the task: `f` receives the address of the task's own copy.
 *
 *   returns   the task; NULL without memory, where no loop runs that has
 *             tasks or acio_run has ended them already, or for arguments larger
 *             than a quarter of the stack
 *   suspends  no
 *   cancel    -
 *   owner     the handle is good for one acio_await (or wait_for, gather,
 *             detach)
 *   thread    the loop's
 *   python    asyncio.create_task()
 */
#define acio_create_task(f, ...)                                               \
    acio_create_task_with(f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__),          \
        ACIO_TASK_HERE(f))

/* The function behind acio_create_task, with options (or NULL).
 *
 *   returns   as acio_create_task
 *   suspends  no
 *   cancel    -
 *   owner     as acio_create_task; `args` is copied
 *   thread    the loop's
 *   python    asyncio.create_task()
 */
ACIO_EXPORT ACIO_MUST_USE acio_task *acio_create_task_with(acio_function *f,
    struct acio_args args, const struct acio_task_options *options);

/* acio_create_task, but the task runs at once, before the call returns, up to
 * where it first has to wait. One that never has to has finished then, and the
 * loop has had nothing to do with it. Do this where the answer is often at
 * hand; the others wait meanwhile, and so does the caller, as in any call.
 *
 *   returns   as acio_create_task
 *   suspends  no (but the task runs, with all it does to what both can see)
 *   cancel    -
 *   owner     as acio_create_task
 *   thread    the loop's
 *   python    asyncio.create_task(eager_start=True), eager_task_factory()
 */
#define acio_create_task_eager(f, ...)                                         \
    acio_create_task_with(f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__),          \
        (&(struct acio_task_options){ .name = #f,                              \
            .place = ACIO_PLACE,                                               \
            .eager_start = true }))

/* Wait until the task has finished, and take its result. When the caller is
 * cancelled or times out meanwhile, the task is cancelled and waited for.
 *
 *   returns   the task's result; -ECANCELED or -ETIMEDOUT where the wait was
 *             interrupted and the task ended by it; -EINVAL for NULL,
 *             -ACIO_ESELF, -ACIO_EFOREIGN, -ACIO_EGONE, -ACIO_ENOTASK; -EDEADLK
 *             where the task waits for the caller, or owns its group
 *   suspends  yes
 *   cancel    clean: the task has ended, and a result it had is returned
 *   owner     the handle ends, unless the wait was refused
 *   thread    the task's loop
 *   python    await task
 */
ACIO_EXPORT int acio_await(acio_task *task);

/* acio_await with a limit in seconds; at 0 or less only a task that has
 * finished already is in time.
 *
 *   returns   as acio_await; -ETIMEDOUT when the limit cut it short; -EINVAL,
 *             the handle still good, when it is no number
 *   suspends  yes
 *   cancel    clean: the task has ended
 *   owner     the handle ends
 *   thread    the task's loop
 *   python    asyncio.wait_for()
 */
ACIO_EXPORT int acio_wait_for(acio_task *task, double timeout);

enum {
    ACIO_RETURN_EXCEPTIONS = 1 /* gather: errors are results like others */
};

/* Await `count` tasks at once. Without ACIO_RETURN_EXCEPTIONS the first error
 * ends the wait; tasks that have not finished go on without their handles,
 * their results -EINPROGRESS.
 *
 *   returns   0; the first error; -ECANCELED or -ETIMEDOUT where interrupted
 *             (all are cancelled and waited for); -ENOMEM, the tasks cancelled
 *             and waited for
 *   suspends  yes
 *   cancel    clean: every task has ended, results as far as they came
 *   owner     all handles end. `results` (or NULL) has room for `count`; a
 *             handle that is NULL or bad gives -EINVAL or -ACIO_EGONE there, a
 *             task that waits for the caller -EDEADLK: those stay good
 *   thread    the tasks' loop
 *   python    asyncio.gather()
 */
ACIO_EXPORT int acio_gather(acio_task *const *tasks, size_t count, int *results,
    int flags);

/* Let a task go on by itself: its result is dropped, an error is reported to
 * the exception handler.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends
 *   thread    the task's loop
 *   python    dropping the last reference to a task
 */
ACIO_EXPORT void acio_detach(acio_task *task);

/* Ask the task to end: it learns of it at its next, or present, suspension
 * point. One that has finished is left alone.
 *
 *   returns   true where the request was made
 *   suspends  no
 *   cancel    -
 *   owner     the handle stays good
 *   thread    the task's loop
 *   python    Task.cancel()
 */
ACIO_EXPORT bool acio_cancel(acio_task *task);

/* How many cancel requests stand against the task.
 *
 *   returns   the number
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task's loop
 *   python    Task.cancelling()
 */
ACIO_EXPORT int acio_cancelling(acio_task *task);

/* Take one cancel request back. When none is left, the task's suspension
 * points work again.
 *
 *   returns   the number left
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task's loop
 *   python    Task.uncancel()
 */
ACIO_EXPORT int acio_uncancel(acio_task *task);

/* Did it finish?
 *
 *   returns   true or false; true for a handle that has ended
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task's loop
 *   python    Task.done()
 */
ACIO_EXPORT bool acio_task_done(acio_task *task);

/* Did it finish with -ECANCELED?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task's loop
 *   python    Task.cancelled()
 */
ACIO_EXPORT bool acio_task_cancelled(acio_task *task);

/* The result of a finished task; the handle stays good.
 *
 *   returns   the result; -ACIO_EINVALIDSTATE before it finished; -ACIO_EGONE
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task's loop
 *   python    Task.result(), Task.exception()
 */
ACIO_EXPORT int acio_task_result(acio_task *task);

/* Schedule `callback(arg)` for when the task has finished; at once, for the
 * next pass, if it has. Callbacks run in order of registration.
 *
 *   returns   0; -EINVAL, -ACIO_EGONE
 *   suspends  no
 *   cancel    - (acio_handle_cancel takes the callback back)
 *   owner     `handle` stays with the caller, unmoved until it ran or was
 *             cancelled
 *   thread    the task's loop
 *   python    Task.add_done_callback()
 */
ACIO_EXPORT int acio_task_add_done_callback(acio_task *task,
    acio_handle *handle, acio_callback *callback, void *arg);

/* The task's name.
 *
 *   returns   the name; "" for a handle that has ended
 *   suspends  no
 *   cancel    -
 *   owner     borrowed, as long as the task lives
 *   thread    the task's loop
 *   python    Task.get_name()
 */
ACIO_EXPORT const char *acio_task_name(acio_task *task);

/* Give the task a name.
 *
 *   returns   0; -EINVAL, -ACIO_EGONE, -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     `name` is copied
 *   thread    the task's loop
 *   python    Task.set_name()
 */
ACIO_EXPORT int acio_task_set_name(acio_task *task, const char *name);

/* What a parked task waits for: "sleep", "queue.get", ...
 *
 *   returns   the word; NULL while it runs, is ready, or has finished
 *   suspends  no
 *   cancel    -
 *   owner     static
 *   thread    the task's loop
 *   python    Task.print_stack()
 */
ACIO_EXPORT const char *acio_task_waits_for(acio_task *task);

/* The task that is running.
 *
 *   returns   the task; NULL outside of one
 *   suspends  no
 *   cancel    -
 *   owner     borrowed: not to be awaited or detached by its caller
 *   thread    any
 *   python    asyncio.current_task()
 */
ACIO_EXPORT acio_task *acio_current_task(void);

/* The tasks of the running loop that have not finished.
 *
 *   returns   how many there are, which may be more than `room`
 *   suspends  no
 *   cancel    -
 *   owner     the first `room` are stored in `out`, borrowed
 *   thread    the loop's
 *   python    asyncio.all_tasks()
 */
ACIO_EXPORT size_t acio_all_tasks(acio_task **out, size_t room);

/* Suspend for `delay` seconds; not a number is refused, and 0 or less lets the
 * others run once.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT, -EINVAL, -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean
 *   owner     -
 *   thread    the loop's
 *   python    asyncio.sleep()
 */
ACIO_EXPORT int acio_sleep(double delay);

/* Submit a prepared op and wait for its completion.
 *
 *   returns   the op's result; -ECANCELED or -ETIMEDOUT where interrupted
 *             before the op had one; -EINVAL for one that completes many times;
 *             -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: what the op took is returned, the cancel stays pending
 *   owner     `op` and its buffers are the loop's until the call returns
 *   thread    the loop's
 *   python    loop.sock_recv() and its like
 */
ACIO_EXPORT ssize_t acio_await_op(acio_op *op);

/* Run `function(arg)` in a thread, and wait for it. A call that a thread has
 * begun is waited for also after a cancel: its arguments are in use.
 *
 *   returns   what `function` returned; -ECANCELED or -ETIMEDOUT where it was
 *             interrupted before it began; -ENOMEM, -EAGAIN without threads
 *   suspends  yes
 *   cancel    clean: either it did not begin or its result is returned
 *   owner     `arg` is the thread's until the call returns
 *   thread    the loop's
 *   python    asyncio.to_thread()
 */
ACIO_EXPORT int acio_to_thread(acio_work *function, void *arg);

ACIO_END_DECLS

#endif
