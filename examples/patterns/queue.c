/* SPDX-License-Identifier: MIT */
/* Producer and consumers, a queue between them: build/examples/patterns/queue
 *
 *     ann takes 1
 *     bob takes 2
 *     ann takes 3
 *     ann takes 4
 *     all is done
 */
#include <acio.h>
#include <stdio.h>

struct consume_args {
    acio_queue *queue;
    const char *name;
    double seconds;
};

static int
consume(void *arg)
{
    struct consume_args *a = arg;
    for (;;) {
        int number;
        int err = acio_queue_get(a->queue, &number);
        if (err == 0) {
            printf("%s takes %d\n", a->name, number);
            err = acio_sleep(a->seconds);
            acio_queue_task_done(a->queue);
        }
        if (err < 0)
            return err; /* cancelled: this is how the loop ends */
    }
}

static int
amain(void *arg)
{
    (void)arg;
    ACIO_QUEUE(queue, int, 2);
    ACIO_GROUP(group);
    acio_group_create_task(&group, consume, &queue, "ann", .seconds = 0.1);
    acio_group_create_task(&group, consume, &queue, "bob", .seconds = 0.6);
    int err = 0;
    for (int number = 1; number <= 4 && err == 0; number++)
        err = acio_queue_put(&queue, &number); /* waits while it is full */
    if (err == 0)
        err = acio_queue_join(&queue);
    printf("all is done\n");
    acio_group_cancel(&group);
    int end = acio_group_wait(&group);
    return err < 0 ? err : end;
}

int
main(void)
{
    return acio_run(amain) < 0;
}
