/* SPDX-License-Identifier: MIT */
/* debug.c - debug mode: what takes too long, and who called it
 *
 * Idea.       In debug mode a pass is run from here instead of loop.c: each
 *             callback is timed, and while it runs the loop knows which one it
 *             is. Outside of debug mode that costs one test in a pass.
 *
 * Steps.      Tasks switch from one to the next without coming back to the
 *             loop, as long as the batch has more. So here the pass lies in a
 *             list of its own, the batch is empty, and each step of a task
 *             comes back to be timed.
 *
 * Clock.      The loop's, as in asyncio. On the simulator it stands still while
 *             a callback runs, so that the same seed reports the same.
 */
#include "engine.h"

#include <stdio.h>

#include "base/log.h"

enum { SLOW_NS = 100000000 };

void
acioi_debug_init(struct acioi_debug *debug)
{
    acioi_list_init(&debug->rest);
    debug->slow_ns = SLOW_NS;
}

/* ---- who it is ---- */

/* The user's own function, where one of the engine's stands before it. */
static uintptr_t
function_of(const acio_handle *handle)
{
    const acio_op *op = acioi_op_of(handle);
    acio_callback *callback = op ? acioi_watch_callback(op)
                                 : acioi_signal_callback(handle);
    if (callback)
        return (uintptr_t)callback;
    return op ? (uintptr_t)op->callback : (uintptr_t)handle->callback;
}

/* ---- what takes too long ---- */

static void
report_slow(acio_loop *loop, struct acioi_source *source, int64_t took_ns)
{
    char message[96];
    bool step = *source->name;
    if (!step)
        acioi_function_name(loop->debugging.running, source->name,
            sizeof source->name);
    snprintf(message, sizeof message, "a %s ran for %.3f seconds%s",
        step ? "task" : "callback", (double)took_ns / 1e9,
        step ? " without suspending" : "");
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){
            .message = message,
            .source = source->name,
            .place = *source->place ? source->place : NULL,
        });
}

/* The handle's memory may be gone afterwards, and so may the task. */
static void
run_timed(acio_loop *loop, acio_handle *handle)
{
    struct acioi_debug *debug = &loop->debugging;
    struct acioi_source source;
    source.name[0] = source.place[0] = '\0';
    if (loop->layer)
        loop->layer->describe(handle, &source);
    debug->running = function_of(handle);
    int64_t began_ns = acioi_loop_now(loop);
    handle->callback(handle->arg);
    int64_t took_ns = acioi_loop_now(loop) - began_ns;
    if (took_ns >= debug->slow_ns)
        report_slow(loop, &source, took_ns);
    debug->running = 0;
}

int
acioi_debug_run(acio_loop *loop)
{
    struct acioi_debug *debug = &loop->debugging;
    bool turning = loop->turning;
    int ran = 0;
    loop->turning = false;
    acioi_list_splice_back(&debug->rest, &loop->ready);
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&debug->rest))) {
        run_timed(loop, acioi_container_of(link, acio_handle, link));
        ran++;
    }
    loop->turning = turning;
    return ran;
}

/* ---- who suspends and cannot ---- */

/* True the first time only, for each of the first few. */
static bool
blame(struct acioi_debug *debug, uintptr_t function)
{
    for (unsigned i = 0; i < debug->blamed_count; i++) {
        if (debug->blamed[i] == function)
            return false;
    }
    if (debug->blamed_count == ACIOI_BLAMED)
        return false;
    debug->blamed[debug->blamed_count++] = function;
    return true;
}

void
acioi_debug_no_task(acio_loop *loop, const char *what)
{
    struct acioi_debug *debug = &loop->debugging;
    uintptr_t function = debug->running;
    if (debug->reporting)
        function = (uintptr_t)loop->exception_handler;
    if (!blame(debug, function))
        return;
    char message[128], name[64];
    snprintf(message, sizeof message, "%s was refused", what);
    if (function)
        acioi_function_name(function, name, sizeof name);
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){
            .message = message,
            .error = -ACIO_ENOTASK,
            .source = function ? name : NULL,
        });
}

/* ---- who calls from another thread ---- */

void
acioi_debug_check_thread(const acio_loop *loop, const char *what)
{
    if (loop->running && acioi_running_loop != loop)
        acioi_panic("%s from another thread than the one that runs its loop; "
                    "what is safe there is acio_loop_call_soon_threadsafe",
            what);
}

/* ---- properties ---- */

void
acio_loop_set_debug(acio_loop *loop, bool debug)
{
    loop->debug = debug;
    loop->passes_to_poll = 0; /* the next pass is begun by the loop */
}

bool
acio_loop_debug(const acio_loop *loop)
{
    return loop->debug;
}

void
acio_loop_set_slow_callback_duration(acio_loop *loop, double seconds)
{
    if (seconds == seconds)
        loop->debugging.slow_ns = acioi_seconds_to_ns(seconds);
}

double
acio_loop_slow_callback_duration(const acio_loop *loop)
{
    return (double)loop->debugging.slow_ns / 1e9;
}
