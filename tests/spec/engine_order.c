/* SPDX-License-Identifier: MIT */
/* The order in which a loop runs callbacks and timers, and who may wake it. */
#include <pthread.h>
#include <signal.h>

#include "engine_world.h"

struct noted {
    acio_handle handle;
    acio_timer timer;
    struct spec_log *log;
    const char *text;
    struct noted *next; /* scheduled by the callback, if any */
};

static void
add_to_log(void *arg)
{
    struct noted *n = arg;
    spec_log_add(n->log, "%s", n->text);
    if (n->next)
        acio_loop_call_soon(loop, &n->next->handle, add_to_log, n->next);
}

static void
soon(struct noted *n)
{
    acio_loop_call_soon(loop, &n->handle, add_to_log, n);
}

ENGINE(engine_order, callbacks_run_in_the_order_of_call_soon)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted a = { .log = &log, .text = "a" };
    struct noted b = { .log = &log, .text = "b" };
    struct noted c = { .log = &log, .text = "c" };
    soon(&b);
    soon(&a);
    soon(&c);
    EXPECT_EQ(acio_loop_run_once(loop, 0), 3);
    EXPECT_TEXT(&log, "bac");
}

ENGINE(engine_order, what_a_callback_schedules_runs_in_the_next_pass)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted late = { .log = &log, .text = "late" };
    struct noted a = { .log = &log, .text = "a", .next = &late };
    struct noted b = { .log = &log, .text = "b" };
    soon(&a);
    soon(&b);
    EXPECT_EQ(acio_loop_run_once(loop, 0), 2);
    EXPECT_TEXT(&log, "ab");
    EXPECT_EQ(acio_loop_run_once(loop, 0), 1);
    EXPECT_TEXT(&log, "ablate");
}

ENGINE(engine_order, a_cancelled_handle_does_not_run)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted a = { .log = &log, .text = "a" };
    struct noted b = { .log = &log, .text = "b" };
    soon(&a);
    soon(&b);
    acio_handle_cancel(&a.handle);
    pass(2);
    EXPECT_TEXT(&log, "b");
    acio_handle_cancel(&b.handle); /* it has run: nothing happens */
    pass(1);
    EXPECT_TEXT(&log, "b");
}

static void
arm(struct noted *n, int64_t when_ns)
{
    acio_loop_call_at_ns(loop, &n->timer, when_ns, add_to_log, n);
}

ENGINE(engine_order, timers_of_one_time_fire_in_the_order_of_arming)
{
    struct spec_log log = SPEC_LOG_INIT;
    int64_t when_ns = acio_loop_time_ns(loop) + 2000000;
    struct noted n[4] = { { .text = "0" }, { .text = "1" }, { .text = "2" },
        { .text = "3" } };
    for (int i = 0; i < 4; i++)
        n[i].log = &log;
    arm(&n[2], when_ns);
    arm(&n[0], when_ns);
    arm(&n[3], when_ns + 1);
    arm(&n[1], when_ns - 1);
    while (log.length < 4)
        REQUIRE(acio_loop_run_once(loop, 1.0) >= 0);
    EXPECT_TEXT(&log, "1203");
    EXPECT(acio_loop_time_ns(loop) >= when_ns);
}

ENGINE(engine_order, no_timer_fires_early)
{
    for (int i = 1; i <= 5; i++) {
        struct spec_log log = SPEC_LOG_INIT;
        struct noted n = { .log = &log, .text = "x" };
        int64_t when_ns = acio_loop_time_ns(loop) + i * 123457;
        arm(&n, when_ns);
        while (log.length == 0)
            REQUIRE(acio_loop_run_once(loop, 1.0) >= 0);
        EXPECT(acio_loop_time_ns(loop) >= when_ns);
    }
}

ENGINE(engine_order, a_cancelled_timer_does_not_fire)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted a = { .log = &log, .text = "a" };
    struct noted b = { .log = &log, .text = "b" };
    arm(&a, acio_loop_time_ns(loop) + 1000);
    arm(&b, acio_loop_time_ns(loop) + 2000);
    acio_timer_cancel(loop, &a.timer);
    while (log.length == 0)
        REQUIRE(acio_loop_run_once(loop, 1.0) >= 0);
    EXPECT_TEXT(&log, "b");
}

ENGINE(engine_order, a_timer_that_is_due_and_ready_can_still_be_cancelled)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted a = { .log = &log, .text = "a" };
    arm(&a, acio_loop_time_ns(loop) - 1);
    acioi_timers_expire(loop);
    acio_timer_cancel(loop, &a.timer);
    pass(2);
    EXPECT_TEXT(&log, "");
}

ENGINE(engine_order, a_pass_runs_what_was_ready_and_says_how_much)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct noted a = { .log = &log, .text = "a" };
    pass(3); /* what the loop does for itself */
    soon(&a);
    EXPECT_EQ(acio_loop_run_once(loop, -1), 1);
    EXPECT(!acio_loop_is_running(loop));
}

/* ---- hooks ---- */

struct hooked {
    struct spec_log *log;
};

static void
before_wait(void *user)
{
    spec_log_add(user, "(");
}

static void
after_wait(void *user)
{
    spec_log_add(user, ")");
}

ENGINE(engine_order, hooks_surround_the_waits_that_may_block)
{
    struct spec_log log = SPEC_LOG_INIT;
    struct acio_wait_hooks hooks = { before_wait, after_wait, &log };
    struct noted a = { .log = &log, .text = "a" };
    struct noted b = { .log = &log, .text = "b" };
    pass(3);
    acio_loop_set_wait_hooks(loop, &hooks);
    soon(&a);
    pass(1);
    EXPECT_TEXT(&log, "a");
    /* so far away that a machine under load comes to wait for it */
    arm(&b, acio_loop_time_ns(loop) + 200000000);
    while (log.length < 4)
        REQUIRE(acio_loop_run_once(loop, 1.0) >= 0);
    EXPECT_TEXT(&log, "a()b");
    acio_loop_set_wait_hooks(loop, NULL);
}

/* ---- from elsewhere ---- */

enum { THREADS = 4, POSTS = 500 };

struct poster {
    pthread_t thread;
    acio_handle handles[POSTS];
    struct post {
        struct poster *poster;
        int number;
    } posts[POSTS];
    int seen; /* posts that ran, all in order so far */
    int *total;
};

static void
count_post(void *arg)
{
    struct post *post = arg;
    EXPECT_EQ(post->number, post->poster->seen);
    post->poster->seen++;
    ++*post->poster->total;
}

static void *
post_all(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct post){ poster, i };
        acio_loop_call_soon_threadsafe(loop, &poster->handles[i], count_post,
            &poster->posts[i]);
    }
    return NULL;
}

ENGINE_REAL(engine_order,
    threads_wake_the_loop_and_their_calls_keep_their_order)
{
    static struct poster posters[THREADS];
    int total = 0;
    memset(posters, 0, sizeof posters);
    for (int i = 0; i < THREADS; i++) {
        posters[i].total = &total;
        REQUIRE_EQ(pthread_create(&posters[i].thread, NULL, post_all,
                       &posters[i]),
            0);
    }
    while (total < THREADS * POSTS)
        REQUIRE(acio_loop_run_once(loop, -1) >= 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(posters[i].thread, NULL);
        EXPECT_EQ(posters[i].seen, POSTS);
    }
}

static void
set_flag(void *arg)
{
    *(bool *)arg = true;
}

ENGINE(engine_order, a_thread_wakes_a_loop_that_was_made_in_another)
{
    bool flag = false;
    acio_handle handle = { 0 };
    acio_loop_call_soon_threadsafe(loop, &handle, set_flag, &flag);
    REQUIRE(acio_loop_run_once(loop, -1) >= 0);
    EXPECT(flag);
}

static void
stop_loop(void *arg)
{
    acio_loop_stop(arg);
}

static void *
run_and_close(void *arg)
{
    acio_loop *other = arg;
    acio_handle handle = { 0 };
    acio_loop_call_soon(other, &handle, stop_loop, other);
    EXPECT_EQ(acio_loop_run_forever(other), 0);
    EXPECT_EQ(acio_loop_close(other), 0);
    return NULL;
}

ENGINE(engine_order, a_loop_runs_in_another_thread_than_the_one_that_made_it)
{
    struct acio_loop_options options = {
        .backend = acio_loop_backend(loop),
    };
    acio_loop *other;
    pthread_t thread;
    REQUIRE_EQ(acio_loop_new(&other, &options), 0);
    REQUIRE_EQ(pthread_create(&thread, NULL, run_and_close, other), 0);
    pthread_join(thread, NULL);
}

static struct {
    acio_handle handle;
    bool ran;
} from_signal;

static void
post_from_signal(int signum)
{
    (void)signum;
    acio_loop_call_soon_threadsafe(loop, &from_signal.handle, set_flag,
        &from_signal.ran);
}

static void *
raise_later(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

ENGINE_REAL(engine_order, a_signal_handler_interrupts_the_wait_and_is_heard)
{
    pthread_t self = pthread_self(), thread;
    struct sigaction action = { .sa_handler = post_from_signal }, before;
    from_signal.ran = false;
    memset(&from_signal.handle, 0, sizeof from_signal.handle);
    REQUIRE_EQ(sigaction(SIGUSR1, &action, &before), 0);
    REQUIRE_EQ(pthread_create(&thread, NULL, raise_later, &self), 0);
    while (!from_signal.ran)
        REQUIRE(acio_loop_run_once(loop, -1) >= 0);
    pthread_join(thread, NULL);
    sigaction(SIGUSR1, &before, NULL);
    EXPECT(from_signal.ran);
}

ENGINE(engine_order, a_signal_handler_of_the_loop_is_called_from_the_loop)
{
    bool called = false;
    REQUIRE_EQ(acio_loop_add_signal_handler(loop, SIGUSR2, set_flag, &called),
        0);
    raise(SIGUSR2);
    EXPECT(!called);
    run_until(&called);
    EXPECT(acio_loop_remove_signal_handler(loop, SIGUSR2));
    EXPECT(!acio_loop_remove_signal_handler(loop, SIGUSR2));
}

/* ---- misuse ---- */

TEST_DIES(engine_order, ends_who_submits_what_was_not_zeroed,
    "an operation was submitted twice, or was not zeroed before it was "
    "prepared")
{
    acio_loop *own;
    acio_op op;
    memset(&op, 0xff, sizeof op);
    REQUIRE_EQ(acio_loop_new(&own, NULL), 0);
    acio_op_poll(&op, 0, 0);
    acio_loop_submit(own, &op, NULL, NULL);
}
