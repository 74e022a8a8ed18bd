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
 *             waits until nobody is inside the handler. Only the loop that
 *             added a watch looks into it; to others it may be gone any time.
 *
 * Fork.       A child has no loop yet: its signals are as they were before.
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

acio_callback *
acioi_signal_callback(const acio_handle *handle)
{
    const struct signal_watch *watch = handle->arg;
    return handle->callback == run_watch ? watch->callback : NULL;
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
    struct acio_link *link = loop->signals.next;
    for (; link != &loop->signals; link = link->next) {
        struct signal_watch *watch = acioi_container_of(link,
            struct signal_watch, link);
        if (watch->signum == signum)
            return watch;
    }
    return NULL;
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

static void
give_signal_back(struct signal_watch *watch)
{
    if (atomic_load(&watch_of[watch->signum]) != watch)
        return; /* a fork did that */
    sigaction(watch->signum, &watch->before, NULL);
    atomic_store(&watch_of[watch->signum], NULL);
}

bool
acio_loop_remove_signal_handler(acio_loop *loop, int signum)
{
    struct signal_watch *watch = find(loop, signum);
    if (!watch)
        return false;
    give_signal_back(watch);
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

/* Handlers that other threads of the parent were inside of do not end here. */
void
acioi_signal_forget(void)
{
    for (int signum = 1; signum < NSIG; signum++) {
        struct signal_watch *watch = atomic_load(&watch_of[signum]);
        if (watch)
            give_signal_back(watch);
    }
    atomic_store(&inside_handler, 0);
}
