/* SPDX-License-Identifier: MIT */
/* log_tailer - what is in several files, and what is appended to them:
 *
 *     build/examples/log_tailer/log_tailer FILE...
 *
 * Each file has a task, which prints whole lines behind the file's name, and
 * sleeps while there is nothing new. A file that was cut is read anew; one that
 * another takes the place of is read to its end first.
 */
#include <acio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The task's own copy is also where it keeps what it knows. */
struct follow_args {
    const char *path;
    int fd;
    int64_t offset; /* of the first line that was not printed */
};

/* Prints the lines that follow. One without an end is printed where it is the
 * `last` or fits nowhere; else it is read again when more of it has come. */
static int
print_lines(struct follow_args *t, bool last)
{
    char data[16384], *at = NULL, *end;
    ssize_t n = 0;
    while (at != data &&
        (n = acio_pread(t->fd, data, sizeof data, t->offset)) > 0) {
        at = data;
        for (; (end = memchr(at, '\n', (size_t)(data + n - at))); at = end + 1)
            printf("%s: %.*s\n", t->path, (int)(end - at), at);
        if (at == data && (last || (size_t)n == sizeof data)) {
            printf("%s: %.*s\n", t->path, (int)n, data);
            at = data + n;
        }
        t->offset += at - data;
    }
    fflush(stdout);
    return n < 0 ? (int)n : 0;
}

/* Is another file in its place? */
static bool
look_at_file(struct follow_args *t)
{
    struct stat here, there;
    if (acio_fstat(t->fd, &here) < 0 || acio_stat(t->path, &there) < 0)
        return false; /* moved away, but perhaps still written to */
    if (here.st_size < t->offset) {
        fprintf(stderr, "log_tailer: %s was cut short\n", t->path);
        t->offset = 0;
    }
    return here.st_ino != there.st_ino;
}

/* First another one is looked for, then what is left of this one is read. */
static int
follow_file(struct follow_args *t)
{
    bool replaced = false;
    int err = 0;
    t->offset = 0;
    t->fd = acio_open(t->path, O_RDONLY, 0);
    if (t->fd < 0)
        return t->fd == -ENOENT ? acio_sleep(0.1) : t->fd;
    while (err == 0 && !replaced) {
        replaced = look_at_file(t);
        err = print_lines(t, replaced);
        if (err == 0 && !replaced)
            err = acio_sleep(0.1);
    }
    acio_close_fd(t->fd);
    return err;
}

static int
follow(void *arg)
{
    struct follow_args *t = arg;
    int err = 0;
    while (err == 0)
        err = follow_file(t);
    if (err != -ECANCELED)
        fprintf(stderr, "log_tailer: %s: %s\n", t->path, acio_strerror(err));
    return err;
}

struct amain_args {
    char **paths;
};

static int
amain(void *arg)
{
    ACIO_GROUP(group); /* a file that cannot be read ends all */
    for (char **path = ((struct amain_args *)arg)->paths; *path; path++)
        acio_group_create_task(&group, follow, .path = *path);
    return acio_group_wait(&group);
}

int
main(int argc, char **argv)
{
    if (argc < 2 || *argv[1] == '-')
        return fprintf(stderr, "Usage: log_tailer FILE...\n"), 2;
    return acio_run(amain, argv + 1) == -EINTR ? 130 : 1;
}
