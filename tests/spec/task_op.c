/* SPDX-License-Identifier: MIT */
/* Tasks that wait for operations and for threads. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "task_parts.h"

/* A pipe of the kernel's; real also on the simulator, where time passes when
 * nothing else can happen. */
struct ends {
    int in, out;
};

static struct ends
make_pipe(void)
{
    int fds[2];
    REQUIRE_EQ(pipe(fds), 0);
    return (struct ends){ fds[0], fds[1] };
}

static void
close_pipe(struct ends ends)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_close_fd(loop, ends.in);
    acio_loop_close_fd(loop, ends.out);
}

static ssize_t
read_from(int fd, char *data, size_t bytes)
{
    acio_op op = { 0 };
    acio_op_read(&op, fd, data, bytes, -1);
    return acio_await_op(&op);
}

SPEC(op, that_is_awaited_gives_its_result)
{
    char data[8] = { 0 };
    struct ends ends = make_pipe();
    EXPECT_EQ(write(ends.out, "hello", 5), 5);
    EXPECT_EQ(read_from(ends.in, data, sizeof data - 1), 5);
    EXPECT_TEXT(data, "hello");
    close_pipe(ends);
}

SPEC(op, that_is_awaited_gives_its_error)
{
    char data[8];
    EXPECT_ERR(read_from(-1, data, sizeof data), -EBADF);
}

SPEC(op, that_was_never_prepared_is_refused)
{
    acio_op op = { 0 };
    EXPECT_ERR(acio_await_op(&op), -EINVAL);
}

struct read_and_note_args {
    int fd;
};

static int
read_and_note(void *arg)
{
    struct read_and_note_args *a = arg;
    char data[8] = { 0 };
    ssize_t n = read_from(a->fd, data, sizeof data - 1);
    if (n > 0)
        note("%s ", data);
    return (int)n;
}

SPEC(op, lets_the_others_run_while_it_is_awaited)
{
    struct ends ends = make_pipe();
    acio_task *task = acio_create_task(read_and_note, .fd = ends.in);
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "operation");
    EXPECT_EQ(write(ends.out, "late", 4), 4);
    EXPECT_EQ(acio_await(task), 4);
    EXPECT_NOTED("late ");
    close_pipe(ends);
}

SPEC(op, ends_when_its_task_is_cancelled)
{
    struct ends ends = make_pipe();
    acio_task *task = acio_create_task(read_and_note, .fd = ends.in);
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    close_pipe(ends);
}

SPEC(op, ends_at_the_deadline_of_its_task)
{
    char data[8];
    struct ends ends = make_pipe();
    acio_timeout limit;
    acio_timeout_open(&limit, 0.002);
    EXPECT_ERR(read_from(ends.in, data, sizeof data), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_ELAPSED(0.002);
    close_pipe(ends);
}

SPEC(op, is_not_begun_by_a_task_that_was_cancelled)
{
    char data[8] = { 0 };
    struct ends ends = make_pipe();
    EXPECT_EQ(write(ends.out, "x", 1), 1);
    acio_cancel(acio_current_task());
    EXPECT_ERR(read_from(ends.in, data, sizeof data), -ECANCELED);
    acio_uncancel(acio_current_task());
    EXPECT_EQ(read_from(ends.in, data, sizeof data), 1);
    EXPECT_EQ(data[0], 'x');
    close_pipe(ends);
}

/* Either way no byte is lost: what the read took is returned. */
SPEC(op, loses_nothing_when_its_result_and_a_cancel_come_together)
{
    char data[8] = { 0 };
    struct ends ends = make_pipe();
    acio_task *task = acio_create_task(read_and_note, .fd = ends.in);
    settle();
    EXPECT_EQ(write(ends.out, "abc", 3), 3);
    acio_cancel(task);
    int result = acio_await(task);
    if (result == -ECANCELED)
        EXPECT_EQ(read_from(ends.in, data, sizeof data), 3);
    else
        EXPECT_EQ(result, 3);
    close_pipe(ends);
    EXPECT_NOTED(result == 3 ? "abc " : "");
}

static int
read_for_ever(void *arg)
{
    struct read_and_note_args *a = arg;
    ssize_t n = 1;
    while (n > 0) {
        uint64_t count;
        acio_op op = { 0 };
        acio_op_read(&op, a->fd, &count, sizeof count, -1);
        n = acio_await_op(&op);
    }
    return (int)n;
}

struct read_for_ever_args {
    int fd;
};

SPEC(op, that_is_always_ready_lets_the_others_run)
{
    int fd = eventfd(1000000, EFD_SEMAPHORE | EFD_CLOEXEC);
    acio_task *busy = acio_create_task(read_for_ever, .fd = fd);
    for (int i = 0; i < 10; i++)
        EXPECT_ERR(acio_sleep(0), 0);
    acio_cancel(busy);
    EXPECT_ERR(acio_await(busy), -ECANCELED);
    acio_loop_close_fd(acio_get_running_loop(), fd);
}

/* ---- threads ---- */

static int
add_one(void *arg)
{
    return *(int *)arg + 1;
}

SPEC(to_thread, gives_what_the_function_returned)
{
    int number = 41;
    EXPECT_EQ(acio_to_thread(add_one, &number), 42);
}

static int
fail(void *arg)
{
    (void)arg;
    return -EIO;
}

SPEC(to_thread, gives_the_error_of_the_function)
{
    EXPECT_ERR(acio_to_thread(fail, NULL), -EIO);
}

static int
compare_thread(void *arg)
{
    return pthread_equal(*(pthread_t *)arg, pthread_self()) != 0;
}

SPEC(to_thread, runs_in_another_thread_or_as_if_on_the_simulator)
{
    pthread_t self = pthread_self();
    EXPECT_EQ(acio_to_thread(compare_thread, &self), time_is_virtual());
}

static int
no_loop(void *arg)
{
    (void)arg;
    return acio_get_running_loop() == NULL;
}

SPEC(to_thread, knows_of_no_running_loop)
{
    EXPECT_EQ(acio_to_thread(no_loop, NULL), 1);
}

SPEC(to_thread, is_not_begun_by_a_task_that_was_cancelled)
{
    int number = 41;
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_to_thread(add_one, &number), -ECANCELED);
    acio_uncancel(acio_current_task());
}

struct block_args {
    sem_t *begun, *end;
};

static int
block(void *arg)
{
    struct block_args *a = arg;
    sem_post(a->begun);
    sem_wait(a->end);
    return 9;
}

static int
block_in_a_thread(void *arg)
{
    int result = acio_to_thread(block, arg);
    return result;
}

struct block_in_a_thread_args {
    sem_t *begun, *end;
};

SPEC_REAL(to_thread, is_waited_for_after_a_cancel_once_it_has_begun)
{
    sem_t begun, end;
    sem_init(&begun, 0, 0);
    sem_init(&end, 0, 0);
    acio_task *task = acio_create_task(block_in_a_thread, .begun = &begun,
        .end = &end);
    acio_sleep(0);
    sem_wait(&begun);
    acio_cancel(task);
    settle();
    EXPECT(!acio_task_done(task));
    sem_post(&end);
    EXPECT_EQ(acio_await(task), 9);
    sem_destroy(&begun);
    sem_destroy(&end);
}

SPEC_REAL(to_thread, ends_without_having_begun_where_all_threads_are_busy,
    .run.pool_threads = 1)
{
    sem_t begun, end;
    sem_init(&begun, 0, 0);
    sem_init(&end, 0, 0);
    acio_task *first = acio_create_task(block_in_a_thread, .begun = &begun,
        .end = &end);
    acio_task *second = acio_create_task(block_in_a_thread, .begun = &begun,
        .end = &end);
    acio_sleep(0);
    sem_wait(&begun);
    acio_cancel(second);
    EXPECT_ERR(acio_await(second), -ECANCELED);
    sem_post(&end);
    EXPECT_EQ(acio_await(first), 9);
    sem_destroy(&begun);
    sem_destroy(&end);
}
