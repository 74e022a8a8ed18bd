/* SPDX-License-Identifier: MIT */
/* Generators: one value after the other, and their ends. */
#include "task_parts.h"

struct count_args {
    int from, to;
    double seconds;
    int result;
};

/* Gives the numbers of a range, and waits before each. */
static int
count(void *arg)
{
    struct count_args *a = arg;
    int err = 0;
    for (int i = a->from; i < a->to && err == 0; i++) {
        if (a->seconds > 0)
            err = acio_sleep(a->seconds);
        if (err == 0)
            err = acio_generator_yield(&i);
    }
    return err < 0 ? err : a->result;
}

SPEC(generator, gives_one_value_after_the_other)
{
    ACIO_GENERATOR(numbers, int, count, .to = 4);
    int value = -1;
    while (acio_generator_next(&numbers, &value) > 0)
        note("%d ", value);
    EXPECT_NOTED("0 1 2 3 ");
    EXPECT_ERR(acio_generator_next(&numbers, &value), 0);
    EXPECT_ERR(acio_generator_next(&numbers, &value), 0);
}

SPEC(generator, may_wait_between_its_values)
{
    ACIO_GENERATOR(numbers, int, count, .to = 3, .seconds = 0.001);
    int value = -1;
    while (acio_generator_next(&numbers, &value) > 0)
        note("%d ", value);
    EXPECT_NOTED("0 1 2 ");
    EXPECT_ELAPSED(0.003);
}

static int
note_steps(void *arg)
{
    (void)arg;
    note("begins ");
    int err = acio_generator_yield(&(int){ 1 });
    note("goes on ");
    err = err < 0 ? err : acio_generator_yield(&(int){ 2 });
    note("ends ");
    return err;
}

SPEC(generator, runs_only_while_it_is_asked)
{
    ACIO_GENERATOR(steps, int, note_steps);
    int value = 0;
    settle();
    EXPECT_NOTED("");
    EXPECT_EQ(acio_generator_next(&steps, &value), 1);
    EXPECT_EQ(value, 1);
    settle();
    EXPECT_NOTED("begins ");
    EXPECT_EQ(acio_generator_next(&steps, &value), 1);
    EXPECT_EQ(value, 2);
    EXPECT_NOTED("goes on ");
    EXPECT_ERR(acio_generator_next(&steps, &value), 0);
    EXPECT_NOTED("ends ");
}

SPEC(generator, lets_nobody_else_run_unless_it_waits)
{
    ACIO_GENERATOR(steps, int, note_steps);
    start(say, .text = "other");
    int value = 0;
    EXPECT_EQ(acio_generator_next(&steps, &value), 1);
    note("1 ");
    EXPECT_EQ(acio_generator_next(&steps, &value), 1);
    note("2 ");
    EXPECT_NOTED("begins 1 goes on 2 ");
    settle();
    acio_generator_close(&steps);
    EXPECT_NOTED("other ends ");
}

SPEC_LARGE(generator, lets_the_others_run_now_and_then)
{
    ACIO_GENERATOR(numbers, int, count, .to = 1000);
    start(say, .text = "other");
    int value = -1;
    while (acio_generator_next(&numbers, &value) > 0 && value < 500)
        continue;
    EXPECT_EQ(value, 500);
    EXPECT_NOTED("other ");
}

struct point {
    double x, y;
    char name[100];
};

static int
give_points(void *arg)
{
    (void)arg;
    struct point point = { 1, 2, "a" };
    int err = acio_generator_yield(&point);
    point = (struct point){ 3, 4, "b" };
    return err < 0 ? err : acio_generator_yield(&point);
}

SPEC(generator, gives_copies_of_values_of_any_size)
{
    ACIO_GENERATOR(points, struct point, give_points);
    struct point one = { 0 }, two = { 0 };
    EXPECT_EQ(acio_generator_next(&points, &one), 1);
    EXPECT_EQ(acio_generator_next(&points, &two), 1);
    EXPECT_TEXT(one.name, "a");
    EXPECT_TEXT(two.name, "b");
    EXPECT_NEAR(one.x + two.y, 5, 0);
}

SPEC(generator, drops_a_value_for_who_does_not_want_it)
{
    ACIO_GENERATOR(numbers, int, count, .to = 2);
    int value = -1;
    EXPECT_EQ(acio_generator_next(&numbers, NULL), 1);
    EXPECT_EQ(acio_generator_next(&numbers, &value), 1);
    EXPECT_EQ(value, 1);
}

SPEC(generator, may_be_written_as_a_task_with_a_result_that_is_dropped)
{
    ACIO_GENERATOR(numbers, int, count, .to = 0, .result = 7);
    EXPECT_ERR(acio_generator_next(&numbers, NULL), 0);
}

SPEC(generator, tells_its_error_once)
{
    ACIO_GENERATOR(numbers, int, count, .to = 1, .result = -EIO);
    EXPECT_EQ(acio_generator_next(&numbers, NULL), 1);
    EXPECT_ERR(acio_generator_next(&numbers, NULL), -EIO);
    EXPECT_ERR(acio_generator_next(&numbers, NULL), 0);
    EXPECT_REPORTED("");
}

/* ---- generators of generators ---- */

struct squares_args {
    int to;
};

static int
squares(void *arg)
{
    struct squares_args *a = arg;
    ACIO_GENERATOR(numbers, int, count, .to = a->to);
    int value = 0;
    int err = acio_generator_next(&numbers, &value);
    while (err > 0) {
        value *= value;
        err = acio_generator_yield(&value);
        if (err == 0)
            err = acio_generator_next(&numbers, &value);
    }
    note("left ");
    return err;
}

SPEC(generator, may_be_made_of_another)
{
    int value = -1;
    {
        ACIO_GENERATOR(numbers, int, squares, .to = 4);
        while (acio_generator_next(&numbers, &value) > 0)
            note("%d ", value);
        EXPECT_NOTED("0 1 4 9 left ");
    }
    {
        ACIO_GENERATOR(numbers, int, squares, .to = 4);
        EXPECT_EQ(acio_generator_next(&numbers, &value), 1);
        EXPECT_NOTED("");
    }
    EXPECT_NOTED("left ");
}

struct share_args {
    acio_generator *numbers;
};

static int
share(void *arg)
{
    struct share_args *a = arg;
    int value = -1;
    int err = acio_generator_next(a->numbers, &value);
    return err > 0 ? value : err;
}

SPEC(generator, serves_one_task_after_the_other_but_not_two_at_once)
{
    ACIO_GENERATOR(numbers, int, count, .to = 2, .seconds = 0.001);
    acio_task *one = acio_create_task(share, &numbers);
    acio_task *two = acio_create_task(share, &numbers);
    EXPECT_EQ(acio_await(one), 0);
    EXPECT_ERR(acio_await(two), -EBUSY);
    EXPECT_EQ(acio_await(acio_create_task(share, &numbers)), 1);
}

/* ---- what it refuses ---- */

static int
ask_itself(void *arg)
{
    struct share_args *a = arg;
    EXPECT_ERR(acio_generator_next(a->numbers, NULL), -EBUSY);
    EXPECT_ERR(acio_generator_yield(NULL), -EINVAL);
    return 0;
}

SPEC(generator, refuses_what_makes_no_sense)
{
    acio_generator none;
    int value = 1;
    EXPECT_ERR(acio_generator_yield(&value), -EINVAL);
    struct acio_args args = { 0 };
    EXPECT_ERR(acio_generator_open_with(&none, 4, NULL, args, NULL), -EINVAL);
    EXPECT_ERR(acio_generator_next(&none, &value), -EINVAL);
    acio_generator_close(&none);
    EXPECT_ERR(acio_generator_open_with(&none, 0, count, args, NULL), -EINVAL);
    acio_generator itself, *address = &itself;
    acio_generator_open_with(&itself, sizeof(int), ask_itself,
        (struct acio_args){ &address, sizeof address }, NULL);
    EXPECT_ERR(acio_generator_next(&itself, &value), 0);
    acio_generator_close(&itself);
    acio_generator_close(&itself);
    EXPECT_ERR(acio_generator_next(&itself, &value), -ACIO_ECLOSED);
}

TEST(generator, does_not_exist_outside_of_a_loop)
{
    acio_generator numbers;
    EXPECT_ERR(acio_generator_open(&numbers, int, count, .to = 1),
        -ACIO_ENOLOOP);
    EXPECT_ERR(acio_generator_next(&numbers, NULL), -ACIO_ENOTASK);
    EXPECT_ERR(acio_generator_yield(&numbers), -ACIO_ENOTASK);
    acio_generator_close(&numbers);
}

SPEC(generator, is_a_task_that_bears_the_name_of_its_function,
    .run.debug = true)
{
    ACIO_GENERATOR(numbers, int, count, .to = 2);
    EXPECT_TEXT(acio_task_name(numbers.task), "count");
    EXPECT_TEXT(acio_task_waits_for(numbers.task), "generator");
    EXPECT_EQ(acio_generator_next(&numbers, NULL), 1);
    EXPECT_TEXT(acio_task_waits_for(numbers.task), "generator");
}
