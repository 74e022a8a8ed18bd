/* SPDX-License-Identifier: MIT */
/* run.c - the tasks of a loop, from the first to the last
 *
 * Happy path.   Run the main task to its end, cancel what is left and run it to
 *               its end as well, call who is to be told, report what nobody
 *               saw. (runner.c opens and closes the loop around that.)
 * Deadlock.     Only the simulator can tell: everything waits, nothing will
 *               come. Then all tasks are cancelled, so that they clean up, and
 *               -EDEADLK is the answer.
 * Stuck tasks.  A task that waits for ever inside a shield cannot be ended.
 *               On the simulator it is reported and left behind.
 */
#include "task/task.h"

#include <errno.h>

#include "base/log.h"

enum { DEFAULT_STACK_BYTES = 256 * 1024 };

int
acioi_runtime_open(struct acioi_runtime *runtime, acio_loop *loop,
    size_t stack_bytes)
{
    *runtime = (struct acioi_runtime){ .loop = loop };
    acioi_list_init(&runtime->tasks);
    acioi_list_init(&runtime->finished);
    int err = acioi_stack_pool_init(&runtime->stacks,
        stack_bytes ? stack_bytes : DEFAULT_STACK_BYTES);
    if (err == 0)
        err = acioi_overflow_open(runtime);
    if (err < 0)
        return err;
    acioi_coro_init_thread(&runtime->main);
    loop->runtime = runtime;
    loop->layer = &acioi_task_layer;
    return 0;
}

static void
let_finished_go(struct acioi_runtime *runtime)
{
    while (!acioi_list_empty(&runtime->finished)) {
        struct acioi_task *task = acioi_container_of(runtime->finished.next,
            struct acioi_task, link);
        ACIOI_ASSERT(task->users == 0);
        acioi_task_check_handle(task);
        acioi_task_let_go(task);
    }
}

void
acioi_runtime_close(struct acioi_runtime *runtime)
{
    let_finished_go(runtime);
    acio_context_release(runtime->context);
    runtime->loop->runtime = NULL;
    acioi_coro_fini_thread(&runtime->main);
    acioi_overflow_close(runtime);
    acioi_stack_pool_fini(&runtime->stacks);
}

int
acioi_runtime_run(struct acioi_runtime *runtime, struct acioi_task *task)
{
    int err = 0;
    runtime->until = task;
    runtime->loop->turning = true;
    while (err >= 0 && task->state != ACIOI_TASK_FINISHED)
        err = acioi_loop_pass(runtime->loop, ACIOI_NEVER);
    runtime->loop->turning = false;
    runtime->until = NULL;
    return err < 0 ? err : 0;
}

static void
cancel_tasks(struct acioi_runtime *runtime)
{
    struct acio_link *link = runtime->tasks.next;
    for (; link != &runtime->tasks; link = link->next)
        acioi_task_cancel(acioi_container_of(link, struct acioi_task, link));
}

/* The list is in order of creation: those of earlier rounds come first. */
static bool
has_earlier(const struct acioi_runtime *runtime)
{
    struct acio_link *link = acioi_list_first(&runtime->tasks);
    return link &&
        acioi_container_of(link, struct acioi_task, link)->round <
        runtime->round;
}

/* Cancels what there is, and runs until that has ended. */
static int
end_round(struct acioi_runtime *runtime)
{
    int err = 0;
    cancel_tasks(runtime);
    runtime->round++;
    while (err >= 0 && has_earlier(runtime))
        err = acioi_loop_pass(runtime->loop, ACIOI_NEVER);
    return err < 0 ? err : 0;
}

/* Who cleans up may start tasks and wait for them, so the first round leaves
 * new ones alone. What is left of those is ended by the second, in which none
 * is started: a task that starts its own successor would run for ever. */
int
acioi_runtime_finish(struct acioi_runtime *runtime)
{
    runtime->finishing = true;
    int err = end_round(runtime);
    if (err == 0)
        err = end_round(runtime);
    if (err == 0 && !acioi_list_empty(&runtime->loop->ready))
        (void)acioi_loop_pass(runtime->loop, 0); /* done callbacks */
    return err;
}
