/* SPDX-License-Identifier: MIT */
/* fetch - fetch many URLs at once, on one thread
 *
 *     fetch -i urls.txt -o pages -c 200 -t 10 --retry 2
 *     fetch                      (fetches from a server of its own)
 *
 * Idea.       All URLs are put into a queue. A group of workers, tasks with a
 *             curl handle each, take them out one by one until it is empty.
 *             Each worker reads like a program that fetches one URL after the
 *             other; that there are hundreds of them is the group's affair.
 * Ctrl-C.     The group is cancelled. Each worker finds its transfer
 *             interrupted, cleans up and ends; the summary follows.
 */
#include <acio/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fetch.h"

enum { USUAL_CONCURRENCY = 100, DEMO_CONCURRENCY = 1000, OTHER_FDS = 64 };

struct run {
    struct options options;
    struct jobs jobs;
    struct report report;
    struct demo *demo;
    int folder_fd;
    bool no_folder; /* though one was asked for */
    int signal;     /* that has interrupted; 0: none */
    acio_queue queue;
    acio_group *workers; /* while they run */
};

/* ---- workers ---- */

struct worker_args {
    struct run *run;
};

static int
worker(void *arg)
{
    struct run *run = ((struct worker_args *)arg)->run;
    struct fetching fetching = { &run->options, &run->report, run->folder_fd };
    CURL *easy = curl_easy_init();
    if (!easy)
        return -ENOMEM;
    struct job *job;
    while (!run->signal && acio_queue_get_nowait(&run->queue, &job) == 0) {
        struct outcome outcome;
        transfer_job(&fetching, easy, job, &outcome);
        report_outcome(&run->report, job, &outcome);
    }
    curl_easy_cleanup(easy);
    return 0;
}

static int
fill_queue(struct run *run)
{
    for (size_t i = 0; i < run->jobs.count; i++) {
        struct job *job = &run->jobs.at[i];
        int err = acio_queue_put_nowait(&run->queue, &job);
        if (err < 0)
            return err;
    }
    return 0;
}

/* A few workers less than asked for do as well, only slower. */
static int
run_workers(struct run *run)
{
    ACIO_GROUP(group);
    run->workers = &group;
    int started = 0, err = 0;
    while (err == 0 && started < run->options.concurrency &&
        (size_t)started < run->jobs.count) {
        err = acio_group_start(&group, worker, .run = run);
        started += err == 0;
    }
    if (started == 0 && err < 0)
        return err;
    err = acio_group_wait(&group);
    run->workers = NULL;
    return err == -ECANCELED ? 0 : err;
}

static int
run_with_progress(struct run *run)
{
    ACIO_GROUP(group);
    int err = acio_group_start(&group, report_progress, .report = &run->report);
    if (err == 0)
        err = run_workers(run);
    acio_group_cancel(&group);
    int progress = acio_group_wait(&group);
    return err < 0 ? err : progress;
}

/* ---- being interrupted ---- */

/* The dispositions of before come back, so that a second Ctrl-C ends the
 * program whatever happens. */
static void
stop(struct run *run, int signum)
{
    acio_loop *loop = acio_get_running_loop();
    run->signal = signum;
    acio_loop_remove_signal_handler(loop, SIGINT);
    acio_loop_remove_signal_handler(loop, SIGTERM);
    if (run->workers)
        acio_group_cancel(run->workers);
}

static void
on_interrupt(void *arg)
{
    stop(arg, SIGINT);
}

static void
on_terminate(void *arg)
{
    stop(arg, SIGTERM);
}

/* ---- file descriptors ---- */

/* Each transfer has a socket, a file, and, while a name is looked up or two
 * addresses are tried, one or two more; the demonstration serves as well. */
static int
fds_of_one(const struct run *run)
{
    return 1 + (run->folder_fd >= 0) + (run->demo != NULL);
}

static void
provide_fds(struct run *run)
{
    struct rlimit limit;
    int *concurrency = &run->options.concurrency;
    rlim_t each = (rlim_t)fds_of_one(run);
    rlim_t wanted = (rlim_t)*concurrency * each + OTHER_FDS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return;
    rlim_t possible = limit.rlim_cur > OTHER_FDS + each
        ? (limit.rlim_cur - OTHER_FDS) / each
        : 1;
    report_say(&run->report,
        "%d at once would need %llu open files, and only %llu are allowed: "
        "going on with %llu at once",
        *concurrency, (unsigned long long)wanted,
        (unsigned long long)limit.rlim_cur, (unsigned long long)possible);
    *concurrency = (int)possible;
}

/* ---- the run ---- */

static void
introduce_demo(const struct run *run)
{
    char count[32];
    format_count(count, sizeof count, run->jobs.count);
    fprintf(run->options.json ? stderr : stdout,
        "No URL given: fetching %s from a server of my own that takes a "
        "second for each, all on one thread (%s).\n",
        count, run->report.backend);
    fflush(stdout);
}

static int
prepare_demo(struct run *run)
{
    int err = demo_start(&run->demo, &run->jobs, &run->report);
    if (err == 0 && !run->options.quiet)
        introduce_demo(run);
    return err;
}

static bool
is_demo(const struct run *run)
{
    return run->options.url_count == 0 && !run->options.input &&
        !run->no_folder;
}

static int
prepare(struct run *run)
{
    int err = is_demo(run) ? prepare_demo(run) : 0;
    if (err == 0 && !jobs_name_files(&run->jobs))
        err = -ENOMEM;
    if (err == 0 &&
        !report_expect(&run->report, run->jobs.count + run->report.failed))
        err = -ENOMEM;
    if (run->options.concurrency == 0)
        run->options.concurrency = is_demo(run) ? DEMO_CONCURRENCY
                                                : USUAL_CONCURRENCY;
    provide_fds(run);
    return err == 0 ? fill_queue(run) : err;
}

static int
fetch_in_loop(struct run *run)
{
    acio_loop *loop = acio_get_running_loop();
    int err = prepare(run);
    if (err == 0)
        err = acio_loop_add_signal_handler(loop, SIGINT, on_interrupt, run);
    if (err == 0)
        err = acio_loop_add_signal_handler(loop, SIGTERM, on_terminate, run);
    if (err == 0) {
        run->report.started = acio_loop_time(loop);
        err = run_with_progress(run);
        run->report.elapsed_s = acio_loop_time(loop) - run->report.started;
    }
    report_count(&run->report, run->signal ? "interrupted" : "not tried",
        acio_queue_qsize(&run->queue));
    demo_stop(run->demo);
    return err;
}

struct fetch_all_args {
    struct run *run;
};

static int
fetch_all(void *arg)
{
    struct run *run = ((struct fetch_all_args *)arg)->run;
    run->report.backend = acio_loop_backend(acio_get_running_loop());
    if (strcmp(run->report.backend, "sim") == 0) {
        report_say(&run->report,
            "ACIO_BACKEND=sim has simulated sockets, and "
            "libcurl needs real ones: use uring or epoll");
        return EXIT_USAGE;
    }
    acio_queue_init(&run->queue, sizeof(struct job *), 0);
    int err = fetch_in_loop(run);
    acio_queue_close(&run->queue);
    if (err < 0)
        return err;
    report_summary(&run->report);
    if (run->signal)
        return 128 + run->signal;
    return run->report.failed || run->no_folder ? EXIT_SOME_FAILED
                                                : EXIT_ALL_OK;
}

/* A folder that cannot be written to is one line, and each URL a failure. */
static void
open_folder(struct run *run)
{
    run->folder_fd = -1;
    if (!run->options.folder)
        return;
    run->folder_fd = folder_open(run->options.folder);
    if (run->folder_fd >= 0)
        return;
    run->no_folder = true;
    report_say(&run->report, "cannot write to the folder %s: %s",
        run->options.folder, acio_strerror(run->folder_fd));
    report_count(&run->report, "not saved", run->jobs.count);
    jobs_free(&run->jobs);
}

static int
start(struct run *run)
{
    int status = jobs_load(&run->jobs, &run->options, &run->report);
    if (status)
        return status;
    open_folder(run);
    status = acio_run_with(fetch_all, ACIO_ARGS(fetch_all, .run = run),
        &(struct acio_run_options){ .keep_sigint = true });
    if (run->folder_fd >= 0)
        close(run->folder_fd);
    if (status >= 0)
        return status;
    const char *backend = getenv("ACIO_BACKEND");
    report_say(&run->report, "cannot run: %s%s%s", acio_strerror(status),
        backend ? ", with ACIO_BACKEND=" : "", backend ? backend : "");
    return EXIT_SOME_FAILED;
}

int
main(int argc, char **argv)
{
    struct run run = { 0 };
    int status = options_parse(&run.options, argc, argv);
    if (status)
        return status < 0 ? EXIT_ALL_OK : status;
    signal(SIGPIPE, SIG_IGN); /* curl was told not to do so at each call */
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error like others */
    curl_global_init(CURL_GLOBAL_ALL);
    report_init(&run.report, &run.options);
    status = start(&run);
    report_free(&run.report);
    jobs_free(&run.jobs);
    curl_global_cleanup();
    return status;
}
