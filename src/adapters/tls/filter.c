/* SPDX-License-Identifier: MIT */
/* filter.c - between a stream's user and its socket
 *
 * Idea.       OpenSSL never sees the socket. What the stream has received lies
 *             in a window from which OpenSSL reads, and is decrypted there and
 *             then; what OpenSSL writes goes to the stream's output.
 *
 *                 socket --> window --> SSL_read  --> the user
 *                 socket <-- output <-- SSL_write <-- gathered <-- the user
 *
 *             So nothing received waits in here but the beginning of a record,
 *             and the pressure of the stream's buffers holds as without TLS.
 *             What a task waits for is decrypted into its own memory.
 *
 * Gathering.  A record is some twenty bytes longer than what is in it, and a
 *             call of the cipher: small writes are gathered until the stream
 *             flushes. One buffer does for a loop, since one task writes at a
 *             time: where another stream is written to, the first one's bytes
 *             are sealed.
 * Ends.       The peer's last word (close_notify) is the end of what it sends,
 *             and no answer to it is due: both directions end by themselves.
 *             The end of the connection without it may be somebody's work who
 *             wants the rest unread, and is an error.
 * Close.      acio_close says our last word and waits for the peer's, so that
 *             the peer is known to have read all: what comes meanwhile is
 *             dropped.
 * Answers.    A peer may ask for new keys, or to renegotiate, as often as it
 *             likes, and each time is answered. One that does not read the
 *             answers is left before they pile up.
 * Half.       While half a message of the handshake has come (a session, in
 *             records of its own), OpenSSL writes nothing: what the user has
 *             written is kept for so long, and the last word as well.
 * Memory.     A connection that is idle holds no buffer: OpenSSL gives its own
 *             back after each record (SSL_MODE_RELEASE_BUFFERS).
 */
#include "adapters/tls/tls.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What is larger is a record by itself, and not copied. So much room has to be
 * where a task waits, or many calls would decrypt a record. */
enum { SMALL_BYTES = 4096, LEAST_ROOM = 1024 };

/* What a peer may ask for without reading it, and what may wait for the other
 * half of a message. */
enum { MOST_ANSWERED = 65536, MOST_KEPT = 1 << 20 };

static const char key;

static struct acioi_tls *
tls_of(struct acio_filter *filter)
{
    return (struct acioi_tls *)filter;
}

/* ---- what the connections of a loop share ---- */

static void
release_loop(struct acio_loop_part *part, acio_loop *loop)
{
    (void)loop;
    acioi_tls_loop_unuse((struct acioi_tls_loop *)part); /* the first member */
}

/* The loop frees its streams after this part of it. */
void
acioi_tls_loop_unuse(struct acioi_tls_loop *shared)
{
    if (shared && --shared->users == 0)
        OPENSSL_free(shared);
}

struct acioi_tls_loop *
acioi_tls_loop_of(acio_loop *loop)
{
    struct acio_loop_part *part = acio_loop_find_part(loop, &key);
    if (part)
        return (struct acioi_tls_loop *)part;
    struct acioi_tls_loop *shared = OPENSSL_malloc(sizeof *shared);
    if (!shared)
        return NULL;
    shared->users = 1;
    shared->loop = loop;
    shared->gatherer = NULL;
    shared->gathered_bytes = 0;
    shared->part = (struct acio_loop_part){ .key = &key,
        .release = release_loop };
    acio_loop_attach(loop, &shared->part);
    return shared;
}

/* ---- what OpenSSL reads and writes ---- */

static int
bio_read(BIO *bio, char *into, int bytes)
{
    struct acioi_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->window_bytes == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = (size_t)bytes < tls->window_bytes ? (size_t)bytes
                                                 : tls->window_bytes;
    memcpy(into, tls->window, n);
    tls->window += n;
    tls->window_bytes -= n;
    return (int)n;
}

/* Counts answers since the last time when all had left. Nobody can tell that of
 * a stream that is closed. */
static int
count_answer(struct acioi_tls *tls, size_t bytes)
{
    if (!tls->closing && acio_write_buffer_size(tls->stream) == 0)
        tls->answered = 0;
    tls->answered += bytes;
    if (tls->answered <= MOST_ANSWERED)
        return 0;
    acioi_tls_note(tls, "the peer does not read what it asks for");
    return -ACIO_ETLS;
}

static int
bio_write(BIO *bio, const char *data, int bytes)
{
    struct acioi_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int err = tls->reading ? count_answer(tls, (size_t)bytes) : 0;
    if (err == 0)
        err = acio_filter_send(&tls->filter, data, (size_t)bytes);
    if (err == 0)
        return bytes;
    tls->error = err;
    return -1;
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int
bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *
acioi_tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "acio stream");
    if (!method)
        return NULL;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, bio_create);
    return method;
}

/* ---- the handshake ---- */

static void
end_handshake(struct acioi_tls *tls, int result)
{
    struct acioi_tls_handshake *handshake = tls->handshake;
    tls->broken = result < 0;
    if (!handshake)
        return;
    tls->handshake = NULL;
    if (result < 0)
        (void)acio_future_set_error(&handshake->done, result);
    else
        (void)acio_future_set_result(&handshake->done, 0);
}

void
acioi_tls_shake(struct acioi_tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->shaken = true;
        end_handshake(tls, 0);
    } else if (tls->error ||
        SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        end_handshake(tls, acioi_tls_fault(tls, result));
    }
}

static void
note_first(struct acioi_tls_handshake *handshake, const char *data,
    size_t bytes)
{
    if (!handshake || handshake->first_bytes > 0)
        return;
    if (bytes > sizeof handshake->first)
        bytes = sizeof handshake->first;
    memcpy(handshake->first, data, bytes);
    handshake->first_bytes = (unsigned)bytes;
}

/* ---- what comes ---- */

/* The peer's last word. */
static void
end(struct acioi_tls *tls)
{
    tls->ended = true;
    acio_timer_cancel(tls->loop->loop, &tls->farewell);
    acio_filter_deliver_end(&tls->filter);
}

static int
break_off(struct acioi_tls *tls, int result)
{
    int err = acioi_tls_fault(tls, result);
    tls->broken = true;
    return err;
}

/* 0 where OpenSSL wants more, or the end has come. Once our last word is
 * said, handshake messages of the peer (a session, say) are skipped, and
 * OpenSSL answers 0 for each without an error. */
static int
judge(struct acioi_tls *tls, int result, bool *goes_on)
{
    *goes_on = false;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        end(tls);
        return 0;
    case SSL_ERROR_SYSCALL:
        *goes_on = result == 0 && !tls->error && ERR_peek_error() == 0;
        if (*goes_on)
            return 0;
        /* fall through */
    default:
        return break_off(tls, result);
    }
}

/* SSL_read, into the memory of who waits or else into the loop's. */
static int
decrypt_some(struct acioi_tls *tls, bool *goes_on)
{
    size_t room;
    char *plain = tls->loop->plain;
    char *into = tls->closing ? NULL : acio_filter_room(&tls->filter, &room);
    if (!into || room < LEAST_ROOM) {
        into = plain;
        room = sizeof tls->loop->plain;
    }
    ERR_clear_error();
    tls->reading = true;
    int n = SSL_read(tls->ssl, into, room < INT_MAX ? (int)room : INT_MAX);
    tls->reading = false;
    if (n <= 0)
        return judge(tls, n, goes_on);
    if (into != plain)
        acio_filter_delivered(&tls->filter, (size_t)n);
    else if (!tls->closing)
        *goes_on = acio_filter_deliver(&tls->filter, plain, (size_t)n) == 0;
    return 0;
}

static int
decrypt(struct acioi_tls *tls)
{
    bool goes_on = true;
    int err = 0;
    while (goes_on && err == 0)
        err = decrypt_some(tls, &goes_on);
    return err;
}

static int catch_up(struct acioi_tls *tls);

static int
received(struct acio_filter *filter, const char *data, size_t bytes)
{
    struct acioi_tls *tls = tls_of(filter);
    int err = 0;
    tls->window = data;
    tls->window_bytes = bytes;
    note_first(tls->handshake, data, bytes);
    if (!tls->shaken && !tls->broken)
        acioi_tls_shake(tls);
    if (tls->shaken && !tls->broken && !tls->ended)
        err = decrypt(tls);
    if (err == 0 && (tls->kept || tls->leaving))
        err = catch_up(tls);
    tls->window_bytes = 0;
    return err;
}

static int
received_end(struct acio_filter *filter)
{
    struct acioi_tls *tls = tls_of(filter);
    if (tls->ended || tls->closing)
        return 0;
    if (tls->broken)
        return -ACIO_ETLS; /* the handshake has failed */
    if (!tls->shaken) {
        acioi_tls_note(tls,
            "the peer closed the connection during the "
            "handshake");
        end_handshake(tls, -ACIO_ETLSEOF);
        return -ACIO_ETLSEOF;
    }
    if (tls->context->end_needs_no_word)
        return 0;
    acioi_tls_note(tls,
        "the peer left without ending the TLS connection: "
        "what came may be cut short");
    tls->broken = true;
    return -ACIO_ETLSEOF;
}

/* ---- what leaves ---- */

/* For when the other half of a message has come. */
static int
keep(struct acioi_tls *tls, const char *data, size_t bytes)
{
    char *kept = NULL;
    if (tls->kept_bytes <= MOST_KEPT)
        kept = OPENSSL_realloc(tls->kept, tls->kept_bytes + bytes);
    else
        acioi_tls_note(tls, "the peer has stopped in the middle of a message");
    if (!kept) {
        tls->broken = true;
        return tls->kept_bytes > MOST_KEPT ? -ACIO_ETLS : -ENOMEM;
    }
    memcpy(kept + tls->kept_bytes, data, bytes);
    tls->kept = kept;
    tls->kept_bytes += bytes;
    return 0;
}

static int
encrypt(struct acioi_tls *tls, const char *data, size_t bytes)
{
    size_t written;
    if (tls->broken)
        return -ACIO_ETLS;
    if (tls->kept)
        return keep(tls, data, bytes);
    ERR_clear_error();
    int result = SSL_write_ex(tls->ssl, data, bytes, &written);
    if (result == 1)
        return 0;
    if (!tls->error && SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return keep(tls, data, bytes);
    return break_off(tls, result);
}

/* Encrypts what was gathered of the connection. */
static int
seal(struct acioi_tls *tls)
{
    struct acioi_tls_loop *loop = tls->loop;
    if (loop->gatherer != tls)
        return 0;
    loop->gatherer = NULL;
    return encrypt(tls, loop->gathered, loop->gathered_bytes);
}

/* Makes room for `bytes` of the connection. */
static int
begin_gathering(struct acioi_tls *tls, size_t bytes)
{
    struct acioi_tls_loop *loop = tls->loop;
    struct acioi_tls *other = loop->gatherer;
    int err = 0;
    if (other == tls && loop->gathered_bytes + bytes > sizeof loop->gathered)
        err = seal(tls);
    else if (other && other != tls && (err = seal(other)) < 0) {
        acio_filter_fail(&other->filter, err);
        err = 0;
    }
    if (!loop->gatherer) {
        loop->gatherer = tls;
        loop->gathered_bytes = 0;
    }
    return err;
}

static int
write_plain(struct acio_filter *filter, const char *data, size_t bytes)
{
    struct acioi_tls *tls = tls_of(filter);
    struct acioi_tls_loop *loop = tls->loop;
    if (bytes == 0)
        return 0;
    if (tls->broken || !tls->shaken)
        return tls->broken ? -ACIO_ETLS : -EBUSY;
    if (bytes > SMALL_BYTES) {
        int err = seal(tls);
        return err < 0 ? err : encrypt(tls, data, bytes);
    }
    int err = begin_gathering(tls, bytes);
    if (err < 0)
        return err;
    memcpy(loop->gathered + loop->gathered_bytes, data, bytes);
    loop->gathered_bytes += bytes;
    acio_filter_hold(filter);
    return 0;
}

static int
flush(struct acio_filter *filter)
{
    return seal(tls_of(filter));
}

/* Our last word, once: asked again, OpenSSL would look for the peer's. */
static int
say_goodbye(struct acioi_tls *tls)
{
    if (!tls->shaken || tls->broken ||
        (SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
        return 0;
    int err = seal(tls);
    if (err < 0)
        return err;
    tls->leaving = tls->kept || SSL_in_init(tls->ssl);
    if (tls->leaving)
        return 0;
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    return result < 0 ? break_off(tls, result) : 0;
}

/* Says what had to wait. */
static int
catch_up(struct acioi_tls *tls)
{
    if (tls->broken || SSL_in_init(tls->ssl))
        return 0;
    char *kept = tls->kept;
    size_t bytes = tls->kept_bytes;
    tls->kept = NULL;
    tls->kept_bytes = 0;
    int err = kept ? encrypt(tls, kept, bytes) : 0;
    OPENSSL_free(kept);
    return err == 0 && tls->leaving ? say_goodbye(tls) : err;
}

/* The socket goes on writing: a change of keys may be answered. */
static int
write_eof(struct acio_filter *filter)
{
    struct acioi_tls *tls = tls_of(filter);
    return tls->shaken || tls->broken ? say_goodbye(tls) : -EBUSY;
}

/* ---- the end ---- */

static void
give_up(void *arg)
{
    struct acioi_tls *tls = arg;
    if (tls->kept)
        acio_filter_fail(&tls->filter, -ETIMEDOUT);
    else
        end(tls);
}

static void
closing(struct acio_filter *filter)
{
    struct acioi_tls *tls = tls_of(filter);
    tls->closing = true;
    (void)say_goodbye(tls);
    if (tls->shutdown_timeout > 0 && !tls->ended)
        acio_loop_call_later(tls->loop->loop, &tls->farewell,
            tls->shutdown_timeout, give_up, tls);
}

static bool
end_awaited(struct acio_filter *filter)
{
    const struct acioi_tls *tls = tls_of(filter);
    return tls->shaken && !tls->broken && !tls->ended &&
        (tls->shutdown_timeout >= 0 || tls->leaving);
}

/* What was written and did not leave is lost with the connection. */
static void
forget_gathered(const struct acioi_tls *tls)
{
    if (tls->loop->gatherer == tls)
        tls->loop->gatherer = NULL;
}

static void
lost(struct acio_filter *filter, int err)
{
    struct acioi_tls *tls = tls_of(filter);
    if (!tls->shaken && !tls->broken)
        end_handshake(tls, err);
    forget_gathered(tls);
    tls->broken = true;
}

/* OpenSSL forgets a session whose connection broke off; but that says nothing
 * about the session (RFC 5246, 7.2.1). */
void
acioi_tls_unuse(struct acioi_tls *tls)
{
    if (--tls->users > 0)
        return;
    if (tls->ssl)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    acio_tls_context_free(tls->context);
    OPENSSL_free(tls->host);
    OPENSSL_free(tls->protocol);
    OPENSSL_free(tls->text);
    OPENSSL_free(tls->kept);
    acioi_tls_loop_unuse(tls->loop);
    OPENSSL_free(tls);
}

static void
release(struct acio_filter *filter)
{
    struct acioi_tls *tls = tls_of(filter);
    acio_timer_cancel(tls->loop->loop, &tls->farewell);
    if (!tls->shaken && !tls->broken)
        end_handshake(tls, -ACIO_ECLOSED);
    forget_gathered(tls);
    tls->broken = true;
    acioi_tls_unuse(tls);
}

static const char *
error_text(struct acio_filter *filter)
{
    return tls_of(filter)->text;
}

const struct acio_filter_type acioi_tls_filter = {
    .name = "TLS",
    .received = received,
    .received_end = received_end,
    .write = write_plain,
    .flush = flush,
    .write_eof = write_eof,
    .closing = closing,
    .end_awaited = end_awaited,
    .lost = lost,
    .release = release,
    .error_text = error_text,
};
