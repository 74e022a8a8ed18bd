/* SPDX-License-Identifier: MIT */
/* host.c - which certificate for which name (SNI), and protocols (ALPN)
 *
 * Idea.       A server's context may have others, each for a name. When the
 *             client's hello has come, and before OpenSSL looks at anything in
 *             it, the connection goes over to the context of the name that it
 *             asks for.
 *
 * Sessions.   The identity of the context goes over as well: a session that
 *             was made with one host is no session of another, which may ask
 *             for a client's certificate where the first did not.
 * Protocols.  A client that offers some, none of which is the server's, is
 *             refused (RFC 7301, 3.2): it would speak what the server does
 *             not. A client that offers none is left alone.
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- names ---- */

static bool
matches(const char *pattern, const char *name)
{
    if (strncmp(pattern, "*.", 2) != 0)
        return strcasecmp(pattern, name) == 0;
    const char *dot = strchr(name, '.');
    return dot && dot != name && strcasecmp(pattern + 1, dot) == 0;
}

static struct acio_tls_context *
find_host(const struct acio_tls_context *context, const char *name)
{
    struct acio_tls_context *found = NULL;
    for (struct acioi_tls_host *host = context->hosts; host;
         host = host->next) {
        if (*host->name != '*' && matches(host->name, name))
            return host->context;
        if (!found && matches(host->name, name))
            found = host->context;
    }
    return found;
}

/* Reads the one name of the extension (RFC 6066, 3): a list's length, a kind,
 * the name's length, the name. */
static bool
read_name(SSL *ssl, char *name, size_t size)
{
    const unsigned char *at;
    size_t bytes;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &bytes) ||
        bytes < 5 || at[2] != TLSEXT_NAMETYPE_host_name)
        return false;
    size_t length = (size_t)at[3] << 8 | at[4];
    if (length != bytes - 5 || length >= size || memchr(at + 5, 0, length))
        return false;
    memcpy(name, at + 5, length);
    name[length] = '\0';
    return true;
}

static int
hello_came(SSL *ssl, int *alert, void *arg)
{
    char name[256];
    struct acio_tls_context *other = NULL;
    if (read_name(ssl, name, sizeof name))
        other = find_host(arg, name);
    if (!other)
        return SSL_CLIENT_HELLO_SUCCESS;
    if (!SSL_set_SSL_CTX(ssl, other->native) ||
        !SSL_set_session_id_context(ssl, other->id, sizeof other->id)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_set_verify(ssl, other->verify, acioi_tls_verified);
    return SSL_CLIENT_HELLO_SUCCESS;
}

int
acio_tls_context_add_host(acio_tls_context *context, const char *name,
    acio_tls_context *other)
{
    if (!context || !name || !*name || !other || other == context ||
        !context->is_server || !other->is_server)
        return -EINVAL;
    size_t bytes = strlen(name) + 1;
    struct acioi_tls_host *host = OPENSSL_zalloc(sizeof *host + bytes);
    if (!host)
        return -ENOMEM;
    memcpy(host->name, name, bytes);
    host->context = other;
    acioi_tls_context_use(other);
    struct acioi_tls_host **at = &context->hosts;
    while (*at)
        at = &(*at)->next;
    *at = host;
    SSL_CTX_set_client_hello_cb(context->native, hello_came, context);
    return 0;
}

void
acioi_tls_hosts_free(struct acio_tls_context *context)
{
    struct acioi_tls_host *host;
    while ((host = context->hosts)) {
        context->hosts = host->next;
        acio_tls_context_free(host->context);
        OPENSSL_free(host);
    }
    OPENSSL_free(context->protocols);
}

/* ---- protocols ---- */

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *length,
    const unsigned char *offered, unsigned offered_bytes, void *arg)
{
    (void)ssl;
    const struct acio_tls_context *context = arg;
    unsigned char *chosen;
    int found = SSL_select_next_proto(&chosen, length, context->protocols,
        context->protocols_bytes, offered, offered_bytes);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                           : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* As on the wire: each after its length. */
static int
write_protocols(struct acio_tls_context *context, const char *const *protocols,
    struct acioi_tls_text *text)
{
    size_t bytes = 0;
    for (size_t i = 0; protocols[i]; i++) {
        size_t length = strlen(protocols[i]);
        if (length == 0 || length > 255) {
            acioi_tls_text_add(text, "'%s' is no name of a protocol",
                protocols[i]);
            return -EINVAL;
        }
        bytes += 1 + length;
    }
    unsigned char *at = context->protocols = OPENSSL_malloc(bytes + 1);
    if (!at)
        return -ENOMEM;
    context->protocols_bytes = (unsigned)bytes;
    for (size_t i = 0; protocols[i]; i++) {
        size_t length = strlen(protocols[i]);
        *at = (unsigned char)length;
        memcpy(at + 1, protocols[i], length);
        at += 1 + length;
    }
    return 0;
}

int
acioi_tls_hosts_init(struct acio_tls_context *context,
    const char *const *protocols, struct acioi_tls_text *text)
{
    if (!protocols || !protocols[0])
        return 0;
    int err = write_protocols(context, protocols, text);
    if (err < 0)
        return err;
    if (context->is_server)
        SSL_CTX_set_alpn_select_cb(context->native, choose_protocol, context);
    else if (SSL_CTX_set_alpn_protos(context->native, context->protocols,
                 context->protocols_bytes) != 0)
        return -ENOMEM;
    return 0;
}
