/* SPDX-License-Identifier: MIT */
/* context.c - values that follow a task and the tasks it starts
 *
 * Idea.       A context is a small array of values that many may share. Who
 *             changes a shared one gets a copy first, so sharing costs a
 *             count and setting costs what there is to copy. NULL is the
 *             empty context: programs without variables pay nothing.
 *
 * Thread.     A context does not leave its loop, so its count is plain.
 */
#include <acio/context.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "task/task.h"

struct value {
    const acio_context_var *var;
    void *value;
};

struct acio_context {
    unsigned references;
    unsigned count;
    struct value values[];
};

acio_context *
acioi_context_share(acio_context *context)
{
    if (context)
        context->references++;
    return context;
}

void
acio_context_release(acio_context *context)
{
    if (context && --context->references == 0)
        acioi_free(context);
}

/* Where the running code's context is kept; NULL outside of any loop. */
static acio_context **
current_context(void)
{
    acio_loop *loop = acio_get_running_loop();
    struct acioi_runtime *runtime = loop ? loop->runtime : NULL;
    if (!runtime)
        return NULL;
    return runtime->current ? &runtime->current->context : &runtime->context;
}

static struct value *
find(acio_context *context, const acio_context_var *var)
{
    for (unsigned i = 0; context && i < context->count; i++) {
        if (context->values[i].var == var)
            return &context->values[i];
    }
    return NULL;
}

void *
acio_context_get(const acio_context_var *var)
{
    acio_context **current = current_context();
    struct value *found = find(current ? *current : NULL, var);
    return found ? found->value : var->fallback;
}

/* Makes *context one that nobody shares, with `spare` places to fill. */
static int
make_own(acio_context **context, unsigned spare)
{
    acio_context *old = *context;
    unsigned count = old ? old->count : 0;
    if (old && old->references == 1 && spare == 0)
        return 0;
    acio_context *own = acioi_alloc(
        sizeof *own + (count + spare) * sizeof own->values[0]);
    if (!own)
        return -ENOMEM;
    own->references = 1;
    own->count = count;
    if (old)
        memcpy(own->values, old->values, count * sizeof own->values[0]);
    acio_context_release(old);
    *context = own;
    return 0;
}

int
acio_context_set(const acio_context_var *var, void *value,
    acio_context_token *token)
{
    acio_context **current = current_context();
    if (!current)
        return -ACIO_ENOLOOP;
    struct value *found = find(*current, var);
    acio_context_token before = { var, found ? found->value : NULL, found };
    int err = make_own(current, found ? 0 : 1);
    if (err < 0)
        return err;
    found = find(*current, var);
    if (!found)
        found = &(*current)->values[(*current)->count++];
    *found = (struct value){ var, value };
    if (token)
        *token = before;
    return 0;
}

static void
remove_value(acio_context *context, struct value *gone)
{
    *gone = context->values[--context->count];
}

int
acio_context_reset(acio_context_token *token)
{
    acio_context **current = current_context();
    struct value *found = find(current ? *current : NULL, token->var);
    if (!token->var || !found)
        return -EINVAL;
    int err = make_own(current, 0);
    if (err < 0)
        return err;
    found = find(*current, token->var);
    if (token->was_set)
        found->value = token->old_value;
    else
        remove_value(*current, found);
    token->var = NULL;
    return 0;
}

acio_context *
acio_copy_context(void)
{
    acio_context **current = current_context();
    return acioi_context_share(current ? *current : NULL);
}

int
acio_context_run(acio_context **context, int (*f)(void *arg), void *arg)
{
    acio_context **current = current_context();
    if (!current)
        return -ACIO_ENOLOOP;
    acio_context *outer = *current;
    /* `*context` stays whole meanwhile: others may read, copy or enter it */
    *current = acioi_context_share(*context);
    int result = f(arg);
    acio_context_release(*context);
    *context = *current;
    *current = outer;
    return result;
}
