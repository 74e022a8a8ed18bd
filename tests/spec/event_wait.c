/* SPDX-License-Identifier: MIT */
/* Events: who waits, who is woken, and what an interruption leaves. */
#include <string.h>

#include "sync_parts.h"

struct wait_args {
    acio_event *event;
    char who;
};

/* Notes "a " when the event lets it go on, "a! " where it was interrupted. */
static int
wait(void *arg)
{
    struct wait_args *a = arg;
    int err = acio_event_wait(a->event);
    note(err < 0 ? "%c! " : "%c ", a->who);
    return err;
}

SPEC(event, is_clear_then_set_then_clear)
{
    acio_event event;
    acio_event_init(&event);
    EXPECT(!acio_event_is_set(&event));
    EXPECT_ERR(acio_event_set(&event), 0);
    EXPECT_ERR(acio_event_set(&event), 0);
    EXPECT(acio_event_is_set(&event));
    acio_event_clear(&event);
    acio_event_clear(&event);
    EXPECT(!acio_event_is_set(&event));
}

SPEC(event, wakes_all_who_wait_in_order_of_coming)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait, .event = &event, .who = 'a');
    start(wait, .event = &event, .who = 'b');
    start(wait, .event = &event, .who = 'c');
    settle();
    EXPECT_NOTED("");
    acio_event_set(&event);
    finish();
    EXPECT_NOTED("a b c ");
}

SPEC(event, that_is_all_zero_is_one_that_is_clear)
{
    acio_event event;
    memset(&event, 0, sizeof event);
    EXPECT(!acio_event_is_set(&event));
    start(wait, .event = &event, .who = 'a');
    settle();
    EXPECT_NOTED("");
    acio_event_set(&event);
    finish();
    EXPECT_NOTED("a ");
}

SPEC(event, makes_nobody_wait_while_it_is_set)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_event_set(&event);
    EXPECT_ERR(acio_event_wait(&event), 0);
    EXPECT_ERR(acio_event_wait(&event), 0);
}

SPEC(event, lets_go_on_who_waited_though_it_is_cleared_before_he_runs)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait, .event = &event, .who = 'a');
    start(wait, .event = &event, .who = 'b');
    settle();
    acio_event_set(&event);
    acio_event_clear(&event);
    start(wait, .event = &event, .who = 'c');
    settle();
    EXPECT_NOTED("a b ");
    acio_event_set(&event);
    finish();
    EXPECT_NOTED("c ");
}

SPEC(event, names_what_its_waiting_tasks_wait_for)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_task *task = acio_create_task(wait, .event = &event);
    settle();
    EXPECT_TEXT(acio_task_waits_for(task), "event.wait");
    acio_event_set(&event);
    EXPECT_ERR(acio_await(task), 0);
}

SPEC(event, allocates_nothing_for_those_who_wait)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait, .event = &event, .who = 'a');
    start(wait, .event = &event, .who = 'b');
    size_t before = spec_heap_allocations();
    settle();
    acio_event_set(&event);
    finish();
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_NOTED("a b ");
}

struct work_off_args {
    acio_event *set, *event;
    int before;
    bool *waits;
};

static int
work_off(void *arg)
{
    struct work_off_args *a = arg;
    int err = 0;
    for (int i = 0; i < a->before && err == 0; i++)
        err = acio_event_wait(a->set);
    if (err < 0)
        return err;
    *a->waits = true;
    return acio_event_wait(a->event);
}

SPEC_LARGE(event, wakes_also_a_task_that_did_much_before_it_waits)
{
    acio_event set = ACIO_EVENT_INIT, event = ACIO_EVENT_INIT;
    acio_event_set(&set);
    for (int before = 0; before < 300; before++) {
        bool waits = false;
        acio_task *task = acio_create_task(work_off, .set = &set,
            .event = &event, .before = before, .waits = &waits);
        while (!waits)
            acio_sleep(0);
        acio_event_set(&event);
        acio_event_clear(&event);
        settle();
        if (!EXPECT(acio_task_done(task)))
            acio_cancel(task);
        acio_await(task);
    }
}

SPEC(event, lets_others_run_even_if_it_never_makes_its_caller_wait)
{
    acio_event set = ACIO_EVENT_INIT;
    bool waits = false;
    acio_event_set(&set);
    acio_task *busy = acio_create_task(work_off, .set = &set, .event = &set,
        .before = 1000000, .waits = &waits);
    EXPECT_ERR(acio_sleep(0), 0);
    EXPECT(!waits);
    acio_cancel(busy);
    EXPECT_ERR(acio_await(busy), -ECANCELED);
}

/* ---- interruptions ---- */

SPEC(event, forgets_a_task_that_was_cancelled_while_it_waited)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_task *gone = acio_create_task(wait, .event = &event, .who = 'a');
    start(wait, .event = &event, .who = 'b');
    settle();
    acio_cancel(gone);
    EXPECT_ERR(acio_await(gone), -ECANCELED);
    acio_event_set(&event);
    finish();
    EXPECT_NOTED("a! b ");
}

SPEC(event, has_come_for_a_task_that_was_cancelled_after_it_was_set)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_task *late = acio_create_task(wait, .event = &event, .who = 'a');
    settle();
    acio_event_set(&event);
    acio_cancel(late);
    EXPECT_ERR(acio_await(late), 0);
    EXPECT_NOTED("a ");
}

SPEC(event, that_is_set_tells_a_cancelled_task_of_its_cancel)
{
    acio_event event = ACIO_EVENT_INIT;
    acio_event_set(&event);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_event_wait(&event), -ECANCELED);
    acio_uncancel(acio_current_task());
}

SPEC_SIM(event, is_waited_for_no_longer_than_up_to_a_deadline)
{
    acio_event event = ACIO_EVENT_INIT;
    ACIO_TIMEOUT(limit, 0.5);
    EXPECT_ERR(acio_event_wait(&event), -ETIMEDOUT);
    EXPECT_ELAPSED(0.5);
}

/* ---- outside of a task ---- */

static void
set_in_a_callback(void *arg)
{
    acio_event *event = arg;
    EXPECT_ERR(acio_event_wait(event), -ACIO_ENOTASK);
    EXPECT_ERR(acio_event_set(event), 0);
    EXPECT_ERR(acio_event_wait(event), -ACIO_ENOTASK);
}

SPEC(event, may_be_set_by_a_callback_which_cannot_wait)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait, .event = &event, .who = 'a');
    settle();
    run_in_a_callback(set_in_a_callback, &event);
    finish();
    EXPECT_NOTED("a ");
}

TEST(event, may_be_set_before_there_is_a_loop)
{
    acio_event event = ACIO_EVENT_INIT;
    EXPECT_ERR(acio_event_set(&event), 0);
    EXPECT(acio_event_is_set(&event));
    EXPECT_ERR(acio_event_wait(&event), -ACIO_ENOTASK);
}

static int
use_from_another_loop(void *arg)
{
    ACIO_TIMEOUT(now, 0);
    acio_event *event = *(acio_event **)arg;
    EXPECT_ERR(acio_event_wait(event), -ACIO_EFOREIGN);
    EXPECT_ERR(acio_event_set(event), -ACIO_EFOREIGN);
    EXPECT(!acio_event_is_set(event));
    return 0;
}

SPEC(event, belongs_to_the_loop_of_those_who_wait_for_it)
{
    acio_event event = ACIO_EVENT_INIT;
    start(wait, .event = &event, .who = 'a');
    settle();
    run_in_another_loop(use_from_another_loop, &event);
    EXPECT_ERR(acio_event_set(&event), 0);
    finish();
    EXPECT_NOTED("a ");
}
