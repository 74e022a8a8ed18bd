/* SPDX-License-Identifier: MIT */
/* process.h - subprocesses from the inside
 *
 * The parts, each in a file of its own:
 *
 *     spawn.c        a program started in a child
 *     child.c        its end: a pidfd or a thread, its status, signals to it
 *     ends.c         its standard descriptors, and the streams behind them
 *     process.c      create, wait, close
 *     handle.c       what users hold
 *     communicate.c  input and outputs at once
 *
 * Handle.     A process lies at a multiple of 512 bytes, in memory that stays
 *             as long as the loop lives. What users hold is its address plus a
 *             number of 9 bits that it got when it was made: a handle that has
 *             ended is answered, and not believed.
 */
#ifndef ACIOI_PROCESS_H
#define ACIOI_PROCESS_H

#include <sys/stat.h>

#include <acio/subprocess.h>

#include "base/list.h"
#include "os/child.h"
#include "task/task.h"

/* One standard descriptor of a child. */
struct acioi_end {
    acio_stream *stream; /* NULL: no pipe */
    dev_t device;        /* which pipe it is the stream of */
    ino_t inode;
    int fd;    /* the child's, while it is made; -1: as here */
    bool ours; /* to be closed once the child has it */
};

/* The layer's side of a loop. */
struct acioi_processes {
    struct acio_loop_part part;
    acio_loop *loop;
    struct acio_link list;  /* processes, also closed ones that run */
    struct acio_link spare; /* their memory, afterwards */
};

struct acioi_process {
    struct acioi_processes *all;
    void *memory;          /* the block that it lies in */
    uint16_t number;       /* of the handle that is good; 0: it is closed */
    uint16_t last_number;  /* given out */
    struct acio_link link; /* in all->list or all->spare */
    struct acioi_child child;
    acio_op poll;     /* of child.fd, alive until the child has ended */
    acio_timer again; /* after a poll that failed */
    struct acioi_end ends[3];
    struct acio_link waiters; /* tasks inside acio_process_wait */
    unsigned users;           /* calls that will look at it again */
    int status;               /* valid once it has ended */
    bool ended;
};

/* Opens what the child is to have: 0, or a negative errno and nothing is left
 * open. */
int acioi_ends_open(struct acioi_end ends[3],
    const struct acio_process_options *options);
/* The child has its own, or there is none. */
void acioi_ends_close_ours(struct acioi_end ends[3]);
/* The stream of an end, unless its owner has closed it; NULL. */
acio_stream *acioi_end_stream(const struct acioi_end *end);
void acioi_ends_abort(struct acioi_end ends[3]);

/* The end of a use; true where the process was closed meanwhile, and may be
 * gone. */
bool acioi_process_unuse(struct acioi_process *process);

/* A process in all->list, zeroed but for its handle, which is good; NULL
 * without memory. */
struct acioi_process *acioi_process_take(struct acioi_processes *all);
void acioi_process_give(struct acioi_process *process);

/* Frees the memory of those that were given back. */
void acioi_process_free_spare(struct acioi_processes *all);

acio_process *acioi_process_handle(struct acioi_process *process);

/* The process behind a handle of the running loop's; NULL with the reason in
 * `*err`: -EINVAL for NULL, -ACIO_ENOLOOP, -ACIO_EFOREIGN, -ACIO_ECLOSED. */
struct acioi_process *acioi_process_of(const acio_process *handle, int *err);

static inline bool
acioi_process_closed(const struct acioi_process *process)
{
    return process->number == 0;
}

#endif
