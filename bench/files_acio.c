/* SPDX-License-Identifier: MIT */
/* Random reads by 64 tasks, each of which reads one block after the other. */
#include "files.h"

#include <acio.h>

struct reader_args {
    struct bench_file *file;
    int number;
};

static int
reader(void *arg)
{
    struct reader_args *a = arg;
    struct bench_file *file = a->file;
    char *data = file->data[a->number];
    while (file->left > 0) {
        unsigned block = bench_file_next(file);
        ssize_t got = acio_pread(file->fd, data, BLOCK, (off_t)block * BLOCK);
        bench_file_check(got, data, block);
    }
    return 0;
}

struct amain_args {
    int argc;
    char **argv;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    struct bench_file file = bench_file_open(a->argc, a->argv);
    ACIO_GROUP(group);
    for (int i = 0; i < DEPTH; i++)
        bench_require(acio_group_start(&group, reader, .file = &file,
                          .number = i) == 0,
            "starting a task");
    int err = acio_group_wait(&group);
    bench_file_print(&file);
    return err;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .argc = argc, .argv = argv) < 0;
}
