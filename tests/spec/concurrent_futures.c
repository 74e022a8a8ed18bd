/* SPDX-License-Identifier: MIT */
/* Tasks that other threads start and wait for. */
#include <math.h>
#include <pthread.h>
#include <semaphore.h>

#include "task_parts.h"

/* ---- threads that call ---- */

struct client {
    acio_loop *loop;
    void (*calls)(struct client *client);
    acio_future *gate;
    acio_concurrent_future *future;
    pthread_t thread;
    acio_handle handle;
    acio_future has_ended;
    int sum;
};

static void
tell_end(void *arg)
{
    struct client *client = arg;
    acio_future_set_result(&client->has_ended, 0);
}

static void *
run_client(void *arg)
{
    struct client *client = arg;
    client->calls(client);
    acio_loop_call_soon_threadsafe(client->loop, &client->handle, tell_end,
        client);
    return NULL;
}

static void
start_client(struct client *client, void (*calls)(struct client *client))
{
    client->loop = acio_get_running_loop();
    client->calls = calls;
    acio_future_init(&client->has_ended);
    REQUIRE_EQ(pthread_create(&client->thread, NULL, run_client, client), 0);
}

/* The loop goes on meanwhile, whoever is cancelled. */
static void
join_client(struct client *client)
{
    ACIO_SHIELD(shield);
    int err = acio_future_await(&client->has_ended);
    ALWAYS(err == 0);
    pthread_join(client->thread, NULL);
    acio_future_close(&client->has_ended);
}

static void
call_from_a_thread(void (*calls)(struct client *client))
{
    struct client client = { 0 };
    start_client(&client, calls);
    join_client(&client);
}

#define CONCURRENT(name) SPEC(concurrent, name, .sim.wait_for_threads = true)

#define WORK(client, ...)                                                      \
    acio_run_coroutine_threadsafe((client)->loop, work, __VA_ARGS__)

static int
result_of(acio_concurrent_future *future)
{
    int result = acio_concurrent_future_result(future, INFINITY);
    acio_concurrent_future_close(future);
    return result;
}

/* ---- results ---- */

static void
call_twice(struct client *client)
{
    EXPECT_EQ(result_of(WORK(client, .seconds = 0.001, .result = 7)), 7);
    EXPECT_ERR(result_of(WORK(client, .result = -EIO)), -EIO);
}

CONCURRENT(gives_a_task_of_the_loop_and_its_result_to_another_thread)
{
    call_from_a_thread(call_twice);
    EXPECT_REPORTED("");
}

static int
note_name(void *arg)
{
    (void)arg;
    note("%s ", acio_task_name(acio_current_task()));
    return 0;
}

static void
call_named(struct client *client)
{
    struct acio_task_options options = { .name = "named" };
    EXPECT_ERR(result_of(
                   acio_run_coroutine_threadsafe(client->loop, note_name)),
        0);
    EXPECT_ERR(result_of(acio_run_coroutine_threadsafe_with(client->loop,
                   note_name, (struct acio_args){ 0 }, &options)),
        0);
}

CONCURRENT(names_the_task_after_its_function_or_as_it_is_told)
{
    call_from_a_thread(call_named);
    EXPECT_NOTED("note_name named ");
}

static void
call_in_order(struct client *client)
{
    acio_concurrent_future *futures[3] = {
        acio_run_coroutine_threadsafe(client->loop, say, .text = "a"),
        acio_run_coroutine_threadsafe(client->loop, say, .text = "b"),
        acio_run_coroutine_threadsafe(client->loop, say, .text = "c"),
    };
    for (int i = 0; i < 3; i++)
        EXPECT_ERR(result_of(futures[i]), 0);
}

CONCURRENT(begins_the_tasks_in_the_order_of_the_calls)
{
    call_from_a_thread(call_in_order);
    EXPECT_NOTED("a b c ");
}

static void
ask_often(struct client *client)
{
    acio_concurrent_future *future = WORK(client, .result = 7);
    EXPECT_EQ(acio_concurrent_future_result(future, INFINITY), 7);
    EXPECT_EQ(acio_concurrent_future_result(future, 0), 7);
    EXPECT(acio_concurrent_future_done(future));
    EXPECT(!acio_concurrent_future_cancel(future));
    EXPECT_EQ(acio_concurrent_future_result(future, -1), 7);
    acio_concurrent_future_close(future);
}

CONCURRENT(keeps_the_result_until_it_is_closed)
{
    call_from_a_thread(ask_often);
}

static int
open_gate(void *arg)
{
    acio_future *gate = *(acio_future **)arg;
    acio_future_set_result(gate, 0);
    return 0;
}

/* Also where the n-th allocation fails. */
static void
open_gate_of(struct client *client)
{
    struct acio_args args = { &client->gate, sizeof client->gate };
    for (int tries = 0; tries < 3; tries++) {
        if (result_of(acio_run_coroutine_threadsafe_with(client->loop,
                open_gate, args, NULL)) == 0)
            return;
    }
}

static void
call_with_gate(void (*calls)(struct client *client))
{
    acio_future gate;
    acio_future_init(&gate);
    struct client client = { .gate = &gate };
    start_client(&client, calls);
    join_client(&client);
    acio_future_close(&gate);
}

static void
wait_for_gate(struct client *client)
{
    acio_concurrent_future *future = acio_run_coroutine_threadsafe(client->loop,
        pass, .gate = client->gate, .result = 7);
    EXPECT_ERR(acio_concurrent_future_result(future, 0), -ETIMEDOUT);
    EXPECT_ERR(acio_concurrent_future_result(future, 0.001), -ETIMEDOUT);
    EXPECT_ERR(acio_concurrent_future_result(future, NAN), -EINVAL);
    EXPECT(!acio_concurrent_future_done(future));
    open_gate_of(client);
    EXPECT_EQ(acio_concurrent_future_result(future, 1000), 7);
    acio_concurrent_future_close(future);
}

CONCURRENT(can_be_asked_again_after_a_timeout)
{
    call_with_gate(wait_for_gate);
}

static void
go_away(struct client *client)
{
    acio_concurrent_future_close(acio_run_coroutine_threadsafe(client->loop,
        pass, .gate = client->gate, .result = -EIO));
}

CONCURRENT(lets_the_task_go_on_when_it_is_closed)
{
    acio_future gate;
    acio_future_init(&gate);
    struct client client = { .gate = &gate };
    start_client(&client, go_away);
    join_client(&client);
    acio_future_set_result(&gate, 0);
    finish();
    EXPECT_REPORTED("pass: a task failed and nobody awaited it: "
                    "Input/output error\n");
    acio_future_close(&gate);
}

/* ---- cancelling ---- */

static void
cancel_call(struct client *client)
{
    acio_concurrent_future *future = acio_run_coroutine_threadsafe(client->loop,
        pass, .gate = client->gate);
    EXPECT(acio_concurrent_future_cancel(future));
    EXPECT_ERR(acio_concurrent_future_result(future, INFINITY), -ECANCELED);
    EXPECT(!acio_concurrent_future_cancel(future));
    acio_concurrent_future_close(future);
}

CONCURRENT(cancels_the_task_and_waits_for_it)
{
    call_with_gate(cancel_call);
}

struct pass_shielded_args {
    acio_future *gate;
};

static int
pass_shielded(void *arg)
{
    struct pass_shielded_args *a = arg;
    ACIO_SHIELD(shield);
    int err = acio_future_await(a->gate);
    return err < 0 ? err : 7;
}

static void
cancel_shielded(struct client *client)
{
    acio_concurrent_future *future = acio_run_coroutine_threadsafe(client->loop,
        pass_shielded, .gate = client->gate);
    result_of(WORK(client, .result = 1)); /* it has begun before this one */
    EXPECT(acio_concurrent_future_cancel(future));
    EXPECT(acio_concurrent_future_cancel(future));
    open_gate_of(client);
    EXPECT_EQ(acio_concurrent_future_result(future, INFINITY), 7);
    acio_concurrent_future_close(future);
}

CONCURRENT(gives_the_result_that_a_cancelled_task_has_all_the_same)
{
    call_with_gate(cancel_shielded);
}

static void
call_while_it_stands_still(struct client *client)
{
    client->future = acio_run_coroutine_threadsafe(client->loop, say,
        .text = "began");
    if (client->sum)
        EXPECT(acio_concurrent_future_cancel(client->future));
}

CONCURRENT(that_is_cancelled_before_it_begins_does_not_begin)
{
    struct client client = { .sum = 1 };
    start_client(&client, call_while_it_stands_still);
    pthread_join(client.thread, NULL);
    settle();
    EXPECT(acio_concurrent_future_done(client.future));
    EXPECT_ERR(acio_concurrent_future_result(client.future, 0), -ECANCELED);
    acio_concurrent_future_close(client.future);
    EXPECT_NOTED("");
}

/* ---- the loop's own thread ---- */

CONCURRENT(does_not_stop_its_own_loop)
{
    acio_loop *loop = acio_get_running_loop();
    acio_concurrent_future *future = acio_run_coroutine_threadsafe(loop, work,
        .result = 7);
    EXPECT_ERR(acio_concurrent_future_result(future, INFINITY), -EDEADLK);
    EXPECT_ERR(acio_concurrent_future_result(future, 0), -EDEADLK);
    settle();
    EXPECT_EQ(acio_concurrent_future_result(future, INFINITY), 7);
    acio_concurrent_future_close(future);
}

/* ---- the end of the loop ---- */

/* A thread that calls once and does not know when the loop ends. */
struct caller {
    acio_loop *loop;
    acio_concurrent_future *future;
    sem_t called;
    pthread_t thread;
    int result;
};

static void *
call_and_wait(void *arg)
{
    struct caller *caller = arg;
    caller->future = WORK(caller, .seconds = 1000);
    sem_post(&caller->called);
    caller->result = result_of(caller->future);
    return NULL;
}

struct end_run_args {
    struct caller *caller;
    bool let_it_begin;
};

/* Returns while the caller waits for its task. */
static int
end_run(void *arg)
{
    struct end_run_args *a = arg;
    struct caller *caller = a->caller;
    caller->loop = acio_get_running_loop();
    pthread_create(&caller->thread, NULL, call_and_wait, caller);
    sem_wait(&caller->called);
    while (a->let_it_begin && acio_all_tasks(NULL, 0) < 2 && caller->future)
        acio_sleep(0);
    return 0;
}

static int
result_after_run(bool let_it_begin)
{
    struct caller caller = { 0 };
    sem_init(&caller.called, 0, 0);
    struct end_run_args args = { &caller, let_it_begin };
    spec_run(end_run, (struct acio_args){ &args, sizeof args }, NULL);
    if (caller.thread)
        pthread_join(caller.thread, NULL);
    sem_destroy(&caller.called);
    return caller.result;
}

TEST(concurrent, of_a_task_that_the_end_of_the_run_cancels_is_told)
{
    EXPECT_ERR(result_after_run(true), -ECANCELED);
}

TEST(concurrent, of_a_task_that_the_loop_did_not_begin_is_told)
{
    EXPECT_ERR(result_after_run(false), -ACIO_ECLOSED);
}

/* Closed before the loop is freed, and after its door was shut. */
struct late {
    struct acio_loop_part part;
    acio_concurrent_future *future;
};

static void
call_late(struct acio_loop_part *part, acio_loop *loop)
{
    struct late *late = (struct late *)part;
    late->future = acio_run_coroutine_threadsafe(loop, work, .result = 7);
}

static int
attach_late(void *arg)
{
    struct late *late = *(struct late **)arg;
    acio_loop_attach(acio_get_running_loop(), &late->part);
    return 0;
}

TEST(concurrent, of_a_loop_that_is_being_closed_is_refused)
{
    struct late late = { .part.release = call_late }, *address = &late;
    spec_run(attach_late, (struct acio_args){ &address, sizeof address }, NULL);
    EXPECT_ERR(result_of(late.future), -ACIO_ECLOSED);
}

static int
call_while_it_ends(void *arg)
{
    acio_concurrent_future **future = *(acio_concurrent_future ***)arg;
    ACIO_SHIELD(shield);
    int err = acio_sleep(0.001);
    *future = acio_run_coroutine_threadsafe(acio_get_running_loop(), say,
        .text = "late");
    return err < 0 ? err : acio_sleep(0.001);
}

static int
leave_caller(void *arg)
{
    acio_detach(acio_create_task_with(call_while_it_ends,
        (struct acio_args){ arg, sizeof(void *) }, NULL));
    return acio_sleep(0);
}

TEST(concurrent, of_a_run_that_is_ending_is_served_as_long_as_others_are)
{
    acio_concurrent_future *future = NULL, **address = &future;
    spec_run(leave_caller, (struct acio_args){ &address, sizeof address },
        NULL);
    EXPECT_ERR(result_of(future), 0);
    EXPECT_NOTED("late ");
}

TEST(concurrent, of_a_loop_without_tasks_is_refused)
{
    acio_loop *loop = NULL;
    EXPECT_ERR(acio_loop_new(&loop, NULL), 0);
    EXPECT_ERR(result_of(
                   acio_run_coroutine_threadsafe(loop, work, .result = 7)),
        -ACIO_ENOLOOP);
    acio_loop_close(loop);
}

TEST(concurrent, refuses_what_makes_no_sense)
{
    struct acio_args none = { 0 };
    EXPECT_EQ(acio_run_coroutine_threadsafe_with(NULL, work, none, NULL), NULL);
    EXPECT_ERR(acio_concurrent_future_result(NULL, 1), -EINVAL);
    EXPECT(!acio_concurrent_future_cancel(NULL));
    EXPECT(acio_concurrent_future_done(NULL));
    acio_concurrent_future_close(NULL);
}

static int
wait_in_a_shield(void *arg)
{
    (void)arg;
    acio_future never;
    acio_future_init(&never);
    ACIO_SHIELD(shield);
    int err = acio_future_await(&never);
    return err;
}

static int
start_stuck(void *arg)
{
    acio_concurrent_future **future = *(acio_concurrent_future ***)arg;
    *future = acio_run_coroutine_threadsafe(acio_get_running_loop(),
        wait_in_a_shield);
    settle();
    return 0;
}

static void
call_stuck(void)
{
    acio_concurrent_future *future = NULL, **address = &future;
    EXPECT_ERR(spec_run(start_stuck,
                   (struct acio_args){ &address, sizeof address }, NULL),
        -EDEADLK);
    EXPECT_ERR(result_of(future), -ACIO_ECLOSED);
}

SPEC_REGISTER(concurrent, of_a_task_that_cannot_be_ended_is_told,
    .body = call_stuck, .backend = "sim",
    .flags = SPEC_ANY_HEAP | SPEC_NO_TORTURE);

/* ---- many at once ---- */

enum { THREADS = 4, CALLS = 200 };

static void
call_and_cancel(struct client *client)
{
    for (int i = 0; i < CALLS; i++) {
        acio_concurrent_future *future = WORK(client,
            .seconds = i % 4 ? 0 : 1000, .result = 1);
        if (i % 4 == 0)
            EXPECT(acio_concurrent_future_cancel(future));
        int result = result_of(future);
        client->sum += result == -ECANCELED ? 1000 : result;
    }
}

SPEC_REAL(concurrent, answers_many_threads_at_once)
{
    struct client clients[THREADS] = { 0 };
    for (int i = 0; i < THREADS; i++)
        start_client(&clients[i], call_and_cancel);
    for (int i = 0; i < THREADS; i++) {
        join_client(&clients[i]);
        EXPECT_EQ(clients[i].sum, CALLS / 4 * 1000 + CALLS * 3 / 4);
    }
}
