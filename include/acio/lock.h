/* SPDX-License-Identifier: MIT */
/* Locks: one task at a time (asyncio.Lock).
 *
 *     static acio_lock lock = ACIO_LOCK_INIT;
 *
 *     ACIO_LOCKED(err, &lock);        async with lock:
 *     if (err < 0)
 *         return err;
 *     ...                             until the end of the block
 *
 * A lock is handed to the first who waits for it at the moment it is released:
 * nobody who comes later can take it from him. It belongs to no task, so any
 * may release it, and a task that acquires it twice waits for itself.
 *
 * A lock holds no memory and needs no end. It has to stay where it is until
 * nobody waits for it. All zero it is a lock that nobody holds.
 */
#ifndef ACIO_LOCK_H
#define ACIO_LOCK_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_lock {
    struct acio_link waiters; /* who waits, in order of coming */
    bool locked;
} acio_lock;

/* The initial value of a lock. */
#define ACIO_LOCK_INIT                                                         \
    {                                                                          \
        { NULL, NULL }, false                                                  \
    }

/* Declares `int err`, and acquires the lock. At 0 it is held to the end of the
 * block; otherwise `err` says why it is not held, and nothing is released. A
 * compiler that warns of unused variables tells who does not look at `err`. */
#define ACIO_LOCKED(err, lock)                                                 \
    __attribute__((cleanup(acio_lock_unhold))) acio_lock *err##_held = NULL;   \
    int err = acio_lock_hold(lock, &err##_held)

/* Make a lock that nobody holds.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.Lock()
 */
ACIO_EXPORT void acio_lock_init(acio_lock *lock);

/* Acquire the lock; wait while somebody holds it.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the lock was not acquired
 *   owner     the caller releases it
 *   thread    the loop's
 *   python    Lock.acquire()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_lock_acquire(acio_lock *lock);

/* Release the lock, or hand it to the first who waits for it.
 *
 *   returns   0; -ACIO_ENOTLOCKED where nobody holds it; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Lock.release()
 */
ACIO_EXPORT int acio_lock_release(acio_lock *lock);

/* Does somebody hold it? One that was handed to a task is held, even if that
 * task has not run yet.
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Lock.locked()
 */
ACIO_EXPORT bool acio_lock_locked(const acio_lock *lock);

/* Acquire the lock, for acio_lock_unhold to release: what ACIO_LOCKED does.
 *
 *   returns   as acio_lock_acquire
 *   suspends  yes
 *   cancel    clean: the lock was not acquired
 *   owner     `*held_out` is the lock, or NULL where it was not acquired
 *   thread    the loop's
 *   python    entering the async with block
 */
ACIO_EXPORT ACIO_MUST_USE int acio_lock_hold(acio_lock *lock,
    acio_lock **held_out);

/* Release `*held` and make it NULL. Where it is NULL, nothing is done.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    leaving the async with block
 */
ACIO_EXPORT void acio_lock_unhold(acio_lock **held);

ACIO_END_DECLS

#endif
