/* SPDX-License-Identifier: MIT */
/* semaphore.c - so many tasks at a time (asyncio.Semaphore, BoundedSemaphore)
 *
 * Invariant.  While somebody waits, the value is 0: a release with somebody in
 *             line hands it over and leaves the value at 0. So n releases give
 *             n tasks their turn, at once and in order.
 */
#include <acio/semaphore.h>

#include <errno.h>
#include <limits.h>

#include "sync/line.h"

int
acio_semaphore_init(acio_semaphore *semaphore, int value)
{
    int good = value < 0 ? 0 : value;
    *semaphore = (acio_semaphore)ACIO_SEMAPHORE_INIT(good);
    return value < 0 ? -EINVAL : 0;
}

int
acio_bounded_semaphore_init(acio_semaphore *semaphore, int value)
{
    int good = value < 0 ? 0 : value;
    *semaphore = (acio_semaphore)ACIO_BOUNDED_SEMAPHORE_INIT(good);
    return value < 0 ? -EINVAL : 0;
}

bool
acio_semaphore_locked(const acio_semaphore *semaphore)
{
    return semaphore->value <= 0;
}

/* Where the others are let run, then before the value is taken from; and who
 * finds it 0 is in line at once. */
int
acio_semaphore_acquire(acio_semaphore *semaphore)
{
    int err = acio_semaphore_locked(semaphore) ? 0 : acioi_checkpoint();
    if (err < 0)
        return err;
    if (acio_semaphore_locked(semaphore))
        return acioi_line_wait(&semaphore->waiters, "semaphore.acquire",
            semaphore);
    semaphore->value--;
    return 0;
}

/* 0, or why the value cannot grow. */
static int
check_release(const acio_semaphore *semaphore)
{
    if (semaphore->bounded && semaphore->value >= semaphore->bound)
        return -EINVAL;
    if (semaphore->value == INT_MAX)
        return -EOVERFLOW;
    return acioi_line_check(&semaphore->waiters);
}

int
acio_semaphore_release(acio_semaphore *semaphore)
{
    int err = check_release(semaphore);
    if (err < 0)
        return err;
    if (!acioi_wake_first(&semaphore->waiters))
        semaphore->value++;
    return 0;
}

int
acio_semaphore_hold(acio_semaphore *semaphore, acio_semaphore **held_out)
{
    int err = acio_semaphore_acquire(semaphore);
    *held_out = err < 0 ? NULL : semaphore;
    return err;
}

void
acio_semaphore_unhold(acio_semaphore **held)
{
    if (*held)
        acio_semaphore_release(*held);
    *held = NULL;
}
