/* SPDX-License-Identifier: MIT */
/* ask.c - threads that ask the name service
 *
 * Idea.       getaddrinfo(3) may take half a minute and cannot be stopped. So
 *             a question has memory of its own, and the threads are nobody's:
 *             who waits may leave at once, and a loop is closed without
 *             waiting. The thread that comes back to a question which was
 *             abandoned frees it, and touches nothing of the loop.
 *
 *                 task --> question <-- thread    waited for
 *                          question <-- thread    abandoned
 *
 * Crew.       What loop and threads share; the last of them frees it. Its mutex
 *             guards it and `answered`, `abandoned`, `uncounted` of questions.
 *             `crew->loop` is NULL once that is closed: an answer goes home
 *             under the mutex, so there is a home.
 * Threads.    They start when there are more questions than idle ones, and
 *             stay, MOST_THREADS of them. One that was left with an abandoned
 *             question does not count any more, so that dead name servers do
 *             not hold up the others, as long as no more than MOST_ABANDONED
 *             are out.
 */
#include "net/ask.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"

enum { MOST_THREADS = 16, MOST_ABANDONED = 64 };

struct acioi_crew {
    pthread_mutex_t mutex;
    pthread_cond_t asked;       /* the queue grew, or the loop is closed */
    pthread_cond_t left;        /* a thread is about to end */
    acio_loop *loop;            /* NULL: closed */
    struct acio_link questions; /* all that have not come home; the loop's */
    struct acio_link queue;     /* those that no thread has taken */
    unsigned queued, idle;
    unsigned threads;   /* that count */
    unsigned uncounted; /* that are out with an abandoned question */
    unsigned users;     /* all these and the loop: the last frees the crew */
};

void
acioi_question_free(struct acioi_question *question)
{
    question->drop_answer(question);
    acioi_free(question);
}

static void
free_crew(struct acioi_crew *crew)
{
    pthread_cond_destroy(&crew->left);
    pthread_cond_destroy(&crew->asked);
    pthread_mutex_destroy(&crew->mutex);
    acioi_free(crew);
}

/* ---- a thread's side ---- */

static void answered(void *arg);

static struct acioi_question *
take(struct acioi_crew *crew)
{
    crew->idle++;
    while (crew->loop && acioi_list_empty(&crew->queue))
        pthread_cond_wait(&crew->asked, &crew->mutex);
    crew->idle--;
    struct acio_link *link = acioi_list_pop_front(&crew->queue);
    if (!link)
        return NULL;
    crew->queued--;
    return acioi_container_of(link, struct acioi_question, in_queue);
}

/* False where the thread was replaced meanwhile, and is one too many. */
static bool
give(struct acioi_crew *crew, struct acioi_question *question, int result)
{
    question->result = result;
    question->answered = true;
    if (!question->abandoned) {
        acio_loop_call_soon_threadsafe(crew->loop, &question->handle, answered,
            question);
        return true;
    }
    bool counts = !question->uncounted;
    acioi_question_free(question);
    if (counts)
        return true;
    crew->uncounted--;
    if (crew->threads == MOST_THREADS)
        return false;
    crew->threads++;
    return true;
}

static void *
work(void *arg)
{
    struct acioi_crew *crew = arg;
    struct acioi_question *question;
    bool counts = true;
    pthread_mutex_lock(&crew->mutex);
    while (counts && (question = take(crew))) {
        pthread_mutex_unlock(&crew->mutex);
        int result = question->ask(question);
        pthread_mutex_lock(&crew->mutex);
        counts = give(crew, question, result);
    }
    crew->threads -= counts;
    bool last = --crew->users == 0;
    pthread_cond_signal(&crew->left);
    pthread_mutex_unlock(&crew->mutex);
    if (last)
        free_crew(crew);
    return NULL;
}

/* ---- the loop's side ---- */

/* Signals are for the program's own threads. Nobody waits for these. */
static int
start_thread(struct acioi_crew *crew)
{
    sigset_t all, old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&thread, NULL, work, crew);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return -err;
    pthread_detach(thread);
    crew->threads++;
    crew->users++;
    return 0;
}

/* An error where there is no thread that could take what is queued. */
static int
provide_threads(struct acioi_crew *crew)
{
    int err = 0;
    if (crew->queued > crew->idle && crew->threads < MOST_THREADS)
        err = start_thread(crew);
    return crew->users > 1 ? 0 : err;
}

static struct acioi_crew *
crew_of(struct acioi_net *net)
{
    if (net->crew)
        return net->crew;
    struct acioi_crew *crew = acioi_alloc(sizeof *crew);
    if (!crew)
        return NULL;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->asked, NULL);
    pthread_cond_init(&crew->left, NULL);
    crew->loop = net->loop;
    crew->users = 1;
    acioi_list_init(&crew->questions);
    acioi_list_init(&crew->queue);
    net->crew = crew;
    return crew;
}

static void
take_back(struct acioi_question *question)
{
    acioi_list_remove(&question->in_queue);
    question->crew->queued--;
}

static int
put(struct acioi_net *net, struct acioi_question *question)
{
    struct acioi_crew *crew = crew_of(net);
    if (!crew)
        return -ENOMEM;
    question->crew = crew;
    pthread_mutex_lock(&crew->mutex);
    acioi_list_push_back(&crew->queue, &question->in_queue);
    crew->queued++;
    int err = provide_threads(crew);
    if (err == 0)
        acioi_list_push_back(&crew->questions, &question->link);
    else
        take_back(question);
    pthread_cond_signal(&crew->asked);
    pthread_mutex_unlock(&crew->mutex);
    return err;
}

/* An answer that nobody waits for any more was on its way. */
static void
answered(void *arg)
{
    struct acioi_question *question = arg;
    acioi_list_remove(&question->link);
    if (question->task)
        acioi_wake(question->task);
    else
        acioi_question_free(question);
}

/* The thread frees it when it comes back, and may be replaced until then. */
static void
leave_behind(struct acioi_crew *crew, struct acioi_question *question)
{
    acioi_list_remove(&question->link);
    question->abandoned = true;
    if (crew->uncounted == MOST_ABANDONED)
        return;
    question->uncounted = true;
    crew->uncounted++;
    crew->threads--;
    (void)provide_threads(crew);
}

static void
abandon(struct acioi_task *task, int reason)
{
    struct acioi_question *question = task->interrupted_thing;
    struct acioi_crew *crew = question->crew;
    pthread_mutex_lock(&crew->mutex);
    bool queued = acioi_linked(&question->in_queue);
    if (queued) {
        take_back(question);
        acioi_list_remove(&question->link);
    } else if (!question->answered) {
        leave_behind(crew, question);
    }
    question->task = NULL;
    pthread_mutex_unlock(&crew->mutex);
    if (queued)
        acioi_question_free(question);
    acioi_interrupt_wake(task, reason);
}

int
acioi_ask(struct acioi_net *net, struct acioi_question **question)
{
    struct acioi_question *own = *question;
    struct acioi_task *task = acioi_current();
    own->task = task;
    int err = put(net, own);
    if (err < 0)
        return err;
    task->interrupted_thing = own;
    int reason = acioi_park_with(task, abandon, "getaddrinfo", NULL);
    if (reason)
        *question = NULL;
    return reason ? reason : own->result;
}

/* ---- the end ---- */

static void
drop_questions(struct acioi_crew *crew)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&crew->questions))) {
        struct acioi_question *question = acioi_container_of(link,
            struct acioi_question, link);
        bool queued = acioi_linked(&question->in_queue);
        if (queued)
            take_back(question);
        if (question->answered)
            acioi_list_remove(&question->handle.link);
        question->abandoned = true;
        if (queued || question->answered)
            acioi_question_free(question);
    }
}

/* Idle threads are waited for: they have nothing to do but to leave. */
void
acioi_crew_close(struct acioi_net *net)
{
    struct acioi_crew *crew = net->crew;
    if (!crew)
        return;
    pthread_mutex_lock(&crew->mutex);
    acioi_wake_drain(crew->loop); /* what was posted is in a list now */
    drop_questions(crew);
    crew->loop = NULL;
    pthread_cond_broadcast(&crew->asked);
    while (crew->idle > 0)
        pthread_cond_wait(&crew->left, &crew->mutex);
    bool last = --crew->users == 0;
    pthread_mutex_unlock(&crew->mutex);
    if (last)
        free_crew(crew);
}
