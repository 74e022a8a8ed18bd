/* SPDX-License-Identifier: MIT */
/* The simulator's clock, and the end of everything. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "sim_world.h"

static void
stop(void *loop)
{
    acio_loop_stop(loop);
}

struct clock_reader {
    acio_loop *loop;
    acio_timer timer;
    acio_handle handle;
    int64_t when_ns;
    int calls;
};

static void
read_clock(void *arg)
{
    struct clock_reader *reader = arg;
    reader->when_ns = acio_loop_time_ns(reader->loop);
    reader->calls++;
}

TEST(sim_clock, begins_at_zero)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    EXPECT_EQ(acio_loop_time_ns(loop), 0);
    EXPECT_TEXT(acio_loop_backend(loop), "sim");
    acio_loop_close(loop);
}

TEST(sim_clock, a_timer_of_an_hour_fires_at_once_and_exactly)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int64_t before_ns = acioi_clock_ns();
    acio_timer timer = { 0 };
    acio_loop_call_later(loop, &timer, 3600.0, stop, loop);
    EXPECT_EQ(acio_loop_run_forever(loop), 0);
    EXPECT_EQ(acio_loop_time_ns(loop), 3600 * ACIOI_SECOND_NS);
    ALWAYS(acioi_clock_ns() - before_ns < 1000 * ACIOI_SECOND_NS);
    acio_loop_close(loop);
}

TEST(sim_clock, stops_at_each_timer)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct clock_reader readers[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        readers[i].loop = loop;
        acio_loop_call_at_ns(loop, &readers[i].timer, 1000 - i * 300,
            read_clock, &readers[i]);
    }
    sim_settle(loop);
    EXPECT_EQ(readers[0].when_ns, 1000);
    EXPECT_EQ(readers[1].when_ns, 700);
    EXPECT_EQ(readers[2].when_ns, 400);
    acio_loop_close(loop);
}

TEST(sim_clock, stands_still_while_callbacks_are_ready)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct clock_reader timed = { .loop = loop }, soon = { .loop = loop };
    acio_loop_call_later(loop, &timed.timer, 1, read_clock, &timed);
    for (int i = 0; i < 100; i++) {
        acio_loop_call_soon(loop, &soon.handle, read_clock, &soon);
        EXPECT_EQ(acio_loop_run_once(loop, -1), 1);
    }
    EXPECT_EQ(soon.when_ns, 0);
    EXPECT_EQ(timed.calls, 0);
    acio_loop_close(loop);
}

struct spinner {
    acio_loop *loop;
    acio_handle handle;
    acio_timer timer;
    bool done;
    int64_t when_ns;
};

static void
spin(void *arg)
{
    struct spinner *spinner = arg;
    if (!spinner->done)
        acio_loop_call_soon(spinner->loop, &spinner->handle, spin, spinner);
}

static void
stop_spinning(void *arg)
{
    struct spinner *spinner = arg;
    spinner->done = true;
    spinner->when_ns = acio_loop_time_ns(spinner->loop);
}

TEST(sim_clock, moves_in_the_end_for_a_program_that_spins)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct spinner spinner = { .loop = loop };
    acio_loop_call_later(loop, &spinner.timer, 0.01, stop_spinning, &spinner);
    spin(&spinner);
    sim_settle(loop);
    EXPECT(spinner.done);
    EXPECT_EQ(spinner.when_ns, 10000000);
    acio_loop_close(loop);
}

TEST(sim_clock, moves_by_the_limit_of_a_pass_in_which_nothing_happens)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    EXPECT_EQ(acio_loop_run_once(loop, 2.5), 0);
    EXPECT_EQ(acio_loop_time_ns(loop), 2500000000);
    acio_loop_close(loop);
}

TEST(sim_clock, a_loop_with_nothing_to_wait_for_says_deadlock)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    EXPECT_ERR(acio_loop_run_forever(loop), -EDEADLK);
    EXPECT_ERR(acio_loop_run_once(loop, -1), -EDEADLK);
    EXPECT_EQ(acio_loop_run_once(loop, 0), 0);
    acio_loop_close(loop);
}

TEST(sim_clock, an_operation_that_nobody_will_answer_is_a_deadlock)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct pair pair = connect_pair(loop);
    struct call call = { 0 };
    char byte;
    acio_op_recv(&call.op, pair.server, &byte, 1, 0);
    sim_submit(loop, &call);
    EXPECT_ERR(acio_loop_run_forever(loop), -EDEADLK);
    EXPECT(!call.done);
    acio_op_cancel(&call.op);
    sim_settle(loop);
    EXPECT_ERR(call.result, -ECANCELED);
    close_pair(loop, &pair);
    acio_loop_close(loop);
}

TEST(sim_clock, a_posted_callback_runs_before_the_clock_moves)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    struct clock_reader posted = { .loop = loop }, timed = { .loop = loop };
    acio_loop_call_later(loop, &timed.timer, 1, read_clock, &timed);
    acio_loop_call_soon_threadsafe(loop, &posted.handle, read_clock, &posted);
    sim_settle(loop);
    EXPECT_EQ(posted.when_ns, 0);
    EXPECT_EQ(timed.when_ns, ACIOI_SECOND_NS);
    acio_loop_close(loop);
}

static void *
post_stop(void *arg)
{
    struct clock_reader *reader = arg;
    acio_loop_call_soon_threadsafe(reader->loop, &reader->handle, stop,
        reader->loop);
    return NULL;
}

TEST(sim_clock, waits_for_threads_where_it_is_told_that_there_are_some)
{
    struct acio_sim_options options = { .wait_for_threads = true };
    acio_loop *loop = sim_loop(&options);
    if (!loop)
        return;
    struct clock_reader reader = { .loop = loop };
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, post_stop, &reader), 0);
    EXPECT_EQ(acio_loop_run_forever(loop), 0);
    pthread_join(thread, NULL);
    EXPECT_EQ(acio_loop_time_ns(loop), 0);
    acio_loop_close(loop);
}

static void *
send_signal(void *process)
{
    kill(*(pid_t *)process, SIGUSR1);
    return NULL;
}

TEST(sim_clock, waits_for_signals_while_a_handler_is_there)
{
    acio_loop *loop = sim_loop(NULL);
    if (!loop)
        return;
    int err = acio_loop_add_signal_handler(loop, SIGUSR1, stop, loop);
    EXPECT_EQ(err, 0);
    if (err == 0) {
        pthread_t thread;
        pid_t self = getpid();
        REQUIRE_EQ(pthread_create(&thread, NULL, send_signal, &self), 0);
        EXPECT_EQ(acio_loop_run_forever(loop), 0);
        pthread_join(thread, NULL);
        EXPECT(acio_loop_remove_signal_handler(loop, SIGUSR1));
        EXPECT_ERR(acio_loop_run_forever(loop), -EDEADLK);
    }
    acio_loop_close(loop);
}
