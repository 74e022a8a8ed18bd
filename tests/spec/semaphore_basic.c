/* SPDX-License-Identifier: MIT */
/* Semaphores: so many at a time, and what is no use of one. */
#include <limits.h>
#include <string.h>

#include "sync_parts.h"

SPEC(semaphore, counts_down_to_0_and_up_again)
{
    acio_semaphore semaphore;
    EXPECT_ERR(acio_semaphore_init(&semaphore, 2), 0);
    EXPECT(!acio_semaphore_locked(&semaphore));
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), 0);
    EXPECT(!acio_semaphore_locked(&semaphore));
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), 0);
    EXPECT(acio_semaphore_locked(&semaphore));
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT(!acio_semaphore_locked(&semaphore));
    EXPECT_EQ(semaphore.value, 1);
}

struct count_args {
    acio_semaphore *semaphore;
    int *inside, *most, *done;
};

enum { ROUNDS = 3, TASKS = 7, PLACES = 3 };

static int
count(void *arg)
{
    struct count_args *a = arg;
    for (int i = 0; i < ROUNDS; i++) {
        ACIO_ACQUIRED(err, a->semaphore);
        if (err < 0)
            return err;
        if (++*a->inside > *a->most)
            *a->most = *a->inside;
        err = acio_sleep(i % 2 ? 0 : 0.001);
        --*a->inside;
        if (err < 0)
            return err;
        ++*a->done;
    }
    return 0;
}

static void
let_all_count(acio_semaphore *semaphore)
{
    int inside = 0, most = 0, done = 0;
    for (int i = 0; i < TASKS; i++)
        start(count, .semaphore = semaphore, .inside = &inside, .most = &most,
            .done = &done);
    finish();
    EXPECT_EQ(done, TASKS * ROUNDS);
    EXPECT_EQ(most, PLACES);
    ALWAYS(most <= PLACES);
    ALWAYS(semaphore->value == PLACES);
}

SPEC(semaphore, lets_in_as_many_as_its_value_and_has_it_again_at_the_end)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(PLACES);
    let_all_count(&semaphore);
}

SPEC(semaphore, that_is_bounded_does_the_same)
{
    acio_semaphore semaphore = ACIO_BOUNDED_SEMAPHORE_INIT(PLACES);
    let_all_count(&semaphore);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EINVAL);
}

SPEC(semaphore, that_is_all_zero_is_of_value_0)
{
    acio_semaphore semaphore;
    memset(&semaphore, 0, sizeof semaphore);
    EXPECT(acio_semaphore_locked(&semaphore));
    for (int i = 0; i < PLACES; i++)
        EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    let_all_count(&semaphore);
}

SPEC(semaphore, may_be_released_above_its_first_value)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(1);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_EQ(semaphore.value, 3);
}

SPEC(semaphore, allocates_nothing_for_those_who_wait)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    int inside = 0, most = 0, done = 0;
    for (int i = 0; i < TASKS; i++)
        start(count, .semaphore = &semaphore, .inside = &inside, .most = &most,
            .done = &done);
    size_t before = spec_heap_allocations();
    settle();
    acio_semaphore_release(&semaphore);
    finish();
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_EQ(done, TASKS * ROUNDS);
    ALWAYS(semaphore.value == 1);
}

/* ---- as a variable ---- */

static int
leave_early(acio_semaphore *semaphore, int result)
{
    ACIO_ACQUIRED(err, semaphore);
    if (err < 0)
        return err;
    EXPECT_EQ(semaphore->value, 1);
    if (result)
        return result;
    note("to the end ");
    return 0;
}

SPEC(semaphore, acquired_by_a_variable_is_released_wherever_its_block_is_left)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(2);
    EXPECT_EQ(leave_early(&semaphore, 5), 5);
    ALWAYS(semaphore.value == 2);
    EXPECT_ERR(leave_early(&semaphore, -EIO), -EIO);
    ALWAYS(semaphore.value == 2);
    EXPECT_EQ(leave_early(&semaphore, 0), 0);
    EXPECT_NOTED("to the end ");
    ALWAYS(semaphore.value == 2);
}

SPEC(semaphore, that_a_variable_could_not_acquire_is_not_released_by_it)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    {
        ACIO_TIMEOUT(limit, 0.001);
        ACIO_ACQUIRED(err, &semaphore);
        EXPECT_ERR(err, -ETIMEDOUT);
    }
    ALWAYS(semaphore.value == 0);
}

/* ---- misuse ---- */

SPEC(semaphore, of_negative_value_is_refused)
{
    acio_semaphore semaphore;
    EXPECT_ERR(acio_semaphore_init(&semaphore, -1), -EINVAL);
    EXPECT_EQ(semaphore.value, 0);
    EXPECT_ERR(acio_bounded_semaphore_init(&semaphore, INT_MIN), -EINVAL);
    EXPECT_EQ(semaphore.value, 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EINVAL);
}

SPEC(semaphore, that_is_bounded_refuses_to_be_released_too_often)
{
    acio_semaphore semaphore;
    EXPECT_ERR(acio_bounded_semaphore_init(&semaphore, 2), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EINVAL);
    EXPECT_ERR(acio_semaphore_acquire(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EINVAL);
    EXPECT_EQ(semaphore.value, 2);
}

SPEC(semaphore, of_the_greatest_value_is_released_no_further)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(INT_MAX - 1);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    EXPECT_ERR(acio_semaphore_release(&semaphore), -EOVERFLOW);
    EXPECT_EQ(semaphore.value, INT_MAX);
}

static void
use_outside_of_a_task(void *arg)
{
    acio_semaphore *semaphore = arg;
    EXPECT_ERR(acio_semaphore_acquire(semaphore), -ACIO_ENOTASK);
    EXPECT_ERR(acio_semaphore_release(semaphore), 0);
    EXPECT_ERR(acio_semaphore_acquire(semaphore), -ACIO_ENOTASK);
}

SPEC(semaphore, may_be_released_by_a_callback_which_cannot_acquire_it)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    run_in_a_callback(use_outside_of_a_task, &semaphore);
    EXPECT_EQ(semaphore.value, 1);
}

TEST(semaphore, may_be_released_before_there_is_a_loop)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    use_outside_of_a_task(&semaphore);
    EXPECT_EQ(semaphore.value, 1);
}

static int
use_from_another_loop(void *arg)
{
    ACIO_TIMEOUT(now, 0);
    acio_semaphore *semaphore = *(acio_semaphore **)arg;
    EXPECT_ERR(acio_semaphore_acquire(semaphore), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_semaphore_release(semaphore), -ACIO_EFOREIGN);
    return 0;
}

SPEC(semaphore, belongs_to_the_loop_of_those_who_wait_for_it)
{
    acio_semaphore semaphore = ACIO_SEMAPHORE_INIT(0);
    int inside = 0, most = 0, done = 0;
    start(count, .semaphore = &semaphore, .inside = &inside, .most = &most,
        .done = &done);
    settle();
    run_in_another_loop(use_from_another_loop, &semaphore);
    EXPECT_ERR(acio_semaphore_release(&semaphore), 0);
    finish();
    EXPECT_EQ(done, ROUNDS);
}
