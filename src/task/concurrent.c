/* SPDX-License-Identifier: MIT */
/* concurrent.c - tasks that other threads start and wait for
 *
 * Idea.       A call is a block of memory with two owners: the thread that
 *             wants the result, and the loop until there is one. It is posted
 *             to the loop, becomes a task there, and is settled when that has
 *             ended. Until it is settled it stands in a list of the loop's
 *             door; when the loop is closed, what is left in the list is
 *             settled with an error, and the door takes no more. So every call
 *             is settled exactly once, and nobody waits in vain.
 *
 * Locks.      The door's mutex is for its list, the future's for its result.
 *             Neither is taken while the other is held.
 *
 * Cancel.     A request is posted while the future's mutex is held and it has
 *             no result: the loop, which has to settle it first, cannot be
 *             closed meanwhile. Settling takes back what was posted.
 */
#include <acio/concurrent.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "task/door.h"
#include "task/task.h"

struct acio_concurrent_future {
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t settled;
    unsigned owners;
    int result;
    bool done;
    bool cancel_asked; /* `cancel` was posted */

    struct acio_link link; /* in door->calls until it is done */
    struct acioi_door *door;

    /* the loop's, until it is done */
    acio_loop *loop;
    acio_handle begin, cancel, end;
    struct acioi_task *task; /* NULL: not begun */

    acio_function *function;
    struct acio_task_options options;
    size_t arg_bytes;
    char args[];
};

/* ---- life ---- */

/* Timeouts are measured on the clock that does not jump. */
static void
init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static acio_concurrent_future *
make(acio_function *f, struct acio_args args,
    const struct acio_task_options *options)
{
    acio_concurrent_future *future = acioi_alloc(sizeof *future + args.bytes);
    if (!future)
        return NULL;
    pthread_mutex_init(&future->mutex, NULL);
    init_condition(&future->settled);
    future->owners = 2;
    future->function = f;
    if (options)
        future->options = *options;
    future->arg_bytes = args.bytes;
    if (args.bytes)
        memcpy(future->args, args.data, args.bytes);
    return future;
}

static void
disown(acio_concurrent_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool last = --future->owners == 0;
    pthread_mutex_unlock(&future->mutex);
    if (!last)
        return;
    pthread_cond_destroy(&future->settled);
    pthread_mutex_destroy(&future->mutex);
    acioi_free(future);
}

/* ---- in the loop's thread ---- */

static void
leave_door(acio_concurrent_future *future)
{
    if (!future->door)
        return;
    pthread_mutex_lock(&future->door->mutex);
    acioi_list_remove(&future->link);
    pthread_mutex_unlock(&future->door->mutex);
}

/* Or in the thread of a caller whom the door has refused. */
static void
settle(acio_concurrent_future *future, int result)
{
    leave_door(future);
    pthread_mutex_lock(&future->mutex);
    future->result = result;
    future->done = true;
    bool posted = future->cancel_asked;
    pthread_cond_broadcast(&future->settled);
    pthread_mutex_unlock(&future->mutex);
    if (posted) {
        acioi_wake_drain(future->loop); /* to be unlinked from */
        acio_handle_cancel(&future->cancel);
    }
    disown(future);
}

static bool
is_wanted(acio_concurrent_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool wanted = future->owners > 1;
    pthread_mutex_unlock(&future->mutex);
    return wanted;
}

static void
task_ended(void *arg)
{
    acio_concurrent_future *future = arg;
    struct acioi_task *task = future->task;
    int result = task->result;
    if (is_wanted(future))
        task->seen = true;
    acioi_task_let_go(task);
    acioi_task_unuse(task);
    settle(future, result);
}

static bool
cancel_was_asked(acio_concurrent_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool asked = future->cancel_asked;
    pthread_mutex_unlock(&future->mutex);
    return asked;
}

static void
begin(void *arg)
{
    acio_concurrent_future *future = arg;
    struct acioi_runtime *runtime = future->loop->runtime;
    if (cancel_was_asked(future)) {
        settle(future, -ECANCELED);
        return;
    }
    if (runtime->round == ACIOI_LAST_ROUND) {
        settle(future, -ACIO_ECLOSED);
        return;
    }
    struct acio_args args = { future->args, future->arg_bytes };
    struct acioi_task *task = acioi_task_create(runtime, future->function, args,
        &future->options);
    if (!task) {
        settle(future, -ENOMEM);
        return;
    }
    task->users++; /* until task_ended */
    future->task = task;
    acioi_task_tell(task, &future->end, task_ended, future);
    if (future->options.eager_start)
        acioi_task_start_eagerly(task);
}

static void
cancel_task(void *arg)
{
    acio_concurrent_future *future = arg;
    acioi_task_cancel(future->task);
}

/* ---- the door ---- */

static acio_concurrent_future *
first_call(struct acioi_door *door)
{
    pthread_mutex_lock(&door->mutex);
    struct acio_link *link = acioi_list_first(&door->calls);
    pthread_mutex_unlock(&door->mutex);
    return link ? acioi_container_of(link, acio_concurrent_future, link) : NULL;
}

/* What has not begun does not; a task that could not be ended (run.c, Stuck
 * tasks) has nobody to tell any more. */
static void
close_door(struct acio_loop_part *part, acio_loop *loop)
{
    struct acioi_door *door = acioi_container_of(part, struct acioi_door, part);
    pthread_mutex_lock(&door->mutex);
    door->closed = true;
    pthread_mutex_unlock(&door->mutex);
    acioi_wake_drain(loop);
    acio_concurrent_future *future;
    while ((future = first_call(door))) {
        acio_handle_cancel(&future->begin);
        acio_handle_cancel(&future->end);
        settle(future, -ACIO_ECLOSED);
    }
}

void
acioi_door_open(struct acioi_door *door, acio_loop *loop)
{
    *door = (struct acioi_door){
        .part.close = close_door,
        .thread = pthread_self(),
        .mutex = PTHREAD_MUTEX_INITIALIZER,
    };
    acioi_list_init(&door->calls);
    acio_loop_attach(loop, &door->part);
    loop->door = door;
}

/* ---- in any thread ---- */

/* Posted while the door is held: who closes it finds the call in the list and
 * its handle in the loop. */
static int
enter(struct acioi_door *door, acio_concurrent_future *future)
{
    if (!door)
        return -ACIO_ENOLOOP;
    pthread_mutex_lock(&door->mutex);
    bool closed = door->closed;
    if (!closed) {
        future->door = door;
        acioi_list_push_back(&door->calls, &future->link);
        acio_loop_call_soon_threadsafe(future->loop, &future->begin, begin,
            future);
    }
    pthread_mutex_unlock(&door->mutex);
    return closed ? -ACIO_ECLOSED : 0;
}

acio_concurrent_future *
acio_run_coroutine_threadsafe_with(acio_loop *loop, acio_function *f,
    struct acio_args args, const struct acio_task_options *options)
{
    if (!loop || !f)
        return NULL;
    acio_concurrent_future *future = make(f, args, options);
    if (!future)
        return NULL;
    future->loop = loop;
    int err = enter(loop->door, future);
    if (err < 0)
        settle(future, err);
    return future;
}

static struct timespec
in_time(int64_t delay_ns)
{
    int64_t when_ns = acioi_time_add(acioi_clock_ns(), delay_ns);
    return (struct timespec){ when_ns / ACIOI_SECOND_NS,
        when_ns % ACIOI_SECOND_NS };
}

/* With the mutex held. */
static void
wait_for_result(acio_concurrent_future *future, int64_t delay_ns)
{
    struct timespec until = in_time(delay_ns > 0 ? delay_ns : 0);
    int err = delay_ns > 0 ? 0 : ETIMEDOUT;
    while (!future->done && err == 0) {
        if (delay_ns == ACIOI_NEVER)
            err = pthread_cond_wait(&future->settled, &future->mutex);
        else
            err = pthread_cond_timedwait(&future->settled, &future->mutex,
                &until);
    }
}

int
acio_concurrent_future_result(acio_concurrent_future *future, double timeout)
{
    if (!future || timeout != timeout)
        return -EINVAL;
    pthread_mutex_lock(&future->mutex);
    bool own = !future->done &&
        pthread_equal(future->door->thread, pthread_self());
    if (!own)
        wait_for_result(future, acioi_seconds_to_ns(timeout));
    int result = future->done ? future->result : -ETIMEDOUT;
    pthread_mutex_unlock(&future->mutex);
    return own ? -EDEADLK : result;
}

bool
acio_concurrent_future_cancel(acio_concurrent_future *future)
{
    if (!future)
        return false;
    pthread_mutex_lock(&future->mutex);
    bool open = !future->done;
    if (open && !future->cancel_asked) {
        future->cancel_asked = true;
        acio_loop_call_soon_threadsafe(future->loop, &future->cancel,
            cancel_task, future);
    }
    pthread_mutex_unlock(&future->mutex);
    return open;
}

bool
acio_concurrent_future_done(acio_concurrent_future *future)
{
    if (!future)
        return true;
    pthread_mutex_lock(&future->mutex);
    bool done = future->done;
    pthread_mutex_unlock(&future->mutex);
    return done;
}

void
acio_concurrent_future_close(acio_concurrent_future *future)
{
    if (future)
        disown(future);
}
