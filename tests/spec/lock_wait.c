/* SPDX-License-Identifier: MIT */
/* Locks: who waits, who is served, and what an interruption leaves. */
#include "sync_parts.h"

struct visit_args {
    acio_lock *lock;
    char who;
    double seconds;
};

/* Notes the coming into the lock, "a(", and the leaving of it, "a) "; "a! "
 * where either was interrupted. */
static int
visit(void *arg)
{
    struct visit_args *a = arg;
    ACIO_LOCKED(err, a->lock);
    if (err < 0) {
        note("%c! ", a->who);
        return err;
    }
    note("%c(", a->who);
    err = acio_sleep(a->seconds);
    note(err < 0 ? "%c)! " : "%c) ", a->who);
    return err;
}

SPEC(lock, serves_those_who_wait_in_order_of_coming)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    start(visit, .lock = &lock, .who = 'a', .seconds = 0.001);
    start(visit, .lock = &lock, .who = 'b');
    start(visit, .lock = &lock, .who = 'c', .seconds = 0.001);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_lock_release(&lock), 0);
    finish();
    EXPECT_NOTED("a(a) b(b) c(c) ");
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, stays_held_while_it_is_handed_over)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    start(visit, .lock = &lock, .who = 'a');
    settle();
    acio_lock_release(&lock);
    EXPECT(acio_lock_locked(&lock));
    finish();
    EXPECT_NOTED("a(a) ");
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, goes_to_who_waits_and_not_to_who_releases_and_acquires_again)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    start(visit, .lock = &lock, .who = 'a');
    settle();
    acio_lock_release(&lock);
    take(&lock);
    note("self ");
    EXPECT_NOTED("a(a) self ");
    acio_lock_release(&lock);
}

SPEC(lock, names_what_its_waiting_tasks_wait_for)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_task *task = acio_create_task(visit, .lock = &lock, .who = 'a');
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "lock.acquire");
    acio_lock_release(&lock);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("a(a) ");
}

struct acquire_for_ever_args {
    acio_lock *lock;
    long *rounds;
};

static int
acquire_for_ever(void *arg)
{
    struct acquire_for_ever_args *a = arg;
    for (;; ++*a->rounds) {
        ACIO_LOCKED(err, a->lock);
        if (err < 0)
            return err;
    }
}

SPEC(lock, lets_others_run_even_if_it_never_makes_its_caller_wait)
{
    acio_lock lock = ACIO_LOCK_INIT;
    long rounds = 0;
    acio_task *busy = acio_create_task(acquire_for_ever, .lock = &lock,
        .rounds = &rounds);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT(rounds > 1);
    EXPECT(!acio_lock_locked(&lock));
    acio_cancel(busy);
    EXPECT_ERR(acio_await(busy), -ECANCELED);
    ALWAYS(!acio_lock_locked(&lock));
}

/* ---- interruptions ---- */

SPEC(lock, goes_past_a_task_that_was_cancelled_while_it_waited)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_task *gone = acio_create_task(visit, .lock = &lock, .who = 'a');
    start(visit, .lock = &lock, .who = 'b');
    settle();
    acio_cancel(gone);
    acio_lock_release(&lock);
    finish();
    EXPECT_NOTED("a! b(b) ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, of_a_task_that_was_cancelled_after_its_turn_goes_on_to_the_next)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_task *late = acio_create_task(visit, .lock = &lock, .who = 'a');
    start(visit, .lock = &lock, .who = 'b');
    settle();
    acio_lock_release(&lock);
    acio_cancel(late);
    finish();
    EXPECT_NOTED("a(a)! b(b) ");
    EXPECT_ERR(acio_await(late), -ECANCELED);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, is_not_held_by_two_where_the_first_in_line_is_cancelled)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_task *gone = acio_create_task(visit, .lock = &lock, .who = 'a');
    start(visit, .lock = &lock, .who = 'b', .seconds = 0.001);
    settle();
    acio_cancel(gone);
    acio_lock_release(&lock);
    start(visit, .lock = &lock, .who = 'c', .seconds = 0.001);
    finish();
    EXPECT_NOTED("a! b(b) c(c) ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, is_free_where_all_who_waited_were_cancelled)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_task *a = acio_create_task(visit, .lock = &lock, .who = 'a');
    acio_task *b = acio_create_task(visit, .lock = &lock, .who = 'b');
    settle();
    acio_cancel(a);
    acio_cancel(b);
    acio_lock_release(&lock);
    ALWAYS(!acio_lock_locked(&lock));
    take(&lock);
    EXPECT_ERR(acio_await(a), -ECANCELED);
    EXPECT_ERR(acio_await(b), -ECANCELED);
    EXPECT_NOTED("a! b! ");
    acio_lock_release(&lock);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, is_not_acquired_by_a_task_that_was_cancelled_before)
{
    acio_lock lock = ACIO_LOCK_INIT;
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_lock_acquire(&lock), -ECANCELED);
    ALWAYS(!acio_lock_locked(&lock));
    acio_uncancel(acio_current_task());
}

SPEC(lock, may_be_released_by_a_task_that_was_cancelled)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    start(visit, .lock = &lock, .who = 'a');
    settle();
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_lock_release(&lock), 0);
    finish();
    EXPECT_NOTED("a(a) ");
    acio_uncancel(acio_current_task());
}

SPEC_SIM(lock, is_waited_for_no_longer_than_up_to_a_deadline)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    acio_timeout limit;
    acio_timeout_open(&limit, 0.5);
    EXPECT_ERR(acio_lock_acquire(&lock), -ETIMEDOUT);
    EXPECT_ELAPSED(0.5);
    acio_timeout_close(&limit);
    acio_lock_release(&lock);
    ALWAYS(!acio_lock_locked(&lock));
}

static int
visit_often(void *arg)
{
    struct visit_args *a = arg;
    for (int i = 0; i < 3; i++) {
        ACIO_TIMEOUT(limit, 0.004);
        ACIO_LOCKED(err, a->lock);
        if (err == 0)
            err = acio_sleep(a->seconds);
        if (err < 0 && !acio_timeout_expired(&limit))
            return err;
    }
    return 0;
}

SPEC_SIM(lock, is_free_whatever_deadlines_and_cancels_meet)
{
    acio_lock lock = ACIO_LOCK_INIT;
    acio_task *tasks[6];
    for (int i = 0; i < 6; i++)
        tasks[i] = acio_create_task_with(visit_often,
            ACIO_ARGS(visit, .lock = &lock, .seconds = 0.001 * i), NULL);
    acio_sleep(0.002);
    acio_cancel(tasks[2]);
    acio_sleep(0.003);
    acio_cancel(tasks[4]);
    finish();
    EXPECT_ERR(acio_gather(tasks, 6, NULL, ACIO_RETURN_EXCEPTIONS), 0);
    ALWAYS(!acio_lock_locked(&lock));
}
