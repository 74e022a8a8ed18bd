/* SPDX-License-Identifier: MIT */
/* context.c - what connections have in common
 *
 * Idea.       A context is made at once from its options and does not change
 *             after that, so that loops of several threads may use it. It is
 *             freed when its handle and all connections are.
 *
 *                 connection --> context --> SSL_CTX
 *                                   |------> contexts of other hosts
 *                                   '------> sessions (of a client)
 *
 * Strict.     A client verifies unless it is told not to, nobody speaks what
 *             is older than TLS 1.2, and a server that asks for certificates
 *             has to say whose: every authority of the system would be nobody
 *             in particular.
 * Sentences.  A failure says which file, and what is wrong with it.
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>

/* ---- sentences ---- */

void
acioi_tls_text_begin(struct acioi_tls_text *text, char *buf, size_t size)
{
    text->at = buf;
    text->room = buf ? size : 0;
    if (text->room > 0)
        *buf = '\0';
}

void
acioi_tls_text_add(struct acioi_tls_text *text, const char *format, ...)
{
    if (text->room == 0)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->at, text->room, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used > text->room - 1)
        used = text->room - 1;
    text->at += used;
    text->room -= used;
}

const char *
acioi_tls_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason ? reason : "OpenSSL does not say why";
}

/* What is left in the queue is why; memory is told from the rest. */
static int
refuse(struct acioi_tls_text *text)
{
    int err = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE
        ? -ENOMEM
        : -EINVAL;
    acioi_tls_text_add(text, "%s", acioi_tls_reason());
    return err;
}

/* ---- files ---- */

static int
check_readable(const char *path, struct acioi_tls_text *text)
{
    if (access(path, R_OK) == 0)
        return 0;
    int err = -errno;
    acioi_tls_text_add(text, "cannot read '%s': %s", path, acio_strerror(err));
    return err;
}

/* Never asks on the terminal, as OpenSSL does by itself. */
static int
tell_password(char *buf, int size, int writing, void *arg)
{
    (void)writing;
    const char *password = arg;
    size_t length = password ? strlen(password) : 0;
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(buf, password, length);
    return (int)length;
}

static int
load_key(SSL_CTX *native, const struct acio_tls_options *options,
    struct acioi_tls_text *text)
{
    const char *file = options->key_file ? options->key_file
                                         : options->certificate_file;
    int err = check_readable(file, text);
    if (err < 0)
        return err;
    SSL_CTX_set_default_passwd_cb(native, tell_password);
    SSL_CTX_set_default_passwd_cb_userdata(native,
        (void *)options->key_password);
    int good = SSL_CTX_use_PrivateKey_file(native, file, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(native, NULL);
    if (good == 1)
        return 0;
    acioi_tls_text_add(text, "the key in '%s' cannot be used: ", file);
    return refuse(text);
}

static int
load_certificate(SSL_CTX *native, const struct acio_tls_options *options,
    struct acioi_tls_text *text)
{
    const char *file = options->certificate_file;
    if (!file)
        return 0;
    int err = check_readable(file, text);
    if (err < 0)
        return err;
    if (SSL_CTX_use_certificate_chain_file(native, file) == 1)
        return load_key(native, options, text);
    acioi_tls_text_add(text, "the certificate in '%s' cannot be used: ", file);
    return refuse(text);
}

/* ---- whom to trust ---- */

static int
trust_file(SSL_CTX *native, const char *file, struct acioi_tls_text *text)
{
    int err = check_readable(file, text);
    if (err < 0)
        return err;
    if (SSL_CTX_load_verify_file(native, file) == 1)
        return 0;
    acioi_tls_text_add(text, "the authorities in '%s' cannot be used: ", file);
    return refuse(text);
}

static int
trust_folder(SSL_CTX *native, const char *folder, struct acioi_tls_text *text)
{
    int err = check_readable(folder, text);
    if (err == 0 && SSL_CTX_load_verify_dir(native, folder) != 1)
        err = refuse(text);
    return err;
}

/* How many certificates of `bio` were added, or an error. */
static int
trust_all(SSL_CTX *native, BIO *bio)
{
    X509_STORE *store = SSL_CTX_get_cert_store(native);
    X509 *certificate;
    int count = 0;
    while ((certificate = PEM_read_bio_X509(bio, NULL, tell_password, NULL))) {
        bool good = X509_STORE_add_cert(store, certificate) == 1 &&
            SSL_CTX_add_client_CA(native, certificate) == 1;
        X509_free(certificate);
        if (!good)
            return -ENOMEM;
        count++;
    }
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    return at_end && count > 0 ? count : -EINVAL;
}

static int
trust_text(SSL_CTX *native, const char *pem, struct acioi_tls_text *text)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    int count = bio ? trust_all(native, bio) : -ENOMEM;
    BIO_free(bio);
    if (count < 0) {
        acioi_tls_text_add(text, "authorities_text cannot be used: ");
        return refuse(text);
    }
    ERR_clear_error();
    return 0;
}

/* So that clients know which of their certificates is asked for. */
static int
name_authorities(SSL_CTX *native, const char *file)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (!names)
        return -ENOMEM;
    SSL_CTX_set_client_CA_list(native, names);
    return 0;
}

static int
load_authorities(const struct acio_tls_context *context,
    const struct acio_tls_options *options, struct acioi_tls_text *text)
{
    SSL_CTX *native = context->native;
    int err = 0;
    if (options->authorities_file)
        err = trust_file(native, options->authorities_file, text);
    if (err == 0 && options->authorities_file && context->is_server)
        err = name_authorities(native, options->authorities_file);
    if (err == 0 && options->authorities_folder)
        err = trust_folder(native, options->authorities_folder, text);
    if (err == 0 && options->authorities_text)
        err = trust_text(native, options->authorities_text, text);
    if (err < 0 || options->authorities_file || options->authorities_folder ||
        options->authorities_text || context->verify == SSL_VERIFY_NONE)
        return err;
    if (!context->is_server)
        return SSL_CTX_set_default_verify_paths(native) == 1 ? 0 : -ENOMEM;
    acioi_tls_text_add(text,
        "a server that asks for certificates needs authorities");
    return -EINVAL;
}

/* ---- the rest ---- */

static int
verify_mode(const struct acio_tls_options *options, bool is_server)
{
    switch (options->verify) {
    case ACIO_TLS_VERIFY_NONE:
        return SSL_VERIFY_NONE;
    case ACIO_TLS_VERIFY_OPTIONAL:
        return SSL_VERIFY_PEER;
    case ACIO_TLS_VERIFY_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    default:
        return is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    }
}

static int
set_ciphers(SSL_CTX *native, const struct acio_tls_options *options,
    struct acioi_tls_text *text)
{
    int lowest = options->lowest_version ? (int)options->lowest_version
                                         : TLS1_2_VERSION;
    if (lowest < TLS1_2_VERSION ||
        !SSL_CTX_set_min_proto_version(native, lowest) ||
        !SSL_CTX_set_max_proto_version(native, (int)options->highest_version)) {
        acioi_tls_text_add(text, "there is no such version of TLS");
        ERR_clear_error();
        return -EINVAL;
    }
    if (options->ciphers &&
        !SSL_CTX_set_cipher_list(native, options->ciphers)) {
        acioi_tls_text_add(text, "ciphers: ");
        return refuse(text);
    }
    if (options->cipher_suites &&
        !SSL_CTX_set_ciphersuites(native, options->cipher_suites)) {
        acioi_tls_text_add(text, "cipher_suites: ");
        return refuse(text);
    }
    return 0;
}

/* Takes the reference where it answers 1. */
static int
session_came(SSL *ssl, SSL_SESSION *session)
{
    struct acioi_tls *tls = acioi_tls_of_ssl(ssl);
    if (!tls->host || !SSL_SESSION_is_resumable(session))
        return 0;
    return acioi_tls_tickets_keep(&tls->context->tickets, tls->host, session);
}

/* A server keeps no sessions: the clients bring them, as tickets. */
static void
set_resumption(struct acio_tls_context *context, bool off)
{
    SSL_CTX *native = context->native;
    context->resumes = !off && !context->is_server;
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    if (off) {
        SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(native, 0);
    }
    if (!context->resumes)
        return;
    SSL_CTX_set_session_cache_mode(native,
        SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native, session_came);
}

static int
set_up(struct acio_tls_context *context, const struct acio_tls_options *options,
    struct acioi_tls_text *text)
{
    SSL_CTX *native = context->native;
    if (context->is_server && !options->certificate_file) {
        acioi_tls_text_add(text, "a server needs a certificate_file");
        return -EINVAL;
    }
    SSL_CTX_set_options(native,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
            SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(native,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(native, context->verify, acioi_tls_verified);
    if (RAND_bytes(context->id, sizeof context->id) != 1 ||
        !SSL_CTX_set_session_id_context(native, context->id,
            sizeof context->id))
        return refuse(text);
    set_resumption(context, options->no_resumption);
    int err = load_certificate(native, options, text);
    if (err == 0)
        err = load_authorities(context, options, text);
    if (err == 0)
        err = set_ciphers(native, options, text);
    if (err == 0)
        err = acioi_tls_hosts_init(context, options->protocols, text);
    return err;
}

/* ---- beginning and end ---- */

void
acioi_tls_context_use(struct acio_tls_context *context)
{
    atomic_fetch_add(&context->users, 1);
}

void
acio_tls_context_free(acio_tls_context *context)
{
    if (!context || atomic_fetch_sub(&context->users, 1) > 1)
        return;
    SSL_CTX_free(context->native);
    BIO_meth_free(context->method);
    acioi_tls_hosts_free(context);
    acioi_tls_tickets_free(&context->tickets);
    OPENSSL_free(context);
}

static int
make(acio_tls_context **out, bool is_server,
    const struct acio_tls_options *options)
{
    static const struct acio_tls_options defaults;
    options = options ? options : &defaults;
    if (!out)
        return -EINVAL;
    *out = NULL;
    ERR_clear_error();
    struct acioi_tls_text text;
    acioi_tls_text_begin(&text, options->error_text, options->error_text_bytes);
    struct acio_tls_context *context = OPENSSL_zalloc(sizeof *context);
    if (!context)
        return -ENOMEM;
    context->security.start = acioi_tls_secure;
    atomic_init(&context->users, 1);
    context->is_server = is_server;
    context->any_host = options->any_host;
    context->end_needs_no_word = options->end_needs_no_word;
    context->verify = verify_mode(options, is_server);
    acioi_tls_tickets_init(&context->tickets);
    context->method = acioi_tls_bio_method();
    context->native = SSL_CTX_new(
        is_server ? TLS_server_method() : TLS_client_method());
    int err = -ENOMEM;
    if (context->method && context->native)
        err = set_up(context, options, &text);
    if (err < 0)
        acio_tls_context_free(context);
    else
        *out = context;
    ERR_clear_error();
    return err;
}

int
acio_tls_client_context(acio_tls_context **out,
    const struct acio_tls_options *options)
{
    return make(out, false, options);
}

int
acio_tls_server_context(acio_tls_context **out,
    const struct acio_tls_options *options)
{
    return make(out, true, options);
}

void *
acio_tls_context_native(acio_tls_context *context)
{
    return context ? context->native : NULL;
}

const struct acio_security *
acio_tls_security(acio_tls_context *context)
{
    return context ? &context->security : NULL;
}
