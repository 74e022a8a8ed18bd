/* SPDX-License-Identifier: MIT */
/* Locks: held by one at a time, and what is no use of one. */
#include <string.h>

#include "sync_parts.h"

SPEC(lock, is_free_then_held_then_free)
{
    acio_lock lock;
    acio_lock_init(&lock);
    EXPECT(!acio_lock_locked(&lock));
    EXPECT_ERR(acio_lock_acquire(&lock), 0);
    EXPECT(acio_lock_locked(&lock));
    EXPECT_ERR(acio_lock_release(&lock), 0);
    EXPECT(!acio_lock_locked(&lock));
}

struct count_args {
    acio_lock *lock;
    int *inside, *done;
};

enum { ROUNDS = 3, TASKS = 5 };

static int
count(void *arg)
{
    struct count_args *a = arg;
    for (int i = 0; i < ROUNDS; i++) {
        ACIO_LOCKED(err, a->lock);
        if (err < 0)
            return err;
        ++*a->inside;
        ALWAYS(*a->inside == 1);
        err = acio_sleep(i % 2 ? 0 : 0.001);
        --*a->inside;
        if (err < 0)
            return err;
        ++*a->done;
    }
    return 0;
}

SPEC(lock, is_held_by_one_task_at_a_time_and_free_at_the_end)
{
    acio_lock lock = ACIO_LOCK_INIT;
    int inside = 0, done = 0;
    for (int i = 0; i < TASKS; i++)
        start(count, .lock = &lock, .inside = &inside, .done = &done);
    finish();
    EXPECT_EQ(done, TASKS * ROUNDS);
    ALWAYS(inside == 0);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, that_is_all_zero_is_one_that_nobody_holds)
{
    acio_lock lock;
    memset(&lock, 0, sizeof lock);
    int inside = 0, done = 0;
    start(count, .lock = &lock, .inside = &inside, .done = &done);
    start(count, .lock = &lock, .inside = &inside, .done = &done);
    finish();
    EXPECT_EQ(done, 2 * ROUNDS);
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, allocates_nothing_for_those_who_wait)
{
    acio_lock lock = ACIO_LOCK_INIT;
    int inside = 0, done = 0;
    take(&lock);
    for (int i = 0; i < TASKS; i++)
        start(count, .lock = &lock, .inside = &inside, .done = &done);
    size_t before = spec_heap_allocations();
    settle();
    acio_lock_release(&lock);
    finish();
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_EQ(done, TASKS * ROUNDS);
}

static acio_lock of_static_storage = ACIO_LOCK_INIT;

static int
use_for_a_while(void *arg)
{
    (void)arg;
    int inside = 0, done = 0;
    for (int i = 0; i < 2; i++)
        start(count, .lock = &of_static_storage, .inside = &inside,
            .done = &done);
    finish();
    note("%d ", done);
    return 0;
}

TEST(lock, of_static_storage_serves_one_loop_after_the_other)
{
    struct acio_args none = { 0 };
    EXPECT_ERR(spec_run(use_for_a_while, none, NULL), 0);
    EXPECT_ERR(spec_run(use_for_a_while, none, NULL), 0);
    EXPECT_NOTED("6 6 ");
    ALWAYS(!acio_lock_locked(&of_static_storage));
}

/* ---- as a variable ---- */

static int
leave_early(acio_lock *lock, int result)
{
    ACIO_LOCKED(err, lock);
    if (err < 0)
        return err;
    EXPECT(acio_lock_locked(lock));
    if (result)
        return result;
    note("to the end ");
    return 0;
}

SPEC(lock, held_by_a_variable_is_released_wherever_its_block_is_left)
{
    acio_lock lock = ACIO_LOCK_INIT;
    EXPECT_EQ(leave_early(&lock, 5), 5);
    ALWAYS(!acio_lock_locked(&lock));
    EXPECT_ERR(leave_early(&lock, -EIO), -EIO);
    ALWAYS(!acio_lock_locked(&lock));
    EXPECT_EQ(leave_early(&lock, 0), 0);
    EXPECT_NOTED("to the end ");
    ALWAYS(!acio_lock_locked(&lock));
}

SPEC(lock, that_a_variable_could_not_acquire_is_not_released_by_it)
{
    acio_lock lock = ACIO_LOCK_INIT;
    take(&lock);
    {
        ACIO_TIMEOUT(limit, 0.001);
        ACIO_LOCKED(err, &lock);
        EXPECT_ERR(err, -ETIMEDOUT);
    }
    ALWAYS(acio_lock_locked(&lock));
    acio_lock_release(&lock);
}

SPEC(lock, held_by_hand_is_let_go_once)
{
    acio_lock lock = ACIO_LOCK_INIT;
    acio_lock *held = NULL;
    EXPECT_ERR(acio_lock_hold(&lock, &held), 0);
    EXPECT_EQ(held, &lock);
    acio_lock_unhold(&held);
    EXPECT_EQ(held, NULL);
    take(&lock);
    acio_lock_unhold(&held);
    ALWAYS(acio_lock_locked(&lock));
    acio_lock_release(&lock);
}

/* ---- misuse ---- */

SPEC(lock, refuses_to_be_released_while_nobody_holds_it)
{
    acio_lock lock = ACIO_LOCK_INIT;
    EXPECT_ERR(acio_lock_release(&lock), -ACIO_ENOTLOCKED);
    take(&lock);
    EXPECT_ERR(acio_lock_release(&lock), 0);
    EXPECT_ERR(acio_lock_release(&lock), -ACIO_ENOTLOCKED);
}

static int
release(void *arg)
{
    return acio_lock_release(*(acio_lock **)arg);
}

SPEC(lock, may_be_released_by_another_task_than_its_holder)
{
    acio_lock lock = ACIO_LOCK_INIT, *address = &lock;
    take(&lock);
    acio_task *task = acio_create_task_with(release,
        (struct acio_args){ &address, sizeof address }, NULL);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT(!acio_lock_locked(&lock));
}

static void
use_outside_of_a_task(void *arg)
{
    acio_lock *lock = arg;
    EXPECT_ERR(acio_lock_acquire(lock), -ACIO_ENOTASK);
    ACIO_LOCKED(err, lock);
    EXPECT_ERR(err, -ACIO_ENOTASK);
}

SPEC(lock, is_acquired_by_tasks_alone)
{
    acio_lock lock = ACIO_LOCK_INIT;
    run_in_a_callback(use_outside_of_a_task, &lock);
    EXPECT(!acio_lock_locked(&lock));
    take(&lock);
    run_in_a_callback(use_outside_of_a_task, &lock);
    EXPECT_ERR(acio_lock_release(&lock), 0);
}

TEST(lock, is_not_acquired_without_a_loop)
{
    acio_lock lock = ACIO_LOCK_INIT;
    use_outside_of_a_task(&lock);
    EXPECT_ERR(acio_lock_release(&lock), -ACIO_ENOTLOCKED);
}

static int
use_from_another_loop(void *arg)
{
    ACIO_TIMEOUT(now, 0);
    acio_lock *lock = *(acio_lock **)arg;
    EXPECT_ERR(acio_lock_acquire(lock), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_lock_release(lock), -ACIO_EFOREIGN);
    return 0;
}

SPEC(lock, belongs_to_the_loop_of_those_who_wait_for_it)
{
    acio_lock lock = ACIO_LOCK_INIT;
    int inside = 0, done = 0;
    take(&lock);
    start(count, .lock = &lock, .inside = &inside, .done = &done);
    settle();
    run_in_another_loop(use_from_another_loop, &lock);
    EXPECT_ERR(acio_lock_release(&lock), 0);
    finish();
    EXPECT_EQ(done, ROUNDS);
}
