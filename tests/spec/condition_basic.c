/* SPDX-License-Identifier: MIT */
/* Conditions: who is notified, who has the lock, and what is no use of one. */
#include <string.h>

#include "sync_parts.h"

struct wait_args {
    acio_condition *condition;
    char who;
    double seconds;
};

/* Notes "a " when it was notified and has the lock, which it keeps for some
 * seconds; "a! " where it was interrupted. */
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
    return err < 0 ? err : acio_sleep(a->seconds);
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

SPEC(condition, notifies_those_who_wait_in_order_of_coming)
{
    acio_condition condition;
    acio_condition_init(&condition, NULL);
    for (char who = 'a'; who < 'f'; who++)
        start(wait, .condition = &condition, .who = who);
    settle();
    notify(&condition, 1);
    settle();
    EXPECT_NOTED("a ");
    notify(&condition, 2);
    settle();
    EXPECT_NOTED("b c ");
    notify(&condition, 7);
    finish();
    EXPECT_NOTED("d e ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, says_how_many_it_notified)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    for (char who = 'a'; who < 'f'; who++)
        start(wait, .condition = &condition, .who = who);
    settle();
    lock(&condition);
    EXPECT_EQ(acio_condition_notify(&condition, 0), 0);
    EXPECT_EQ(acio_condition_notify(&condition, -1), 0);
    EXPECT_EQ(acio_condition_notify(&condition, 2), 2);
    EXPECT_EQ(acio_condition_notify_all(&condition), 3);
    EXPECT_EQ(acio_condition_notify_all(&condition), 0);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("a b c d e ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, remembers_no_notification_for_those_who_come_later)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    notify(&condition, 1);
    start(wait, .condition = &condition, .who = 'a');
    settle();
    EXPECT_NOTED("");
    notify(&condition, 1);
    finish();
    EXPECT_NOTED("a ");
}

SPEC(condition, lets_who_was_notified_go_on_once_the_lock_is_released)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(wait, .condition = &condition, .who = 'a');
    settle();
    lock(&condition);
    EXPECT_EQ(acio_condition_notify(&condition, 1), 1);
    settle();
    EXPECT_NOTED("");
    acio_condition_release(&condition);
    settle();
    EXPECT_NOTED("a ");
}

SPEC_SIM(condition, gives_the_lock_to_one_after_the_other)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    for (char who = 'a'; who < 'd'; who++)
        start(wait, .condition = &condition, .who = who, .seconds = 1);
    settle();
    notify(&condition, 3);
    settle();
    EXPECT_NOTED("a ");
    let_pass(1.5);
    EXPECT_NOTED("b ");
    finish();
    EXPECT_NOTED("c ");
    EXPECT_ELAPSED(3);
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, gives_the_lock_to_who_was_notified_before_who_comes_later)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(wait, .condition = &condition, .who = 'a');
    settle();
    lock(&condition);
    acio_condition_notify(&condition, 1);
    acio_condition_release(&condition);
    lock(&condition);
    EXPECT_NOTED("a ");
    acio_condition_release(&condition);
}

SPEC(condition, releases_its_lock_while_a_task_waits)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *task = acio_create_task(wait, .condition = &condition,
        .who = 'a');
    settle();
    EXPECT(!acio_condition_locked(&condition));
    EXPECT_TEXT(acio_task_waits_for(task), "condition.wait");
    lock(&condition);
    acio_condition_notify_all(&condition);
    EXPECT_TEXT(acio_task_waits_for(task), "lock.acquire");
    acio_condition_release(&condition);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("a ");
}

SPEC(condition, that_is_all_zero_has_a_lock_of_its_own)
{
    acio_condition condition;
    memset(&condition, 0, sizeof condition);
    start(wait, .condition = &condition, .who = 'a');
    settle();
    notify(&condition, 1);
    finish();
    EXPECT_NOTED("a ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, may_share_its_lock_with_another)
{
    acio_lock shared = ACIO_LOCK_INIT;
    acio_condition one = ACIO_CONDITION_INIT_WITH(&shared), two;
    acio_condition_init(&two, &shared);
    start(wait, .condition = &one, .who = 'a');
    start(wait, .condition = &two, .who = 'b');
    settle();
    take(&shared);
    EXPECT(acio_condition_locked(&one) && acio_condition_locked(&two));
    EXPECT_EQ(acio_condition_notify_all(&two), 1);
    EXPECT_EQ(acio_condition_notify_all(&one), 1);
    acio_lock_release(&shared);
    finish();
    EXPECT_NOTED("b a ");
    ALWAYS(!acio_lock_locked(&shared));
}

SPEC(condition, allocates_nothing_for_those_who_wait)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(wait, .condition = &condition, .who = 'a');
    start(wait, .condition = &condition, .who = 'b');
    size_t before = spec_heap_allocations();
    settle();
    notify(&condition, 2);
    finish();
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_NOTED("a b ");
}

/* ---- wait_for ---- */

static int
at_least_3(void *arg)
{
    const int *number = arg;
    if (*number < 0)
        return *number;
    note("? ");
    return *number >= 3 ? *number : 0;
}

struct wait_for_3_args {
    acio_condition *condition;
    int *number;
};

static int
wait_for_3(void *arg)
{
    struct wait_for_3_args *a = arg;
    ACIO_CONDITION_LOCKED(err, a->condition);
    if (err < 0)
        return err;
    return acio_condition_wait_for(a->condition, at_least_3, a->number);
}

SPEC(condition, waits_until_a_predicate_is_true_and_says_what_it_answered)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    int number = 0;
    acio_task *task = acio_create_task(wait_for_3, .condition = &condition,
        .number = &number);
    for (number = 0; number < 3; number++) {
        settle();
        EXPECT_NOTED("? ");
        notify(&condition, 1);
    }
    EXPECT_EQ(acio_await(task), 3);
    EXPECT_NOTED("? ");
    ALWAYS(!acio_condition_locked(&condition));
}

SPEC(condition, does_not_wait_for_what_is_true_already)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    int number = 5;
    lock(&condition);
    EXPECT_EQ(acio_condition_wait_for(&condition, at_least_3, &number), 5);
    EXPECT_NOTED("? ");
    acio_condition_release(&condition);
}

SPEC(condition, ends_the_wait_with_an_error_of_its_predicate)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    int number = 0;
    acio_task *task = acio_create_task(wait_for_3, .condition = &condition,
        .number = &number);
    settle();
    number = -EIO;
    notify(&condition, 1);
    EXPECT_ERR(acio_await(task), -EIO);
    EXPECT_NOTED("? ");
    ALWAYS(!acio_condition_locked(&condition));
}

/* ---- misuse ---- */

SPEC(condition, is_of_no_use_without_its_lock)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    int number = 5;
    EXPECT_ERR(acio_condition_wait(&condition), -ACIO_ENOTLOCKED);
    EXPECT_ERR(acio_condition_wait_for(&condition, at_least_3, &number),
        -ACIO_ENOTLOCKED);
    EXPECT_ERR(acio_condition_notify(&condition, 1), -ACIO_ENOTLOCKED);
    EXPECT_ERR(acio_condition_notify_all(&condition), -ACIO_ENOTLOCKED);
    EXPECT_ERR(acio_condition_release(&condition), -ACIO_ENOTLOCKED);
    EXPECT_NOTED("");
}

static void
use_outside_of_a_task(void *arg)
{
    acio_condition *condition = arg;
    int number = 5;
    ACIO_CONDITION_LOCKED(err, condition);
    EXPECT_ERR(err, -ACIO_ENOTASK);
    EXPECT_ERR(acio_condition_acquire(condition), -ACIO_ENOTASK);
    EXPECT_ERR(acio_condition_wait(condition), -ACIO_ENOTASK);
    EXPECT_ERR(acio_condition_wait_for(condition, at_least_3, &number),
        -ACIO_ENOTASK);
    EXPECT_EQ(acio_condition_notify(condition, 1), 1);
}

SPEC(condition, may_be_notified_by_a_callback_which_cannot_wait)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(wait, .condition = &condition, .who = 'a');
    settle();
    lock(&condition);
    run_in_a_callback(use_outside_of_a_task, &condition);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("a ");
}

static int
use_from_another_loop(void *arg)
{
    acio_condition *condition = *(acio_condition **)arg;
    ACIO_TIMEOUT(now, 0);
    EXPECT_ERR(acio_condition_wait(condition), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_condition_notify(condition, 1), -ACIO_EFOREIGN);
    return 0;
}

SPEC(condition, belongs_to_the_loop_of_those_who_wait_for_it)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(wait, .condition = &condition, .who = 'a');
    settle();
    lock(&condition);
    run_in_another_loop(use_from_another_loop, &condition);
    EXPECT_EQ(acio_condition_notify_all(&condition), 1);
    acio_condition_release(&condition);
    finish();
    EXPECT_NOTED("a ");
}
