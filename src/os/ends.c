/* SPDX-License-Identifier: MIT */
/* ends.c - a child's standard descriptors, and the streams behind them
 *
 * Idea.       For each of the three there is a descriptor that the child gets,
 *             or none where it keeps what the caller has. Of a pipe the other
 *             half becomes a stream before the child is made: so all that may
 *             lack memory comes first, and a child that runs is complete.
 *
 * Closed.     A user may close a stream of the child by himself. Its handle
 *             could in time be that of another stream, which must not be
 *             aborted in its place: so it is asked for its pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/process.h"
#include "os/spawn.h"

static int
make_stream(struct acioi_end *end, int fd, bool child_reads, size_t limit)
{
    const struct acio_pipe_options options = { .limit = limit };
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    end->device = st.st_dev;
    end->inode = st.st_ino;
    if (child_reads)
        return acio_connect_write_pipe(&end->stream, fd, &options);
    return acio_connect_read_pipe(&end->stream, fd, &options);
}

static int
open_pipe(struct acioi_end *end, bool child_reads, size_t limit)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    int here = fds[child_reads];
    int there = acioi_fd_above_standard(fds[!child_reads]);
    int err = there < 0 ? there : make_stream(end, here, child_reads, limit);
    if (err < 0) {
        close(here);
        if (there >= 0)
            close(there);
        return err;
    }
    end->fd = there;
    end->ours = true;
    return 0;
}

static int
open_null(struct acioi_end *end)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    end->fd = acioi_fd_above_standard(fd);
    end->ours = end->fd >= 0;
    return end->ours ? 0 : end->fd;
}

static int
use_fd(struct acioi_end *end, int fd)
{
    if (fd < 0)
        return -EINVAL;
    if (fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    end->fd = fd;
    return 0;
}

static int
open_end(struct acioi_end *end, int wanted, bool child_reads, size_t limit)
{
    switch (wanted) {
    case 0:
        return 0;
    case ACIO_PIPE:
        return open_pipe(end, child_reads, limit);
    case ACIO_DEVNULL:
        return open_null(end);
    default:
        return use_fd(end, wanted);
    }
}

int
acioi_ends_open(struct acioi_end ends[3],
    const struct acio_process_options *options)
{
    const int wanted[3] = { options->input, options->output, options->errors };
    int err = 0;
    for (int i = 0; i < 3; i++)
        ends[i].fd = -1;
    for (int i = 0; i < 3 && err == 0; i++) {
        if (i == 2 && wanted[i] == ACIO_STDOUT)
            ends[i].fd = ends[1].fd < 0 ? 1 : ends[1].fd;
        else
            err = open_end(&ends[i], wanted[i], i == 0, options->limit);
    }
    if (err < 0) {
        acioi_ends_close_ours(ends);
        acioi_ends_abort(ends);
    }
    return err;
}

void
acioi_ends_close_ours(struct acioi_end ends[3])
{
    for (int i = 0; i < 3; i++) {
        if (ends[i].ours)
            close(ends[i].fd);
        ends[i].ours = false;
    }
}

/* A stream that has lost its pipe does not know it any more. */
acio_stream *
acioi_end_stream(const struct acioi_end *end)
{
    struct stat st;
    if (!end->stream)
        return NULL;
    int fd = acio_stream_fd(end->stream);
    if (fd == -ENOTCONN)
        return end->stream;
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    bool same = st.st_ino == end->inode && st.st_dev == end->device;
    return same ? end->stream : NULL;
}

void
acioi_ends_abort(struct acioi_end ends[3])
{
    for (int i = 0; i < 3; i++) {
        acio_abort(acioi_end_stream(&ends[i]));
        ends[i].stream = NULL;
    }
}
