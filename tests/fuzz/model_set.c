/* SPDX-License-Identifier: MIT */
/* model_set.c - gather, wait and as_completed, as the model has them
 *
 * Idea.  All three watch a set of tasks, each of which tells of its end one
 *        event later. They differ in what is enough for the watcher to go on,
 *        and in what becomes of the tasks.
 */
#include <errno.h>

#include "model_inside.h"

static bool
is_gather(const struct model_set *set)
{
    return set->kind == SET_RESULTS || set->kind == SET_NO_ERROR;
}

static void
note_error(struct model_set *set, int error)
{
    bool counts = error < 0 && (is_gather(set) || error != -ECANCELED);
    if (counts && !set->first_error)
        set->first_error = error;
}

static void
note_end(struct model *m, struct model_set *set, int entry)
{
    int outcome = m->tasks[set->tasks[entry]].outcome;
    set->results[entry] = outcome;
    set->finished[set->finished_count++] = set->tasks[entry];
    set->left--;
    note_error(set, outcome);
}

static void
add(struct model *m, struct model_set *set, int entry, int task)
{
    int refused = model_refusal(m, task);
    set->tasks[entry] = refused ? NOBODY : task;
    set->results[entry] = refused ? refused : -EINPROGRESS;
    if (refused) {
        set->refused = set->refused ? set->refused : refused;
        note_error(set, refused);
        return;
    }
    set->left++;
    if (m->tasks[task].state == FINISHED)
        note_end(m, set, entry);
    else
        model_watch(m, task,
            (struct watcher){ .kind = SET_OWNER,
                .task = m->running,
                .entry = entry,
                .serial = set->serial });
}

void
model_set(struct model *m, enum set_kind kind, const int *tasks, int count)
{
    struct model_set *set = &m->tasks[m->running].set;
    *set = (struct model_set){ .kind = kind,
        .count = count,
        .serial = ++m->serials };
    for (int i = 0; i < count; i++)
        add(m, set, i, tasks[i]);
}

static bool
is_enough(const struct model_set *set)
{
    bool one_is_enough = set->kind == SET_FIRST && set->finished_count > 0;
    bool error_is = set->kind == SET_NO_ERROR || set->kind == SET_FAILURE;
    return set->left == 0 || one_is_enough || (error_is && set->first_error);
}

/* The first who is there is handed to who waits for the next one. */
static void
give(struct model *m, int owner)
{
    struct model_task *t = &m->tasks[owner];
    t->item = t->set.finished[t->set.given++];
    t->reason = t->answer = 1;
    if (t->state == PARKED)
        model_wake(m, owner);
}

void
model_set_done(struct model *m, const struct model_event *event)
{
    struct model_task *t = &m->tasks[event->task];
    struct model_set *set = &t->set;
    if (set->serial != event->serial || set->expired)
        return; /* it is over */
    note_end(m, set, event->entry);
    bool waits = t->state == PARKED && t->wait == WAIT_NEXT;
    bool failed = set->results[event->entry] < 0;
    if (set->kind == SET_COMPLETIONS && waits)
        give(m, event->task);
    else if (is_gather(set) ? set->left == 0 || (failed && is_enough(set))
                            : set->kind != SET_COMPLETIONS && is_enough(set))
        model_wake(m, event->task);
}

/* ---- gather ---- */

/* What it answers; the handles have ended. */
static void
end_gather(struct model *m, int task, int reason)
{
    struct model_task *t = &m->tasks[task];
    struct model_set *set = &t->set;
    int error = set->kind == SET_NO_ERROR ? set->first_error : 0;
    t->answer = reason ? reason : error;
    set->serial = 0;
    for (int i = 0; i < set->count; i++) {
        if (set->tasks[i] != NOBODY)
            model_take_outcome(m, set->tasks[i]);
    }
}

void
model_gather(struct model *m)
{
    int self = m->running;
    struct model_set *set = &m->tasks[self].set;
    int pending = model_pending(m, self);
    for (int i = 0; i < set->count && pending; i++)
        model_cancel(m, set->tasks[i]);
    if (set->left == 0 || (is_enough(set) && !pending))
        end_gather(m, self, pending);
    else if (pending)
        model_park(m, WAIT_GATHER_END, 0)->reason = pending;
    else
        model_park(m, WAIT_GATHER, 0);
}

bool
model_gather_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    if (t->reason && t->set.left > 0) {
        t->state = PARKED;
        t->wait = WAIT_GATHER_END;
        return false;
    }
    end_gather(m, task, t->reason);
    return true;
}

/* ---- wait ---- */

static int
count_finished(const struct model *m, const struct model_set *set)
{
    int count = 0;
    for (int i = 0; i < set->count; i++)
        count += m->tasks[set->tasks[i]].state == FINISHED;
    return count;
}

void
model_wait(struct model *m, int seconds)
{
    int self = m->running;
    struct model_set *set = &m->tasks[self].set;
    if (set->refused) {
        model_at_once(m, set->refused);
        set->serial = 0;
        return;
    }
    if (model_interrupted(m) || is_enough(set)) {
        if (!model_pending(m, self))
            model_at_once(m, set->finished_count);
        set->serial = 0;
        return;
    }
    struct model_event slept = { .kind = SLEPT,
        .task = self,
        .serial = model_park(m, WAIT_SOME, 0)->serial };
    if (seconds == 0)
        model_happens(m, slept);
    else if (seconds < FOREVER)
        model_at(m, m->now + seconds, slept);
}

/* What counts is who has finished by now. */
bool
model_wait_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    t->answer = t->reason ? t->reason : count_finished(m, &t->set);
    t->set.serial = 0;
    return true;
}

/* ---- as_completed ---- */

int
model_as_completed_open(struct model *m, int seconds)
{
    struct model_set *set = &m->tasks[m->running].set;
    if (set->refused)
        set->serial = 0;
    else if (seconds == 0)
        set->expired = set->left > 0;
    else if (seconds < FOREVER)
        model_at(m, m->now + seconds,
            (struct model_event){ .kind = SET_EXPIRED,
                .task = m->running,
                .serial = set->serial });
    return set->refused;
}

void
model_set_expire(struct model *m, const struct model_event *event)
{
    struct model_task *t = &m->tasks[event->task];
    t->set.expired = true;
    if (t->state != PARKED || t->wait != WAIT_NEXT)
        return;
    t->reason = -ETIMEDOUT;
    model_wake(m, event->task);
}

void
model_as_completed_next(struct model *m)
{
    struct model_set *set = &m->tasks[m->running].set;
    if (model_interrupted(m))
        return;
    if (set->given < set->finished_count)
        give(m, m->running);
    else if (set->given == set->count)
        model_at_once(m, 0);
    else if (set->expired)
        model_at_once(m, -ETIMEDOUT);
    else
        model_park(m, WAIT_NEXT, 0);
}

void
model_as_completed_close(struct model *m)
{
    m->tasks[m->running].set.serial = 0;
}
