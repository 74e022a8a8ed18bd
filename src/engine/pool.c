/* SPDX-License-Identifier: MIT */
/* pool.c - threads for what may block
 *
 * Idea.       Two crews: one for files and users' functions, one for name
 *             look-ups, which may hang for half a minute and must not hold up
 *             the others. An op waits in the crew's queue, a thread performs
 *             it, and it comes home through call_soon_threadsafe. Threads
 *             start when there is more work than free threads, and stay.
 *
 * Ownership.  While a thread has the op, only that thread touches it: a cancel
 *             takes back what is still in the queue and leaves the rest.
 *
 * Close.      What is queued is cancelled, what runs is waited for.
 */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"

enum { CREWS = 2 };

struct crew {
    pthread_mutex_t mutex;  /* guards all of the crew */
    pthread_cond_t work;    /* the queue grew, or it is time to leave */
    struct acio_link queue; /* ops, by op->link */
    unsigned queued;
    unsigned started, idle; /* idle ones may be about to take what is queued */
    bool leaving;
    pthread_t *threads; /* room for loop->pool_threads */
};

struct acioi_pool {
    struct crew crews[CREWS]; /* by enum acio_pool */
    char *copy;               /* made by the first sendfile, or NULL */
};

static struct crew *
crew_of(acio_loop *loop, const acio_op *op)
{
    bool dns = op->kind == ACIO_OP_WORK && op->u.work.pool == ACIO_POOL_DNS;
    return &loop->pool->crews[dns ? ACIO_POOL_DNS : ACIO_POOL_DEFAULT];
}

/* ---- a thread's side ---- */

/* The fd has no room: the back end waits until it has, and no thread does. */
static void
wait_until_ready(acio_op *op)
{
    op->flags &= (uint16_t)~ACIOI_OP_POOLED;
    op->flags |= ACIOI_OP_NOT_READY;
    if (op->flags & ACIOI_OP_CANCEL_ASKED)
        acioi_op_complete(op, -ECANCELED);
    else
        op->loop->backend->submit(op->loop, op);
}

static void
come_home(void *arg)
{
    acio_op *op = arg;
    if (op->kind == ACIO_OP_SENDFILE && op->result == -EAGAIN)
        wait_until_ready(op);
    else
        acioi_op_complete(op, op->result);
}

static acio_op *
pop(struct crew *crew)
{
    struct acio_link *link = acioi_list_pop_front(&crew->queue);
    if (!link)
        return NULL;
    crew->queued--;
    return acioi_container_of(link, acio_op, link);
}

static acio_op *
take_op(struct crew *crew)
{
    crew->idle++;
    while (acioi_list_empty(&crew->queue) && !crew->leaving)
        pthread_cond_wait(&crew->work, &crew->mutex);
    crew->idle--;
    return pop(crew);
}

static void *
work(void *arg)
{
    struct crew *crew = arg;
    pthread_mutex_lock(&crew->mutex);
    for (;;) {
        acio_op *op = take_op(crew);
        if (!op)
            break;
        pthread_mutex_unlock(&crew->mutex);
        op->result = acioi_op_perform(op);
        acio_loop_call_soon_threadsafe(op->loop, &op->handle, come_home, op);
        pthread_mutex_lock(&crew->mutex);
    }
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

/* ---- the loop's side ---- */

/* Signals are for the program's own threads. */
static int
start_thread(struct crew *crew)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&crew->threads[crew->started], NULL, work, crew);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err == 0)
        crew->started++;
    return -err;
}

static void
close_crew(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    crew->leaving = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
    for (unsigned i = 0; i < crew->started; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->mutex);
    acioi_free(crew->threads);
}

static int
open_crew(struct crew *crew, unsigned threads)
{
    crew->threads = acioi_alloc(threads * sizeof *crew->threads);
    if (!crew->threads)
        return -ENOMEM;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->work, NULL);
    acioi_list_init(&crew->queue);
    return 0;
}

static int
open_pool(acio_loop *loop)
{
    if (loop->pool)
        return 0;
    struct acioi_pool *pool = acioi_alloc(sizeof *pool);
    if (!pool)
        return -ENOMEM;
    int opened = 0;
    while (opened < CREWS &&
        open_crew(&pool->crews[opened], loop->pool_threads) == 0)
        opened++;
    if (opened < CREWS) {
        while (opened > 0)
            close_crew(&pool->crews[--opened]);
        acioi_free(pool);
        return -ENOMEM;
    }
    loop->pool = pool;
    return 0;
}

/* Takes an op out of the queue; false where it is not in it. */
static bool
take_back(struct crew *crew, acio_op *op)
{
    if (!acioi_linked(&op->link))
        return false;
    acioi_list_remove(&op->link);
    crew->queued--;
    return true;
}

/* Queues the op; an error where there is no thread that could take it. */
static int
enqueue(acio_loop *loop, struct crew *crew, acio_op *op)
{
    int err = 0;
    pthread_mutex_lock(&crew->mutex);
    acioi_list_push_back(&crew->queue, &op->link);
    crew->queued++;
    if (crew->queued > crew->idle && crew->started < loop->pool_threads)
        err = start_thread(crew);
    if (crew->started > 0)
        err = 0;
    else
        take_back(crew, op);
    pthread_cond_signal(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
    return err;
}

/* Two switches of threads take longer than to send a small file. */
static bool
needs_no_thread(struct acioi_pool *pool, acio_op *op)
{
    if (op->kind != ACIO_OP_SENDFILE)
        return false;
    if (!pool->copy)
        pool->copy = acioi_alloc_raw(ACIOI_CACHED_MOST);
    return pool->copy && acioi_op_send_cached(op, pool->copy);
}

void
acioi_pool_submit(acio_loop *loop, acio_op *op)
{
    int err = open_pool(loop);
    if (err == 0 && needs_no_thread(loop->pool, op)) {
        acioi_op_complete(op, op->result);
        return;
    }
    if (err == 0) {
        op->flags |= ACIOI_OP_POOLED;
        op->flags &= (uint16_t)~ACIOI_OP_NOT_READY;
        err = enqueue(loop, crew_of(loop, op), op);
    }
    if (err < 0)
        acioi_op_give_up(op, err);
}

void
acioi_pool_cancel(acio_loop *loop, acio_op *op)
{
    struct crew *crew = crew_of(loop, op);
    pthread_mutex_lock(&crew->mutex);
    bool queued = take_back(crew, op);
    pthread_mutex_unlock(&crew->mutex);
    if (queued)
        acioi_op_complete(op, -ECANCELED);
}

static void
cancel_queued(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    acio_op *op;
    while ((op = pop(crew)))
        acioi_op_complete(op, -ECANCELED);
    pthread_mutex_unlock(&crew->mutex);
}

/* What came home is completed here; its callback will not run any more. */
static void
complete_posted(acio_loop *loop)
{
    struct acio_link *link = loop->ready.next;
    while (link != &loop->ready) {
        acio_handle *handle = acioi_container_of(link, acio_handle, link);
        link = link->next;
        if (handle->callback != come_home)
            continue;
        acioi_list_remove(&handle->link);
        come_home(handle->arg);
    }
}

void
acioi_pool_close(acio_loop *loop)
{
    struct acioi_pool *pool = loop->pool;
    if (!pool)
        return;
    for (int i = 0; i < CREWS; i++) {
        cancel_queued(&pool->crews[i]);
        close_crew(&pool->crews[i]);
    }
    acioi_wake_drain(loop);
    complete_posted(loop);
    acioi_free(pool->copy);
    acioi_free(pool);
    loop->pool = NULL;
}
