/* SPDX-License-Identifier: MIT */
/* loop.c - the ready queue and the pass
 *
 * Idea.       A pass is: wait, take in what came (completions, posts of other
 *             threads, timers that are due), run what is ready now. What the
 *             callbacks add runs in the next pass, so nobody starves.
 *
 * Order.      As asyncio's _run_once: the ready queue is first in, first out;
 *             completions come before timers; a batch ends where it ended when
 *             it began.
 *
 * Cost.       While callbacks are ready the wait is a mere look. Where a look
 *             costs a system call (epoll), it is taken every POLL_PERIOD
 *             passes and whenever the coarse clock moved, which is asked every
 *             CLOCK_PERIOD passes: so neither many short passes nor a few long
 *             ones keep I/O waiting.
 */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

enum { POLL_PERIOD = 32, CLOCK_PERIOD = 4 };

_Thread_local acio_loop *acioi_running_loop;

acio_loop *
acio_get_running_loop(void)
{
    return acioi_running_loop;
}

/* The loop of the parent is not the child's: its rings stay behind. */
static void
forget_parent(void)
{
    acioi_running_loop = NULL;
    acioi_signal_forget();
}

static void
register_fork_handler(void)
{
    pthread_atfork(NULL, NULL, forget_parent);
}

/* ---- making and closing ---- */

static int
open_named(acio_loop *loop, const char *name,
    const struct acio_loop_options *options)
{
    static const struct acioi_backend *const backends[] = {
        &acioi_backend_uring,
        &acioi_backend_epoll,
        &acioi_backend_sim,
    };
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            loop->backend = backends[i];
            return loop->backend->open(loop, options);
        }
    }
    if (!options->backend)
        acioi_log("ACIO_BACKEND=%s: the choices are uring, epoll and sim",
            name);
    return -EINVAL;
}

/* io_uring is often forbidden (containers), so its absence is no news. */
static int
open_backend(acio_loop *loop, const struct acio_loop_options *options)
{
    const char *name = options->backend ? options->backend
                                        : getenv("ACIO_BACKEND");
    if (name && *name)
        return open_named(loop, name, options);
    if (open_named(loop, "uring", options) == 0)
        return 0;
    return open_named(loop, "epoll", options);
}

static bool
debug_wanted(const struct acio_loop_options *options)
{
    const char *text = getenv("ACIO_DEBUG");
    return options->debug || (text && strcmp(text, "1") == 0);
}

static void
init_fields(acio_loop *loop, const struct acio_loop_options *options)
{
    acioi_list_init(&loop->ready);
    acioi_list_init(&loop->batch);
    acioi_list_init(&loop->signals);
    acioi_list_init(&loop->all_watches);
    acioi_list_init(&loop->parts);
    acioi_debug_init(&loop->debugging);
    loop->debug = debug_wanted(options);
    loop->poll_every_pass = options->poll_every_pass;
    loop->pool_threads = options->pool_threads ? options->pool_threads : 4;
    loop->pid = getpid();
}

int
acio_loop_new(acio_loop **out, const struct acio_loop_options *options)
{
    static pthread_once_t fork_handler = PTHREAD_ONCE_INIT;
    static const struct acio_loop_options defaults;

    if (!out)
        return -EINVAL;
    *out = NULL;
    pthread_once(&fork_handler, register_fork_handler);
    acio_loop *loop = acioi_alloc(sizeof *loop);
    if (!loop)
        return -ENOMEM;
    options = options ? options : &defaults;
    init_fields(loop, options);
    int err = open_backend(loop, options);
    if (err < 0)
        goto free_loop;
    err = acioi_wake_open(loop);
    if (err < 0)
        goto close_backend;
    *out = loop;
    return 0;

close_backend:
    loop->backend->close(loop);
free_loop:
    acioi_free(loop);
    return err;
}

static struct acio_loop_part *
take_last_part(struct acio_link *parts)
{
    struct acio_link *link = parts->prev;
    acioi_list_remove(link);
    return acioi_container_of(link, struct acio_loop_part, link);
}

/* Those that have more to free wait in `left` for release_parts. */
static void
close_parts(acio_loop *loop, struct acio_link *left)
{
    while (!acioi_list_empty(&loop->parts)) {
        struct acio_loop_part *part = take_last_part(&loop->parts);
        if (part->release)
            acioi_list_push_front(left, &part->link);
        if (part->close)
            part->close(part, loop);
    }
}

static void
release_parts(acio_loop *loop, struct acio_link *left)
{
    while (!acioi_list_empty(left)) {
        struct acio_loop_part *part = take_last_part(left);
        part->release(part, loop);
    }
}

static void
drop_ready(acio_loop *loop)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&loop->ready)))
        acioi_op_discard(acioi_container_of(link, acio_handle, link));
}

/* So that each can be armed again, in another loop. */
static void
drop_timers(acio_loop *loop)
{
    struct acio_heap_node *first;
    while ((first = acioi_heap_first(&loop->timers)))
        acioi_heap_remove(&loop->timers, first);
}

/* The kernel may still write into buffers: nothing is freed before it has
 * answered for each op. */
static void
finish_ops(acio_loop *loop)
{
    loop->backend->cancel_all(loop);
    while (loop->active > 0) {
        drop_ready(loop);
        if (loop->backend->wait(loop, ACIOI_NEVER) < 0)
            break;
        acioi_wake_drain(loop);
    }
    drop_ready(loop);
}

int
acio_loop_close(acio_loop *loop)
{
    if (!loop)
        return 0;
    if (loop->running)
        return -ACIO_ERUNNING;
    bool own = loop->pid == getpid();
    if (own) {
        struct acio_link left;
        acioi_list_init(&left);
        close_parts(loop, &left);
        acioi_signal_close(loop);
        acioi_pool_close(loop);
        finish_ops(loop);
        drop_timers(loop);
        release_parts(loop, &left);
        acioi_watch_close(loop);
        acioi_wake_close(loop);
    } else {
        acioi_signal_close(loop);
        close(loop->wake.fd);
    }
    loop->backend->close(loop);
    acioi_free(loop);
    return 0;
}

/* ---- the pass ---- */

/* Has the coarse clock moved since the kernel was asked? Then it is asked. */
static __attribute__((noinline)) bool
clock_moved(acio_loop *loop)
{
    if (acioi_clock_coarse_ns() == loop->polled_coarse_ns)
        return false;
    loop->passes_to_poll = 0;
    return true;
}

/* With callbacks ready, and none of them run since the last pass. */
static inline bool
time_to_poll(acio_loop *loop)
{
    if (loop->passes_to_poll == 0)
        return true;
    return --loop->passes_to_poll % CLOCK_PERIOD == 0 && clock_moved(loop);
}

static int64_t
wait_time(acio_loop *loop, int64_t limit_ns)
{
    if (!acioi_list_empty(&loop->ready))
        return 0;
    struct acio_heap_node *first = acioi_heap_first(&loop->timers);
    if (!first)
        return limit_ns;
    int64_t now_ns = acioi_loop_now(loop);
    if (first->when_ns <= now_ns) /* also what lies below 0, far below */
        return 0;
    int64_t left = first->when_ns - now_ns;
    return left < limit_ns ? left : limit_ns;
}

static int
wait_with_hooks(acio_loop *loop, int64_t timeout_ns)
{
    if (timeout_ns == 0 || !loop->hooks.before)
        return loop->backend->wait(loop, timeout_ns);
    loop->hooks.before(loop->hooks.user);
    int err = loop->backend->wait(loop, timeout_ns);
    loop->hooks.after(loop->hooks.user);
    return err;
}

static int
poll_outside(acio_loop *loop, int64_t limit_ns)
{
    int64_t timeout_ns = wait_time(loop, limit_ns);
    int err = 0;
    if (timeout_ns > 0 || loop->backend->pending(loop))
        err = wait_with_hooks(loop, timeout_ns);
    acioi_wake_drain(loop);
    acioi_timers_expire(loop);
    loop->passes_to_poll = loop->poll_every_pass ? 0 : POLL_PERIOD;
    loop->polled_coarse_ns = acioi_clock_coarse_ns();
    return err;
}

static int
run_batch(acio_loop *loop)
{
    int ran = 0;
    acioi_list_splice_back(&loop->batch, &loop->ready);
    while (!acioi_list_empty(&loop->batch)) {
        acio_handle *handle = acioi_container_of(loop->batch.next, acio_handle,
            link);
        acioi_list_remove(&handle->link);
        handle->callback(handle->arg);
        ran++;
    }
    return ran;
}

int
acioi_loop_pass(acio_loop *loop, int64_t limit_ns)
{
    if (acioi_list_empty(&loop->ready) || time_to_poll(loop)) {
        int err = poll_outside(loop, limit_ns);
        if (err < 0)
            return err;
    }
    return loop->debug ? acioi_debug_run(loop) : run_batch(loop);
}

bool
acioi_loop_turn(acio_loop *loop)
{
    if (!loop->turning || loop->stopping || acioi_list_empty(&loop->ready) ||
        time_to_poll(loop))
        return false;
    acioi_list_splice_back(&loop->batch, &loop->ready);
    return true;
}

int
acioi_loop_enter(acio_loop *loop)
{
    if (acioi_running_loop || loop->running)
        return -ACIO_ERUNNING;
    acioi_running_loop = loop;
    loop->running = true;
    return 0;
}

void
acioi_loop_leave(acio_loop *loop)
{
    ACIOI_ASSERT(acioi_running_loop == loop);
    loop->running = false;
    acioi_running_loop = NULL;
}

int
acio_loop_run_once(acio_loop *loop, double timeout)
{
    int err = acioi_loop_enter(loop);
    if (err < 0)
        return err;
    int64_t limit_ns = timeout < 0 ? ACIOI_NEVER : acioi_seconds_to_ns(timeout);
    int ran = acioi_loop_pass(loop, limit_ns);
    acioi_loop_leave(loop);
    return ran;
}

int
acio_loop_run_forever(acio_loop *loop)
{
    int err = acioi_loop_enter(loop);
    if (err < 0)
        return err;
    loop->turning = true;
    do {
        err = acioi_loop_pass(loop, loop->stopping ? 0 : ACIOI_NEVER);
    } while (err >= 0 && !loop->stopping);
    loop->turning = loop->stopping = false;
    acioi_loop_leave(loop);
    return err < 0 ? err : 0;
}

void
acio_loop_stop(acio_loop *loop)
{
    acioi_check_thread(loop, "a loop was stopped");
    loop->stopping = true;
}

/* ---- handles ---- */

void
acio_loop_call_soon(acio_loop *loop, acio_handle *handle,
    acio_callback *callback, void *arg)
{
    acioi_check_thread(loop, "a callback was scheduled");
    handle->callback = callback;
    handle->arg = arg;
    if (!acioi_linked(&handle->link))
        acioi_loop_ready(loop, handle);
}

void
acio_handle_cancel(acio_handle *handle)
{
    acioi_list_remove(&handle->link);
}

/* ---- properties ---- */

bool
acio_loop_is_running(const acio_loop *loop)
{
    return loop->running;
}

double
acio_loop_time(const acio_loop *loop)
{
    return (double)acioi_loop_now(loop) / 1e9;
}

int64_t
acio_loop_time_ns(const acio_loop *loop)
{
    return acioi_loop_now(loop);
}

const char *
acio_loop_backend(const acio_loop *loop)
{
    return loop->backend->name;
}

void
acio_loop_set_wait_hooks(acio_loop *loop, const struct acio_wait_hooks *hooks)
{
    static const struct acio_wait_hooks none;
    loop->hooks = hooks && hooks->before && hooks->after ? *hooks : none;
}

int
acio_loop_close_fd(acio_loop *loop, int fd)
{
    return loop->backend->close_fd(loop, fd);
}

/* ---- parts ---- */

void
acio_loop_attach(acio_loop *loop, struct acio_loop_part *part)
{
    acioi_list_push_back(&loop->parts, &part->link);
}

struct acio_loop_part *
acio_loop_find_part(acio_loop *loop, const void *key)
{
    struct acio_link *link = loop->parts.next;
    for (; link != &loop->parts; link = link->next) {
        struct acio_loop_part *part = acioi_container_of(link,
            struct acio_loop_part, link);
        if (part->key == key)
            return part;
    }
    return NULL;
}
