/* SPDX-License-Identifier: MIT */
/* ask.h - questions to the name service, from the inside */
#ifndef ACIOI_ASK_H
#define ACIOI_ASK_H

#include <netdb.h>

#include "net/net.h"

/* Begins what is asked and answered, in memory of acioi_alloc. The first two
 * are the asker's to fill in. */
struct acioi_question {
    /* In a thread, which touches nothing else: 0 or an error. */
    int (*ask)(struct acioi_question *question);
    /* Frees what there is of an answer, in any thread. */
    void (*drop_answer)(struct acioi_question *question);

    acio_handle handle;        /* brings the answer home */
    struct acio_link link;     /* in crew->questions */
    struct acio_link in_queue; /* in crew->queue until a thread takes it */
    struct acioi_crew *crew;
    struct acioi_task *task; /* that waits; NULL: it has left */
    int result;
    bool answered, abandoned, uncounted; /* see ask.c */
};

/* Asks, and waits for the answer. What the question answered; `*question` is
 * still the caller's then. Or why the caller has to leave: then `*question` is
 * NULL, and somebody else frees it. Suspends. */
int acioi_ask(struct acioi_net *net, struct acioi_question **question);

void acioi_question_free(struct acioi_question *question);

/* The error for what getaddrinfo(3) or getnameinfo(3) has answered. */
int acioi_error_of_eai(int answer);

/* On the simulator, after the time that a thread would take: 0 where the name
 * is known there, "localhost". Suspends. */
int acioi_ask_simulator(const char *host);

static inline bool
acioi_net_is_simulated(const struct acioi_net *net)
{
    return net->loop->backend == &acioi_backend_sim;
}

#endif
