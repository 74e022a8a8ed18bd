/* SPDX-License-Identifier: MIT */
/* start.c - handshakes: acio_start_tls
 *
 * Idea.       The filter shakes hands whenever something has come; the task
 *             that asked for it waits for a future, under a timeout.
 *
 * Failure.    The last word of a failed handshake is an alert that tells the
 *             peer why. It leaves before the error is answered, as long as the
 *             timeout lasts: who gets an error aborts the stream.
 * Users.      The stream may be closed meanwhile by somebody else, and lets go
 *             of the connection then. So the task is a user of its own.
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <string.h>

#include <acio/scope.h>

static const double usual_timeout = 60.0;

struct acioi_tls *
acioi_tls_of(acio_stream *stream, int *err)
{
    struct acio_filter *filter = acio_stream_filter(stream, &acioi_tls_filter);
    int fd = acio_stream_fd(stream);
    *err = filter ? 0 : fd < 0 && fd != -ENOTCONN ? fd : -ENOPROTOOPT;
    return (struct acioi_tls *)filter;
}

/* ---- setting up ---- */

static int
join_bio(struct acioi_tls *tls)
{
    BIO *bio = BIO_new(tls->context->method);
    if (!bio)
        return -ENOMEM;
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    return 0;
}

static int
offer_session(struct acioi_tls *tls)
{
    SSL_SESSION *session = NULL;
    if (tls->context->resumes && tls->host)
        session = acioi_tls_tickets_take(&tls->context->tickets, tls->host);
    if (!session)
        return 0;
    int good = SSL_set_session(tls->ssl, session);
    SSL_SESSION_free(session);
    return good ? 0 : -ENOMEM;
}

static int
set_up(struct acioi_tls *tls, const struct acio_start_tls_options *options,
    struct acioi_tls_text *text)
{
    tls->loop = acioi_tls_loop_of(acio_get_running_loop());
    if (tls->loop)
        tls->loop->users++;
    tls->ssl = tls->loop ? SSL_new(tls->context->native) : NULL;
    if (!tls->ssl || !SSL_set_app_data(tls->ssl, tls) || join_bio(tls) < 0)
        return -ENOMEM;
    if (tls->context->is_server) {
        SSL_set_accept_state(tls->ssl);
        return 0;
    }
    SSL_set_connect_state(tls->ssl);
    int err = acioi_tls_expect(tls, options->server_hostname, text);
    return err < 0 ? err : offer_session(tls);
}

/* A connection with two users: the stream to be, and the caller. */
static int
make(struct acioi_tls **out, struct acio_tls_context *context,
    const struct acio_start_tls_options *options, struct acioi_tls_text *text)
{
    struct acioi_tls *tls = OPENSSL_zalloc(sizeof *tls);
    if (!tls)
        return -ENOMEM;
    tls->filter.type = &acioi_tls_filter;
    tls->users = 1;
    tls->context = context;
    acioi_tls_context_use(context);
    tls->shutdown_timeout = options->shutdown_timeout;
    int err = set_up(tls, options, text);
    ERR_clear_error();
    if (err < 0) {
        acioi_tls_unuse(tls);
        return err;
    }
    tls->users++;
    *out = tls;
    return 0;
}

/* ---- shaking hands ---- */

static int
copy_protocol(struct acioi_tls *tls)
{
    const unsigned char *name;
    unsigned bytes;
    SSL_get0_alpn_selected(tls->ssl, &name, &bytes);
    if (bytes == 0)
        return 0;
    tls->protocol = OPENSSL_strndup((const char *)name, bytes);
    return tls->protocol ? 0 : -ENOMEM;
}

/* The future is the task's: whoever ends it lets go of it. */
static int
wait_shaken(struct acioi_tls *tls, acio_stream *stream)
{
    struct acioi_tls_handshake handshake = { .first_bytes = 0 };
    int err = acio_future_init(&handshake.done);
    if (err < 0) {
        acioi_tls_unuse(tls);
        return err;
    }
    tls->handshake = &handshake;
    err = acio_stream_set_filter(stream, &tls->filter);
    if (err < 0) {
        tls->handshake = NULL;
        acioi_tls_unuse(tls);
        acio_future_cancel(&handshake.done);
    } else if (!tls->shaken && !tls->broken) {
        acioi_tls_shake(tls);
    }
    int result = acio_future_await(&handshake.done);
    tls->handshake = NULL;
    acio_future_close(&handshake.done);
    return err < 0 ? err : result;
}

/* Lets the alert leave. */
static void
tell_peer(acio_stream *stream)
{
    if (acio_stream_set_write_buffer_limits(stream, 0, 0) == 0)
        (void)!acio_drain(stream);
}

static int
shake(struct acioi_tls *tls, acio_stream *stream, double timeout,
    struct acioi_tls_text *text)
{
    acio_timeout limit;
    int err = acio_timeout_open(&limit, timeout);
    if (err < 0) {
        acioi_tls_unuse(tls);
        return err;
    }
    err = wait_shaken(tls, stream);
    if (err == 0)
        err = copy_protocol(tls);
    else if (tls->filter.stream) /* not where the stream was refused */
        tell_peer(stream);
    if (err == -ETIMEDOUT && acio_timeout_expired(&limit))
        acioi_tls_note(tls, "the handshake took longer than %g seconds",
            timeout);
    acio_timeout_close(&limit);
    tls->broken = tls->broken || err < 0;
    if (err < 0)
        acioi_tls_text_add(text, "%s",
            tls->text ? tls->text : acio_strerror(err));
    return err;
}

int
acio_start_tls(acio_stream *stream, acio_tls_context *context,
    const struct acio_start_tls_options *options)
{
    static const struct acio_start_tls_options defaults;
    options = options ? options : &defaults;
    struct acioi_tls_text text;
    acioi_tls_text_begin(&text, options->error_text, options->error_text_bytes);
    double timeout = options->handshake_timeout;
    int err;
    if (acioi_tls_of(stream, &err))
        return -EALREADY;
    if (err != -ENOPROTOOPT)
        return err;
    if (!context || !(timeout >= 0) ||
        options->shutdown_timeout != options->shutdown_timeout)
        return -EINVAL;
    struct acioi_tls *tls;
    err = make(&tls, context, options, &text);
    if (err < 0)
        return err;
    tls->stream = stream;
    err = shake(tls, stream, timeout > 0 ? timeout : usual_timeout, &text);
    acioi_tls_unuse(tls);
    return err;
}

int
acioi_tls_secure(const struct acio_security *security, acio_stream *stream,
    const struct acio_security_options *options)
{
    struct acio_tls_context *context = (struct acio_tls_context *)security;
    const struct acio_start_tls_options how = {
        .server_hostname = options->server_hostname,
        .handshake_timeout = options->handshake_timeout,
        .error_text = options->error_text,
        .error_text_bytes = options->error_text_bytes,
    };
    struct acioi_tls_text text;
    if (options->server_side == context->is_server)
        return acio_start_tls(stream, context, &how);
    acioi_tls_text_begin(&text, options->error_text, options->error_text_bytes);
    acioi_tls_text_add(&text, "this is a context for %s",
        context->is_server ? "servers" : "clients");
    return -EINVAL;
}

int
acio_tls_set_shutdown_timeout(acio_stream *stream, double timeout)
{
    int err;
    struct acioi_tls *tls = acioi_tls_of(stream, &err);
    if (!tls)
        return err;
    if (timeout != timeout)
        return -EINVAL;
    tls->shutdown_timeout = timeout > 0 ? timeout : -1;
    return 0;
}
