/* SPDX-License-Identifier: MIT */
/* writer.c - rows become lines of a file
 *
 * It takes all rows that are there, and writes them at once; while the disk is
 * busy, rows gather in the queue, and then it is the queue that is full.
 */
#include "pipeline.h"

#include <inttypes.h>
#include <stdio.h>

enum { BUFFER_BYTES = 65536, ROW_MOST = 128 };

static const char *const names[] = { "tcp", "udp", "file", "timer" };

static size_t
format_row(char *at, const struct row *row)
{
    return (size_t)snprintf(at, ROW_MOST,
        "%" PRId64 ",%s,%" PRId64 ",%" PRId64 "\n", row->begin_ms,
        names[row->source], row->count, row->sum);
}

/* A write may be short: then the rest follows. */
static int
write_all(int fd, const char *data, size_t bytes, int64_t *offset)
{
    while (bytes > 0) {
        ssize_t n = acio_pwrite(fd, data, bytes, *offset);
        if (n < 0)
            return (int)n;
        data += n;
        bytes -= (size_t)n;
        *offset += n;
    }
    return 0;
}

int
write_rows(void *arg)
{
    struct pipeline *p = ((struct write_rows_args *)arg)->pipeline;
    char buffer[BUFFER_BYTES];
    int64_t offset = 0;
    struct row row;
    int err;
    while ((err = acio_queue_get(&p->rows, &row)) == 0) {
        size_t bytes = 0;
        do {
            bytes += format_row(buffer + bytes, &row);
            p->written += row.count;
        } while (bytes <= sizeof buffer - ROW_MOST &&
            acio_queue_get_nowait(&p->rows, &row) == 0);
        err = write_all(p->output_fd, buffer, bytes, &offset);
        if (err < 0)
            return err;
    }
    return err == -ACIO_EQUEUESHUTDOWN ? acio_fdatasync(p->output_fd) : err;
}
