/* SPDX-License-Identifier: MIT */
/* child.c - a child of this process, up to its end
 *
 * Idea.       A descriptor tells of the end, which the loop polls like any
 *             other: a pidfd (Linux 5.3). Where the kernel has none, or a
 *             sandbox says so, it is an eventfd, and a thread that waits for
 *             this one child writes to it.
 *
 * Reaping.    The thread only looks (WNOWAIT): it is the loop's own thread that
 *             takes the status and so gives the number back. Up to that call
 *             the number is this child's, and a signal sent from the same
 *             thread reaches nobody else.
 *
 * Others.     A child that runs as another user cannot be killed. It is not
 *             waited for either, when the loop is closed.
 */
#include "os/child.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* ---- without a pidfd ---- */

static int
wait_for(idtype_t type, id_t id, siginfo_t *info, int options)
{
    int result;
    info->si_pid = 0;
    do {
        result = waitid(type, id, info, WEXITED | options);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static void *
wait_in_thread(void *arg)
{
    const struct acioi_child *child = arg;
    const uint64_t one = 1;
    siginfo_t info;
    (void)wait_for(P_PID, (id_t)child->pid, &info, WNOWAIT);
    ssize_t n = write(child->fd, &one, sizeof one);
    ACIOI_ASSERT(n == sizeof one);
    return NULL;
}

/* Signals are for the program's own threads. */
static int
start_thread(struct acioi_child *child)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&child->thread, NULL, wait_in_thread, child);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    child->threaded = err == 0;
    return -err;
}

static int
open_threaded(struct acioi_child *child)
{
    child->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (child->fd < 0)
        return -errno;
    int err = start_thread(child);
    if (err < 0)
        close(child->fd);
    return err;
}

/* ---- in general ---- */

/* ESRCH: it has ended already, and SIGCHLD is ignored. The thread finds that
 * out as well. */
int
acioi_child_open(struct acioi_child *child, pid_t pid)
{
    *child = (struct acioi_child){ .pid = pid };
    child->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (child->fd >= 0)
        return 0;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
        return -errno;
    return open_threaded(child);
}

/* As wait(2) has it. */
static int
status_of(const siginfo_t *info)
{
    enum { DUMPED = 0x80 };
    switch (info->si_code) {
    case CLD_EXITED:
        return (info->si_status & 0xff) << 8;
    case CLD_DUMPED:
        return info->si_status | DUMPED;
    default:
        return info->si_status;
    }
}

/* EINVAL: a pidfd is known, but not to waitid(2) (before Linux 5.4). */
static int
reap(const struct acioi_child *child, int options)
{
    siginfo_t info;
    int err = -EINVAL;
    if (!child->threaded)
        err = wait_for(P_PIDFD, (id_t)child->fd, &info, options);
    if (err == -EINVAL)
        err = wait_for(P_PID, (id_t)child->pid, &info, options);
    if (err < 0)
        return err;
    return info.si_pid ? status_of(&info) : -EAGAIN;
}

int
acioi_child_reap(const struct acioi_child *child)
{
    return reap(child, WNOHANG);
}

/* The thread ends first: it must not wait for the next child that gets the
 * number. */
void
acioi_child_end(struct acioi_child *child)
{
    bool left_alone = acioi_child_signal(child, SIGKILL) == -EPERM;
    if (child->threaded && left_alone)
        pthread_cancel(child->thread); /* inside waitid(2) */
    if (child->threaded)
        pthread_join(child->thread, NULL);
    if (!left_alone)
        (void)reap(child, 0);
    close(child->fd);
}

int
acioi_child_signal(const struct acioi_child *child, int signum)
{
    int result = child->threaded
        ? kill(child->pid, signum)
        : (int)syscall(SYS_pidfd_send_signal, child->fd, signum, NULL, 0);
    return result < 0 ? -errno : 0;
}

void
acioi_child_close(struct acioi_child *child)
{
    if (child->threaded)
        pthread_join(child->thread, NULL);
    close(child->fd);
}
