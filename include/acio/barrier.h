/* SPDX-License-Identifier: MIT */
/* Barriers: tasks that go on together (asyncio.Barrier).
 *
 *     static acio_barrier barrier = ACIO_BARRIER_INIT(3);
 *
 *     int index = acio_barrier_wait(&barrier);    the third lets all three go
 *     if (index < 0)
 *         return index;
 *
 * The barrier is ready for the next round at the moment the last has come, even
 * if the others have not run yet; what happens to it then does not reach them.
 *
 * A barrier holds no memory and needs no end. It has to stay where it is until
 * nobody waits at it. All zero it has no parties, and nobody can use it.
 */
#ifndef ACIO_BARRIER_H
#define ACIO_BARRIER_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_barrier {
    struct acio_link waiters; /* who waits, in order of coming */
    int parties;
    int waiting; /* how many are in `waiters` */
    bool broken;
} acio_barrier;

/* The initial value of a barrier for so many tasks (1 or more). */
#define ACIO_BARRIER_INIT(parties)                                             \
    {                                                                          \
        { NULL, NULL }, parties, 0, false                                      \
    }

/* Make a barrier for so many tasks.
 *
 *   returns   0; -EINVAL for less than 1, and the barrier has no parties
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.Barrier(parties)
 */
ACIO_EXPORT int acio_barrier_init(acio_barrier *barrier, int parties);

/* Wait until as many tasks wait as the barrier has parties.
 *
 *   returns   0 to parties - 1, another number for each, in order of coming;
 *             -ECANCELED, -ETIMEDOUT; -ACIO_EBROKENBARRIER where it is broken
 *             or was broken or reset meanwhile; -EINVAL without parties;
 *             -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: the barrier waits for one more
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.wait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_barrier_wait(acio_barrier *barrier);

/* Break the barrier: who waits, and who comes up to the next
 * acio_barrier_reset, gets -ACIO_EBROKENBARRIER.
 *
 *   returns   0; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.abort()
 */
ACIO_EXPORT int acio_barrier_abort(acio_barrier *barrier);

/* Make the barrier as it was at first: who waits gets -ACIO_EBROKENBARRIER.
 *
 *   returns   0; -ACIO_EFOREIGN
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.reset()
 */
ACIO_EXPORT int acio_barrier_reset(acio_barrier *barrier);

/* How many tasks it takes to go on.
 *
 *   returns   the number
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.parties
 */
ACIO_EXPORT int acio_barrier_parties(const acio_barrier *barrier);

/* How many tasks wait for others to come.
 *
 *   returns   the number
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.n_waiting
 */
ACIO_EXPORT int acio_barrier_n_waiting(const acio_barrier *barrier);

/* Is it broken?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Barrier.broken
 */
ACIO_EXPORT bool acio_barrier_broken(const acio_barrier *barrier);

ACIO_END_DECLS

#endif
