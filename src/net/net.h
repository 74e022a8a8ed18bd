/* SPDX-License-Identifier: MIT */
/* net.h - streams and servers from the inside
 *
 * The parts, each in a file of its own:
 *
 *     net.c        the layer's side of a loop: slots, flushing, the end
 *     block.c      memory for bytes, kept for the next who needs some
 *     address.c    socket addresses from text and to text
 *     resolve.c    names to addresses
 *     ask.h        questions to the name service, in threads
 *     stream.c     a stream's life
 *     read.c       its input
 *     write.c      its output
 *     filter.c     what stands between its user and its socket
 *     sendfile.c   a file as output
 *     pipe.c       streams of pipes, and of sockets that others have made
 *     open.h       how connections and listeners come to be
 *     server.c     acio_start_server
 *     datagram.c   acio_create_datagram_endpoint
 *
 * Handle.     Streams and servers lie in slots of 512 bytes, aligned to 512
 *             bytes, that stay mapped as long as the loop lives. What users
 *             hold is the address of the slot plus a number of 9 bits that it
 *             got when it was taken: a handle that has ended is answered, and
 *             not believed.
 */
#ifndef ACIOI_NET_H
#define ACIOI_NET_H

#include <acio/address.h>
#include <acio/filter.h>
#include <acio/server.h>
#include <acio/stream.h>

#include "base/list.h"
#include "engine/engine.h"
#include "task/task.h"

enum {
    SLOT_BYTES = 512,
    DEFAULT_LIMIT = 65536, /* of a stream's read buffer, as in asyncio */
    DEFAULT_HIGH_WATER = 65536,
    NAME_BYTES = 112 /* of an address as text, with its zero */
};

struct acioi_crew;
struct acioi_datagram;
struct acioi_net;
struct acioi_server;
struct acioi_stream;

/* For the way of each message, which filters take as well: the compiler would
 * make a call of what has two callers. */
#define ACIOI_INTO_CALLER inline __attribute__((always_inline))

/* ---- slots ---- */

enum acioi_slot_kind {
    ACIOI_SLOT_SERVER,
    ACIOI_SLOT_STREAM,
    ACIOI_SLOT_DATAGRAM
};

struct acioi_slot {
    struct acioi_net *net;
    uint32_t takings; /* so far: tells what its numbers cannot, which return */
    uint16_t number;  /* of the handle that is good; 0: none is */
    uint8_t kind;     /* enum acioi_slot_kind: what lies in it */
    bool taken;
};

struct acioi_slab;

/* A zeroed slot with a good handle, or NULL. */
struct acioi_slot *acioi_slot_take(struct acioi_net *net,
    enum acioi_slot_kind kind);
void acioi_slot_give(struct acioi_slot *slot);

static inline void *
acioi_slot_handle(const struct acioi_slot *slot)
{
    return (char *)slot + slot->number;
}

/* ---- blocks ---- */

/* Bytes first to end of `data` are in use. */
struct acioi_block {
    struct acioi_block *next; /* the owner's, while it has the block */
    size_t capacity;
    size_t first, end;
    char data[];
};

enum { BLOCK_SIZES = 7, SMALLEST_BLOCK = 4096 };

struct acioi_blocks {
    struct acioi_block *spare[BLOCK_SIZES]; /* by size: 4 KiB, 8 KiB, ... */
    size_t spare_bytes;
};

/* An empty block with room for `bytes` at least, or NULL. */
struct acioi_block *acioi_block_take(struct acioi_blocks *blocks, size_t bytes);
void acioi_block_give(struct acioi_blocks *blocks, struct acioi_block *block);
void acioi_blocks_free(struct acioi_blocks *blocks);

static inline size_t
acioi_block_bytes(const struct acioi_block *block)
{
    return block->end - block->first;
}

/* ---- the layer's side of a loop ---- */

struct acioi_net {
    struct acio_loop_part part;
    acio_loop *loop;
    struct acioi_slab *slabs; /* all of them */
    struct acioi_slot *spare; /* slots to be taken, last given first */
    struct acioi_blocks blocks;
    struct acio_link dirty;  /* streams with something to flush, by `link` */
    acio_handle flush;       /* runs while `dirty` has members */
    struct acioi_crew *crew; /* threads that look names up; NULL: none yet */
    char text[256];          /* what acio_error_text returned last */
};

/* The running loop's, made at the first use; NULL without memory. */
struct acioi_net *acioi_net_of(acio_loop *loop);

/* Flushes the stream in the next pass. */
void acioi_net_flush_soon(struct acioi_net *net, struct acioi_stream *stream);

/* Why a handle is refused: -EINVAL for NULL, -ACIO_ENOLOOP, -ACIO_EFOREIGN,
 * -ACIO_ECLOSED. */
int acioi_slot_refuse(const void *handle);

/* The slot behind a handle; NULL with the reason in `*err`. */
static inline void *
acioi_slot_of(const void *handle, int *err)
{
    uintptr_t bits = (uintptr_t)handle;
    struct acioi_slot *slot = (void *)(bits & ~(uintptr_t)(SLOT_BYTES - 1));
    const acio_loop *loop = acioi_running_loop;
    bool good = handle && loop && slot->net->loop == loop &&
        slot->number == (bits & (SLOT_BYTES - 1));
    *err = good ? 0 : acioi_slot_refuse(handle);
    return good ? slot : NULL;
}

/* ---- addresses ---- */

struct acioi_addresses {
    size_t count;
    struct acio_address list[];
};

static inline bool
acioi_port_is_valid(int port)
{
    return port >= 0 && port <= 65535;
}

/* Reads an address in digits, with a scope perhaps; 0 or -EINVAL. */
int acioi_address_parse(struct acio_address *out, const char *text, int port);
/* Reads the path of a Unix socket, or "@name"; 0, -EINVAL, -ENAMETOOLONG. */
int acioi_address_of_path(struct acio_address *out, const char *path);
/* Writes "192.0.2.1:80", "/run/socket", "@name", or "" for a Unix socket
 * without a name; the length, or -ENOSPC. */
int acioi_address_write(const struct acio_address *address, char *buf,
    size_t size);
/* 0 where there are no ports. */
int acioi_address_port(const struct acio_address *address);
void acioi_address_set_port(struct acio_address *address, int port);
/* Adds an address unless it is there, or of a family that is not wanted. */
void acioi_addresses_add(struct acioi_addresses *addresses,
    const struct acio_address *address, int family);

/* The name that a function of the back end's table tells about `fd`. */
typedef int acioi_name_function(acio_loop *loop, int fd,
    struct sockaddr *address, socklen_t *length);
int acioi_address_ask(struct acio_address *out, acio_loop *loop, int fd,
    acioi_name_function *ask);

/* ---- a sentence about a failure, for the caller's memory ---- */

struct acioi_text {
    char *at;
    size_t room; /* with the zero */
};

void acioi_text_begin(struct acioi_text *text, char *buf, size_t size);
void acioi_text_add(struct acioi_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- names ---- */

struct acioi_query {
    const char *host; /* NULL: this machine, or all its interfaces */
    int port, family;
    bool passive; /* to listen */
};

/* The addresses of a name, at least one, in `*out`, to be freed by
 * acioi_free; or an error. Suspends, unless the host is in digits. */
int acioi_resolve(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **out);

/* Adds to `*addresses` those of another name; after an error they are as they
 * were. */
int acioi_resolve_more(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **addresses);

/* When the loop is closed: what is still looked up is left behind. */
void acioi_crew_close(struct acioi_net *net);

/* ---- streams ---- */

/* A task that reads, on its stack. While it waits and `into` is set, what
 * comes goes straight there, and the stream's input is empty. */
struct acioi_reader {
    struct acioi_stream *stream;
    struct acioi_task *task;
    char *into;
    size_t wanted, got;
    bool exactly; /* woken when all that is wanted is there */
};

struct acioi_stream {
    struct acioi_slot slot;
    acio_op in;  /* RECV_MANY, alive unless paused */
    acio_op out; /* SEND, of the first block of the output */
    int fd;
    unsigned users;            /* calls that will look at the stream again */
    struct acio_link link;     /* in net->dirty, or in a server's `waiting` */
    struct acioi_task *closer; /* inside acio_close */
    double close_timeout;
    bool broken;    /* the connection is to be reset, soon */
    uint8_t kind;   /* enum acioi_stream_kind */
    bool held;      /* a filter has something to flush */
    bool detour;    /* writes do not go straight into the output: there is a
                   * filter, a file is sent, or acio_write_eof was called */
    bool out_taken; /* acio_sendfile has taken `out` for the file */
    bool left_idle; /* a pipe's reader left when all had left before */

    /* input */
    struct acioi_block *input;   /* what nobody has read; NULL: nothing */
    struct acioi_reader *reader; /* the one that waits */
    size_t limit;
    size_t partial; /* see acio_stream_partial */
    int read_error; /* told when the input is used up */
    bool ended;     /* the end of the stream has come */
    uint8_t busy;   /* READING, LENT, or neither */
    bool armed;     /* it was read from: input is wanted */

    /* output */
    bool finishing; /* acio_write_eof was called */
    bool shutting;  /* the kernel is to be told when all has left */
    bool finished;  /* and was told */
    bool sending;   /* acio_sendfile is under way */
    int write_error;
    struct acioi_block *output, *output_last; /* oldest first */
    size_t output_bytes;
    size_t high, low;
    struct acio_link drainers; /* tasks inside acio_drain */

    struct acio_filter *filter; /* the user's neighbour; NULL: none */
};

enum {
    READING = 1, /* a task is inside a read */
    LENT         /* a line of the input is with who asked for it */
};

enum acioi_stream_kind {
    STREAM_TCP,
    STREAM_SOCKET,    /* of another protocol */
    STREAM_READ_PIPE, /* or another fd that is only read */
    STREAM_WRITE_PIPE
};

static inline bool
acioi_stream_is_pipe(const struct acioi_stream *stream)
{
    return stream->kind >= STREAM_READ_PIPE;
}

/* Makes a stream of a connected socket, or of another fd that is non-blocking;
 * NULL without memory, and the fd stays the caller's. */
struct acioi_stream *acioi_stream_new_of(enum acioi_stream_kind kind,
    struct acioi_net *net, int fd, size_t limit);

/* The same in the running loop; without memory the fd is closed. */
struct acioi_stream *acioi_stream_new(enum acioi_stream_kind kind, int fd,
    size_t limit);

static inline struct acioi_stream *
acioi_stream_of(const acio_stream *handle, int *err)
{
    return acioi_slot_of(handle, err);
}

static inline acio_stream *
acioi_stream_handle(const struct acioi_stream *stream)
{
    return acioi_slot_handle(&stream->slot);
}

static inline bool
acioi_stream_closed(const struct acioi_stream *stream)
{
    return stream->slot.number == 0;
}

/* What broke it, 0 where nothing did. A pipe's other direction is no error of
 * its own. */
static inline int
acioi_stream_error(const struct acioi_stream *stream)
{
    if (stream->kind != STREAM_WRITE_PIPE && stream->read_error)
        return stream->read_error;
    return stream->kind != STREAM_READ_PIPE ? stream->write_error : 0;
}

/* Charges a suspension point that had its answer at hand. The others may run:
 * what was not kept in use may be gone after it. */
static inline void
acioi_charge(struct acioi_task *task)
{
    if (task->budget > 0)
        task->budget--;
    else
        (void)acioi_checkpoint(); /* the answer stands; a reason, too */
}

/* The end of a use; true where the stream was closed meanwhile, and may be
 * gone. */
bool acioi_stream_unuse(struct acioi_stream *stream);

/* Closes the socket of one that is broken, frees one that is closed, as soon
 * as nobody uses it any more. */
void acioi_stream_release(struct acioi_stream *stream);

/* acio_abort. */
void acioi_stream_abort(struct acioi_stream *stream);

/* What the loop's end leaves of a stream. */
void acioi_stream_drop(struct acioi_stream *stream);

/* The connection is lost, both ways. */
void acioi_stream_lose(struct acioi_stream *stream, int err);

/* ---- input ---- */

void acioi_input_wake_reader(struct acioi_stream *stream);
void acioi_input_close(struct acioi_stream *stream);
/* Ends the loan of a line; -EBUSY where a task is reading. */
int acioi_input_take_back(struct acioi_stream *stream);
/* Receives, unless that is under way, over, or too much already. */
void acioi_input_receive(struct acioi_stream *stream);
/* Bytes for the user, and the end: 0 or an error. */
void acioi_input_feed(struct acioi_stream *stream, const char *data,
    size_t bytes);
/* So much was put where the reader wants it. */
void acioi_input_fill(struct acioi_stream *stream, size_t bytes);
void acioi_input_feed_end(struct acioi_stream *stream, int err);

/* ---- output ---- */

/* Sends what there is, as far as it can be sent at once, and the rest later. */
void acioi_output_flush(struct acioi_stream *stream);
/* Nothing more leaves: what is buffered is dropped, who waits is told. */
void acioi_output_fail(struct acioi_stream *stream, int err);
void acioi_output_wake_drainers(struct acioi_stream *stream);
void acioi_output_free(struct acioi_stream *stream);
/* Bytes for the socket; 0 or the error that breaks the connection. */
int acioi_output_write(struct acioi_stream *stream, const char *data,
    size_t bytes);

/* Prepares `out` for what it does all the time. */
void acioi_output_prepare(struct acioi_stream *stream);

/* ---- pipes ---- */

/* What was written to it has all left, and no more will come. */
void acioi_pipe_finish(struct acioi_stream *stream);

/* ---- filters ---- */

/* What the operation that receives has brought to a stream with a filter. */
void acioi_filter_received(struct acioi_stream *stream);
/* acio_write and acio_write_eof on a stream with a filter. */
int acioi_filter_write(struct acioi_stream *stream, const char *data,
    size_t bytes);
void acioi_filter_flush(struct acioi_stream *stream);
int acioi_filter_write_eof(struct acioi_stream *stream);
/* Does none of them look at what is written? */
bool acioi_filter_passes_output(const struct acioi_stream *stream);
void acioi_filter_closing(struct acioi_stream *stream);
bool acioi_filter_end_awaited(const struct acioi_stream *stream);
void acioi_filter_lost(struct acioi_stream *stream, int err);
void acioi_filter_release(struct acioi_stream *stream);
/* The first sentence that one of them has; NULL: none. */
const char *acioi_filter_error_text(const struct acioi_stream *stream);

/* ---- servers ---- */

/* What the loop's end leaves of a server. */
void acioi_server_drop(struct acioi_server *server);

/* ---- datagrams ---- */

/* What the loop's end leaves of an endpoint. */
void acioi_datagram_drop(struct acioi_datagram *datagram);

#endif
