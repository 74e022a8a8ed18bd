/* SPDX-License-Identifier: MIT */
/* model_sync.c - locks and their kin, queues and futures, as the model has them
 *
 * Rule.  What somebody waits for is handed to the first in line at the moment
 *        it is there. He goes on when it is his turn, and nobody can take it
 *        from him.
 */
#include <string.h>

#include <acio/error.h>

#include "model_inside.h"

enum { WORK_RESULT = 7 };

/* ---- lines ---- */

void
line_join(struct line *line, int task)
{
    line->tasks[line->count++] = task;
}

void
line_leave(struct line *line, int task)
{
    int left = 0;
    for (int i = 0; i < line->count; i++) {
        if (line->tasks[i] != task)
            line->tasks[left++] = line->tasks[i];
    }
    line->count = left;
}

static void
wait_in(struct model *m, struct line *line, enum wait wait, int thing)
{
    int self = m->running;
    model_park(m, wait, thing)->line = line;
    line_join(line, self);
}

/* The first in line goes on with `answer`; NOBODY: the line is empty. */
static int
serve(struct model *m, struct line *line, int answer)
{
    if (line->count == 0)
        return NOBODY;
    int task = line->tasks[0];
    m->tasks[task].reason = answer;
    model_wake(m, task);
    return task;
}

static void
serve_all(struct model *m, struct line *line, int answer)
{
    while (serve(m, line, answer) != NOBODY) {
        /* the next */
    }
}

/* ---- time ---- */

void
model_sleep(struct model *m, int seconds)
{
    int self = m->running;
    if (model_interrupted(m))
        return;
    struct model_task *t = model_park(m, WAIT_SLEEP, 0);
    struct model_event event = { .kind = SLEPT,
        .task = self,
        .serial = t->serial };
    if (seconds > 0) {
        model_at(m, m->now + seconds, event);
        return;
    }
    t->wait = WAIT_YIELD;
    model_wake(m, self);
}

void
model_work(struct model *m)
{
    int self = m->running;
    if (model_interrupted(m))
        return;
    struct model_task *t = model_park(m, WAIT_WORK, 0);
    t->result = WORK_RESULT;
    m->works[m->work_count++] = (struct model_timer){ m->now + 1,
        { .kind = WORKED, .task = self, .serial = t->serial } };
}

/* ---- locks, semaphores, events ---- */

void
model_acquire(struct model *m, struct model_lock *lock)
{
    if (model_interrupted(m))
        return;
    if (lock->locked) {
        wait_in(m, &lock->waiters, WAIT_LINE, 0);
        return;
    }
    lock->locked = true;
    model_at_once(m, 0);
}

/* Whoever is in line for a condition's lock keeps the reason he has. */
void
model_release(struct model *m, struct model_lock *lock)
{
    if (lock->waiters.count > 0)
        model_wake(m, lock->waiters.tasks[0]);
    else
        lock->locked = false;
}

void
model_semaphore_acquire(struct model *m, int semaphore)
{
    if (model_interrupted(m))
        return;
    if (m->semaphores[semaphore].value == 0) {
        wait_in(m, &m->semaphores[semaphore].waiters, WAIT_LINE, 0);
        return;
    }
    m->semaphores[semaphore].value--;
    model_at_once(m, 0);
}

void
model_semaphore_release(struct model *m, int semaphore)
{
    if (serve(m, &m->semaphores[semaphore].waiters, 0) == NOBODY)
        m->semaphores[semaphore].value++;
}

void
model_event_set(struct model *m, int event)
{
    m->events[event].set = true;
    serve_all(m, &m->events[event].waiters, 0);
}

void
model_event_clear(struct model *m, int event)
{
    m->events[event].set = false;
}

void
model_event_wait(struct model *m, int event)
{
    if (model_interrupted(m))
        return;
    if (m->events[event].set)
        model_at_once(m, 0);
    else
        wait_in(m, &m->events[event].waiters, WAIT_LINE, 0);
}

/* ---- queues ---- */

static void
bring(struct model *m, struct model_queue *q, int item)
{
    int getter = serve(m, &q->getters, 0);
    if (getter != NOBODY)
        m->tasks[getter].item = item;
    else
        q->items[q->count++] = item;
    q->unfinished++;
}

int
model_priority(int item)
{
    return item % 3;
}

/* Which item comes out next. */
static int
next_place(const struct model_queue *q)
{
    int first = 0;
    if (q->order == LIFO)
        return q->count - 1;
    for (int i = 1; i < q->count && q->order == BY_PRIORITY; i++) {
        if (model_priority(q->items[i]) < model_priority(q->items[first]))
            first = i;
    }
    return first;
}

static int
take(struct model *m, struct model_queue *q)
{
    int at = next_place(q), item = q->items[at];
    q->count--;
    memmove(&q->items[at], &q->items[at + 1],
        (unsigned)(q->count - at) * sizeof item);
    int putter = serve(m, &q->putters, 0);
    if (putter == NOBODY)
        return item;
    q->items[q->count++] = m->tasks[putter].item;
    q->unfinished++;
    return item;
}

static bool
is_full(const struct model_queue *q)
{
    return q->maxsize > 0 && q->count == q->maxsize;
}

/* A closed queue says so before anything else. */
static bool
cannot_wait(struct model *m, const struct model_queue *q)
{
    if (!q->closed)
        return model_interrupted(m);
    model_at_once(m, -ACIO_ECLOSED);
    return true;
}

void
model_put(struct model *m, int queue, int item)
{
    struct model_queue *q = &m->queues[queue];
    if (cannot_wait(m, q))
        return;
    m->tasks[m->running].item = item;
    model_at_once(m, 0);
    if (is_full(q))
        wait_in(m, &q->putters, WAIT_LINE, 0);
    else
        bring(m, q, item);
}

int
model_put_nowait(struct model *m, int queue, int item)
{
    struct model_queue *q = &m->queues[queue];
    if (q->closed)
        return -ACIO_ECLOSED;
    if (is_full(q))
        return -ACIO_EQUEUEFULL;
    bring(m, q, item);
    return 0;
}

void
model_get(struct model *m, int queue)
{
    struct model_queue *q = &m->queues[queue];
    if (cannot_wait(m, q))
        return;
    model_at_once(m, 0);
    if (q->count == 0)
        wait_in(m, &q->getters, WAIT_LINE, 0);
    else
        m->tasks[m->running].item = take(m, q);
}

int
model_get_nowait(struct model *m, int queue)
{
    struct model_queue *q = &m->queues[queue];
    if (q->closed)
        return -ACIO_ECLOSED;
    if (q->count == 0)
        return -ACIO_EQUEUEEMPTY;
    m->tasks[m->running].item = take(m, q);
    return 0;
}

int
model_task_done(struct model *m, int queue)
{
    struct model_queue *q = &m->queues[queue];
    if (q->closed)
        return -ACIO_ECLOSED;
    if (q->unfinished == 0)
        return -EINVAL;
    if (--q->unfinished == 0)
        serve_all(m, &q->joiners, 0);
    return 0;
}

void
model_queue_join(struct model *m, int queue)
{
    struct model_queue *q = &m->queues[queue];
    if (cannot_wait(m, q))
        return;
    if (q->unfinished == 0)
        model_at_once(m, 0);
    else
        wait_in(m, &q->joiners, WAIT_LINE, 0);
}

void
model_queue_close(struct model *m, int queue)
{
    struct model_queue *q = &m->queues[queue];
    q->closed = true;
    serve_all(m, &q->getters, -ACIO_ECLOSED);
    serve_all(m, &q->putters, -ACIO_ECLOSED);
    serve_all(m, &q->joiners, -ACIO_ECLOSED);
}

/* ---- futures ---- */

static bool
end_future(struct model *m, int future, int state, int result)
{
    struct line *waiters = &m->futures[future].waiters;
    if (m->futures[future].state != PENDING)
        return false;
    m->futures[future].state = state;
    m->futures[future].result = result;
    while (waiters->count > 0) {
        m->tasks[waiters->tasks[0]].result = result;
        model_wake(m, waiters->tasks[0]);
    }
    return true;
}

int
model_future_set(struct model *m, int future, int result)
{
    return end_future(m, future, DONE, result) ? 0 : -ACIO_EINVALIDSTATE;
}

bool
model_future_cancel(struct model *m, int future)
{
    return end_future(m, future, CANCELLED, -ECANCELED);
}

/* Who is interrupted cancels the future; what was there already counts. */
void
model_future_await(struct model *m, int future)
{
    int pending = model_pending(m, m->running);
    if (m->futures[future].state == PENDING && !pending) {
        wait_in(m, &m->futures[future].waiters, WAIT_FUTURE, future);
        return;
    }
    model_future_cancel(m, future);
    int result = m->futures[future].result;
    model_at_once(m, pending && result == -ECANCELED ? pending : result);
}

/* ---- conditions ---- */

void
model_relock(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    struct model_lock *lock = m->conditions[t->thing].lock;
    line_leave(t->line, task);
    t->wait = WAIT_RELOCK;
    t->line = &lock->waiters;
    line_join(t->line, task);
    if (lock->locked)
        return;
    lock->locked = true;
    model_wake(m, task);
}

void
model_condition_wait(struct model *m, int condition)
{
    if (model_interrupted(m))
        return;
    model_release(m, m->conditions[condition].lock);
    wait_in(m, &m->conditions[condition].waiters, WAIT_CONDITION, condition);
}

/* Cancelled after it was notified, it passes the notification on. */
bool
model_condition_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    int pending = model_pending(m, task);
    t->answer = pending ? pending : t->reason;
    if (pending && !t->reason)
        model_notify(m, t->thing, 1);
    return true;
}

int
model_notify(struct model *m, int condition, int n)
{
    struct line *waiters = &m->conditions[condition].waiters;
    int count = 0;
    for (; count < n && waiters->count > 0; count++)
        model_relock(m, waiters->tasks[0]);
    return count;
}

/* ---- barriers ---- */

void
model_barrier_wait(struct model *m, int barrier)
{
    struct line *waiters = &m->barriers[barrier].waiters;
    if (m->barriers[barrier].broken) {
        model_at_once(m, -ACIO_EBROKENBARRIER);
        return;
    }
    if (model_interrupted(m))
        return;
    int parties = m->barriers[barrier].parties;
    if (waiters->count < parties - 1) {
        wait_in(m, waiters, WAIT_BARRIER, barrier);
        return;
    }
    for (int i = 0; i < parties - 1; i++)
        serve(m, waiters, i);
    model_at_once(m, parties - 1);
}

void
model_barrier_break(struct model *m, int barrier, bool broken)
{
    m->barriers[barrier].broken = broken;
    serve_all(m, &m->barriers[barrier].waiters, -ACIO_EBROKENBARRIER);
}
