/* SPDX-License-Identifier: MIT */
/* signal.c - signal handlers
 *
 * Idea.       A signal's disposition belongs to the process, so there is one
 *             table for the process: which loop's handle a signal posts. The
 *             handler does nothing but post it; the callback runs from the
 *             loop like any other.
 *
 * Safety.     A handler may run in any thread, also while this one removes
 *             it: removal clears the table, puts the old disposition back, and
 *             waits until nobody is inside the handler.
 */
#include "engine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "base/alloc.h"

struct signal_watch {
    struct acio_link link; /* in loop->signals */
    acio_handle handle;
    atomic_bool posted; /* the handle is on its way */
    acio_loop *loop;
    int signum;
    acio_callback *callback;
    void *arg;
    struct sigaction before;
};

/* Process-wide, as dispositions are. */
static _Atomic(struct signal_watch *) watch_of[NSIG];
static atomic_int inside_handler;

static void
run_watch(void *arg)
{
    struct signal_watch *watch = arg;
    atomic_store(&watch->posted, false);
    watch->callback(watch->arg);
}

static void
on_signal(int signum)
{
    atomic_fetch_add(&inside_handler, 1);
    struct signal_watch *watch = atomic_load(&watch_of[signum]);
    if (watch && !atomic_exchange(&watch->posted, true))
        acio_loop_call_soon_threadsafe(watch->loop, &watch->handle, run_watch,
            watch);
    atomic_fetch_sub(&inside_handler, 1);
}

static struct signal_watch *
find(acio_loop *loop, int signum)
{
    if (signum <= 0 || signum >= NSIG)
        return NULL;
    struct signal_watch *watch = atomic_load(&watch_of[signum]);
    return watch && watch->loop == loop ? watch : NULL;
}

static int
take_signal(struct signal_watch *watch)
{
    struct signal_watch *nobody = NULL;
    if (!atomic_compare_exchange_strong(&watch_of[watch->signum], &nobody,
            watch))
        return -EBUSY;
    struct sigaction action = { .sa_handler = on_signal,
        .sa_flags = SA_RESTART | SA_ONSTACK };
    sigfillset(&action.sa_mask);
    if (sigaction(watch->signum, &action, &watch->before) == 0)
        return 0;
    int err = -errno;
    atomic_store(&watch_of[watch->signum], NULL);
    return err;
}

int
acio_loop_add_signal_handler(acio_loop *loop, int signum,
    acio_callback *callback, void *arg)
{
    if (signum <= 0 || signum >= NSIG || !callback)
        return -EINVAL;
    struct signal_watch *watch = find(loop, signum);
    if (watch) {
        watch->callback = callback;
        watch->arg = arg;
        return 0;
    }
    watch = acioi_alloc(sizeof *watch);
    if (!watch)
        return -ENOMEM;
    watch->loop = loop;
    watch->signum = signum;
    watch->callback = callback;
    watch->arg = arg;
    int err = take_signal(watch);
    if (err < 0)
        acioi_free(watch);
    else
        acioi_list_push_back(&loop->signals, &watch->link);
    return err;
}

bool
acio_loop_remove_signal_handler(acio_loop *loop, int signum)
{
    struct signal_watch *watch = find(loop, signum);
    if (!watch)
        return false;
    sigaction(signum, &watch->before, NULL);
    atomic_store(&watch_of[signum], NULL);
    while (atomic_load(&inside_handler) > 0)
        sched_yield();
    acioi_wake_drain(loop); /* a posted handle can be unlinked only from here */
    acioi_list_remove(&watch->handle.link);
    acioi_list_remove(&watch->link);
    acioi_free(watch);
    return true;
}

void
acioi_signal_close(acio_loop *loop)
{
    while (!acioi_list_empty(&loop->signals)) {
        struct signal_watch *watch = acioi_container_of(loop->signals.next,
            struct signal_watch, link);
        acio_loop_remove_signal_handler(loop, watch->signum);
    }
}
