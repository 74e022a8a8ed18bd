/* SPDX-License-Identifier: MIT */
/* sigint.h - Ctrl-C asks the main task of a run to end; sigint.c says how */
#ifndef ACIOI_SIGINT_H
#define ACIOI_SIGINT_H

#include "task/task.h"

/* For one run. All zero: the signal is left alone. */
struct acioi_sigint {
    struct acioi_task *task; /* to be cancelled */
    acio_handle handle;      /* does that */
    bool armed;
    bool heard; /* `task` was cancelled because of it */
};

/* Takes the signal where that is the rule (acio/runner.h, Ctrl-C). */
void acioi_sigint_arm(struct acioi_sigint *sigint, struct acioi_task *task);

/* Puts the default back. A signal that came as the task was ending, and that
 * the loop has not seen, has nothing left to do. */
void acioi_sigint_disarm(struct acioi_sigint *sigint);

/* When the loop is closed, which has put back what it found. */
void acioi_sigint_forget(void);

#endif
