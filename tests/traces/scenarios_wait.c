/* SPDX-License-Identifier: MIT */
/* Waiting for some, in order of their ends, behind a shield; eager tasks. */
#include "traces.h"

#include <math.h>

static void
make_three(acio_task **tasks)
{
    tasks[0] = acio_create_task(work, .text = "a", .delay = 3, .result = 1);
    tasks[1] = acio_create_task(work, .text = "b", .delay = 1, .result = -EIO);
    tasks[2] = acio_create_task(work, .text = "c", .delay = 2, .result = 3);
}

static void
end(acio_task **tasks, int count)
{
    for (int i = 0; i < count; i++) {
        acio_cancel(tasks[i]);
        acio_detach(tasks[i]);
    }
}

static void
wait_and_say(acio_task **tasks, double timeout, enum acio_return_when when)
{
    int done = acio_wait(tasks, 3, timeout, when);
    say("%d done, %d pending", done, 3 - done);
    for (int i = 0; i < done; i++)
        say("%s", word(acio_task_result(tasks[i])));
}

SCENARIO(wait_for_the_first)
{
    acio_task *tasks[3];
    make_three(tasks);
    wait_and_say(tasks, INFINITY, ACIO_FIRST_COMPLETED);
    acio_sleep(5);
    end(tasks, 3);
}

SCENARIO(wait_for_the_first_error)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 3, .result = 1),
        acio_create_task(work, .text = "b", .delay = 2, .result = -EIO),
        acio_create_task(work, .text = "c", .delay = 1, .result = 3),
    };
    wait_and_say(tasks, INFINITY, ACIO_FIRST_EXCEPTION);
    end(tasks, 3);
}

SCENARIO(wait_for_all)
{
    acio_task *tasks[3];
    make_three(tasks);
    wait_and_say(tasks, INFINITY, ACIO_ALL_COMPLETED);
    end(tasks, 3);
}

SCENARIO(wait_for_some_time)
{
    acio_task *tasks[3];
    make_three(tasks);
    wait_and_say(tasks, 1.5, ACIO_ALL_COMPLETED);
    acio_sleep(5);
    end(tasks, 3);
}

SCENARIO(wait_wakes_two_passes_after_the_end)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 5),
        acio_create_task(tick, .text = "b", .times = 1),
        acio_create_task(work, .text = "c", .delay = 5),
    };
    start(tick, .text = "other", .times = 5);
    wait_and_say(tasks, INFINITY, ACIO_FIRST_COMPLETED);
    acio_sleep(1);
    end(tasks, 3);
}

SCENARIO(wait_for_what_has_finished_does_not_suspend)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .result = 1),
        acio_create_task(work, .text = "b", .result = 2),
        acio_create_task(work, .text = "c", .result = 3),
    };
    acio_sleep(1);
    start(work, .text = "other");
    wait_and_say(tasks, INFINITY, ACIO_FIRST_COMPLETED);
    acio_sleep(1);
    end(tasks, 3);
}

SCENARIO(wait_counts_two_that_end_at_once)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 1, .result = 1),
        acio_create_task(work, .text = "b", .delay = 2, .result = 2),
        acio_create_task(work, .text = "c", .delay = 1, .result = 3),
    };
    wait_and_say(tasks, INFINITY, ACIO_FIRST_COMPLETED);
    end(tasks, 3);
}

struct waiter_args {
    acio_task **tasks;
};

static int
waiter(void *arg)
{
    struct waiter_args *a = arg;
    int done = acio_wait(a->tasks, 3, INFINITY, ACIO_ALL_COMPLETED);
    say("waiter: %s", word(done));
    return done;
}

SCENARIO(wait_cancelled_lets_the_tasks_go_on)
{
    acio_task *tasks[3];
    make_three(tasks);
    acio_task *task = acio_create_task(waiter, .tasks = tasks);
    acio_sleep(0.5);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
    acio_sleep(5);
    end(tasks, 3);
}

SCENARIO(as_completed_gives_them_in_order_of_their_ends)
{
    acio_task *tasks[3], *task;
    make_three(tasks);
    ACIO_AS_COMPLETED(all, tasks, 3, INFINITY);
    while (acio_as_completed_next(&all, &task) > 0)
        say("next: %s", word(acio_await(task)));
}

SCENARIO(as_completed_gives_those_at_once_that_have_ended)
{
    acio_task *tasks[] = {
        acio_create_task(work, .text = "a", .delay = 2, .result = 1),
        acio_create_task(work, .text = "b", .delay = 5, .result = 2),
        acio_create_task(work, .text = "c", .delay = 4, .result = 3),
    };
    acio_sleep(3);
    acio_task *task;
    ACIO_AS_COMPLETED(all, tasks, 3, INFINITY);
    while (acio_as_completed_next(&all, &task) > 0)
        say("next: %s", word(acio_await(task)));
}

SCENARIO(as_completed_within_a_time)
{
    acio_task *tasks[3], *task;
    int err;
    make_three(tasks);
    ACIO_AS_COMPLETED(all, tasks, 3, 1.5);
    while ((err = acio_as_completed_next(&all, &task)) > 0)
        say("next: %s", word(acio_await(task)));
    say("%s", word(err));
    acio_sleep(5);
    acio_detach(tasks[0]);
    acio_detach(tasks[2]);
}

struct await_shielded_args {
    acio_task *task;
};

static int
await_shielded(void *arg)
{
    struct await_shielded_args *a = arg;
    int result = acio_await_shielded(a->task);
    say("shielded: %s", word(result));
    return result;
}

SCENARIO(shielded_task_gives_its_result)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = 3);
    say("%s", word(acio_await(acio_create_task(await_shielded, .task = task))));
}

SCENARIO(shielded_task_gives_its_error)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 1,
        .result = -EIO);
    say("%s", word(acio_await(acio_create_task(await_shielded, .task = task))));
}

SCENARIO(shielded_task_goes_on_without_its_awaiter)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 3,
        .result = 3);
    acio_task *awaiter = acio_create_task(await_shielded, .task = task);
    acio_sleep(1);
    acio_cancel(awaiter);
    start(tick, .text = "other", .times = 3);
    say("%s", word(acio_await(awaiter)));
    say("%s", word(acio_await(task)));
}

SCENARIO(shielded_task_may_itself_be_cancelled)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 3);
    acio_task *awaiter = acio_create_task(await_shielded, .task = task);
    acio_sleep(1);
    acio_cancel(task);
    say("%s", word(acio_await(awaiter)));
}

SCENARIO(shielded_task_within_a_limit)
{
    acio_task *task = acio_create_task(work, .text = "task", .delay = 3,
        .result = 3);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    int err = acio_await_shielded(task);
    acio_timeout_close(&limit);
    say("%s", word(err));
    say("%s", word(acio_await(task)));
}

SCENARIO(eager_task_runs_before_its_creator_goes_on)
{
    start(work, .text = "other");
    acio_task *task = acio_create_task_eager(tick, .text = "eager", .times = 2);
    say("main");
    acio_sleep(1);
    acio_detach(task);
}

static int
at_once(void *arg)
{
    (void)arg;
    say("at once");
    return 4;
}

SCENARIO(eager_task_may_have_ended_at_once)
{
    acio_task *task = acio_create_task_eager(at_once);
    say("%s", acio_task_done(task) ? "done" : "not done");
    start(work, .text = "other");
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

static int
eager_parent(void *arg)
{
    (void)arg;
    say("parent");
    acio_task *task = acio_create_task_eager(tick, .text = "child", .times = 2);
    say("parent again");
    return acio_await(task);
}

SCENARIO(eager_tasks_nest)
{
    acio_task *task = acio_create_task_eager(eager_parent);
    start(tick, .text = "other", .times = 3);
    say("%s", word(acio_await(task)));
    acio_sleep(1);
}

SCENARIO(eager_task_is_cancelled_where_it_waits)
{
    acio_task *task = acio_create_task_eager(work, .text = "task", .delay = 5);
    acio_cancel(task);
    say("%s", word(acio_await(task)));
}
