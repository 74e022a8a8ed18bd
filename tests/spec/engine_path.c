/* SPDX-License-Identifier: MIT */
/* Names of files: made, moved, removed; and a file that never opens. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_world.h"

struct folder {
    char path[64];
    int fd;
};

static struct folder
make_folder(void)
{
    struct folder folder = { .path = "/tmp/acio-path-XXXXXX" };
    REQUIRE(mkdtemp(folder.path) != NULL);
    folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(folder.fd >= 0);
    return folder;
}

/* Every test empties its folder. */
static void
remove_folder(const struct folder *folder)
{
    close(folder->fd);
    EXPECT_EQ(rmdir(folder->path), 0);
}

static void
put_file(const struct folder *folder, const char *name, const char *text)
{
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool
exists(const struct folder *folder, const char *name)
{
    return faccessat(folder->fd, name, F_OK, 0) == 0;
}

static ssize_t
make_directory(int fd, const char *path)
{
    struct call call = { 0 };
    acio_op_mkdir(&call.op, fd, path, 0700);
    return perform(&call);
}

static ssize_t
move(int fd, const char *path, const char *to_path)
{
    struct call call = { 0 };
    acio_op_rename(&call.op, fd, path, fd, to_path);
    return perform(&call);
}

static ssize_t
unlink_name(int fd, const char *path, int flags)
{
    struct call call = { 0 };
    acio_op_unlink(&call.op, fd, path, flags);
    return perform(&call);
}

ENGINE(engine_path, a_directory_is_made_and_removed)
{
    struct folder folder = make_folder();
    struct stat status;
    EXPECT_EQ(make_directory(folder.fd, "inner"), 0);
    EXPECT_EQ(fstatat(folder.fd, "inner", &status, 0), 0);
    EXPECT(S_ISDIR(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0700);
    EXPECT_ERR(make_directory(folder.fd, "inner"), -EEXIST);
    EXPECT_ERR(make_directory(folder.fd, "no/inner"), -ENOENT);
    EXPECT_ERR(unlink_name(folder.fd, "inner", 0), -EISDIR);
    put_file(&folder, "inner/file", "");
    EXPECT_ERR(unlink_name(folder.fd, "inner", AT_REMOVEDIR), -ENOTEMPTY);
    EXPECT_EQ(unlink_name(folder.fd, "inner/file", 0), 0);
    EXPECT_EQ(unlink_name(folder.fd, "inner", AT_REMOVEDIR), 0);
    EXPECT(!exists(&folder, "inner"));
    EXPECT_ERR(unlink_name(folder.fd, "inner", AT_REMOVEDIR), -ENOENT);
    remove_folder(&folder);
}

ENGINE(engine_path, a_file_takes_the_place_of_another_one)
{
    char data[8] = "";
    struct folder folder = make_folder();
    put_file(&folder, "old", "old");
    put_file(&folder, "new", "new");
    EXPECT_EQ(move(folder.fd, "new", "old"), 0);
    EXPECT(!exists(&folder, "new"));
    int fd = openat(folder.fd, "old", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    EXPECT_EQ(read(fd, data, sizeof data - 1), 3);
    EXPECT_TEXT(data, "new");
    close(fd);
    EXPECT_ERR(move(folder.fd, "new", "old"), -ENOENT);
    EXPECT_EQ(unlink_name(folder.fd, "old", 0), 0);
    remove_folder(&folder);
}

/* EINVAL, which is also what an old kernel says to what it does not know. */
ENGINE(engine_path, nonsense_is_refused)
{
    struct call call = { 0 };
    struct folder folder = make_folder();
    int file = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    EXPECT_EQ(make_directory(folder.fd, "a"), 0);
    EXPECT_ERR(move(folder.fd, "a", "a/b"), -EINVAL);
    EXPECT_EQ(unlink_name(folder.fd, "a", AT_REMOVEDIR), 0);
    acio_op_truncate(&call.op, file, -1);
    EXPECT_ERR(perform(&call), -EINVAL);
    close(file);
    remove_folder(&folder);
}

ENGINE(engine_path, a_file_is_cut_and_synced)
{
    struct stat status;
    struct call call = { 0 };
    struct folder folder = make_folder();
    put_file(&folder, "file", "0123456789");
    int fd = openat(folder.fd, "file", O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    acio_op_truncate(&call.op, fd, 4);
    EXPECT_EQ(perform(&call), 0);
    acio_op_fdatasync(&call.op, fd);
    EXPECT_EQ(perform(&call), 0);
    EXPECT_EQ(fstat(fd, &status), 0);
    EXPECT_EQ(status.st_size, 4);
    acio_op_fsync(&call.op, folder.fd);
    EXPECT_EQ(perform(&call), 0);
    close(fd);
    acio_op_fdatasync(&call.op, fd);
    EXPECT_ERR(perform(&call), -EBADF);
    EXPECT_EQ(unlink_name(folder.fd, "file", 0), 0);
    remove_folder(&folder);
}

/* ---- a file that never opens ---- */

static void
open_fifo(struct call *call, const struct folder *folder)
{
    REQUIRE_EQ(mkfifoat(folder->fd, "fifo", 0600), 0);
    acio_op_open(&call->op, folder->fd, "fifo", O_RDONLY, 0);
    submit(call);
}

/* As files of a server that is gone. */
ENGINE_REAL(engine_path, a_file_that_does_not_open_stops_neither_loop_nor_files)
{
    char byte;
    struct call opening = { 0 }, reading = { 0 };
    struct folder folder = make_folder();
    int file = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    open_fifo(&opening, &folder);
    for (int i = 0; i < 100; i++) {
        acio_op_read(&reading.op, file, &byte, 1, 0);
        EXPECT_EQ(perform(&reading), 0);
    }
    EXPECT(!opening.done);
    int other = openat(folder.fd, "fifo", O_RDWR | O_CLOEXEC);
    int fd = (int)finish(&opening);
    EXPECT(fd >= 0);
    close(fd);
    close(other);
    close(file);
    EXPECT_EQ(unlink_name(folder.fd, "fifo", 0), 0);
    remove_folder(&folder);
}

ENGINE_ON(engine_path, a_wait_for_a_file_to_open_can_be_cancelled_on_io_uring,
    "uring")
{
    struct folder folder = make_folder();
    for (int passes = 0; passes < 10; passes++) {
        struct call opening = { 0 };
        open_fifo(&opening, &folder);
        pass(passes);
        EXPECT_ERR(cancel(&opening), -ECANCELED);
        EXPECT_EQ(unlink_name(folder.fd, "fifo", 0), 0);
    }
    struct call late = { 0 };
    open_fifo(&late, &folder);
    let_pass(0.02); /* a thread of the kernel waits for the other end */
    EXPECT_ERR(cancel(&late), -ECANCELED);
    EXPECT_EQ(unlink_name(folder.fd, "fifo", 0), 0);
    remove_folder(&folder);
}

ENGINE_ON(engine_path, a_thread_that_waits_for_a_file_to_open_is_waited_for,
    "epoll")
{
    struct call opening = { 0 };
    struct folder folder = make_folder();
    open_fifo(&opening, &folder);
    let_pass(0.02);
    acio_op_cancel(&opening.op);
    pass(10);
    if (!opening.done) { /* unless the cancel was there before the thread */
        int other = openat(folder.fd, "fifo", O_RDWR | O_CLOEXEC);
        int fd = (int)finish(&opening);
        EXPECT(fd >= 0);
        close(fd);
        close(other);
    }
    EXPECT_EQ(unlink_name(folder.fd, "fifo", 0), 0);
    remove_folder(&folder);
}
