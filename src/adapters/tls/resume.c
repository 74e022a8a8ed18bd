/* SPDX-License-Identifier: MIT */
/* resume.c - a client's sessions, to be used again
 *
 * Idea.       A context keeps the newest sessions in a list, each with the
 *             name of its host. The next connection to that host offers one,
 *             and the handshake costs neither certificate nor signature.
 *
 * Once.       A session of TLS 1.3 is used for one connection, so that nobody
 *             can tell by it that two are of the same client (RFC 8446, C.4).
 *             Servers give two for each connection. One of TLS 1.2 stays.
 * Old ones.   A session whose time is over is not offered: its server would
 *             not take it, or should not, with a certificate of long ago.
 * Memory.     At most KEPT sessions; the oldest goes.
 */
#include "adapters/tls/tls.h"

#include <string.h>
#include <time.h>

enum { KEPT = 256 };

void
acioi_tls_tickets_init(struct acioi_tls_tickets *tickets)
{
    pthread_mutex_init(&tickets->lock, NULL);
}

static void
drop(struct acioi_tls_ticket *ticket)
{
    SSL_SESSION_free(ticket->session);
    OPENSSL_free(ticket);
}

void
acioi_tls_tickets_free(struct acioi_tls_tickets *tickets)
{
    struct acioi_tls_ticket *ticket;
    while ((ticket = tickets->first)) {
        tickets->first = ticket->next;
        drop(ticket);
    }
    pthread_mutex_destroy(&tickets->lock);
}

static void
drop_oldest(struct acioi_tls_tickets *tickets)
{
    struct acioi_tls_ticket **at = &tickets->first;
    while ((*at)->next)
        at = &(*at)->next;
    drop(*at);
    *at = NULL;
    tickets->count--;
}

bool
acioi_tls_tickets_keep(struct acioi_tls_tickets *tickets, const char *host,
    SSL_SESSION *session)
{
    size_t bytes = strlen(host) + 1;
    struct acioi_tls_ticket *ticket = OPENSSL_zalloc(sizeof *ticket + bytes);
    if (!ticket)
        return false;
    memcpy(ticket->host, host, bytes);
    ticket->session = session;
    pthread_mutex_lock(&tickets->lock);
    ticket->next = tickets->first;
    tickets->first = ticket;
    if (++tickets->count > KEPT)
        drop_oldest(tickets);
    pthread_mutex_unlock(&tickets->lock);
    return true;
}

static void
drop_old(struct acioi_tls_tickets *tickets)
{
    struct acioi_tls_ticket *ticket, **at = &tickets->first;
    time_t now = time(NULL);
    while ((ticket = *at)) {
        long age = (long)now - SSL_SESSION_get_time(ticket->session);
        if (age <= SSL_SESSION_get_timeout(ticket->session)) {
            at = &ticket->next;
            continue;
        }
        *at = ticket->next;
        tickets->count--;
        drop(ticket);
    }
}

/* Where the newest for `host` hangs; NULL where there is none. */
static struct acioi_tls_ticket **
find(struct acioi_tls_tickets *tickets, const char *host)
{
    struct acioi_tls_ticket **at = &tickets->first;
    while (*at && strcmp((*at)->host, host) != 0)
        at = &(*at)->next;
    return *at ? at : NULL;
}

SSL_SESSION *
acioi_tls_tickets_take(struct acioi_tls_tickets *tickets, const char *host)
{
    SSL_SESSION *session = NULL;
    pthread_mutex_lock(&tickets->lock);
    drop_old(tickets);
    struct acioi_tls_ticket **at = find(tickets, host);
    if (at) {
        struct acioi_tls_ticket *ticket = *at;
        session = ticket->session;
        SSL_SESSION_up_ref(session);
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
            *at = ticket->next;
            tickets->count--;
            drop(ticket);
        }
    }
    pthread_mutex_unlock(&tickets->lock);
    return session;
}
