/* SPDX-License-Identifier: MIT */
/* Conditions: wait, with a lock, for a state to change (asyncio.Condition).
 *
 *     ACIO_CONDITION_LOCKED(err, &condition);    async with condition:
 *     while (err == 0 && !ready)                     while not ready:
 *         err = acio_condition_wait(&condition);         await condition.wait()
 *     if (err < 0)
 *         return err;
 *
 * The lock is released while a task waits, and it is held again whatever the
 * wait answers. Who is notified stands in line for the lock from that moment.
 * A task that is cancelled on the way there leaves its notification to another:
 * none is lost, but a wait may end without cause, so look at the state again.
 *
 * A condition holds no memory and needs no end. It has to stay where it is
 * until nobody waits for it. All zero it is one with a lock of its own.
 */
#ifndef ACIO_CONDITION_H
#define ACIO_CONDITION_H

#include "lock.h"

ACIO_BEGIN_DECLS

typedef struct acio_condition {
    struct acio_link waiters; /* who waits to be notified, in order */
    acio_lock *lock;          /* NULL: `own` */
    acio_lock own;
} acio_condition;

/* Is it so? 0: no; more than 0: yes; a negative error ends the wait. */
typedef int acio_predicate(void *arg);

/* The initial value of a condition with a lock of its own. */
#define ACIO_CONDITION_INIT ACIO_CONDITION_INIT_WITH(NULL)

/* The same with a lock that others use too: `&lock`. */
#define ACIO_CONDITION_INIT_WITH(lock)                                         \
    {                                                                          \
        { NULL, NULL }, lock, ACIO_LOCK_INIT                                   \
    }

/* ACIO_LOCKED for the lock of a condition. */
#define ACIO_CONDITION_LOCKED(err, condition)                                  \
    __attribute__((cleanup(acio_lock_unhold))) acio_lock *err##_held = NULL;   \
    int err = acio_condition_hold(condition, &err##_held)

/* Make a condition with this lock, or with one of its own where it is NULL.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits. `lock` lives
 *             at least as long
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.Condition(lock)
 */
ACIO_EXPORT void acio_condition_init(acio_condition *condition,
    acio_lock *lock);

/* Acquire the lock; wait while somebody holds it.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the lock was not acquired
 *   owner     the caller releases it
 *   thread    the loop's
 *   python    Condition.acquire()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_condition_acquire(acio_condition *condition);

/* Release the lock, or hand it to the first who waits for it.
 *
 *   returns   0; -ACIO_ENOTLOCKED where nobody holds it; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Condition.release()
 */
ACIO_EXPORT int acio_condition_release(acio_condition *condition);

/* Does somebody hold the lock?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Condition.locked()
 */
ACIO_EXPORT bool acio_condition_locked(const acio_condition *condition);

/* Acquire the lock, for acio_lock_unhold to release: what
 * ACIO_CONDITION_LOCKED does.
 *
 *   returns   as acio_condition_acquire
 *   suspends  yes
 *   cancel    clean: the lock was not acquired
 *   owner     `*held_out` is the lock, or NULL where it was not acquired
 *   thread    the loop's
 *   python    entering the async with block
 */
ACIO_EXPORT ACIO_MUST_USE int acio_condition_hold(acio_condition *condition,
    acio_lock **held_out);

/* Release the lock, wait to be notified, and acquire the lock again, for as
 * long as that takes.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTLOCKED where nobody holds
 *             the lock; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the lock is held again before the call returns, and a
 *             notification that had come is passed on to another
 *   owner     -
 *   thread    the loop's
 *   python    Condition.wait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_condition_wait(acio_condition *condition);

/* Wait until `predicate(arg)` is not 0. It is called with the lock held, at
 * first and after each notification.
 *
 *   returns   what `predicate` answered; otherwise as acio_condition_wait
 *   suspends  yes
 *   cancel    clean: as acio_condition_wait
 *   owner     `arg` is borrowed until the call returns
 *   thread    the loop's
 *   python    Condition.wait_for()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_condition_wait_for(acio_condition *condition,
    acio_predicate *predicate, void *arg);

/* Notify the first `n` of those who wait, or all if they are fewer. They go on
 * one after the other, once the caller releases the lock.
 *
 *   returns   how many were notified; -ACIO_ENOTLOCKED where nobody holds the
 *             lock; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Condition.notify(n)
 */
ACIO_EXPORT int acio_condition_notify(acio_condition *condition, int n);

/* Notify all who wait.
 *
 *   returns   as acio_condition_notify
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Condition.notify_all()
 */
ACIO_EXPORT int acio_condition_notify_all(acio_condition *condition);

ACIO_END_DECLS

#endif
