/* SPDX-License-Identifier: MIT */
/* process_pool - jobs shared out among worker processes
 *
 * A worker reads a line for each job and writes one with the result. A task
 * looks after each worker, gives it the next job when it has the last one's
 * result, and starts another one where it has died of a job. The results lie in
 * the order of the jobs, whoever did them:
 * build/examples/process_pool/process_pool
 *
 *     2 squared: 4
 *     30 squared: 900
 *     -1 squared: the worker has died, signal 9, exit code -1
 *     5000 squared: 25000000
 */
#include <acio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    long number, square;
    int status; /* of a worker that died of it; 0: none has */
};

struct amain_args {
    struct job *jobs;
    size_t count, next; /* the first one that nobody has */
    long workers;
};

/* It dies of a negative number, as of a bug. */
static const char program[] = "while read n; do test $n -ge 0 || "
                              "kill -KILL $$; echo $((n * n)); done";

/* One job: 0; -EPIPE where the worker has died of it; another error. */
static int
ask(acio_process *worker, struct job *job)
{
    char line[32];
    int bytes = snprintf(line, sizeof line, "%ld\n", job->number);
    acio_write(acio_process_stdin(worker), line, (size_t)bytes);
    ssize_t n = acio_readline(acio_process_stdout(worker), line, sizeof line);
    if (n <= 0)
        return n < 0 ? (int)n : -EPIPE;
    job->square = strtol(line, NULL, 10);
    return 0;
}

struct look_after_worker_args {
    struct amain_args *pool;
};

static int
look_after_worker(void *arg)
{
    struct amain_args *pool = ((struct look_after_worker_args *)arg)->pool;
    const struct acio_process_options pipes = { .input = ACIO_PIPE,
        .output = ACIO_PIPE };
    while (pool->next < pool->count) {
        ACIO_PROCESS(worker);
        struct job *job = NULL;
        int err = acio_create_subprocess_shell(&worker, program, &pipes);
        while (err == 0 && pool->next < pool->count) {
            job = &pool->jobs[pool->next++];
            err = ask(worker, job);
        }
        if (err == -EPIPE)
            err = job->status = acio_process_wait(worker);
        if (err < 0)
            return err;
    }
    return 0;
}

static int
amain(void *arg)
{
    struct amain_args *pool = arg;
    ACIO_GROUP(group);
    for (long i = 0; i < pool->workers; i++)
        acio_group_create_task(&group, look_after_worker, .pool = pool);
    return acio_group_wait(&group);
}

int
main(int argc, char **argv)
{
    struct job jobs[] = { { .number = 2 }, { .number = 30 }, { .number = -1 },
        { .number = 5000 } };
    size_t count = sizeof jobs / sizeof *jobs;
    long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
    int err = acio_run(amain, .jobs = jobs, .count = count, .workers = workers);
    for (size_t i = 0; err >= 0 && i < count; i++) {
        printf("%ld squared: ", jobs[i].number);
        if (jobs[i].status)
            printf("the worker has died, signal %d, exit code %d\n",
                acio_status_signal(jobs[i].status),
                acio_status_exit_code(jobs[i].status));
        else
            printf("%ld\n", jobs[i].square);
    }
    return err < 0;
}
