/* SPDX-License-Identifier: MIT */
/* Concurrent tasks: a group starts two of them and waits for both.
 *
 *     build/examples/patterns/tasks
 *
 *     task 1 begins
 *     task 2 begins
 *     task 2 is complete
 *     task 1 is complete
 *     together they return 30
 */
#include <acio.h>
#include <stdio.h>

/* What `work` is called with; named after the function. */
struct work_args {
    int id;
    double seconds;
};

/* An async function: it returns 0 or more, or a negative error. */
static int
work(void *arg)
{
    struct work_args *a = arg; /* the task's own copy */
    printf("task %d begins\n", a->id);
    int err = acio_sleep(a->seconds);
    if (err < 0)
        return err; /* cancelled, or out of time: say so upwards */
    printf("task %d is complete\n", a->id);
    return a->id * 10;
}

static int
amain(void *arg)
{
    (void)arg;
    ACIO_GROUP(group); /* until the end of this block */
    acio_task *one = acio_group_create_task(&group, work, .id = 1,
        .seconds = 0.2);
    acio_task *two = acio_group_create_task(&group, work, .id = 2,
        .seconds = 0.1);
    int err = acio_group_wait(&group);
    if (err < 0)
        return err;
    printf("together they return %d\n",
        acio_task_result(one) + acio_task_result(two));
    return 0;
}

int
main(void)
{
    return acio_run(amain) < 0;
}
