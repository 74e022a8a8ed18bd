/* SPDX-License-Identifier: MIT */
/* transfer.c - one URL: its attempts, and why one failed
 *
 * Again.      An attempt is repeated only where a second one may end in
 *             another way: no answer in time, a connection refused or broken,
 *             a server that says that it is busy (HTTP 408, 429, 5xx of the
 *             passing kind). A page that is not there stays away.
 * Pauses.     They double, up to MOST_SECONDS, and differ from URL to URL so
 *             that a thousand of them do not come back at the same moment. A
 *             server that asks for more by Retry-After gets it.
 */
#include <acio/curl.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <string.h>

#include "fetch.h"

enum { MOST_REDIRECTS = 10 };

static const double FIRST_SECONDS = 0.25, MOST_SECONDS = 10.0,
                    MOST_ASKED_SECONDS = 60.0;

struct reason {
    int error;
    const char *text;
    bool passing; /* another attempt may help */
};

#define CURL_ERROR(code) (-(ACIO_ECURL_BASE + CURLE_##code))

static const struct reason reasons[] = {
    { -(ACIO_EAI_BASE - EAI_NONAME), "no such host", false },
    { CURL_ERROR(COULDNT_RESOLVE_PROXY), "no such host", false },
    { -ECONNREFUSED, "refused", true },
    { -ECONNRESET, "reset", true },
    { -EPIPE, "reset", true },
    { -ENETUNREACH, "unreachable", true },
    { -EHOSTUNREACH, "unreachable", true },
    { -ENETDOWN, "unreachable", true },
    { -ETIMEDOUT, "timeout", true },
    { -ECANCELED, "interrupted", false },
    { -EMFILE, "too many open files", false },
    { -ENFILE, "too many open files", false },
    { -ENOMEM, "out of memory", false },
    { CURL_ERROR(COULDNT_CONNECT), "no connection", true },
    { CURL_ERROR(PARTIAL_FILE), "cut short", true },
    { CURL_ERROR(GOT_NOTHING), "no answer", true },
    { CURL_ERROR(SEND_ERROR), "broken", true },
    { CURL_ERROR(RECV_ERROR), "broken", true },
    { CURL_ERROR(HTTP2), "protocol error", true },
    { CURL_ERROR(HTTP2_STREAM), "protocol error", true },
    { CURL_ERROR(WEIRD_SERVER_REPLY), "protocol error", false },
    { CURL_ERROR(UNSUPPORTED_PROTOCOL), "protocol error", false },
    { CURL_ERROR(TOO_MANY_REDIRECTS), "too many redirects", false },
    { CURL_ERROR(PEER_FAILED_VERIFICATION), "certificate", false },
    { CURL_ERROR(SSL_CACERT_BADFILE), "certificate", false },
    { CURL_ERROR(SSL_CONNECT_ERROR), "TLS", false },
};

static const struct reason file_reasons[] = {
    { -ENOSPC, "disk full", false }, { -EDQUOT, "disk full", false },
    { -EFBIG, "disk full", false }, /* of a limit set by setrlimit(2) */
};

static const struct reason *
find_reason(const struct reason *table, size_t count, int error)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].error == error)
            return &table[i];
    }
    return NULL;
}

#define FIND_REASON(table, error)                                              \
    find_reason(table, sizeof table / sizeof *table, error)

/* ---- setting up ---- */

static void
configure(CURL *easy, const struct options *options, const char *url,
    char *detail)
{
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "acio-fetch/" ACIO_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* main ignores SIGPIPE */
    if (options->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
}

/* ---- why it failed ---- */

static bool
is_passing_status(long status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 ||
        status == 503 || status == 504;
}

/* curl's "failure when receiving data" is a reset when the system said so. */
static int
precise_error(CURL *easy, int error)
{
    long os_error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    bool broken = error == CURL_ERROR(RECV_ERROR) ||
        error == CURL_ERROR(SEND_ERROR);
    return broken && os_error == ECONNRESET ? -ECONNRESET : error;
}

static void
set_reason(struct outcome *out, const char *reason)
{
    snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static void
explain_file_error(struct outcome *out, const struct body *body)
{
    const struct reason *reason = FIND_REASON(file_reasons, out->error);
    set_reason(out, reason ? reason->text : "not saved");
    snprintf(out->detail, sizeof out->detail, "cannot write %.200s: %s",
        body->job->name, acio_strerror(out->error));
}

/* The reason; true where another attempt may help. */
static bool
explain(struct outcome *out, const struct body *body,
    const struct options *options)
{
    if (body->save_failed) {
        explain_file_error(out, body);
        return false;
    }
    if (out->error == CURL_ERROR(HTTP_RETURNED_ERROR)) {
        snprintf(out->reason, sizeof out->reason, "HTTP %ld", out->status);
        snprintf(out->detail, sizeof out->detail, "the server answered %ld",
            out->status);
        return is_passing_status(out->status);
    }
    out->error = precise_error(body->easy, out->error);
    const struct reason *reason = FIND_REASON(reasons, out->error);
    set_reason(out, reason ? reason->text : "other");
    if (out->error == -ETIMEDOUT)
        snprintf(out->detail, sizeof out->detail, "not done after %g s",
            options->timeout);
    else if (!out->detail[0])
        snprintf(out->detail, sizeof out->detail, "%s",
            acio_strerror(out->error));
    return reason && reason->passing;
}

/* ---- attempts ---- */

/* True where it failed and another attempt may help. */
static bool
attempt(const struct fetching *fetching, CURL *easy, const struct job *job,
    struct outcome *out)
{
    acio_loop *loop = acio_get_running_loop();
    double began = acio_loop_time(loop);
    struct body body;
    out->detail[0] = '\0';
    configure(easy, fetching->options, job->url, out->detail);
    body_init(&body, easy, fetching->folder_fd, job);
    {
        ACIO_TIMEOUT(limit, fetching->options->timeout);
        out->error = body_fetch(&body);
    }
    out->seconds += acio_loop_time(loop) - began;
    out->bytes = body.bytes;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out->status);
    curl_off_t asked = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &asked);
    out->retry_after = (double)asked;
    bool again = out->error < 0 && explain(out, &body, fetching->options);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    body_close(&body);
    return again;
}

static double
pause_after(int failures, const struct job *job, double asked)
{
    double pause = fmin(ldexp(FIRST_SECONDS, failures), MOST_SECONDS);
    double spread = fmod((double)job->number * 0.618, 1.0);
    return fmax(pause * (1.0 - spread / 2), fmin(asked, MOST_ASKED_SECONDS));
}

void
transfer_job(const struct fetching *fetching, CURL *easy, const struct job *job,
    struct outcome *out)
{
    *out = (struct outcome){ 0 };
    int failures = 0;
    while (attempt(fetching, easy, job, out)) {
        if (failures == fetching->options->retries)
            return;
        double pause = pause_after(failures++, job, out->retry_after);
        int err = acio_sleep(pause);
        if (err < 0) {
            out->error = err;
            set_reason(out, "interrupted");
            return;
        }
    }
}
