/* SPDX-License-Identifier: MIT */
/* debug.c - what reports and debug mode know of tasks
 *
 * Idea.  The engine times callbacks and calls the exception handler, but knows
 *        nothing of tasks: here it is told whose step a handle is, and nobody
 *        is the running task while the handler runs. The rest are the mistakes
 *        that only the task layer can see.
 */
#include <stdio.h>
#include <string.h>

#include "task/task.h"

/* ---- for the engine ---- */

static void
copy(char *out, size_t bytes, const char *text)
{
    size_t length = text ? strnlen(text, bytes - 1) : 0;
    if (length)
        memcpy(out, text, length);
    out[length] = '\0';
}

static void
describe(const acio_handle *handle, struct acioi_source *out)
{
    if (handle->callback != acioi_task_resume)
        return;
    const struct acioi_task *task = handle->arg;
    copy(out->name, sizeof out->name, task->name);
    copy(out->place, sizeof out->place, task->place);
}

static void *
set_current(acio_loop *loop, void *task)
{
    struct acioi_runtime *runtime = loop->runtime;
    if (!runtime)
        return NULL;
    void *before = runtime->current;
    runtime->current = task;
    return before;
}

const struct acioi_layer acioi_task_layer = { describe, set_current };

/* ---- mistakes ---- */

int
acioi_no_task(const char *what)
{
    acio_loop *loop = acioi_running_loop;
    if (loop && loop->debug)
        acioi_debug_no_task(loop, what);
    return -ACIO_ENOTASK;
}

static const char *
why_not_started(const struct acioi_runtime *runtime, acio_function *f)
{
    if (!f)
        return "a task was not started, for its function is NULL";
    if (runtime->round == ACIOI_LAST_ROUND)
        return "a task was not started, for acio_run is ending the tasks";
    return "a task was not started, for its arguments are larger than a "
           "quarter of the stack";
}

struct acioi_task *
acioi_task_refuse(struct acioi_runtime *runtime, acio_function *f,
    const struct acio_task_options *options)
{
    if (runtime->loop->debug)
        acio_loop_call_exception_handler(runtime->loop,
            &(struct acio_exception){
                .message = why_not_started(runtime, f),
                .source = options ? options->name : NULL,
                .place = options ? options->place : NULL,
            });
    return NULL;
}

/* An error is reported anyway; and what the end of the run has cancelled was
 * perhaps meant to run until then. */
void
acioi_task_check_handle(const struct acioi_task *task)
{
    bool unseen_error = task->result < 0 && !task->seen;
    if (!task->runtime->loop->debug || !task->held || unseen_error)
        return;
    acio_loop_call_exception_handler(task->runtime->loop,
        &(struct acio_exception){
            .message = "a task ended, and its handle was neither awaited nor "
                       "detached",
            .source = task->name,
            .place = task->place,
        });
}

static void
report_stuck(const struct acioi_task *task)
{
    char message[96];
    snprintf(message, sizeof message,
        "a task waits for ever (%s) and cannot be ended",
        task->waits_for ? task->waits_for : "ready");
    acio_loop_call_exception_handler(task->runtime->loop,
        &(struct acio_exception){
            .message = message,
            .source = task->name,
            .place = task->place,
        });
}

void
acioi_runtime_report_stuck(struct acioi_runtime *runtime)
{
    struct acio_link *link = runtime->tasks.next;
    for (; link != &runtime->tasks; link = link->next)
        report_stuck(acioi_container_of(link, struct acioi_task, link));
    for (link = runtime->finished.next; link != &runtime->finished;
         link = link->next)
        acioi_task_report_lost(
            acioi_container_of(link, struct acioi_task, link));
}
