/* SPDX-License-Identifier: MIT */
/* uring_file.c - reads of files that must not stop the loop
 *
 * Idea.       The kernel tries a read in our thread, and begins to read ahead
 *             where it has not the data. With a network file system, or one in
 *             user space, that alone may wait for a server. So at first only
 *             what lies in memory is asked for (RWF_NOWAIT); what does not is
 *             asked for once more: of a disk as ever, of anything else in a
 *             thread of the kernel.
 *
 *                 from memory --> all of it, or the end of the file
 *                      |
 *                      +--> from a disk
 *                      +--> by a worker
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "engine/uring.h"

/* What the kernel knows without asking a server. */
static bool
look_at(const acio_op *op, struct statx *out)
{
    int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    unsigned mask = STATX_TYPE | STATX_SIZE;
    return statx(op->fd, "", flags, mask, out) == 0 && S_ISREG(out->stx_mode);
}

void
acioi_uring_limit_read(struct io_uring_sqe *sqe, acio_op *op)
{
    if (op->flags & URING_BY_WORKER) {
        sqe->flags |= IOSQE_ASYNC;
    } else if (!(op->flags & URING_FROM_DISK)) {
        sqe->rw_flags = RWF_NOWAIT;
        op->flags |= URING_FROM_MEMORY;
    }
}

/* Has it read what there is? */
static bool
is_all(const acio_op *op, int result, const struct statx *file)
{
    uint64_t end = (uint64_t)op->u.buf.offset + (uint64_t)result;
    return result >= 0 && end >= file->stx_size;
}

/* Devices without a disk have the major number 0. */
bool
acioi_uring_read_more(acio_op *op, int result)
{
    struct statx file;
    if (!(op->flags & URING_FROM_MEMORY))
        return false;
    op->flags &= (uint16_t)~URING_FROM_MEMORY;
    bool missing = result == -EAGAIN || result == -EOPNOTSUPP ||
        (result > 0 && (size_t)result < op->u.buf.bytes);
    if (!missing)
        return false;
    bool regular = look_at(op, &file);
    if (result > 0 && (!regular || is_all(op, result, &file)))
        return false;
    bool elsewhere = regular && file.stx_dev_major == 0;
    op->flags |= elsewhere ? URING_BY_WORKER : URING_FROM_DISK;
    return true;
}
