/* SPDX-License-Identifier: MIT */
/* child.h - a child of this process, up to its end; child.c says how */
#ifndef ACIOI_CHILD_H
#define ACIOI_CHILD_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct acioi_child {
    pid_t pid;
    int fd; /* readable once the child has ended: a pidfd, or an eventfd that
             * `thread` writes to */
    bool threaded;
    pthread_t thread;
};

/* Begins to watch the child `pid`, which nobody has waited for: 0 or a
 * negative errno. */
int acioi_child_open(struct acioi_child *child, pid_t pid);

/* Waits for a child that has ended: its status as wait(2) tells it; -ECHILD
 * where somebody else did that; -EAGAIN where it runs. */
int acioi_child_reap(const struct acioi_child *child);

/* Kills the child and waits for its end; one that may not be killed is left
 * alone. */
void acioi_child_end(struct acioi_child *child);

/* For one that was not waited for: so its number is no other's. */
int acioi_child_signal(const struct acioi_child *child, int signum);

/* When it was waited for. */
void acioi_child_close(struct acioi_child *child);

#endif
