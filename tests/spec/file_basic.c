/* SPDX-License-Identifier: MIT */
/* Files, call by call. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file_world.h"

SPEC(file, is_opened_written_read_and_closed)
{
    char data[16] = "";
    struct folder folder = make_folder();
    int fd = acio_open(in(&folder, "file"), O_RDWR | O_CREAT, 0640);
    if (EXPECT(fd >= 0)) {
        EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
        EXPECT_EQ(acio_file_write(fd, "hello world", 11), 11);
        EXPECT_EQ(acio_pread(fd, data, 5, 6), 5);
        EXPECT_TEXT(data, "world");
        EXPECT_EQ(acio_pwrite(fd, "W", 1, 6), 1);
        EXPECT_EQ(acio_file_read(fd, data, 5), 0);
        EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
        EXPECT_EQ(acio_file_read(fd, data, 11), 11);
        EXPECT_TEXT(data, "hello World");
        EXPECT_EQ(acio_fsync(fd), 0);
        EXPECT_EQ(acio_fdatasync(fd), 0);
        EXPECT_EQ(acio_ftruncate(fd, 5), 0);
        EXPECT_EQ(acio_close_fd(fd), 0);
        EXPECT(fcntl(fd, F_GETFD) < 0);
        EXPECT(holds(&folder, "file", "hello"));
    }
    remove_folder(&folder);
}

SPEC(file, has_the_mode_that_it_was_made_with)
{
    struct stat status;
    struct folder folder = make_folder();
    int fd = acio_open(in(&folder, "file"), O_WRONLY | O_CREAT, 0604);
    if (EXPECT(fd >= 0)) {
        EXPECT_EQ(acio_fstat(fd, &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0604);
        acio_close_fd(fd);
    }
    remove_folder(&folder);
}

SPEC(file, that_is_not_there_is_an_error)
{
    struct stat status;
    struct folder folder = make_folder();
    EXPECT_ERR(acio_open(in(&folder, "no"), O_RDONLY, 0), -ENOENT);
    EXPECT_ERR(acio_stat(in(&folder, "no"), &status), -ENOENT);
    EXPECT_ERR(acio_unlink(in(&folder, "no")), -ENOENT);
    EXPECT_ERR(acio_rename(in(&folder, "no"), in(&folder, "a")), -ENOENT);
    EXPECT_ERR(acio_rmdir(in(&folder, "no")), -ENOENT);
    EXPECT_ERR(acio_mkdir(in(&folder, "no/a"), 0700), -ENOENT);
    remove_folder(&folder);
}

SPEC(file, that_is_not_open_is_an_error)
{
    char byte = 0;
    struct stat status;
    EXPECT_ERR(acio_pread(-1, &byte, 1, 0), -EBADF);
    EXPECT_ERR(acio_file_read(-1, &byte, 1), -EBADF);
    EXPECT_ERR(acio_pwrite(-1, &byte, 1, 0), -EBADF);
    EXPECT_ERR(acio_file_write(-1, &byte, 1), -EBADF);
    EXPECT_ERR(acio_fsync(-1), -EBADF);
    EXPECT_ERR(acio_fstat(-1, &status), -EBADF);
    EXPECT_ERR(acio_close_fd(-1), -EBADF);
    EXPECT_ERR(acio_pread(0, &byte, 1, -1), -EINVAL);
    EXPECT_ERR(acio_pwrite(0, &byte, 1, -1), -EINVAL);
}

SPEC(file, status_is_that_of_stat)
{
    struct stat ours, theirs;
    struct folder folder = make_folder();
    put_file(&folder, "file", "12345");
    EXPECT_EQ(symlink("file", in(&folder, "link")), 0);
    EXPECT_EQ(stat(in(&folder, "link"), &theirs), 0);
    if (EXPECT_EQ(acio_stat(in(&folder, "link"), &ours), 0)) {
        EXPECT_EQ(ours.st_dev, theirs.st_dev);
        EXPECT_EQ(ours.st_ino, theirs.st_ino);
        EXPECT_EQ(ours.st_mode, theirs.st_mode);
        EXPECT_EQ(ours.st_nlink, theirs.st_nlink);
        EXPECT_EQ(ours.st_uid, theirs.st_uid);
        EXPECT_EQ(ours.st_gid, theirs.st_gid);
        EXPECT_EQ(ours.st_size, 5);
        EXPECT_EQ(ours.st_blksize, theirs.st_blksize);
        EXPECT_EQ(ours.st_blocks, theirs.st_blocks);
        EXPECT_EQ(ours.st_mtim.tv_sec, theirs.st_mtim.tv_sec);
        EXPECT_EQ(ours.st_mtim.tv_nsec, theirs.st_mtim.tv_nsec);
    }
    if (EXPECT_EQ(acio_lstat(in(&folder, "link"), &ours), 0))
        EXPECT(S_ISLNK(ours.st_mode));
    if (EXPECT_EQ(acio_stat("/dev/null", &ours), 0))
        EXPECT_EQ(ours.st_rdev, 0x103); /* major 1, minor 3 */
    remove_folder(&folder);
}

SPEC(file, names_are_made_moved_and_removed)
{
    struct folder folder = make_folder();
    EXPECT_EQ(acio_mkdir(in(&folder, "a"), 0700), 0);
    EXPECT_ERR(acio_mkdir(in(&folder, "a"), 0700), -EEXIST);
    put_file(&folder, "a/file", "text");
    EXPECT_ERR(acio_rmdir(in(&folder, "a")), -ENOTEMPTY);
    EXPECT_EQ(acio_rename(in(&folder, "a/file"), in(&folder, "file")), 0);
    EXPECT_EQ(acio_rmdir(in(&folder, "a")), 0);
    EXPECT(holds(&folder, "file", "text"));
    EXPECT_EQ(acio_unlink(in(&folder, "file")), 0);
    EXPECT_EQ(count_entries(&folder), 0);
    remove_folder(&folder);
}

SPEC(file, that_is_full_says_so)
{
    int fd = acio_open("/dev/full", O_WRONLY, 0);
    if (EXPECT(fd >= 0)) {
        EXPECT_ERR(acio_pwrite(fd, "x", 1, 0), -ENOSPC);
        acio_close_fd(fd);
    }
}

/* No descriptor is left: the error is told, and files work afterwards. */
SPEC(file, is_not_opened_where_descriptors_run_out)
{
    struct rlimit before, none;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int first = dup(0);
    none.rlim_cur = (rlim_t)(first >= 0 ? first : 0);
    close(first);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_ERR(acio_open("/dev/null", O_RDONLY, 0), -EMFILE);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    int fd = acio_open("/dev/null", O_RDONLY, 0);
    if (EXPECT(fd >= 0))
        acio_close_fd(fd);
}

SPEC(file, pipe_without_a_reader_is_an_error_and_kills_nobody)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    EXPECT_ERR(acio_file_write(fds[1], "x", 1), -EPIPE);
    acio_loop_close_fd(acio_get_running_loop(), fds[1]);
}

static int
read_pipe(void *arg)
{
    char data[8] = "";
    ssize_t n = acio_file_read(*(int *)arg, data, sizeof data - 1);
    note(n < 0 ? "%s%zd" : "%s", n < 0 ? "" : data, n);
    return 0;
}

struct read_pipe_args {
    int fd;
};

SPEC(file, pipe_is_waited_for_while_others_go_on, .may_deadlock = true)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    start(read_pipe, .fd = fds[0]);
    settle();
    EXPECT_NOTED("");
    EXPECT_EQ(acio_file_write(fds[1], "hello", 5), 5);
    acio_loop_close_fd(acio_get_running_loop(), fds[1]);
    finish();
    EXPECT_NOTED("hello");
    acio_loop_close_fd(acio_get_running_loop(), fds[0]);
}

SPEC(file, wait_for_a_pipe_ends_with_its_time_limit)
{
    int fds[2];
    char byte;
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_file_read(fds[0], &byte, 1), -ETIMEDOUT);
    }
    acio_loop_close_fd(acio_get_running_loop(), fds[0]);
    acio_loop_close_fd(acio_get_running_loop(), fds[1]);
}

static int
read_byte(void *arg)
{
    const struct read_pipe_args *a = arg;
    char byte;
    ssize_t n = acio_file_read(a->fd, &byte, 1);
    if (n > 0)
        note("%c", byte);
    return n < 0 ? (int)n : 0;
}

struct read_byte_args {
    int fd;
};

/* It blocks: a read after the one that got all would hold up everybody. */
SPEC(file, pipe_may_be_read_by_two, .may_deadlock = true)
{
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    start(read_byte, .fd = fds[0]);
    start(read_byte, .fd = fds[0]);
    settle();
    EXPECT_EQ(acio_file_write(fds[1], "a", 1), 1);
    EXPECT_EQ(acio_sleep(0.01), 0);
    EXPECT_NOTED("a");
    EXPECT_EQ(acio_file_write(fds[1], "b", 1), 1);
    acio_loop_close_fd(acio_get_running_loop(), fds[1]);
    finish();
    EXPECT_NOTED("b");
    acio_loop_close_fd(acio_get_running_loop(), fds[0]);
}

/* ---- many at once ---- */

enum { READERS = 64, READS = 20, BLOCK = 64 };

struct read_blocks_args {
    int fd, first;
};

static int
read_blocks(void *arg)
{
    const struct read_blocks_args *a = arg;
    char data[BLOCK];
    for (int i = 0; i < READS; i++) {
        int block = (a->first + i * 7) % READERS;
        ssize_t n = acio_pread(a->fd, data, sizeof data,
            (int64_t)block * BLOCK);
        if (n < 0)
            return (int)n;
        ALWAYS(n > 0 && data[0] == (char)block && data[n - 1] == (char)block);
    }
    return 0;
}

SPEC(file, is_read_by_many_tasks_at_once)
{
    struct folder folder = make_folder();
    int fd = open(in(&folder, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    for (int i = 0; i < READERS; i++) {
        char data[BLOCK];
        memset(data, i, sizeof data);
        EXPECT_EQ(write(fd, data, sizeof data), sizeof data);
    }
    {
        ACIO_GROUP(group);
        for (int i = 0; i < READERS; i++)
            acio_group_create_task(&group, read_blocks, .fd = fd, .first = i);
        EXPECT_EQ(acio_group_wait(&group), 0);
    }
    close(fd);
    remove_folder(&folder);
}

/* On the simulator requests are allocated; a thread that starts, too. */
SPEC_KIND(file, reads_allocate_nothing, "epoll uring", SPEC_NO_TORTURE, )
{
    char data[64];
    struct folder folder = make_folder();
    put_file(&folder, "file", "text");
    int fd = acio_open(in(&folder, "file"), O_RDONLY, 0);
    REQUIRE(fd >= 0);
    EXPECT_EQ(acio_pread(fd, data, 4, 0), 4);
    size_t before = spec_heap_allocations();
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(acio_pread(fd, data, 4, 0), 4);
    EXPECT_EQ(spec_heap_allocations(), before);
    EXPECT_EQ(acio_close_fd(fd), 0);
    remove_folder(&folder);
}

/* ---- what a cancel does ---- */

SPEC(file, of_a_cancelled_task_is_closed_all_the_same)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    acio_cancel(acio_current_task());
    EXPECT_ERR(acio_open("/dev/null", O_RDONLY, 0), -ECANCELED);
    ALWAYS(acio_close_fd(fd) == 0);
    EXPECT_ERR(acio_fsync(0), -ECANCELED);
    acio_uncancel(acio_current_task());
}

static int
open_it(void *arg)
{
    int fd = acio_open(*(const char **)arg, O_RDONLY, 0);
    note("%s", fd < 0 ? acio_strerror(fd) : "open");
    return fd < 0 ? fd : acio_close_fd(fd);
}

struct open_it_args {
    const char *path;
};

/* A FIFO that nobody else opens, as a file of a server that is gone. */
SPEC_REAL(file, that_never_opens_holds_up_no_other)
{
    char fifo[128];
    struct folder folder = make_folder();
    snprintf(fifo, sizeof fifo, "%s/fifo", folder.path);
    EXPECT_EQ(mkfifo(fifo, 0600), 0);
    put_file(&folder, "file", "text");
    start(open_it, .path = fifo);
    settle();
    for (int i = 0; i < 10; i++) {
        void *data;
        size_t bytes;
        if (EXPECT_EQ(acio_read_file(in(&folder, "file"), &data, &bytes), 0))
            acio_free(data);
    }
    EXPECT_NOTED("");
    int other = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    finish();
    EXPECT_NOTED("open");
    close(other);
    remove_folder(&folder);
}

static int
open_in_vain(void *arg)
{
    int fd = acio_open(*(const char **)arg, O_RDONLY, 0);
    ALWAYS(fd < 0);
    return fd;
}

struct open_in_vain_args {
    const char *path;
};

SPEC_KIND(file, that_never_opens_may_be_one_of_forty_on_io_uring, "uring",
    SPEC_NO_TORTURE, )
{
    char fifo[128];
    struct stat status;
    struct folder folder = make_folder();
    snprintf(fifo, sizeof fifo, "%s/fifo", folder.path);
    EXPECT_EQ(mkfifo(fifo, 0600), 0);
    put_file(&folder, "file", "text");
    ACIO_GROUP(group);
    for (int i = 0; i < 40; i++)
        acio_group_create_task(&group, open_in_vain, .path = fifo);
    settle();
    {
        ACIO_TIMEOUT(limit, 10);
        EXPECT_EQ(acio_stat(in(&folder, "file"), &status), 0);
    }
    acio_group_cancel(&group);
    EXPECT_EQ(acio_group_wait(&group), 0);
    remove_folder(&folder);
}

SPEC_KIND(file, that_never_opens_can_be_given_up_on_io_uring, "uring", 0, )
{
    struct folder folder = make_folder();
    EXPECT_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_open(in(&folder, "fifo"), O_RDONLY, 0), -ETIMEDOUT);
    }
    remove_folder(&folder);
}
