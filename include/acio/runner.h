/* SPDX-License-Identifier: MIT */
/* Several runs on one loop, for programs of which only parts are async.
 *
 *     acio_runner *runner;
 *     int err = acio_runner_open(&runner, NULL);  with asyncio.Runner() as r:
 *     if (err == 0)
 *         err = acio_runner_run(runner, first);       r.run(first())
 *     if (err == 0)
 *         err = acio_runner_run(runner, second);      r.run(second())
 *     acio_runner_close(runner);
 *
 * Tasks that a run leaves behind go on in the next one. A context variable that
 * the main task of a run has set is set for those of the runs that follow.
 *
 * Ctrl-C. While a run is under way in the process's first thread, SIGINT asks
 * its main task to end, as acio_cancel does; a second SIGINT ends the process
 * at once, whatever it is doing. That is so where the disposition of SIGINT was
 * the default, which is put back at the end of the run: a program that ignores
 * or handles the signal, before the run or with acio_loop_add_signal_handler
 * in it, keeps it to itself. The option `keep_sigint` keeps it from any run.
 */
#ifndef ACIO_RUNNER_H
#define ACIO_RUNNER_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_runner acio_runner;

/* Make a loop for tasks.
 *
 *   returns   0; -ENOMEM; what acio_loop_new answers; -EINVAL for an absurd
 *             stack size
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `*out`; `options` (or NULL) is copied, its
 *             strings are borrowed until then
 *   thread    any; the runner belongs to it
 *   python    asyncio.Runner()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_runner_open(acio_runner **out,
    const struct acio_run_options *options);

/* Run `f` as a main task, to its end. `acio_runner_run(runner, f, .n = 3)`
 * passes a `struct f_args` filled with what is written after the comma.
 *
 *   returns   what `f` returned; -EINTR where Ctrl-C cancelled it, and it
 *             returned -ECANCELED; -ACIO_ERUNNING inside a running loop;
 *             -ENOMEM, -EINVAL; -EDEADLK on the simulator when everything waits
 *             for ever
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     the arguments are copied
 *   thread    the runner's
 *   python    Runner.run()
 */
#define acio_runner_run(runner, f, ...)                                        \
    acio_runner_run_with(runner, f, ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__))

/* The function behind acio_runner_run.
 *
 *   returns   as acio_runner_run
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     `args` is copied
 *   thread    the runner's
 *   python    Runner.run()
 */
ACIO_EXPORT int acio_runner_run_with(acio_runner *runner, acio_function *f,
    struct acio_args args);

/* The loop, which stands still between the runs.
 *
 *   returns   the loop
 *   suspends  no
 *   cancel    -
 *   owner     borrowed, until the runner is closed
 *   thread    the runner's
 *   python    Runner.get_loop()
 */
ACIO_EXPORT acio_loop *acio_runner_loop(const acio_runner *runner);

/* Cancel the tasks that are left, run them to their end, and close the loop.
 * NULL is fine.
 *
 *   returns   0; -ACIO_ERUNNING inside a running loop, the runner still open;
 *             -EDEADLK on the simulator, where a task cannot be ended
 *   suspends  no (it is the loop)
 *   cancel    -
 *   owner     `runner` is gone afterwards
 *   thread    the runner's
 *   python    Runner.close()
 */
ACIO_EXPORT int acio_runner_close(acio_runner *runner);

ACIO_END_DECLS

#endif
