/* SPDX-License-Identifier: MIT */
/* event.c - a flag that tasks can wait for (asyncio.Event)
 *
 * Invariant.  While the flag is set nobody waits.
 */
#include <acio/event.h>

#include "sync/line.h"

void
acio_event_init(acio_event *event)
{
    *event = (acio_event)ACIO_EVENT_INIT;
}

int
acio_event_set(acio_event *event)
{
    int err = acioi_line_check(&event->waiters);
    if (err < 0)
        return err;
    event->set = true;
    while (acioi_wake_first(&event->waiters)) {
        /* all of them */
    }
    return 0;
}

void
acio_event_clear(acio_event *event)
{
    event->set = false;
}

bool
acio_event_is_set(const acio_event *event)
{
    return event->set;
}

int
acio_event_wait(acio_event *event)
{
    if (event->set)
        return acioi_checkpoint();
    return acioi_line_wait(&event->waiters, "event.wait", event);
}
