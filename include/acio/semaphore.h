/* SPDX-License-Identifier: MIT */
/* Semaphores: so many tasks at a time (asyncio.Semaphore, BoundedSemaphore).
 *
 *     static acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(10);
 *
 *     ACIO_ACQUIRED(err, &semaphore);     async with semaphore:
 *     if (err < 0)
 *         return err;
 *     ...                                 until the end of the block
 *
 * What is released is handed to the first who waits at that moment: nobody who
 * comes later can take it from him. A bounded semaphore refuses to be released
 * more often than it was acquired.
 *
 * A semaphore holds no memory and needs no end. It has to stay where it is
 * until nobody waits for it. All zero it is a semaphore of value 0.
 */
#ifndef ACIO_SEMAPHORE_H
#define ACIO_SEMAPHORE_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_semaphore {
    struct acio_link waiters; /* who waits, in order of coming */
    int value;                /* how many more may acquire it */
    int bound;                /* the most that `value` may be */
    bool bounded;             /* false: there is no such limit */
} acio_semaphore;

/* The initial value of a semaphore, of `value` (0 or more). */
#define ACIO_SEMAPHORE_INIT(value)                                             \
    {                                                                          \
        { NULL, NULL }, value, 0, false                                        \
    }

/* The same of one that is not to be released above `value`. */
#define ACIO_BOUNDED_SEMAPHORE_INIT(value)                                     \
    {                                                                          \
        { NULL, NULL }, value, value, true                                     \
    }

/* Declares `int err`, and acquires the semaphore. At 0 it is released at the
 * end of the block; otherwise `err` says why it was not acquired, and nothing
 * is released. A compiler that warns of unused variables tells who does not
 * look at `err`. */
#define ACIO_ACQUIRED(err, semaphore)                                          \
    __attribute__((cleanup(acio_semaphore_unhold)))                            \
    acio_semaphore *err##_held = NULL;                                         \
    int err = acio_semaphore_hold(semaphore, &err##_held)

/* Make a semaphore that `value` tasks may acquire at once.
 *
 *   returns   0; -EINVAL for a negative value, and the semaphore is of value 0
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.Semaphore(value)
 */
ACIO_EXPORT int acio_semaphore_init(acio_semaphore *semaphore, int value);

/* The same for one that is not to be released above `value`.
 *
 *   returns   as acio_semaphore_init
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.BoundedSemaphore(value)
 */
ACIO_EXPORT int acio_bounded_semaphore_init(acio_semaphore *semaphore,
    int value);

/* Take one off the value; wait where it is 0.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the semaphore was not acquired
 *   owner     the caller releases it
 *   thread    the loop's
 *   python    Semaphore.acquire()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_semaphore_acquire(acio_semaphore *semaphore);

/* Add one to the value, or hand it to the first who waits.
 *
 *   returns   0; -EINVAL for a bounded one that nobody has acquired;
 *             -EOVERFLOW where the value is INT_MAX; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Semaphore.release()
 */
ACIO_EXPORT int acio_semaphore_release(acio_semaphore *semaphore);

/* Would who acquires it have to wait?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Semaphore.locked()
 */
ACIO_EXPORT bool acio_semaphore_locked(const acio_semaphore *semaphore);

/* Acquire the semaphore, for acio_semaphore_unhold to release: what
 * ACIO_ACQUIRED does.
 *
 *   returns   as acio_semaphore_acquire
 *   suspends  yes
 *   cancel    clean: the semaphore was not acquired
 *   owner     `*held_out` is the semaphore, or NULL where it was not acquired
 *   thread    the loop's
 *   python    entering the async with block
 */
ACIO_EXPORT ACIO_MUST_USE int acio_semaphore_hold(acio_semaphore *semaphore,
    acio_semaphore **held_out);

/* Release `*held` and make it NULL. Where it is NULL, nothing is done.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    leaving the async with block
 */
ACIO_EXPORT void acio_semaphore_unhold(acio_semaphore **held);

ACIO_END_DECLS

#endif
