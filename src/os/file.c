/* SPDX-License-Identifier: MIT */
/* file.c - system calls on files, as operations that a task waits for */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <acio/error.h>
#include <acio/scope.h>
#include <acio/task.h>

/* ---- descriptors ---- */

int
acio_open(const char *path, int flags, mode_t mode)
{
    acio_op op = { 0 };
    acio_op_open(&op, AT_FDCWD, path, flags, mode);
    return (int)acio_await_op(&op);
}

int
acio_close_fd(int fd)
{
    acio_op op = { 0 };
    acio_op_close(&op, fd);
    ACIO_SHIELD(shield);
    ssize_t result = acio_await_op(&op);
    return (int)result;
}

void
acioi_file_close(int fd)
{
    if (acio_close_fd(fd) == -ACIO_ENOTASK)
        close(fd);
}

ssize_t
acio_file_read(int fd, void *buf, size_t bytes)
{
    acio_op op = { 0 };
    acio_op_read(&op, fd, buf, bytes, -1);
    return acio_await_op(&op);
}

ssize_t
acio_file_write(int fd, const void *data, size_t bytes)
{
    acio_op op = { 0 };
    acio_op_write(&op, fd, data, bytes, -1);
    return acio_await_op(&op);
}

ssize_t
acio_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    acio_op op = { 0 };
    if (offset < 0)
        return -EINVAL;
    acio_op_read(&op, fd, buf, bytes, offset);
    return acio_await_op(&op);
}

ssize_t
acio_pwrite(int fd, const void *data, size_t bytes, int64_t offset)
{
    acio_op op = { 0 };
    if (offset < 0)
        return -EINVAL;
    acio_op_write(&op, fd, data, bytes, offset);
    return acio_await_op(&op);
}

int
acio_fsync(int fd)
{
    acio_op op = { 0 };
    acio_op_fsync(&op, fd);
    return (int)acio_await_op(&op);
}

int
acio_fdatasync(int fd)
{
    acio_op op = { 0 };
    acio_op_fdatasync(&op, fd);
    return (int)acio_await_op(&op);
}

int
acio_ftruncate(int fd, int64_t bytes)
{
    acio_op op = { 0 };
    acio_op_truncate(&op, fd, bytes);
    return (int)acio_await_op(&op);
}

/* ---- status ---- */

static struct timespec
time_of(const struct statx_timestamp *t)
{
    return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec };
}

static void
fill_stat(struct stat *out, const struct statx *in)
{
    memset(out, 0, sizeof *out);
    out->st_dev = makedev(in->stx_dev_major, in->stx_dev_minor);
    out->st_ino = in->stx_ino;
    out->st_mode = in->stx_mode;
    out->st_nlink = in->stx_nlink;
    out->st_uid = in->stx_uid;
    out->st_gid = in->stx_gid;
    out->st_rdev = makedev(in->stx_rdev_major, in->stx_rdev_minor);
    out->st_size = (off_t)in->stx_size;
    out->st_blksize = (blksize_t)in->stx_blksize;
    out->st_blocks = (blkcnt_t)in->stx_blocks;
    out->st_atim = time_of(&in->stx_atime);
    out->st_mtim = time_of(&in->stx_mtime);
    out->st_ctim = time_of(&in->stx_ctime);
}

static int
stat_at(int fd, const char *path, int flags, struct stat *out)
{
    struct statx status;
    acio_op op = { 0 };
    acio_op_statx(&op, fd, path, flags, &status);
    int err = (int)acio_await_op(&op);
    if (err == 0)
        fill_stat(out, &status);
    return err;
}

int
acio_fstat(int fd, struct stat *out)
{
    return stat_at(fd, "", AT_EMPTY_PATH, out);
}

int
acio_stat(const char *path, struct stat *out)
{
    return stat_at(AT_FDCWD, path, 0, out);
}

int
acio_lstat(const char *path, struct stat *out)
{
    return stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out);
}

/* ---- names ---- */

int
acio_rename(const char *path, const char *to_path)
{
    acio_op op = { 0 };
    acio_op_rename(&op, AT_FDCWD, path, AT_FDCWD, to_path);
    return (int)acio_await_op(&op);
}

static int
unlink_path(const char *path, int flags)
{
    acio_op op = { 0 };
    acio_op_unlink(&op, AT_FDCWD, path, flags);
    return (int)acio_await_op(&op);
}

int
acio_unlink(const char *path)
{
    return unlink_path(path, 0);
}

int
acio_rmdir(const char *path)
{
    return unlink_path(path, AT_REMOVEDIR);
}

int
acio_mkdir(const char *path, mode_t mode)
{
    acio_op op = { 0 };
    acio_op_mkdir(&op, AT_FDCWD, path, mode);
    return (int)acio_await_op(&op);
}

/* ---- a file from its beginning to its end ---- */

int
acioi_file_source_open(struct acioi_file_source *source, const char *path)
{
    struct stat status;
    int fd = acio_open(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int err = acio_fstat(fd, &status);
    if (err < 0) {
        acio_close_fd(fd);
        return err;
    }
    bool regular = S_ISREG(status.st_mode);
    source->fd = fd;
    source->offset = regular ? 0 : -1;
    source->expected = regular ? (size_t)status.st_size : 0;
    return 0;
}

ssize_t
acioi_file_source_read(struct acioi_file_source *source, void *buf,
    size_t bytes)
{
    if (bytes > ACIOI_FILE_PORTION)
        bytes = ACIOI_FILE_PORTION;
    if (source->offset < 0)
        return acio_file_read(source->fd, buf, bytes);
    ssize_t n = acio_pread(source->fd, buf, bytes, source->offset);
    if (n > 0)
        source->offset += n;
    return n;
}
