/* SPDX-License-Identifier: MIT */
/* program.h - a small concurrent program, as data
 *
 * Idea.       A program is a table of tasks, each a short list of steps. It is
 *             made of a seed, can be printed, and stays a program whatever is
 *             taken out of it: that is what makes a failure small.
 * Blocks.     A step that opens a block (a time limit, a held lock, a group)
 *             says how many of the steps after it lie inside; one that reaches
 *             beyond the block around it ends with that.
 * Skipped.    What makes no sense when it is reached is passed over: a task is
 *             started once at most, and who waits for a condition has to hold
 *             its lock.
 * Ending.     Every program ends once all its tasks are cancelled: tasks await
 *             later ones of the table only, a shield has a time limit, the
 *             cancel at the end of the run is not taken back, and who holds
 *             the lock of a condition (for which others may wait blind to
 *             cancels) waits for no task and for no second such lock; nor is
 *             one taken once the run ends, by a task that nobody cancels yet.
 */
#ifndef ACIO_FUZZ_PROGRAM_H
#define ACIO_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    TASKS = 10,  /* the first is the main task */
    STEPS = 20,  /* of a task, at most */
    OBJECTS = 2, /* of each kind */
    QUEUES = 4,
    FOREVER = 3 /* of a wait, for seconds */
};

enum step_kind {
    PASS, /* does nothing */
    SPAWN,
    SPAWN_IN_GROUP,
    SPAWN_BESIDE,
    CANCEL,
    UNCANCEL,
    DETACH,
    AWAIT,
    AWAIT_SHIELDED,
    WAIT_FOR,
    GATHER,
    GATHER_RESULTS,
    WAIT_FIRST,
    WAIT_FAILURE,
    WAIT_ALL,
    AS_COMPLETED,
    SLEEP,
    WORK,
    TIMEOUT,
    RESCHEDULE,
    SHIELD,
    GROUP,
    GROUP_CANCEL,
    LOCK,
    SEMAPHORE,
    EVENT_SET,
    EVENT_CLEAR,
    EVENT_WAIT,
    PUT,
    PUT_NOWAIT,
    GET,
    GET_NOWAIT,
    TASK_DONE,
    QUEUE_JOIN,
    QUEUE_CLOSE,
    FUTURE_SET,
    FUTURE_FAIL,
    FUTURE_CANCEL,
    FUTURE_AWAIT,
    CONDITION,
    CONDITION_WAIT,
    NOTIFY,
    BARRIER_WAIT,
    BARRIER_ABORT,
    BARRIER_RESET,
    RETURN,
    FAIL,
    STEP_KINDS
};

struct step {
    uint8_t kind;   /* enum step_kind */
    uint8_t target; /* a task, an object of its kind, or seconds */
    uint8_t number; /* seconds, a result, or a set of tasks */
    uint8_t inside; /* of a block: the steps in it */
    bool go_on;     /* after an error; otherwise the block is left with it */
};

struct task {
    bool always_start, eager;
    int count;
    struct step steps[STEPS];
};

struct program {
    uint64_t seed;
    int count;
    struct task tasks[TASKS];
};

void program_make(struct program *program, uint64_t seed);
void program_print(const struct program *program, FILE *out);

/* The step in words; `text` has room for STEP_TEXT characters. */
enum { STEP_TEXT = 64 };
void step_describe(const struct step *step, char *text);

/* Without the step itself; what was inside stays. */
void program_drop_step(struct program *program, int task, int step);

/* Where the block of a step ends, in a block that ends at `end`. */
int step_block_end(const struct task *task, int step, int end);

/* Of a step of `task`: its number may be a set, of those after it. */
bool step_has_set(const struct step *step);
bool step_names_task(const struct step *step, int task, int named);

bool step_is_block(const struct step *step);

#endif
