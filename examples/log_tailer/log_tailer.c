/* SPDX-License-Identifier: MIT */
/* log_tailer - what is appended to many files, as it comes:
 *
 *     build/examples/log_tailer/log_tailer [--all] FILE...
 *
 * Idea.     Each file has a task that reads to its end, prints whole lines
 *           behind the file's name, and waits. The kernel tells (inotify, of
 *           the folders) what has changed; the loop watches that descriptor
 *           with a reader, which wakes the tasks of the files concerned.
 * Rotation. A file that another took the place of is read to its end first,
 *           then the new one from its beginning. One that has become shorter
 *           is read from its beginning as well. Both are said.
 */
#include <acio.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 8192 };

struct tail {
    const char *path, *base; /* as given; without folders */
    int watch;               /* of its folder */
    int fd;                  /* -1: there is no such file */
    int64_t offset;          /* where the next read begins */
    acio_event changed;
    size_t length; /* of what has come of a line */
    char line[LINE_BYTES];
};

struct tailer {
    struct tail *tails;
    int count, notify_fd;
    bool all, colour;
};

static void
print_line(const struct tailer *tailer, struct tail *tail)
{
    printf(tailer->colour ? "\033[36m%s:\033[0m %.*s\n" : "%s: %.*s\n",
        tail->path, (int)tail->length, tail->line);
    tail->length = 0;
}

static void
take(const struct tailer *tailer, struct tail *tail, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\n')
            tail->line[tail->length++] = data[i];
        if (data[i] == '\n' || tail->length == LINE_BYTES)
            print_line(tailer, tail);
    }
    tail->offset += (int64_t)n;
}

static int
read_to_end(const struct tailer *tailer, struct tail *tail)
{
    char data[16384];
    ssize_t n = tail->fd < 0 ? 0 : 1;
    while (n > 0) {
        n = acio_pread(tail->fd, data, sizeof data, tail->offset);
        if (n > 0)
            take(tailer, tail, data, (size_t)n);
    }
    fflush(stdout);
    return (int)n;
}

/* From its beginning, or its end. */
static int
open_file(struct tail *tail, bool at_end)
{
    struct stat status;
    int fd = acio_open(tail->path, O_RDONLY, 0);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd; /* it may come yet */
    tail->fd = fd;
    tail->offset = 0;
    int err = at_end ? acio_fstat(fd, &status) : 0;
    if (err == 0 && at_end)
        tail->offset = status.st_size;
    return err;
}

static int
replace_file(const struct tailer *tailer, struct tail *tail)
{
    int err = read_to_end(tailer, tail); /* what came before it was replaced */
    if (err < 0)
        return err;
    if (tail->fd >= 0) {
        fprintf(stderr, "log_tailer: %s was replaced\n", tail->path);
        acio_close_fd(tail->fd);
        tail->fd = -1;
    }
    if (tail->length > 0)
        print_line(tailer, tail);
    return open_file(tail, false);
}

/* Is there another file at the path, or less in it than was read? */
static int
look_for_rotation(const struct tailer *tailer, struct tail *tail)
{
    struct stat there, here = { 0 };
    int err = acio_stat(tail->path, &there);
    if (err < 0) /* moved away: whoever writes may go on in the old one */
        return err == -ENOENT ? 0 : err;
    if (tail->fd >= 0)
        err = acio_fstat(tail->fd, &here);
    if (err < 0)
        return err;
    if (tail->fd < 0 || here.st_ino != there.st_ino ||
        here.st_dev != there.st_dev)
        return replace_file(tailer, tail);
    if (here.st_size < tail->offset) {
        fprintf(stderr, "log_tailer: %s was cut short\n", tail->path);
        tail->offset = 0;
        tail->length = 0;
    }
    return 0;
}

struct follow_args {
    const struct tailer *tailer;
    struct tail *tail;
};

static int
follow(void *arg)
{
    struct follow_args *a = arg;
    int err = open_file(a->tail, !a->tailer->all);
    while (err == 0) {
        acio_event_clear(&a->tail->changed);
        err = look_for_rotation(a->tailer, a->tail);
        if (err == 0)
            err = read_to_end(a->tailer, a->tail);
        if (err == 0)
            err = acio_event_wait(&a->tail->changed);
    }
    if (a->tail->fd >= 0)
        acio_close_fd(a->tail->fd);
    if (err != -ECANCELED)
        fprintf(stderr, "log_tailer: %s: %s\n", a->tail->path,
            acio_strerror(err));
    return err;
}

/* Wakes the file of that name in the folder; true where there is one. */
static bool
wake(struct tailer *tailer, int watch, const char *name)
{
    bool found = false;
    for (int i = 0; i < tailer->count; i++) {
        struct tail *tail = &tailer->tails[i];
        if ((watch >= 0 && tail->watch != watch) ||
            (name && strcmp(tail->base, name) != 0))
            continue;
        acio_event_set(&tail->changed);
        found = true;
    }
    return found;
}

/* The reader of the descriptor: called for as long as there are events. A name
 * that is none of ours may be one of our files by its new name; a queue that
 * flowed over (its watch is -1) has lost a name, so it may be any file. */
static void
on_change(void *arg)
{
    struct tailer *tailer = arg;
    _Alignas(struct inotify_event) char data[16384];
    ssize_t n = read(tailer->notify_fd, data, sizeof data);
    for (ssize_t at = 0; at < n;) {
        struct inotify_event *event = (struct inotify_event *)(data + at);
        if (event->len == 0 || !wake(tailer, event->wd, event->name))
            wake(tailer, event->wd, NULL);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

struct amain_args {
    struct tailer *tailer;
};

static int
amain(void *arg)
{
    struct tailer *tailer = ((struct amain_args *)arg)->tailer;
    acio_loop *loop = acio_get_running_loop();
    int err = acio_loop_add_reader(loop, tailer->notify_fd, on_change, tailer);
    if (err < 0)
        return err;
    ACIO_GROUP(group);
    for (int i = 0; i < tailer->count; i++)
        acio_group_create_task(&group, follow, tailer, &tailer->tails[i]);
    err = acio_group_wait(&group);
    acio_loop_remove_reader(loop, tailer->notify_fd);
    return err;
}

static bool
watch(struct tailer *tailer, struct tail *tail, const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    const char *slash = strrchr(path, '/');
    *tail = (struct tail){ .path = path,
        .fd = -1,
        .base = slash ? slash + 1 : path };
    const char *folder = dirname(copy);
    tail->watch = inotify_add_watch(tailer->notify_fd, folder,
        IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
    if (tail->watch >= 0)
        return true;
    fprintf(stderr, "log_tailer: cannot watch %s: %s\n", folder,
        acio_strerror(-errno));
    return false;
}

int
main(int argc, char **argv)
{
    struct tailer tailer = { .all = argc > 1 && !strcmp(argv[1], "--all") };
    bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
    char **paths = argv + 1 + tailer.all;
    tailer.count = argc - 1 - tailer.all;
    if (asked || tailer.count == 0 || **paths == '-') {
        fputs("Usage: log_tailer [--all] FILE...\n"
              "Print what is appended to the FILEs, which may be rotated, cut\n"
              "or not there yet; with --all also what is in them now.\n",
            asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    tailer.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    tailer.tails = calloc((size_t)tailer.count, sizeof *tailer.tails);
    tailer.notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bool watching = tailer.tails && tailer.notify_fd >= 0;
    if (!watching)
        fprintf(stderr, "log_tailer: cannot begin: %s\n",
            acio_strerror(-errno));
    for (int i = 0; watching && i < tailer.count; i++)
        watching = watch(&tailer, &tailer.tails[i], paths[i]);
    int err = watching ? acio_run(amain, .tailer = &tailer) : -1;
    free(tailer.tails);
    return err == -EINTR ? 130 : 1;
}
