/* SPDX-License-Identifier: MIT */
/* Semaphores: who waits, who is served, and what an interruption leaves. */
#include "sync_parts.h"

struct visit_args {
    acio_semaphore *semaphore;
    char who;
    double seconds;
};

/* Notes the coming in, "a(", and the going out, "a) "; "a! " where either was
 * interrupted. */
static int
visit(void *arg)
{
    struct visit_args *a = arg;
    ACIO_ACQUIRED(err, a->semaphore);
    if (err < 0) {
        note("%c! ", a->who);
        return err;
    }
    note("%c(", a->who);
    err = acio_sleep(a->seconds);
    note(err < 0 ? "%c)! " : "%c) ", a->who);
    return err;
}

SPEC(semaphore, serves_those_who_wait_in_order_of_coming)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    start(visit, .semaphore = &semaphore, .who = 'a');
    start(visit, .semaphore = &semaphore, .who = 'b');
    start(visit, .semaphore = &semaphore, .who = 'c');
    settle();
    EXPECT_NOTED("");
    acio_semaphore_release(&semaphore);
    finish();
    EXPECT_NOTED("a(a) b(b) c(c) ");
    ALWAYS(semaphore.value == 1);
}

struct take_one_args {
    acio_semaphore *semaphore;
    char who;
};

/* Acquires it for good. */
static int
take_one(void *arg)
{
    struct take_one_args *a = arg;
    int err = acio_semaphore_acquire(a->semaphore);
    note(err < 0 ? "%c! " : "%c ", a->who);
    return err;
}

SPEC(semaphore, released_many_times_gives_as_many_their_turn_at_once)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    for (char who = 'a'; who < 'f'; who++)
        start(take_one, .semaphore = &semaphore, .who = who);
    settle();
    for (int i = 0; i < 4; i++)
        acio_semaphore_release(&semaphore);
    EXPECT_ERR(acio_sleep(0), 0); /* one pass of the loop */
    EXPECT_NOTED("a b c d ");
    acio_semaphore_release(&semaphore);
    acio_semaphore_release(&semaphore);
    finish();
    EXPECT_NOTED("e ");
    EXPECT_EQ(semaphore.value, 1);
}

SPEC(semaphore, goes_to_who_waits_and_not_to_who_comes_later)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    start(visit, .semaphore = &semaphore, .who = 'a');
    settle();
    acio_semaphore_release(&semaphore);
    EXPECT(acio_semaphore_locked(&semaphore));
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), 0);
    EXPECT_NOTED("a(a) ");
}

SPEC(semaphore, names_what_its_waiting_tasks_wait_for)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_task *task = acio_create_task(take_one, .semaphore = &semaphore);
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "semaphore.acquire");
    acio_semaphore_release(&semaphore);
    EXPECT_ERR(acio_await(task), 0);
}

/* ---- interruptions ---- */

SPEC(semaphore, goes_past_a_task_that_was_cancelled_while_it_waited)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_task *gone = acio_create_task(visit, .semaphore = &semaphore,
        .who = 'a');
    start(visit, .semaphore = &semaphore, .who = 'b');
    settle();
    acio_cancel(gone);
    acio_semaphore_release(&semaphore);
    finish();
    EXPECT_NOTED("a! b(b) ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    ALWAYS(semaphore.value == 1);
}

SPEC(semaphore, of_a_task_that_was_cancelled_after_its_turn_goes_to_the_next)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_task *late = acio_create_task(visit, .semaphore = &semaphore,
        .who = 'a');
    start(visit, .semaphore = &semaphore, .who = 'b');
    settle();
    acio_semaphore_release(&semaphore);
    acio_cancel(late);
    finish();
    EXPECT_NOTED("a(a)! b(b) ");
    EXPECT_ERR(acio_await(late), -ECANCELED);
    ALWAYS(semaphore.value == 1);
}

struct murder_args {
    acio_semaphore *semaphore;
    acio_task *victim;
};

static int
murder(void *arg)
{
    struct murder_args *a = arg;
    acio_semaphore_release(a->semaphore);
    acio_cancel(a->victim);
    return 0;
}

SPEC(semaphore, is_of_use_when_its_releaser_cancels_the_only_one_who_waits)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_task *victim = acio_create_task(visit, .semaphore = &semaphore,
        .who = 'a');
    settle();
    start(murder, .semaphore = &semaphore, .victim = victim);
    finish();
    EXPECT_NOTED("a(a)! ");
    EXPECT_ERR(acio_await(victim), -ECANCELED);
    start(visit, .semaphore = &semaphore, .who = 'b');
    finish();
    EXPECT_NOTED("b(b) ");
    ALWAYS(semaphore.value == 1);
}

SPEC(semaphore, has_its_value_again_where_all_who_waited_were_cancelled)
{
    acio_semaphore semaphore = ACIO_BOUNDED_SEMAPHORE_INIT(2);
    semaphore.value = 0; /* as if two others were in */
    acio_task *tasks[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = acio_create_task(visit, .semaphore = &semaphore,
            .who = (char)('a' + i));
    settle();
    for (int i = 0; i < 4; i++)
        acio_cancel(tasks[i]);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EINVAL);
    finish();
    ALWAYS(semaphore.value == 2);
    EXPECT_NOTED("a! b! c! d! ");
    EXPECT_ERR(acio_gather(tasks, 4, NULL, ACIO_RETURN_EXCEPTIONS), 0);
}

SPEC(semaphore, wakes_those_behind_one_that_is_cancelled_among_many)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    start(take_one, .semaphore = &semaphore, .who = 'a');
    acio_task *gone = acio_create_task(take_one, .semaphore = &semaphore,
        .who = 'b');
    start(take_one, .semaphore = &semaphore, .who = 'c');
    start(take_one, .semaphore = &semaphore, .who = 'd');
    settle();
    acio_semaphore_release(&semaphore);
    acio_cancel(gone);
    acio_semaphore_release(&semaphore);
    settle();
    EXPECT_NOTED("a b! c ");
    acio_semaphore_release(&semaphore);
    finish();
    EXPECT_NOTED("d ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
}

SPEC(semaphore, is_not_acquired_by_a_task_that_was_cancelled_before)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(1);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), -ECANCELED);
    ALWAYS(semaphore.value == 1);
    acio_uncancel(acio_current_task());
}

SPEC_SIM(semaphore, is_waited_for_no_longer_than_up_to_a_deadline)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_timeout limit;
    acio_timeout_open(&limit, 0.5);
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), -ETIMEDOUT);
    EXPECT_ELAPSED(0.5);
    acio_timeout_close(&limit);
    acio_semaphore_release(&semaphore);
    ALWAYS(semaphore.value == 1);
}

static int
visit_often(void *arg)
{
    struct visit_args *a = arg;
    for (int i = 0; i < 3; i++) {
        ACIO_TIMEOUT(limit, 0.004);
        ACIO_ACQUIRED(err, a->semaphore);
        if (err == 0)
            err = acio_sleep(a->seconds);
        if (err < 0 && !acio_timeout_expired(&limit))
            return err;
    }
    return 0;
}

SPEC_SIM(semaphore, has_its_value_again_whatever_deadlines_and_cancels_meet)
{
    acio_semaphore semaphore = ACIO_BOUNDED_SEMAPHORE_INIT(2);
    acio_task *tasks[8];
    for (int i = 0; i < 8; i++)
        tasks[i] = acio_create_task_with(visit_often,
            ACIO_ARGS(visit, .semaphore = &semaphore, .seconds = 0.001 * i),
            NULL);
    acio_sleep(0.002);
    acio_cancel(tasks[2]);
    acio_sleep(0.003);
    acio_cancel(tasks[5]);
    finish();
    EXPECT_ERR(acio_gather(tasks, 8, NULL, ACIO_RETURN_EXCEPTIONS), 0);
    ALWAYS(semaphore.value == 2);
}
