/* SPDX-License-Identifier: MIT */
/* Shields: blocks that no cancel and no outer deadline interrupts. */
#include "task_parts.h"

SPEC_SIM(shield, hides_a_cancel_up_to_its_end)
{
    acio_shield shield;
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_shield_open(&shield), 0);
    EXPECT_ERR(acio_sleep(1), 0);
    EXPECT_ELAPSED(1);
    acio_shield_close(&shield);
    EXPECT_ERR(acio_sleep(1), -ECANCELED);
    acio_uncancel(acio_current_task());
}

SPEC_SIM(shield, keeps_a_cancel_from_a_task_that_waits_in_it)
{
    acio_task *task = acio_create_task(stubborn, .seconds = 2, .result = 6);
    settle();
    EXPECT(acio_cancel(task));
    EXPECT_EQ(acio_await(task), 6);
    EXPECT_ELAPSED(2);
}

SPEC_SIM(shield, hides_a_deadline_outside_of_it)
{
    acio_timeout limit;
    acio_shield shield;
    acio_timeout_open(&limit, 1);
    acio_shield_open(&shield);
    EXPECT_ERR(acio_sleep(3), 0);
    EXPECT(acio_timeout_expired(&limit));
    acio_shield_close(&shield);
    EXPECT_ERR(acio_sleep(3), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(3);
}

SPEC_SIM(shield, does_not_hide_a_deadline_inside_of_it)
{
    acio_shield shield;
    acio_timeout limit;
    acio_shield_open(&shield);
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_sleep(3), -ETIMEDOUT);
    acio_timeout_close(&limit);
    acio_shield_close(&shield);
    EXPECT_ELAPSED(1);
}

SPEC_SIM(shield, between_two_deadlines_lets_the_inner_one_through)
{
    acio_timeout outer, inner;
    acio_shield shield;
    acio_timeout_open(&outer, 1);
    acio_shield_open(&shield);
    acio_timeout_open(&inner, 2);
    EXPECT_ERR(acio_sleep(10), -ETIMEDOUT);
    EXPECT_ELAPSED(2);
    acio_timeout_close(&inner);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_shield_close(&shield);
    EXPECT_ERR(acio_sleep(1), -ETIMEDOUT);
    acio_timeout_close(&outer);
}

SPEC_SIM(shield, may_lie_in_a_shield)
{
    acio_shield outer, inner;
    acio_cancel(acio_current_task());
    acio_shield_open(&outer);
    acio_shield_open(&inner);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_shield_close(&inner);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_shield_close(&outer);
    acio_shield_close(&outer);
    EXPECT_ERR(acio_sleep(1), -ECANCELED);
    acio_uncancel(acio_current_task());
}

struct await_shielded_args {
    acio_task *task;
};

static int
await_shielded(void *arg)
{
    struct await_shielded_args *a = arg;
    ACIO_SHIELD(shield);
    int result = acio_await(a->task);
    return result;
}

SPEC_SIM(shield, keeps_a_cancel_from_the_task_that_is_awaited_in_it)
{
    acio_task *inner = acio_create_task(work, .seconds = 3, .result = 5);
    acio_task *outer = acio_create_task(await_shielded, .task = inner);
    settle();
    acio_cancel(outer);
    EXPECT_EQ(acio_await(outer), 5);
    EXPECT_ELAPSED(3);
}

static int
clean_up(void *arg)
{
    (void)arg;
    int err = acio_sleep(1000);
    {
        ACIO_SHIELD(shield);
        ACIO_TIMEOUT(limit, 5);
        int late = acio_sleep(2);
        note(late == 0 ? "clean " : "dirty ");
    }
    return err;
}

SPEC_SIM(shield, lets_a_cancelled_task_clean_up)
{
    acio_task *task = acio_create_task(clean_up);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("clean ");
    EXPECT_ELAPSED(2);
}
