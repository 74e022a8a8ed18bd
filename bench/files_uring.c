/* SPDX-License-Identifier: MIT */
/* Random reads on bare io_uring(7), 64 under way, one system call per pass. */
#include "files.h"

#include <liburing.h>

static struct bench_file file;
static struct io_uring ring;
static unsigned blocks[DEPTH];

static void
start(unsigned reader)
{
    if (file.left == 0)
        return;
    blocks[reader] = bench_file_next(&file);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    io_uring_prep_read(sqe, file.fd, file.data[reader], BLOCK,
        (uint64_t)blocks[reader] * BLOCK);
    sqe->user_data = reader;
}

static unsigned
reap(void)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&ring, head, cqe)
    {
        unsigned reader = (unsigned)cqe->user_data;
        bench_file_check(cqe->res, file.data[reader], blocks[reader]);
        start(reader);
        count++;
    }
    io_uring_cq_advance(&ring, count);
    return count;
}

int
main(int argc, char **argv)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    };
    bench_require(io_uring_queue_init_params(DEPTH, &ring, &params) == 0,
        "io_uring");
    bench_require(io_uring_register_ring_fd(&ring) == 1, "registering");
    file = bench_file_open(argc, argv);
    for (unsigned i = 0; i < DEPTH; i++)
        start(i);
    for (long done = 0; done < file.count; done += reap())
        io_uring_submit_and_wait(&ring, 1);
    bench_file_print(&file);
    return 0;
}
