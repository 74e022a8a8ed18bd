/* SPDX-License-Identifier: MIT */
/* model.h - what the scheduler has to do, without doing it
 *
 * Idea.       The model knows tasks as numbers, time as whole seconds, and
 *             everything that happens as an event in one queue. It has no
 *             stacks and no loop: the program under test runs on the library,
 *             and the model is told of each call before it is made and asked
 *             of each answer after it has come:
 *
 *                 model_get(model, queue);
 *                 err = acio_queue_get(&queues[queue], &item);
 *                 model_answered(model, self, err);
 *
 *             The model answers two questions: is it this task's turn, now,
 *             and is this what it has to be told? So order, fairness, lost
 *             wake-ups, wrong results and wrong times are all one comparison.
 * Turn.       What is ready waits in order of coming. A pass takes what is
 *             ready, and only when nothing is does the clock move.
 * Failure.    The first difference ends the process: see model_fail.
 */
#ifndef ACIO_FUZZ_MODEL_H
#define ACIO_FUZZ_MODEL_H

#include <stdbool.h>

#include "program.h"

enum { NOBODY = -1, NEVER = -1 };

enum {
    EVENTS = 4096, /* in a run */
    TIMERS = 1024,
    SCOPES = 2 * STEPS + 2,
    ITEMS = TASKS * STEPS, /* in a queue: all that are ever put */
    GROUPS = TASKS * STEPS,
    WATCHERS = 4 * TASKS
};

enum wait {
    WAIT_START,
    WAIT_YIELD,
    WAIT_SLEEP,
    WAIT_WORK,
    WAIT_CREATE, /* of an eager task, which runs first */
    WAIT_AWAIT,
    WAIT_SHIELDED, /* an await that does not cancel */
    WAIT_GATHER,
    WAIT_GATHER_END, /* interrupted: until all have ended */
    WAIT_SOME,       /* of a set */
    WAIT_NEXT,       /* of a set, as they finish */
    WAIT_GROUP,
    WAIT_GROUP_END, /* interrupted, or the group is closed */
    WAIT_FUTURE,
    WAIT_LINE, /* for a lock, a semaphore, an event, a queue */
    WAIT_BARRIER,
    WAIT_CONDITION,
    WAIT_RELOCK /* notified or interrupted: until the lock is held */
};

/* Who waits, in order of coming. */
struct line {
    int count;
    int tasks[TASKS];
};

enum model_scope_kind { SCOPE_TIMEOUT, SCOPE_SHIELD, SCOPE_GROUP };

struct model_scope {
    enum model_scope_kind kind;
    int reason; /* what the points inside answer; 0: they work */
    bool expired;
    unsigned serial; /* tells its timer from earlier ones */
};

struct model_group {
    int owner, scope; /* scope: its place in the owner's */
    bool open, aborting, waiting, waited, left_early;
    int unfinished, first_error, errors;
};

/* A wait for many tasks: gather, wait, as_completed. */
struct model_set {
    enum set_kind {
        SET_RESULTS,    /* gather, errors are results */
        SET_NO_ERROR,   /* gather, the first error ends it */
        SET_FIRST,      /* wait for one */
        SET_FAILURE,    /* wait for one that fails */
        SET_ALL,        /* wait for all */
        SET_COMPLETIONS /* as_completed */
    } kind;
    int count, left;                  /* left: not finished */
    int refused;                      /* why a handle was bad */
    int first_error;                  /* a cancel is one for gather only */
    int tasks[TASKS], results[TASKS]; /* NOBODY: a bad handle */
    unsigned serial;                  /* 0: it is over */

    /* of as_completed */
    bool expired;
    int finished_count, given;
    int finished[TASKS];
};

/* Who is told of a task's end. */
struct watcher {
    enum { AWAITER, ITS_GROUP, SET_OWNER } kind;
    int task, entry;
    unsigned serial;
};

struct model_task {
    enum { UNBORN, READY, RUNNING, PARKED, FINISHED } state;
    const struct step *step; /* what it is doing, for people */
    bool leaves;             /* it is at the end of that block */
    bool always_start;
    int round; /* the model's when it was created */
    int cancelling;
    int depth;
    struct model_scope scopes[SCOPES];

    /* its present wait */
    enum wait wait;
    unsigned serial;   /* of the wait */
    int thing;         /* the task, group, future ... it waits for */
    struct line *line; /* NULL: in none */
    int pending;       /* what was pending when an await began */
    int reason;        /* of an interruption, or what it was handed */
    int item;          /* that it puts or was given */
    int result;        /* of the work or the future */
    struct model_set set;

    int answer; /* of the call that it is in */

    /* its end */
    int outcome;
    bool held, seen;
    int group; /* NOBODY: none */
    int watcher_count;
    struct watcher watchers[WATCHERS];
};

struct model_event {
    enum {
        RESUME,
        CHILD_DONE,
        SET_DONE, /* a task of a set */
        SLEPT,
        WORKED,
        EXPIRED,
        SET_EXPIRED
    } kind;
    int task, entry; /* entry: of a set; of a scope */
    unsigned serial;
};

struct model_timer {
    int when;
    struct model_event event;
};

struct model_queue {
    enum { FIFO, LIFO, BY_PRIORITY } order;
    bool closed;
    int maxsize; /* 0: no limit */
    int count, unfinished;
    int items[ITEMS];
    struct line getters, putters, joiners;
};

struct model_lock {
    bool locked;
    struct line waiters;
};

struct model {
    struct model_task tasks[TASKS];
    int created_count, created[TASKS]; /* in order of creation */
    int group_count;
    struct model_group groups[GROUPS];

    struct model_lock locks[OBJECTS], own_locks[OBJECTS];
    struct {
        int value;
        struct line waiters;
    } semaphores[OBJECTS];
    struct {
        bool set;
        struct line waiters;
    } events[OBJECTS];
    struct model_queue queues[QUEUES];
    struct {
        enum { PENDING, DONE, CANCELLED } state;
        int result;
        struct line waiters;
    } futures[OBJECTS];
    struct {
        struct line waiters;
        struct model_lock *lock;
    } conditions[OBJECTS];
    struct {
        bool broken;
        int parties;
        struct line waiters;
    } barriers[OBJECTS];

    int running; /* the task that runs; NOBODY: one has suspended */
    int now;     /* seconds */
    int round;   /* of the run's end: see run.c */
    bool stuck;  /* everything waited for ever */
    unsigned serials;
    int head, pass_end, tail; /* of the queue of events */
    int timer_count, work_count;

    /* as far as the counts above say; the rest is never looked at */
    struct model_event queue[EVENTS];
    struct model_timer timers[TIMERS], works[TASKS];
};

/* Ends the process with a sentence. The model's user has to bring it. */
_Noreturn void model_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

void model_init(struct model *model);

/* ---- whose turn it is ---- */

/* A task's function begins, and returns. */
void model_begins(struct model *model, int task, const struct step *step);
void model_returns(struct model *model, int outcome);

/* The call that the model was told of last by `task` has answered. */
void model_answered(struct model *model, int task, int answer);

/* The same for a call without an answer. */
void model_went_on(struct model *model, int task);

/* What a call has to return that does not suspend. */
void model_compare(const struct model *model, const char *what, int actual,
    int wanted);

/* The clock shows that time. */
void model_clock(const struct model *model, int64_t now_ns);

/* The run is over. */
void model_ended(struct model *model, int result);

/* How many errors of a task, or of a group of his, have to be reported. */
int model_reports(const struct model *model, int task);

/* What a task is doing, in words. `text` has room for STORY_TEXT characters. */
enum { STORY_TEXT = STEP_TEXT + 32 };
const char *model_doing(const struct model *model, int task, char *text);

/* What the suspension points of a task answer; 0: they work. */
int model_pending(const struct model *model, int task);

/* ---- what the running task calls ---- */

/* Whether it can be started, in a group or in none (NOBODY). */
bool model_spawn(struct model *model, int task, int group,
    const struct task *options);
bool model_cancel(struct model *model, int task);
int model_uncancel(struct model *model, int task);
void model_detach(struct model *model, int task);
void model_await(struct model *model, int task);
void model_wait_for(struct model *model, int task, int seconds);
void model_await_shielded(struct model *model, int task);

/* The set of the running task: gather and wait use it up. */
void model_set(struct model *model, enum set_kind kind, const int *tasks,
    int count);
void model_gather(struct model *model);
void model_wait(struct model *model, int seconds);
int model_as_completed_open(struct model *model, int seconds);
void model_as_completed_next(struct model *model);
void model_as_completed_close(struct model *model);

void model_sleep(struct model *model, int seconds);
void model_work(struct model *model);

void model_timeout_open(struct model *model, int seconds);
bool model_timeout_close(struct model *model);
int model_reschedule(struct model *model, int scope, int seconds);
void model_shield_open(struct model *model);
void model_shield_close(struct model *model);

int model_group_open(struct model *model);
void model_group_wait(struct model *model, int group);
void model_group_close(struct model *model, int group);
void model_group_closed(struct model *model, int group);
void model_group_cancel(struct model *model, int group);

void model_acquire(struct model *model, struct model_lock *lock);
void model_release(struct model *model, struct model_lock *lock);
void model_semaphore_acquire(struct model *model, int semaphore);
void model_semaphore_release(struct model *model, int semaphore);
void model_event_set(struct model *model, int event);
void model_event_clear(struct model *model, int event);
void model_event_wait(struct model *model, int event);

/* Of an item: the smallest comes out first. */
int model_priority(int item);

void model_put(struct model *model, int queue, int item);
int model_put_nowait(struct model *model, int queue, int item);
void model_get(struct model *model, int queue);
int model_get_nowait(struct model *model, int queue);
int model_task_done(struct model *model, int queue);
void model_queue_join(struct model *model, int queue);
void model_queue_close(struct model *model, int queue);

int model_future_set(struct model *model, int future, int result);
bool model_future_cancel(struct model *model, int future);
void model_future_await(struct model *model, int future);

void model_condition_wait(struct model *model, int condition);
int model_notify(struct model *model, int condition, int n);
void model_barrier_wait(struct model *model, int barrier);
void model_barrier_break(struct model *model, int barrier, bool broken);

#endif
