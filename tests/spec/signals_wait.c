/* SPDX-License-Identifier: MIT */
/* Signals that tasks wait for. */
#include "acio_spec.h"

#include <string.h>

static bool
is_default(int signum)
{
    struct sigaction now;
    sigaction(signum, NULL, &now);
    return now.sa_handler == SIG_DFL;
}

struct next_and_note_args {
    acio_signals *signals;
    const char *name;
};

static int
next_and_note(void *arg)
{
    struct next_and_note_args *a = arg;
    int signum = acio_signals_next(a->signals);
    if (signum < 0)
        note("%s: %s. ", a->name, acio_strerror(signum));
    else
        note("%s: %s. ", a->name, sigabbrev_np(signum));
    return 0;
}

SPEC(signals, are_waited_for)
{
    ACIO_SIGNALS(signals, SIGUSR1, SIGUSR2);
    REQUIRE_ERR(signals.error, 0);
    start(next_and_note, .signals = &signals, .name = "a");
    settle();
    EXPECT_NOTED("");
    raise(SIGUSR2);
    finish();
    EXPECT_NOTED("a: USR2. ");
}

SPEC(signals, wait_until_they_are_asked_for)
{
    ACIO_SIGNALS(signals, SIGUSR1, SIGUSR2);
    REQUIRE_ERR(signals.error, 0);
    raise(SIGUSR2);
    raise(SIGUSR1);
    settle();
    EXPECT_EQ(acio_signals_next(&signals), SIGUSR1);
    EXPECT_EQ(acio_signals_next(&signals), SIGUSR2);
}

SPEC(signals, that_come_again_before_they_are_asked_for_are_told_once)
{
    ACIO_SIGNALS(signals, SIGUSR1);
    REQUIRE_ERR(signals.error, 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    settle();
    raise(SIGUSR1);
    settle();
    EXPECT_EQ(acio_signals_next(&signals), SIGUSR1);
    ACIO_TIMEOUT(limit, 0.001);
    EXPECT_ERR(acio_signals_next(&signals), -ETIMEDOUT);
}

SPEC(signals, go_to_the_tasks_in_order_of_arrival)
{
    ACIO_SIGNALS(signals, SIGUSR1);
    REQUIRE_ERR(signals.error, 0);
    start(next_and_note, .signals = &signals, .name = "a");
    start(next_and_note, .signals = &signals, .name = "b");
    settle();
    raise(SIGUSR1);
    settle();
    EXPECT_NOTED("a: USR1. ");
    raise(SIGUSR1);
    finish();
    EXPECT_NOTED("b: USR1. ");
}

SPEC(signals, are_told_to_every_set_that_has_them)
{
    ACIO_SIGNALS(one, SIGUSR1);
    REQUIRE_ERR(one.error, 0);
    {
        ACIO_SIGNALS(two, SIGUSR1, SIGUSR2);
        REQUIRE_ERR(two.error, 0);
        raise(SIGUSR1);
        settle();
        EXPECT_EQ(acio_signals_next(&one), SIGUSR1);
        EXPECT_EQ(acio_signals_next(&two), SIGUSR1);
    }
    EXPECT(is_default(SIGUSR2));
    EXPECT(!is_default(SIGUSR1));
    raise(SIGUSR1);
    EXPECT_EQ(acio_signals_next(&one), SIGUSR1);
}

SPEC(signals, have_their_disposition_back_when_the_set_is_closed)
{
    {
        ACIO_SIGNALS(signals, SIGUSR1);
        REQUIRE_ERR(signals.error, 0);
        EXPECT(!is_default(SIGUSR1));
    }
    EXPECT(is_default(SIGUSR1));
}

SPEC(signals, are_not_lost_by_a_cancel)
{
    ACIO_SIGNALS(signals, SIGUSR1);
    REQUIRE_ERR(signals.error, 0);
    acio_task *task = acio_create_task(next_and_note, .signals = &signals,
        .name = "a");
    settle();
    acio_cancel(task);
    raise(SIGUSR1);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("a: Operation canceled. ");
    EXPECT_EQ(acio_signals_next(&signals), SIGUSR1);
}

SPEC(signals, end_the_wait_when_the_set_is_closed)
{
    acio_signals signals;
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ SIGUSR1, 0 }), 0);
    start(next_and_note, .signals = &signals, .name = "a");
    settle();
    acio_signals_close(&signals);
    acio_signals_close(&signals);
    EXPECT_ERR(acio_signals_next(&signals), -ACIO_ECLOSED);
    finish();
    EXPECT_NOTED("a: the object is closed. ");
}

SPEC(signals, that_cannot_be_caught_are_refused)
{
    acio_signals signals;
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ SIGKILL, 0 }),
        -EINVAL);
    EXPECT_ERR(acio_signals_next(&signals), -EINVAL);
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ 0 }), -EINVAL);
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ 65, 0 }), -EINVAL);
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ -1, 0 }), -EINVAL);
    EXPECT_ERR(acio_signals_open(&signals,
                   (const int[]){ SIGUSR1, SIGSTOP, 0 }),
        -EINVAL);
    EXPECT(is_default(SIGUSR1));
    acio_signals_close(&signals);
}

SPEC(signals, of_another_loop_are_refused)
{
    acio_loop *other;
    acio_signals signals;
    REQUIRE_EQ(acio_loop_new(&other, NULL), 0);
    int err = acio_loop_add_signal_handler(other, SIGUSR1,
        (void (*)(void *))acio_loop_stop, other);
    EXPECT_ERR(err, 0);
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ SIGHUP, SIGUSR1, 0 }),
        err ? 0 : -EBUSY);
    EXPECT(is_default(SIGHUP));
    acio_signals_close(&signals);
    acio_loop_close(other);
}

TEST(signals, need_a_loop_and_a_task)
{
    acio_signals signals;
    EXPECT_ERR(acio_signals_open(&signals, (const int[]){ SIGUSR1, 0 }),
        -ACIO_ENOLOOP);
    EXPECT_ERR(acio_signals_next(&signals), -ACIO_ENOTASK);
    acio_signals_close(&signals);
}

/* ---- Ctrl-C, which the run has taken as well ---- */

static int
wait_for_sigint(void *arg)
{
    (void)arg;
    {
        ACIO_SIGNALS(signals, SIGINT);
        if (signals.error)
            return signals.error;
        raise(SIGINT);
        note("%s ", sigabbrev_np(acio_signals_next(&signals)));
    }
    raise(SIGINT);
    int err = acio_sleep(1000);
    note("%s", acio_strerror(err));
    return err;
}

TEST(signals, take_ctrl_c_from_the_run_and_give_it_back)
{
    int err = spec_run(wait_for_sigint, (struct acio_args){ 0 }, NULL);
    EXPECT_ERR(err, -EINTR);
    EXPECT_NOTED("INT Operation canceled");
    EXPECT(is_default(SIGINT));
}
