/* SPDX-License-Identifier: MIT */
/* await.h - what those have in common that wait for many tasks */
#ifndef ACIOI_AWAIT_H
#define ACIOI_AWAIT_H

#include <acio/wait.h>

#include "task/task.h"

/* The task behind a handle that has not ended, other than the running task;
 * NULL with the reason in `*err`, as acioi_task_of, and -ACIO_ESELF. */
static inline struct acioi_task *
acioi_task_awaitable(acio_task *handle, int *err)
{
    struct acioi_task *task = acioi_task_of(handle, err);
    if (!task)
        return NULL;
    if (task == task->runtime->current)
        *err = -ACIO_ESELF;
    else if (!task->held)
        *err = -ACIO_EGONE;
    return *err ? NULL : task;
}

#endif
