/* SPDX-License-Identifier: MIT */
/* model_task.c - tasks, scopes, groups and gather, as the model has them */
#include <string.h>

#include <acio/error.h>

#include "model_inside.h"

enum { LAST_ROUND = 2 };

static struct model_task *
running(struct model *m)
{
    return &m->tasks[m->running];
}

static bool
is_error(int outcome)
{
    return outcome < 0 && outcome != -ECANCELED;
}

/* ---- cancels ---- */

/* Nothing outside the innermost shield is seen. Inside, a cancel comes first,
 * which is outermost, then scopes from outside to inside. */
int
model_pending(const struct model *m, int task)
{
    const struct model_task *t = &m->tasks[task];
    int outermost = t->depth;
    while (outermost > 0 && t->scopes[outermost - 1].kind != SCOPE_SHIELD)
        outermost--;
    if (outermost == 0 && t->cancelling > 0)
        return -ECANCELED;
    for (int i = outermost; i < t->depth; i++) {
        if (t->scopes[i].reason)
            return t->scopes[i].reason;
    }
    return 0;
}

bool
model_cancel(struct model *m, int task)
{
    if (task == NOBODY)
        return false;
    struct model_task *t = &m->tasks[task];
    if (t->state == UNBORN || t->state == FINISHED)
        return false;
    t->cancelling++;
    model_reconsider(m, task);
    return true;
}

int
model_uncancel(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    if (t->state != UNBORN && t->cancelling > 0)
        t->cancelling--;
    return t->cancelling;
}

/* ---- the life of a task ---- */

void
model_watch(struct model *m, int task, struct watcher watcher)
{
    struct model_task *t = &m->tasks[task];
    if (t->watcher_count == WATCHERS)
        model_fail("more wait for a task than the model has room for");
    t->watchers[t->watcher_count++] = watcher;
}

static void
tell(struct model *m, int task, const struct watcher *watcher)
{
    switch (watcher->kind) {
    case AWAITER:
        if (m->tasks[watcher->task].serial == watcher->serial)
            model_wake(m, watcher->task);
        break;
    case ITS_GROUP:
        model_happens(m,
            (struct model_event){ .kind = CHILD_DONE, .task = task });
        break;
    case SET_OWNER:
        model_happens(m,
            (struct model_event){ .kind = SET_DONE,
                .task = watcher->task,
                .entry = watcher->entry,
                .serial = watcher->serial });
        break;
    }
}

void
model_finish(struct model *m, int task, int outcome)
{
    struct model_task *t = &m->tasks[task];
    t->state = FINISHED;
    t->outcome = outcome;
    for (int i = 0; i < t->watcher_count; i++)
        tell(m, task, &t->watchers[i]);
}

static void
create(struct model *m, int task, int group, const struct task *options)
{
    struct model_task *t = &m->tasks[task];
    t->state = READY;
    t->wait = WAIT_START;
    t->always_start = options->always_start;
    t->round = m->round;
    t->held = true;
    t->group = group;
    m->created[m->created_count++] = task;
}

/* An eager task runs there and then, and its creator goes on after that. */
static void
start(struct model *m, int task, bool eager)
{
    if (!eager) {
        model_happens(m, (struct model_event){ .kind = RESUME, .task = task });
        return;
    }
    model_give_way(m);
    m->running = task;
    m->tasks[task].state = RUNNING;
}

static void abort_group(struct model *m, int group);
static void note_error(struct model *m, int group, int error);

bool
model_spawn(struct model *m, int task, int group, const struct task *options)
{
    const struct model_group *g = group == NOBODY ? NULL : &m->groups[group];
    if (g && (!g->open || g->aborting || g->waited))
        return false;
    if (m->round == LAST_ROUND) {
        if (g)
            note_error(m, group, -ENOMEM);
        return false;
    }
    create(m, task, group, options);
    if (g) {
        m->groups[group].unfinished++;
        model_watch(m, task, (struct watcher){ .kind = ITS_GROUP });
    }
    start(m, task, options->eager);
    return true;
}

void
model_detach(struct model *m, int task)
{
    if (m->tasks[task].group == NOBODY)
        m->tasks[task].held = false;
}

/* ---- awaiting ---- */

void
model_take_outcome(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    t->seen = true;
    if (t->group == NOBODY)
        t->held = false;
}

/* Where both were interrupted, the awaiter's reason is the answer. */
static int
outcome_for(const struct model_task *t, int reason)
{
    return reason && t->outcome == -ECANCELED ? reason : t->outcome;
}

int
model_refusal(const struct model *m, int task)
{
    const struct model_task *t = &m->tasks[task];
    if (t->state == UNBORN)
        return -EINVAL;
    if (task == m->running)
        return -ACIO_ESELF;
    return t->held ? 0 : -ACIO_EGONE;
}

void
model_await(struct model *m, int task)
{
    int self = m->running, refused = model_refusal(m, task);
    struct model_task *t = &m->tasks[task];
    if (refused) {
        model_at_once(m, refused);
        return;
    }
    int pending = model_pending(m, self);
    if (t->state == FINISHED) {
        model_at_once(m, outcome_for(t, pending));
        model_take_outcome(m, task);
        return;
    }
    if (pending)
        model_cancel(m, task);
    struct model_task *awaiter = model_park(m, WAIT_AWAIT, task);
    awaiter->pending = pending;
    model_watch(m, task,
        (struct watcher){ .kind = AWAITER,
            .task = self,
            .serial = awaiter->serial });
}

bool
model_await_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    int reason = t->pending ? t->pending : t->reason;
    t->answer = outcome_for(&m->tasks[t->thing], reason);
    model_take_outcome(m, t->thing);
    return true;
}

/* It leaves at once and cancels nobody. What has come by the time it goes on
 * is its answer all the same. */
void
model_await_shielded(struct model *m, int task)
{
    int self = m->running;
    if (model_refusal(m, task) || m->tasks[task].state == FINISHED) {
        model_await(m, task);
        return;
    }
    if (model_interrupted(m))
        return;
    unsigned serial = model_park(m, WAIT_SHIELDED, task)->serial;
    model_watch(m, task,
        (struct watcher){ .kind = AWAITER, .task = self, .serial = serial });
}

bool
model_shielded_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    const struct model_task *awaited = &m->tasks[t->thing];
    t->answer = t->reason;
    if (t->reason && awaited->state != FINISHED)
        return true;
    t->answer = awaited->outcome;
    model_take_outcome(m, t->thing);
    return true;
}

/* A limit of its own around the await, unless the answer is at hand. */
static bool
needs_limit(const struct model *m, int task, int seconds)
{
    int state = m->tasks[task].state;
    return seconds > 0 || (state != UNBORN && state != FINISHED);
}

void
model_wait_for(struct model *m, int task, int seconds)
{
    model_timeout_open(m, needs_limit(m, task, seconds) ? seconds : NEVER);
    model_await(m, task);
}

/* ---- scopes ---- */

static struct model_scope *
open_scope(struct model *m, enum model_scope_kind kind)
{
    struct model_task *t = running(m);
    struct model_scope *scope = &t->scopes[t->depth++];
    *scope = (struct model_scope){ .kind = kind, .serial = ++m->serials };
    return scope;
}

void
model_expire(struct model *m, const struct model_event *event)
{
    struct model_scope *scope = &m->tasks[event->task].scopes[event->entry];
    scope->expired = true;
    scope->reason = -ETIMEDOUT;
    model_reconsider(m, event->task);
}

static void
arm(struct model *m, struct model_scope *scope, int seconds)
{
    struct model_task *t = running(m);
    struct model_event event = { .kind = EXPIRED,
        .task = m->running,
        .entry = (int)(scope - t->scopes),
        .serial = scope->serial };
    if (seconds == 0)
        model_expire(m, &event);
    else if (seconds != NEVER)
        model_at(m, m->now + seconds, event);
}

void
model_timeout_open(struct model *m, int seconds)
{
    arm(m, open_scope(m, SCOPE_TIMEOUT), seconds);
}

/* Whether it has expired. */
bool
model_timeout_close(struct model *m)
{
    struct model_task *t = running(m);
    return t->scopes[--t->depth].expired;
}

int
model_reschedule(struct model *m, int at, int seconds)
{
    struct model_scope *scope = &running(m)->scopes[at];
    if (scope->expired)
        return -ACIO_EINVALIDSTATE;
    scope->serial = ++m->serials;
    arm(m, scope, seconds);
    return 0;
}

void
model_shield_open(struct model *m)
{
    open_scope(m, SCOPE_SHIELD);
}

void
model_shield_close(struct model *m)
{
    running(m)->depth--;
}

/* ---- groups ---- */

static struct model_scope *
scope_of(struct model *m, const struct model_group *g)
{
    return &m->tasks[g->owner].scopes[g->scope];
}

/* Cancels the tasks in it, and the body unless that is over. */
static void
abort_group(struct model *m, int group)
{
    struct model_group *g = &m->groups[group];
    bool again = g->aborting;
    g->aborting = true;
    for (int i = 0; i < m->created_count && !again; i++) {
        if (m->tasks[m->created[i]].group == group)
            model_cancel(m, m->created[i]);
    }
    if (g->waiting || scope_of(m, g)->reason)
        return;
    scope_of(m, g)->reason = -ECANCELED;
    model_reconsider(m, g->owner);
}

static void
note_error(struct model *m, int group, int error)
{
    struct model_group *g = &m->groups[group];
    g->errors++;
    if (!g->first_error)
        g->first_error = error;
    abort_group(m, group);
}

void
model_child_done(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    struct model_group *g = &m->groups[t->group];
    g->unfinished--;
    t->seen = true;
    if (is_error(t->outcome))
        note_error(m, t->group, t->outcome);
    if (g->unfinished == 0 && g->waiting)
        model_wake(m, g->owner);
}

int
model_group_open(struct model *m)
{
    int group = m->group_count++;
    open_scope(m, SCOPE_GROUP);
    m->groups[group] = (struct model_group){ .owner = m->running,
        .scope = running(m)->depth - 1,
        .open = true };
    return group;
}

static void
end_body(struct model *m, struct model_group *g)
{
    scope_of(m, g)->reason = 0;
    g->waiting = true;
}

/* The owner parks again, or has its answer. */
static bool
group_goes_on(struct model *m, int group, int reason)
{
    struct model_group *g = &m->groups[group];
    struct model_task *t = &m->tasks[g->owner];
    if (reason && !g->aborting)
        abort_group(m, group);
    if (g->unfinished > 0) {
        m->running = g->owner;
        model_park(m, reason ? WAIT_GROUP_END : WAIT_GROUP, group)->reason =
            reason;
        return false;
    }
    g->waiting = false;
    g->waited = true;
    t->answer = g->first_error ? g->first_error : reason;
    return true;
}

void
model_group_wait(struct model *m, int group)
{
    end_body(m, &m->groups[group]);
    group_goes_on(m, group, model_pending(m, m->running));
}

/* One that was woken without a reason may have got another child since. */
bool
model_group_over(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    struct model_group *g = &m->groups[t->thing];
    int reason = t->reason;
    if (t->wait == WAIT_GROUP && !reason && g->unfinished > 0)
        reason = model_pending(m, task);
    return group_goes_on(m, t->thing, reason);
}

/* An error that group_wait did not tell is reported. */
void
model_group_close(struct model *m, int group)
{
    struct model_group *g = &m->groups[group];
    bool waited = g->waited;
    end_body(m, g);
    running(m)->answer = 0;
    if (g->unfinished > 0)
        group_goes_on(m, group, -ECANCELED);
    g->left_early = !waited;
}

void
model_group_closed(struct model *m, int group)
{
    struct model_group *g = &m->groups[group];
    g->left_early = g->left_early && g->first_error;
    g->open = false;
    running(m)->depth--;
    for (int i = 0; i < TASKS; i++) {
        if (m->tasks[i].state != UNBORN && m->tasks[i].group == group)
            m->tasks[i].held = false;
    }
}

void
model_group_cancel(struct model *m, int group)
{
    abort_group(m, group);
}
