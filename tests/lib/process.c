/* SPDX-License-Identifier: MIT */
/* process.c - one run of one test in a process of its own
 *
 * Happy path.
 *   - the runner forks; the child leads a process group, writes into a file
 *     in memory, runs the test and looks for leaks;
 *   - the runner waits, sweeps away what is left of the group, and judges
 *     from the exit status and from the memory both share.
 * Failure modes.
 *   - the test hangs: the runner's clock kills the group. The child's own
 *     alarm(2) would be in the way of tests on signals;
 *   - the test kills its process: the output so far is there all the same;
 *   - the runner dies: the kernel kills the child with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

enum { DEFAULT_SECONDS = 20 };

/* The checks reach these from anywhere in a test, without an argument. */
static struct shared *shared;
struct shared *const *const spec_shared = &shared;
static int output;

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(2);
}

void
process_open(void)
{
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap");
    shared = memory;
    output = memfd_create("output", MFD_CLOEXEC);
    if (output < 0)
        die("memfd_create");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Runs the test in this process and looks for leaks. */
void
process_run_here(const struct spec_test *test)
{
    struct holdings before;
    heap_install();
    holdings_note(&before);
    atomic_store(&shared->stage, STAGE_STARTED);
    if (test->run)
        test->run(test);
    else
        test->body();
    holdings_check(&before); /* first: threads on their way out free things */
    if (!(test->flags & SPEC_ANY_HEAP))
        heap_check();
    fflush(stdout);
    atomic_store(&shared->stage, STAGE_FINISHED);
}

static _Noreturn void
child(const struct spec_test *test)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (nothing > STDERR_FILENO)
        close(nothing);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (test->dies)
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    process_run_here(test);
    _exit(0);
}

/* Tests may take longer under an emulator or a checker. */
static unsigned
allowed_seconds(const struct spec_test *test)
{
    const char *scale = getenv("SPEC_TIMEOUT_SCALE");
    unsigned seconds = test->seconds ? test->seconds : DEFAULT_SECONDS;
    unsigned factor = scale ? (unsigned)atoi(scale) : 1;
    return seconds * (factor ? factor : 1);
}

static long long
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until the child has ended, or for `seconds`; it stays a zombie, so
 * that its process group keeps its number. */
static bool
wait_for_end(pid_t pid, unsigned seconds)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    long long deadline = now_ms() + seconds * 1000LL;
    for (;;) {
        siginfo_t info = { 0 };
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
        if (info.si_pid == pid)
            return true;
        long long left = deadline - now_ms();
        if (left <= 0)
            return false;
        struct timespec step = { left / 1000, left % 1000 * 1000000 };
        sigtimedwait(&set, NULL, &step);
    }
}

/* Whether the output holds `text`. */
static bool
output_says(const char *text)
{
    char buffer[65536];
    ssize_t n = pread(output, buffer, sizeof buffer, 0);
    return n > 0 && memmem(buffer, (size_t)n, text, strlen(text));
}

static void fail(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
fail(struct outcome *outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->reason, sizeof outcome->reason, format, args);
    va_end(args);
    outcome->verdict = VERDICT_FAILED;
}

static void
judge_death(const struct spec_test *test, int status, struct outcome *outcome)
{
    if (atomic_load(&shared->failures))
        fail(outcome, "%lu checks failed before it died",
            atomic_load(&shared->failures));
    else if (atomic_load(&shared->stage) != STAGE_STARTED || status == 0)
        fail(outcome, "did not die");
    else if (!output_says(test->dies))
        fail(outcome, "died, but without saying \"%s\"", test->dies);
}

static void
judge_checks(struct outcome *outcome)
{
    unsigned long failures = atomic_load(&shared->failures);
    unsigned long broken = atomic_load(&shared->broken);
    bool tortured = shared->axis != SPEC_TORTURE_NONE;
    if (broken)
        fail(outcome, "%lu broken promises", broken);
    else if (tortured)
        return;
    else if (failures)
        fail(outcome, "%lu of %lu checks failed", failures,
            atomic_load(&shared->checks));
    else if (atomic_load(&shared->stage) == STAGE_STOPPED)
        fail(outcome, "stopped without a failure");
    else if (!atomic_load(&shared->checks))
        fail(outcome, "checks nothing");
}

static void
judge_status(const struct spec_test *test, int status, struct outcome *outcome)
{
    int stage = atomic_load(&shared->stage);
    outcome->verdict = VERDICT_PASSED;
    outcome->reason[0] = '\0';
    if (stage == STAGE_SKIPPED && WEXITSTATUS(status) == EXIT_SKIPPED) {
        outcome->verdict = VERDICT_SKIPPED;
        memcpy(outcome->reason, shared->reason, sizeof shared->reason);
    } else if (test->dies) {
        judge_death(test, status, outcome);
    } else if (WIFSIGNALED(status)) {
        fail(outcome, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        fail(outcome, "exited with %d", WEXITSTATUS(status));
    } else if (stage == STAGE_STARTED) {
        fail(outcome, "left by exit");
    } else {
        judge_checks(outcome);
    }
}

static void
reset(void)
{
    enum spec_torture axis = shared->axis;
    unsigned long n = shared->n;
    memset(shared, 0, sizeof *shared);
    shared->axis = axis;
    shared->n = n;
    if (ftruncate(output, 0) < 0)
        die("ftruncate");
    lseek(output, 0, SEEK_SET);
}

void
process_run(const struct spec_test *test, struct outcome *outcome)
{
    unsigned seconds = allowed_seconds(test);
    reset();
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        child(test);
    setpgid(pid, pid); /* in both, so that neither runs ahead */
    bool ended = wait_for_end(pid, seconds);
    kill(-pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    if (ended)
        judge_status(test, status, outcome);
    else
        fail(outcome, "still running after %u seconds", seconds);
}

void
process_print_output(void)
{
    char buffer[4096];
    off_t at = 0;
    ssize_t n;
    bool line_start = true;
    while ((n = pread(output, buffer, sizeof buffer, at)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (line_start)
                fputs("    ", stdout);
            putchar(buffer[i]);
            line_start = buffer[i] == '\n';
        }
        at += n;
    }
    if (!line_start)
        putchar('\n');
}
