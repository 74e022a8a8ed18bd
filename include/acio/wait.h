/* SPDX-License-Identifier: MIT */
/* Waiting for some of many tasks, and for one without owning it.
 *
 *     while (count > 0) {
 *         int done = acio_wait(tasks, count, INFINITY, ACIO_FIRST_COMPLETED);
 *         for (int i = 0; i < done; i++)
 *             use(acio_await(tasks[i]));
 *         ...
 *         tasks += done;
 *         count -= done;
 *     }
 *
 * acio_gather (task.h) takes the results of all; acio_wait, acio_as_completed
 * and acio_await_shielded never cancel a task, also not where they themselves
 * are interrupted, and leave its handle good.
 */
#ifndef ACIO_WAIT_H
#define ACIO_WAIT_H

#include "task.h"

ACIO_BEGIN_DECLS

enum acio_return_when {
    ACIO_FIRST_COMPLETED, /* one has finished */
    ACIO_FIRST_EXCEPTION, /* one has failed (a cancelled one has not), or all
                           * have finished */
    ACIO_ALL_COMPLETED
};

/* Wait for tasks, `timeout` seconds at most: INFINITY for as long as it takes;
 * 0 or less lets the others run once. The array is put in order: those that
 * have finished come first, then the others, each in the order in which they
 * were given.
 *
 *   returns   how many have finished, which may be none when the time is up;
 *             -ECANCELED or -ETIMEDOUT where interrupted; -EINVAL for no tasks,
 *             for NULL among them, for a timeout that is no number;
 *             -ACIO_EGONE, -ACIO_ESELF, -ACIO_EFOREIGN of a task; -ENOMEM;
 *             -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: the tasks go on, the array is as it was
 *   owner     the handles stay good, each for its own acio_await; a task that
 *             stands there twice counts twice
 *   thread    the tasks' loop
 *   python    asyncio.wait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_wait(acio_task **tasks, size_t count,
    double timeout, enum acio_return_when when);

struct acioi_completion;

/* Tasks in the order in which they finish. */
typedef struct acio_as_completed {
    acio_loop *loop; /* NULL: not open */
    struct acioi_completion *entries;
    size_t count, unfinished;
    size_t left;               /* not given yet */
    struct acio_link finished; /* those to be given, in order */
    struct acio_link line;     /* who waits for the next one, in order */
    acio_timer timer;
    bool expired; /* before all had finished */
    int error;    /* why it is not open */
} acio_as_completed;

/* An iterator over tasks from here to the end of the block. One that could not
 * be opened answers why when it is asked for the first task.
 *
 *     ACIO_AS_COMPLETED(all, tasks, count, 5.0);
 *     while ((err = acio_as_completed_next(&all, &task)) > 0)
 *         use(acio_await(task));
 */
#define ACIO_AS_COMPLETED(name, tasks, count, timeout)                         \
    __attribute__((cleanup(acio_as_completed_close))) acio_as_completed name;  \
    acio_as_completed_open(&name, tasks, count, timeout)

/* Begin to watch tasks. After `timeout` seconds (INFINITY: never) those that
 * have not finished are given up; at 0 or less only those that have finished
 * already are in time.
 *
 *   returns   0; -EINVAL, -ACIO_EGONE, -ACIO_ESELF, -ACIO_EFOREIGN as
 *             acio_wait; -ENOMEM; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `all`, also after an error; not to be moved.
 *             The array is copied, the tasks stay the caller's
 *   thread    the tasks' loop
 *   python    asyncio.as_completed()
 */
ACIO_EXPORT int acio_as_completed_open(acio_as_completed *all,
    acio_task *const *tasks, size_t count, double timeout);

/* The next task that has finished; waits for one. Of several that wait here
 * each gets another task, in order of coming.
 *
 *   returns   1 with the task; 0 when all were given; -ETIMEDOUT when the
 *             time is up; -ECANCELED or -ETIMEDOUT where interrupted; the error
 *             of acio_as_completed_open; -ACIO_ECLOSED; -ACIO_ENOTASK,
 *             -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: no task was taken, all go on
 *   owner     the handle in `*task_out` is the one that was given, and good if
 *             nobody ended it
 *   thread    the tasks' loop
 *   python    anext(), next()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_as_completed_next(acio_as_completed *all,
    acio_task **task_out);

/* Was its time up before all had finished? It tells whose -ETIMEDOUT it was.
 *
 *   returns   true or false; also after it was closed
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the tasks' loop
 *   python    - (TimeoutError)
 */
ACIO_EXPORT bool acio_as_completed_expired(const acio_as_completed *all);

/* Watch no longer. The tasks go on. Closing twice does nothing.
 *
 *   returns   -; who waits in acio_as_completed_next is told -ACIO_ECLOSED
 *   suspends  no
 *   cancel    -
 *   owner     the memory is the caller's again
 *   thread    the tasks' loop
 *   python    dropping the iterator
 */
ACIO_EXPORT void acio_as_completed_close(acio_as_completed *all);

/* acio_await, but the task is not the caller's: who is interrupted leaves at
 * once, and the task goes on. ACIO_SHIELD (scope.h) is for the other case, in
 * which the caller wants to stay and see it through.
 *
 *   returns   the task's result; -ECANCELED or -ETIMEDOUT where interrupted,
 *             and then acio_task_done is false; the errors of acio_await
 *   suspends  yes
 *   cancel    clean: the task goes on
 *   owner     the handle ends with the result; it stays good where the wait
 *             was interrupted or refused
 *   thread    the task's loop
 *   python    await asyncio.shield(task)
 */
ACIO_EXPORT int acio_await_shielded(acio_task *task);

ACIO_END_DECLS

#endif
