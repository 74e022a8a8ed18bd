/* SPDX-License-Identifier: MIT */
/* overflow.c - a task that outgrew its stack is named before the process dies
 *
 * Idea.       Below each stack lies a guard; touching it is a SIGSEGV. While a
 *             loop runs tasks, and nobody else handles that signal, a handler
 *             on a stack of its own says whose guard it was. Then it lets the
 *             signal do what it would have done.
 *
 * Shared.     A disposition is the process's, so the loops of all threads
 *             share the handler: the first one installs it, the last one puts
 *             back what was there. The alternate stack is the thread's.
 */
#include "task/task.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/log.h"

enum { ALTERNATE_STACK_BYTES = 32 * 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned users; /* loops that rely on the handler */
static bool installed; /* by us: the disposition was the default */

static void
name_the_task(const struct acioi_runtime *runtime, const void *address)
{
    void *high;
    if (!acioi_stack_guards(&runtime->stacks, address, &high))
        return;
    acioi_log("task %s overflowed its stack of %zu KiB; see stack_bytes in "
              "struct acio_run_options",
        acioi_task_on_stack(high)->name, runtime->stacks.stack_bytes / 1024);
}

/* The instruction that faulted runs again after the return, and now ends the
 * process with its usual signal and core file. */
static void
on_fault(int signum, siginfo_t *info, void *context)
{
    (void)context;
    acio_loop *loop = acioi_running_loop;
    if (loop && loop->runtime)
        name_the_task(loop->runtime, info->si_addr);
    struct sigaction standard = { .sa_handler = SIG_DFL };
    sigaction(signum, &standard, NULL);
    if (info->si_code <= 0)
        raise(signum); /* somebody sent it: no instruction runs again */
}

static void
install_handler(void)
{
    struct sigaction before;
    sigaction(SIGSEGV, NULL, &before);
    if (before.sa_handler != SIG_DFL)
        return; /* a sanitizer, a debugger's library, or the program itself */
    struct sigaction action = { .sa_sigaction = on_fault,
        .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    installed = sigaction(SIGSEGV, &action, NULL) == 0;
}

static void
remove_handler(void)
{
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault) {
        struct sigaction standard = { .sa_handler = SIG_DFL };
        sigaction(SIGSEGV, &standard, NULL);
    }
    installed = false;
}

int
acioi_overflow_open(struct acioi_runtime *runtime)
{
    stack_t present;
    sigaltstack(NULL, &present);
    if (present.ss_flags & SS_DISABLE) {
        runtime->alternate_stack = acioi_alloc_raw(ALTERNATE_STACK_BYTES);
        if (!runtime->alternate_stack)
            return -ENOMEM;
        stack_t ours = { .ss_sp = runtime->alternate_stack,
            .ss_size = ALTERNATE_STACK_BYTES };
        sigaltstack(&ours, NULL);
    }
    pthread_mutex_lock(&mutex);
    if (users++ == 0)
        install_handler();
    pthread_mutex_unlock(&mutex);
    return 0;
}

void
acioi_overflow_close(struct acioi_runtime *runtime)
{
    pthread_mutex_lock(&mutex);
    if (--users == 0 && installed)
        remove_handler();
    pthread_mutex_unlock(&mutex);
    if (!runtime->alternate_stack)
        return;
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    acioi_free(runtime->alternate_stack);
}
