/* SPDX-License-Identifier: MIT */
/* Signals that tasks wait for.
 *
 *     ACIO_SIGNALS(signals, SIGTERM, SIGHUP);
 *     while ((signum = acio_signals_next(&signals)) == SIGHUP)
 *         reload();
 *
 * While a set is open its signals do nothing else: they wait in the set until
 * somebody asks for them. A signal that arrives again before it was asked for
 * is told once. Where several sets of one loop have a signal, each is told.
 */
#ifndef ACIO_SIGNALS_H
#define ACIO_SIGNALS_H

#include <signal.h>

#include "loop.h"

ACIO_BEGIN_DECLS

typedef struct acio_signals {
    acio_loop *loop;          /* NULL: not open */
    struct acio_link link;    /* the loop's */
    struct acio_link waiters; /* tasks inside acio_signals_next */
    uint64_t wanted, arrived; /* bit n - 1 stands for signal n */
    int error;                /* why it is not open */
} acio_signals;

/* A set that is open to the end of the block. */
#define ACIO_SIGNALS(name, ...)                                                \
    __attribute__((cleanup(acio_signals_close))) acio_signals name;            \
    acio_signals_open(&name, (const int[]){ __VA_ARGS__, 0 })

/* Open a set of signals: from now on they are the set's.
 *
 *   returns   0; -EINVAL for a signal that cannot be caught, or for none;
 *             -EBUSY where another loop has one; -ENOMEM; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `signals`, also after an error, in which case
 *             acio_signals_next answers it; not to be moved. `signums` ends
 *             with a 0, and is copied. The dispositions are the set's, and
 *             take the place of an acio_loop_add_signal_handler
 *   thread    the loop's
 *   python    loop.add_signal_handler()
 */
ACIO_EXPORT int acio_signals_open(acio_signals *signals, const int *signums);

/* Wait for one of the signals; the lowest number first where several came.
 *
 *   returns   its number; the error of acio_signals_open; -ECANCELED,
 *             -ETIMEDOUT; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: no signal was taken from the set
 *   owner     -
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_signals_next(acio_signals *signals);

/* Close a set: the dispositions are again what they were. Signals that nobody
 * asked for are dropped. Closing twice does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the memory is the caller's again
 *   thread    the loop's
 *   python    loop.remove_signal_handler()
 */
ACIO_EXPORT void acio_signals_close(acio_signals *signals);

ACIO_END_DECLS

#endif
