/* SPDX-License-Identifier: MIT */
/* file.h - what the calls on files share */
#ifndef ACIOI_OS_FILE_H
#define ACIOI_OS_FILE_H

#include <acio/file.h>
#include <acio/op.h>

/* Read and written at once: what a cancel waits for at most, and how long the
 * kernel copies in the loop's thread. */
enum { ACIOI_FILE_PORTION = 1 << 20 };

/* acio_close_fd, which outside a task closes all the same. */
void acioi_file_close(int fd);

/* A file that is read from its beginning to its end. */
struct acioi_file_source {
    int fd;
    int64_t offset;  /* of the next read; -1: it has no offsets */
    size_t expected; /* bytes, as far as one knows */
};

/* 0 or a negative errno, leaving nothing. */
int acioi_file_source_open(struct acioi_file_source *source, const char *path);

/* Up to `bytes`, and no more than a portion; 0 at the end. */
ssize_t acioi_file_source_read(struct acioi_file_source *source, void *buf,
    size_t bytes);

#endif
