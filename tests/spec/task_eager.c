/* SPDX-License-Identifier: MIT */
/* Tasks that run at once, inside the call that creates them. */
#include "task_parts.h"

SPEC(eager, task_runs_up_to_its_first_suspension_before_its_creator_goes_on)
{
    note("creator ");
    acio_task *task = acio_create_task_eager(work, .seconds = 0.001,
        .text = "done", .result = 5);
    EXPECT_TEXT(acio_task_waits_for(task), "sleep");
    note("goes on ");
    EXPECT_EQ(acio_await(task), 5);
    EXPECT_NOTED("creator goes on done ");
}

static void
count_down(void *arg)
{
    size_t *left = arg;
    --*left;
}

SPEC(eager, task_that_need_not_wait_is_never_scheduled)
{
    acio_loop *loop = acio_get_running_loop();
    size_t left = 1;
    acio_handle handle = { 0 };
    acio_loop_call_soon(loop, &handle, count_down, &left);
    acio_task *task = acio_create_task_eager(say, .text = "ran");
    EXPECT_NOTED("ran ");
    EXPECT(acio_task_done(task));
    EXPECT_ERR(acio_task_result(task), 0);
    EXPECT_EQ(acio_all_tasks(NULL, 0), 1);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_EQ(left, 1);
    settle();
    EXPECT_EQ(left, 0);
}

static int
note_current(void *arg)
{
    (void)arg;
    note("%s ", acio_task_name(acio_current_task()));
    int err = acio_sleep(0);
    note("%s again ", acio_task_name(acio_current_task()));
    return err;
}

SPEC(eager, task_is_the_current_one_while_it_runs)
{
    acio_task *self = acio_current_task();
    acio_task *task = acio_create_task_eager(note_current);
    EXPECT_EQ(acio_current_task(), self);
    EXPECT_EQ(acio_await(task), 0);
    EXPECT_NOTED("note_current note_current again ");
}

static acio_context_var color = { "color", "none" };

static int
change_color(void *arg)
{
    (void)arg;
    note("%s ", (char *)acio_context_get(&color));
    int err = acio_context_set(&color, "blue", NULL);
    return err;
}

SPEC(eager, task_has_a_context_of_its_own)
{
    EXPECT_ERR(acio_context_set(&color, "red", NULL), 0);
    EXPECT_ERR(acio_await(acio_create_task_eager(change_color)), 0);
    EXPECT_NOTED("red ");
    EXPECT_TEXT(acio_context_get(&color), "red");
}

struct nest_args {
    int depth;
};

static int
nest(void *arg)
{
    struct nest_args *a = arg;
    note("<%d ", a->depth);
    acio_task *task = a->depth ? acio_create_task_eager(nest, a->depth - 1)
                               : acio_create_task_eager(work, .seconds = 0.001);
    note("%d> ", a->depth);
    int result = acio_await(task);
    note("%d ", a->depth);
    return result < 0 ? result : result + 1;
}

SPEC(eager, tasks_nest)
{
    acio_task *task = acio_create_task_eager(nest, 2);
    EXPECT_NOTED("<2 <1 <0 0> 1> 2> ");
    EXPECT_EQ(acio_await(task), 3);
    EXPECT_NOTED("0 1 2 ");
}

SPEC(eager, task_keeps_the_order_of_the_others)
{
    start(say, .text = "a");
    start(say, .text = "b");
    acio_task *task = acio_create_task_eager(work, .seconds = 0, .text = "e");
    start(say, .text = "c");
    settle();
    EXPECT_NOTED("a b e c ");
    EXPECT_ERR(acio_await(task), 0);
}

SPEC(eager, task_can_be_cancelled_once_it_waits)
{
    acio_task *task = acio_create_task_eager(nest, 0);
    EXPECT(!acio_task_done(task));
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), -ECANCELED);
    EXPECT_NOTED("<0 0> 0 ");
}

struct cancel_creator_args {
    acio_task *creator;
};

static int
cancel_creator(void *arg)
{
    struct cancel_creator_args *a = arg;
    acio_cancel(a->creator);
    return 0;
}

SPEC(eager, task_may_cancel_its_creator)
{
    acio_task *self = acio_current_task();
    acio_task *task = acio_create_task_eager(cancel_creator, .creator = self);
    EXPECT_EQ(acio_cancelling(self), 1);
    EXPECT_ERR(acio_sleep(0), -ECANCELED);
    acio_uncancel(self);
    EXPECT_ERR(acio_await(task), 0);
}

SPEC(eager, task_that_is_detached_at_once_is_gone)
{
    acio_detach(acio_create_task_eager(say, .text = "ran"));
    acio_detach(acio_create_task_eager(work, .result = -EIO));
    settle();
    EXPECT_NOTED("ran ");
    EXPECT_REPORTED("work: a task failed and nobody awaited it: "
                    "Input/output error\n");
}

/* ---- in callbacks ---- */

static void
create_in_callback(void *arg)
{
    acio_task **tasks = arg;
    tasks[0] = acio_create_task_eager(say, .text = "one");
    note("then ");
    tasks[1] = acio_create_task_eager(work, .seconds = 0, .text = "two");
    EXPECT_EQ(acio_current_task(), NULL);
    note("callback ");
}

SPEC(eager, task_of_a_callback_runs_inside_the_callback)
{
    acio_task *tasks[2] = { NULL, NULL };
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, create_in_callback,
        tasks);
    start(say, .text = "next");
    settle();
    EXPECT_NOTED("one then callback next two ");
    EXPECT_ERR(acio_await(tasks[0]), 0);
    EXPECT_ERR(acio_await(tasks[1]), 0);
}

static acio_task *of_handler;

static void
create_in_handler(acio_loop *loop, const struct acio_exception *exception,
    void *user)
{
    (void)loop;
    (void)exception;
    (void)user;
    of_handler = acio_create_task_eager(say, .text = "late");
    note("handler ");
}

SPEC(eager, task_of_the_exception_handler_waits_for_its_turn)
{
    acio_loop *loop = acio_get_running_loop();
    acio_loop_set_exception_handler(loop, create_in_handler, NULL);
    of_handler = NULL;
    acio_detach(acio_create_task_eager(work, .seconds = 0, .result = -EIO));
    settle();
    acio_loop_set_exception_handler(loop, NULL, NULL);
    EXPECT_NOTED("handler late ");
    EXPECT_ERR(acio_await(of_handler), 0);
}

/* ---- in groups ---- */

static const struct acio_task_options eager = { .name = "child",
    .eager_start = true };

#define EAGER_CHILD(group, f, ...)                                             \
    acio_group_create_task_with(group, f, ACIO_ARGS(f, __VA_ARGS__), &eager)

SPEC(eager, task_of_a_group_belongs_to_it_while_it_runs)
{
    acio_group group;
    acio_group_open(&group);
    acio_task *one = EAGER_CHILD(&group, say, .text = "one");
    acio_task *two = EAGER_CHILD(&group, work, .seconds = 0.001, .result = 2);
    EXPECT(acio_task_done(one));
    EXPECT_ERR(acio_group_start_with(&group, say,
                   ACIO_ARGS(say, .text = "three"), &eager),
        0);
    EXPECT_NOTED("one three ");
    EXPECT_ERR(acio_group_wait(&group), 0);
    EXPECT_EQ(acio_task_result(two), 2);
    acio_group_close(&group);
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EIO;
}

SPEC(eager, task_of_a_group_that_fails_ends_the_group_at_the_next_suspension)
{
    acio_group group;
    acio_group_open(&group);
    acio_group_create_task_with(&group, fail_at_once, (struct acio_args){ 0 },
        &eager);
    acio_task *other = acio_group_create_task(&group, work, .seconds = 1000);
    EXPECT(other != NULL);
    EXPECT_ERR(acio_group_wait(&group), -EIO);
    acio_group_close(&group);
}

SPEC(eager, tasks_run_the_same_in_debug_mode, .run.debug = true)
{
    acio_task *task = acio_create_task_eager(nest, 1);
    start(say, .text = "other");
    EXPECT_NOTED("<1 <0 0> 1> ");
    EXPECT_EQ(acio_await(task), 2);
    EXPECT_NOTED("other 0 1 ");
}
