/* SPDX-License-Identifier: MIT */
/* runner.c - several runs on one loop (asyncio.Runner), and one (asyncio.run)
 *
 * Idea.      acio_run is a runner of one run, which lies on the stack. The loop
 *            is the running one only inside a run, and while the last tasks are
 *            ended.
 * Context.   The main task's context becomes that of the loop when the task
 *            has finished (task.c), and so that of the next main task.
 */
#include <acio/runner.h>

#include <errno.h>

#include "base/alloc.h"
#include "task/door.h"
#include "task/sigint.h"
#include "task/task.h"

struct acio_runner {
    acio_loop *loop;
    struct acioi_runtime runtime;
    struct acioi_door door;
    struct acio_run_options options;
    struct acioi_task *main; /* of the last run; NULL: none */
};

static int
open_runner(acio_runner *runner, const struct acio_run_options *options)
{
    if (options)
        runner->options = *options;
    options = &runner->options;
    int err = acio_loop_new(&runner->loop,
        &(struct acio_loop_options){
            .backend = options->backend,
            .debug = options->debug,
            .pool_threads = options->pool_threads,
            .sim = options->sim,
        });
    if (err < 0)
        return err;
    err = acioi_runtime_open(&runner->runtime, runner->loop,
        options->stack_bytes);
    if (err < 0) {
        acio_loop_close(runner->loop);
        return err;
    }
    acioi_door_open(&runner->door, runner->loop);
    runner->runtime.cancel_at = options->cancel_at;
    return 0;
}

/* ---- one run ---- */

/* Ctrl-C alone is what ended it: nobody else has asked. */
static bool
was_interrupted(const struct acioi_sigint *sigint,
    const struct acioi_task *task, int result)
{
    return result == -ECANCELED && sigint->heard && task->cancelling == 1;
}

static int
run_to_end(acio_runner *runner, struct acioi_task *task)
{
    struct acioi_sigint sigint = { 0 };
    if (!runner->options.keep_sigint)
        acioi_sigint_arm(&sigint, task);
    int result = acioi_runtime_run(&runner->runtime, task);
    if (result == 0)
        result = task->result;
    acioi_sigint_disarm(&sigint);
    return was_interrupted(&sigint, task, result) ? -EINTR : result;
}

/* Tasks that are left may await it until the next run, or the last end. */
static void
release_main(acio_runner *runner)
{
    struct acioi_task *task = runner->main;
    if (!task)
        return;
    runner->main = NULL;
    acioi_task_let_go(task);
    acioi_task_unuse(task);
}

static int
run_main(acio_runner *runner, acio_function *f, struct acio_args args)
{
    release_main(runner);
    const char *name = runner->options.name;
    struct acioi_task *task = acioi_task_create(&runner->runtime, f, args,
        &(struct acio_task_options){ .name = name ? name : "main" });
    if (!task)
        return -ENOMEM;
    task->users++; /* others may await or detach it */
    task->seen = true;
    runner->main = task;
    return run_to_end(runner, task);
}

int
acio_runner_run_with(acio_runner *runner, acio_function *f,
    struct acio_args args)
{
    if (!runner || !f)
        return -EINVAL;
    int err = acioi_loop_enter(runner->loop);
    if (err < 0)
        return err;
    int result = run_main(runner, f, args);
    acioi_loop_leave(runner->loop);
    return result;
}

/* ---- the end ---- */

/* What cannot be ended is at least named; its memory stays with the process.
 */
static int
end_tasks(acio_runner *runner)
{
    struct acioi_runtime *runtime = &runner->runtime;
    int err = acioi_runtime_finish(runtime);
    if (err < 0)
        acioi_runtime_report_stuck(runtime);
    else
        release_main(runner);
    if (runner->options.suspensions_out)
        *runner->options.suspensions_out = runtime->suspensions;
    if (runtime->task_count == 0)
        acioi_runtime_close(runtime);
    runner->loop->runtime = NULL;
    return err;
}

static int
close_runner(acio_runner *runner)
{
    int err = acioi_loop_enter(runner->loop);
    if (err < 0)
        return err;
    err = end_tasks(runner);
    acioi_loop_leave(runner->loop);
    acio_loop_close(runner->loop);
    acioi_sigint_forget();
    return err;
}

/* ---- what is public ---- */

int
acio_runner_open(acio_runner **out, const struct acio_run_options *options)
{
    if (!out)
        return -EINVAL;
    *out = NULL;
    acio_runner *runner = acioi_alloc(sizeof *runner);
    if (!runner)
        return -ENOMEM;
    int err = open_runner(runner, options);
    if (err < 0)
        acioi_free(runner);
    else
        *out = runner;
    return err;
}

acio_loop *
acio_runner_loop(const acio_runner *runner)
{
    return runner->loop;
}

int
acio_runner_close(acio_runner *runner)
{
    if (!runner)
        return 0;
    int err = close_runner(runner);
    if (err != -ACIO_ERUNNING)
        acioi_free(runner);
    return err;
}

int
acio_run_with(acio_function *f, struct acio_args args,
    const struct acio_run_options *options)
{
    if (!f)
        return -EINVAL;
    if (acio_get_running_loop())
        return -ACIO_ERUNNING;
    acio_runner runner = { 0 };
    int err = open_runner(&runner, options);
    if (err < 0)
        return err;
    int result = acio_runner_run_with(&runner, f, args);
    int stuck = close_runner(&runner);
    return stuck < 0 ? stuck : result;
}
