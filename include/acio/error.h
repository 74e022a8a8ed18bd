/* SPDX-License-Identifier: MIT */
/* Error codes, and their sentences.
 *
 * A function that can fail returns a negative number: `-errno` where the
 * operating system has a word for it, one of the codes below, negated, where
 * it has none. The library's codes lie above 10,000, outside errno's range.
 */
#ifndef ACIO_ERROR_H
#define ACIO_ERROR_H

#include "export.h"

ACIO_BEGIN_DECLS

enum acio_error {
    ACIO_EFIRST = 10000,
    /* misuse, answered */
    ACIO_ENOLOOP = 10001,       /* no loop is running in this thread */
    ACIO_ENOTASK = 10002,       /* suspends, but was not called in a task */
    ACIO_ERUNNING = 10003,      /* a loop is already running here */
    ACIO_ECLOSED = 10004,       /* the object was closed */
    ACIO_EGONE = 10005,         /* the task was already awaited or detached */
    ACIO_ESELF = 10006,         /* a task cannot await itself */
    ACIO_EFOREIGN = 10007,      /* belongs to another loop */
    ACIO_EINVALIDSTATE = 10008, /* asyncio.InvalidStateError */
    /* streams */
    ACIO_EINCOMPLETE = 10020, /* asyncio.IncompleteReadError */
    ACIO_ELIMIT = 10021,      /* asyncio.LimitOverrunError */
    /* queues */
    ACIO_EQUEUEEMPTY = 10030,    /* asyncio.QueueEmpty */
    ACIO_EQUEUEFULL = 10031,     /* asyncio.QueueFull */
    ACIO_EQUEUESHUTDOWN = 10032, /* asyncio.QueueShutDown */
    /* locks, conditions, barriers */
    ACIO_ENOTLOCKED = 10040,     /* RuntimeError of Lock and Condition */
    ACIO_EBROKENBARRIER = 10041, /* asyncio.BrokenBarrierError */
    /* TLS */
    ACIO_ETLS = 10060,       /* ssl.SSLError */
    ACIO_ETLSVERIFY = 10061, /* ssl.SSLCertVerificationError */
    ACIO_ETLSALERT = 10062,  /* the peer has refused */
    ACIO_ETLSEOF = 10063,    /* ssl.SSLEOFError */
    ACIO_ENOTTLS = 10064,    /* the peer speaks something else */
    /* name resolution: ACIO_EAI_BASE + n stands for the EAI_* code -n of
     * getaddrinfo(3) */
    ACIO_EAI_BASE = 10100,
    /* libcurl: ACIO_ECURL_BASE + n stands for CURLcode n */
    ACIO_ECURL_BASE = 10500,
    ACIO_ELAST = 10999
};

/* The sentence for an error.
 *
 *   returns   a sentence for `error` (either sign), never NULL
 *   suspends  no
 *   cancel    -
 *   owner     static storage; valid for ever
 *   thread    any
 *   python    str(exception)
 */
ACIO_EXPORT const char *acio_strerror(int error);

ACIO_END_DECLS

#endif
