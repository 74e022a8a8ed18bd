/* SPDX-License-Identifier: MIT */
/* libcurl transfers that a task can wait for.
 *
 *     CURL *easy = curl_easy_init();
 *     curl_easy_setopt(easy, CURLOPT_URL, "https://www.example.org/");
 *     int err = acio_curl_perform(easy);
 *     if (err < 0)
 *         fprintf(stderr, "%s\n", acio_strerror(err));
 *     curl_easy_cleanup(easy);
 *
 * In a library of its own, libacio-curl, so that only those who ask for
 * libcurl load it; its headers come from libcurl.
 */
#ifndef ACIO_CURL_H
#define ACIO_CURL_H

#include <curl/curl.h>

#include "error.h"

ACIO_BEGIN_DECLS

/* Run the transfer that `easy` is set up for, as curl_easy_perform does, while
 * other tasks run. Transfers of one loop share their connections.
 *
 * The functions given to curl (CURLOPT_WRITEFUNCTION, ...) may not suspend;
 * one that cannot take more data answers CURL_WRITEFUNC_PAUSE, and a task goes
 * on with curl_easy_pause later.
 *
 *   returns   0; -ETIMEDOUT for CURLE_OPERATION_TIMEDOUT; what connect(2)
 *             answered, as -ECONNREFUSED, for CURLE_COULDNT_CONNECT;
 *             -(ACIO_EAI_BASE - EAI_NONAME) for CURLE_COULDNT_RESOLVE_HOST;
 *             -ENOMEM; -(ACIO_ECURL_BASE + code) for any other CURLcode;
 *             -ECANCELED and -ETIMEDOUT where interrupted; -ACIO_ENOTASK;
 *             -EINVAL for NULL; -EBUSY while `easy` is in another transfer;
 *             -EOPNOTSUPP on the simulator, whose sockets curl cannot use
 *   suspends  yes
 *   cancel    partial: the transfer is given up, what came has been written;
 *             a transfer that was complete is returned. `easy` can be used
 *             again
 *   owner     `easy` is borrowed until the call returns
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT ACIO_MUST_USE int acio_curl_perform(CURL *easy);

/* The sentence for an error: curl_easy_strerror's where the error is curl's.
 * In a program that links libacio-curl, acio_strerror knows it too.
 *
 *   returns   a sentence for `error` (either sign), never NULL
 *   suspends  no
 *   cancel    -
 *   owner     static storage; valid for ever
 *   thread    any
 *   python    -
 */
ACIO_EXPORT const char *acio_curl_strerror(int error);

ACIO_END_DECLS

#endif
