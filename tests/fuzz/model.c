/* SPDX-License-Identifier: MIT */
/* model.c - events in order, and whose turn it is
 *
 * A pass.  What a thread has done comes first, then timers in order of time
 *          and of arming, then all that is ready. The clock moves at the
 *          beginning of a pass for which nothing is ready.
 * The end. When the main task has finished, the pass under way is the last.
 *          Then all tasks are cancelled and run to their end; then those that
 *          were started meanwhile, and from then on none can be started. The
 *          same where everything waits for ever.
 */
#include <stddef.h>
#include <string.h>

#include <acio/error.h>

#include "model_inside.h"

enum { LAST_ROUND = 2 };

void
model_init(struct model *m)
{
    memset(m, 0, offsetof(struct model, queue));
    m->running = NOBODY;
    m->head = m->pass_end = m->tail = TASKS; /* room for who gives way */
    m->queues[0].maxsize = m->queues[2].maxsize = m->queues[3].maxsize = 2;
    m->queues[2].order = LIFO;
    m->queues[3].order = BY_PRIORITY;
    for (int i = 0; i < OBJECTS; i++) {
        m->semaphores[i].value = 1 + i;
        m->barriers[i].parties = 2 + i;
        m->conditions[i].lock = i == 0 ? &m->own_locks[0] : &m->locks[i];
    }
}

/* ---- events ---- */

void
model_happens(struct model *m, struct model_event event)
{
    if (m->tail == EVENTS)
        model_fail("more happens than the model has room for");
    m->queue[m->tail++] = event;
}

void
model_at(struct model *m, int when, struct model_event event)
{
    if (m->timer_count == TIMERS)
        model_fail("there are more timers than the model has room for");
    m->timers[m->timer_count++] = (struct model_timer){ when, event };
}

static bool
still_waits(const struct model *m, const struct model_event *event,
    enum wait wait)
{
    const struct model_task *t = &m->tasks[event->task];
    return t->state == PARKED && t->wait == wait && t->serial == event->serial;
}

/* Is the timer armed still? */
static bool
is_armed(const struct model *m, const struct model_event *event)
{
    const struct model_task *t = &m->tasks[event->task];
    if (event->kind == SLEPT)
        return still_waits(m, event, WAIT_SLEEP) ||
            still_waits(m, event, WAIT_SOME);
    if (event->kind == SET_EXPIRED)
        return t->set.serial == event->serial && t->set.left > 0;
    return event->entry < t->depth &&
        t->scopes[event->entry].serial == event->serial;
}

/* The first timer that is armed, of equal ones the oldest. */
static int
first_timer(const struct model *m)
{
    int first = NOBODY;
    for (int i = 0; i < m->timer_count; i++) {
        const struct model_timer *timer = &m->timers[i];
        if (is_armed(m, &timer->event) &&
            (first == NOBODY || timer->when < m->timers[first].when))
            first = i;
    }
    return first;
}

static struct model_event
take_timer(struct model *m, int at)
{
    struct model_event event = m->timers[at].event;
    m->timer_count--;
    memmove(&m->timers[at], &m->timers[at + 1],
        (unsigned)(m->timer_count - at) * sizeof m->timers[0]);
    return event;
}

static void
finish_works(struct model *m)
{
    int left = 0;
    for (int i = 0; i < m->work_count; i++) {
        struct model_timer work = m->works[i];
        if (!still_waits(m, &work.event, WAIT_WORK))
            continue;
        if (work.when <= m->now)
            model_happens(m, work.event);
        else
            m->works[left++] = work;
    }
    m->work_count = left;
}

static void
fire_timers(struct model *m)
{
    int first;
    while (
        (first = first_timer(m)) != NOBODY && m->timers[first].when <= m->now)
        model_happens(m, take_timer(m, first));
}

/* To the next moment at which something happens; false: there is none. */
static bool
move_clock(struct model *m)
{
    int timer = first_timer(m), next = NEVER;
    if (timer != NOBODY)
        next = m->timers[timer].when;
    for (int i = 0; i < m->work_count; i++) {
        if (next == NEVER || m->works[i].when < next)
            next = m->works[i].when;
    }
    if (next != NEVER)
        m->now = next;
    return next != NEVER;
}

/* ---- the end of the run ---- */

static bool
has_ended(const struct model *m)
{
    if (m->round == 0)
        return m->tasks[0].state == FINISHED;
    for (int i = 0; i < TASKS; i++) {
        const struct model_task *t = &m->tasks[i];
        if (t->state != UNBORN && t->state != FINISHED && t->round < m->round)
            return false;
    }
    return true;
}

static void
end_round(struct model *m)
{
    for (int i = 0; i < m->created_count; i++)
        model_cancel(m, m->created[i]);
    m->round++;
}

/* False: the run is over. */
static bool
begin_pass(struct model *m)
{
    while (has_ended(m)) {
        if (m->round == LAST_ROUND)
            return false;
        end_round(m);
    }
    finish_works(m);
    if (m->head == m->tail && !move_clock(m)) {
        if (m->round > 0)
            model_fail("the program cannot end: it should not have been made");
        m->stuck = true;
        end_round(m);
        return begin_pass(m);
    }
    finish_works(m);
    fire_timers(m);
    m->pass_end = m->tail;
    return true;
}

/* ---- suspending and going on ---- */

struct model_task *
model_park(struct model *m, enum wait wait, int thing)
{
    struct model_task *t = &m->tasks[m->running];
    t->state = PARKED;
    t->wait = wait;
    t->thing = thing;
    t->line = NULL;
    t->reason = 0;
    t->serial = ++m->serials;
    m->running = NOBODY;
    return t;
}

void
model_give_way(struct model *m)
{
    struct model_task *t = &m->tasks[m->running];
    t->state = READY;
    t->wait = WAIT_CREATE;
    m->queue[--m->head] = (struct model_event){ .kind = RESUME,
        .task = m->running };
    m->running = NOBODY;
}

void
model_at_once(struct model *m, int answer)
{
    m->tasks[m->running].answer = answer;
}

bool
model_interrupted(struct model *m)
{
    int pending = model_pending(m, m->running);
    if (pending)
        model_at_once(m, pending);
    return pending != 0;
}

void
model_wake(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    if (t->state != PARKED)
        return;
    if (t->line)
        line_leave(t->line, task);
    t->line = NULL;
    t->state = READY;
    model_happens(m, (struct model_event){ .kind = RESUME, .task = task });
}

static void
wake_with(struct model *m, int task, int reason)
{
    m->tasks[task].reason = reason;
    model_wake(m, task);
}

/* What a thread has not finished by now it need not. */
static void
cancel_work(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    for (int i = 0; i < m->work_count; i++) {
        if (m->works[i].event.task != task)
            continue;
        t->result = -ECANCELED;
        model_happens(m, m->works[i].event);
        m->work_count--;
        memmove(&m->works[i], &m->works[i + 1],
            (unsigned)(m->work_count - i) * sizeof m->works[0]);
    }
}

static void
interrupt(struct model *m, int task, int reason)
{
    struct model_task *t = &m->tasks[task];
    switch (t->wait) {
    case WAIT_SLEEP:
    case WAIT_LINE:
    case WAIT_BARRIER:
    case WAIT_GROUP:
    case WAIT_SHIELDED:
    case WAIT_SOME:
    case WAIT_NEXT:
        wake_with(m, task, reason);
        return;
    case WAIT_AWAIT:
        t->reason = reason;
        model_cancel(m, t->thing);
        return;
    case WAIT_GATHER:
        t->reason = reason;
        for (int i = 0; i < t->set.count; i++)
            model_cancel(m, t->set.tasks[i]);
        return;
    case WAIT_FUTURE:
        t->reason = reason;
        model_future_cancel(m, t->thing);
        return;
    case WAIT_WORK:
        t->reason = reason;
        cancel_work(m, task);
        return;
    case WAIT_CONDITION:
        t->reason = reason;
        model_relock(m, task);
        return;
    default:
        return; /* blind to it */
    }
}

void
model_reconsider(struct model *m, int task)
{
    int pending = model_pending(m, task);
    if (pending && m->tasks[task].state == PARKED)
        interrupt(m, task, pending);
}

static bool
begin_task(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    bool skip = t->cancelling > 0 && !t->always_start;
    if (skip)
        model_finish(m, task, -ECANCELED);
    return !skip;
}

/* False: it does not go on yet. */
static bool
resume(struct model *m, int task)
{
    struct model_task *t = &m->tasks[task];
    switch (t->wait) {
    case WAIT_START:
        return begin_task(m, task);
    case WAIT_CREATE:
        return true;
    case WAIT_YIELD:
        t->answer = model_pending(m, task);
        return true;
    case WAIT_WORK:
    case WAIT_FUTURE:
        t->answer = t->reason && t->result == -ECANCELED ? t->reason
                                                         : t->result;
        return true;
    case WAIT_AWAIT:
        return model_await_over(m, task);
    case WAIT_SHIELDED:
        return model_shielded_over(m, task);
    case WAIT_SOME:
        return model_wait_over(m, task);
    case WAIT_GATHER:
    case WAIT_GATHER_END:
        return model_gather_over(m, task);
    case WAIT_GROUP:
    case WAIT_GROUP_END:
        return model_group_over(m, task);
    case WAIT_RELOCK:
        return model_condition_over(m, task);
    default:
        t->answer = t->reason;
        return true;
    }
}

/* Lets an event happen; the task that goes on by it, or NOBODY. */
static int
let_happen(struct model *m, const struct model_event *event)
{
    switch (event->kind) {
    case RESUME:
        return resume(m, event->task) ? event->task : NOBODY;
    case CHILD_DONE:
        model_child_done(m, event->task);
        break;
    case SET_DONE:
        model_set_done(m, event);
        break;
    case SET_EXPIRED:
        if (is_armed(m, event))
            model_set_expire(m, event);
        break;
    case SLEPT:
        if (is_armed(m, event))
            model_wake(m, event->task);
        break;
    case WORKED:
        if (still_waits(m, event, WAIT_WORK))
            model_wake(m, event->task);
        break;
    case EXPIRED:
        if (is_armed(m, event))
            model_expire(m, event);
        break;
    }
    return NOBODY;
}

static int
next_task(struct model *m)
{
    int task = NOBODY;
    while (task == NOBODY) {
        if (m->head == m->pass_end && !begin_pass(m))
            return NOBODY;
        if (m->head < m->pass_end)
            task = let_happen(m, &m->queue[m->head++]);
    }
    return task;
}

/* ---- verdicts ---- */

enum { NAME = 96, STORY = STORY_TEXT + 8 };

static const char *
name_of(int answer, char *text)
{
    const char *name = answer < 0 ? strerrorname_np(-answer) : NULL;
    if (name)
        snprintf(text, NAME, "-%s", name);
    else if (answer < 0)
        snprintf(text, NAME, "%d (%s)", answer, acio_strerror(answer));
    else
        snprintf(text, NAME, "%d", answer);
    return text;
}

const char *
model_doing(const struct model *m, int task, char *text)
{
    const struct model_task *t = &m->tasks[task];
    if (!t->step)
        return strcpy(text, "its beginning");
    char *end = stpcpy(text, t->leaves ? "the end of: " : "");
    step_describe(t->step, end);
    end += strlen(end) - 1;
    if (*end == ':')
        *end = '\0';
    return text;
}

/* "t3 (sleep 2 s)" */
static const char *
story_of(const struct model *m, int task, char *text)
{
    char doing[STORY_TEXT];
    if (task == NOBODY)
        return strcpy(text, "nobody");
    snprintf(text, STORY, "t%d (%s)", task, model_doing(m, task, doing));
    return text;
}

/* Why a task that waits has to go on waiting. */
static const char *
obstacle_of(const struct model *m, const struct model_task *t)
{
    switch (t->state) {
    case FINISHED:
        return "it has ended before";
    case UNBORN:
        return "nobody has started it";
    case READY:
        return "others were ready before it";
    case RUNNING:
        return "another one ran";
    case PARKED:
        break;
    }
    switch (t->wait) {
    case WAIT_SLEEP:
        return "its time has not come";
    case WAIT_AWAIT:
        return "the task that it awaits has not ended";
    case WAIT_GATHER_END:
        return "not all tasks of its gather have ended";
    case WAIT_GROUP:
    case WAIT_GROUP_END:
        return m->groups[t->thing].unfinished > 0
            ? "tasks of its group have not ended"
            : "the end of its group was not told yet";
    default:
        return "nobody has woken it";
    }
}

_Noreturn static void
fail_turn(const struct model *m, int task, int next, int answer)
{
    char actual[STORY], wanted[STORY], name[NAME];
    model_fail("%s went on and was answered %s, but %s; it was the turn of %s",
        story_of(m, task, actual), name_of(answer, name),
        obstacle_of(m, &m->tasks[task]), story_of(m, next, wanted));
}

/* Makes it the running task, if that is right. */
static void
take_turn(struct model *m, int task, int answer)
{
    if (m->running == task)
        return;
    if (m->running != NOBODY) {
        char first[STORY], second[STORY];
        model_fail("%s had its answer at hand, but %s went on",
            story_of(m, m->running, first), story_of(m, task, second));
    }
    int next = next_task(m);
    if (next != task)
        fail_turn(m, task, next, answer);
    m->running = task;
    m->tasks[task].state = RUNNING;
}

static const char *
rule_of(const struct model *m, int task, int answer)
{
    const struct model_task *t = &m->tasks[task];
    bool hidden = false;
    for (int i = 0; i < t->depth; i++)
        hidden |= t->scopes[i].kind == SCOPE_SHIELD;
    bool interrupted = answer == -ECANCELED || answer == -ETIMEDOUT;
    if (t->answer == -ECANCELED && answer == -ETIMEDOUT)
        return "a cancel comes before a time limit";
    if (t->answer == -ECANCELED)
        return "it is cancelled, and a cancel sticks";
    if (t->answer == -ETIMEDOUT)
        return "a time limit has passed";
    if (interrupted && hidden)
        return "a shield hides what comes from outside";
    if (interrupted)
        return "neither a cancel nor a time limit applies to it";
    return "so says the model";
}

void
model_answered(struct model *m, int task, int answer)
{
    take_turn(m, task, answer);
    int wanted = m->tasks[task].answer;
    char story[STORY], actual[NAME], right[NAME];
    if (answer != wanted)
        model_fail("%s was answered %s instead of %s: %s",
            story_of(m, task, story), name_of(answer, actual),
            name_of(wanted, right), rule_of(m, task, answer));
}

void
model_went_on(struct model *m, int task)
{
    take_turn(m, task, 0);
}

void
model_compare(const struct model *m, const char *what, int actual, int wanted)
{
    char story[STORY], is[NAME], right[NAME];
    if (actual != wanted)
        model_fail("%s: %s is %s instead of %s", story_of(m, m->running, story),
            what, name_of(actual, is), name_of(wanted, right));
}

void
model_clock(const struct model *m, int64_t now_ns)
{
    char story[STORY];
    if (now_ns != m->now * INT64_C(1000000000))
        model_fail("%s went on at %.9f s instead of %d s",
            story_of(m, m->running, story), (double)now_ns / 1e9, m->now);
}

void
model_begins(struct model *m, int task, const struct step *step)
{
    take_turn(m, task, 0);
    m->tasks[task].step = step;
}

void
model_returns(struct model *m, int outcome)
{
    int task = m->running;
    m->running = NOBODY;
    model_finish(m, task, outcome);
}

void
model_ended(struct model *m, int result)
{
    char story[STORY];
    int next = next_task(m);
    if (next != NOBODY)
        model_fail("the run has ended, but it was the turn of %s",
            story_of(m, next, story));
    for (int i = 0; i < TASKS; i++) {
        if (m->tasks[i].state != UNBORN && m->tasks[i].state != FINISHED)
            model_fail("the run has ended, but %s has not",
                story_of(m, i, story));
    }
    model_compare(m, "the result of the run", result,
        m->stuck ? -EDEADLK : m->tasks[0].outcome);
}

int
model_reports(const struct model *m, int task)
{
    const struct model_task *t = &m->tasks[task];
    bool failed = t->outcome < 0 && t->outcome != -ECANCELED;
    int count = failed && !t->seen && task > 0;
    for (int i = 0; i < m->group_count; i++)
        count += m->groups[i].owner == task && m->groups[i].left_early;
    return count;
}
