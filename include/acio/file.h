/* SPDX-License-Identifier: MIT */
/* Files and folders: the system calls on them, without blocking the loop.
 *
 *     err = acio_write_file("state.json", text, strlen(text), 0644);
 *     err = acio_read_file("state.json", &data, &bytes);
 *
 * On io_uring each call is a request to the kernel; elsewhere a thread of the
 * loop makes it, of which there are four (`pool_threads`). A read that the
 * kernel can answer from its memory needs no thread.
 *
 * A cancel asks the kernel to stop; the call returns when the kernel has
 * stopped, because until then buffers and names are in use. A request that
 * waits on a disk or in a queue ends soon. A file that never answers (of a
 * server that is gone, a FIFO that nobody else opens) holds up who asked and
 * nobody else; on io_uring the waiter can be cancelled as far as a signal
 * could interrupt the call, in a thread it cannot. As many dead calls as there
 * are threads stop all files; on io_uring that takes 64 (before Linux 5.15
 * four a processor). On the simulator the loop's own thread makes the calls.
 *
 * The position of a file belongs to one task at a time; any number of tasks may
 * use one file with acio_pread and acio_pwrite.
 *
 * Whatever the call did when a cancel came too late is its result: no
 * descriptor and no byte is lost, and the cancel is seen at the next
 * suspension point.
 */
#ifndef ACIO_FILE_H
#define ACIO_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "types.h"

ACIO_BEGIN_DECLS

/* ---- descriptors ---- */

/* open(2), with O_CLOEXEC.
 *
 *   returns   a descriptor; a negative errno
 *   suspends  yes
 *   cancel    clean: nothing was opened (a file made by O_CREAT may be there)
 *   owner     the caller closes the descriptor, with acio_close_fd
 *   thread    the loop's
 *   python    os.open()
 */
ACIO_EXPORT int acio_open(const char *path, int flags, mode_t mode);

/* close(2). Done also where the task is cancelled.
 *
 *   returns   0 or a negative errno; the descriptor is gone in either case
 *   suspends  yes
 *   cancel    clean: seen only when the descriptor is closed
 *   owner     `fd` is taken; -ACIO_ENOTASK leaves it
 *   thread    the loop's
 *   python    os.close()
 */
ACIO_EXPORT int acio_close_fd(int fd);

/* read(2), at the file's position. A pipe or a terminal is waited for.
 *
 *   returns   bytes read, perhaps fewer than asked for; 0 at the end; a
 *             negative errno
 *   suspends  yes
 *   cancel    clean: no byte was taken
 *   owner     `buf` is in use until the call returns
 *   thread    the loop's
 *   python    os.read()
 */
ACIO_EXPORT ssize_t acio_file_read(int fd, void *buf, size_t bytes);

/* write(2), at the file's position. A pipe or a terminal is waited for; there
 * is no SIGPIPE.
 *
 *   returns   bytes written, perhaps fewer than given; a negative errno
 *   suspends  yes
 *   cancel    clean: no byte was written
 *   owner     `data` is in use until the call returns
 *   thread    the loop's
 *   python    os.write()
 */
ACIO_EXPORT ssize_t acio_file_write(int fd, const void *data, size_t bytes);

/* pread(2): the position stays. Any number of tasks may read one file.
 *
 *   returns   bytes read, perhaps fewer than asked for; 0 at the end; a
 *             negative errno
 *   suspends  yes
 *   cancel    clean
 *   owner     `buf` is in use until the call returns
 *   thread    the loop's
 *   python    os.pread()
 */
ACIO_EXPORT ssize_t acio_pread(int fd, void *buf, size_t bytes, int64_t offset);

/* pwrite(2): the position stays.
 *
 *   returns   bytes written, perhaps fewer than given; a negative errno
 *   suspends  yes
 *   cancel    clean: no byte was written
 *   owner     `data` is in use until the call returns
 *   thread    the loop's
 *   python    os.pwrite()
 */
ACIO_EXPORT ssize_t acio_pwrite(int fd, const void *data, size_t bytes,
    int64_t offset);

/* fsync(2): returns when the file is on the disk, with its metadata. For a
 * folder: with its entries.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: nothing is known of what is on the disk
 *   owner     -
 *   thread    the loop's
 *   python    os.fsync()
 */
ACIO_EXPORT int acio_fsync(int fd);

/* fdatasync(2): only what is needed to read the data again.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: nothing is known of what is on the disk
 *   owner     -
 *   thread    the loop's
 *   python    os.fdatasync()
 */
ACIO_EXPORT int acio_fdatasync(int fd);

/* ftruncate(2).
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: the length is what it was
 *   owner     -
 *   thread    the loop's
 *   python    os.ftruncate()
 */
ACIO_EXPORT int acio_ftruncate(int fd, int64_t bytes);

/* fstat(2).
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean
 *   owner     `out` is filled on success
 *   thread    the loop's
 *   python    os.fstat()
 */
ACIO_EXPORT int acio_fstat(int fd, struct stat *out);

/* ---- names ---- */

/* stat(2): of what a symbolic link leads to.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean
 *   owner     `out` is filled on success
 *   thread    the loop's
 *   python    os.stat()
 */
ACIO_EXPORT int acio_stat(const char *path, struct stat *out);

/* lstat(2): of a symbolic link itself.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean
 *   owner     `out` is filled on success
 *   thread    the loop's
 *   python    os.lstat()
 */
ACIO_EXPORT int acio_lstat(const char *path, struct stat *out);

/* rename(2): what `to_path` named is replaced, in one step.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: the names are what they were
 *   owner     -
 *   thread    the loop's
 *   python    os.rename()
 */
ACIO_EXPORT int acio_rename(const char *path, const char *to_path);

/* unlink(2).
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: the name is still there
 *   owner     -
 *   thread    the loop's
 *   python    os.unlink()
 */
ACIO_EXPORT int acio_unlink(const char *path);

/* mkdir(2).
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: there is no folder
 *   owner     -
 *   thread    the loop's
 *   python    os.mkdir()
 */
ACIO_EXPORT int acio_mkdir(const char *path, mode_t mode);

/* rmdir(2).
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: the folder is still there
 *   owner     -
 *   thread    the loop's
 *   python    os.rmdir()
 */
ACIO_EXPORT int acio_rmdir(const char *path);

/* ---- whole files ---- */

/* All of a file, which need not be one on a disk. A zero follows the bytes.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean
 *   owner     the caller frees `*out` with acio_free; NULL after an error
 *   thread    the loop's
 *   python    pathlib.Path.read_bytes()
 */
ACIO_EXPORT int acio_read_file(const char *path, void **out, size_t *bytes);

/* Give a file this content: all of it or, whatever happens, what it had before.
 * The data goes into a new file in the same folder, to the disk, and under the
 * name of the old one; then the folder goes to the disk. A file that was there
 * keeps its mode, and its owner and group where that is permitted, but neither
 * ACLs nor extended attributes, nor set-uid and set-gid bits without the owner;
 * a new one gets `mode`, less the umask. A symbolic link is replaced, not
 * followed, and so are the other hard links left behind; what is no file is not
 * replaced (-EISDIR, -EINVAL).
 *
 *   returns   0: the new content is on the disk; a negative errno: the old
 *             file is there, unless the last step of all failed (-EIO of a
 *             disk, after the rename)
 *   suspends  yes
 *   cancel    clean: the old file is there and nothing else; not seen any more
 *             once the new one takes its place
 *   owner     `data` is in use until the call returns
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT int acio_write_file(const char *path, const void *data,
    size_t bytes, mode_t mode);

/* ---- lines ---- */

typedef struct acio_lines acio_lines;

/* Open a file to read its lines, one after the other.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: nothing was opened
 *   owner     the caller closes `*out`, with acio_close_lines
 *   thread    the loop's
 *   python    open()
 */
ACIO_EXPORT int acio_open_lines(acio_lines **out, const char *path,
    size_t longest);

/* The next line, without its '\n'. The last one need not have one.
 *
 *   returns   1: `line` is it; 0: there are no more; -ACIO_ELIMIT: it has more
 *             than the `longest` bytes allowed (0 allowed 1 MiB); a negative
 *             errno
 *   suspends  yes
 *   cancel    clean: the same line is next
 *   owner     `line` points into `lines`, until the next call
 *   thread    the loop's; one task at a time
 *   python    for line in file
 */
ACIO_EXPORT int acio_lines_next(acio_lines *lines, struct acio_line *line);

/* Close it; NULL is fine. Done also where the task is cancelled, and outside a
 * task.
 *
 *   returns   -
 *   suspends  yes
 *   cancel    clean: seen only when it is closed
 *   owner     `lines` is taken
 *   thread    the loop's
 *   python    file.close()
 */
ACIO_EXPORT void acio_close_lines(acio_lines *lines);

/* ---- folders ---- */

typedef struct acio_folder acio_folder;

struct acio_folder_entry {
    const char *name;
    uint64_t inode;
    unsigned char type; /* DT_REG, DT_DIR, ... or DT_UNKNOWN of <dirent.h> */
};

/* Open a folder to read its entries, one after the other.
 *
 *   returns   0 or a negative errno
 *   suspends  yes
 *   cancel    clean: nothing was opened
 *   owner     the caller closes `*out`, with acio_close_folder
 *   thread    the loop's
 *   python    os.scandir()
 */
ACIO_EXPORT int acio_open_folder(acio_folder **out, const char *path);

/* The next entry, in no order; "." and ".." are left out. What is made or
 * removed meanwhile may be told or not.
 *
 *   returns   1: `entry` is it; 0: there are no more; a negative errno
 *   suspends  yes
 *   cancel    clean: the same entry is next
 *   owner     `entry->name` lies in `folder`, until the next call
 *   thread    the loop's; one task at a time
 *   python    for entry in os.scandir()
 */
ACIO_EXPORT int acio_folder_next(acio_folder *folder,
    struct acio_folder_entry *entry);

/* Close it; NULL is fine. Done also where the task is cancelled, and outside a
 * task.
 *
 *   returns   -
 *   suspends  yes
 *   cancel    clean: seen only when it is closed
 *   owner     `folder` is taken
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_close_folder(acio_folder *folder);

ACIO_END_DECLS

#endif
