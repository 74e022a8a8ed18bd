/* SPDX-License-Identifier: MIT */
/* Events, locks, conditions, semaphores, barriers: who goes on, and when. */
#include "traces.h"

struct wait_event_args {
    const char *text;
    acio_event *event;
};

static int
wait_event(void *arg)
{
    struct wait_event_args *a = arg;
    int err = acio_event_wait(a->event);
    say("%s: %s", a->text, word(err));
    return err;
}

SCENARIO(event_wakes_in_order_of_coming)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait_event, .text = "a", .event = &event);
    start(wait_event, .text = "b", .event = &event);
    start(wait_event, .text = "c", .event = &event);
    acio_sleep(1);
    acio_event_set(&event);
    start(work, .text = "other");
    say("set");
    acio_sleep(1);
}

SCENARIO(event_that_is_set_does_not_suspend)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_event_set(&event);
    start(work, .text = "other");
    say("%s", word(acio_event_wait(&event)));
    say("%s", acio_event_is_set(&event) ? "set" : "not set");
    acio_sleep(1);
}

SCENARIO(event_cleared_at_once_still_wakes)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait_event, .text = "a", .event = &event);
    acio_sleep(1);
    acio_event_set(&event);
    acio_event_clear(&event);
    start(wait_event, .text = "b", .event = &event);
    acio_sleep(1);
    say("%s", acio_event_is_set(&event) ? "set" : "not set");
    acio_event_set(&event);
    acio_sleep(1);
}

SCENARIO(event_waiter_is_cancelled)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_task *a = acio_create_task(wait_event, .text = "a", .event = &event);
    start(wait_event, .text = "b", .event = &event);
    acio_sleep(1);
    acio_cancel(a);
    acio_event_set(&event);
    acio_sleep(1);
    acio_detach(a);
}

SCENARIO(event_waiter_is_cancelled_after_the_set)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_task *a = acio_create_task(wait_event, .text = "a", .event = &event);
    acio_sleep(1);
    acio_event_set(&event);
    acio_cancel(a);
    acio_sleep(1);
    acio_detach(a);
}

struct hold_args {
    const char *text;
    acio_lock *lock;
    double delay;
};

static int
hold(void *arg)
{
    struct hold_args *a = arg;
    ACIO_LOCKED(err, a->lock);
    if (err < 0) {
        say("%s: %s", a->text, word(err));
        return err;
    }
    say("%s holds", a->text);
    err = acio_sleep(a->delay);
    say("%s releases", a->text);
    return err;
}

SCENARIO(lock_is_taken_in_order_of_coming)
{
    acio_lock lock = ACIO_LOCK_INIT;
    start(hold, .text = "a", .lock = &lock, .delay = 1);
    start(hold, .text = "b", .lock = &lock, .delay = 1);
    start(hold, .text = "c", .lock = &lock, .delay = 1);
    acio_sleep(5);
}

SCENARIO(lock_that_is_free_does_not_suspend)
{
    acio_lock lock = ACIO_LOCK_INIT;
    start(work, .text = "other");
    say("%s", word(acio_lock_acquire(&lock)));
    say("%s", acio_lock_locked(&lock) ? "locked" : "free");
    say("%s", word(acio_lock_release(&lock)));
    say("%s", acio_lock_locked(&lock) ? "locked" : "free");
    say("%s", word(acio_lock_release(&lock)));
    acio_sleep(1);
}

struct hold_twice_args {
    const char *text;
    acio_lock *lock;
    double delay;
};

static int
hold_twice(void *arg)
{
    struct hold_twice_args *a = arg;
    for (int i = 0; i < 2; i++) {
        int err = acio_lock_acquire(a->lock);
        if (err < 0)
            return err;
        say("%s %d", a->text, i);
        acio_sleep(a->delay);
        acio_lock_release(a->lock);
    }
    return 0;
}

SCENARIO(lock_goes_to_who_waits_and_not_back)
{
    acio_lock lock = ACIO_LOCK_INIT;
    start(hold_twice, .text = "a", .lock = &lock, .delay = 1);
    start(hold_twice, .text = "b", .lock = &lock, .delay = 1);
    acio_sleep(5);
}

SCENARIO(lock_waiter_is_cancelled)
{
    acio_lock lock = ACIO_LOCK_INIT;
    start(hold, .text = "a", .lock = &lock, .delay = 2);
    acio_task *b = acio_create_task(hold, .text = "b", .lock = &lock);
    start(hold, .text = "c", .lock = &lock);
    acio_sleep(1);
    acio_cancel(b);
    acio_sleep(3);
    acio_detach(b);
}

SCENARIO(lock_released_shows_that_it_was_handed_on)
{
    acio_lock lock = ACIO_LOCK_INIT;
    say("%s", word(acio_lock_acquire(&lock)));
    start(hold, .text = "a", .lock = &lock, .delay = 1);
    acio_sleep(1);
    acio_lock_release(&lock);
    say("%s", acio_lock_locked(&lock) ? "locked" : "free");
    acio_sleep(0);
    say("%s", acio_lock_locked(&lock) ? "locked" : "free");
    acio_sleep(2);
}

SCENARIO(lock_waiter_is_cancelled_after_the_release)
{
    acio_lock lock = ACIO_LOCK_INIT;
    say("%s", word(acio_lock_acquire(&lock)));
    acio_task *a = acio_create_task(hold, .text = "a", .lock = &lock);
    start(hold, .text = "b", .lock = &lock);
    acio_sleep(1);
    acio_lock_release(&lock);
    acio_cancel(a);
    acio_sleep(1);
    acio_detach(a);
}

struct enter_args {
    const char *text;
    acio_semaphore *semaphore;
    double delay;
};

static int
enter(void *arg)
{
    struct enter_args *a = arg;
    ACIO_ACQUIRED(err, a->semaphore);
    if (err < 0) {
        say("%s: %s", a->text, word(err));
        return err;
    }
    say("%s enters", a->text);
    err = acio_sleep(a->delay);
    say("%s leaves", a->text);
    return err;
}

SCENARIO(semaphore_lets_so_many_in)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(2);
    start(enter, .text = "a", .semaphore = &semaphore, .delay = 1);
    start(enter, .text = "b", .semaphore = &semaphore, .delay = 2);
    start(enter, .text = "c", .semaphore = &semaphore, .delay = 3);
    start(enter, .text = "d", .semaphore = &semaphore, .delay = 1);
    acio_sleep(10);
}

SCENARIO(semaphore_released_several_times_at_once)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    start(enter, .text = "a", .semaphore = &semaphore, .delay = 5);
    start(enter, .text = "b", .semaphore = &semaphore, .delay = 5);
    start(enter, .text = "c", .semaphore = &semaphore, .delay = 5);
    acio_sleep(1);
    acio_semaphore_release(&semaphore);
    acio_semaphore_release(&semaphore);
    say("%s", acio_semaphore_locked(&semaphore) ? "locked" : "open");
    acio_sleep(1);
    acio_semaphore_release(&semaphore);
    acio_sleep(10);
}

SCENARIO(semaphore_is_not_taken_from_who_waits)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(1);
    say("%s", word(acio_semaphore_acquire(&semaphore)));
    start(enter, .text = "a", .semaphore = &semaphore, .delay = 1);
    acio_sleep(1);
    acio_semaphore_release(&semaphore);
    say("%s", word(acio_semaphore_acquire(&semaphore)));
    say("again");
    acio_semaphore_release(&semaphore);
    acio_sleep(2);
}

SCENARIO(semaphore_waiter_is_cancelled)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    acio_task *a = acio_create_task(enter, .text = "a",
        .semaphore = &semaphore);
    start(enter, .text = "b", .semaphore = &semaphore, .delay = 1);
    acio_sleep(1);
    acio_cancel(a);
    acio_semaphore_release(&semaphore);
    acio_sleep(3);
    acio_detach(a);
}

SCENARIO(semaphore_that_is_bounded)
{
    acio_semaphore semaphore = ACIO_BOUNDED_SEMAPHORE_INIT(1);
    say("%s", word(acio_semaphore_acquire(&semaphore)));
    say("%s", word(acio_semaphore_release(&semaphore)));
    say("%s", word(acio_semaphore_release(&semaphore)));
}

struct await_notice_args {
    const char *text;
    acio_condition *condition;
    double delay;
};

static int
await_notice(void *arg)
{
    struct await_notice_args *a = arg;
    ACIO_CONDITION_LOCKED(err, a->condition);
    if (err < 0)
        return err;
    say("%s waits", a->text);
    err = acio_condition_wait(a->condition);
    say("%s: %s, %s", a->text, word(err),
        acio_condition_locked(a->condition) ? "locked" : "free");
    acio_sleep(a->delay);
    return err;
}

static void
notify(acio_condition *condition, int n)
{
    ACIO_CONDITION_LOCKED(err, condition);
    if (err < 0)
        return;
    acio_condition_notify(condition, n);
    say("notified");
}

SCENARIO(condition_notifies_in_order)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(await_notice, .text = "a", .condition = &condition);
    start(await_notice, .text = "b", .condition = &condition);
    start(await_notice, .text = "c", .condition = &condition);
    acio_sleep(1);
    notify(&condition, 1);
    acio_sleep(1);
    notify(&condition, 2);
    acio_sleep(1);
}

SCENARIO(condition_lets_on_one_after_the_other)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    start(await_notice, .text = "a", .condition = &condition, .delay = 1);
    start(await_notice, .text = "b", .condition = &condition, .delay = 1);
    acio_sleep(1);
    notify(&condition, 2);
    start(await_notice, .text = "c", .condition = &condition);
    acio_sleep(5);
    notify(&condition, 1);
    acio_sleep(1);
}

SCENARIO(condition_waiter_is_cancelled)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    acio_task *a = acio_create_task(await_notice, .text = "a",
        .condition = &condition);
    start(await_notice, .text = "b", .condition = &condition);
    acio_sleep(1);
    acio_cancel(a);
    acio_sleep(1);
    notify(&condition, 1);
    acio_sleep(1);
    acio_detach(a);
}

struct count {
    acio_condition condition;
    int value;
};

static int
is_three(void *arg)
{
    struct count *count = arg;
    say("looks at %d", count->value);
    return count->value >= 3;
}

struct await_three_args {
    struct count *count;
};

static int
await_three(void *arg)
{
    struct await_three_args *a = arg;
    ACIO_CONDITION_LOCKED(err, &a->count->condition);
    if (err < 0)
        return err;
    err = acio_condition_wait_for(&a->count->condition, is_three, a->count);
    say("three: %s", word(err < 0 ? err : 1));
    return err;
}

SCENARIO(condition_waits_for_a_state)
{
    struct count count = { ACIO_CONDITION_INIT, 0 };
    start(await_three, .count = &count);
    for (int i = 1; i <= 4; i++) {
        acio_sleep(1);
        count.value = i;
        notify(&count.condition, 1);
    }
    acio_sleep(1);
}

SCENARIO(condition_needs_its_lock)
{
    acio_condition condition = ACIO_CONDITION_INIT;
    say("%s", word(acio_condition_notify(&condition, 1)));
    say("%s", word(acio_condition_wait(&condition)));
}

struct come_args {
    const char *text;
    acio_barrier *barrier;
    double delay;
};

static int
come(void *arg)
{
    struct come_args *a = arg;
    acio_sleep(a->delay);
    int number = acio_barrier_wait(a->barrier);
    say("%s: %s", a->text, word(number));
    return number;
}

SCENARIO(barrier_lets_all_go_with_the_last)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(3);
    start(come, .text = "a", .barrier = &barrier, .delay = 1);
    start(come, .text = "b", .barrier = &barrier, .delay = 2);
    start(come, .text = "c", .barrier = &barrier, .delay = 3);
    acio_sleep(2.5);
    say("%d wait", acio_barrier_n_waiting(&barrier));
    acio_sleep(2);
    say("%d wait", acio_barrier_n_waiting(&barrier));
}

SCENARIO(barrier_is_used_again)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(come, .text = "a", .barrier = &barrier, .delay = 1);
    start(come, .text = "b", .barrier = &barrier, .delay = 2);
    start(come, .text = "c", .barrier = &barrier, .delay = 3);
    start(come, .text = "d", .barrier = &barrier, .delay = 4);
    acio_sleep(6);
}

SCENARIO(barrier_is_broken)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(come, .text = "a", .barrier = &barrier, .delay = 1);
    acio_sleep(2);
    acio_barrier_abort(&barrier);
    acio_sleep(0);
    acio_sleep(0);
    say("%s", acio_barrier_broken(&barrier) ? "broken" : "whole");
    start(come, .text = "b", .barrier = &barrier);
    acio_sleep(1);
}

SCENARIO(barrier_is_made_whole_again)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(come, .text = "a", .barrier = &barrier, .delay = 1);
    acio_sleep(2);
    acio_barrier_reset(&barrier);
    acio_sleep(1);
    say("%s", acio_barrier_broken(&barrier) ? "broken" : "whole");
    start(come, .text = "b", .barrier = &barrier);
    start(come, .text = "c", .barrier = &barrier);
    acio_sleep(1);
}

SCENARIO(barrier_waiter_is_cancelled)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    acio_task *a = acio_create_task(come, .text = "a", .barrier = &barrier);
    acio_sleep(1);
    acio_cancel(a);
    acio_sleep(1);
    say("%d wait", acio_barrier_n_waiting(&barrier));
    start(come, .text = "b", .barrier = &barrier);
    start(come, .text = "c", .barrier = &barrier);
    acio_sleep(1);
    acio_detach(a);
}
