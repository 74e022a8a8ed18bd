/* SPDX-License-Identifier: MIT */
/* Tasks of a loop, started and waited for by other threads.
 *
 *     acio_concurrent_future *future =
 *         acio_run_coroutine_threadsafe(loop, fetch, .url = "...");
 *     int result = acio_concurrent_future_result(future, 5.0);
 *     acio_concurrent_future_close(future);
 *
 * Whatever becomes of the task and of its loop, the future gets a result, so
 * nobody waits in vain.
 */
#ifndef ACIO_CONCURRENT_H
#define ACIO_CONCURRENT_H

#include "task.h"

ACIO_BEGIN_DECLS

/* The result of a task of another thread's loop (concurrent.futures.Future).
 */
typedef struct acio_concurrent_future acio_concurrent_future;

/* Start a task in a loop that acio_run or a runner has made, from any thread.
 * `acio_run_coroutine_threadsafe(loop, f, .n = 3)` fills a `struct f_args`. The
 * task sees the loop's context variables.
 *
 *   returns   a future; NULL without memory, without a function or a loop. A
 *             loop that takes no tasks (any more) is told by the future:
 *             -ACIO_ECLOSED, -ACIO_ENOLOOP; as are -ENOMEM and arguments too
 *             large
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes the future; the loop must outlive the call,
 *             and need not outlive the future
 *   thread    any
 *   python    asyncio.run_coroutine_threadsafe()
 */
#define acio_run_coroutine_threadsafe(loop, f, ...)                            \
    acio_run_coroutine_threadsafe_with(loop, f,                                \
        ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__), ACIO_TASK_HERE(f))

/* The function behind acio_run_coroutine_threadsafe, with options (or NULL).
 *
 *   returns   as acio_run_coroutine_threadsafe
 *   suspends  no
 *   cancel    -
 *   owner     as there; `args` and `options` are copied, strings borrowed
 *   thread    any
 *   python    asyncio.run_coroutine_threadsafe()
 */
ACIO_EXPORT ACIO_MUST_USE acio_concurrent_future *
acio_run_coroutine_threadsafe_with(acio_loop *loop, acio_function *f,
    struct acio_args args, const struct acio_task_options *options);

/* Block this thread until the task has ended, for `timeout` seconds at most:
 * INFINITY for as long as it takes, 0 or less not at all.
 *
 *   returns   the task's result; -ECANCELED; -ACIO_ECLOSED where the loop was
 *             closed before it began; -ETIMEDOUT, and it can be asked again;
 *             -EDEADLK in the loop's own thread, which it would stop; -EINVAL
 *             for a timeout that is no number. Any other answer than the last
 *             three says that the task does not run any more
 *   suspends  no (it blocks the thread)
 *   cancel    -
 *   owner     -
 *   thread    any but the loop's
 *   python    concurrent.futures.Future.result()
 */
ACIO_EXPORT int acio_concurrent_future_result(acio_concurrent_future *future,
    double timeout);

/* Ask the task to end, as acio_cancel does. One that has not begun does not.
 *
 *   returns   true; false where it had ended before
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    concurrent.futures.Future.cancel()
 */
ACIO_EXPORT bool acio_concurrent_future_cancel(acio_concurrent_future *future);

/* Has the task ended?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    concurrent.futures.Future.done()
 */
ACIO_EXPORT bool acio_concurrent_future_done(acio_concurrent_future *future);

/* Let the future go; a task that has not ended goes on, and an error of it is
 * reported to the loop's exception handler. NULL is fine.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `future` is gone afterwards
 *   thread    any; the last of those who use it
 *   python    dropping the last reference to it
 */
ACIO_EXPORT void acio_concurrent_future_close(acio_concurrent_future *future);

ACIO_END_DECLS

#endif
