/* SPDX-License-Identifier: MIT */
/* Ctrl-C: the first one asks the main task to end, the second one ends the
 * process. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner_parts.h"

static bool
is_default(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return now.sa_handler == SIG_DFL;
}

/* The status of a process that calls f. */
static int
status_of(void (*f)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        f();
        _exit(7);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

static bool
dies_of_sigint(void (*f)(void))
{
    int status = status_of(f);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
}

struct press_args {
    int times, result;
    bool swallow;
};

/* Presses Ctrl-C, then waits to be cancelled. */
static int
press(void *arg)
{
    struct press_args *a = arg;
    EXPECT(!is_default());
    for (int i = 0; i < a->times; i++)
        raise(SIGINT);
    int err = acio_sleep(1000);
    note("%s ", acio_strerror(err));
    if (a->swallow)
        acio_uncancel(acio_current_task());
    return a->result ? a->result : err;
}

static int
run_press(struct press_args args)
{
    return spec_run(press, (struct acio_args){ &args, sizeof args }, NULL);
}

TEST(sigint, cancels_the_main_task_of_a_run)
{
    EXPECT_ERR(run_press((struct press_args){ .times = 1 }), -EINTR);
    EXPECT_NOTED("Operation canceled ");
    EXPECT(is_default());
}

TEST(sigint, leaves_it_to_the_main_task_what_it_returns)
{
    EXPECT_EQ(run_press((struct press_args){ .times = 1, .result = 7 }), 7);
    EXPECT_NOTED("Operation canceled ");
    EXPECT(is_default());
}

TEST(sigint, that_was_taken_back_is_no_reason)
{
    EXPECT_ERR(run_press((struct press_args){ .times = 1,
                   .result = -ECANCELED,
                   .swallow = true }),
        -ECANCELED);
    EXPECT_NOTED("Operation canceled ");
}

static int
press_and_cancel(void *arg)
{
    (void)arg;
    raise(SIGINT);
    acio_cancel(acio_current_task());
    int err = 0;
    while (acio_cancelling(acio_current_task()) < 2)
        err = acio_sleep(0);
    return err;
}

TEST(sigint, beside_another_cancel_is_not_blamed)
{
    EXPECT_ERR(spec_run(press_and_cancel, no_args, NULL), -ECANCELED);
}

static int
let_others_end(void *arg)
{
    (void)arg;
    start(stubborn, .seconds = 0.001, .text = "other");
    raise(SIGINT);
    int err = acio_sleep(1000);
    note("main ");
    return err;
}

TEST(sigint, ends_the_other_tasks_as_the_end_of_a_run_does)
{
    EXPECT_ERR(spec_run(let_others_end, no_args, NULL), -EINTR);
    EXPECT_NOTED("main other ");
}

TEST(sigint, is_taken_anew_in_each_run_of_a_runner)
{
    acio_runner *runner = open_runner();
    EXPECT_ERR(acio_runner_run(runner, press, .times = 1), -EINTR);
    EXPECT(is_default());
    EXPECT_EQ(acio_runner_run(runner, work, .result = 3), 3);
    EXPECT(is_default());
    EXPECT_ERR(acio_runner_run(runner, press, .times = 1), -EINTR);
    close_runner(runner);
    EXPECT_NOTED("Operation canceled Operation canceled ");
}

/* ---- the second one ---- */

static void
run_press_twice(void)
{
    run_press((struct press_args){ .times = 2 });
}

TEST(sigint, that_comes_twice_ends_the_process_at_once)
{
    EXPECT(dies_of_sigint(run_press_twice));
}

static int
press_and_return(void *arg)
{
    (void)arg;
    raise(SIGINT);
    return 0;
}

TEST(sigint, has_nothing_left_to_do_when_the_main_task_ends_by_itself)
{
    EXPECT_ERR(spec_run(press_and_return, no_args, NULL), 0);
    EXPECT(is_default());
}

static void
press_in_child(void)
{
    raise(SIGINT);
}

static int
fork_and_press(void *arg)
{
    (void)arg;
    EXPECT(dies_of_sigint(press_in_child));
    return acio_sleep(0);
}

TEST(sigint, of_a_forked_child_is_the_childs_own)
{
    if (many(100000) < 100000)
        SKIP("ThreadSanitizer keeps a child's signals to itself");
    EXPECT_ERR(spec_run(fork_and_press, no_args, NULL), 0);
}

/* ---- where it is left alone ---- */

static int
press_unheard(void *arg)
{
    (void)arg;
    raise(SIGINT);
    return acio_sleep(0.001);
}

TEST(sigint, that_is_ignored_stays_ignored)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, now;
    sigaction(SIGINT, &ignore, NULL);
    EXPECT_ERR(spec_run(press_unheard, no_args, NULL), 0);
    sigaction(SIGINT, NULL, &now);
    EXPECT(now.sa_handler == SIG_IGN);
}

static int
see_default(void *arg)
{
    (void)arg;
    EXPECT(is_default());
    return 0;
}

TEST(sigint, is_left_alone_where_the_options_say_so)
{
    struct acio_run_options options = { .keep_sigint = true };
    EXPECT_ERR(spec_run(see_default, no_args, &options), 0);
}

static void *
run_see_default(void *arg)
{
    (void)arg;
    spec_run(see_default, no_args, NULL);
    return NULL;
}

TEST(sigint, is_left_alone_in_other_threads)
{
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, run_see_default, NULL), 0);
    pthread_join(thread, NULL);
}

static void
note_press(void *arg)
{
    (void)arg;
    note("own ");
}

static int
handle_it(void *arg)
{
    (void)arg;
    acio_loop *loop = acio_get_running_loop();
    int err = acio_loop_add_signal_handler(loop, SIGINT, note_press, NULL);
    if (err < 0)
        return err;
    raise(SIGINT);
    settle();
    raise(SIGINT);
    settle();
    return acio_sleep(0);
}

TEST(sigint, is_the_programs_once_it_has_a_handler_of_its_own)
{
    EXPECT_ERR(spec_run(handle_it, no_args, NULL), 0);
    EXPECT_NOTED("own own ");
    EXPECT(is_default());
}

static int
handle_it_for_a_while(void *arg)
{
    int err = handle_it(arg);
    if (err < 0)
        return err;
    acio_loop_remove_signal_handler(acio_get_running_loop(), SIGINT);
    raise(SIGINT);
    return acio_sleep(1000);
}

TEST(sigint, cancels_again_when_the_programs_handler_is_gone)
{
    EXPECT_ERR(spec_run(handle_it_for_a_while, no_args, NULL), -EINTR);
    EXPECT_NOTED("own own ");
    EXPECT(is_default());
}
