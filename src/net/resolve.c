/* SPDX-License-Identifier: MIT */
/* resolve.c - names to addresses, for connections and servers
 *
 * What is written in digits, and nobody's name, is answered at once; names are
 * what threads are asked for (ask.c).
 */
#include "net/ask.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

/* ---- what needs no thread ---- */

static struct acioi_addresses *
make_room(size_t count)
{
    struct acioi_addresses *addresses = acioi_alloc(
        sizeof *addresses + count * sizeof addresses->list[0]);
    return addresses;
}

/* IPv6 comes first, as getaddrinfo sorts it. */
static int
add_pair(const char *in6, const char *in, const struct acioi_query *query,
    struct acioi_addresses **out)
{
    struct acioi_addresses *addresses = make_room(2);
    if (!addresses)
        return -ENOMEM;
    const char *texts[] = { in6, in };
    for (int i = 0; i < 2; i++) {
        struct acio_address address;
        if (acioi_address_parse(&address, texts[i], query->port) == 0)
            acioi_addresses_add(addresses, &address, query->family);
    }
    if (addresses->count == 0) {
        acioi_free(addresses);
        return -(ACIO_EAI_BASE - EAI_NONAME);
    }
    *out = addresses;
    return 0;
}

static int
resolve_loopback(const struct acioi_query *query, struct acioi_addresses **out)
{
    return add_pair("::1", "127.0.0.1", query, out);
}

static int
resolve_none(const struct acioi_query *query, struct acioi_addresses **out)
{
    if (query->passive)
        return add_pair("::", "0.0.0.0", query, out);
    return resolve_loopback(query, out);
}

static int
resolve_digits(const struct acioi_query *query, struct acioi_addresses **out)
{
    struct acio_address address;
    int err = acioi_address_parse(&address, query->host, query->port);
    if (err < 0)
        return err;
    struct acioi_addresses *addresses = make_room(1);
    if (!addresses)
        return -ENOMEM;
    acioi_addresses_add(addresses, &address, query->family);
    if (addresses->count == 0) {
        acioi_free(addresses);
        return -(ACIO_EAI_BASE - EAI_NONAME);
    }
    *out = addresses;
    return 0;
}

/* ---- names ---- */

struct lookup {
    struct acioi_question question;
    struct addrinfo *answer;
    int port, family;
    bool passive;
    char host[];
};

static struct lookup *
lookup_of(struct acioi_question *question)
{
    return acioi_container_of(question, struct lookup, question);
}

static int
ask_system(struct acioi_question *question)
{
    struct lookup *lookup = lookup_of(question);
    struct addrinfo hints = {
        .ai_family = lookup->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = lookup->passive ? AI_PASSIVE : 0,
    };
    return acioi_error_of_eai(
        getaddrinfo(lookup->host, NULL, &hints, &lookup->answer));
}

static void
drop_answer(struct acioi_question *question)
{
    struct lookup *lookup = lookup_of(question);
    if (lookup->answer)
        freeaddrinfo(lookup->answer);
}

static int
take_answer(const struct lookup *lookup, struct acioi_addresses **out)
{
    size_t count = 0;
    for (const struct addrinfo *i = lookup->answer; i; i = i->ai_next)
        count++;
    struct acioi_addresses *addresses = make_room(count);
    if (!addresses)
        return -ENOMEM;
    for (const struct addrinfo *i = lookup->answer; i; i = i->ai_next) {
        struct acio_address address = { .length = i->ai_addrlen };
        if (address.length > sizeof address.as)
            continue;
        memcpy(&address.as, i->ai_addr, address.length);
        acioi_address_set_port(&address, lookup->port);
        acioi_addresses_add(addresses, &address, lookup->family);
    }
    *out = addresses;
    return addresses->count ? 0 : -(ACIO_EAI_BASE - EAI_NONAME);
}

static int
look_up(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **out)
{
    size_t bytes = strlen(query->host) + 1;
    struct lookup *lookup = acioi_alloc(sizeof *lookup + bytes);
    if (!lookup)
        return -ENOMEM;
    memcpy(lookup->host, query->host, bytes);
    lookup->port = query->port;
    lookup->family = query->family;
    lookup->passive = query->passive;
    lookup->question.ask = ask_system;
    lookup->question.drop_answer = drop_answer;
    struct acioi_question *question = &lookup->question;
    int err = acioi_ask(net, &question);
    if (err == 0)
        err = take_answer(lookup, out);
    if (question)
        acioi_question_free(question);
    return err;
}

static int
look_up_simulated(const struct acioi_query *query, struct acioi_addresses **out)
{
    int err = acioi_ask_simulator(query->host);
    return err < 0 ? err : resolve_loopback(query, out);
}

int
acioi_resolve(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **out)
{
    *out = NULL;
    if (!query->host || !*query->host)
        return resolve_none(query, out);
    int err = resolve_digits(query, out);
    if (err != -EINVAL)
        return err;
    int reason = acioi_check(acioi_current());
    if (reason)
        return acioi_spend(acioi_current(), reason);
    err = acioi_net_is_simulated(net) ? look_up_simulated(query, out)
                                      : look_up(net, query, out);
    if (err < 0) {
        acioi_free(*out);
        *out = NULL;
    }
    return err;
}

static struct acioi_addresses *
join(const struct acioi_addresses *a, const struct acioi_addresses *b)
{
    struct acioi_addresses *both = make_room(a->count + b->count);
    for (size_t i = 0; both && i < a->count; i++)
        acioi_addresses_add(both, &a->list[i], AF_UNSPEC);
    for (size_t i = 0; both && i < b->count; i++)
        acioi_addresses_add(both, &b->list[i], AF_UNSPEC);
    return both;
}

int
acioi_resolve_more(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **addresses)
{
    struct acioi_addresses *more;
    int err = acioi_resolve(net, query, &more);
    if (err < 0)
        return err;
    struct acioi_addresses *both = join(*addresses, more);
    acioi_free(more);
    if (!both)
        return -ENOMEM;
    acioi_free(*addresses);
    *addresses = both;
    return 0;
}
