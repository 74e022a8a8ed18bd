/* SPDX-License-Identifier: MIT */
/* error.c - error codes and their sentences */
#include <acio/error.h>

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* Of libacio-curl, which this library does not load: there in a program that
 * links it, NULL in others. */
extern const char *acio_curl_strerror(int error) __attribute__((weak));

struct sentence {
    int code;
    const char *text;
};

static const struct sentence sentences[] = {
    { ACIO_ENOLOOP, "no event loop is running in this thread" },
    { ACIO_ENOTASK, "a suspending function was called outside a task" },
    { ACIO_ERUNNING, "an event loop is already running in this thread" },
    { ACIO_ECLOSED, "the object is closed" },
    { ACIO_EGONE, "the task was already awaited or detached" },
    { ACIO_ESELF, "a task cannot await itself" },
    { ACIO_EFOREIGN, "the object belongs to another event loop" },
    { ACIO_EINVALIDSTATE, "the result is already set, or not there yet" },
    { ACIO_EINCOMPLETE, "the stream ended before enough bytes came" },
    { ACIO_ELIMIT, "no separator was found within the stream's limit" },
    { ACIO_EQUEUEEMPTY, "the queue is empty" },
    { ACIO_EQUEUEFULL, "the queue is full" },
    { ACIO_EQUEUESHUTDOWN, "the queue has been shut down" },
    { ACIO_ENOTLOCKED, "the lock is not locked" },
    { ACIO_EBROKENBARRIER, "the barrier is broken" },
    { ACIO_ETLS, "the TLS protocol failed" },
    { ACIO_ETLSVERIFY, "the peer's certificate could not be verified" },
    { ACIO_ETLSALERT, "the peer has refused the TLS connection" },
    { ACIO_ETLSEOF, "the peer left without ending the TLS connection" },
    { ACIO_ENOTTLS, "the peer does not speak TLS" },
    { ACIO_EAI_BASE - EAI_NONAME, "no such host" },
};

static const char *
library_error(int code)
{
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        if (sentences[i].code == code)
            return sentences[i].text;
    }
    if (code >= ACIO_EAI_BASE && code < ACIO_ECURL_BASE)
        return gai_strerror(-(code - ACIO_EAI_BASE));
    if (code > ACIO_ECURL_BASE && acio_curl_strerror)
        return acio_curl_strerror(code);
    if (code >= ACIO_ECURL_BASE)
        return "the transfer failed in libcurl";
    return "unknown error";
}

const char *
acio_strerror(int error)
{
    if (error == 0)
        return "success";
    /* INT_MIN stays negative */
    int code = error < 0 ? (int)-(unsigned)error : error;
    if (code >= ACIO_EFIRST && code <= ACIO_ELAST)
        return library_error(code);
    /* glibc 2.32: the sentence without a buffer and without a lock */
    const char *text = code > 0 ? strerrordesc_np(code) : NULL;
    return text ? text : "unknown error";
}
