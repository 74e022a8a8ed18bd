/* SPDX-License-Identifier: MIT */
/* folder.c - the entries of a folder, one after the other
 *
 * Idea.       getdents64(2) gives many entries at once; io_uring has no request
 *             for it, so a thread asks, on every back end, whenever the last
 *             portion is used up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "task/task.h"

enum { PORTION = 32768 };

struct acio_folder {
    int fd;
    bool ended;
    size_t first, end; /* in `entries`: what was not yet told */
    _Alignas(struct dirent64) char entries[PORTION];
};

int
acio_open_folder(acio_folder **out, const char *path)
{
    *out = NULL;
    acio_folder *folder = acioi_alloc_raw(sizeof *folder);
    if (!folder)
        return -ENOMEM;
    folder->ended = false;
    folder->first = folder->end = 0;
    folder->fd = acio_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (folder->fd < 0) {
        int err = folder->fd;
        acioi_free(folder);
        return err;
    }
    *out = folder;
    return 0;
}

/* In a thread. ENOENT: the folder was removed, so there is nothing in it. */
static int
ask(void *arg)
{
    acio_folder *folder = arg;
    long n = syscall(SYS_getdents64, folder->fd, folder->entries, PORTION);
    if (n < 0 && errno == ENOENT)
        return 0;
    return n < 0 ? -errno : (int)n;
}

static int
fill(acio_folder *folder)
{
    int n = acio_to_thread(ask, folder);
    if (n < 0)
        return n;
    folder->first = 0;
    folder->end = (size_t)n;
    folder->ended = n == 0;
    return 0;
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
take(acio_folder *folder, struct acio_folder_entry *entry)
{
    while (folder->first < folder->end) {
        const struct dirent64 *d = (const void *)(folder->entries +
            folder->first);
        folder->first += d->d_reclen;
        if (is_dots(d->d_name))
            continue;
        entry->name = d->d_name;
        entry->inode = d->d_ino;
        entry->type = d->d_type;
        return true;
    }
    return false;
}

int
acio_folder_next(acio_folder *folder, struct acio_folder_entry *entry)
{
    int err = acioi_checkpoint();
    while (err == 0) {
        if (take(folder, entry))
            return 1;
        if (folder->ended)
            return 0;
        err = fill(folder);
    }
    return err;
}

void
acio_close_folder(acio_folder *folder)
{
    if (!folder)
        return;
    acioi_file_close(folder->fd);
    acioi_free(folder);
}
