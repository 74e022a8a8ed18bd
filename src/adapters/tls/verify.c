/* SPDX-License-Identifier: MIT */
/* verify.c - is the peer who it says it is, and if not, why
 *
 * Idea.       OpenSSL checks the chain, the dates and the name. Its callback
 *             sees the certificate that does not do, while it is at hand: the
 *             sentence is made there, and names what one would look for.
 *
 * Names.      A host in digits is compared with the addresses in a certificate,
 *             any other with its names; a '*' stands for one whole part. The
 *             dot that may end a name is no part of it.
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <openssl/x509v3.h>

enum { NAMES_SHOWN = 3, PLACE_BYTES = 320 };

/* ---- who is expected ---- */

static bool
is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 ||
        inet_pton(AF_INET6, host, address) == 1;
}

/* Without the dot of a name, and the scope of an address, "%eth0". */
static char *
copy_host(const char *host)
{
    size_t bytes = strlen(host);
    if (bytes > 1 && host[bytes - 1] == '.')
        bytes--;
    char *copy = OPENSSL_strndup(host, bytes);
    char *scope = copy ? strchr(copy, '%') : NULL;
    if (scope)
        *scope = '\0';
    if (scope && !is_address(copy))
        *scope = '%';
    return copy;
}

/* OpenSSL takes ".example.org" for any name below it. */
static bool
is_name(const char *host)
{
    return *host != '.' && !strchr(host, '%');
}

static int
expect_name(const struct acioi_tls *tls)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    if (is_address(tls->host))
        return tls->context->any_host ||
            X509_VERIFY_PARAM_set1_ip_asc(param, tls->host);
    if (!is_name(tls->host) || !SSL_set_tlsext_host_name(tls->ssl, tls->host))
        return 0;
    if (tls->context->any_host)
        return 1;
    X509_VERIFY_PARAM_set_hostflags(param,
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, tls->host, 0);
}

int
acioi_tls_expect(struct acioi_tls *tls, const char *host,
    struct acioi_tls_text *text)
{
    const struct acio_tls_context *context = tls->context;
    bool compares = context->verify != SSL_VERIFY_NONE && !context->any_host;
    if ((!host || !*host) && compares) {
        acioi_tls_text_add(text,
            "server_hostname is needed to compare the certificate with");
        return -EINVAL;
    }
    if (!host || !*host)
        return 0;
    tls->host = copy_host(host);
    if (!tls->host)
        return -ENOMEM;
    if (expect_name(tls))
        return 0;
    acioi_tls_text_add(text, "'%s' cannot be the name of a host", host);
    ERR_clear_error();
    return -EINVAL;
}

/* ---- what a certificate says ---- */

/* The name that people know: its common name, or the whole of it. */
static void
write_name(char *buf, size_t size, const X509_NAME *name)
{
    int n = X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, buf,
        (int)size);
    if (n <= 0 && !X509_NAME_oneline(name, buf, (int)size))
        snprintf(buf, size, "?");
}

static void
write_date(char *buf, size_t size, const ASN1_TIME *at)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(at, &tm) ||
        !strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm))
        snprintf(buf, size, "an unknown time");
}

static bool
write_alternative(char *buf, size_t size, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    const unsigned char *data = value ? ASN1_STRING_get0_data(value) : NULL;
    int bytes = value ? ASN1_STRING_length(value) : 0;
    if (type == GEN_DNS && data) {
        snprintf(buf, size, "%.*s", bytes, (const char *)data);
        return true;
    }
    if (type != GEN_IPADD || !data || (bytes != 4 && bytes != 16))
        return false;
    int family = bytes == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, data, buf, (socklen_t)size) != NULL;
}

/* "'a.example', 'b.example'": whom the certificate is for. */
static void
write_names(char *buf, size_t size, const X509 *certificate)
{
    struct acioi_tls_text text;
    acioi_tls_text_begin(&text, buf, size);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name,
        NULL, NULL);
    int shown = 0, count = sk_GENERAL_NAME_num(names);
    for (int i = 0; i < count && shown < NAMES_SHOWN; i++) {
        char name[96];
        if (write_alternative(name, sizeof name,
                sk_GENERAL_NAME_value(names, i)))
            acioi_tls_text_add(&text, "%s'%s'", shown++ ? ", " : "", name);
    }
    if (shown > 0 && count > NAMES_SHOWN)
        acioi_tls_text_add(&text, ", ...");
    GENERAL_NAMES_free(names);
    if (shown > 0)
        return;
    char name[96];
    write_name(name, sizeof name, X509_get_subject_name(certificate));
    acioi_tls_text_add(&text, "'%s'", name);
}

/* ---- what is wrong ---- */

/* A sentence begins with whose certificate it is about. */
static void
note_time(struct acioi_tls *tls, const char *which, const X509 *certificate,
    bool is_over)
{
    char date[64];
    write_date(date, sizeof date,
        is_over ? X509_get0_notAfter(certificate)
                : X509_get0_notBefore(certificate));
    acioi_tls_note(tls, "%s %s %s", which,
        is_over ? "has been expired since" : "is not valid before", date);
}

static void
note_names(struct acioi_tls *tls, const char *which, const X509 *certificate)
{
    char names[PLACE_BYTES];
    write_names(names, sizeof names, certificate);
    acioi_tls_note(tls, "%s is for %s, not for '%s'", which, names, tls->host);
}

static void
note_issuer(struct acioi_tls *tls, const char *which, const X509 *certificate)
{
    char issuer[128];
    write_name(issuer, sizeof issuer, X509_get_issuer_name(certificate));
    acioi_tls_note(tls, "%s was issued by '%s', which is not trusted", which,
        issuer);
}

static void
note_fault(struct acioi_tls *tls, const char *which, const X509 *certificate)
{
    switch (tls->fault) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        note_time(tls, which, certificate,
            tls->fault == X509_V_ERR_CERT_HAS_EXPIRED);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        note_names(tls, which, certificate);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        acioi_tls_note(tls, "%s is self-signed, and not trusted", which);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        note_issuer(tls, which, certificate);
        break;
    default:
        acioi_tls_note(tls, "%s does not do: %s", which,
            X509_verify_cert_error_string(tls->fault));
        break;
    }
}

static void
note_certificate(struct acioi_tls *tls, const X509 *certificate, int depth)
{
    char which[160], name[128];
    bool of_client = tls->context->is_server;
    snprintf(which, sizeof which,
        of_client ? "the client's certificate" : "the certificate");
    if (depth > 0) {
        write_name(name, sizeof name, X509_get_subject_name(certificate));
        snprintf(which, sizeof which, "the certificate of '%s'", name);
    }
    note_fault(tls, which, certificate);
}

int
acioi_tls_verified(int good, X509_STORE_CTX *store)
{
    if (good)
        return good;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store,
        SSL_get_ex_data_X509_STORE_CTX_idx());
    struct acioi_tls *tls = acioi_tls_of_ssl(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    tls->fault = X509_STORE_CTX_get_error(store);
    if (certificate)
        note_certificate(tls, certificate,
            X509_STORE_CTX_get_error_depth(store));
    return good;
}
