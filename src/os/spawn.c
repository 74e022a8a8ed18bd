/* SPDX-License-Identifier: MIT */
/* spawn.c - a program started in a child
 *
 * Idea.       The child shares the parent's memory until it runs the program,
 *             and the thread that made it stands still meanwhile: vfork(2). So
 *             nothing is copied, however large the parent is; and what went
 *             wrong lies in the parent's memory when that goes on.
 *
 * Rule.       In the child there are only system calls, made directly: the C
 *             library's functions, and the sanitizers' in front of them, may
 *             note in shared memory what is true of the child alone.
 *
 * Signals.    None is let through while both share memory: the child first
 *             takes the handlers away, then lets in what the caller lets in.
 *
 * Descriptors. All above 2 are told to close themselves at the exec, and
 *             then the chosen ones not to. A source that is itself 0, 1 or 2
 *             is copied out of the way before any of these is replaced.
 *
 * Emulators.  Valgrind, qemu and ThreadSanitizer make a fork(2) of this. The
 *             child's word does not reach the parent's memory then, so it is
 *             sent through a pipe too, which closes itself at the exec.
 */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    KERNEL_SIGNALS = 64,
    SIGNAL_SET_BYTES = KERNEL_SIGNALS / 8,
    CLOEXEC_RANGE = 1 << 2, /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
    ABOVE_STANDARD = 3
};

/* What the child finds wrong; `error` is 0 where nothing is. */
struct report {
    int error;
    enum acioi_spawn_step step;
};

struct child {
    const struct acioi_spawn *spawn;
    uint64_t mask; /* the caller's */
    int pipe[2];
    volatile bool ran; /* and shares our memory */
    struct report report;
};

/* ---- in the child ---- */

/* The kernel's own struct differs from processor to processor; it begins with
 * the handler, and all zero is the default. */
static void
reset_handlers(void)
{
    for (int signum = 1; signum <= KERNEL_SIGNALS; signum++) {
        const uintptr_t standard[8] = { (uintptr_t)SIG_DFL };
        uintptr_t now[8] = { 0 };
        if (syscall(SYS_rt_sigaction, signum, NULL, now, SIGNAL_SET_BYTES) < 0)
            continue;
        bool ignored = now[0] == (uintptr_t)SIG_IGN && signum != SIGPIPE;
        if (now[0] != (uintptr_t)SIG_DFL && !ignored)
            syscall(SYS_rt_sigaction, signum, standard, NULL, SIGNAL_SET_BYTES);
    }
}

static int
set_cloexec(int fd, bool on)
{
    return (int)syscall(SYS_fcntl, fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

/* The number that is the name of an entry of /proc/self/fd, or -1. */
static int
number_of(const char *name)
{
    int number = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    return *name ? -1 : number;
}

struct entry { /* linux_dirent64 */
    uint64_t inode;
    int64_t offset;
    unsigned short bytes;
    unsigned char type;
    char name[];
};

/* For kernels without close_range(2). */
static int
cloexec_listed(void)
{
    _Alignas(struct entry) char buffer[1024];
    long bytes;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd",
        O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    while ((bytes = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < bytes;) {
            const struct entry *entry = (const void *)(buffer + at);
            int found = number_of(entry->name);
            if (found >= ABOVE_STANDARD)
                (void)set_cloexec(found, true);
            at += entry->bytes;
        }
    }
    return (int)bytes;
}

static int
keep_passed(const struct acioi_spawn *spawn)
{
    if (syscall(SYS_close_range, ABOVE_STANDARD, ~0U, CLOEXEC_RANGE) < 0 &&
        cloexec_listed() < 0)
        return -1;
    for (size_t i = 0; i < spawn->pass_fds_count; i++) {
        if (set_cloexec(spawn->pass_fds[i], false) < 0)
            return -1;
    }
    return 0;
}

static int
place_standard(const struct acioi_spawn *spawn)
{
    int from[3];
    for (int i = 0; i < 3; i++) {
        from[i] = spawn->ends[i];
        if (from[i] >= 0 && from[i] < ABOVE_STANDARD && from[i] != i)
            from[i] = (int)syscall(SYS_fcntl, from[i], F_DUPFD_CLOEXEC,
                ABOVE_STANDARD);
        if (from[i] < 0 && spawn->ends[i] >= 0)
            return -1;
    }
    for (int i = 0; i < 3; i++) {
        long done = 0;
        if (from[i] == i)
            done = set_cloexec(i, false);
        else if (from[i] >= 0)
            done = syscall(SYS_dup3, from[i], i, 0);
        if (done < 0)
            return -1;
    }
    return 0;
}

static int
join_group(const struct acioi_spawn *spawn)
{
    if (spawn->new_session)
        return (int)syscall(SYS_setsid);
    if (spawn->new_group || spawn->group)
        return (int)syscall(SYS_setpgid, 0, spawn->group);
    return 0;
}

/* As with execvp(3), all paths are tried; of their errors the first one counts
 * that tells more than that nothing is there. */
static struct report
execute(const struct acioi_spawn *spawn)
{
    struct report report = { .error = ENOENT, .step = ACIOI_SPAWN_EXEC };
    bool told = false;
    for (size_t i = 0; spawn->paths[i]; i++) {
        const char *path = spawn->paths[i];
        syscall(SYS_execve, path, spawn->argv, spawn->env);
        int error = errno;
        bool there = error == ENOENT &&
            syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
        bool tells = there || !spawn->paths[1] ||
            (error != ENOENT && error != ENOTDIR);
        if (tells && !told)
            report = (struct report){ error,
                there ? ACIOI_SPAWN_INTERPRETER : ACIOI_SPAWN_EXEC };
        told = told || tells;
    }
    return report;
}

static struct report
set_up_and_execute(const struct child *child)
{
    const struct acioi_spawn *spawn = child->spawn;
    reset_handlers();
    if (keep_passed(spawn) < 0 || place_standard(spawn) < 0)
        return (struct report){ errno, ACIOI_SPAWN_DESCRIPTORS };
    if (join_group(spawn) < 0)
        return (struct report){ errno, ACIOI_SPAWN_GROUP };
    if (spawn->cwd && syscall(SYS_chdir, spawn->cwd) < 0)
        return (struct report){ errno, ACIOI_SPAWN_CWD };
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &child->mask, NULL,
        SIGNAL_SET_BYTES);
    return execute(spawn);
}

static void
run_child(struct child *child)
{
    child->ran = true;
    child->report = set_up_and_execute(child);
    syscall(SYS_write, child->pipe[1], &child->report, sizeof child->report);
    syscall(SYS_exit_group, 127);
}

/* ---- in the parent ---- */

static void
wait_for_failed(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        /* it is about to end */
    }
}

static void
read_report(struct child *child)
{
    ssize_t n;
    do {
        n = read(child->pipe[0], &child->report, sizeof child->report);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof child->report)
        child->report.error = 0; /* the pipe closed itself */
}

/* A function of its own, which has nothing in its frame that the child, on
 * the same stack, could change. */
static __attribute__((noinline)) pid_t
fork_child(struct child *child)
{
    pid_t pid = vfork(); /* NOLINT: the child makes system calls only */
    if (pid == 0)
        run_child(child); /* NOLINT */
    return pid;
}

static pid_t
fork_without_signals(struct child *child)
{
    const uint64_t all = UINT64_MAX;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &child->mask,
        SIGNAL_SET_BYTES);
    pid_t pid = fork_child(child);
    int error = errno;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &child->mask, NULL,
        SIGNAL_SET_BYTES);
    return pid < 0 ? -error : pid;
}

int
acioi_fd_above_standard(int fd)
{
    if (fd < 0 || fd >= ABOVE_STANDARD)
        return fd;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_STANDARD);
    int err = copy < 0 ? -errno : copy;
    close(fd);
    return err;
}

static int
open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    ends[1] = acioi_fd_above_standard(ends[1]);
    if (ends[1] >= 0)
        return 0;
    close(ends[0]);
    return ends[1];
}

pid_t
acioi_spawn(struct acioi_spawn *spawn)
{
    struct child child = { .spawn = spawn };
    spawn->step = ACIOI_SPAWN_FORK;
    int err = open_pipe(child.pipe);
    if (err < 0)
        return err;
    pid_t pid = fork_without_signals(&child);
    close(child.pipe[1]);
    if (pid >= 0 && !child.ran)
        read_report(&child);
    close(child.pipe[0]);
    if (pid < 0 || child.report.error == 0)
        return pid;
    wait_for_failed(pid);
    spawn->step = child.report.step;
    return -child.report.error;
}

/* ---- where the program may be ---- */

static const char *
search_list(const char *const *env)
{
    for (; *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    }
    return "/bin:/usr/bin";
}

static size_t
count_parts(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ':';
    return count;
}

/* Writes "folder/name", and "name" for an empty folder; where it ends. */
static char *
join(char *at, const char *folder, size_t bytes, const char *name)
{
    memcpy(at, folder, bytes);
    at += bytes;
    if (bytes)
        *at++ = '/';
    size_t rest = strlen(name) + 1;
    memcpy(at, name, rest);
    return at + rest;
}

const char *const *
acioi_spawn_paths(const char *name, const char *const *env)
{
    bool is_path = strchr(name, '/') || !*name;
    const char *list = is_path ? "" : search_list(env);
    size_t count = count_parts(list);
    const char **paths = acioi_alloc((count + 1) * sizeof *paths +
        strlen(list) + count * (strlen(name) + 2));
    if (!paths)
        return NULL;
    char *at = (char *)(paths + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strcspn(list, ":");
        paths[i] = at;
        at = join(at, list, bytes, name);
        list += bytes + (list[bytes] != '\0');
    }
    return paths;
}
