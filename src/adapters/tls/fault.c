/* SPDX-License-Identifier: MIT */
/* fault.c - what went wrong in a handshake, as a code and a sentence
 *
 * Idea.       OpenSSL leaves a number in its queue, out of hundreds. Those that
 *             people meet get a sentence that says what to do about it; the
 *             others OpenSSL's own. The code tells the kinds apart:
 *
 *                 ACIO_ETLSVERIFY   we do not trust the peer
 *                 ACIO_ETLSALERT    the peer has refused us
 *                 ACIO_ENOTTLS      it speaks something else
 *                 ACIO_ETLS         anything else
 */
#include "adapters/tls/tls.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 512, ALERTS = SSL_AD_REASON_OFFSET };

struct sentence {
    int reason; /* of OpenSSL */
    const char *text;
};

/* What the peer says. */
static const struct sentence alerts[] = {
    { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
        "the peer does not speak these versions of TLS" },
    { SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,
        "the peer speaks none of the protocols offered (ALPN)" },
    { SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
        "the peer wants a certificate, and got none" },
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA,
        "the peer does not trust the issuer of our certificate" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
        "the peer finds our certificate expired" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
        "the peer does not accept our certificate" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
        "the peer does not accept our certificate" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
        "the peer finds our certificate revoked" },
    { SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
        "the peer found nothing that both could agree upon" },
    { SSL_R_TLSV1_UNRECOGNIZED_NAME,
        "the peer does not know the name it was asked for" },
};

/* What we say. */
static const struct sentence faults[] = {
    { SSL_R_NO_SHARED_CIPHER, "both have no cipher in common" },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
        "both have no kind of signature in common" },
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
        "the client has shown no certificate" },
    { SSL_R_NO_APPLICATION_PROTOCOL,
        "the client offers none of our protocols (ALPN)" },
    { SSL_R_NO_RENEGOTIATION, "the peer does not renegotiate" },
    { SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
        "what came was changed on its way" },
};

/* What a certificate says may end up in somebody's log, or terminal. */
static void
hide_controls(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            *text = '?';
    }
}

void
acioi_tls_note(struct acioi_tls *tls, const char *format, ...)
{
    if (tls->text)
        return;
    tls->text = OPENSSL_zalloc(TEXT_BYTES);
    if (!tls->text)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(tls->text, TEXT_BYTES, format, args);
    va_end(args);
    hide_controls(tls->text);
}

static const char *
find(const struct sentence *sentences, size_t count, int reason)
{
    for (size_t i = 0; i < count; i++) {
        if (sentences[i].reason == reason)
            return sentences[i].text;
    }
    return NULL;
}

static const char *
version_name(int version)
{
    switch (version) {
    case SSL3_VERSION:
        return "SSL 3";
    case TLS1_VERSION:
        return "TLS 1.0";
    case TLS1_1_VERSION:
        return "TLS 1.1";
    case TLS1_2_VERSION:
        return "TLS 1.2";
    case TLS1_3_VERSION:
        return "TLS 1.3";
    default:
        return "another version of TLS";
    }
}

/* Of servers the version is not told where it is refused. */
static int
fault_of_version(struct acioi_tls *tls)
{
    int lowest = (int)SSL_get_min_proto_version(tls->ssl);
    const char *wanted = version_name(lowest);
    if (SSL_is_server(tls->ssl))
        acioi_tls_note(tls, "the client speaks %s, and at least %s is wanted",
            version_name(SSL_client_version(tls->ssl)), wanted);
    else
        acioi_tls_note(tls, "the server speaks a version of TLS below %s",
            wanted);
    return -ACIO_ETLS;
}

/* Shows what came, as far as it is text. */
static int
fault_of_stranger(struct acioi_tls *tls)
{
    const struct acioi_tls_handshake *handshake = tls->handshake;
    unsigned n = 0, most = handshake ? handshake->first_bytes : 0;
    while (n < most && isprint((unsigned char)handshake->first[n]))
        n++;
    if (n >= 4)
        acioi_tls_note(tls, "the peer does not speak TLS: it says \"%.*s\"",
            (int)n, handshake->first);
    else
        acioi_tls_note(tls, "the peer does not speak TLS");
    return -ACIO_ENOTTLS;
}

static int
fault_of_alert(struct acioi_tls *tls, unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    const char *text = find(alerts, sizeof alerts / sizeof *alerts, reason);
    if (text)
        acioi_tls_note(tls, "%s", text);
    else
        acioi_tls_note(tls, "the peer has refused: %s",
            SSL_alert_desc_string_long(reason - ALERTS));
    return -ACIO_ETLSALERT;
}

static int
fault_of_reason(struct acioi_tls *tls, unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    const char *text = find(faults, sizeof faults / sizeof *faults, reason);
    const char *own = ERR_reason_error_string(code);
    if (text)
        acioi_tls_note(tls, "%s", text);
    else
        acioi_tls_note(tls, "the TLS protocol failed: %s", own ? own : "?");
    return -ACIO_ETLS;
}

static int
fault_of_code(struct acioi_tls *tls, unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    if (reason == ERR_R_MALLOC_FAILURE)
        return -ENOMEM;
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return fault_of_reason(tls, code);
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        acioi_tls_note(tls, "the certificate does not do");
        return -ACIO_ETLSVERIFY;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return fault_of_version(tls);
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
        return fault_of_stranger(tls);
    default:
        return reason > ALERTS ? fault_of_alert(tls, code)
                               : fault_of_reason(tls, code);
    }
}

int
acioi_tls_fault(struct acioi_tls *tls, int result)
{
    unsigned long code = ERR_peek_error();
    int err = tls->error;
    if (!err && code)
        err = fault_of_code(tls, code);
    if (!err)
        err = SSL_get_error(tls->ssl, result) == SSL_ERROR_SYSCALL ? -ENOMEM
                                                                   : -ACIO_ETLS;
    ERR_clear_error();
    return err;
}
