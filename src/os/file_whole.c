/* SPDX-License-Identifier: MIT */
/* file_whole.c - a file in one piece: read, and replaced
 *
 * Idea.       A file is never changed but replaced: the data goes into a new
 *             file beside it, which takes its name when it is on the disk.
 *             Who reads meanwhile, or after a crash, sees all of the old one
 *             or all of the new one.
 *
 * Cancel.     Up to the rename everything can be cancelled, and the new file is
 *             removed. From there on a shield is up: the rename and its way to
 *             the disk are one step.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <acio/scope.h>
#include <acio/task.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { FIRST_ROOM = 4096, NAME_TRIES = 8 };

/* ---- reading ---- */

struct contents {
    char *data;
    size_t bytes, room;
};

static int
make_room(struct contents *c)
{
    if (c->bytes + 1 < c->room)
        return 0;
    if (c->room > SIZE_MAX / 2)
        return -EFBIG;
    char *data = acioi_realloc(c->data, c->room * 2);
    if (!data)
        return -ENOMEM;
    c->data = data;
    c->room *= 2;
    return 0;
}

/* One byte is kept for the zero; another one lets a file of the expected size
 * be known to have ended without more room. */
static int
read_all(struct acioi_file_source *source, struct contents *c)
{
    c->room = source->expected < SIZE_MAX - 2 ? source->expected + 2 : SIZE_MAX;
    if (c->room < FIRST_ROOM)
        c->room = FIRST_ROOM;
    c->data = acioi_alloc_raw(c->room);
    int err = c->data ? 0 : -ENOMEM;
    while (err == 0) {
        ssize_t n = acioi_file_source_read(source, c->data + c->bytes,
            c->room - 1 - c->bytes);
        if (n <= 0)
            return (int)n;
        c->bytes += (size_t)n;
        err = make_room(c);
    }
    return err;
}

int
acio_read_file(const char *path, void **out, size_t *bytes)
{
    struct acioi_file_source source;
    struct contents c = { 0 };
    *out = NULL;
    *bytes = 0;
    int err = acioi_file_source_open(&source, path);
    if (err < 0)
        return err;
    err = read_all(&source, &c);
    acio_close_fd(source.fd);
    if (err < 0) {
        acioi_free(c.data);
        return err;
    }
    c.data[c.bytes] = 0;
    *out = c.data;
    *bytes = c.bytes;
    return 0;
}

/* ---- replacing ---- */

struct replacement {
    char *path;       /* a copy, cut in two */
    const char *name; /* the last part of it */
    int folder;
    int file; /* the new one; -1: closed, or not made */
    char temporary[32];
    bool made; /* `temporary` names it */
    bool replaces;
    struct stat old; /* valid where it replaces one */
};

static int
open_folder(struct replacement *r, const char *path)
{
    r->path = acioi_strdup(path);
    if (!r->path)
        return -ENOMEM;
    char *slash = strrchr(r->path, '/');
    r->name = slash ? slash + 1 : r->path;
    const char *folder = slash ? r->path : ".";
    if (slash == r->path)
        folder = "/";
    else if (slash)
        *slash = 0;
    r->folder = acio_open(folder, O_RDONLY | O_DIRECTORY, 0);
    return r->folder < 0 ? r->folder : 0;
}

static int
look_at_old(struct replacement *r, const char *path)
{
    int err = acio_lstat(path, &r->old);
    if (err == -ENOENT)
        return 0;
    if (err < 0)
        return err;
    if (S_ISDIR(r->old.st_mode))
        return -EISDIR;
    r->replaces = S_ISREG(r->old.st_mode);
    return r->replaces || S_ISLNK(r->old.st_mode) ? 0 : -EINVAL;
}

static void
choose_name(struct replacement *r)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = (uint64_t)acioi_clock_ns() ^ (uint64_t)(uintptr_t)r;
    snprintf(r->temporary, sizeof r->temporary, ".acio-%016llx",
        (unsigned long long)number);
}

/* Private until it has the mode of the old one. */
static int
make_new(struct replacement *r, mode_t mode)
{
    int fd = -EEXIST;
    for (int i = 0; i < NAME_TRIES && fd == -EEXIST; i++) {
        acio_op op = { 0 };
        choose_name(r);
        acio_op_open(&op, r->folder, r->temporary, O_WRONLY | O_CREAT | O_EXCL,
            r->replaces ? 0600 : mode);
        fd = (int)acio_await_op(&op);
    }
    r->file = fd;
    r->made = fd >= 0;
    return fd < 0 ? fd : 0;
}

/* EINVAL: the number is nobody's in this user namespace. */
static int
give_to(int fd, uid_t owner, gid_t group)
{
    if (fchown(fd, owner, group) == 0)
        return 0;
    return errno == EPERM || errno == EINVAL ? -EPERM : -errno;
}

/* In a thread. The owner first: a change of it takes set-uid bits away. With
 * them the file would run as somebody else than the old one did, unless it has
 * the old one's owner and group. */
static int
dress_as_old(void *arg)
{
    const struct replacement *r = arg;
    mode_t mode = r->old.st_mode & 07777;
    int err = give_to(r->file, r->old.st_uid, r->old.st_gid);
    if (err == -EPERM) {
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
        err = give_to(r->file, (uid_t)-1, r->old.st_gid);
    }
    if (err < 0 && err != -EPERM)
        return err;
    return fchmod(r->file, mode) < 0 ? -errno : 0;
}

static int
write_all(int fd, const char *data, size_t bytes)
{
    size_t written = 0;
    while (written < bytes) {
        size_t portion = bytes - written;
        if (portion > ACIOI_FILE_PORTION)
            portion = ACIOI_FILE_PORTION;
        ssize_t n = acio_pwrite(fd, data + written, portion, (int64_t)written);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        written += (size_t)n;
    }
    return 0;
}

/* The new file is complete and on the disk. Some file systems say only when
 * they close a file that they had no room for it. */
static int
prepare_new(struct replacement *r, const void *data, size_t bytes)
{
    int err = write_all(r->file, data, bytes);
    if (err == 0 && r->replaces)
        err = acio_to_thread(dress_as_old, r);
    if (err == 0)
        err = acio_fsync(r->file);
    if (err < 0)
        return err;
    int fd = r->file;
    r->file = -1;
    return acio_close_fd(fd);
}

/* EINVAL: there are file systems that do not sync folders. */
static int
put_in_place(struct replacement *r)
{
    acio_op op = { 0 };
    acio_op_rename(&op, r->folder, r->temporary, r->folder, r->name);
    int err = (int)acio_await_op(&op);
    if (err < 0)
        return err;
    r->made = false;
    err = acio_fsync(r->folder);
    return err == -EINVAL ? 0 : err;
}

/* Where there is neither memory nor a thread for it, in this one. */
static void
remove_new(const struct replacement *r)
{
    acio_op op = { 0 };
    acio_op_unlink(&op, r->folder, r->temporary, 0);
    ssize_t result = acio_await_op(&op);
    if (result == -ENOMEM || result == -EAGAIN)
        (void)unlinkat(r->folder, r->temporary, 0);
}

/* Behind a shield. */
static void
clean_up(struct replacement *r)
{
    if (r->file >= 0)
        acio_close_fd(r->file);
    if (r->made)
        remove_new(r);
    if (r->folder >= 0)
        acio_close_fd(r->folder);
    acioi_free(r->path);
}

int
acio_write_file(const char *path, const void *data, size_t bytes, mode_t mode)
{
    struct replacement r = { .folder = -1, .file = -1 };
    int err = open_folder(&r, path);
    if (err == 0)
        err = look_at_old(&r, path);
    if (err == 0)
        err = make_new(&r, mode);
    if (err == 0)
        err = prepare_new(&r, data, bytes);
    ACIO_SHIELD(shield);
    if (err == 0)
        err = put_in_place(&r);
    clean_up(&r);
    return err;
}
