/* SPDX-License-Identifier: MIT */
/* line.h - tasks that wait in order of coming
 *
 * Idea.       A line is a list of tasks' handles. Whoever has something to
 *             give hands it to the first in line, in a state that already says
 *             so: a lock stays locked, a semaphore's value stays 0. A task
 *             that is woken has nothing left to do, so nobody can come before
 *             it, and a cancel that comes after its turn takes nothing back.
 *
 * Cancel.     A task that is interrupted before its turn has left the line at
 *             that moment (task.h, Rule): what is given goes to the next.
 *
 * Zero.       A line may be all zero; it becomes a circle when somebody joins.
 *
 * Loop.       A line belongs to the loop of those who stand in it, and to
 *             nobody while it is empty: a lock of static storage may be used
 *             in one loop after the other.
 */
#ifndef ACIOI_LINE_H
#define ACIOI_LINE_H

#include "task/task.h"

/* Whose turn is next; NULL where nobody waits. Wake him by acioi_wake. */
static inline struct acioi_task *
acioi_line_first(const struct acio_link *line)
{
    struct acio_link *link = acioi_list_first(line);
    if (!link)
        return NULL;
    return acioi_container_of(link, acio_handle, link)->arg;
}

/* 0, or -ACIO_EFOREIGN where tasks of another loop stand in the line. */
static inline int
acioi_line_check(const struct acio_link *line)
{
    const struct acioi_task *first = acioi_line_first(line);
    bool foreign = first && first->runtime->loop != acioi_running_loop;
    return foreign ? -ACIO_EFOREIGN : 0;
}

static inline void
acioi_line_join(struct acio_link *line, struct acioi_task *task)
{
    if (!line->next)
        acioi_list_init(line);
    acioi_list_push_back(line, &task->handle.link);
}

/* A suspension point: parks the running task until its turn. */
static inline int
acioi_line_wait(struct acio_link *line, const char *what, const void *object)
{
    struct acioi_task *self = acioi_current();
    if (!self)
        return acioi_no_task(what);
    int err = acioi_line_check(line);
    if (err == 0)
        err = acioi_check(self);
    if (err < 0)
        return err;
    acioi_line_join(line, self);
    return acioi_park_with(self, acioi_interrupt_wake, what, object);
}

#endif
