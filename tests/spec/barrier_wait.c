/* SPDX-License-Identifier: MIT */
/* Barriers: who goes on and with which number, what breaks one, and what an
 * interruption leaves. */
#include <limits.h>
#include <string.h>

#include "sync_parts.h"

struct meet_args {
    acio_barrier *barrier;
    char who;
    int times;
};

/* Notes its number, "a0 "; "a! " where it was interrupted, "a? " where the
 * barrier was broken. */
static int
meet(void *arg)
{
    struct meet_args *a = arg;
    int index = 0;
    for (int i = 0; i <= a->times && index >= 0; i++) {
        index = acio_barrier_wait(a->barrier);
        if (index >= 0)
            note("%c%d ", a->who, index);
        else
            note(index == -ACIO_EBROKENBARRIER ? "%c? " : "%c! ", a->who);
    }
    return index == -ACIO_EBROKENBARRIER ? 0 : index;
}

/* Ends the waits of a test of which a cancel has taken a party. */
static void
end(acio_barrier *barrier)
{
    settle();
    acio_barrier_abort(barrier);
    finish();
    ALWAYS(acio_barrier_n_waiting(barrier) == 0);
}

SPEC(barrier, lets_its_parties_go_on_together_with_numbers_in_order_of_coming)
{
    acio_barrier barrier;
    EXPECT_ERR(acio_barrier_init(&barrier, 3), 0);
    start(meet, .barrier = &barrier, .who = 'a');
    start(meet, .barrier = &barrier, .who = 'b');
    settle();
    EXPECT_NOTED("");
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 2);
    start(meet, .barrier = &barrier, .who = 'c');
    settle();
    EXPECT_NOTED("c2 a0 b1 ");
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 0);
    EXPECT(!acio_barrier_broken(&barrier));
    end(&barrier);
}

SPEC(barrier, knows_its_parties)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(7);
    EXPECT_EQ(acio_barrier_parties(&barrier), 7);
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 0);
    EXPECT(!acio_barrier_broken(&barrier));
}

SPEC(barrier, is_used_again_and_again)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(meet, .barrier = &barrier, .who = 'a', .times = 2);
    start(meet, .barrier = &barrier, .who = 'b', .times = 2);
    settle();
    EXPECT_NOTED("b1 a0 a1 b0 b1 a0 ");
    end(&barrier);
}

SPEC(barrier, counts_who_comes_before_the_others_have_gone_for_the_next_round)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(meet, .barrier = &barrier, .who = 'a');
    settle();
    start(meet, .barrier = &barrier, .who = 'b');
    start(meet, .barrier = &barrier, .who = 'c');
    settle();
    EXPECT_NOTED("b1 a0 ");
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 1);
    start(meet, .barrier = &barrier, .who = 'd');
    settle();
    EXPECT_NOTED("d1 c0 ");
    end(&barrier);
}

SPEC(barrier, of_one_makes_nobody_wait)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(1);
    EXPECT_EQ(acio_barrier_wait(&barrier), 0);
    EXPECT_EQ(acio_barrier_wait(&barrier), 0);
}

struct meet_nobody_args {
    acio_barrier *barrier;
};

static int
meet_nobody(void *arg)
{
    struct meet_nobody_args *a = arg;
    int index = 0;
    while (index >= 0)
        index = acio_barrier_wait(a->barrier);
    return index;
}

SPEC(barrier, lets_others_run_even_if_it_never_makes_its_caller_wait)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(1);
    acio_task *busy = acio_create_task(meet_nobody, .barrier = &barrier);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(busy);
    EXPECT_ERR(acio_await(busy), -ECANCELED);
}

SPEC(barrier, names_what_its_waiting_tasks_wait_for_and_allocates_nothing)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    acio_task *task = acio_create_task(meet, .barrier = &barrier, .who = 'a');
    size_t before = spec_heap_allocations();
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "barrier.wait");
    EXPECT_ERR(acio_barrier_abort(&barrier), 0);
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_EQ(acio_await(task), 0);
    EXPECT_NOTED("a? ");
}

/* ---- breaking and resetting ---- */

SPEC(barrier, that_is_aborted_is_broken_for_those_who_wait_and_who_come)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(3);
    start(meet, .barrier = &barrier, .who = 'a');
    start(meet, .barrier = &barrier, .who = 'b');
    settle();
    EXPECT_ERR(acio_barrier_abort(&barrier), 0);
    EXPECT(acio_barrier_broken(&barrier));
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 0);
    start(meet, .barrier = &barrier, .who = 'c');
    finish();
    EXPECT_NOTED("a? b? c? ");
    EXPECT_ERR(acio_barrier_wait(&barrier), -ACIO_EBROKENBARRIER);
}

SPEC(barrier, that_is_reset_turns_away_who_waits_and_starts_anew)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(meet, .barrier = &barrier, .who = 'a');
    settle();
    EXPECT_ERR(acio_barrier_reset(&barrier), 0);
    EXPECT(!acio_barrier_broken(&barrier));
    start(meet, .barrier = &barrier, .who = 'b');
    start(meet, .barrier = &barrier, .who = 'c');
    settle();
    EXPECT_NOTED("a? c1 b0 ");
    end(&barrier);
}

SPEC(barrier, that_was_broken_works_again_when_it_is_reset)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    EXPECT_ERR(acio_barrier_abort(&barrier), 0);
    EXPECT_ERR(acio_barrier_abort(&barrier), 0);
    EXPECT_ERR(acio_barrier_reset(&barrier), 0);
    EXPECT_ERR(acio_barrier_reset(&barrier), 0);
    EXPECT(!acio_barrier_broken(&barrier));
    start(meet, .barrier = &barrier, .who = 'a');
    start(meet, .barrier = &barrier, .who = 'b');
    settle();
    EXPECT_NOTED("b1 a0 ");
    end(&barrier);
}

struct come_last_args {
    acio_barrier *barrier;
    bool abort;
};

static int
come_last(void *arg)
{
    struct come_last_args *a = arg;
    int index = acio_barrier_wait(a->barrier);
    if (a->abort)
        acio_barrier_abort(a->barrier);
    else
        acio_barrier_reset(a->barrier);
    return index;
}

SPEC(barrier, that_is_broken_or_reset_keeps_back_nobody_it_has_let_go)
{
    for (int abort = 0; abort < 2; abort++) {
        acio_barrier barrier = ACIO_BARRIER_INIT(2);
        start(meet, .barrier = &barrier, .who = 'a');
        settle();
        start(come_last, .barrier = &barrier, .abort = abort);
        settle();
        EXPECT_NOTED("a0 ");
        EXPECT_EQ(acio_barrier_broken(&barrier), abort == 1);
        end(&barrier);
    }
}

/* ---- interruptions ---- */

SPEC(barrier, waits_for_one_more_when_one_is_cancelled)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    acio_task *gone = acio_create_task(meet, .barrier = &barrier, .who = 'a');
    settle();
    acio_cancel(gone);
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 0);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    EXPECT(!acio_barrier_broken(&barrier));
    start(meet, .barrier = &barrier, .who = 'b');
    settle();
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 1);
    start(meet, .barrier = &barrier, .who = 'c');
    settle();
    EXPECT_NOTED("a! c1 b0 ");
    end(&barrier);
}

SPEC(barrier, gives_no_number_twice_when_one_is_cancelled)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(3);
    acio_task *gone = acio_create_task(meet, .barrier = &barrier, .who = 'a');
    start(meet, .barrier = &barrier, .who = 'b');
    settle();
    acio_cancel(gone);
    start(meet, .barrier = &barrier, .who = 'c');
    start(meet, .barrier = &barrier, .who = 'd');
    settle();
    EXPECT_NOTED("a! d2 b0 c1 ");
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    end(&barrier);
}

struct meet_and_cancel_args {
    acio_barrier *barrier;
    acio_task *other;
};

static int
meet_and_cancel(void *arg)
{
    struct meet_and_cancel_args *a = arg;
    int index = acio_barrier_wait(a->barrier);
    EXPECT_EQ(index, 1);
    acio_cancel(a->other);
    return index;
}

SPEC(barrier, keeps_nobody_back_who_is_cancelled_after_the_last_has_come)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    acio_task *late = acio_create_task(meet, .barrier = &barrier, .who = 'a');
    settle();
    start(meet_and_cancel, .barrier = &barrier, .other = late);
    end(&barrier);
    EXPECT_NOTED("a0 ");
    EXPECT_EQ(acio_await(late), 0);
}

SPEC(barrier, does_not_count_a_task_that_was_cancelled_before)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(1);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_barrier_wait(&barrier), -ECANCELED);
    acio_barrier_init(&barrier, 2);
    EXPECT_ERR(acio_barrier_wait(&barrier), -ECANCELED);
    ALWAYS(acio_barrier_n_waiting(&barrier) == 0);
    acio_uncancel(acio_current_task());
}

SPEC_SIM(barrier, is_waited_at_no_longer_than_up_to_a_deadline)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    acio_timeout limit;
    acio_timeout_open(&limit, 0.5);
    EXPECT_ERR(acio_barrier_wait(&barrier), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(0.5);
    ALWAYS(acio_barrier_n_waiting(&barrier) == 0);
    EXPECT(!acio_barrier_broken(&barrier));
}

enum { PARTIES = 4, ROUNDS = 5 };

struct walk_args {
    acio_barrier *barrier;
    int *rounds; /* what each party has done */
    int self;
};

static int
walk(void *arg)
{
    struct walk_args *a = arg;
    for (int i = 0; i < ROUNDS; i++) {
        a->rounds[a->self]++;
        int index = acio_barrier_wait(a->barrier);
        if (index < 0)
            return index == -ACIO_EBROKENBARRIER ? 0 : index;
        ALWAYS(index < PARTIES);
        for (int j = 0; j < PARTIES; j++)
            ALWAYS(a->rounds[j] >= i + 1);
    }
    return 0;
}

SPEC(barrier, lets_nobody_into_the_next_round_before_all_have_come)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(PARTIES);
    int rounds[PARTIES] = { 0 };
    for (int i = 0; i < PARTIES; i++)
        start(walk, .barrier = &barrier, .rounds = rounds, .self = i);
    settle();
    for (int i = 0; i < PARTIES; i++)
        EXPECT_EQ(rounds[i], ROUNDS);
    end(&barrier);
}

/* ---- misuse ---- */

SPEC(barrier, without_parties_is_refused)
{
    acio_barrier barrier;
    EXPECT_ERR(acio_barrier_init(&barrier, 0), -EINVAL);
    EXPECT_ERR(acio_barrier_wait(&barrier), -EINVAL);
    EXPECT_ERR(acio_barrier_init(&barrier, INT_MIN), -EINVAL);
    EXPECT_ERR(acio_barrier_wait(&barrier), -EINVAL);
    memset(&barrier, 0, sizeof barrier);
    EXPECT_ERR(acio_barrier_wait(&barrier), -EINVAL);
    EXPECT_EQ(acio_barrier_parties(&barrier), 0);
}

static void
use_outside_of_a_task(void *arg)
{
    acio_barrier *barrier = arg;
    EXPECT_ERR(acio_barrier_wait(barrier), -ACIO_ENOTASK);
    EXPECT_ERR(acio_barrier_abort(barrier), 0);
}

SPEC(barrier, may_be_broken_by_a_callback_which_cannot_wait)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(2);
    start(meet, .barrier = &barrier, .who = 'a');
    settle();
    run_in_a_callback(use_outside_of_a_task, &barrier);
    finish();
    EXPECT_NOTED("a? ");
}

static int
use_from_another_loop(void *arg)
{
    acio_barrier *barrier = *(acio_barrier **)arg;
    ACIO_TIMEOUT(now, 0);
    EXPECT_ERR(acio_barrier_wait(barrier), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_barrier_abort(barrier), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_barrier_reset(barrier), -ACIO_EFOREIGN);
    EXPECT(!acio_barrier_broken(barrier));
    return 0;
}

SPEC(barrier, belongs_to_the_loop_of_those_who_wait_at_it)
{
    acio_barrier barrier = ACIO_BARRIER_INIT(3);
    start(meet, .barrier = &barrier, .who = 'a');
    settle();
    run_in_another_loop(use_from_another_loop, &barrier);
    EXPECT_EQ(acio_barrier_n_waiting(&barrier), 1);
    end(&barrier);
    EXPECT_NOTED("a? ");
}
