/* SPDX-License-Identifier: MIT */
/* resolve.c - names to addresses, in a thread (loop.getaddrinfo)
 *
 * Idea.       getaddrinfo(3) may take half a minute and cannot be stopped. So
 *             a look-up has memory of its own: who waits for it may leave at
 *             once, and the answer is dropped when it comes.
 *
 *                 task --> lookup <-- thread      waited for
 *                          lookup <-- thread      abandoned: the completion
 *                                                 frees it
 *
 * Simulator.  The same way is taken, but no question is asked outside: the
 *             only name there is "localhost".
 */
#include "net/net.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/alloc.h"

struct lookup {
    acio_op op;
    struct acio_link link;   /* in net->lookups */
    struct acioi_task *task; /* that waits; NULL: it has left */
    struct addrinfo *answer; /* the thread's, until the completion */
    int port, family;
    bool passive;
    char host[];
};

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
        struct acioi_address address;
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
    struct acioi_address address;
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

/* ---- in the thread ---- */

static int
error_of(int answer)
{
    switch (answer) {
    case 0:
        return 0;
    case EAI_SYSTEM:
        return errno ? -errno : -EIO;
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return -(ACIO_EAI_BASE - answer);
    }
}

static int
ask_system(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo hints = {
        .ai_family = lookup->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = lookup->passive ? AI_PASSIVE : 0,
    };
    return error_of(getaddrinfo(lookup->host, NULL, &hints, &lookup->answer));
}

static int
ask_simulator(void *arg)
{
    const struct lookup *lookup = arg;
    bool known = strcmp(lookup->host, "localhost") == 0;
    return known ? 0 : -(ACIO_EAI_BASE - EAI_NONAME);
}

/* ---- in the loop ---- */

static void
free_lookup(struct lookup *lookup)
{
    acioi_list_remove(&lookup->link);
    if (lookup->answer)
        freeaddrinfo(lookup->answer);
    acioi_free(lookup);
}

void
acioi_lookups_free(struct acioi_net *net)
{
    struct acio_link *link;
    while ((link = acioi_list_first(&net->lookups)))
        free_lookup(acioi_container_of(link, struct lookup, link));
}

static void
answered(acio_op *op)
{
    struct lookup *lookup = op->user;
    if (lookup->task)
        acioi_wake(lookup->task);
    else
        free_lookup(lookup);
}

/* One that no thread has taken yet is called off; its completion still comes.
 */
static void
abandon(struct acioi_task *task, int reason)
{
    struct lookup *lookup = task->interrupted_thing;
    lookup->task = NULL;
    acio_op_cancel(&lookup->op);
    acioi_interrupt_wake(task, reason);
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
        struct acioi_address address = { .length = i->ai_addrlen };
        if (address.length > sizeof address.as)
            continue;
        memcpy(&address.as, i->ai_addr, address.length);
        acioi_address_set_port(&address, lookup->port);
        acioi_addresses_add(addresses, &address, lookup->family);
    }
    *out = addresses;
    return addresses->count ? 0 : -(ACIO_EAI_BASE - EAI_NONAME);
}

static struct lookup *
start(struct acioi_net *net, const struct acioi_query *query, acio_work *ask)
{
    size_t bytes = strlen(query->host) + 1;
    struct lookup *lookup = acioi_alloc(sizeof *lookup + bytes);
    if (!lookup)
        return NULL;
    memcpy(lookup->host, query->host, bytes);
    lookup->port = query->port;
    lookup->family = query->family;
    lookup->passive = query->passive;
    lookup->task = acioi_current();
    acioi_list_push_back(&net->lookups, &lookup->link);
    acio_op_work(&lookup->op, ask, lookup, ACIO_POOL_DNS);
    acio_loop_submit(net->loop, &lookup->op, answered, lookup);
    return lookup;
}

static int
look_up(struct acioi_net *net, const struct acioi_query *query,
    struct acioi_addresses **out)
{
    bool simulated = net->loop->backend == &acioi_backend_sim;
    struct lookup *lookup = start(net, query,
        simulated ? ask_simulator : ask_system);
    if (!lookup)
        return -ENOMEM;
    struct acioi_task *task = lookup->task;
    task->interrupted_thing = lookup;
    int reason = acioi_park_with(task, abandon, "getaddrinfo", NULL);
    if (reason)
        return reason;
    int err = (int)lookup->op.result;
    if (err == 0 && simulated)
        err = resolve_loopback(query, out);
    else if (err == 0)
        err = take_answer(lookup, out);
    free_lookup(lookup);
    return err;
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
        return reason;
    err = look_up(net, query, out);
    if (err < 0) {
        acioi_free(*out);
        *out = NULL;
    }
    return err;
}
