/* SPDX-License-Identifier: MIT */
/* Two programs, tested in virtual time: build/examples/simulator/simulator
 *
 *     5 failures: success, after 31 s
 *     6 failures: Connection timed out, after 60 s
 *     20 seeds: task 1 was first 7 times, task 2 13 times
 */
#include <acio.h>
#include <stdio.h>

/* Tries until it works, with pauses of 1, 2, 4 ... seconds. */
struct try_again_args {
    int failures; /* of what is tried */
};

static int
try_again(void *arg)
{
    struct try_again_args *a = arg;
    double pause = 1;
    for (int i = 0; i < a->failures; i++) {
        int err = acio_sleep(pause);
        if (err < 0)
            return err;
        pause *= 2;
    }
    return 0;
}

static int
try_for_a_minute(void *arg)
{
    struct try_again_args *a = arg;
    ACIO_TIMEOUT(limit, 60);
    int err = try_again(a);
    printf("%d failures: %s, after %g s\n", a->failures, acio_strerror(err),
        acio_loop_time(acio_get_running_loop()));
    return 0;
}

/* Two tasks have something done by a thread: who is first? */
struct contend_args {
    int number;
    int *winner;
};

static int
do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int
contend(void *arg)
{
    struct contend_args *a = arg;
    int err = acio_to_thread(do_nothing, NULL);
    if (*a->winner == 0)
        *a->winner = a->number;
    return err;
}

static int
race(void *arg)
{
    (void)arg;
    int winner = 0;
    int err = 0;
    ACIO_GROUP(group);
    for (int n = 1; n <= 2 && err == 0; n++)
        err = acio_group_start(&group, contend, .number = n, .winner = &winner);
    if (err == 0)
        err = acio_group_wait(&group);
    return err < 0 ? err : winner;
}

int
main(void)
{
    struct acio_sim_options sim = { 0 };
    struct acio_run_options options = { .backend = "sim", .sim = &sim };

    for (int n = 5; n <= 6; n++)
        acio_run_with(try_for_a_minute, ACIO_ARGS(try_again, .failures = n),
            &options);

    int wins[3] = { 0 };
    for (sim.seed = 1; sim.seed <= 20; sim.seed++) {
        int winner = acio_run_with(race, (struct acio_args){ 0 }, &options);
        if (winner < 0)
            return 1;
        wins[winner]++;
    }
    printf("20 seeds: task 1 was first %d times, task 2 %d times\n", wins[1],
        wins[2]);
    return 0;
}
