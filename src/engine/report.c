/* SPDX-License-Identifier: MIT */
/* report.c - what went wrong where nobody was there to be told
 *
 * Idea.       Every report goes through one door, the loop's exception handler,
 *             and without one becomes a line on standard error.
 *
 * Handler.    It runs in the middle of whatever has found the mistake, perhaps
 *             on the stack of a task that has nothing to do with it. So it is
 *             no task: functions that suspend answer -ACIO_ENOTASK. A report
 *             about what the handler itself does goes to standard error, or
 *             it would be called for ever.
 */
#include "engine.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

void
acio_loop_set_exception_handler(acio_loop *loop,
    acio_exception_handler *handler, void *user)
{
    loop->exception_handler = handler;
    loop->exception_user = user;
}

void
acio_loop_default_exception_handler(acio_loop *loop,
    const struct acio_exception *exception)
{
    (void)loop;
    const char *source = exception->source ? exception->source : "";
    const char *place = exception->place ? exception->place : "";
    bool both = *source && *place;
    acioi_log("%s%s%s%s%s%s%s%s", source, both ? " (" : "", place,
        both ? ")" : "", *source || *place ? ": " : "", exception->message,
        exception->error ? ": " : "",
        exception->error ? acio_strerror(exception->error) : "");
}

void
acio_loop_call_exception_handler(acio_loop *loop,
    const struct acio_exception *exception)
{
    if (!loop->exception_handler || loop->debugging.reporting) {
        acio_loop_default_exception_handler(loop, exception);
        return;
    }
    const struct acioi_layer *layer = loop->layer;
    void *task = layer ? layer->set_current(loop, NULL) : NULL;
    loop->debugging.reporting = true;
    loop->exception_handler(loop, exception, loop->exception_user);
    loop->debugging.reporting = false;
    if (layer)
        layer->set_current(loop, task);
}

/* ---- the names of functions ---- */

/* Static functions have no name that could be found at run time, but an
 * address that addr2line(1) understands. */
void
acioi_function_name(uintptr_t address, char *out, size_t bytes)
{
    Dl_info info;
    if (!dladdr((void *)address, &info) || !info.dli_fname) {
        snprintf(out, bytes, "function at %#zx", (size_t)address);
        return;
    }
    if (info.dli_sname && (uintptr_t)info.dli_saddr == address) {
        snprintf(out, bytes, "%s", info.dli_sname);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    snprintf(out, bytes, "%s+%#zx", slash ? slash + 1 : info.dli_fname,
        (size_t)(address - (uintptr_t)info.dli_fbase));
}
