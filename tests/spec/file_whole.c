/* SPDX-License-Identifier: MIT */
/* Files in one piece: read, and replaced. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "file_world.h"
#include "forbid.h"

static int
write_text(const struct folder *folder, const char *name, const char *text)
{
    return acio_write_file(in(folder, name), text, strlen(text), 0644);
}

static void
expect_read(const char *path, const char *text)
{
    void *data;
    size_t bytes;
    if (EXPECT_EQ(acio_read_file(path, &data, &bytes), 0)) {
        EXPECT_EQ(bytes, strlen(text));
        EXPECT_TEXT((const char *)data, text);
        acio_free(data);
    }
}

SPEC(file_whole, is_read)
{
    struct folder folder = make_folder();
    put_file(&folder, "file", "all of it\n");
    put_file(&folder, "empty", "");
    expect_read(in(&folder, "file"), "all of it\n");
    expect_read(in(&folder, "empty"), "");
    expect_read("/dev/null", "");
    remove_folder(&folder);
}

SPEC(file_whole, is_read_where_its_size_is_not_known_before)
{
    void *data;
    size_t bytes;
    if (EXPECT_EQ(acio_read_file("/proc/self/status", &data, &bytes), 0)) {
        EXPECT(bytes > 0);
        EXPECT_EQ(strlen(data), bytes);
        acio_free(data);
    }
}

SPEC_LARGE(file_whole, may_be_larger_than_what_is_read_at_once)
{
    enum { BYTES = 3500000 };
    void *data;
    size_t bytes;
    struct folder folder = make_folder();
    char *text = malloc(BYTES);
    REQUIRE(text != NULL);
    for (int i = 0; i < BYTES; i++)
        text[i] = (char)(i % 251);
    EXPECT_EQ(acio_write_file(in(&folder, "file"), text, BYTES, 0600), 0);
    if (EXPECT_EQ(acio_read_file(in(&folder, "file"), &data, &bytes), 0)) {
        EXPECT_EQ(bytes, BYTES);
        EXPECT(memcmp(data, text, BYTES) == 0);
        acio_free(data);
    }
    free(text);
    remove_folder(&folder);
}

SPEC(file_whole, that_cannot_be_read_gives_nothing)
{
    void *data = &data;
    size_t bytes = 1;
    struct folder folder = make_folder();
    EXPECT_ERR(acio_read_file(in(&folder, "no"), &data, &bytes), -ENOENT);
    ALWAYS(data == NULL && bytes == 0);
    EXPECT_ERR(acio_read_file(folder.path, &data, &bytes), -EISDIR);
    ALWAYS(data == NULL && bytes == 0);
    remove_folder(&folder);
}

/* Under torture as well: a cancel, a failed allocation, short writes. */
SPEC(file_whole, is_replaced_wholly_or_not_at_all)
{
    struct folder folder = make_folder();
    put_file(&folder, "file", "the old text");
    EXPECT_EQ(write_text(&folder, "file", "a new one"), 0);
    EXPECT(holds(&folder, "file", "a new one"));
    ALWAYS(holds(&folder, "file", "a new one") ||
        holds(&folder, "file", "the old text"));
    ALWAYS(count_entries(&folder) == 1);
    remove_folder(&folder);
}

SPEC(file_whole, is_made_where_there_was_none)
{
    struct stat status;
    struct folder folder = make_folder();
    EXPECT_EQ(acio_write_file(in(&folder, "file"), "", 0, 0604), 0);
    EXPECT(holds(&folder, "file", ""));
    EXPECT_EQ(stat(in(&folder, "file"), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0604);
    ALWAYS(count_entries(&folder) <= 1);
    remove_folder(&folder);
}

SPEC(file_whole, keeps_its_mode)
{
    struct stat status;
    struct folder folder = make_folder();
    put_file(&folder, "file", "old");
    EXPECT_EQ(chmod(in(&folder, "file"), 0751), 0);
    EXPECT_EQ(write_text(&folder, "file", "new"), 0);
    EXPECT_EQ(stat(in(&folder, "file"), &status), 0);
    ALWAYS((status.st_mode & 07777) == 0751);
    remove_folder(&folder);
}

SPEC(file_whole, keeps_its_owner_where_that_is_permitted)
{
    struct stat status;
    if (geteuid() != 0)
        SKIP("only the superuser gives files away");
    struct folder folder = make_folder();
    put_file(&folder, "file", "old");
    EXPECT_EQ(chown(in(&folder, "file"), 12, 34), 0);
    EXPECT_EQ(chmod(in(&folder, "file"), 04755), 0);
    EXPECT_EQ(write_text(&folder, "file", "new"), 0);
    EXPECT_EQ(stat(in(&folder, "file"), &status), 0);
    ALWAYS(status.st_uid == 12 && status.st_gid == 34);
    ALWAYS((status.st_mode & 07777) == 04755);
    remove_folder(&folder);
}

/* What of its mode a file keeps that cannot be given to its old owner. */
static mode_t
mode_without_owner(mode_t mode, unsigned error)
{
    struct stat status = { 0 };
    struct folder folder = make_folder();
    put_file(&folder, "file", "old");
    EXPECT_EQ(chmod(in(&folder, "file"), mode), 0);
    forbid(SYS_fchown, error);
    EXPECT_EQ(write_text(&folder, "file", "new"), 0);
    EXPECT_EQ(stat(in(&folder, "file"), &status), 0);
    bool replaced = holds(&folder, "file", "new");
    remove_folder(&folder);
    return replaced ? status.st_mode & 07777 : mode;
}

SPEC(file_whole, runs_as_nobody_else_where_its_owner_is_not_kept)
{
    EXPECT_EQ(mode_without_owner(06755, EPERM), 0755);
}

SPEC(file_whole, is_replaced_where_its_owner_is_nobody_here)
{
    EXPECT_EQ(mode_without_owner(0640, EINVAL), 0640);
}

SPEC(file_whole, takes_the_place_of_a_symbolic_link)
{
    struct stat status;
    struct folder folder = make_folder();
    put_file(&folder, "aim", "aim");
    EXPECT_EQ(symlink("aim", in(&folder, "link")), 0);
    EXPECT_EQ(write_text(&folder, "link", "new"), 0);
    EXPECT_EQ(lstat(in(&folder, "link"), &status), 0);
    EXPECT(S_ISREG(status.st_mode));
    ALWAYS(holds(&folder, "aim", "aim"));
    remove_folder(&folder);
}

SPEC(file_whole, takes_the_place_of_nothing_but_files)
{
    struct folder folder = make_folder();
    EXPECT_EQ(mkdir(in(&folder, "folder"), 0700), 0);
    EXPECT_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    EXPECT_ERR(write_text(&folder, "folder", "x"), -EISDIR);
    EXPECT_ERR(write_text(&folder, "fifo", "x"), -EINVAL);
    EXPECT_ERR(write_text(&folder, "no/file", "x"), -ENOENT);
    ALWAYS(count_entries(&folder) == 2);
    remove_folder(&folder);
}

SPEC(file_whole, name_may_stand_alone)
{
    char here[4096];
    struct folder folder = make_folder();
    REQUIRE(getcwd(here, sizeof here) != NULL);
    REQUIRE_EQ(chdir(folder.path), 0);
    EXPECT_EQ(acio_write_file("alone", "text", 4, 0600), 0);
    EXPECT(holds(&folder, "alone", "text"));
    EXPECT_EQ(chdir(here), 0);
    remove_folder(&folder);
}

/* A file system of this process alone, with room for little. */
static void
mount_small(const struct folder *folder)
{
    if (unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", folder->path, "tmpfs", 0, "size=64k") < 0) {
        rmdir(folder->path);
        SKIP("file systems cannot be mounted here");
    }
}

static int
fill_file(void *arg)
{
    static char large[256 * 1024];
    struct stat status;
    const char *path = *(const char **)arg;
    int fd = acio_open(path, O_WRONLY | O_CREAT, 0600);
    ssize_t n = acio_file_write(fd, large, sizeof large);
    EXPECT(n > 0 && n < (ssize_t)sizeof large);
    EXPECT_ERR(acio_file_write(fd, large, sizeof large), -ENOSPC);
    EXPECT_EQ(acio_fstat(fd, &status), 0);
    EXPECT_EQ(status.st_size, n);
    return acio_close_fd(fd);
}

struct fill_file_args {
    const char *path;
};

/* What was written stays: the next write does not begin at its place. */
TEST(file_whole, grows_until_the_disk_is_full)
{
    struct folder folder = make_folder();
    mount_small(&folder);
    EXPECT_EQ(spec_run(fill_file,
                  ACIO_ARGS(fill_file, .path = in(&folder, "file")), NULL),
        0);
    EXPECT_EQ(umount(folder.path), 0);
    rmdir(folder.path);
}

struct fill_disk_args {
    const struct folder *folder;
};

static int
fill_disk(void *arg)
{
    static char large[256 * 1024];
    const struct folder *folder = ((struct fill_disk_args *)arg)->folder;
    EXPECT_ERR(acio_write_file(in(folder, "file"), large, sizeof large, 0600),
        -ENOSPC);
    ALWAYS(holds(folder, "file", "the old text"));
    ALWAYS(count_entries(folder) == 1);
    EXPECT_EQ(write_text(folder, "file", "new"), 0);
    return 0;
}

/* The loop comes after the mount: threads that it has would not see it. */
TEST(file_whole, stays_what_it_was_where_the_disk_is_full)
{
    struct folder folder = make_folder();
    mount_small(&folder);
    put_file(&folder, "file", "the old text");
    EXPECT_EQ(spec_run(fill_disk, ACIO_ARGS(fill_disk, .folder = &folder),
                  NULL),
        0);
    EXPECT_EQ(umount(folder.path), 0);
    rmdir(folder.path);
}

struct write_large_args {
    const char *path;
};

static int
write_large(void *arg)
{
    static char large[256 * 1024];
    const char *path = ((struct write_large_args *)arg)->path;
    (void)acio_write_file(path, large, sizeof large, 0600);
    return 0;
}

/* The cancel comes at each of its steps; by torture it does in one round. */
SPEC(file_whole, stays_what_it_was_where_its_writer_is_cancelled)
{
    struct stat status;
    struct folder folder = make_folder();
    int first = spec_torture_n(SPEC_TORTURE_CANCEL) > 0 ? 23 : 0;
    for (int steps = first; steps < 24; steps++) {
        put_file(&folder, "file", "the old text");
        acio_task *task = acio_create_task(write_large,
            .path = in(&folder, "file"));
        for (int i = 0; i < steps; i++)
            (void)acio_sleep(time_is_virtual() ? 0.0005 : 0.00002);
        if (!task)
            break;
        acio_cancel(task);
        (void)acio_await(task);
        EXPECT_EQ(stat(in(&folder, "file"), &status), 0);
        bool old = holds(&folder, "file", "the old text");
        ALWAYS(old || status.st_size == 256 * 1024);
        ALWAYS(count_entries(&folder) == 1);
    }
    remove_folder(&folder);
}
