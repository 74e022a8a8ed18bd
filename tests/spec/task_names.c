/* SPDX-License-Identifier: MIT */
/* Names of tasks, and finding them. */
#include <string.h>

#include "task_parts.h"

SPEC(task, is_named_after_its_function)
{
    acio_task *task = acio_create_task(work, .result = 0);
    EXPECT_TEXT(acio_task_name(task), "work");
    EXPECT_EQ(acio_await(task), 0);
    EXPECT_TEXT(acio_task_name(task), "");
}

static int
return_nothing(void *arg)
{
    (void)arg;
    return 0;
}

SPEC(task, has_the_name_that_its_options_give)
{
    struct acio_args none = { 0 };
    acio_task *named = acio_create_task_with(work,
        (struct acio_args){ &(struct work_args){ 0 },
            sizeof(struct work_args) },
        &(struct acio_task_options){ .name = "fetch a page" });
    EXPECT_TEXT(acio_task_name(named), "fetch a page");
    EXPECT_EQ(acio_await(named), 0);
    acio_task *nameless = acio_create_task_with(return_nothing, none, NULL);
    EXPECT_TEXT(acio_task_name(nameless), "task");
    EXPECT_EQ(acio_await(nameless), 0);
}

SPEC(task, can_be_renamed)
{
    char name[] = "first";
    acio_task *task = acio_create_task(work, .result = 0);
    EXPECT_ERR(acio_task_set_name(task, name), 0);
    memcpy(name, "gone!", sizeof name);
    EXPECT_TEXT(acio_task_name(task), "first");
    EXPECT_ERR(acio_task_set_name(task, "second"), 0);
    EXPECT_TEXT(acio_task_name(task), "second");
    EXPECT_ERR(acio_task_set_name(task, NULL), -EINVAL);
    EXPECT_TEXT(acio_task_name(task), "second");
    EXPECT_EQ(acio_await(task), 0);
}

SPEC(task, that_runs_the_test_is_called_main)
{
    EXPECT_TEXT(acio_task_name(acio_current_task()), "main");
}

SPEC(task, that_runs_the_test_may_be_called_otherwise, .run.name = "server")
{
    EXPECT_TEXT(acio_task_name(acio_current_task()), "server");
}

static int
return_current_name(void *arg)
{
    (void)arg;
    EXPECT_TEXT(acio_task_name(acio_current_task()), "return_current_name");
    return 0;
}

SPEC(task, knows_itself)
{
    acio_task *self = acio_current_task();
    EXPECT(self != NULL);
    acio_task *other = acio_create_task(return_current_name);
    EXPECT(other != self);
    EXPECT_ERR(acio_await(other), 0);
    EXPECT_EQ(acio_current_task(), self);
}

SPEC(task, is_listed_until_it_has_finished)
{
    acio_task *all[4] = { 0 };
    EXPECT_EQ(acio_all_tasks(all, 4), 1);
    EXPECT_EQ(all[0], acio_current_task());
    acio_task *one = acio_create_task(work, .result = 1);
    acio_task *two = acio_create_task(work, .result = 2);
    EXPECT_EQ(acio_all_tasks(all, 4), 3);
    EXPECT_EQ(all[1], one);
    EXPECT_EQ(all[2], two);
    EXPECT_EQ(acio_await(one), 1);
    EXPECT_EQ(acio_await(two), 2);
    EXPECT_EQ(acio_all_tasks(all, 4), 1);
}

SPEC(task, is_counted_even_where_the_list_has_no_room)
{
    acio_task *all[2] = { 0 };
    acio_task *one = acio_create_task(work, .result = 1);
    EXPECT_EQ(acio_all_tasks(NULL, 0), 2);
    EXPECT_EQ(acio_all_tasks(all, 1), 2);
    EXPECT_EQ(all[1], NULL);
    EXPECT_EQ(acio_await(one), 1);
}

SPEC(task, tells_what_it_waits_for)
{
    acio_future gate;
    acio_future_init(&gate);
    acio_task *task = acio_create_task(pass, .gate = &gate);
    EXPECT_EQ(acio_task_waits_for(task), NULL);
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "future");
    acio_task *sleeper = acio_create_task(work, .seconds = 1000);
    settle();
    EXPECT_TEXT(acio_task_waits_for(sleeper), "sleep");
    acio_future_set_result(&gate, 0);
    EXPECT_EQ(acio_task_waits_for(task), NULL);
    EXPECT_EQ(acio_await(task), 0);
    acio_cancel(sleeper);
    EXPECT_ERR(acio_await(sleeper), -ECANCELED);
    EXPECT_EQ(acio_task_waits_for(acio_current_task()), NULL);
}
