/* SPDX-License-Identifier: MIT */
/* shrink.h - the smallest program that fails in the same way */
#ifndef ACIO_FUZZ_SHRINK_H
#define ACIO_FUZZ_SHRINK_H

#include "program.h"

/* Does the program still fail? */
typedef bool program_judge(const struct program *program, void *user);

/* Makes a failing program smaller for as long as it fails. */
void program_shrink(struct program *program, program_judge *fails, void *user);

#endif
