/* SPDX-License-Identifier: MIT */
/* inform.c - what is known of a connection
 *
 * Idea.  OpenSSL knows it all; a stream without TLS, or one that is closed,
 *        has empty answers.
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <time.h>

static SSL *
ssl_of(acio_stream *stream)
{
    int err;
    const struct acioi_tls *tls = acioi_tls_of(stream, &err);
    return tls ? tls->ssl : NULL;
}

const char *
acio_tls_version(acio_stream *stream)
{
    const SSL *ssl = ssl_of(stream);
    return ssl ? SSL_get_version(ssl) : "";
}

const char *
acio_tls_cipher(acio_stream *stream)
{
    const SSL *ssl = ssl_of(stream);
    const SSL_CIPHER *cipher = ssl ? SSL_get_current_cipher(ssl) : NULL;
    return cipher ? SSL_CIPHER_get_name(cipher) : "";
}

const char *
acio_tls_protocol(acio_stream *stream)
{
    int err;
    const struct acioi_tls *tls = acioi_tls_of(stream, &err);
    return tls && tls->protocol ? tls->protocol : "";
}

const char *
acio_tls_server_name(acio_stream *stream)
{
    const SSL *ssl = ssl_of(stream);
    const char *name = NULL;
    if (ssl)
        name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}

bool
acio_tls_session_reused(acio_stream *stream)
{
    SSL *ssl = ssl_of(stream);
    return ssl && SSL_session_reused(ssl);
}

void *
acio_tls_native(acio_stream *stream)
{
    return ssl_of(stream);
}

/* ---- certificates ---- */

/* A comma in a name is escaped, as in RFC 2253, and so is a zero: neither must
 * look like the end of it. */
static int
write_name(char *buf, size_t size, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const unsigned long style = XN_FLAG_SEP_CPLUS_SPC |
        ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_ESC_2253 |
        ASN1_STRFLGS_ESC_CTRL;
    if (!bio || X509_NAME_print_ex(bio, name, 0, style) < 0) {
        BIO_free(bio);
        return -ENOMEM;
    }
    int n = BIO_read(bio, buf, (int)size - 1);
    buf[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
    return 0;
}

static int64_t
seconds_of(const ASN1_TIME *at)
{
    struct tm tm;
    return ASN1_TIME_to_tm(at, &tm) ? (int64_t)timegm(&tm) : 0;
}

static int
describe(struct acio_tls_certificate *out, const X509 *certificate)
{
    unsigned bytes = sizeof out->sha256;
    if (!X509_digest(certificate, EVP_sha256(), out->sha256, &bytes))
        return -ENOMEM;
    out->not_before = seconds_of(X509_get0_notBefore(certificate));
    out->not_after = seconds_of(X509_get0_notAfter(certificate));
    int err = write_name(out->subject, sizeof out->subject,
        X509_get_subject_name(certificate));
    if (err == 0)
        err = write_name(out->issuer, sizeof out->issuer,
            X509_get_issuer_name(certificate));
    return err;
}

int
acio_tls_peer_certificate(acio_stream *stream, struct acio_tls_certificate *out)
{
    int err;
    const struct acioi_tls *tls = acioi_tls_of(stream, &err);
    if (!tls)
        return err;
    if (!out)
        return -EINVAL;
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    if (!certificate)
        return -ENODATA;
    *out = (struct acio_tls_certificate){ .not_before = 0 };
    err = describe(out, certificate);
    ERR_clear_error();
    return err;
}
