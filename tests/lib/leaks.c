/* SPDX-License-Identifier: MIT */
/* leaks.c - what a test must not leave behind besides heap
 *
 * Idea.   The kernel's own books are compared before and after: descriptors
 *         and threads in /proc/self, children by wait(2).
 * Grace.  A thread that was joined is for a moment still listed, and a ring's
 *         workers end on their own time after it was closed, so threads get
 *         some patience. It costs nothing where nothing is wrong.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

enum { PATIENCE_MS = 2000 };

static size_t
count_threads(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static bool
holds(const struct holdings *holdings, int fd)
{
    for (size_t i = 0; i < holdings->count; i++) {
        if (holdings->descriptors[i] == fd)
            return true;
    }
    return false;
}

static void
note_descriptors(struct holdings *holdings)
{
    size_t room = sizeof holdings->descriptors / sizeof(int);
    holdings->count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(dir))
            continue;
        if (holdings->count < room)
            holdings->descriptors[holdings->count++] = fd;
    }
    closedir(dir);
}

/* There under ThreadSanitizer, which starts a thread of its own with the
 * first one that the test starts: let it, before the count. */
void __tsan_init(void) __attribute__((weak));

static void *
return_at_once(void *arg)
{
    return arg;
}

static void
settle_threads(void)
{
    pthread_t thread;
    if (__tsan_init && pthread_create(&thread, NULL, return_at_once, NULL) == 0)
        pthread_join(thread, NULL);
}

void
holdings_note(struct holdings *holdings)
{
    settle_threads();
    note_descriptors(holdings);
    holdings->threads = count_threads();
}

static void
say_open(int fd)
{
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = '\0';
    spec_broken("leaves descriptor %d open: %s", fd, target);
}

static void
check_descriptors(const struct holdings *before)
{
    struct holdings now;
    note_descriptors(&now);
    for (size_t i = 0; i < now.count; i++) {
        if (!holds(before, now.descriptors[i]))
            say_open(now.descriptors[i]);
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!holds(&now, before->descriptors[i]))
            spec_broken("closes descriptor %d, which is not its own",
                before->descriptors[i]);
    }
}

static void
check_threads(const struct holdings *before)
{
    static const struct timespec millisecond = { 0, 1000000 };
    size_t now = count_threads();
    for (int ms = 0; now > before->threads && ms < PATIENCE_MS; ms++) {
        nanosleep(&millisecond, NULL);
        now = count_threads();
    }
    if (now > before->threads)
        spec_broken("leaves %zu threads running", now - before->threads);
}

static void
check_children(void)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == 0)
        spec_broken("leaves a child process running");
    else if (pid > 0)
        spec_broken("leaves child %d unwaited for", (int)pid);
}

/* There under AddressSanitizer: what malloc(3) gave and nobody holds. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

void
holdings_check(const struct holdings *before)
{
    check_descriptors(before);
    check_threads(before);
    check_children();
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        spec_broken("leaks memory");
}
