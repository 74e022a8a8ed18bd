/* SPDX-License-Identifier: MIT */
/* signals.c - signals that tasks wait for
 *
 * Idea.       The loop calls back once for a signal; from there it goes to
 *             each open set that wants it, and in a set to the first task that
 *             waits, or else into the set. A loop has one callback a signal,
 *             so its sets are kept in a list: the first set that wants a
 *             signal takes it, the last one gives it back.
 *
 * Cancel.     A signal is handed to the task that it wakes. Who is interrupted
 *             first has left the line, and the signal stays in the set.
 */
#include <acio/signals.h>

#include <errno.h>

#include "base/alloc.h"
#include "base/list.h"
#include "task/task.h"

enum { LAST_SIGNAL = 64 };

/* The layer's side of a loop. */
struct all_sets {
    struct acio_loop_part part;
    acio_loop *loop;
    struct acio_link list;                  /* open sets */
    struct all_sets *self[LAST_SIGNAL + 1]; /* what a signal's callback gets:
                                             * its place is the number */
};

/* A task inside acio_signals_next. */
struct waiter {
    int result; /* what it was woken for */
};

static const char key;

static uint64_t
bit_of(int signum)
{
    return (uint64_t)1 << (signum - 1);
}

/* ---- arrival ---- */

static bool
wake_first(acio_signals *signals, int result)
{
    struct acio_link *link = acioi_list_first(&signals->waiters);
    if (!link)
        return false;
    const acio_handle *handle = acioi_container_of(link, acio_handle, link);
    struct acioi_task *task = handle->arg;
    struct waiter *waiter = task->interrupted_thing;
    waiter->result = result;
    acioi_wake(task);
    return true;
}

static void
on_signal(void *arg)
{
    struct all_sets **place = arg;
    struct all_sets *all = *place;
    int signum = (int)(place - all->self);
    struct acio_link *link = all->list.next;
    for (; link != &all->list; link = link->next) {
        acio_signals *signals = acioi_container_of(link, acio_signals, link);
        if (signals->wanted & bit_of(signum) && !wake_first(signals, signum))
            signals->arrived |= bit_of(signum);
    }
}

/* ---- the sets of a loop ---- */

static void
forget_all(struct acio_loop_part *part, acio_loop *loop)
{
    struct all_sets *all = acioi_container_of(part, struct all_sets, part);
    (void)loop;
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&all->list)))
        acioi_container_of(link, acio_signals, link)->loop = NULL;
    acioi_free(all);
}

static struct all_sets *
sets_of(acio_loop *loop)
{
    struct acio_loop_part *part = acio_loop_find_part(loop, &key);
    if (part)
        return acioi_container_of(part, struct all_sets, part);
    struct all_sets *all = acioi_alloc(sizeof *all);
    if (!all)
        return NULL;
    all->loop = loop;
    acioi_list_init(&all->list);
    for (int i = 0; i <= LAST_SIGNAL; i++)
        all->self[i] = all;
    all->part.key = &key;
    all->part.release = forget_all;
    acio_loop_attach(loop, &all->part);
    return all;
}

static uint64_t
wanted_by_any(const struct all_sets *all)
{
    uint64_t wanted = 0;
    struct acio_link *link = all->list.next;
    for (; link != &all->list; link = link->next)
        wanted |= acioi_container_of(link, acio_signals, link)->wanted;
    return wanted;
}

static void
give_back(struct all_sets *all, uint64_t signals)
{
    for (int signum = 1; signum <= LAST_SIGNAL; signum++) {
        if (signals & bit_of(signum))
            (void)acio_loop_remove_signal_handler(all->loop, signum);
    }
}

/* ---- open and close ---- */

static int
read_list(uint64_t *out, const int *signums)
{
    *out = 0;
    for (; signums && *signums; signums++) {
        if (*signums < 0 || *signums > LAST_SIGNAL)
            return -EINVAL;
        *out |= bit_of(*signums);
    }
    return *out ? 0 : -EINVAL;
}

static int
take(struct all_sets *all, uint64_t signals)
{
    uint64_t taken = 0;
    for (int signum = 1; signum <= LAST_SIGNAL; signum++) {
        if (!(signals & bit_of(signum)))
            continue;
        int err = acio_loop_add_signal_handler(all->loop, signum, on_signal,
            &all->self[signum]);
        if (err < 0) {
            give_back(all, taken);
            return err;
        }
        taken |= bit_of(signum);
    }
    return 0;
}

static int
open_set(acio_signals *signals, const int *signums)
{
    acio_loop *loop = acioi_running_loop;
    uint64_t wanted;
    if (!loop)
        return -ACIO_ENOLOOP;
    int err = read_list(&wanted, signums);
    if (err < 0)
        return err;
    struct all_sets *all = sets_of(loop);
    if (!all)
        return -ENOMEM;
    err = take(all, wanted & ~wanted_by_any(all));
    if (err < 0)
        return err;
    signals->loop = loop;
    signals->wanted = wanted;
    acioi_list_push_back(&all->list, &signals->link);
    return 0;
}

int
acio_signals_open(acio_signals *signals, const int *signums)
{
    *signals = (acio_signals){ 0 };
    acioi_list_init(&signals->waiters);
    signals->error = open_set(signals, signums);
    return signals->error;
}

void
acio_signals_close(acio_signals *signals)
{
    acio_loop *loop = signals->loop;
    signals->error = -ACIO_ECLOSED;
    if (!loop)
        return;
    signals->loop = NULL;
    struct all_sets *all = sets_of(loop);
    acioi_list_remove(&signals->link);
    give_back(all, signals->wanted & ~wanted_by_any(all));
    while (wake_first(signals, -ACIO_ECLOSED)) {
        /* the next one */
    }
}

/* ---- next ---- */

static int
take_arrived(acio_signals *signals)
{
    int signum = __builtin_ctzll(signals->arrived) + 1;
    signals->arrived &= ~bit_of(signum);
    return signum;
}

int
acio_signals_next(acio_signals *signals)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    if (!signals->loop)
        return signals->error ? signals->error : -ACIO_ECLOSED;
    if (signals->loop != task->runtime->loop)
        return -ACIO_EFOREIGN;
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    if (signals->arrived)
        return acioi_spend(task, take_arrived(signals));
    struct waiter waiter = { 0 };
    task->interrupted_thing = &waiter;
    acioi_list_push_back(&signals->waiters, &task->handle.link);
    reason = acioi_park_with(task, acioi_interrupt_wake, "signals.next",
        signals);
    return reason ? reason : waiter.result;
}
