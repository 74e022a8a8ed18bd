/* SPDX-License-Identifier: MIT */
/* Errors: as results among others, and as the end of a group.
 *
 *     build/examples/patterns/errors
 *
 *     visit 1: 10
 *     visit 2: Connection refused
 *     visit 3: 30
 *     the group: Connection refused
 *     its other task: Operation canceled
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>

struct visit_args {
    int number;
};

static int
visit(void *arg)
{
    struct visit_args *a = arg;
    int err = acio_sleep(0.05 * a->number);
    if (err < 0)
        return err;
    return a->number == 2 ? -ECONNREFUSED : a->number * 10;
}

static int
amain(void *arg)
{
    (void)arg;
    acio_task *tasks[3];
    int results[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = acio_create_task(visit, .number = i + 1);
    int err = acio_gather(tasks, 3, results, ACIO_RETURN_EXCEPTIONS);
    for (int i = 0; i < 3 && err == 0; i++) {
        printf("visit %d: ", i + 1);
        if (results[i] < 0)
            printf("%s\n", acio_strerror(results[i]));
        else
            printf("%d\n", results[i]);
    }

    ACIO_GROUP(group); /* the first error in it cancels the rest of it */
    acio_group_create_task(&group, visit, .number = 2);
    acio_task *other = acio_group_create_task(&group, visit, .number = 3);
    err = acio_group_wait(&group);
    printf("the group: %s\n", acio_strerror(err));
    printf("its other task: %s\n", acio_strerror(acio_task_result(other)));
    return 0;
}

int
main(void)
{
    return acio_run(amain) < 0;
}
