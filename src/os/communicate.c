/* SPDX-License-Identifier: MIT */
/* communicate.c - a child's input and outputs at once
 *
 * Idea.       Each pipe has a task of its own, in a group, so that a full one
 *             never keeps another waiting. All that they have achieved lies in
 *             the caller's struct, byte for byte: after a cancel it is there,
 *             and another call goes on from there.
 */
#include <errno.h>

#include "base/alloc.h"
#include "os/process.h"

enum { PIECE_BYTES = 65536, FIRST_ROOM = 4096 };

/* One call, while its tasks are under way. */
struct exchange {
    const struct acioi_process *process;
    struct acio_communication *io;
    acio_group group;
    int unfinished; /* tasks that have not achieved what they are for */
};

/* What a task of the group returns. One that somebody has cancelled, although
 * he has not cancelled the call, leaves nothing to wait for to the others. */
static int
leave(struct exchange *exchange, int result)
{
    if (result >= 0)
        exchange->unfinished--;
    else
        acio_group_cancel(&exchange->group);
    return result < 0 ? result : 0;
}

/* ---- input ---- */

static int
feed(acio_stream *stream, struct acio_communication *io)
{
    const char *data = io->input;
    while (io->input_sent < io->input_bytes) {
        size_t left = io->input_bytes - io->input_sent;
        size_t bytes = left < PIECE_BYTES ? left : PIECE_BYTES;
        int err = acio_write(stream, data + io->input_sent, bytes);
        if (err < 0)
            return err;
        io->input_sent += bytes;
        err = acio_drain(stream);
        if (err < 0)
            return err;
    }
    return acio_write_eof(stream);
}

struct feed_input_args {
    struct exchange *exchange;
    acio_stream *stream;
};

/* A child that reads no more has what it wanted. */
static int
feed_input(void *arg)
{
    const struct feed_input_args *a = arg;
    int err = feed(a->stream, a->exchange->io);
    if (err == -EPIPE || err == -ECONNRESET)
        err = 0;
    return leave(a->exchange, err);
}

/* ---- outputs ---- */

struct collect_output_args {
    struct exchange *exchange;
    acio_stream *stream;
    char **data;
    size_t *bytes, *room;
    size_t limit;
};

/* For one more byte than there is, and a zero behind it. */
static int
make_room(const struct collect_output_args *a)
{
    if (*a->bytes + 1 < *a->room)
        return 0;
    size_t room = *a->room ? *a->room * 2 : FIRST_ROOM;
    char *data = acioi_realloc(*a->data, room);
    if (!data)
        return -ENOMEM;
    *a->data = data;
    *a->room = room;
    return 0;
}

static int
collect(const struct collect_output_args *a)
{
    for (;;) {
        int err = make_room(a);
        if (err < 0)
            return err;
        char *at = *a->data + *a->bytes;
        *at = '\0';
        ssize_t n = acio_read(a->stream, at, *a->room - *a->bytes - 1);
        if (n <= 0)
            return (int)n;
        *a->bytes += (size_t)n;
        (*a->data)[*a->bytes] = '\0';
        if (a->limit == 0 || *a->bytes <= a->limit)
            continue;
        *a->bytes = a->limit;
        (*a->data)[a->limit] = '\0';
        return -ACIO_ELIMIT;
    }
}

static int
collect_output(void *arg)
{
    const struct collect_output_args *a = arg;
    int err = collect(a);
    return leave(a->exchange, err);
}

/* ---- all of it ---- */

static void
start_feeding(struct exchange *exchange)
{
    acio_stream *stream = acioi_end_stream(&exchange->process->ends[0]);
    if (!stream)
        return;
    exchange->unfinished++;
    acio_group_create_task(&exchange->group, feed_input, .exchange = exchange,
        .stream = stream);
}

static void
start_collecting(struct exchange *exchange)
{
    struct acio_communication *io = exchange->io;
    acio_stream *output = acioi_end_stream(&exchange->process->ends[1]);
    acio_stream *errors = acioi_end_stream(&exchange->process->ends[2]);
    exchange->unfinished += (output != NULL) + (errors != NULL);
    if (output)
        acio_group_create_task(&exchange->group, collect_output,
            .exchange = exchange, .stream = output, .data = &io->output,
            .bytes = &io->output_bytes, .room = &io->output_room,
            .limit = io->limit);
    if (errors)
        acio_group_create_task(&exchange->group, collect_output,
            .exchange = exchange, .stream = errors, .data = &io->errors,
            .bytes = &io->errors_bytes, .room = &io->errors_room,
            .limit = io->limit);
}

static int
exchange_all(struct acioi_process *process, struct acio_communication *io)
{
    struct exchange exchange = { .process = process, .io = io };
    acio_group_open(&exchange.group);
    start_feeding(&exchange);
    start_collecting(&exchange);
    int err = acio_group_wait(&exchange.group);
    acio_group_close(&exchange.group);
    return err == 0 && exchange.unfinished ? -ECANCELED : err;
}

int
acio_process_communicate(acio_process *handle, struct acio_communication *io)
{
    if (!acioi_current())
        return acioi_no_task(__func__);
    int err;
    struct acioi_process *process = acioi_process_of(handle, &err);
    if (!process || !io)
        return err < 0 ? err : -EINVAL;
    process->users++;
    err = exchange_all(process, io);
    if (acioi_process_unuse(process) && err >= 0)
        err = -ACIO_ECLOSED;
    return err < 0 ? err : acio_process_wait(handle);
}

void
acio_communication_free(struct acio_communication *io)
{
    if (!io)
        return;
    acioi_free(io->output);
    acioi_free(io->errors);
    *io = (struct acio_communication){ 0 };
}
