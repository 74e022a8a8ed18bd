/* SPDX-License-Identifier: MIT */
/* What the parts of the model share. */
#ifndef ACIO_FUZZ_MODEL_INSIDE_H
#define ACIO_FUZZ_MODEL_INSIDE_H

#include <errno.h>

#include "model.h"

/* ---- model.c ---- */

void model_happens(struct model *model, struct model_event event);
void model_at(struct model *model, int when, struct model_event event);

/* The running task suspends, until model_wake. */
struct model_task *model_park(struct model *model, enum wait wait, int thing);

/* The running task's call answers without suspending. */
void model_at_once(struct model *model, int answer);

/* The same where something is pending: then it answers that. */
bool model_interrupted(struct model *model);

void model_wake(struct model *model, int task);

/* Interrupts a task that waits, if something is pending. */
void model_reconsider(struct model *model, int task);

/* The same, and the first event of all brings it back. */
void model_give_way(struct model *model);

/* ---- model_task.c and model_set.c ---- */

void model_finish(struct model *model, int task, int outcome);
void model_child_done(struct model *model, int task);
void model_set_done(struct model *model, const struct model_event *event);
void model_set_expire(struct model *model, const struct model_event *event);
void model_expire(struct model *model, const struct model_event *event);

/* 0, or why a task cannot be waited for; then its handle has ended. */
int model_refusal(const struct model *model, int task);
void model_take_outcome(struct model *model, int task);
void model_watch(struct model *model, int task, struct watcher watcher);

/* A task is at the front: true where it goes on with an answer, false where
 * it waits for more. */
bool model_await_over(struct model *model, int task);
bool model_shielded_over(struct model *model, int task);
bool model_wait_over(struct model *model, int task);
bool model_gather_over(struct model *model, int task);
bool model_group_over(struct model *model, int task);

/* ---- model_sync.c ---- */

void line_join(struct line *line, int task);
void line_leave(struct line *line, int task);

/* From the line of a condition to that of its lock. */
void model_relock(struct model *model, int task);
bool model_condition_over(struct model *model, int task);

#endif
