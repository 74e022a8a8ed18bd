/* SPDX-License-Identifier: MIT */
/* door.h - where other threads hand in calls to a loop with tasks */
#ifndef ACIOI_DOOR_H
#define ACIOI_DOOR_H

#include <pthread.h>

#include <acio/concurrent.h>

#include "engine/engine.h"

/* Lies in memory that outlives the loop. */
struct acioi_door {
    struct acio_loop_part
        part;               /* closes it, before the loop ends its threads */
    pthread_t thread;       /* the loop's */
    pthread_mutex_t mutex;  /* of what follows */
    struct acio_link calls; /* futures without a result */
    bool closed;
};

/* Before anybody else can know of the loop. */
void acioi_door_open(struct acioi_door *door, acio_loop *loop);

#endif
