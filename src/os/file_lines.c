/* SPDX-License-Identifier: MIT */
/* file_lines.c - the lines of a file, one after the other
 *
 * Idea.       A buffer is filled by portions and lent out line by line; the
 *             '\n' becomes a zero. What is left of the last portion moves to
 *             the front when more is needed, and only a line that does not fit
 *             makes the buffer grow.
 *
 *                 buffer ... first ....... searched ...... end ... room
 *                            |-- no '\n' --|-- not looked at --|
 */
#include "os/file.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "task/task.h"

enum { FIRST_ROOM = 65536, LONGEST = 1 << 20 };

struct acio_lines {
    struct acioi_file_source source;
    size_t longest;
    bool ended;
    char *buffer;
    size_t room; /* of which the last byte is kept for a zero */
    size_t first, searched, end;
};

int
acio_open_lines(acio_lines **out, const char *path, size_t longest)
{
    *out = NULL;
    acio_lines *lines = acioi_alloc(sizeof *lines);
    if (!lines)
        return -ENOMEM;
    lines->longest = longest ? longest : LONGEST;
    lines->room = FIRST_ROOM;
    lines->buffer = acioi_alloc_raw(lines->room);
    int err = lines->buffer ? acioi_file_source_open(&lines->source, path)
                            : -ENOMEM;
    if (err < 0) {
        acioi_free(lines->buffer);
        acioi_free(lines);
        return err;
    }
    *out = lines;
    return 0;
}

/* There is a line of `bytes`, and what follows it. */
static int
take(acio_lines *lines, size_t bytes, size_t separator, struct acio_line *line)
{
    if (bytes > lines->longest)
        return -ACIO_ELIMIT;
    line->text = lines->buffer + lines->first;
    line->bytes = bytes;
    lines->buffer[lines->first + bytes] = 0;
    lines->first += bytes + separator;
    lines->searched = lines->first;
    return 1;
}

/* Room for more bytes behind `end`. */
static int
make_room(acio_lines *lines)
{
    if (lines->first > 0) {
        size_t left = lines->end - lines->first;
        memmove(lines->buffer, lines->buffer + lines->first, left);
        lines->searched -= lines->first;
        lines->end = left;
        lines->first = 0;
    }
    if (lines->end + 1 < lines->room)
        return 0;
    char *buffer = acioi_realloc(lines->buffer, lines->room * 2);
    if (!buffer)
        return -ENOMEM;
    lines->buffer = buffer;
    lines->room *= 2;
    return 0;
}

static int
fill(acio_lines *lines)
{
    lines->searched = lines->end;
    if (lines->end - lines->first > lines->longest)
        return -ACIO_ELIMIT;
    int err = make_room(lines);
    if (err < 0)
        return err;
    ssize_t n = acioi_file_source_read(&lines->source,
        lines->buffer + lines->end, lines->room - 1 - lines->end);
    if (n < 0)
        return (int)n;
    lines->end += (size_t)n;
    lines->ended = n == 0;
    return 0;
}

int
acio_lines_next(acio_lines *lines, struct acio_line *line)
{
    int err = acioi_checkpoint();
    while (err == 0) {
        const char *from = lines->buffer + lines->searched;
        const char *found = memchr(from, '\n', lines->end - lines->searched);
        const char *first = lines->buffer + lines->first;
        if (found)
            return take(lines, (size_t)(found - first), 1, line);
        if (lines->ended && lines->first == lines->end)
            return 0;
        if (lines->ended)
            return take(lines, lines->end - lines->first, 0, line);
        err = fill(lines);
    }
    return err;
}

void
acio_close_lines(acio_lines *lines)
{
    if (!lines)
        return;
    acioi_file_close(lines->source.fd);
    acioi_free(lines->buffer);
    acioi_free(lines);
}
