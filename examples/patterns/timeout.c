/* SPDX-License-Identifier: MIT */
/* Time limits: for one task, and for all that happens in a block.
 *
 *     build/examples/patterns/timeout
 *
 *     in time: 42
 *     too slow for the part, not for the whole
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>

struct answer_args {
    double seconds;
};

static int
answer(void *arg)
{
    struct answer_args *a = arg;
    int err = acio_sleep(a->seconds);
    return err < 0 ? err : 42;
}

static int
amain(void *arg)
{
    (void)arg;
    acio_task *task = acio_create_task(answer, .seconds = 0.01);
    int result = acio_wait_for(task, 0.5);
    printf("in time: %d\n", result);

    /* Limits nest. Past a deadline every call in its block that would wait
     * answers -ETIMEDOUT, and the limit knows that it was its own. */
    ACIO_TIMEOUT(whole, 5.0);
    ACIO_TIMEOUT(part, 0.05);
    int err = acio_sleep(10);
    if (err == -ETIMEDOUT && acio_timeout_expired(&part))
        printf("too slow for the part, %s the whole\n",
            acio_timeout_expired(&whole) ? "and for" : "not for");
    return 0;
}

int
main(void)
{
    return acio_run(amain) < 0;
}
