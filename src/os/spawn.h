/* SPDX-License-Identifier: MIT */
/* spawn.h - a program started in a child, and where it failed; spawn.c says
 * how */
#ifndef ACIOI_SPAWN_H
#define ACIOI_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where a spawn failed. */
enum acioi_spawn_step {
    ACIOI_SPAWN_FORK, /* no child could be made */
    ACIOI_SPAWN_DESCRIPTORS,
    ACIOI_SPAWN_GROUP,
    ACIOI_SPAWN_CWD,
    ACIOI_SPAWN_EXEC,
    ACIOI_SPAWN_INTERPRETER /* ENOENT, though the program is there */
};

struct acioi_spawn {
    const char *const *argv;
    const char *const *env;
    const char *const *paths; /* where the program may be, in order */
    const char *cwd;          /* NULL: here */
    int ends[3]; /* what it has as 0, 1, 2; -1: what the caller has */
    const int *pass_fds;
    size_t pass_fds_count;
    bool new_session, new_group;
    pid_t group;                /* 0: the caller's */
    enum acioi_spawn_step step; /* out: where it failed */
};

/* The child's pid once the program runs, or a negative errno: then there is
 * no child. */
pid_t acioi_spawn(struct acioi_spawn *spawn);

/* The paths at which `name` is to be tried, ended by NULL, in one block to be
 * freed by acioi_free; NULL without memory. `env` says where to look. */
const char *const *acioi_spawn_paths(const char *name, const char *const *env);

/* The same fd, or a copy above 2 for which the fd was closed, so that it is in
 * nobody's way; or a negative errno, and the fd is closed. */
int acioi_fd_above_standard(int fd);

#endif
