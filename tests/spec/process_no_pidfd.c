/* SPDX-License-Identifier: MIT */
/* Kernels and sandboxes without pidfds, and other things that are missing. */
#include "forbid.h"
#include "process_world.h"

SPEC(process_no_pidfd, waits_for_a_child_in_a_thread)
{
    forbid(SYS_pidfd_open, ENOSYS);
    EXPECT_EQ(acio_status_exit_code(status_of("exit 7", NULL)), 7);
    EXPECT_EQ(acio_status_signal(status_of("kill -HUP $$", NULL)), SIGHUP);
}

SPEC(process_no_pidfd, waits_for_many_children_at_once)
{
    acio_process *processes[12] = { 0 };
    forbid(SYS_pidfd_open, EPERM);
    for (int i = 0; i < 12; i++)
        processes[i] = shell("sleep 0.01", NULL);
    for (int i = 0; i < 12; i++) {
        if (processes[i])
            EXPECT_EQ(acio_process_wait(processes[i]), 0);
        acio_process_close(processes[i]);
    }
}

SPEC(process_no_pidfd, signals_the_child)
{
    forbid(SYS_pidfd_open, ENOSYS);
    acio_process *process = shell("exec sleep 1000", NULL);
    if (!process)
        return;
    EXPECT_ERR(acio_process_send_signal(process, SIGUSR1), 0);
    EXPECT_EQ(acio_status_signal(acio_process_wait(process)), SIGUSR1);
    EXPECT_ERR(acio_process_kill(process), -ESRCH);
    acio_process_close(process);
}

SPEC(process_no_pidfd, kills_the_child_when_it_is_closed)
{
    forbid(SYS_pidfd_open, ENOSYS);
    acio_process *process = shell("exec sleep 1000", NULL);
    acio_process_close(process);
}

SPEC(process_no_pidfd, kills_the_child_when_the_loop_is_closed)
{
    forbid(SYS_pidfd_open, ENOSYS);
    EXPECT(shell("exec sleep 1000", NULL) != NULL);
}

SPEC(process_no_pidfd, tells_where_somebody_else_has_waited_for_the_child)
{
    forbid(SYS_pidfd_open, ENOSYS);
    signal(SIGCHLD, SIG_IGN);
    EXPECT_ERR(status_of("exit 3", NULL), -ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

SPEC(process_no_pidfd, kills_a_child_that_it_could_not_wait_for)
{
    acio_process *process;
    forbid(SYS_pidfd_open, ENOSYS);
    forbid(SYS_eventfd2, EMFILE);
    EXPECT_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV("sleep", "100"),
                   NULL),
        -EMFILE);
    EXPECT(process == NULL);
}

/* It ends with its input. */
SPEC(process_no_pidfd, leaves_a_child_alone_that_it_can_neither_watch_nor_kill)
{
    int fds[2];
    acio_process *process;
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    forbid(SYS_pidfd_open, ENOSYS);
    forbid(SYS_eventfd2, EMFILE);
    forbid(SYS_kill, EPERM);
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("cat"),
        &(struct acio_process_options){ .input = fds[0] });
    EXPECT_ERR(err, -EMFILE);
    close(fds[1]);
    close(fds[0]);
    if (err == -EMFILE)
        EXPECT(waitpid(-1, NULL, 0) > 0);
}

SPEC(process_no_pidfd, leaks_no_descriptor_without_close_range_either)
{
    int given = fcntl(0, F_DUPFD, 30), other = fcntl(0, F_DUPFD, 40);
    forbid(SYS_close_range, ENOSYS);
    EXPECT_TEXT(output_of("cd /proc/self/fd && for fd in *; do "
                          "test -e $fd && echo -n \"$fd \"; done; true",
                    (struct acio_process_options){ .pass_fds = &given,
                        .pass_fds_count = 1 }),
        "0 1 2 30 ");
    close(given);
    close(other);
}

/* ---- a child that may not be killed, as that of another user ---- */

struct start_cat_args {
    int input;
    pid_t *pid;
};

static int
start_cat(void *arg)
{
    struct start_cat_args *a = arg;
    acio_process *process;
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("cat"),
        &(struct acio_process_options){ .input = a->input });
    if (err < 0)
        return err;
    *a->pid = acio_process_pid(process);
    EXPECT_ERR(acio_process_kill(process), -EPERM);
    acio_process_close(process);
    return 0;
}

/* It ends when it has read all of its input. */
static void
expect_left_alone(void)
{
    int fds[2], status = -1;
    pid_t pid = -1;
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    struct start_cat_args args = { .input = fds[0], .pid = &pid };
    int err = spec_run(start_cat, (struct acio_args){ &args, sizeof args },
        NULL);
    EXPECT_ERR(err, 0);
    if (err == 0)
        EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
    close(fds[1]);
    close(fds[0]);
    if (err == 0)
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, err == 0 ? 0 : -1);
}

TEST(process_no_pidfd, leaves_a_child_alone_that_may_not_be_killed)
{
    forbid(SYS_pidfd_open, ENOSYS);
    forbid(SYS_kill, EPERM);
    expect_left_alone();
}

TEST(process_wait, leaves_a_child_alone_that_may_not_be_killed)
{
    forbid(SYS_pidfd_send_signal, EPERM);
    forbid(SYS_kill, EPERM);
    expect_left_alone();
}
