/* SPDX-License-Identifier: MIT */
/* Context variables: who sees which value. */
#include "traces.h"

static const acio_context_var color = { "color", (void *)"none" };

static void
set_color(const char *value)
{
    int err = acio_context_set(&color, (void *)value, NULL);
    if (err < 0)
        say("%s", word(err));
}

struct say_color_args {
    const char *text;
    double delay;
    const char *then; /* the color that it sets */
};

static int
say_color(void *arg)
{
    struct say_color_args *a = arg;
    acio_sleep(a->delay);
    say("%s sees %s", a->text, (char *)acio_context_get(&color));
    if (a->then) {
        set_color(a->then);
        acio_sleep(1);
        say("%s sees %s", a->text, (char *)acio_context_get(&color));
    }
    return 0;
}

SCENARIO(context_is_inherited_at_creation)
{
    start(say_color, .text = "before", .delay = 1);
    set_color("red");
    start(say_color, .text = "after", .delay = 1);
    set_color("blue");
    acio_sleep(2);
    say("main sees %s", (char *)acio_context_get(&color));
}

SCENARIO(context_of_a_task_is_its_own)
{
    set_color("red");
    start(say_color, .text = "a", .then = "green");
    start(say_color, .text = "b", .then = "blue");
    start(say_color, .text = "c", .delay = 0.5);
    acio_sleep(2);
    say("main sees %s", (char *)acio_context_get(&color));
}

SCENARIO(context_value_may_be_put_back)
{
    acio_context_token token;
    set_color("red");
    if (acio_context_set(&color, (void *)"green", &token) == 0)
        say("main sees %s", (char *)acio_context_get(&color));
    start(say_color, .text = "a");
    acio_context_reset(&token);
    say("main sees %s", (char *)acio_context_get(&color));
    acio_sleep(1);
}

static int
swap_color(void *arg)
{
    (void)arg;
    say("inside %s", (char *)acio_context_get(&color));
    set_color("blue");
    say("inside %s", (char *)acio_context_get(&color));
    return 0;
}

SCENARIO(context_copy_is_a_world_of_its_own)
{
    set_color("red");
    acio_context *copy = acio_copy_context();
    set_color("green");
    acio_context_run(&copy, swap_color, NULL);
    say("main sees %s", (char *)acio_context_get(&color));
    acio_context_run(&copy, swap_color, NULL);
    acio_context_release(copy);
}

static void
say_color_callback(void *arg)
{
    say("%s sees %s", (char *)arg, (char *)acio_context_get(&color));
}

SCENARIO(context_of_callbacks)
{
    acio_handle handle = { 0 };
    set_color("red");
    acio_loop_call_soon(acio_get_running_loop(), &handle, say_color_callback,
        "callback");
    acio_sleep(1);
}
