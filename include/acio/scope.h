/* SPDX-License-Identifier: MIT */
/* Scopes: time limits and shields, as variables that end with their block.
 *
 *     ACIO_TIMEOUT(limit, 2.0);      async with asyncio.timeout(2.0) as limit:
 *     err = acio_readline(...);
 *     if (err == -ETIMEDOUT && acio_timeout_expired(&limit))
 *         ...
 *
 * Past the deadline every suspension point inside answers -ETIMEDOUT. Scopes
 * nest and are closed in reverse order of opening, by the task that opened
 * them. Where several apply at once the outermost is answered, and a cancel of
 * the task comes before all of them.
 */
#ifndef ACIO_SCOPE_H
#define ACIO_SCOPE_H

#include "task.h"

ACIO_BEGIN_DECLS

/* A stretch of a task's life; the first member of each kind of scope. */
struct acio_scope {
    struct acio_scope *outer; /* the task's scopes, innermost first */
    struct acioi_task *task;  /* NULL: not open */
    uint8_t kind;
    int reason; /* what suspension points inside answer; 0: they work */
};

typedef struct acio_timeout {
    struct acio_scope scope;
    acio_timer timer;
    double when;
    bool expired;
} acio_timeout;

typedef struct acio_shield {
    struct acio_scope scope;
} acio_shield;

/* A time limit from here to the end of the block. */
#define ACIO_TIMEOUT(name, seconds)                                            \
    __attribute__((cleanup(acio_timeout_close))) acio_timeout name;            \
    acio_timeout_open(&name, seconds)

/* The same up to a time of acio_loop_time. */
#define ACIO_TIMEOUT_AT(name, when)                                            \
    __attribute__((cleanup(acio_timeout_close))) acio_timeout name;            \
    acio_timeout_open_at(&name, when)

/* No cancel and no outer deadline is seen from here to the end of the block;
 * they are seen after it. For clean-up that has to suspend; put a timeout
 * inside it. */
#define ACIO_SHIELD(name)                                                      \
    __attribute__((cleanup(acio_shield_close))) acio_shield name;              \
    acio_shield_open(&name)

/* Open a time limit of `seconds`; INFINITY sets none, 0 or less is past.
 *
 *   returns   0; -EINVAL for no number, which the suspension points inside
 *             answer too; -ACIO_ENOTASK
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `timeout`, also after an error
 *   thread    the loop's
 *   python    asyncio.timeout()
 */
ACIO_EXPORT int acio_timeout_open(acio_timeout *timeout, double seconds);

/* The same up to a time of acio_loop_time.
 *
 *   returns   as acio_timeout_open
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `timeout`, also after an error
 *   thread    the loop's
 *   python    asyncio.timeout_at()
 */
ACIO_EXPORT int acio_timeout_open_at(acio_timeout *timeout, double when);

/* End the scope. Closing twice does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task that opened it
 *   python    leaving the async with block
 */
ACIO_EXPORT void acio_timeout_close(acio_timeout *timeout);

/* Move the deadline to another time of acio_loop_time, INFINITY for none.
 *
 *   returns   0; -ACIO_EINVALIDSTATE once it expired or was closed; -EINVAL
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Timeout.reschedule()
 */
ACIO_EXPORT int acio_timeout_reschedule(acio_timeout *timeout, double when);

/* The deadline.
 *
 *   returns   a time of acio_loop_time, or INFINITY
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Timeout.when()
 */
ACIO_EXPORT double acio_timeout_when(const acio_timeout *timeout);

/* Did its deadline pass while it was open? Stays true after it is closed.
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Timeout.expired()
 */
ACIO_EXPORT bool acio_timeout_expired(const acio_timeout *timeout);

/* Open a shield.
 *
 *   returns   0; -ACIO_ENOTASK
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `shield`, also after an error
 *   thread    the loop's
 *   python    - (asyncio.shield() protects an awaitable; this, a block)
 */
ACIO_EXPORT int acio_shield_open(acio_shield *shield);

/* End the shield. Closing twice does nothing.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the task that opened it
 *   python    -
 */
ACIO_EXPORT void acio_shield_close(acio_shield *shield);

ACIO_END_DECLS

#endif
