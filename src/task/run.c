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

/* What cannot be ended is at least named; its memory stays with the process.
 */
static int
abandon(struct acioi_runtime *runtime, int err)
{
    acioi_runtime_report_stuck(runtime);
    return err;
}

static int
run_main(struct acioi_runtime *runtime, acio_function *f, struct acio_args args,
    const char *name)
{
    struct acioi_task *task = acioi_task_create(runtime, f, args,
        &(struct acio_task_options){ .name = name ? name : "main" });
    if (!task)
        return -ENOMEM;
    task->users++; /* others may await or detach it */
    int broken = acioi_runtime_run(runtime, task);
    int stuck = acioi_runtime_finish(runtime);
    if (stuck < 0)
        return abandon(runtime, stuck);
    int result = task->result;
    task->seen = true;
    acioi_task_let_go(task);
    acioi_task_unuse(task);
    return broken < 0 ? broken : result;
}

static int
run_in_loop(acio_loop *loop, acio_function *f, struct acio_args args,
    const struct acio_run_options *options)
{
    struct acioi_runtime runtime;
    int err = acioi_runtime_open(&runtime, loop, options->stack_bytes);
    if (err < 0)
        return err;
    runtime.cancel_at = options->cancel_at;
    int result = run_main(&runtime, f, args, options->name);
    if (options->suspensions_out)
        *options->suspensions_out = runtime.suspensions;
    if (runtime.task_count == 0)
        acioi_runtime_close(&runtime);
    loop->runtime = NULL;
    return result;
}

int
acio_run_with(acio_function *f, struct acio_args args,
    const struct acio_run_options *options)
{
    static const struct acio_run_options defaults;
    options = options ? options : &defaults;
    if (!f)
        return -EINVAL;
    if (acio_get_running_loop())
        return -ACIO_ERUNNING;
    acio_loop *loop;
    int err = acio_loop_new(&loop,
        &(struct acio_loop_options){
            .backend = options->backend,
            .debug = options->debug,
            .pool_threads = options->pool_threads,
            .sim = options->sim,
        });
    if (err < 0)
        return err;
    acioi_loop_enter(loop);
    int result = run_in_loop(loop, f, args, options);
    acioi_loop_leave(loop);
    acio_loop_close(loop);
    return result;
}
