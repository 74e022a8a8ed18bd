/* SPDX-License-Identifier: MIT */
/* Conditions: what an interruption leaves. The lock is held when a wait ends,
 * however it ends, and no notification is lost. */
#include "sync_parts.h"

struct wait_args {
    acio_condition *condition;
    char who;
};

/* Notes "a " when it was notified and has the lock, "a! " where it was
 * interrupted, and has it all the same. */
static int
wait(void *arg)
{
    struct wait_args *a = arg;
    ACIO_CONDITION_LOCKED(err, a->condition);
    if (err < 0)
        return err;
    err = acio_condition_wait(a->condition);
    ALWAYS(acio_condition_locked(a->condition));
    note(err < 0 ? "%c! " : "%c ", a->who);
    return err;
}

static void
lock(acio_condition *condition)
{
    ACIO_SHIELD(shield);
    REQUIRE_ERR(acio_condition_acquire(condition), 0);
}

static void
notify(acio_condition *condition, int n)
{
    lock(condition);
    acio_condition_notify(condition, n);
    acio_condition_release(condition);
}

SPEC(condition, goes_past_a_task_that_was_cancelled_before_it_was_notified)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    start(wait, .condition = &condition, .who = 'b');
    settle();
    lock(&condition);
    acio_cancel(gone);
    EXPECT_EQ(acio_condition_notify(&condition, 1), 1);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("a! b ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, passes_the_notification_of_a_cancelled_task_on_to_another)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    start(wait, .condition = &condition, .who = 'b');
    start(wait, .condition = &condition, .who = 'c');
    settle();
    lock(&condition);
    EXPECT_EQ(acio_condition_notify(&condition, 1), 1);
    acio_cancel(gone);
    acio_condition_release(&condition);
    settle();
    EXPECT_NOTED("a! b ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    notify(&condition, 1);
    finish();
    EXPECT_NOTED("c ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, passes_on_the_notification_of_one_that_is_cancelled_at_last)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    start(wait, .condition = &condition, .who = 'b');
    settle();
    notify(&condition, 1);
    acio_cancel(gone); /* it has the lock, but has not run yet */
    finish();
    EXPECT_NOTED("a! b ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, passes_a_notification_on_past_several_that_are_cancelled)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = acio_create_task(wait, .condition = &condition,
            .who = (char)('a' + i));
    start(wait, .condition = &condition, .who = 'd');
    settle();
    lock(&condition);
    acio_condition_notify(&condition, 2);
    for (int i = 0; i < 3; i++)
        acio_cancel(tasks[i]);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("a! b! c! d ");
    EXPECT_ERR(acio_gather(tasks, 3, NULL, ACIO_RETURN_EXCEPTIONS), 0);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, wakes_nobody_for_a_cancelled_task_that_was_not_notified)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    start(wait, .condition = &condition, .who = 'b');
    settle();
    acio_cancel(gone);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    settle();
    EXPECT_NOTED("a! ");
    notify(&condition, 1);
    finish();
    EXPECT_NOTED("b ");
}

SPEC_SIM(condition, makes_a_cancelled_task_wait_for_the_lock)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    settle();
    lock(&condition);
    acio_cancel(gone);
    acio_cancel(gone);
    let_pass(1);
    EXPECT_NOTED("");
    EXPECT_TEXT(acio_task_waits_for(gone), "lock.acquire");
    acio_condition_release(&condition);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    EXPECT_NOTED("a! ");
    EXPECT_ELAPSED(1);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC_SIM(condition, does_not_swallow_a_cancel_that_comes_after_a_notification)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    settle();
    lock(&condition);
    acio_condition_notify(&condition, 1);
    let_pass(1);
    acio_cancel(gone);
    let_pass(1);
    EXPECT_NOTED("");
    acio_condition_release(&condition);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    EXPECT_NOTED("a! ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC_SIM(condition, has_its_lock_held_after_a_deadline)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    lock(&condition);
    {
        ACIO_TIMEOUT(limit, 0.5);
        EXPECT_ERR(acio_condition_wait(&condition), -ETIMEDOUT);
        EXPECT(acio_timeout_expired(&limit));
    }
    EXPECT_ELAPSED(0.5);
    ALWAYS(acio_condition_locked(&condition));
    EXPECT_ERR(acio_condition_release(&condition), 0);
}

static int
wait_for_half_a_second(void *arg)
{
    struct wait_args *a = arg;
    ACIO_CONDITION_LOCKED(err, a->condition);
    if (err < 0)
        return err;
    ACIO_TIMEOUT(limit, 0.5);
    err = acio_condition_wait(a->condition);
    ALWAYS(acio_condition_locked(a->condition));
    if (err == -ECANCELED)
        note("cancelled ");
    else
        note(err < 0 ? "late " : "in time ");
    return err == -ETIMEDOUT ? 0 : err;
}

SPEC_SIM(condition, passes_on_the_notification_of_one_whose_deadline_is_past)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *late = acio_create_task_with(wait_for_half_a_second,
        ACIO_ARGS(wait, .condition = &condition), NULL);
    start(wait, .condition = &condition, .who = 'b');
    settle();
    lock(&condition);
    EXPECT_EQ(acio_condition_notify(&condition, 1), 1);
    let_pass(1);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("late b ");
    EXPECT_ERR(acio_await(late), 0);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC_SIM(condition, answers_with_a_cancel_that_comes_after_a_deadline)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *gone = acio_create_task_with(wait_for_half_a_second,
        ACIO_ARGS(wait, .condition = &condition), NULL);
    settle();
    lock(&condition);
    let_pass(1);
    acio_cancel(gone);
    acio_condition_release(&condition);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    EXPECT_NOTED("cancelled ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, does_not_release_its_lock_for_a_task_that_was_cancelled_before)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    lock(&condition);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_condition_wait(&condition), -ECANCELED);
    ALWAYS(acio_condition_locked(&condition));
    EXPECT_ERR(acio_condition_release(&condition), 0);
    acio_uncancel(acio_current_task());
}

SPEC(condition, answers_a_cancel_that_was_taken_back_too_late)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *task = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    settle();
    lock(&condition);
    acio_cancel(task);
    acio_uncancel(task);
    acio_condition_release(&condition);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("a! ");
    ALWAYS(!acio_condition_locked(&condition));
}

/* ---- a store of goods ---- */

struct store {
    acio_condition condition;
    int goods, waiting, taken;
};

struct take_goods_args {
    struct store *store;
    int n;
};

static int
take_goods(void *arg)
{
    struct take_goods_args *a = arg;
    struct store *store = a->store;
    for (int i = 0; i < a->n; i++) {
        ACIO_CONDITION_LOCKED(err, &store->condition);
        while (err == 0 && store->goods == 0) {
            store->waiting++;
            err = acio_condition_wait(&store->condition);
            store->waiting--;
            ALWAYS(acio_condition_locked(&store->condition));
        }
        if (err < 0)
            return err;
        store->goods--;
        store->taken++;
        err = acio_sleep(0);
        if (err < 0)
            return err;
    }
    return 0;
}

struct bring_goods_args {
    struct store *store;
    int n;
};

static int
bring_goods(void *arg)
{
    struct bring_goods_args *a = arg;
    struct store *store = a->store;
    for (int i = 0; i < a->n; i++) {
        ACIO_CONDITION_LOCKED(err, &store->condition);
        if (err < 0)
            return err;
        store->goods++;
        acio_condition_notify(&store->condition, 1);
        err = acio_sleep(0);
        if (err < 0)
            return err;
    }
    return 0;
}

/* Whoever of them is cancelled, nobody waits while there is something. */
SPEC(condition, makes_nobody_wait_for_what_is_there_whoever_is_cancelled)
{
    struct store store = { .condition = ACIO_CONDITION_INIT };
    for (int i = 0; i < 3; i++)
        start(take_goods, .store = &store, .n = 3);
    start(bring_goods, .store = &store, .n = 4);
    start(bring_goods, .store = &store, .n = 4);
    settle();
    ALWAYS(store.goods == 0 || store.waiting == 0);
    ALWAYS(!acio_condition_locked(&store.condition));
    EXPECT_EQ(store.taken, 8);
    EXPECT_EQ(store.waiting, 1);
    store.goods = 100;
    notify(&store.condition, 100);
    finish();
    ALWAYS(!acio_condition_locked(&store.condition));
}

SPEC_SIM(condition, loses_no_notification_whatever_cancels_meet)
{
    for (int at = 0; at < 30; at++) {
        struct store store = { .condition = ACIO_CONDITION_INIT };
        acio_task *tasks[4];
        for (int i = 0; i < 4; i++)
            tasks[i] = acio_create_task(take_goods, .store = &store, .n = 3);
        start(bring_goods, .store = &store, .n = 6);
        for (int i = 0; i < at; i++)
            acio_sleep(0);
        acio_cancel(tasks[at % 4]);
        acio_cancel(tasks[at / 4 % 4]);
        settle();
        ALWAYS(store.goods == 0 || store.waiting == 0);
        ALWAYS(!acio_condition_locked(&store.condition));
        store.goods = 100;
        notify(&store.condition, 100);
        acio_gather(tasks, 4, NULL, ACIO_RETURN_EXCEPTIONS);
        finish();
        ALWAYS(!acio_condition_locked(&store.condition));
    }
    EXPECT(true);
}
