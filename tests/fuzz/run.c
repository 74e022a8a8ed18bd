/* SPDX-License-Identifier: MIT */
/* run.c - a program on the library, beside the model
 *
 * Idea.   Each task of the program is a task of the library that goes through
 *         its steps. Before each call the model is told of it, after it the
 *         answer is compared, and then all that can be seen of all objects.
 */
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <acio.h>
#include <acio/barrier.h>
#include <acio/condition.h>
#include <acio/wait.h>

#include "base/list.h"
#include "engine/engine.h"
#include "model.h"

enum {
    ENDED = 1, /* of a step: the task returns */
    WORK_RESULT = 7
};

struct run {
    const struct program *program;
    struct run_stats *stats;
    FILE *trace;
    acio_task *handles[TASKS];
    acio_group *groups[TASKS]; /* that the task is in */
    int items;                 /* put so far; each is another number */
    int reports[TASKS];
    struct acio_loop_part part;
    size_t own_ops; /* of the loop */

    acio_lock locks[OBJECTS];
    acio_semaphore semaphores[OBJECTS];
    acio_event events[OBJECTS];
    acio_queue queues[QUEUES];
    acio_future futures[OBJECTS];
    acio_condition conditions[OBJECTS];
    acio_barrier barriers[OBJECTS];

    struct model model;
};

/* Where in a task we are. */
struct frame {
    struct run *run;
    struct model *model;
    int self;
    int *outcome; /* what the task returns */
    acio_group *group;
    int group_number;
    acio_timeout *limit; /* innermost; NULL: none */
    int limit_scope;     /* its place among the scopes */
    int condition;       /* whose lock is held, or NOBODY */
};

static int run_steps(const struct frame *f, int from, int end);
static int step_time(const struct frame *f, const struct step *step);

static const struct task *
task_of(const struct frame *f)
{
    return &f->run->program->tasks[f->self];
}

/* ---- looking ---- */

static void
look_at_objects(const struct run *r, int i)
{
    const struct model *m = &r->model;
    model_compare(m, "whether the lock is held", acio_lock_locked(&r->locks[i]),
        m->locks[i].locked);
    model_compare(m, "whether the condition's lock is held",
        acio_condition_locked(&r->conditions[i]),
        m->conditions[i].lock->locked);
    model_compare(m, "whether the semaphore is at 0",
        acio_semaphore_locked(&r->semaphores[i]), m->semaphores[i].value == 0);
    model_compare(m, "whether the event is set",
        acio_event_is_set(&r->events[i]), m->events[i].set);
    model_compare(m, "whether the future is done",
        acio_future_done(&r->futures[i]), m->futures[i].state != PENDING);
    model_compare(m, "the number of those at the barrier",
        acio_barrier_n_waiting(&r->barriers[i]), m->barriers[i].waiters.count);
}

static void
look_at_tasks(const struct run *r)
{
    const struct model *m = &r->model;
    int alive = 0;
    for (int i = 0; i < r->program->count; i++) {
        const struct model_task *t = &m->tasks[i];
        bool done = t->state == FINISHED || t->state == UNBORN;
        model_compare(m, "whether a task is done",
            acio_task_done(r->handles[i]), done);
        if (!done)
            model_compare(m, "the number of cancels of a task",
                acio_cancelling(r->handles[i]), t->cancelling);
        alive += !done;
    }
    model_compare(m, "the number of tasks", (int)acio_all_tasks(NULL, 0),
        alive);
}

static void
look_around(const struct frame *f)
{
    model_clock(f->model, acio_loop_time_ns(acio_get_running_loop()));
    for (int i = 0; i < OBJECTS; i++)
        look_at_objects(f->run, i);
    for (int i = 0; i < QUEUES; i++) {
        const struct model_queue *queue = &f->model->queues[i];
        model_compare(f->model, "the size of a queue",
            (int)acio_queue_qsize(&f->run->queues[i]),
            queue->closed ? 0 : queue->count);
    }
    look_at_tasks(f->run);
}

/* ---- calling ---- */

static void
write_trace(const struct frame *f, const char *what, int answer)
{
    FILE *out = f->run->trace;
    if (!out)
        return;
    fprintf(out, "    %3d s  t%d  %-38s", f->model->now, f->self, what);
    if (answer < 0)
        fprintf(out, "  %s\n", acio_strerror(answer));
    else
        fprintf(out, "  %d\n", answer);
}

static void
count_answer(const struct frame *f, const struct step *step, int answer)
{
    struct run_stats *stats = f->run->stats;
    stats->steps++;
    if (answer >= 0)
        stats->answers[step->kind][OUTCOME_OK]++;
    else if (answer == -ECANCELED)
        stats->answers[step->kind][OUTCOME_CANCELED]++;
    else if (answer == -ETIMEDOUT)
        stats->answers[step->kind][OUTCOME_TIMEDOUT]++;
}

static void
begin(const struct frame *f, const struct step *step)
{
    f->model->tasks[f->self].step = step;
    f->model->tasks[f->self].leaves = false;
}

/* The end of a block. */
static void
leave(const struct frame *f, const struct step *step)
{
    begin(f, step);
    f->model->tasks[f->self].leaves = true;
}

/* What the task is doing, for people. */
static void
trace_answer(const struct frame *f, int answer)
{
    char text[STORY_TEXT];
    if (f->run->trace)
        write_trace(f, model_doing(f->model, f->self, text), answer);
}

/* The call that the model knows of has come back; 0, or its error. */
static int
answered(const struct frame *f, const struct step *step, int answer)
{
    trace_answer(f, answer);
    model_answered(f->model, f->self, answer);
    count_answer(f, step, answer);
    look_around(f);
    return answer < 0 ? answer : 0;
}

/* The same for a call that does not suspend. */
static int
returned(const struct frame *f, const struct step *step, int actual, int wanted)
{
    trace_answer(f, actual);
    model_compare(f->model, "what is returned", actual, wanted);
    count_answer(f, step, actual);
    look_around(f);
    return actual < 0 ? actual : 0;
}

/* ---- tasks ---- */

struct run_task_args {
    struct run *run;
    int self;
};

static int
run_task(void *arg)
{
    const struct run_task_args *a = arg;
    int outcome = a->self;
    struct frame frame = { .run = a->run,
        .model = &a->run->model,
        .self = a->self,
        .outcome = &outcome,
        .condition = NOBODY };
    a->run->handles[a->self] = acio_current_task(); /* an eager one is first */
    model_begins(frame.model, a->self, NULL);
    write_trace(&frame, "begins", 0);
    look_around(&frame);
    int err = run_steps(&frame, 0, task_of(&frame)->count);
    if (err < 0)
        outcome = err;
    write_trace(&frame, "returns", outcome);
    model_returns(frame.model, outcome);
    return outcome;
}

static const char *
name_of(int task)
{
    static const char names[TASKS][4] = { "t0", "t1", "t2", "t3", "t4", "t5",
        "t6", "t7", "t8", "t9" };
    return names[task];
}

/* `group` NULL: in none. */
static int
spawn(const struct frame *f, const struct step *step, acio_group *group,
    int number)
{
    struct run *r = f->run;
    int task = step->target;
    struct run_task_args args = { r, task };
    struct acio_args copied = { &args, sizeof args };
    const struct task *row = &r->program->tasks[task];
    struct acio_task_options options = { .name = name_of(task),
        .always_start = row->always_start,
        .eager_start = row->eager };
    if (f->model->tasks[task].state != UNBORN)
        return 0;
    r->groups[task] = group;
    bool wanted = model_spawn(f->model, task, group ? number : NOBODY, row);
    r->handles[task] = group
        ? acio_group_create_task_with(group, run_task, copied, &options)
        : acio_create_task_with(run_task, copied, &options);
    if (row->eager)
        model_went_on(f->model, f->self);
    return returned(f, step, r->handles[task] != NULL, wanted);
}

static int
spawn_somewhere(const struct frame *f, const struct step *step)
{
    acio_group *mine = f->run->groups[f->self];
    if (step->kind == SPAWN_IN_GROUP)
        return spawn(f, step, f->group, f->group_number);
    if (step->kind == SPAWN_BESIDE && mine)
        return spawn(f, step, mine, f->model->tasks[f->self].group);
    return spawn(f, step, NULL, NOBODY);
}

/* The cancel at the end of a run is not taken back: see program.h. */
static int
uncancel(const struct frame *f, const struct step *step)
{
    int task = step->target;
    if (f->model->round > 0 || f->model->tasks[task].state == FINISHED)
        return 0;
    int wanted = model_uncancel(f->model, task);
    return returned(f, step, acio_uncancel(f->run->handles[task]), wanted);
}

/* The set of a step, told to the model as well; how many there are. */
static int
make_set(const struct frame *f, const struct step *step, enum set_kind kind,
    acio_task **handles)
{
    int tasks[TASKS], count = 0;
    bool keep = kind == SET_RESULTS;
    for (int i = f->self + 1; i < f->run->program->count; i++) {
        bool unborn = f->model->tasks[i].state == UNBORN;
        if (!step_names_task(step, f->self, i) || (unborn && !keep))
            continue;
        handles[count] = f->run->handles[i];
        tasks[count++] = i;
    }
    model_set(f->model, kind, tasks, count);
    return count;
}

static int
gather(const struct frame *f, const struct step *step)
{
    acio_task *handles[TASKS];
    int results[TASKS];
    bool keep = step->kind == GATHER_RESULTS;
    int count = make_set(f, step, keep ? SET_RESULTS : SET_NO_ERROR, handles);
    model_gather(f->model);
    int err = acio_gather(handles, (size_t)count, results,
        keep ? ACIO_RETURN_EXCEPTIONS : 0);
    err = answered(f, step, err);
    const int *wanted = f->model->tasks[f->self].set.results;
    for (int i = 0; i < count; i++)
        model_compare(f->model, "a result of the gather", results[i],
            wanted[i]);
    return err;
}

static double
seconds_of(const struct step *step)
{
    return step->target == FOREVER ? INFINITY : step->target;
}

/* Those that have finished stand first, in the order in which they stood. */
static void
look_at_order(const struct frame *f, acio_task *const *handles)
{
    const struct model_set *set = &f->model->tasks[f->self].set;
    int at = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < set->count; i++) {
            int task = set->tasks[i];
            bool finished = f->model->tasks[task].state == FINISHED;
            if (finished == (pass == 0))
                model_compare(f->model, "the order of the tasks",
                    handles[at++] == f->run->handles[task], true);
        }
    }
}

static int
wait_for_some(const struct frame *f, const struct step *step)
{
    static const enum set_kind kinds[] = { SET_FIRST, SET_FAILURE, SET_ALL };
    static const enum acio_return_when when[] = { ACIO_FIRST_COMPLETED,
        ACIO_FIRST_EXCEPTION, ACIO_ALL_COMPLETED };
    acio_task *handles[TASKS];
    int kind = step->kind - WAIT_FIRST;
    int count = make_set(f, step, kinds[kind], handles);
    if (count == 0)
        return 0;
    model_wait(f->model, step->target);
    int answer = acio_wait(handles, (size_t)count, seconds_of(step),
        when[kind]);
    int err = answered(f, step, answer);
    if (answer >= 0)
        look_at_order(f, handles);
    return err;
}

/* The next one; 0: there is none, or its error. */
static int
take_next(const struct frame *f, const struct step *step,
    acio_as_completed *all)
{
    acio_task *task = NULL;
    model_as_completed_next(f->model);
    int answer = acio_as_completed_next(all, &task);
    answered(f, step, answer);
    if (answer > 0)
        model_compare(f->model, "whether it is the right task",
            task == f->run->handles[f->model->tasks[f->self].item], true);
    return answer;
}

/* After an error it may look once more, a second later. */
static int
take_as_completed(const struct frame *f, const struct step *step)
{
    static const struct step pause = { .kind = SLEEP, .number = 1 };
    acio_task *handles[TASKS];
    acio_as_completed all;
    int count = make_set(f, step, SET_COMPLETIONS, handles);
    int wanted = model_as_completed_open(f->model, step->target);
    int answer = acio_as_completed_open(&all, handles, (size_t)count,
        seconds_of(step));
    int err = returned(f, step, answer, wanted);
    for (int errors = 0; err == 0 && errors <= step->go_on;) {
        answer = take_next(f, step, &all);
        if (answer == 0)
            break;
        errors += answer < 0;
        if (answer < 0)
            step_time(f, &pause);
    }
    model_as_completed_close(f->model);
    acio_as_completed_close(&all);
    return err < 0 ? err : answer;
}

static int
wait_for(const struct frame *f, const struct step *step)
{
    model_wait_for(f->model, step->target, step->number);
    int err = acio_wait_for(f->run->handles[step->target], step->number);
    model_answered(f->model, f->self, err);
    model_timeout_close(f->model);
    return answered(f, step, err);
}

/* ---- blocks ---- */

static int
run_timeout(const struct frame *f, int at, int end)
{
    const struct step *step = &task_of(f)->steps[at];
    acio_timeout limit;
    struct frame inner = *f;
    inner.limit = &limit;
    inner.limit_scope = f->model->tasks[f->self].depth;
    model_timeout_open(f->model, step->number);
    acio_timeout_open(&limit, step->number);
    int err = run_steps(&inner, at + 1, end);
    leave(f, step);
    acio_timeout_close(&limit);
    bool expired = acio_timeout_expired(&limit);
    model_compare(f->model, "whether the limit has expired", expired,
        model_timeout_close(f->model));
    return err == -ETIMEDOUT && expired ? 0 : err;
}

static int
run_shield(const struct frame *f, int at, int end)
{
    acio_shield shield;
    model_shield_open(f->model);
    acio_shield_open(&shield);
    int err = run_timeout(f, at, end);
    acio_shield_close(&shield);
    model_shield_close(f->model);
    return err;
}

static int
run_group(const struct frame *f, int at, int end)
{
    const struct step *step = &task_of(f)->steps[at];
    struct model *m = f->model;
    acio_group group;
    struct frame inner = *f;
    inner.group = &group;
    inner.group_number = model_group_open(m);
    acio_group_open(&group);
    int err = run_steps(&inner, at + 1, end);
    leave(f, step);
    if (err == 0 || (err < 0 && step->go_on)) {
        model_group_wait(m, inner.group_number);
        err = acio_group_wait(&group);
        answered(f, step, err);
    }
    model_compare(m, "the number of errors in the group",
        (int)acio_group_errors(&group, NULL, 0),
        m->groups[inner.group_number].errors);
    model_group_close(m, inner.group_number);
    acio_group_close(&group);
    model_went_on(m, f->self);
    model_group_closed(m, inner.group_number);
    return err;
}

static int
run_lock(const struct frame *f, int at, int end)
{
    const struct step *step = &task_of(f)->steps[at];
    int i = step->target;
    struct frame inner = *f;
    acio_lock *lock = &f->run->locks[i];
    struct model_lock *model_lock = &f->model->locks[i];
    if (step->kind == CONDITION && i == 0) {
        lock = &f->run->conditions[i].own;
        model_lock = f->model->conditions[i].lock;
    }
    if (step->kind == CONDITION || i == 1)
        inner.condition = i;
    model_acquire(f->model, model_lock);
    int err = acio_lock_acquire(lock);
    err = answered(f, step, err);
    if (err < 0)
        return err;
    err = run_steps(&inner, at + 1, end);
    leave(f, step);
    model_release(f->model, model_lock);
    returned(f, step, acio_lock_release(lock), 0);
    return err;
}

static int
run_semaphore(const struct frame *f, int at, int end)
{
    const struct step *step = &task_of(f)->steps[at];
    acio_semaphore *semaphore = &f->run->semaphores[step->target];
    model_semaphore_acquire(f->model, step->target);
    int err = acio_semaphore_acquire(semaphore);
    err = answered(f, step, err);
    if (err < 0)
        return err;
    err = run_steps(f, at + 1, end);
    leave(f, step);
    model_semaphore_release(f->model, step->target);
    returned(f, step, acio_semaphore_release(semaphore), 0);
    return err;
}

/* Others may wait blind to cancels for the lock of a condition, so a task that
 * holds one stays off some blocks: see program.h. */
static int
run_block(const struct frame *f, int at, int end)
{
    const struct step *step = &task_of(f)->steps[at];
    bool holds = f->condition != NOBODY;
    switch (step->kind) {
    case TIMEOUT:
        return run_timeout(f, at, end);
    case SHIELD:
        return run_shield(f, at, end);
    case SEMAPHORE:
        return run_semaphore(f, at, end);
    case GROUP:
        return holds ? run_steps(f, at + 1, end) : run_group(f, at, end);
    default:
        break;
    }
    bool of_condition = step->kind == CONDITION || step->target == 1;
    if (of_condition && (holds || f->model->round > 0))
        return run_steps(f, at + 1, end);
    return run_lock(f, at, end);
}

/* ---- single steps ---- */

static int
nothing(void *arg)
{
    (void)arg;
    return WORK_RESULT;
}

static int
step_task(const struct frame *f, const struct step *step)
{
    struct model *m = f->model;
    int task = step->target, err;
    acio_task *handle = f->run->handles[task];
    bool may_wait = f->condition == NOBODY && m->tasks[task].state != UNBORN;
    switch (step->kind) {
    case CANCEL: {
        bool wanted = model_cancel(m, task);
        return returned(f, step, acio_cancel(handle), wanted);
    }
    case UNCANCEL:
        return uncancel(f, step);
    case DETACH:
        model_detach(m, task);
        acio_detach(handle);
        return returned(f, step, 0, 0);
    case AWAIT:
        if (!may_wait)
            return 0;
        model_await(m, task);
        err = acio_await(handle);
        return answered(f, step, err);
    case AWAIT_SHIELDED:
        if (!may_wait)
            return 0;
        model_await_shielded(m, task);
        err = acio_await_shielded(handle);
        return answered(f, step, err);
    case WAIT_FOR:
        return may_wait ? wait_for(f, step) : 0;
    default:
        return spawn_somewhere(f, step);
    }
}

/* Those that have a set instead of a task. */
static int
step_set(const struct frame *f, const struct step *step)
{
    if (step->kind == AS_COMPLETED)
        return take_as_completed(f, step);
    if (step->kind != GATHER && step->kind != GATHER_RESULTS)
        return wait_for_some(f, step);
    return f->condition == NOBODY ? gather(f, step) : 0;
}

static int
reschedule(const struct frame *f, const struct step *step)
{
    if (!f->limit)
        return 0;
    int wanted = model_reschedule(f->model, f->limit_scope, step->number);
    int err = acio_timeout_reschedule(f->limit,
        acio_loop_time(acio_get_running_loop()) + step->number);
    returned(f, step, err, wanted);
    return 0;
}

static int
cancel_group(const struct frame *f, const struct step *step)
{
    acio_group *group = f->group ? f->group : f->run->groups[f->self];
    if (!group)
        return 0;
    model_group_cancel(f->model,
        f->group ? f->group_number : f->model->tasks[f->self].group);
    acio_group_cancel(group);
    return returned(f, step, 0, 0);
}

static int
step_time(const struct frame *f, const struct step *step)
{
    int err;
    switch (step->kind) {
    case SLEEP:
        model_sleep(f->model, step->number);
        err = acio_sleep(step->number);
        return answered(f, step, err);
    case WORK:
        model_work(f->model);
        err = acio_to_thread(nothing, NULL);
        return answered(f, step, err);
    case RESCHEDULE:
        return reschedule(f, step);
    default:
        return cancel_group(f, step);
    }
}

static int
step_queue(const struct frame *f, const struct step *step)
{
    struct model *m = f->model;
    struct model_task *t = &m->tasks[f->self];
    int at = step->target, item = NOBODY, err, wanted;
    acio_queue *queue = &f->run->queues[at];
    switch (step->kind) {
    case PUT:
        item = ++f->run->items;
        model_put(m, at, item);
        err = acio_queue_put(queue, &item);
        return answered(f, step, err);
    case PUT_NOWAIT:
        item = ++f->run->items;
        wanted = model_put_nowait(m, at, item);
        err = acio_queue_put_nowait(queue, &item);
        return returned(f, step, err, wanted);
    case GET:
        model_get(m, at);
        err = acio_queue_get(queue, &item);
        err = answered(f, step, err);
        break;
    case GET_NOWAIT:
        wanted = model_get_nowait(m, at);
        err = returned(f, step, acio_queue_get_nowait(queue, &item), wanted);
        break;
    case TASK_DONE:
        wanted = model_task_done(m, at);
        return returned(f, step, acio_queue_task_done(queue), wanted);
    case QUEUE_JOIN:
        model_queue_join(m, at);
        err = acio_queue_join(queue);
        return answered(f, step, err);
    default:
        model_queue_close(m, at);
        acio_queue_close(queue);
        return returned(f, step, 0, 0);
    }
    if (err == 0)
        model_compare(m, "the item", item, t->item);
    return err;
}

static int
step_event(const struct frame *f, const struct step *step)
{
    acio_event *event = &f->run->events[step->target];
    int err;
    switch (step->kind) {
    case EVENT_SET:
        model_event_set(f->model, step->target);
        return returned(f, step, acio_event_set(event), 0);
    case EVENT_CLEAR:
        model_event_clear(f->model, step->target);
        acio_event_clear(event);
        return returned(f, step, 0, 0);
    default:
        model_event_wait(f->model, step->target);
        err = acio_event_wait(event);
        return answered(f, step, err);
    }
}

static int
step_future(const struct frame *f, const struct step *step)
{
    struct model *m = f->model;
    acio_future *future = &f->run->futures[step->target];
    int at = step->target, err, wanted;
    switch (step->kind) {
    case FUTURE_SET:
        wanted = model_future_set(m, at, step->number);
        err = acio_future_set_result(future, step->number);
        return returned(f, step, err, wanted);
    case FUTURE_FAIL:
        wanted = model_future_set(m, at, -EPIPE);
        err = acio_future_set_error(future, -EPIPE);
        return returned(f, step, err, wanted);
    case FUTURE_CANCEL:
        wanted = model_future_cancel(m, at);
        return returned(f, step, acio_future_cancel(future), wanted);
    default:
        model_future_await(m, at);
        err = acio_future_await(future);
        return answered(f, step, err);
    }
}

static int
step_condition(const struct frame *f, const struct step *step)
{
    acio_condition *condition = &f->run->conditions[step->target];
    if (f->condition != step->target)
        return 0;
    if (step->kind == NOTIFY) {
        int wanted = model_notify(f->model, step->target, step->number);
        return returned(f, step, acio_condition_notify(condition, step->number),
            wanted);
    }
    model_condition_wait(f->model, step->target);
    int err = acio_condition_wait(condition);
    return answered(f, step, err);
}

static int
step_barrier(const struct frame *f, const struct step *step)
{
    acio_barrier *barrier = &f->run->barriers[step->target];
    bool breaks = step->kind == BARRIER_ABORT;
    if (step->kind != BARRIER_WAIT) {
        model_barrier_break(f->model, step->target, breaks);
        return returned(f, step,
            breaks ? acio_barrier_abort(barrier) : acio_barrier_reset(barrier),
            0);
    }
    model_barrier_wait(f->model, step->target);
    int err = acio_barrier_wait(barrier);
    return answered(f, step, err);
}

static int
run_step(const struct frame *f, const struct step *step)
{
    static const int errors[] = { -EIO, -ENOENT, -EBUSY, -ECANCELED };
    if (step->kind == RETURN) {
        *f->outcome = step->number;
        return ENDED;
    }
    if (step->kind == FAIL)
        return errors[step->number];
    if (step->kind == PASS)
        return 0;
    if (step_has_set(step))
        return step_set(f, step);
    if (step->kind <= WAIT_FOR)
        return step_task(f, step);
    if (step->kind <= GROUP_CANCEL)
        return step_time(f, step);
    if (step->kind <= EVENT_WAIT)
        return step_event(f, step);
    if (step->kind <= QUEUE_CLOSE)
        return step_queue(f, step);
    if (step->kind <= FUTURE_AWAIT)
        return step_future(f, step);
    if (step->kind <= NOTIFY)
        return step_condition(f, step);
    return step_barrier(f, step);
}

/* 0; ENDED; or the error with which the block is left. */
static int
run_steps(const struct frame *f, int from, int end)
{
    const struct task *task = task_of(f);
    for (int at = from, next; at < end; at = next) {
        const struct step *step = &task->steps[at];
        bool block = step_is_block(step);
        next = block ? step_block_end(task, at, end) : at + 1;
        begin(f, step);
        int err = block ? run_block(f, at, next) : run_step(f, step);
        if (err == ENDED || (err < 0 && !step->go_on))
            return err;
    }
    return 0;
}

/* ---- the run ---- */

static void
note_report(acio_loop *loop, const struct acio_exception *exception, void *user)
{
    struct run *r = user;
    (void)loop;
    r->reports[exception->source[1] - '0']++;
}

static void
look_at_closing_loop(struct acio_loop_part *part, acio_loop *loop)
{
    const struct run *r = acioi_container_of(part, struct run, part);
    model_compare(&r->model, "the number of operations left", (int)loop->active,
        (int)r->own_ops);
    model_compare(&r->model, "whether a timer is left",
        acioi_heap_first(&loop->timers) != NULL, 0);
    model_compare(&r->model, "whether something is left that was ready",
        !acioi_list_empty(&loop->ready) || !acioi_list_empty(&loop->batch), 0);
}

static int
run_main(void *arg)
{
    struct run *r = ((struct run_task_args *)arg)->run;
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, note_report, r);
    r->part.close = look_at_closing_loop;
    acio_loop_attach(loop, &r->part);
    r->own_ops = loop->active;
    /* as where there is a kernel; nothing comes while the clock stands still */
    if (r->program->seed % 2)
        loop->poll_every_pass = false;
    for (int i = 0; i < OBJECTS; i++)
        acio_future_init(&r->futures[i]);
    return run_task(arg);
}

/* Many items are equal. */
static int
compare(const void *a, const void *b)
{
    return model_priority(*(const int *)a) - model_priority(*(const int *)b);
}

static void
make_objects(struct run *r)
{
    model_init(&r->model);
    model_spawn(&r->model, 0, NOBODY, &(struct task){ .count = 0 });
    for (int i = 0; i < OBJECTS; i++) {
        acio_lock_init(&r->locks[i]);
        acio_semaphore_init(&r->semaphores[i], r->model.semaphores[i].value);
        acio_event_init(&r->events[i]);
        acio_condition_init(&r->conditions[i], i == 0 ? NULL : &r->locks[i]);
        acio_barrier_init(&r->barriers[i], r->model.barriers[i].parties);
    }
    for (int i = 0; i < QUEUES; i++) {
        size_t maxsize = (size_t)r->model.queues[i].maxsize;
        acio_queue *queue = &r->queues[i];
        if (r->model.queues[i].order == LIFO)
            acio_lifo_queue_init(queue, sizeof(int), maxsize);
        else if (r->model.queues[i].order == BY_PRIORITY)
            acio_priority_queue_init(queue, sizeof(int), maxsize, compare);
        else
            acio_queue_init(queue, sizeof(int), maxsize);
    }
}

void
run_program(const struct program *program, struct run_stats *stats, FILE *trace)
{
    struct run r;
    memset(&r, 0, offsetof(struct run, model));
    r.program = program;
    r.stats = stats;
    r.trace = trace;
    make_objects(&r);
    struct run_task_args args = { &r, 0 };
    struct acio_sim_options sim = { .seed = program->seed,
        .latency_min = 1.0,
        .latency_max = 1.0 };
    struct acio_run_options options = { .backend = "sim",
        .sim = &sim,
        .name = name_of(0),
        .stack_bytes = 64 * 1024 };
    int result = acio_run_with(run_main,
        (struct acio_args){ &args, sizeof args }, &options);
    model_ended(&r.model, result);
    for (int i = 0; i < program->count; i++)
        model_compare(&r.model, "the number of errors reported of a task",
            r.reports[i], model_reports(&r.model, i));
    for (int i = 0; i < QUEUES; i++)
        acio_queue_close(&r.queues[i]);
    stats->programs++;
    stats->deadlocks += r.model.stuck;
}
