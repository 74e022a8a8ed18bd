/* SPDX-License-Identifier: MIT */
/* What went wrong once: timers, threads, signals, readers and closing. */
#include <fcntl.h>
#include <math.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <acio/alloc.h>

#include "engine_world.h"

static int calls;

static void
count(void *arg)
{
    (void)arg;
    calls++;
}

/* ---- timers ---- */

ENGINE(regressions, a_timer_of_the_remote_past_is_due)
{
    acio_timer infinite = { 0 }, least = { 0 };
    acio_loop_call_at(loop, &infinite, -INFINITY, count, NULL);
    EXPECT_EQ(acio_loop_run_once(loop, -1), 1);
    acio_loop_call_at_ns(loop, &least, INT64_MIN, count, NULL);
    EXPECT_EQ(acio_loop_run_once(loop, -1), 1);
}

enum { TIMERS = 5, KEPT = 2 };

TEST(regressions, a_timer_of_a_closed_loop_can_be_armed_again)
{
    acio_timer *timers[TIMERS], kept = { 0 };
    acio_loop *old, *new;
    REQUIRE_EQ(acio_loop_new(&old, NULL), 0);
    for (int i = 0; i < TIMERS; i++) {
        timers[i] = i == KEPT ? &kept : calloc(1, sizeof *timers[i]);
        acio_loop_call_later(old, timers[i], 10 + i, count, NULL);
    }
    acio_loop_close(old);
    for (int i = 0; i < TIMERS; i++) {
        EXPECT(!acioi_heap_contains(&timers[i]->node));
        if (i != KEPT)
            free(timers[i]);
    }
    REQUIRE_EQ(acio_loop_new(&new, NULL), 0);
    acio_loop_call_later(new, &kept, 0, count, NULL);
    EXPECT_EQ(acio_loop_run_once(new, -1), 1);
    acio_loop_close(new);
}

/* ---- threads ---- */

static sem_t door;

static int
wait_at_the_door(void *arg)
{
    (void)arg;
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 5;
    return sem_timedwait(&door, &limit);
}

static int
open_the_door(void *arg)
{
    (void)arg;
    return sem_post(&door);
}

static int
return_at_once(void *arg)
{
    (void)arg;
    return 0;
}

/* The thread that is idle takes one; the other needs one more. */
ENGINE_REAL(regressions, work_behind_other_work_gets_a_thread_of_its_own)
{
    struct call before = { 0 }, waits = { 0 }, opens = { 0 };
    sem_init(&door, 0, 0);
    acio_op_work(&before.op, return_at_once, NULL, ACIO_POOL_DEFAULT);
    EXPECT_EQ(perform(&before), 0);
    let_pass(0.02); /* until that thread is idle */
    acio_op_work(&waits.op, wait_at_the_door, NULL, ACIO_POOL_DEFAULT);
    acio_op_work(&opens.op, open_the_door, NULL, ACIO_POOL_DEFAULT);
    submit(&waits);
    submit(&opens);
    EXPECT_EQ(finish(&waits), 0);
    EXPECT_EQ(finish(&opens), 0);
    sem_destroy(&door);
}

/* ---- signals and forks ---- */

static int
status_of(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

ENGINE(regressions, a_signal_of_the_parents_loop_is_not_the_childs)
{
    EXPECT_EQ(acio_loop_add_signal_handler(loop, SIGUSR1, count, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(0);
    }
    int status = status_of(pid);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    EXPECT_EQ(acio_loop_run_once(loop, 0), 0); /* and no wake-up came */
    raise(SIGUSR1);
    run_until_count(&calls, 1);
}

ENGINE(regressions, a_childs_loop_may_take_the_signals_of_its_parents)
{
    EXPECT_EQ(acio_loop_add_signal_handler(loop, SIGUSR1, count, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        acio_loop *own;
        int err = acio_loop_new(&own, NULL);
        if (err == 0)
            err = acio_loop_add_signal_handler(own, SIGUSR1, count, NULL);
        if (err == 0)
            err = acio_loop_close(own);
        acio_loop_close(loop);
        _exit(err == 0 ? 0 : 1);
    }
    EXPECT_EQ(status_of(pid), 0);
}

/* ---- without memory ---- */

/* Allocations until one fails; 0: none does. */
static int left;

static bool
fails(void)
{
    return left > 0 && --left == 0;
}

static void *
scarce_malloc(size_t bytes)
{
    return fails() ? NULL : malloc(bytes);
}

static void *
scarce_realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : realloc(memory, bytes);
}

static const struct acio_allocator scarce = { scarce_malloc, scarce_realloc,
    free };

enum { FAILURES = 12 };

static bool
is_armed(const acio_loop *made)
{
    return made->wake.read.state == ACIOI_OP_ACTIVE;
}

TEST(regressions, a_loop_that_was_made_can_be_woken_up)
{
    acio_set_allocator(&scarce);
    int made_count = 0;
    for (int n = 1; n <= FAILURES; n++) {
        acio_loop *made;
        left = n;
        int err = acio_loop_new(&made, NULL);
        left = 0;
        if (err < 0)
            continue;
        made_count++;
        EXPECT(is_armed(made));
        acio_loop_close(made);
    }
    EXPECT(made_count > 0);
    acio_set_allocator(NULL);
}

/* Adds a reader with the n-th allocation failing. */
static void
read_without_memory(int fd, int n)
{
    acio_loop *made;
    REQUIRE_EQ(acio_loop_new(&made, NULL), 0);
    calls = 0;
    left = n;
    int err = acio_loop_add_reader(made, fd, count, NULL);
    left = 0;
    for (int i = 0; i < 4; i++)
        (void)!acio_loop_run_once(made, 0);
    EXPECT(err == 0 ? calls > 0 : err == -ENOMEM && calls == 0);
    EXPECT_EQ(acio_loop_remove_reader(made, fd), err == 0);
    acio_loop_close(made);
}

TEST(regressions, a_reader_that_cannot_be_called_is_refused)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    int far = fcntl(fds[0], F_DUPFD_CLOEXEC, 200);
    REQUIRE_EQ(write(fds[1], "x", 1), 1);
    acio_set_allocator(&scarce);
    for (int n = 1; n <= FAILURES; n++)
        read_without_memory(far, n);
    acio_set_allocator(NULL);
    close(far);
    close(fds[0]);
    close(fds[1]);
}
