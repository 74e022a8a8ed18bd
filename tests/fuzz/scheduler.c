/* SPDX-License-Identifier: MIT */
/* scheduler.c - random programs against the model
 *
 *     build/tests/fuzz/scheduler --seeds 1..100000
 *     build/tests/fuzz/scheduler --minutes 10        (beginning at --seeds)
 *     build/tests/fuzz/scheduler --seed 4711         (one program, as it is)
 *
 * Idea.     A child process runs many programs, so that a crash, a panic or a
 *           program that does not end is one more way to fail. What failed is
 *           told over memory that both share, and what was said on standard
 *           error over a file. Then the parent makes the program small, with a
 *           child for each attempt.
 * Failing.  A smaller program has to fail by the same rule, so that one bug
 *           is not left for another on the way.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <acio/alloc.h>

#include "model.h"
#include "run.h"
#include "shrink.h"

enum {
    BATCH = 1000,        /* programs of one child */
    PROGRAM_SECONDS = 5, /* of processor time; real ones it may be ten times */
    SENTENCE = 512,
    FAILED = 1 /* exit status of a child that knows why */
};

/* What a child tells its parent. */
struct report {
    uint64_t seed; /* the one under way */
    char sentence[SENTENCE];
    const char *rule; /* tells failures of one kind; the same in both */
    struct run_stats stats;
};

/* model_fail and the allocator have no argument to reach these by. */
static struct report *report;
static size_t live_blocks;
static int said; /* a file: what children say on standard error */

/* ---- in the child ---- */

void
model_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(report->sentence, SENTENCE, format, args);
    va_end(args);
    report->rule = format;
    fflush(NULL);
    _exit(FAILED);
}

static void *
count_malloc(size_t bytes)
{
    void *memory = malloc(bytes);
    live_blocks += memory != NULL;
    return memory;
}

static void *
count_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    live_blocks += memory && !old;
    return memory;
}

static void
count_free(void *memory)
{
    live_blocks -= memory != NULL;
    free(memory);
}

static void
limit_time(void)
{
    struct itimerval limit = { .it_value.tv_sec = PROGRAM_SECONDS };
    setitimer(ITIMER_PROF, &limit, NULL);
    alarm(PROGRAM_SECONDS * 10);
}

static void
run_one(const struct program *program, FILE *trace)
{
    report->seed = program->seed;
    limit_time();
    run_program(program, &report->stats, trace);
    if (live_blocks > 0)
        model_fail("%zu blocks of heap were left after the run", live_blocks);
}

/* ---- in the parent ---- */

static void
begin_child(void)
{
    static const struct acio_allocator counting = { count_malloc, count_realloc,
        count_free };
    acio_set_allocator(&counting);
    unsetenv("ACIO_SIM_SEED");
    dup2(said, STDERR_FILENO);
}

/* What made a child end, where it could not say so. */
static void
explain(int status)
{
    static const char panic[] = "the library said: ",
                      time_up[] =
                          "it does not end: there was more than enough time",
                      signalled[] = "the process ended by a signal: ";
    char text[SENTENCE / 2] = "";
    ssize_t n = pread(said, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED && !*text)
        return;
    if (number == SIGPROF || number == SIGALRM)
        report->rule = time_up;
    else
        report->rule = *text ? panic : signalled;
    snprintf(report->sentence, SENTENCE, "%s%s", report->rule,
        report->rule == time_up ? ""
            : *text             ? text
                                : strsignal(number));
}

/* Runs `body` in a child; true where it came to its end. */
static bool
run_in_child(void (*body)(void *arg), void *arg)
{
    if (ftruncate(said, 0) < 0 || lseek(said, 0, SEEK_SET) < 0)
        abort();
    report->rule = NULL;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        begin_child();
        body(arg);
        fflush(NULL);
        _exit(0);
    }
    int status = 0;
    while (pid < 0 || (waitpid(pid, &status, 0) < 0 && errno == EINTR)) {
        if (pid < 0)
            abort();
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    explain(status);
    return false;
}

/* ---- one program ---- */

struct attempt {
    const struct program *program;
    FILE *trace;
};

static void
run_attempt(void *arg)
{
    const struct attempt *attempt = arg;
    run_one(attempt->program, attempt->trace);
}

static bool
fails(const struct program *program, void *rule)
{
    struct attempt attempt = { program, NULL };
    return !run_in_child(run_attempt, &attempt) && report->rule == rule;
}

static void
show_failure(const struct program *program)
{
    struct program small = *program;
    const char *rule = report->rule;
    printf("seed %ju: %s\n", (uintmax_t)program->seed, report->sentence);
    program_shrink(&small, fails, (void *)rule);
    printf("\nThe smallest program that fails like that:\n\n");
    program_print(&small, stdout);
    printf("\nWhat happens in it:\n\n");
    (void)run_in_child(run_attempt, &(struct attempt){ &small, stdout });
    printf("\n%s\n", report->sentence);
    printf("\nTo repeat it: %s --seed %ju\n", program_invocation_name,
        (uintmax_t)program->seed);
}

/* ---- many programs ---- */

struct range {
    uint64_t first, last;
};

static void
run_range(void *arg)
{
    const struct range *range = arg;
    struct program program;
    for (uint64_t seed = range->first; seed <= range->last; seed++) {
        program_make(&program, seed);
        run_one(&program, NULL);
    }
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
show_stats(double seconds, bool verbose)
{
    const struct run_stats *stats = &report->stats;
    printf("%ju programs, %ju steps, %.0f programs per second\n",
        (uintmax_t)stats->programs, (uintmax_t)stats->steps,
        (double)stats->programs / seconds);
    printf("in %ju of them everything waited for ever, as it should\n",
        (uintmax_t)stats->deadlocks);
    for (int i = 0; i < STEP_KINDS && verbose; i++) {
        struct step step = { .kind = (uint8_t)i };
        char text[STEP_TEXT];
        step_describe(&step, text);
        printf("%12ju %12ju cancelled %12ju timed out  %s\n",
            (uintmax_t)stats->answers[i][OUTCOME_OK],
            (uintmax_t)stats->answers[i][OUTCOME_CANCELED],
            (uintmax_t)stats->answers[i][OUTCOME_TIMEDOUT], text);
    }
}

struct options {
    struct range range;
    double minutes; /* 0: until the last seed */
    bool one, verbose;
};

static bool
run_many(const struct options *options)
{
    double began = seconds_now();
    double end = began + options->minutes * 60;
    struct range batch = { options->range.first, 0 };
    bool good = true;
    while (good && batch.first <= options->range.last &&
        (options->minutes == 0 || seconds_now() < end)) {
        uint64_t left = options->range.last - batch.first;
        batch.last = batch.first + (left < BATCH ? left : BATCH - 1);
        good = run_in_child(run_range, &batch);
        batch.first = batch.last + 1;
    }
    show_stats(seconds_now() - began, options->verbose);
    return good;
}

static bool
run_single(uint64_t seed)
{
    struct program program;
    program_make(&program, seed);
    bool good = run_in_child(run_attempt, &(struct attempt){ &program, NULL });
    if (good) {
        program_print(&program, stdout);
        printf("\nWhat happens in it:\n\n");
        (void)run_in_child(run_attempt, &(struct attempt){ &program, stdout });
    }
    return good;
}

/* ---- the command line ---- */

static int
usage(void)
{
    fprintf(stderr,
        "usage: scheduler [--verbose] [--minutes N] [--seeds A..B]\n"
        "       scheduler --seed N\n");
    return 2;
}

static bool
read_value(struct options *options, const char *name, const char *value)
{
    char *end;
    if (strcmp(name, "--minutes") == 0) {
        options->minutes = strtod(value, &end);
        options->range.last = UINT64_MAX - BATCH;
        return *value && !*end && options->minutes > 0;
    }
    options->range.first = options->range.last = strtoull(value, &end, 10);
    options->one = strcmp(name, "--seed") == 0;
    if (options->one)
        return *value && !*end;
    bool has_end = strncmp(end, "..", 2) == 0;
    if (has_end)
        options->range.last = strtoull(end + 2, &end, 10);
    return strcmp(name, "--seeds") == 0 && has_end && !*end;
}

int
main(int argc, char **argv)
{
    struct options options = { .range = { 1, 100000 } };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            options.verbose = true;
        else if (i + 1 == argc || !read_value(&options, argv[i], argv[i + 1]))
            return usage();
        else
            i++;
    }
    said = memfd_create("said", MFD_CLOEXEC);
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said < 0 || report == MAP_FAILED) {
        perror("scheduler");
        return 1;
    }
    bool good = options.one ? run_single(options.range.first)
                            : run_many(&options);
    if (!good) {
        struct program program;
        program_make(&program, report->seed);
        show_failure(&program);
    }
    return good ? 0 : 1;
}
