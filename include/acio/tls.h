/* SPDX-License-Identifier: MIT */
/* TLS for streams.
 *
 *     acio_tls_context *tls;
 *     int err = acio_tls_client_context(&tls, NULL);
 *     ...
 *     err = acio_open_connection(&stream, "example.org", 443,
 *         &(struct acio_connect_options){
 *             .security = acio_tls_security(tls),
 *         });
 *
 * From there on it is a stream like any other: the bytes that are read and
 * written are plain, those on the wire are not. A client checks who answers:
 * the certificate must come from an authority that the system trusts, and be
 * for the host that was asked for. A server shows a certificate:
 *
 *     err = acio_tls_server_context(&tls,
 *         &(struct acio_tls_options){ .certificate_file = "server.pem" });
 *     err = acio_start_server(&server, handler, NULL, NULL, 4433,
 *         &(struct acio_server_options){
 *             .security = acio_tls_security(tls),
 *         });
 *
 * In a library of its own, libacio-tls, so that only those who ask for OpenSSL
 * load it. Its memory is OpenSSL's, and not of acio_set_allocator.
 */
#ifndef ACIO_TLS_H
#define ACIO_TLS_H

#include "stream.h"

ACIO_BEGIN_DECLS

/* ---- contexts ---- */

/* What connections have in common: certificates, whom to trust, sessions. */
typedef struct acio_tls_context acio_tls_context;

enum acio_tls_verify {
    ACIO_TLS_VERIFY_DEFAULT,  /* a client requires, a server does not ask */
    ACIO_TLS_VERIFY_NONE,     /* any peer will do: ssl.CERT_NONE */
    ACIO_TLS_VERIFY_OPTIONAL, /* a certificate must be good, or not be there:
                               * ssl.CERT_OPTIONAL; on a server */
    ACIO_TLS_VERIFY_REQUIRED  /* ssl.CERT_REQUIRED */
};

enum acio_tls_version_number {
    ACIO_TLS_ANY_VERSION = 0, /* 1.2 to the newest */
    ACIO_TLS_1_2 = 0x0303,
    ACIO_TLS_1_3 = 0x0304
};

/* All zero: the defaults. Files are read at once, and are PEM. */
struct acio_tls_options {
    /* the own certificate, and those that lead from it to an authority */
    const char *certificate_file;
    const char *key_file;     /* NULL: it is in certificate_file, too */
    const char *key_password; /* NULL: the key is not encrypted */

    /* whom to trust; all NULL: whom the system trusts */
    const char *authorities_file;
    const char *authorities_folder; /* as of openssl-rehash(1) */
    const char *authorities_text;   /* what would stand in the file */

    enum acio_tls_verify verify;
    bool any_host; /* a client does not compare the certificate's names */
    enum acio_tls_version_number lowest_version, highest_version;
    const char *ciphers;       /* of TLS 1.2, as in openssl-ciphers(1) */
    const char *cipher_suites; /* of TLS 1.3 */

    /* ALPN, best first, ended by NULL; NULL: is not spoken of */
    const char *const *protocols;

    bool no_resumption;     /* every handshake is a whole one */
    bool end_needs_no_word; /* a connection that just ends has ended well, and
                             * is not called truncated */

    char *error_text; /* takes a sentence about a failure; NULL: none */
    size_t error_text_bytes;
};

/* Make a context for clients. It verifies the peer's certificate and host.
 *
 *   returns   0; -ENOENT, -EACCES and their like for a file that cannot be
 *             read; -EINVAL for what OpenSSL refuses, as a key that is not the
 *             certificate's; -ENOMEM
 *   suspends  no; it reads files, and blocks meanwhile
 *   cancel    -
 *   owner     the caller frees `*out`, which is NULL after an error, by
 *             acio_tls_context_free; `options` (or NULL) are borrowed
 *   thread    any; loops of several threads may use one context
 *   python    ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
 */
ACIO_EXPORT ACIO_MUST_USE int acio_tls_client_context(acio_tls_context **out,
    const struct acio_tls_options *options);

/* Make a context for servers.
 *
 *   returns   as acio_tls_client_context; -EINVAL without a certificate
 *   suspends  no; it reads files, and blocks meanwhile
 *   cancel    -
 *   owner     as acio_tls_client_context
 *   thread    any; loops of several threads may use one context
 *   python    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
 */
ACIO_EXPORT ACIO_MUST_USE int acio_tls_server_context(acio_tls_context **out,
    const struct acio_tls_options *options);

/* Let clients that ask for `name` (SNI) meet `other`: its certificate, its
 * protocols, and whom it trusts. The versions and ciphers stay those of
 * `context`. A name "*.example.org" stands for every name with one more part;
 * a name of its own goes before it, and an older entry before a newer one.
 *
 *   returns   0; -EINVAL for a context of clients, or a name that is none;
 *             -ENOMEM
 *   suspends  no
 *   cancel    -
 *   owner     `other` is kept for as long as `context` is; `name` is copied
 *   thread    any, before the first connection of `context`
 *   python    SSLContext.sni_callback
 */
ACIO_EXPORT int acio_tls_context_add_host(acio_tls_context *context,
    const char *name, acio_tls_context *other);

/* Free a context. Connections that use it go on.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends, and what acio_tls_security said of it; NULL is
 *             fine
 *   thread    any
 *   python    -
 */
ACIO_EXPORT void acio_tls_context_free(acio_tls_context *context);

/* The SSL_CTX, for what has no name here. Its verify callback, its application
 * data and its client hello callback are not to be replaced.
 *
 *   returns   an SSL_CTX *
 *   suspends  no
 *   cancel    -
 *   owner     borrowed
 *   thread    any, before the first connection
 *   python    -
 */
ACIO_EXPORT void *acio_tls_context_native(acio_tls_context *context);

/* The context as connections and servers take it: for the member `security` of
 * struct acio_connect_options and struct acio_server_options.
 *
 *   returns   what it is there; NULL for NULL
 *   suspends  no
 *   cancel    -
 *   owner     borrowed from the context
 *   thread    any
 *   python    the argument ssl of open_connection() and start_server()
 */
ACIO_EXPORT const struct acio_security *acio_tls_security(
    acio_tls_context *context);

/* ---- connections ---- */

/* All zero: the defaults. */
struct acio_start_tls_options {
    const char *server_hostname; /* of the peer, for clients: a name or an
                                  * address, for SNI and the check */
    double handshake_timeout;    /* in seconds; 0: 60 */
    double shutdown_timeout;     /* for the peer's last word at acio_close; 0:
                                  * 30; negative: it is not waited for */
    char *error_text;            /* takes a sentence about a failure */
    size_t error_text_bytes;
};

/* Go on in TLS on a stream in use, as the client or the server that `context`
 * is for. What the stream has received and nobody has read belongs to the
 * handshake already; what was written before leaves as it is. Nobody else may
 * use the stream meanwhile: what is written is refused by -EBUSY.
 *
 *   returns   0; -ACIO_ETLSVERIFY where the peer's certificate does not do;
 *             -ACIO_ETLSALERT where the peer refuses; -ACIO_ENOTTLS where it
 *             speaks something else; -ACIO_ETLSEOF where it leaves;
 *             -ACIO_ETLS for other failures of the handshake; -ETIMEDOUT after
 *             the handshake's timeout; what broke the connection;
 *             -EINVAL for a client that has no name to compare; -EALREADY
 *             where the stream has TLS; -EBUSY where somebody reads or sends a
 *             file, and the stream is as it was; -ENOMEM; -ECANCELED,
 *             -ETIMEDOUT; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOTASK,
 *             -ACIO_ENOLOOP
 *   suspends  yes
 *   cancel    partial: the stream is good for acio_close and acio_abort only,
 *             as it is after an error
 *   owner     the stream stays the caller's; `options` (or NULL) are borrowed,
 *             of `context` a reference is kept
 *   thread    the stream's loop
 *   python    StreamWriter.start_tls()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_start_tls(acio_stream *stream,
    acio_tls_context *context, const struct acio_start_tls_options *options);

/* How long acio_close waits for the peer's last word, in seconds; 30 to begin
 * with. 0 or less: it does not. It is part of the time of
 * acio_stream_set_close_timeout.
 *
 *   returns   0; -EINVAL for no number; -ENOPROTOOPT for a stream without TLS;
 *             -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    the argument ssl_shutdown_timeout of open_connection()
 */
ACIO_EXPORT int acio_tls_set_shutdown_timeout(acio_stream *stream,
    double timeout);

/* The version that is spoken.
 *
 *   returns   "TLSv1.3" or "TLSv1.2"; "" for a stream without TLS
 *   suspends  no
 *   cancel    -
 *   owner     static storage
 *   thread    the stream's loop
 *   python    SSLObject.version()
 */
ACIO_EXPORT const char *acio_tls_version(acio_stream *stream);

/* The cipher that is used.
 *
 *   returns   its name, as "TLS_AES_256_GCM_SHA384"; "" without TLS
 *   suspends  no
 *   cancel    -
 *   owner     static storage
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("cipher")
 */
ACIO_EXPORT const char *acio_tls_cipher(acio_stream *stream);

/* The protocol that both ends have agreed upon by ALPN.
 *
 *   returns   its name; "" where there is none
 *   suspends  no
 *   cancel    -
 *   owner     borrowed until the stream is closed
 *   thread    the stream's loop
 *   python    SSLObject.selected_alpn_protocol()
 */
ACIO_EXPORT const char *acio_tls_protocol(acio_stream *stream);

/* The host that the client has asked for, on both ends.
 *
 *   returns   the name; "" where it asked for none
 *   suspends  no
 *   cancel    -
 *   owner     borrowed until the stream is closed
 *   thread    the stream's loop
 *   python    SSLObject.server_hostname
 */
ACIO_EXPORT const char *acio_tls_server_name(acio_stream *stream);

/* Did the handshake go on with an older connection's session?
 *
 *   returns   true or false
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the stream's loop
 *   python    SSLObject.session_reused
 */
ACIO_EXPORT bool acio_tls_session_reused(acio_stream *stream);

struct acio_tls_certificate {
    char subject[256]; /* "CN=localhost, O=Example", cut where it is longer; a
                        * comma in a name is "\,", as in RFC 2253 */
    char issuer[256];
    int64_t not_before; /* seconds since 1970 */
    int64_t not_after;
    unsigned char sha256[32]; /* of the whole certificate */
};

/* What is written in the peer's certificate. That it was verified is another
 * matter: see the context's `verify`.
 *
 *   returns   0; -ENODATA where the peer has shown none; -ENOPROTOOPT for a
 *             stream without TLS; -ENOMEM; -ACIO_ECLOSED, -ACIO_EFOREIGN,
 *             -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     `out` is the caller's
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("peercert")
 */
ACIO_EXPORT int acio_tls_peer_certificate(acio_stream *stream,
    struct acio_tls_certificate *out);

/* The SSL, to ask it what has no name here; not to be read or written.
 *
 *   returns   an SSL *; NULL for a stream without TLS
 *   suspends  no
 *   cancel    -
 *   owner     borrowed until the stream is closed
 *   thread    the stream's loop
 *   python    StreamWriter.get_extra_info("ssl_object")
 */
ACIO_EXPORT void *acio_tls_native(acio_stream *stream);

ACIO_END_DECLS

#endif
