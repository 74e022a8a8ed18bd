/* SPDX-License-Identifier: MIT */
/* tls.h - libacio-tls from the inside
 *
 * The parts, each in a file of its own:
 *
 *     context.c    what connections have in common
 *     host.c       which certificate for which name (SNI), and protocols
 *     resume.c     a client's sessions, to be used again
 *     verify.c     is the peer who it says it is, and if not, why
 *     fault.c      what went wrong in a handshake, as a code and a sentence
 *     filter.c     between a stream's user and its socket
 *     start.c      handshakes: acio_start_tls
 *     inform.c     what is known of a connection
 *
 * Only what libacio exports is used, and OpenSSL. Memory is taken from OpenSSL,
 * so that CRYPTO_set_mem_functions sees all of it.
 */
#ifndef ACIOI_TLS_H
#define ACIOI_TLS_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <acio/error.h>
#include <acio/filter.h>
#include <acio/future.h>
#include <acio/loop.h>
#include <acio/tls.h>

/* ---- a sentence, for the caller's memory ---- */

struct acioi_tls_text {
    char *at;
    size_t room; /* with the zero */
};

void acioi_tls_text_begin(struct acioi_tls_text *text, char *buf, size_t size);
void acioi_tls_text_add(struct acioi_tls_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- sessions ---- */

/* A session that a server has given, newest first. */
struct acioi_tls_ticket {
    struct acioi_tls_ticket *next;
    SSL_SESSION *session;
    char host[]; /* with whom */
};

struct acioi_tls_tickets {
    pthread_mutex_t lock; /* loops of several threads may share a context */
    struct acioi_tls_ticket *first;
    unsigned count;
};

void acioi_tls_tickets_init(struct acioi_tls_tickets *tickets);
void acioi_tls_tickets_free(struct acioi_tls_tickets *tickets);
/* Remembers: takes the reference, or answers false. */
bool acioi_tls_tickets_keep(struct acioi_tls_tickets *tickets, const char *host,
    SSL_SESSION *session);
/* The newest for `host`, with a reference for the caller; or NULL. */
SSL_SESSION *acioi_tls_tickets_take(struct acioi_tls_tickets *tickets,
    const char *host);

/* ---- contexts ---- */

struct acioi_tls_host {
    struct acioi_tls_host *next;
    struct acio_tls_context *context;
    char name[];
};

enum { CONTEXT_ID_BYTES = 16 };

struct acio_tls_context {
    struct acio_security security; /* the first member */
    SSL_CTX *native;
    BIO_METHOD *method; /* of the connections' BIOs */
    atomic_uint users;  /* the handle, connections, and contexts it serves */
    bool is_server;
    bool any_host;
    bool resumes;
    bool end_needs_no_word;
    int verify;                         /* SSL_VERIFY_... */
    unsigned char id[CONTEXT_ID_BYTES]; /* no other's session is taken */
    unsigned char *protocols;           /* as on the wire; NULL: none */
    unsigned protocols_bytes;
    struct acioi_tls_host *hosts;     /* of a server */
    struct acioi_tls_tickets tickets; /* of a client */
};

void acioi_tls_context_use(struct acio_tls_context *context);

/* Sets up ALPN of `protocols`, and the choice of hosts. */
int acioi_tls_hosts_init(struct acio_tls_context *context,
    const char *const *protocols, struct acioi_tls_text *text);
void acioi_tls_hosts_free(struct acio_tls_context *context);

/* ---- connections ---- */

/* A task inside acio_start_tls, on its stack. */
struct acioi_tls_handshake {
    acio_future done;
    char first[24]; /* what the peer has sent first, for a sentence */
    unsigned first_bytes;
};

struct acioi_tls {
    struct acio_filter filter; /* the first member */
    SSL *ssl;
    struct acio_tls_context *context;
    struct acioi_tls_loop *loop;
    acio_stream *stream;
    struct acioi_tls_handshake *handshake; /* while a task waits for it */
    const char *window; /* received, and not yet taken by OpenSSL */
    size_t window_bytes;
    char *kept; /* written, while OpenSSL could not; or NULL */
    size_t kept_bytes;
    size_t answered;     /* of what the peer has asked for */
    acio_timer farewell; /* the end of the wait for the last word */
    double shutdown_timeout;
    char *host;     /* of the peer, as the client expects it; or NULL */
    char *protocol; /* of ALPN; or NULL */
    char *text;     /* the sentence about the end; or NULL */
    int error;      /* why a write of the BIO failed */
    int fault;      /* why the peer was not verified: X509_V_ERR_... */
    uint8_t users;  /* the stream, and acio_start_tls */
    bool shaken;    /* the handshake is over, and went well */
    bool broken;    /* OpenSSL is not to be asked any more */
    bool ended;     /* the peer has said its last word, or need not */
    bool closing;   /* what comes is not read any more */
    bool reading;   /* inside of SSL_read */
    bool leaving;   /* our last word is still to be said */
};

/* What the connections of a loop share. */
struct acioi_tls_loop {
    struct acio_loop_part part;
    acio_loop *loop;
    unsigned users;             /* the loop, and its connections */
    struct acioi_tls *gatherer; /* whose the gathered bytes are; NULL: none */
    size_t gathered_bytes;
    char gathered[SSL3_RT_MAX_PLAIN_LENGTH]; /* written, for one record */
    char plain[SSL3_RT_MAX_PLAIN_LENGTH];    /* of one record, on its way up */
};

/* The running loop's, made at first use; or NULL. */
struct acioi_tls_loop *acioi_tls_loop_of(acio_loop *loop);
void acioi_tls_loop_unuse(struct acioi_tls_loop *shared);

extern const struct acio_filter_type acioi_tls_filter;

/* Goes on with the handshake as far as it can without the peer. */
void acioi_tls_shake(struct acioi_tls *tls);
/* One user less; the last one frees it. */
void acioi_tls_unuse(struct acioi_tls *tls);
BIO_METHOD *acioi_tls_bio_method(void);

/* The member `start` of struct acio_security. */
int acioi_tls_secure(const struct acio_security *security, acio_stream *stream,
    const struct acio_security_options *options);

static inline struct acioi_tls *
acioi_tls_of_ssl(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* The connection's part of a stream; NULL with the reason in `*err`. */
struct acioi_tls *acioi_tls_of(acio_stream *stream, int *err);

/* ---- verifying ---- */

/* What the connection expects of the peer: its name or address. */
int acioi_tls_expect(struct acioi_tls *tls, const char *host,
    struct acioi_tls_text *text);
/* OpenSSL's verify callback: notes what is wrong. */
int acioi_tls_verified(int good, X509_STORE_CTX *store);

/* ---- faults ---- */

/* What the last call of OpenSSL failed with: a code, and `tls->text`. */
int acioi_tls_fault(struct acioi_tls *tls, int result);
/* Notes a sentence about the end, unless there is one. */
void acioi_tls_note(struct acioi_tls *tls, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The sentence for what is in OpenSSL's queue, which is empty then. */
const char *acioi_tls_reason(void);

#endif
