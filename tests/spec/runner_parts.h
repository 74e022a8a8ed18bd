/* SPDX-License-Identifier: MIT */
/* Runners on the back end, and with the torture, of the test. */
#ifndef ACIO_TESTS_RUNNER_PARTS_H
#define ACIO_TESTS_RUNNER_PARTS_H

#include <stdlib.h>

#include "task_parts.h"

static const struct acio_args no_args;
static unsigned long runner_suspensions;

static inline acio_runner *
open_runner(void)
{
    const char *name = getenv("ACIO_BACKEND");
    struct acio_run_options options = {
        .backend = name && *name ? name : "sim",
        .cancel_at = spec_torture_n(SPEC_TORTURE_CANCEL),
        .suspensions_out = &runner_suspensions,
    };
    acio_runner *runner = NULL;
    int err = acio_runner_open(&runner, &options);
    if (err == -ENOSYS || err == -EPERM)
        SKIP("this machine lacks the back end");
    REQUIRE_ERR(err, 0);
    return runner;
}

static inline void
close_runner(acio_runner *runner)
{
    EXPECT_ERR(acio_runner_close(runner), 0);
    unsigned long n = spec_torture_n(SPEC_TORTURE_CANCEL);
    if (n && runner_suspensions >= n)
        spec_torture_reached();
}

#endif
