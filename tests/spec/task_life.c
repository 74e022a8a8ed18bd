/* SPDX-License-Identifier: MIT */
/* Tasks: created, awaited, gone. */
#include "acio_spec.h"

static int
answer(void *arg)
{
    (void)arg;
    return 42;
}

SPEC(task, gives_its_result_to_who_awaits_it)
{
    acio_task *task = acio_create_task(answer);
    EXPECT_EQ(acio_await(task), 42);
}

SPEC_SIM(task, sleeps_for_exactly_as_long_as_it_asked)
{
    EXPECT_ERR(acio_sleep(0.25), 0);
    EXPECT_ELAPSED(0.25);
}
