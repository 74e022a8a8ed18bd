/* SPDX-License-Identifier: MIT */
/* process.h - subprocesses from the inside
 *
 * The parts, each in a file of its own:
 *
 *     spawn.c        a program started in a child
 *     child.c        its end: a pidfd or a thread, its status, signals to it
 *     ends.c         its standard descriptors, and the streams behind them
 *     process.c      the handle: create, wait, close
 *     communicate.c  input and outputs at once
 */
#ifndef ACIOI_PROCESS_H
#define ACIOI_PROCESS_H

#include <sys/stat.h>

#include <acio/subprocess.h>

#include "base/list.h"
#include "os/child.h"
#include "task/task.h"

struct acioi_processes;

/* One standard descriptor of a child. */
struct acioi_end {
    acio_stream *stream; /* NULL: no pipe */
    dev_t device;        /* which pipe it is the stream of */
    ino_t inode;
    int fd;    /* the child's, while it is made; -1: as here */
    bool ours; /* to be closed once the child has it */
};

struct acio_process {
    struct acioi_processes *all;
    struct acio_link link; /* in all->list */
    struct acioi_child child;
    acio_op poll;     /* of child.fd, alive until the child has ended */
    acio_timer again; /* after a poll that failed */
    struct acioi_end ends[3];
    struct acio_link waiters; /* tasks inside acio_process_wait */
    unsigned users;           /* calls that will look at it again */
    int status;               /* valid once it has ended */
    bool ended, closed;
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
bool acioi_process_unuse(struct acio_process *process);

/* 0, or why the running task cannot use the process. */
int acioi_process_refuse(const struct acio_process *process);

#endif
