/* SPDX-License-Identifier: MIT */
/* The end of a child: its status, signals to it, and no zombie in any case. */
#include "process_world.h"

#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <time.h>

/* ---- status ---- */

SPEC(process_wait, tells_what_the_child_has_returned)
{
    EXPECT_EQ(acio_status_exit_code(status_of("exit 0", NULL)), 0);
    EXPECT_EQ(acio_status_exit_code(status_of("exit 7", NULL)), 7);
    EXPECT_EQ(acio_status_exit_code(status_of("exit 255", NULL)), 255);
    EXPECT_EQ(acio_status_signal(status_of("exit 255", NULL)), 0);
}

SPEC(process_wait, tells_the_signal_that_has_ended_the_child)
{
    int status = status_of("kill -HUP $$", NULL);
    EXPECT_EQ(acio_status_signal(status), SIGHUP);
    EXPECT_EQ(acio_status_exit_code(status), -1);
    EXPECT(status < 0 || WIFSIGNALED(status));
}

SPEC(process_wait, tells_of_a_child_that_has_dumped_its_core)
{
    EXPECT_EQ(acio_status_signal(status_of("ulimit -c 0; kill -ABRT $$", NULL)),
        SIGABRT);
}

TEST(process_wait, has_no_status_in_an_error)
{
    EXPECT_EQ(acio_status_exit_code(-ECHILD), -1);
    EXPECT_EQ(acio_status_signal(-ECHILD), 0);
    EXPECT_ERR(acio_process_status(NULL), -EINVAL);
}

SPEC(process_wait, gives_the_status_to_whoever_asks_and_as_often)
{
    acio_process *process = shell("exit 3", NULL);
    if (!process)
        return;
    EXPECT_EQ(acio_status_exit_code(acio_process_wait(process)), 3);
    EXPECT_EQ(acio_status_exit_code(acio_process_wait(process)), 3);
    EXPECT_EQ(acio_status_exit_code(acio_process_status(process)), 3);
    EXPECT_EQ(acio_process_pid(process) > 0, true);
    acio_process_close(process);
}

SPEC(process_wait, has_no_status_while_the_child_runs)
{
    acio_process *process = shell("exec cat",
        &(struct acio_process_options){ .new_group = true });
    if (!process)
        return;
    EXPECT_ERR(acio_process_status(process), -ACIO_EINVALIDSTATE);
    acio_process_close(process);
}

/* ---- waiting ---- */

struct wait_and_note_args {
    acio_process *process;
    const char *name;
};

static int
wait_and_note(void *arg)
{
    struct wait_and_note_args *a = arg;
    int status = acio_process_wait(a->process);
    if (status < 0)
        note("%s: %s. ", a->name, acio_strerror(status));
    else
        note("%s: %d. ", a->name, acio_status_signal(status));
    return 0;
}

/* A child that ends when it is told to. */
static acio_process *
sleeper(void)
{
    return shell("exec sleep 1000", NULL);
}

SPEC(process_wait, tells_every_task_that_waits)
{
    acio_process *process = sleeper();
    if (!process)
        return;
    start(wait_and_note, .process = process, .name = "a");
    start(wait_and_note, .process = process, .name = "b");
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_process_terminate(process), 0);
    finish();
    EXPECT_NOTED("a: 15. b: 15. ");
    acio_process_close(process);
}

SPEC(process_wait, leaves_the_child_running_when_it_times_out)
{
    acio_process *process = sleeper();
    if (!process)
        return;
    ACIO_TIMEOUT(limit, 0.01);
    EXPECT_ERR(acio_process_wait(process), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ERR(acio_process_status(process), -ACIO_EINVALIDSTATE);
    EXPECT_ERR(acio_process_kill(process), 0);
    EXPECT_EQ(acio_status_signal(acio_process_wait(process)), SIGKILL);
    acio_process_close(process);
}

SPEC(process_wait, ends_when_the_process_is_closed)
{
    acio_process *process = sleeper();
    if (!process)
        return;
    start(wait_and_note, .process = process, .name = "a");
    settle();
    acio_process_close(process);
    finish();
    EXPECT_NOTED("a: the object is closed. ");
}

SPEC(process_wait, does_not_keep_others_from_running)
{
    acio_process *process = sleeper();
    if (!process)
        return;
    start(wait_and_note, .process = process, .name = "child");
    for (int i = 0; i < 3; i++)
        (void)acio_sleep(0.001);
    note("slept. ");
    (void)acio_process_terminate(process);
    finish();
    EXPECT_NOTED("slept. child: 15. ");
    acio_process_close(process);
}

/* ---- handles ---- */

SPEC(process_wait, answers_a_handle_that_was_closed)
{
    struct acio_communication io = { 0 };
    acio_process *process = shell("exit 0", NULL);
    if (!process)
        return;
    EXPECT_EQ(acio_process_wait(process), 0);
    acio_process_close(process);
    EXPECT_ERR(acio_process_wait(process), -ACIO_ECLOSED);
    EXPECT_ERR(acio_process_communicate(process, &io), -ACIO_ECLOSED);
    EXPECT_ERR(acio_process_status(process), -ACIO_ECLOSED);
    EXPECT_ERR(acio_process_pid(process), -ACIO_ECLOSED);
    EXPECT_ERR(acio_process_kill(process), -ACIO_ECLOSED);
    EXPECT(acio_process_stdin(process) == NULL);
}

/* It lies where the other one did. */
SPEC(process_wait, does_not_take_a_closed_handle_for_that_of_another)
{
    acio_process *closed = shell("exit 0", NULL);
    if (!closed)
        return;
    EXPECT_EQ(acio_process_wait(closed), 0);
    acio_process_close(closed);
    acio_process *process = sleeper();
    acio_process_close(closed);
    EXPECT_ERR(acio_process_kill(closed), -ACIO_ECLOSED);
    if (process)
        EXPECT_ERR(acio_process_status(process), -ACIO_EINVALIDSTATE);
    acio_process_close(process);
}

struct leave_open_args {
    acio_process **process;
};

static int
leave_open(void *arg)
{
    const struct leave_open_args *a = arg;
    *a->process = shell("exec sleep 1000", NULL);
    return 0;
}

TEST(process_wait, refuses_a_handle_where_no_loop_runs)
{
    acio_process *process = NULL;
    EXPECT_EQ(spec_run(leave_open, ACIO_ARGS(leave_open, .process = &process),
                  NULL),
        0);
    EXPECT_ERR(acio_process_status(process), process ? -ACIO_ENOLOOP : -EINVAL);
    acio_process_close(process);
}

/* ---- signals ---- */

SPEC(process_wait, sends_the_child_any_signal)
{
    acio_process *process = sleeper();
    if (!process)
        return;
    EXPECT_ERR(acio_process_send_signal(process, 0), 0);
    EXPECT_ERR(acio_process_send_signal(process, 1000), -EINVAL);
    EXPECT_ERR(acio_process_send_signal(process, SIGUSR1), 0);
    EXPECT_EQ(acio_status_signal(acio_process_wait(process)), SIGUSR1);
    acio_process_close(process);
}

SPEC(process_wait, sends_nothing_to_a_child_that_has_ended)
{
    acio_process *process = shell("exit 0", NULL);
    if (!process)
        return;
    EXPECT_EQ(acio_process_wait(process), 0);
    EXPECT_ERR(acio_process_kill(process), -ESRCH);
    EXPECT_ERR(acio_process_terminate(process), -ESRCH);
    acio_process_close(process);
}

/* ---- a debugger ---- */

/* A process that sees the child's end before its parent does; it says when it
 * has begun, and ends with the pipe. */
static pid_t
start_tracer(pid_t pid, int fds[2])
{
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        char traces = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
        close(fds[0]);
        bool told = write(fds[1], &traces, 1) == 1;
        _exit(told && read(fds[1], &traces, 1) == 0);
    }
    close(fds[1]);
    char traces = 0;
    EXPECT_EQ(read(fds[0], &traces, 1), 1);
    return traces ? tracer : -tracer;
}

static double
processor_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

SPEC_KIND(process_wait, is_patient_with_a_debugger, "epoll uring",
    SPEC_NO_TORTURE, )
{
    int fds[2];
    acio_process *process = sleeper();
    REQUIRE(process != NULL);
    pid_t tracer = start_tracer(acio_process_pid(process), fds);
    EXPECT_ERR(acio_process_kill(process), 0);
    double before = processor_seconds();
    EXPECT_EQ(acio_sleep(0.4), 0);
    if (tracer > 0)
        EXPECT_ERR(acio_process_status(process), -ACIO_EINVALIDSTATE);
    EXPECT(processor_seconds() - before < 0.05);
    close(fds[0]);
    EXPECT_EQ(waitpid(tracer > 0 ? tracer : -tracer, NULL, 0) > 0, true);
    EXPECT_EQ(acio_status_signal(acio_process_wait(process)), SIGKILL);
    acio_process_close(process);
    if (tracer < 0)
        SKIP("nobody may trace here");
}

/* ---- no zombie ---- */

static bool
has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

SPEC(process_wait, leaves_no_zombie_where_nobody_waits)
{
    acio_process *process = shell("exit 0", NULL);
    if (!process)
        return;
    while (acio_process_status(process) == -ACIO_EINVALIDSTATE)
        if (acio_sleep(0.001) < 0)
            break;
    EXPECT(!has_children());
    acio_process_close(process);
}

SPEC(process_wait, leaves_no_zombie_of_a_child_that_it_kills_by_closing)
{
    acio_process *process = sleeper();
    acio_process_close(process);
    for (int i = 0; i < 1000 && has_children(); i++)
        if (acio_sleep(0.001) < 0)
            return;
    EXPECT(!has_children());
}

SPEC(process_wait, leaves_no_zombie_at_the_end_of_the_run)
{
    acio_process *process = sleeper();
    EXPECT(process != NULL); /* the runner looks for children */
}

SPEC(process_wait, closes_a_child_at_the_end_of_the_block)
{
    ACIO_PROCESS(process);
    EXPECT_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV("sleep", "100"),
                   NULL),
        0);
}

static int
run_and_wait(void *arg)
{
    (void)arg;
    ACIO_PROCESS(process);
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("sleep", "100"),
        NULL);
    return err < 0 ? err : acio_process_wait(process);
}

SPEC(process_wait, is_cancelled_with_its_task)
{
    acio_task *task = acio_create_task(run_and_wait);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
}

SPEC_LARGE(process_wait, runs_children_by_the_dozen)
{
    acio_process *processes[24] = { 0 };
    for (int i = 0; i < 24; i++) {
        char command[32];
        snprintf(command, sizeof command, "exit %d", i);
        processes[i] = shell(command, NULL);
    }
    for (int i = 0; i < 24; i++) {
        EXPECT_EQ(acio_status_exit_code(acio_process_wait(processes[i])), i);
        acio_process_close(processes[i]);
    }
}

/* ---- what others do to our children ---- */

SPEC(process_wait, tells_where_somebody_else_has_waited_for_the_child)
{
    acio_process *process = shell("exit 3", NULL);
    if (!process)
        return;
    EXPECT_EQ(waitpid(acio_process_pid(process), NULL, 0),
        acio_process_pid(process));
    EXPECT_ERR(acio_process_wait(process), -ECHILD);
    acio_process_close(process);
}

SPEC(process_wait, tells_where_the_kernel_keeps_no_status)
{
    signal(SIGCHLD, SIG_IGN);
    EXPECT_ERR(status_of("exit 3", NULL), -ECHILD);
    signal(SIGCHLD, SIG_DFL);
}
