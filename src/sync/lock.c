/* SPDX-License-Identifier: MIT */
/* lock.c - one task at a time (asyncio.Lock)
 *
 * Invariant.  While somebody waits, the lock is locked: a release with
 *             somebody in line hands it over and leaves it locked.
 */
#include <acio/lock.h>

#include "sync/line.h"

void
acio_lock_init(acio_lock *lock)
{
    *lock = (acio_lock)ACIO_LOCK_INIT;
}

bool
acio_lock_locked(const acio_lock *lock)
{
    return lock->locked;
}

/* Where the others are let run, then before the lock is taken, not while it is
 * held; and who finds it locked is in line at once. */
int
acio_lock_acquire(acio_lock *lock)
{
    int err = lock->locked ? 0 : acioi_checkpoint();
    if (err < 0)
        return err;
    if (lock->locked)
        return acioi_line_wait(&lock->waiters, "lock.acquire", lock);
    lock->locked = true;
    return 0;
}

int
acio_lock_release(acio_lock *lock)
{
    if (!lock->locked)
        return -ACIO_ENOTLOCKED;
    int err = acioi_line_check(&lock->waiters);
    if (err < 0)
        return err;
    if (!acioi_wake_first(&lock->waiters))
        lock->locked = false;
    return 0;
}

int
acio_lock_hold(acio_lock *lock, acio_lock **held_out)
{
    int err = acio_lock_acquire(lock);
    *held_out = err < 0 ? NULL : lock;
    return err;
}

void
acio_lock_unhold(acio_lock **held)
{
    if (*held)
        acio_lock_release(*held);
    *held = NULL;
}
