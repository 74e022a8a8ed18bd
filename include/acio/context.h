/* SPDX-License-Identifier: MIT */
/* Context variables: values that follow a task and the tasks it starts.
 *
 * A task gets a copy of its creator's context when it is created (which costs
 * one reference), so what it sets is not seen by its creator or its siblings.
 */
#ifndef ACIO_CONTEXT_H
#define ACIO_CONTEXT_H

#include "types.h"

ACIO_BEGIN_DECLS

/* A variable is told by its address; make it static. */
typedef struct acio_context_var {
    const char *name;
    void *fallback; /* its value where it was not set */
} acio_context_var;

typedef struct acio_context acio_context;

/* What acio_context_set has replaced. */
typedef struct acio_context_token {
    const acio_context_var *var;
    void *old_value;
    bool was_set;
} acio_context_token;

/* The value in the current context.
 *
 *   returns   the value, or the variable's fallback
 *   suspends  no
 *   cancel    -
 *   owner     values are borrowed pointers
 *   thread    the loop's
 *   python    ContextVar.get()
 */
ACIO_EXPORT void *acio_context_get(const acio_context_var *var);

/* Set the value for the current task and the tasks it will start.
 *
 *   returns   0; -ENOMEM; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `value` is borrowed; `token` (or NULL) takes what was there
 *   thread    the loop's
 *   python    ContextVar.set()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_context_set(const acio_context_var *var,
    void *value, acio_context_token *token);

/* Put back what acio_context_set replaced.
 *
 *   returns   0; -EINVAL for a token that was used; -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     the token ends
 *   thread    the loop's
 *   python    ContextVar.reset()
 */
ACIO_EXPORT int acio_context_reset(acio_context_token *token);

/* The current context, as it is now.
 *
 *   returns   a context (NULL is the empty one)
 *   suspends  no
 *   cancel    -
 *   owner     the caller ends it with acio_context_release
 *   thread    the loop's
 *   python    contextvars.copy_context()
 */
ACIO_EXPORT acio_context *acio_copy_context(void);

/* Call `f(arg)` in another context; what it sets stays in `*context`.
 *
 *   returns   what `f` returned; -ACIO_ENOLOOP
 *   suspends  yes, where `f` does
 *   cancel    - (as `f`)
 *   owner     `*context` is replaced where `f` changes it
 *   thread    the loop's
 *   python    Context.run()
 */
ACIO_EXPORT int acio_context_run(acio_context **context, int (*f)(void *arg),
    void *arg);

/* End a context from acio_copy_context; NULL is fine.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `context` ends
 *   thread    the loop's
 *   python    dropping a reference
 */
ACIO_EXPORT void acio_context_release(acio_context *context);

ACIO_END_DECLS

#endif
