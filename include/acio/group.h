/* SPDX-License-Identifier: MIT */
/* Task groups: tasks that end together.
 *
 *     ACIO_GROUP(group);              async with asyncio.TaskGroup() as group:
 *     acio_group_create_task(&group, work, .id = 1);
 *     acio_group_create_task(&group, work, .id = 2);
 *     int err = acio_group_wait(&group);
 *
 * The first task that fails cancels the others, and the body: its suspension
 * points answer -ECANCELED until acio_group_wait. A group that is left without
 * acio_group_wait, by an early return for instance, cancels its tasks and
 * waits for them.
 */
#ifndef ACIO_GROUP_H
#define ACIO_GROUP_H

#include "scope.h"

ACIO_BEGIN_DECLS

typedef struct acio_group {
    struct acio_scope scope;
    struct acio_link tasks;    /* unfinished ones */
    struct acio_link finished; /* with good handles, or that failed */
    size_t unfinished;
    int first_error;
    int refused;               /* why a task could not be started; 0: none */
    size_t errors;             /* how many tasks failed */
    bool aborting;             /* its tasks were cancelled */
    bool waited;               /* acio_group_wait has answered */
    struct acioi_task *waiter; /* inside acio_group_wait or close */
} acio_group;

/* A group from here to the end of the block. */
#define ACIO_GROUP(name)                                                       \
    __attribute__((cleanup(acio_group_close))) acio_group name;                \
    acio_group_open(&name)

/* Open a group.
 *
 *   returns   0; -ACIO_ENOTASK
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `group`, also after an error
 *   thread    the loop's
 *   python    async with asyncio.TaskGroup()
 */
ACIO_EXPORT int acio_group_open(acio_group *group);

/* Start a task in the group, as acio_create_task does. The group's own tasks
 * may start more, until acio_group_wait has answered.
 *
 *   returns   the task; NULL without memory, which fails the group as a task
 *             that fails with -ENOMEM would, so that the result need not be
 *             looked at; NULL where the group is closed or its tasks were
 *             cancelled
 *   suspends  no
 *   cancel    -
 *   owner     the group; the handle is good until the group is closed
 *   thread    the loop's
 *   python    TaskGroup.create_task()
 */
#define acio_group_create_task(group, f, ...)                                  \
    acio_group_create_task_with(group, f,                                      \
        ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__), ACIO_TASK_HERE(f))

/* The function behind acio_group_create_task.
 *
 *   returns   as acio_group_create_task
 *   suspends  no
 *   cancel    -
 *   owner     as acio_group_create_task
 *   thread    the loop's
 *   python    TaskGroup.create_task()
 */
ACIO_EXPORT acio_task *acio_group_create_task_with(acio_group *group,
    acio_function *f, struct acio_args args,
    const struct acio_task_options *options);

/* Start a task whose result nobody will ask for: its memory is used again as
 * soon as it has ended. For servers, whose groups live long.
 *
 *   returns   0; -ENOMEM; -ACIO_ECLOSED where the group is closed or its
 *             tasks were cancelled
 *   suspends  no
 *   cancel    -
 *   owner     the group
 *   thread    the loop's
 *   python    TaskGroup.create_task()
 */
#define acio_group_start(group, f, ...)                                        \
    acio_group_start_with(group, f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__),   \
        ACIO_TASK_HERE(f))

/* The function behind acio_group_start.
 *
 *   returns   as acio_group_start
 *   suspends  no
 *   cancel    -
 *   owner     the group
 *   thread    the loop's
 *   python    TaskGroup.create_task()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_group_start_with(acio_group *group,
    acio_function *f, struct acio_args args,
    const struct acio_task_options *options);

/* Wait until every task of the group has finished. Interrupted, it cancels
 * them and goes on waiting.
 *
 *   returns   0; the first error of a task; -ECANCELED or -ETIMEDOUT where
 *             the wait was interrupted and no task failed; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: all tasks have ended
 *   owner     handles stay good until the group is closed
 *   thread    the task that opened it
 *   python    leaving the async with block
 */
ACIO_EXPORT ACIO_MUST_USE int acio_group_wait(acio_group *group);

/* Cancel the tasks of the group, and its body, as a task that fails would; for
 * acio_group_wait it is no error.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_group_cancel(acio_group *group);

/* End the group: cancel what has not finished and wait for it, whatever
 * happens meanwhile. Closing twice does nothing.
 *
 *   returns   -; an error of a task that acio_group_wait did not return is
 *             reported to the exception handler
 *   suspends  yes, where a task has not finished
 *   cancel    clean: all tasks have ended
 *   owner     the handles of the group's tasks end
 *   thread    the task that opened it
 *   python    leaving the async with block by an exception
 */
ACIO_EXPORT void acio_group_close(acio_group *group);

/* The errors of the group's tasks, in the order in which they came: the first
 * is the one that acio_group_wait returns, the others came while it was waiting
 * for the end of all. A task that could not be created is one of them.
 *
 *   returns   how many tasks failed, which may be more than were stored
 *   suspends  no
 *   cancel    -
 *   owner     the first `room` are stored in `out`
 *   thread    the loop's
 *   python    BaseExceptionGroup.exceptions
 */
ACIO_EXPORT size_t acio_group_errors(const acio_group *group, int *out,
    size_t room);

ACIO_END_DECLS

#endif
