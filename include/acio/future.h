/* SPDX-License-Identifier: MIT */
/* Futures: a result that somebody will bring.
 *
 * For the border between tasks and callbacks; among themselves, tasks await
 * tasks. A future lies in the caller's memory and belongs to one loop.
 */
#ifndef ACIO_FUTURE_H
#define ACIO_FUTURE_H

#include "loop.h"

ACIO_BEGIN_DECLS

enum acio_future_state {
    ACIO_FUTURE_PENDING,
    ACIO_FUTURE_FINISHED,
    ACIO_FUTURE_CANCELLED
};

typedef struct acio_future {
    acio_loop *loop;
    struct acio_link handles; /* who is told, in order of coming */
    int result;
    uint8_t state; /* enum acio_future_state */
    bool seen;     /* somebody has read the result */
} acio_future;

/* Make a pending future of the running loop.
 *
 *   returns   0; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved
 *   thread    the loop's
 *   python    loop.create_future()
 */
ACIO_EXPORT int acio_future_init(acio_future *future);

/* Bring the result, 0 or more.
 *
 *   returns   0; -ACIO_EINVALIDSTATE where it is done; -EINVAL
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.set_result()
 */
ACIO_EXPORT int acio_future_set_result(acio_future *future, int result);

/* Bring an error, a negative number.
 *
 *   returns   0; -ACIO_EINVALIDSTATE where it is done; -EINVAL
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.set_exception()
 */
ACIO_EXPORT int acio_future_set_error(acio_future *future, int error);

/* End the future with -ECANCELED.
 *
 *   returns   true; false where it is done
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.cancel()
 */
ACIO_EXPORT bool acio_future_cancel(acio_future *future);

/* Is there a result, an error, or a cancel?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.done()
 */
ACIO_EXPORT bool acio_future_done(const acio_future *future);

/* Was it cancelled?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.cancelled()
 */
ACIO_EXPORT bool acio_future_cancelled(const acio_future *future);

/* The result.
 *
 *   returns   the result or error; -ECANCELED; -ACIO_EINVALIDSTATE while it
 *             is pending
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Future.result()
 */
ACIO_EXPORT int acio_future_result(acio_future *future);

/* Wait for the result; any number of tasks may. A cancelled waiter cancels the
 * future, as in asyncio; a timeout does the same.
 *
 *   returns   the result or error; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK,
 *             -ACIO_EFOREIGN, -EINVAL
 *   suspends  yes
 *   cancel    clean: a result that was there is returned
 *   owner     `future` must live until the call returns
 *   thread    the loop's
 *   python    await future
 */
ACIO_EXPORT int acio_future_await(acio_future *future);

/* Schedule `callback(arg)` for when the future is done; for the next pass if
 * it is. Callbacks and waiters go in order of registration.
 *
 *   returns   0; -EINVAL
 *   suspends  no
 *   cancel    - (acio_handle_cancel takes the callback back)
 *   owner     `handle` stays with the caller, unmoved until it ran or was
 *             cancelled
 *   thread    the loop's
 *   python    Future.add_done_callback()
 */
ACIO_EXPORT int acio_future_add_done_callback(acio_future *future,
    acio_handle *handle, acio_callback *callback, void *arg);

/* Let a future go that nobody waits for.
 *
 *   returns   -; an error that nobody read is reported to the exception
 *             handler
 *   suspends  no
 *   cancel    -
 *   owner     the memory is the caller's again
 *   thread    the loop's
 *   python    dropping the last reference to a future
 */
ACIO_EXPORT void acio_future_close(acio_future *future);

ACIO_END_DECLS

#endif
