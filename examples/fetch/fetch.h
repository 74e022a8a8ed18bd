/* SPDX-License-Identifier: MIT */
/* fetch.h - what the parts of fetch share
 *
 *     main.c      sets up, runs the workers, decides the exit status
 *     options.c   the command line
 *     jobs.c      URLs and the names of their files
 *     transfer.c  one URL: its attempts, and why one failed
 *     save.c      one body, on its way from curl to a file
 *     report.c    progress, failures, the summary
 *     demo.c      a server to be fetched from
 */
#ifndef FETCH_H
#define FETCH_H

#include <acio.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>

enum { EXIT_ALL_OK = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE = 2 };

struct options {
    const char *input;  /* a file of URLs, "-" for stdin; NULL: none */
    const char *folder; /* where bodies go; NULL: nowhere */
    const char *ca_file;
    char *const *urls; /* from the command line */
    int url_count;
    int concurrency; /* 0: as many as suit */
    int retries;
    double timeout; /* of one attempt, in seconds */
    bool json, quiet;
};

/* Fills `out`; returns 0, or the exit status after having said why. -1: said
 * what was asked (--help), and that was all. */
int options_parse(struct options *out, int argc, char **argv);

/* ---- jobs ---- */

struct job {
    char *url;
    char *name; /* of its file */
    size_t number;
};

struct jobs {
    struct job *at;
    size_t count, room;
};

struct report;

/* Adds a URL. One that is none is reported, with `place` in front. False
 * without memory. */
bool jobs_add(struct jobs *jobs, const char *url, const char *place,
    struct report *report);

/* Adds what the options name. Returns 0 or an exit status. */
int jobs_load(struct jobs *jobs, const struct options *options,
    struct report *report);

/* Gives each job a file name of its own. False without memory. */
bool jobs_name_files(struct jobs *jobs);

void jobs_free(struct jobs *jobs);

/* ---- report ---- */

/* How one URL ended. */
struct outcome {
    int error;       /* negative; 0 where all went well */
    char reason[32]; /* in a word or two */
    char detail[CURL_ERROR_SIZE + 64];
    long status;        /* of HTTP */
    size_t bytes;       /* of the body */
    double seconds;     /* of all attempts, without the pauses between */
    double retry_after; /* what the server asked for */
};

/* How often a reason came. The last of them stands for all further ones. */
struct tally {
    char reason[32];
    size_t count;
};

enum { TALLIES = 64 };

struct report {
    const struct options *options;
    const char *backend;
    size_t total, ok, failed;
    unsigned long long bytes;
    struct tally tallies[TALLIES];
    size_t tally_count;
    double *times; /* of what went well; room for `total` */
    double sequential_s, started, elapsed_s;
    bool bar;       /* stderr is a terminal, and a bar is wanted */
    bool bar_drawn; /* on the line where the cursor is */
};

void report_init(struct report *report, const struct options *options);

/* False without memory. */
bool report_expect(struct report *report, size_t total);

/* One line on stderr. */
void report_say(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Counts `count` failures without a line. */
void report_count(struct report *report, const char *reason, size_t count);

void report_outcome(struct report *report, const struct job *job,
    const struct outcome *outcome);

/* A task: shows progress until it is cancelled. */
struct report_progress_args {
    struct report *report;
};
int report_progress(void *arg);

void report_summary(struct report *report);

/* 1234567 as 1,234,567. */
void format_count(char *out, size_t bytes, unsigned long long number);

void report_free(struct report *report);

/* ---- one URL ---- */

struct fetching {
    const struct options *options;
    struct report *report;
    int folder_fd; /* -1: bodies go nowhere */
};

/* Fetches, again where that makes sense. `easy` is used and left reset. */
void transfer_job(const struct fetching *fetching, CURL *easy,
    const struct job *job, struct outcome *out);

/* ---- one body ---- */

struct body {
    CURL *easy;
    acio_queue chunks; /* from curl to the task that writes */
    int folder_fd;     /* -1: it is only counted */
    const struct job *job;
    size_t bytes;
    bool paused;      /* curl waits for a place in the queue */
    bool save_failed; /* and not the transfer */
};

void body_init(struct body *body, CURL *easy, int folder_fd,
    const struct job *job);

/* Runs the transfer, and writes what comes into the job's file. */
int body_fetch(struct body *body);

void body_close(struct body *body);

/* Opens the folder, makes it where there is none. Returns the fd or a negative
 * errno. */
int folder_open(const char *path);

/* ---- the demonstration ---- */

struct demo;

/* Starts a server in the running loop, and adds URLs of it. 0 or a negative
 * error. */
int demo_start(struct demo **out, struct jobs *jobs, struct report *report);
void demo_stop(struct demo *demo);

#endif
