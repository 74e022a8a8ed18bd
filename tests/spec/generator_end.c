/* SPDX-License-Identifier: MIT */
/* Generators that are closed early, cancelled, or late. */
#include <string.h>

#include "task_parts.h"

struct guarded_args {
    double before, cleanup;
    int error;
    bool shielded;
};

/* Gives numbers for ever, and cleans up when it must end. */
static int
guarded(void *arg)
{
    struct guarded_args *a = arg;
    int i = 0, err = 0;
    while (err == 0) {
        err = a->before > 0 ? acio_sleep(a->before) : 0;
        if (err == 0)
            err = acio_generator_yield(&i);
        i++;
    }
    note("%s, ", acio_strerror(err));
    int again = acio_generator_yield(&i);
    EXPECT(again < 0);
    int late = a->cleanup > 0 ? acio_sleep(a->cleanup) : 0;
    note(late == 0 ? "clean " : "dirty ");
    return a->error ? a->error : err;
}

/* ---- closed ---- */

SPEC(generator, that_is_closed_early_cleans_up)
{
    {
        ACIO_GENERATOR(values, int, guarded, .cleanup = 0.001);
        int value = -1;
        EXPECT_EQ(acio_generator_next(&values, &value), 1);
        EXPECT_EQ(acio_generator_next(&values, &value), 1);
        EXPECT_EQ(value, 1);
    }
    EXPECT_NOTED("the object is closed, clean ");
    EXPECT_ELAPSED(0.001);
    EXPECT_REPORTED("");
}

SPEC(generator, that_never_ran_does_not_run_when_it_is_closed)
{
    acio_generator values;
    EXPECT_ERR(acio_generator_open(&values, int, guarded, .error = -EIO), 0);
    acio_generator_close(&values);
    EXPECT_NOTED("");
    EXPECT_REPORTED("");
}

SPEC(generator, that_fails_when_it_is_closed_is_reported)
{
    acio_generator values;
    acio_generator_open(&values, int, guarded, .error = -EIO);
    EXPECT_EQ(acio_generator_next(&values, NULL), 1);
    acio_generator_close(&values);
    EXPECT_NOTED("the object is closed, clean ");
    EXPECT_REPORTED("guarded: a generator failed when it was closed: "
                    "Input/output error\n");
}

SPEC(generator, that_has_told_its_error_is_just_closed)
{
    acio_generator values;
    acio_generator_open(&values, int, work, .result = -EIO);
    EXPECT_ERR(acio_generator_next(&values, NULL), -EIO);
    acio_generator_close(&values);
    EXPECT_REPORTED("");
}

static void
close_it(void *arg)
{
    acio_generator_close(arg);
}

SPEC(generator, that_a_callback_closes_is_cancelled_and_ends_by_itself)
{
    acio_generator values;
    acio_generator_open(&values, int, guarded, .before = 0);
    EXPECT_EQ(acio_generator_next(&values, NULL), 1);
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, close_it, &values);
    settle();
    memset(&values, 0x55, sizeof values);
    finish();
    EXPECT_NOTED("Operation canceled, clean ");
}

/* ---- interrupted ---- */

struct consume_args {
    acio_generator *values;
};

static int
consume(void *arg)
{
    struct consume_args *a = arg;
    int err, value = -1;
    while ((err = acio_generator_next(a->values, &value)) > 0)
        note("%d ", value);
    return err;
}

SPEC_SIM(generator, is_cancelled_with_who_waits_for_its_value)
{
    ACIO_GENERATOR(values, int, guarded, .before = 1);
    acio_task *consumer = acio_create_task(consume, &values);
    EXPECT_ERR(acio_sleep(1.5), 0);
    EXPECT_TEXT(acio_task_waits_for(consumer), "generator.next");
    acio_cancel(consumer);
    EXPECT_ERR(acio_await(consumer), -ECANCELED);
    EXPECT_NOTED("0 Operation canceled, clean ");
    EXPECT_ELAPSED(1.5);
    EXPECT_ERR(acio_generator_next(&values, NULL), 0);
}

SPEC_SIM(generator, meets_the_deadline_of_who_waits_for_its_value)
{
    ACIO_GENERATOR(values, int, guarded, .before = 10, .cleanup = 1);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    EXPECT_ERR(acio_generator_next(&values, NULL), -ETIMEDOUT);
    acio_timeout_close(&limit);
    EXPECT_NOTED("Operation canceled, dirty ");
    EXPECT_ELAPSED(1);
}

SPEC(generator, is_not_asked_by_who_was_cancelled_before)
{
    ACIO_GENERATOR(values, int, guarded, .before = 0);
    int value = -1;
    EXPECT_EQ(acio_generator_next(&values, &value), 1);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_generator_next(&values, &value), -ECANCELED);
    acio_uncancel(acio_current_task());
    EXPECT_EQ(acio_generator_next(&values, &value), 1);
    EXPECT_EQ(value, 1);
    acio_generator_close(&values);
    EXPECT_NOTED("the object is closed, clean ");
}

static int
give_in_a_shield(void *arg)
{
    (void)arg;
    int err;
    {
        ACIO_SHIELD(shield);
        err = acio_sleep(2);
        err = err < 0 ? err : acio_generator_yield(&(int){ 7 });
    }
    note("%s ", acio_strerror(err));
    return acio_sleep(0);
}

SPEC_SIM(generator, that_gives_a_value_in_spite_of_a_cancel_gives_it)
{
    ACIO_GENERATOR(values, int, give_in_a_shield);
    acio_task *consumer = acio_create_task(consume, &values);
    EXPECT_ERR(acio_sleep(1), 0);
    acio_cancel(consumer);
    EXPECT_ERR(acio_await(consumer), -ECANCELED);
    EXPECT_ELAPSED(2);
    EXPECT_NOTED("7 ");
    EXPECT_ERR(acio_generator_next(&values, NULL), -ECANCELED);
    EXPECT_NOTED("success ");
}

SPEC_SIM(generator, whose_closing_is_interrupted_is_cancelled)
{
    acio_generator values;
    acio_generator_open(&values, int, guarded, .cleanup = 1000);
    EXPECT_EQ(acio_generator_next(&values, NULL), 1);
    acio_timeout limit;
    acio_timeout_open(&limit, 1);
    acio_generator_close(&values);
    acio_timeout_close(&limit);
    EXPECT_NOTED("the object is closed, dirty ");
    EXPECT_ELAPSED(1);
}

SPEC(generator, of_a_task_that_is_cancelled_is_closed_with_its_block)
{
    acio_task *self = acio_current_task();
    {
        ACIO_GENERATOR(values, int, guarded, .before = 0);
        EXPECT_EQ(acio_generator_next(&values, NULL), 1);
        acio_cancel(self);
    }
    acio_uncancel(self);
    EXPECT_NOTED("the object is closed, clean ");
}

/* ---- the end of the run ---- */

static acio_generator forgotten;

static int
forget(void *arg)
{
    (void)arg;
    acio_generator_open(&forgotten, int, guarded, .before = 0);
    int err = acio_generator_next(&forgotten, NULL);
    return err < 0 ? err : 0;
}

TEST(generator, that_is_left_open_is_cancelled_at_the_end_of_the_run)
{
    EXPECT_ERR(spec_run(forget, (struct acio_args){ 0 }, NULL), 0);
    EXPECT_NOTED("Operation canceled, clean ");
}

static int
forget_unasked(void *arg)
{
    (void)arg;
    return acio_generator_open(&forgotten, int, guarded, .before = 0);
}

TEST(generator, that_never_ran_does_not_run_at_the_end_of_the_run)
{
    EXPECT_ERR(spec_run(forget_unasked, (struct acio_args){ 0 }, NULL), 0);
    EXPECT_NOTED("");
}
