/* SPDX-License-Identifier: MIT */
/* sigint.c - Ctrl-C asks the main task of a run to end
 *
 * Idea.       A handler that is good for one signal (SA_RESETHAND) posts the
 *             cancel to the loop. So the second signal finds the default, and
 *             ends the process even where the loop does not turn any more.
 *
 * Stale.      Who takes the signal during the run puts our handler back when
 *             he is done with it, perhaps after the run. Nobody is armed then,
 *             or somebody else's parent was (fork): the handler, which has
 *             been reset to the default, raises the signal anew.
 *
 * Thread.     Only the process's first thread arms, as in asyncio; the signal
 *             itself may come in any. So disarming waits until nobody is
 *             inside the handler.
 */
#include "task/sigint.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* A signal handler has no argument, and one process one disposition. */
static _Atomic(struct acioi_sigint *) armed;
static atomic_int inside_handler;

static void
cancel_main(void *arg)
{
    struct acioi_sigint *sigint = arg;
    sigint->heard = acioi_task_cancel(sigint->task);
}

static void
on_sigint(int signum)
{
    int saved = errno;
    atomic_fetch_add(&inside_handler, 1);
    struct acioi_sigint *sigint = atomic_load(&armed);
    acio_loop *loop = sigint ? sigint->task->runtime->loop : NULL;
    if (loop && loop->pid == getpid())
        acio_loop_call_soon_threadsafe(loop, &sigint->handle, cancel_main,
            sigint);
    else
        raise(signum); /* comes once this handler has returned */
    atomic_fetch_sub(&inside_handler, 1);
    errno = saved;
}

/* Whatever the flags say: ThreadSanitizer sets SA_SIGINFO beside SIG_DFL. */
static bool
is_default(const struct sigaction *action)
{
    return action->sa_handler == SIG_DFL || action->sa_handler == on_sigint;
}

void
acioi_sigint_arm(struct acioi_sigint *sigint, struct acioi_task *task)
{
    struct sigaction before;
    if (gettid() != getpid() || sigaction(SIGINT, NULL, &before) < 0 ||
        !is_default(&before))
        return;
    sigint->task = task;
    sigint->armed = true;
    atomic_store(&armed, sigint);
    struct sigaction action = { .sa_handler = on_sigint,
        .sa_flags = SA_RESTART | SA_ONSTACK | (int)SA_RESETHAND };
    sigfillset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void
acioi_sigint_forget(void)
{
    struct sigaction now;
    if (atomic_load(&armed) || sigaction(SIGINT, NULL, &now) < 0 ||
        !is_default(&now))
        return;
    struct sigaction standard = { .sa_handler = SIG_DFL };
    sigaction(SIGINT, &standard, NULL);
}

void
acioi_sigint_disarm(struct acioi_sigint *sigint)
{
    if (!sigint->armed)
        return;
    atomic_store(&armed, NULL);
    acioi_sigint_forget();
    while (atomic_load(&inside_handler) > 0)
        sched_yield();
    acioi_wake_drain(sigint->task->runtime->loop); /* to be unlinked from */
    acio_handle_cancel(&sigint->handle);
    sigint->armed = false;
}
