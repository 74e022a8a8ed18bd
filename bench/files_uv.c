/* SPDX-License-Identifier: MIT */
/* Random reads on libuv: its pool of four threads, 64 requests under way. */
#include "files.h"

#include <uv.h>

struct reader {
    uv_fs_t request;
    uv_buf_t piece;
    unsigned block;
};

static struct bench_file file;

static void done(uv_fs_t *request);

static void
start(uv_loop_t *loop, struct reader *r)
{
    if (file.left == 0)
        return;
    r->block = bench_file_next(&file);
    uv_fs_read(loop, &r->request, file.fd, &r->piece, 1,
        (int64_t)r->block * BLOCK, done);
}

static void
done(uv_fs_t *request)
{
    struct reader *r = (struct reader *)request;
    bench_file_check(request->result, r->piece.base, r->block);
    uv_fs_req_cleanup(request);
    start(request->loop, r);
}

int
main(int argc, char **argv)
{
    static struct reader readers[DEPTH];
    uv_loop_t loop;
    uv_loop_init(&loop);
    file = bench_file_open(argc, argv);
    for (int i = 0; i < DEPTH; i++) {
        readers[i].piece = uv_buf_init(file.data[i], BLOCK);
        start(&loop, &readers[i]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_file_print(&file);
    return 0;
}
