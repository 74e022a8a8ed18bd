/* SPDX-License-Identifier: MIT */
/* Context variables: values that follow a task and the tasks it starts. */
#include "task_parts.h"

static const acio_context_var user = { "user", "nobody" };
static const acio_context_var place = { "place", NULL };

static const char *
get(void)
{
    return acio_context_get(&user);
}

static void
set(char *value)
{
    EXPECT_ERR(acio_context_set(&user, value, NULL), 0);
}

SPEC(context, has_a_fallback_where_nothing_was_set)
{
    EXPECT_TEXT(get(), "nobody");
    EXPECT_EQ(acio_context_get(&place), NULL);
}

SPEC(context, gives_what_was_set)
{
    set("ann");
    EXPECT_TEXT(get(), "ann");
    set("bob");
    EXPECT_TEXT(get(), "bob");
    EXPECT_EQ(acio_context_get(&place), NULL);
}

SPEC(context, keeps_many_variables_apart)
{
    static acio_context_var vars[40];
    static int values[40];
    for (int i = 0; i < 40; i++)
        EXPECT_ERR(acio_context_set(&vars[i], &values[i], NULL), 0);
    for (int i = 0; i < 40; i++)
        EXPECT_EQ(acio_context_get(&vars[i]), &values[i]);
}

static int
note_user(void *arg)
{
    (void)arg;
    note("%s ", get());
    return 0;
}

SPEC(context, is_inherited_by_the_tasks_it_starts)
{
    set("ann");
    start(note_user);
    settle();
    EXPECT_NOTED("ann ");
}

SPEC(context, is_inherited_as_it_was_at_the_creation)
{
    set("ann");
    start(note_user);
    set("bob");
    settle();
    EXPECT_NOTED("ann ");
    EXPECT_TEXT(get(), "bob");
}

struct become_args {
    char *name;
};

static int
become(void *arg)
{
    struct become_args *a = arg;
    set(a->name);
    int err = acio_sleep(0);
    note("%s ", get());
    return err;
}

SPEC(context, of_a_task_is_seen_neither_by_its_creator_nor_by_its_siblings)
{
    set("ann");
    start(become, .name = "bob");
    start(become, .name = "cid");
    start(note_user);
    settle();
    EXPECT_NOTED("ann bob cid ");
    EXPECT_TEXT(get(), "ann");
}

SPEC(context, of_a_task_survives_its_waits)
{
    start(become, .name = "bob");
    set("ann");
    EXPECT_ERR(acio_sleep(0.001), 0);
    EXPECT_TEXT(get(), "ann");
    EXPECT_NOTED("bob ");
}

/* ---- tokens ---- */

SPEC(context, is_reset_to_what_was_there)
{
    acio_context_token token;
    set("ann");
    EXPECT_ERR(acio_context_set(&user, "bob", &token), 0);
    EXPECT_ERR(acio_context_reset(&token), 0);
    EXPECT_TEXT(get(), "ann");
}

SPEC(context, is_reset_to_nothing_where_nothing_was)
{
    acio_context_token token;
    EXPECT_ERR(acio_context_set(&user, "bob", &token), 0);
    EXPECT_ERR(acio_context_reset(&token), 0);
    EXPECT_TEXT(get(), "nobody");
}

SPEC(context, is_reset_only_once_by_a_token)
{
    acio_context_token token = { 0 };
    set("ann");
    EXPECT_ERR(acio_context_set(&user, "bob", &token), 0);
    EXPECT_ERR(acio_context_reset(&token), 0);
    set("cid");
    EXPECT_ERR(acio_context_reset(&token), -EINVAL);
    EXPECT_TEXT(get(), "cid");
}

SPEC(context, keeps_the_other_variables_when_one_is_reset)
{
    acio_context_token token = { 0 };
    set("ann");
    EXPECT_ERR(acio_context_set(&place, "here", &token), 0);
    set("bob");
    EXPECT_ERR(acio_context_reset(&token), 0);
    EXPECT_TEXT(get(), "bob");
    EXPECT_EQ(acio_context_get(&place), NULL);
}

SPEC(context, that_was_copied_is_not_changed_by_a_reset)
{
    acio_context_token token = { 0 };
    EXPECT_ERR(acio_context_set(&user, "ann", &token), 0);
    start(note_user);
    EXPECT_ERR(acio_context_reset(&token), 0);
    settle();
    EXPECT_NOTED("ann ");
}

/* ---- contexts as values ---- */

static int
note_and_become(void *arg)
{
    note("%s ", get());
    set(arg);
    int err = acio_sleep(0);
    note("%s ", get());
    return err < 0 ? err : 7;
}

SPEC(context, can_be_copied_and_run_in)
{
    set("ann");
    acio_context *context = acio_copy_context();
    set("bob");
    EXPECT_EQ(acio_context_run(&context, note_and_become, "cid"), 7);
    EXPECT_NOTED("ann cid ");
    EXPECT_TEXT(get(), "bob");
    EXPECT_EQ(acio_context_run(&context, note_and_become, "dan"), 7);
    EXPECT_NOTED("cid dan ");
    acio_context_release(context);
}

SPEC(context, may_be_an_empty_one)
{
    acio_context *context = NULL;
    set("ann");
    EXPECT_EQ(acio_context_run(&context, note_and_become, "bob"), 7);
    EXPECT_NOTED("nobody bob ");
    EXPECT_TEXT(get(), "ann");
    acio_context_release(context);
    acio_context_release(NULL);
}

static int
enter_again(void *arg)
{
    acio_context **context = arg;
    set("bob");
    return acio_context_run(context, note_and_become, "cid");
}

SPEC(context, may_be_entered_while_it_is_entered)
{
    set("ann");
    acio_context *context = acio_copy_context();
    EXPECT_EQ(acio_context_run(&context, enter_again, &context), 7);
    EXPECT_NOTED("ann cid ");
    EXPECT_TEXT(get(), "ann");
    acio_context_release(context);
}

static void
note_user_in_a_callback(void *arg)
{
    (void)arg;
    note("%s ", get());
    set("callback");
}

SPEC(context, of_callbacks_is_the_loops_own)
{
    acio_handle handle = { 0 };
    acio_loop *loop = acio_get_running_loop();
    set("ann");
    acio_loop_call_soon(loop, &handle, note_user_in_a_callback, NULL);
    settle();
    acio_loop_call_soon(loop, &handle, note_user_in_a_callback, NULL);
    settle();
    EXPECT_NOTED("nobody callback ");
    EXPECT_TEXT(get(), "ann");
}

TEST(context, does_not_exist_outside_of_a_loop)
{
    acio_context *context = acio_copy_context();
    EXPECT_EQ(context, NULL);
    EXPECT_TEXT(get(), "nobody");
    EXPECT_ERR(acio_context_set(&user, "ann", NULL), -ACIO_ENOLOOP);
    EXPECT_ERR(acio_context_run(&context, note_user, NULL), -ACIO_ENOLOOP);
}
