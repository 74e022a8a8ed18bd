/* SPDX-License-Identifier: MIT */
/* An echo server on bare io_uring(7), with all that helps: one accept and one
 * recv per connection that go on by themselves (multishot), received into a
 * ring of buffers, sent from there, completions run only when the loop asks
 * (DEFER_TASKRUN), one system call per pass. */
#include "listen.h"

#include <liburing.h>

enum { ENTRIES = 4096, BUFFERS = 4096, GROUP = 0 };
enum { ACCEPT, RECV, SEND };

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static int listener;

/* What a completion is told by: what it was, the fd, the buffer. */
static uint64_t
label(unsigned kind, unsigned fd, unsigned buffer)
{
    return (uint64_t)buffer << 40 | (uint64_t)fd << 8 | kind;
}

static struct io_uring_sqe *
next_request(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (!sqe) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    bench_require(sqe != NULL, "a submission entry");
    return sqe;
}

static void
give_buffer(unsigned buffer)
{
    io_uring_buf_ring_add(buffer_ring, buffers + buffer * BENCH_BUFFER,
        BENCH_BUFFER, (unsigned short)buffer, BUFFERS - 1, 0);
    io_uring_buf_ring_advance(buffer_ring, 1);
}

static void
start_accept(void)
{
    struct io_uring_sqe *sqe = next_request();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
    sqe->user_data = label(ACCEPT, 0, 0);
}

static void
start_recv(unsigned fd)
{
    struct io_uring_sqe *sqe = next_request();
    io_uring_prep_recv_multishot(sqe, (int)fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    sqe->user_data = label(RECV, fd, 0);
}

/* MSG_WAITALL: the kernel goes on where there was no room for all. */
static void
start_send(unsigned fd, unsigned buffer, unsigned bytes)
{
    struct io_uring_sqe *sqe = next_request();
    io_uring_prep_send(sqe, (int)fd, buffers + buffer * BENCH_BUFFER, bytes,
        MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = label(SEND, fd, buffer);
}

static void
accepted(const struct io_uring_cqe *cqe)
{
    bench_require(cqe->res >= 0, "accept");
    bench_no_delay(cqe->res);
    start_recv((unsigned)cqe->res);
    if (!(cqe->flags & IORING_CQE_F_MORE))
        start_accept();
}

static void
received(const struct io_uring_cqe *cqe, unsigned fd)
{
    if (cqe->res > 0)
        start_send(fd, cqe->flags >> IORING_CQE_BUFFER_SHIFT,
            (unsigned)cqe->res);
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS)
        start_recv(fd);
    else
        close((int)fd);
}

static void
completed(const struct io_uring_cqe *cqe)
{
    unsigned fd = (unsigned)(cqe->user_data >> 8);
    switch (cqe->user_data & 0xff) {
    case ACCEPT:
        accepted(cqe);
        break;
    case RECV:
        received(cqe, fd);
        break;
    case SEND:
        give_buffer((unsigned)(cqe->user_data >> 40));
        break;
    }
}

static void
open_ring(void)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
            IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * ENTRIES,
    };
    bench_require(io_uring_queue_init_params(ENTRIES, &ring, &params) == 0,
        "io_uring");
    bench_require(io_uring_register_ring_fd(&ring) == 1, "registering");
}

static void
open_buffers(void)
{
    size_t bytes = BUFFERS * sizeof(struct io_uring_buf);
    bench_require(posix_memalign((void **)&buffer_ring, 4096, bytes) == 0 &&
            posix_memalign((void **)&buffers, 4096, BUFFERS * BENCH_BUFFER) ==
                0,
        "memory");
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)buffer_ring,
        .ring_entries = BUFFERS,
        .bgid = GROUP,
    };
    io_uring_buf_ring_init(buffer_ring);
    bench_require(io_uring_register_buf_ring(&ring, &reg, 0) == 0,
        "a ring of buffers");
    for (unsigned i = 0; i < BUFFERS; i++)
        give_buffer(i);
}

int
main(int argc, char **argv)
{
    bench_raise_files();
    open_ring();
    open_buffers();
    listener = bench_listen(argc, argv, 0);
    start_accept();
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            completed(cqe);
            count++;
        }
        io_uring_cq_advance(&ring, count);
    }
}
