/* SPDX-License-Identifier: MIT */
/* task.h - tasks from the inside
 *
 * Idea.       A task is a coroutine that the loop resumes through a handle.
 *             Everything that waits is one of three:
 *
 *             in a list     its handle lies in the list of what it waits for
 *                           (a future, a lock, a queue); whoever wakes it moves
 *                           the handle to the ready queue
 *             for a task    an interruption cancels that task and the wait
 *                           goes on until it has ended
 *             for an op     an interruption cancels the op, and the wait goes
 *                           on until its completion
 *
 * Rule.       The first of wake-up and interruption wins: a task that was
 *             woken gets what it was woken for, and learns of a cancel at its
 *             next suspension point; one that was interrupted has left its
 *             list at that moment, so a wake-up goes to the next in line and
 *             none is lost.
 *
 * Memory.     The struct and the copied arguments lie at the high end of the
 *             task's stack, so that a parked task costs one page:
 *
 *                 low                                              high
 *                 [guard] stack grows this way <--- [arguments][acio_task]
 *
 * Handle.     What users hold is the address of the page, plus a number of 12
 *             bits that the task got when it was created: the address of a
 *             task that is gone is told from that of its successor. Stacks
 *             stay mapped as long as the loop lives, so looking is safe.
 */
#ifndef ACIOI_TASK_H
#define ACIOI_TASK_H

#include <acio/context.h>
#include <acio/future.h>
#include <acio/group.h>
#include <acio/scope.h>
#include <acio/task.h>

#include "base/list.h"
#include "coro/coro.h"
#include "coro/stack.h"
#include "engine/engine.h"

enum acioi_task_state {
    ACIOI_TASK_READY, /* its handle is in the ready queue */
    ACIOI_TASK_RUNNING,
    ACIOI_TASK_PARKED, /* its handle is in a list, or nowhere */
    ACIOI_TASK_FINISHED
};

/* See acioi_runtime_finish. */
enum { ACIOI_LAST_ROUND = 2 };

struct acioi_task;

/* What an interruption (a cancel, a deadline) does to a parked task. */
typedef void acioi_interrupt(struct acioi_task *task, int reason);

struct acioi_task {
    acio_handle handle; /* resumes it; see Idea */
    struct acioi_coro coro;
    struct acioi_runtime *runtime;
    struct acio_link link; /* in runtime->tasks, then in runtime->finished */

    /* from its creation */
    acio_function *function;
    void *args;
    const char *name, *place;
    char *own_name; /* of acio_task_set_name; NULL: none */
    acio_context *context;
    uint16_t number; /* of its handle */
    uint8_t round;   /* runtime->round at that time */
    bool always_start;

    /* while it is parked */
    acioi_interrupt *interrupt; /* NULL: cannot be interrupted */
    void *interrupted_thing;    /* for `interrupt` */
    const char *waits_for;      /* "queue.get" */
    const void *waits_on;       /* the queue */
    int reason;                 /* of the interruption; 0: woken */

    /* while it lives */
    struct acio_scope *scope; /* innermost */
    int pending;              /* what suspension points answer; 0: they work */
    int cancelling;
    unsigned budget; /* suspension points that may answer at once */
    uint8_t state;   /* enum acioi_task_state */

    /* its end */
    int result;
    bool held;      /* the handle has not ended */
    bool seen;      /* somebody took the result, or does not care */
    unsigned users; /* waits that will look at the result */
    struct acio_link done_handles; /* who is told, in order of coming */

    /* its group, if any */
    acio_group *group;
    struct acio_link group_link;
    acio_handle group_handle; /* tells the group that it is done */

    struct acio_generator *generator; /* whose values it gives; NULL: none */
};

/* The task layer's side of a loop. */
struct acioi_runtime {
    acio_loop *loop;
    struct acioi_coro main; /* the loop's own stack */
    struct acioi_stack_pool stacks;
    struct acioi_task *current;
    struct acioi_task *dead; /* has ended, and its stack was left just now */
    struct acioi_task *cancel_next; /* a cancel is passed on to it */
    struct acioi_task *until;       /* whose end the loop is run for */
    struct acio_link tasks;         /* not finished */
    struct acio_link finished;      /* finished, the handle still good */
    acio_context *context;          /* of callbacks and outside */
    unsigned task_count;            /* in `tasks` */
    bool finishing; /* what is left was cancelled: servers start no more */
    uint8_t round;  /* 0; 1 while they end; ACIOI_LAST_ROUND: none starts */
    uint16_t next_number;
    void *alternate_stack;     /* for signals; NULL: the thread had one */
    unsigned long suspensions; /* suspension points reached */
    unsigned long cancel_at;   /* the one at which to cancel; 0: none */
};

/* ---- finding out ---- */

/* The running task, or NULL. */
static inline struct acioi_task *
acioi_current(void)
{
    acio_loop *loop = acioi_running_loop;
    struct acioi_runtime *runtime = loop ? loop->runtime : NULL;
    return runtime ? runtime->current : NULL;
}

acio_task *acioi_task_handle(const struct acioi_task *task);

/* The task behind a handle; NULL with the reason in `*err`: -EINVAL for NULL,
 * -ACIO_EGONE, -ACIO_EFOREIGN, -ACIO_ENOLOOP. */
struct acioi_task *acioi_task_of(acio_task *handle, int *err);

/* ---- suspending ---- */

/* The start of every suspension point: 0, or why it cannot suspend. */
int acioi_check(struct acioi_task *task);

/* For a suspension point that has its answer at hand, be it that something is
 * pending: returns it. Lets the others run when the task's budget is used up,
 * so that neither a busy task starves them nor one that ignores its cancel. */
int acioi_spend(struct acioi_task *task, int answer);

/* Both at once: 0, or the pending reason. */
int acioi_checkpoint(void);

/* Parks the running task at the end of `list` (or in none) until acioi_wake.
 * 0, or the reason of an interruption, also of one that is already pending. */
int acioi_park(struct acio_link *list, const char *what, const void *object);

/* The same, blind to interruptions. */
void acioi_park_shielded(struct acio_link *list, const char *what,
    const void *object);

/* The general form: what an interruption does is the caller's affair, also one
 * that is already pending. The caller has counted the suspension point by
 * acioi_check. Returns task->reason. */
int acioi_park_with(struct acioi_task *task, acioi_interrupt *interrupt,
    const char *what, const void *object);

/* What a task's handle does: continues the task, on the loop's stack. */
void acioi_task_resume(void *arg);

/* The first thing and the last on a task's stack; the second does not return.
 * The compiler is not told so: it makes a jump of a last call that might
 * return, and a call would mislead the processor (switch_x86_64.S). */
void acioi_task_begin(struct acioi_task *task);
void acioi_task_exit(struct acioi_task *task);

/* Makes a parked task ready; does nothing to one that is not parked. */
void acioi_wake(struct acioi_task *task);

/* Makes a parked task the next one to run, for one who parks at once. */
void acioi_wake_next(struct acioi_task *task);

/* Runs a task that was created just now, from there, up to its first
 * suspension; then who created it goes on. */
void acioi_task_start_eagerly(struct acioi_task *task);

/* The usual interruption: wake the task with a reason. */
void acioi_interrupt_wake(struct acioi_task *task, int reason);

/* Wakes the first task of a list of parked ones; NULL where it is empty. */
struct acioi_task *acioi_wake_first(struct acio_link *list);

/* Runs, or wakes, everybody in a list of handles, in order. */
void acioi_handles_fire(acio_loop *loop, struct acio_link *handles);

/* Counts the scopes and cancels of a task anew, and interrupts it if they say
 * so; the other does no more than count. */
void acioi_task_reconsider(struct acioi_task *task);
void acioi_task_recount(struct acioi_task *task);

/* ---- life ---- */

struct acioi_task *acioi_task_create(struct acioi_runtime *runtime,
    acio_function *f, struct acio_args args,
    const struct acio_task_options *options);

/* The task whose stack has this high end. */
struct acioi_task *acioi_task_on_stack(void *high);

/* Waits, blind to interruptions, until the task has finished. */
void acioi_task_join(struct acioi_task *task, const char *what);

/* ---- who waits for whom ---- */

/* What tasks wait for in acio_await and in acio_gather. */
extern const char acioi_awaits[], acioi_gathers[];

/* Could `by`, for whom `self` is about to wait, not end before `self` does? */
bool acioi_task_is_waited_for(const struct acioi_task *self,
    const struct acioi_task *by);

/* The next task, from `*from` on, of the gather in which `waiter` is parked;
 * NULL: there is no other. */
const struct acioi_task *acioi_gather_task(const struct acioi_task *waiter,
    size_t *from);

/* Ends the handle: the memory goes once nobody uses the task. */
void acioi_task_let_go(struct acioi_task *task);

/* Ends the use of a task whose `users` the caller had increased. */
void acioi_task_unuse(struct acioi_task *task);

/* Schedules `handle` for when the task has finished, or now. */
void acioi_task_tell(struct acioi_task *task, acio_handle *handle,
    acio_callback *callback, void *arg);

bool acioi_task_cancel(struct acioi_task *task);

/* ---- scopes ---- */

enum acioi_scope_kind {
    ACIOI_SCOPE_TIMEOUT,
    ACIOI_SCOPE_SHIELD,
    ACIOI_SCOPE_GROUP
};

/* 0, or -ACIO_ENOTASK with scope->task NULL. */
int acioi_scope_open(struct acio_scope *scope, enum acioi_scope_kind kind);
/* False where it was not open. */
bool acioi_scope_close(struct acio_scope *scope);

/* ---- contexts ---- */

acio_context *acioi_context_share(acio_context *context);

/* ---- the runtime ---- */

int acioi_runtime_open(struct acioi_runtime *runtime, acio_loop *loop,
    size_t stack_bytes);
void acioi_runtime_close(struct acioi_runtime *runtime);

/* Runs passes until `task` has finished; a negative error of the loop. */
int acioi_runtime_run(struct acioi_runtime *runtime, struct acioi_task *task);

/* Cancels every task and runs until none is left. */
int acioi_runtime_finish(struct acioi_runtime *runtime);

/* Names the task whose stack overflows, before the process dies of it. */
int acioi_overflow_open(struct acioi_runtime *runtime);
void acioi_overflow_close(struct acioi_runtime *runtime);

/* ---- reports and debug mode ---- */

extern const struct acioi_layer acioi_task_layer;

/* Tells the exception handler that a task's error was lost. */
void acioi_task_report(struct acioi_task *task, const char *message);
/* The same, if it was. */
void acioi_task_report_lost(struct acioi_task *task);
/* Tells of the tasks that can never end, and of the errors kept with them. */
void acioi_runtime_report_stuck(struct acioi_runtime *runtime);

/* -ACIO_ENOTASK; in debug mode it is reported that `what` was refused. */
int acioi_no_task(const char *what);

/* NULL; in debug mode it is reported why. */
struct acioi_task *acioi_task_refuse(struct acioi_runtime *runtime,
    acio_function *f, const struct acio_task_options *options);

/* For a task that has ended when the run ends: in debug mode it is reported
 * where nobody has ended its handle. */
void acioi_task_check_handle(const struct acioi_task *task);

#endif
