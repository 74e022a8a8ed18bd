/* SPDX-License-Identifier: MIT */
/* The loop alone, without tasks: build/examples/callbacks/callbacks
 *
 *     soon: in the first pass
 *     thread: the loop waits, so the lock is free
 *     posted: in the loop, from the thread
 *     timer: 0.1 s later
 *     read: hello
 *
 * For programs with a main loop of their own, and for languages with
 * coroutines of their own. It needs only acio/loop.h and acio/op.h.
 */
#include <acio/loop.h>
#include <acio/op.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Handles, timers and ops lie in the caller's memory, zeroed before their
 * first use: scheduling one allocates nothing and cannot fail. */
struct program {
    acio_loop *loop;
    acio_handle soon, posted;
    acio_timer timer;
    acio_op read;
    int pipe[2];
    char text[16];
    bool finished;
    pthread_mutex_t lock; /* held except while the loop waits */
};

static void
say(void *text)
{
    puts(text);
}

static void
call_later(void *arg)
{
    struct program *p = arg;
    puts("timer: 0.1 s later");
    p->finished = write(p->pipe[1], "hello", 5) < 0;
}

static void
call_from_thread(void *arg)
{
    struct program *p = arg;
    puts("posted: in the loop, from the thread");
    acio_loop_call_later(p->loop, &p->timer, 0.1, call_later, p);
}

/* Called exactly once; the result is read(2)'s, or a negative errno. */
static void
complete(acio_op *op)
{
    struct program *p = op->user;
    printf("read: %.*s\n", op->result < 0 ? 0 : (int)op->result, p->text);
    p->finished = true;
}

static void *
run_thread(void *arg)
{
    struct program *p = arg;
    pthread_mutex_lock(&p->lock);
    puts("thread: the loop waits, so the lock is free");
    acio_loop_call_soon_threadsafe(p->loop, &p->posted, call_from_thread, p);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void
unlock(void *lock)
{
    pthread_mutex_unlock(lock);
}

static void
lock_again(void *lock)
{
    pthread_mutex_lock(lock);
}

int
main(void)
{
    struct program p = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct acio_wait_hooks hooks = { unlock, lock_again, &p.lock };
    pthread_t thread;
    pthread_mutex_lock(&p.lock);
    if (acio_loop_new(&p.loop, NULL) < 0 || pipe(p.pipe) < 0 ||
        pthread_create(&thread, NULL, run_thread, &p) != 0)
        return 1;
    acio_loop_set_wait_hooks(p.loop, &hooks);
    acio_loop_call_soon(p.loop, &p.soon, say, "soon: in the first pass");
    acio_op_read(&p.read, p.pipe[0], p.text, sizeof p.text, -1);
    acio_loop_submit(p.loop, &p.read, complete, &p);
    int ran = 0; /* callbacks, in one pass */
    while (ran >= 0 && !p.finished)
        ran = acio_loop_run_once(p.loop, -1);
    pthread_join(thread, NULL);
    acio_loop_close_fd(p.loop, p.pipe[0]); /* the loop forgets it */
    close(p.pipe[1]);
    acio_loop_close(p.loop);
    return ran < 0;
}
