/* SPDX-License-Identifier: MIT */
/* run.h - a program on the library, beside the model */
#ifndef ACIO_FUZZ_RUN_H
#define ACIO_FUZZ_RUN_H

#include "program.h"

enum outcome_kind { OUTCOME_OK, OUTCOME_CANCELED, OUTCOME_TIMEDOUT, OUTCOMES };

/* What has been tried so far. */
struct run_stats {
    uint64_t programs, steps, deadlocks;
    uint64_t answers[STEP_KINDS][OUTCOMES]; /* other errors are left out */
};

/* Runs the program and returns if the library did what the model says;
 * otherwise model_fail ends the process. Steps and their answers are written
 * to `trace`, unless it is NULL. */
void run_program(const struct program *program, struct run_stats *stats,
    FILE *trace);

#endif
