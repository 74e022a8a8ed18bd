/* SPDX-License-Identifier: MIT */
/* Events: a flag that tasks can wait for (asyncio.Event).
 *
 * An event holds no memory and needs no end. It has to stay where it is until
 * nobody waits for it. All zero it is an event that is not set.
 */
#ifndef ACIO_EVENT_H
#define ACIO_EVENT_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_event {
    struct acio_link waiters; /* who waits, in order of coming */
    bool set;
} acio_event;

/* The initial value of an event. */
#define ACIO_EVENT_INIT                                                        \
    {                                                                          \
        { NULL, NULL }, false                                                  \
    }

/* Make an event that is not set.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the caller; not to be moved while somebody waits
 *   thread    any; it belongs to the loop of those who wait
 *   python    asyncio.Event()
 */
ACIO_EXPORT void acio_event_init(acio_event *event);

/* Set the flag and wake all who wait, in order of coming. They go on even if
 * the flag is cleared before they run.
 *
 *   returns   0; -ACIO_EFOREIGN, and the flag as it was
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Event.set()
 */
ACIO_EXPORT int acio_event_set(acio_event *event);

/* Clear the flag: who comes from now on waits for the next acio_event_set.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Event.clear()
 */
ACIO_EXPORT void acio_event_clear(acio_event *event);

/* Is the flag set?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Event.is_set()
 */
ACIO_EXPORT bool acio_event_is_set(const acio_event *event);

/* Wait until the flag is set.
 *
 *   returns   0; -ECANCELED, -ETIMEDOUT; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean
 *   owner     -
 *   thread    the loop's
 *   python    Event.wait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_event_wait(acio_event *event);

ACIO_END_DECLS

#endif
