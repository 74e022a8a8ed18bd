/* SPDX-License-Identifier: MIT */
/* Starting a program: what it gets from its parent, and what it does not. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "process_world.h"

SPEC(process_spawn, runs_a_program_that_path_finds)
{
    acio_process *process;
    REQUIRE_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV("true"), NULL),
        0);
    EXPECT(acio_process_pid(process) > 0);
    EXPECT_EQ(acio_process_wait(process), 0);
    acio_process_close(process);
}

SPEC(process_spawn, hands_each_argument_over_as_it_is)
{
    acio_process *process;
    int fd = open_file();
    struct acio_process_options options = { .output = fd };
    int err = acio_create_subprocess_exec(&process,
        ACIO_ARGV("printf", "<%s>", "", "a b", "*", "\\"), &options);
    EXPECT_ERR(err, 0);
    if (err == 0)
        EXPECT_EQ(acio_process_wait(process), 0);
    EXPECT_TEXT(text_in(fd), "<><a b><*><\\>");
    acio_process_close(process);
    close(fd);
}

SPEC(process_spawn, has_a_shell_run_a_command_line)
{
    EXPECT_TEXT(output_of("echo one; echo two | tr o 0",
                    (struct acio_process_options){ 0 }),
        "one\ntw0\n");
}

/* ---- environment and place ---- */

SPEC(process_spawn, inherits_the_environment)
{
    setenv("ACIO_TEST", "inherited", 1);
    EXPECT_TEXT(output_of("echo $ACIO_TEST",
                    (struct acio_process_options){ 0 }),
        "inherited\n");
}

SPEC(process_spawn, takes_the_environment_that_it_is_given_and_no_other)
{
    const char *const env[] = { "ONE=1", NULL };
    setenv("ACIO_TEST", "inherited", 1);
    EXPECT_TEXT(output_of("echo $ONE$ACIO_TEST",
                    (struct acio_process_options){ .env = env }),
        "1\n");
}

SPEC(process_spawn, looks_for_the_program_in_the_path_of_its_environment)
{
    const char *const env[] = { "PATH=/nowhere", NULL };
    struct acio_process_options options = { .env = env };
    acio_process *process;
    EXPECT_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV("true"),
                   &options),
        -ENOENT);
    EXPECT(process == NULL);
}

SPEC(process_spawn, begins_in_the_folder_that_it_is_given)
{
    EXPECT_TEXT(output_of("pwd",
                    (struct acio_process_options){ .cwd = "/usr" }),
        "/usr\n");
}

SPEC(process_spawn, finds_a_relative_program_from_its_own_folder)
{
    acio_process *process;
    struct acio_process_options options = { .cwd = "/bin" };
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("./true"),
        &options);
    EXPECT_ERR(err, 0);
    if (err == 0)
        EXPECT_EQ(acio_process_wait(process), 0);
    acio_process_close(process);
}

/* ---- process groups ---- */

/* pid, process group, session of a shell; the words of ps are not needed. */
static const char *
ids_of(struct acio_process_options options, long ids[3])
{
    const char *text = output_of("cut -d' ' -f5,6 /proc/$$/stat; echo $$",
        options);
    ids[0] = ids[1] = ids[2] = -1;
    EXPECT_EQ(sscanf(text, "%ld %ld %ld", &ids[1], &ids[2], &ids[0]), 3);
    return text;
}

SPEC(process_spawn, stays_in_its_parents_process_group)
{
    long ids[3];
    ids_of((struct acio_process_options){ 0 }, ids);
    EXPECT_EQ(ids[1], getpgrp());
    EXPECT_EQ(ids[2], getsid(0));
}

SPEC(process_spawn, leads_a_process_group_where_it_is_told_to)
{
    long ids[3];
    ids_of((struct acio_process_options){ .new_group = true }, ids);
    EXPECT_EQ(ids[1], ids[0]);
    EXPECT_EQ(ids[2], getsid(0));
}

SPEC(process_spawn, leads_a_session_where_it_is_told_to)
{
    long ids[3];
    ids_of((struct acio_process_options){ .new_session = true }, ids);
    EXPECT_EQ(ids[1], ids[0]);
    EXPECT_EQ(ids[2], ids[0]);
}

SPEC(process_spawn, joins_the_process_group_of_another)
{
    acio_process *leader = shell("exec cat",
        &(struct acio_process_options){ .new_group = true,
            .input = ACIO_DEVNULL });
    if (!leader)
        return;
    long ids[3];
    pid_t group = acio_process_pid(leader);
    ids_of((struct acio_process_options){ .group = group }, ids);
    acio_process_close(leader);
    EXPECT_EQ(ids[1], group);
}

/* ---- standard descriptors ---- */

SPEC(process_spawn, keeps_standard_descriptors_that_nobody_speaks_of)
{
    int fd = open_file(), before = dup(1);
    fflush(stdout);
    dup2(fd, 1);
    int status = status_of("echo hello", NULL);
    dup2(before, 1);
    EXPECT_EQ(status, 0);
    EXPECT_TEXT(text_in(fd), "hello\n");
    close(before);
    close(fd);
}

SPEC(process_spawn, reads_the_end_of_file_from_no_device)
{
    EXPECT_TEXT(output_of("cat; echo end",
                    (struct acio_process_options){ .input = ACIO_DEVNULL }),
        "end\n");
}

SPEC(process_spawn, writes_into_no_device)
{
    EXPECT_EQ(status_of("echo hello && echo hello >&2",
                  &(struct acio_process_options){ .output = ACIO_DEVNULL,
                      .errors = ACIO_DEVNULL }),
        0);
}

SPEC(process_spawn, sends_its_errors_where_its_output_goes)
{
    EXPECT_TEXT(output_of("echo one; echo two >&2; echo three",
                    (struct acio_process_options){ .errors = ACIO_STDOUT }),
        "one\ntwo\nthree\n");
}

SPEC(process_spawn, sends_its_errors_to_an_output_that_is_not_redirected)
{
    int fd = open_file(), before = dup(1);
    fflush(stdout);
    dup2(fd, 1);
    int status = status_of("echo hello >&2",
        &(struct acio_process_options){ .errors = ACIO_STDOUT });
    dup2(before, 1);
    EXPECT_EQ(status, 0);
    EXPECT_TEXT(text_in(fd), "hello\n");
    close(before);
    close(fd);
}

/* Each is the source of another, and must not be overwritten before. */
SPEC(process_spawn, exchanges_standard_descriptors)
{
    int one = open_file(), two = open_file();
    int before_one = dup(1), before_two = dup(2);
    fflush(stdout);
    dup2(one, 1);
    dup2(two, 2);
    int status = status_of("echo out; echo err >&2",
        &(struct acio_process_options){ .output = 2, .errors = 1 });
    dup2(before_one, 1);
    dup2(before_two, 2);
    EXPECT_EQ(status, 0);
    EXPECT_TEXT(text_in(one), "err\n");
    EXPECT_TEXT(text_in(two), "out\n");
    close(one);
    close(two);
    close(before_one);
    close(before_two);
}

/* Then new descriptors get these numbers. */
SPEC(process_spawn, works_where_standard_descriptors_are_closed)
{
    int fd = open_file(), before[3];
    ACIO_SHIELD(shield); /* nothing of it may be left when they are back */
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        before[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
        close(i);
    }
    int status = status_of("cat; echo hello; echo world >&2",
        &(struct acio_process_options){ .input = ACIO_DEVNULL,
            .output = fd,
            .errors = ACIO_STDOUT });
    for (int i = 0; i < 3; i++) {
        dup2(before[i], i);
        close(before[i]);
    }
    EXPECT_EQ(status, 0);
    EXPECT_TEXT(text_in(fd), "hello\nworld\n");
    close(fd);
}

SPEC(process_spawn, leaves_the_callers_descriptor_open)
{
    int fd = open_file();
    EXPECT_EQ(status_of("echo one",
                  &(struct acio_process_options){ .output = fd }),
        0);
    EXPECT_EQ(status_of("echo two",
                  &(struct acio_process_options){ .output = fd }),
        0);
    EXPECT_TEXT(text_in(fd), "one\ntwo\n");
    close(fd);
}

/* ---- other descriptors ---- */

/* The numbers of the descriptors a child has, that of the list left out. */
#define LIST_DESCRIPTORS                                                       \
    "cd /proc/self/fd && for fd in *; do "                                     \
    "test -e $fd && echo -n \"$fd \"; done; true"

SPEC(process_spawn, has_no_descriptor_that_it_was_not_given)
{
    int open_at_exec = dup(0); /* not even one that stays open at an exec */
    EXPECT_TEXT(output_of(LIST_DESCRIPTORS, (struct acio_process_options){ 0 }),
        "0 1 2 ");
    close(open_at_exec);
}

SPEC(process_spawn, has_the_descriptors_that_are_passed_with_their_numbers)
{
    int given = fcntl(0, F_DUPFD_CLOEXEC, 30);
    int other = fcntl(0, F_DUPFD, 40);
    const int fds[] = { given, 60 };
    REQUIRE_EQ(dup2(0, 60), 60);
    EXPECT_TEXT(output_of(LIST_DESCRIPTORS,
                    (struct acio_process_options){ .pass_fds = fds,
                        .pass_fds_count = 2 }),
        "0 1 2 30 60 ");
    EXPECT_EQ(fcntl(given, F_GETFD), FD_CLOEXEC);
    close(given);
    close(other);
    close(60);
}

/* ---- signals ---- */

static void
ignore(int signum)
{
    (void)signum;
}

#define BIT(signum) (1ULL << ((signum)-1))

/* Signals of the C library's own, which a program can neither see nor set. */
#define HIDDEN (BIT(32) | BIT(33))

/* A line of /proc/self/status as a number. */
static unsigned long long
signal_set(const char *name)
{
    unsigned long long set = ~0ULL;
    const char *line = strstr(output_of("exec cat /proc/self/status",
                                  (struct acio_process_options){ 0 }),
        name);
    EXPECT(line && sscanf(line + strlen(name), ":\t%llx", &set) == 1);
    return set & ~HIDDEN;
}

SPEC(process_spawn, has_no_signal_blocked_nor_ignored_that_the_caller_has_not)
{
    struct sigaction handler = { .sa_handler = ignore };
    sigaction(SIGUSR1, &handler, NULL);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(signal_set("SigBlk"), 0);
    EXPECT_EQ(signal_set("SigIgn"), 0);
    EXPECT_EQ(signal_set("SigCgt"), 0);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

SPEC(process_spawn, has_the_callers_mask_and_ignored_signals)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, SIG_IGN);
    EXPECT_EQ(signal_set("SigBlk"), BIT(SIGUSR2));
    EXPECT_EQ(signal_set("SigIgn"), BIT(SIGHUP));
    signal(SIGHUP, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

SPEC(process_spawn, leaves_the_callers_mask_and_handlers_alone)
{
    sigset_t before, after;
    struct sigaction handler = { .sa_handler = ignore }, now;
    sigaction(SIGUSR1, &handler, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    EXPECT_EQ(status_of("true", NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signum = 1; signum < NSIG; signum++)
        EXPECT_EQ(sigismember(&after, signum), sigismember(&before, signum));
    sigaction(SIGUSR1, NULL, &now);
    EXPECT(now.sa_handler == ignore);
    signal(SIGUSR1, SIG_DFL);
}

/* ---- what goes wrong ---- */

static void
expect_failure(const char *const *argv, struct acio_process_options options,
    int wanted, const char *wanted_text)
{
    char text[200] = "not touched";
    acio_process *process = (acio_process *)"not touched";
    options.error_text = text;
    options.error_text_bytes = sizeof text;
    EXPECT_ERR(acio_create_subprocess_exec(&process, argv, &options), wanted);
    EXPECT_TEXT(text, wanted_text);
    ALWAYS(process == NULL);
}

/* An executable file with this content, at a path in /tmp. */
static const char *
write_script(char path[], const char *content, mode_t mode)
{
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    REQUIRE_EQ(write(fd, content, strlen(content)), (long)strlen(content));
    REQUIRE_EQ(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

SPEC(process_spawn, tells_of_a_program_that_is_nowhere)
{
    expect_failure(ACIO_ARGV("no-such-program"),
        (struct acio_process_options){ 0 }, -ENOENT,
        "cannot start no-such-program, looked for in PATH: "
        "No such file or directory");
    expect_failure(ACIO_ARGV("/no/such/program"),
        (struct acio_process_options){ 0 }, -ENOENT,
        "cannot start /no/such/program: No such file or directory");
}

SPEC(process_spawn, tells_a_folder_that_is_not_there_from_a_program)
{
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .cwd = "/nowhere" }, -ENOENT,
        "cannot start true in the folder /nowhere: No such file or directory");
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .cwd = "/etc/passwd" }, -ENOTDIR,
        "cannot start true in the folder /etc/passwd: Not a directory");
}

SPEC(process_spawn, tells_of_a_program_that_is_none)
{
    expect_failure(ACIO_ARGV("/etc/passwd/program"),
        (struct acio_process_options){ 0 }, -ENOTDIR,
        "cannot start /etc/passwd/program: Not a directory");
    expect_failure(ACIO_ARGV("/etc"), (struct acio_process_options){ 0 },
        -EACCES, "cannot start /etc: Permission denied");
    expect_failure(ACIO_ARGV(""), (struct acio_process_options){ 0 }, -ENOENT,
        "cannot start : No such file or directory");
}

SPEC(process_spawn, tells_of_a_script_whose_interpreter_is_missing)
{
    char path[] = "/tmp/acio-spec-XXXXXX", wanted[200];
    if (spec_under_valgrind())
        SKIP("Valgrind dies of an exec that fails so late");
    write_script(path, "#!/no/such/interpreter\n", 0700);
    snprintf(wanted, sizeof wanted,
        "cannot start %s: its interpreter: "
        "No such file or directory",
        path);
    expect_failure(ACIO_ARGV(path), (struct acio_process_options){ 0 }, -ENOENT,
        wanted);
    unlink(path);
}

SPEC(process_spawn, goes_on_looking_behind_a_file_that_may_not_be_run)
{
    char folder[] = "/tmp/acio-spec-XXXXXX", path[100], list[100];
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/true", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(list, sizeof list, "PATH=%s:/bin:/usr/bin", folder);
    const char *const env[] = { list, NULL };
    acio_process *process;
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("true"),
        &(struct acio_process_options){ .env = env });
    EXPECT_ERR(err, 0);
    if (err == 0)
        EXPECT_EQ(acio_process_wait(process), 0);
    acio_process_close(process);
    list[strcspn(list, ":")] = '\0';
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .env = env }, -EACCES,
        "cannot start true: Permission denied");
    unlink(path);
    rmdir(folder);
}

SPEC(process_spawn, refuses_descriptors_that_are_none)
{
    const int fds[] = { 999 };
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .output = 999 }, -EBADF,
        "cannot start true: Bad file descriptor");
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .pass_fds = fds, .pass_fds_count = 1 },
        -EBADF, "cannot start true: Bad file descriptor");
}

static int
start_with_limit(acio_process **out, rlim_t descriptors)
{
    struct rlimit before, few;
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = descriptors;
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    int err = acio_create_subprocess_exec(out, ACIO_ARGV("true"),
        &(struct acio_process_options){ .input = ACIO_PIPE,
            .output = ACIO_PIPE,
            .errors = ACIO_PIPE });
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    return err;
}

/* One more each time, so that they run out at each place in turn. */
SPEC(process_spawn, leaves_nothing_where_descriptors_run_out)
{
    acio_process *process = NULL;
    int err = -EMFILE;
    for (rlim_t i = 3; i < 100 && err == -EMFILE; i++) {
        err = start_with_limit(&process, i);
        EXPECT((err == 0) == (process != NULL));
        settle(); /* the failed one's streams are closed */
    }
    EXPECT_ERR(err, 0);
    if (process)
        EXPECT_EQ(acio_process_wait(process), 0);
    acio_process_close(process);
}

SPEC(process_spawn, refuses_options_that_contradict_each_other)
{
    acio_process *process;
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .new_session = true, .new_group = true },
        -EINVAL, "cannot start true: Invalid argument");
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .output = ACIO_STDOUT }, -EINVAL,
        "cannot start true: Invalid argument");
    EXPECT_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV(NULL), NULL),
        -EINVAL);
    EXPECT_ERR(acio_create_subprocess_shell(&process, NULL, NULL), -EINVAL);
}

SPEC(process_spawn, tells_of_a_process_group_that_is_not_there)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted,
        "cannot start true in process group %d: "
        "Operation not permitted",
        1);
    expect_failure(ACIO_ARGV("true"),
        (struct acio_process_options){ .group = 1 }, -EPERM, wanted);
}

TEST(process_spawn, is_refused_outside_of_a_task)
{
    acio_process *process;
    EXPECT_ERR(acio_create_subprocess_exec(&process, ACIO_ARGV("true"), NULL),
        -ACIO_ENOTASK);
    EXPECT_ERR(acio_process_wait(NULL), -ACIO_ENOTASK);
    acio_process_close(NULL);
}

/* ---- beside other threads ---- */

struct forker {
    pthread_t thread;
    atomic_bool stop;
    int forks, failures;
};

/* Processes that neither exec nor close what they have got. */
static void *
fork_again_and_again(void *arg)
{
    struct forker *forker = arg;
    while (!atomic_load(&forker->stop)) {
        pid_t pid = fork();
        if (pid == 0) {
            usleep(2000);
            _exit(0);
        }
        forker->failures += pid < 0 || waitpid(pid, NULL, 0) != pid;
        forker->forks++;
    }
    return NULL;
}

SPEC_LARGE(process_spawn, is_not_disturbed_by_forks_of_other_threads)
{
    struct forker forker = { 0 };
    if (spec_under_valgrind())
        SKIP("under Valgrind a thread that forks lets no other run");
    REQUIRE_EQ(pthread_create(&forker.thread, NULL, fork_again_and_again,
                   &forker),
        0);
    for (int i = 0; i < 30; i++) {
        EXPECT_TEXT(output_of(LIST_DESCRIPTORS,
                        (struct acio_process_options){ 0 }),
            "0 1 2 ");
        expect_failure(ACIO_ARGV("/no/such/program"),
            (struct acio_process_options){ 0 }, -ENOENT,
            "cannot start /no/such/program: No such file or directory");
    }
    atomic_store(&forker.stop, true);
    pthread_join(forker.thread, NULL);
    EXPECT(forker.forks > 0);
    EXPECT_EQ(forker.failures, 0);
}
