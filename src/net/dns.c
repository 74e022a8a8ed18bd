/* SPDX-License-Identifier: MIT */
/* dns.c - acio_getaddrinfo and acio_getnameinfo
 *
 * Idea.       What needs nobody's answer (digits) is done here and now; the
 *             rest is a question for a thread (ask.c). A question holds copies
 *             of all that it is about, since its asker may leave before it is
 *             answered.
 */
#include <acio/dns.h>

#include "net/ask.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

int
acioi_error_of_eai(int answer)
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

/* ---- the simulator ---- */

static int
is_known(void *arg)
{
    return strcmp(arg, "localhost") == 0 ? 0 : -(ACIO_EAI_BASE - EAI_NONAME);
}

int
acioi_ask_simulator(const char *host)
{
    acio_op op = { 0 };
    acio_op_work(&op, is_known, (char *)host, ACIO_POOL_DNS);
    return (int)acio_await_op(&op);
}

/* The net of the running loop, where a task may ask; NULL with the reason. */
static struct acioi_net *
begin(int *err)
{
    struct acioi_task *task = acioi_current();
    if (!task) {
        *err = acioi_no_task("a look-up");
        return NULL;
    }
    *err = acioi_check(task);
    if (*err < 0) {
        (void)acioi_spend(task, *err);
        return NULL;
    }
    struct acioi_net *net = acioi_net_of(acioi_running_loop);
    *err = net ? 0 : -ENOMEM;
    return net;
}

/* ---- getaddrinfo ---- */

struct address_question {
    struct acioi_question question;
    struct addrinfo hints;
    struct addrinfo *answer;
    const char *service; /* NULL: none */
    char *host;          /* NULL: none */
    char strings[];
};

static struct address_question *
address_question_of(struct acioi_question *question)
{
    return acioi_container_of(question, struct address_question, question);
}

static int
ask_addresses(struct acioi_question *question)
{
    struct address_question *q = address_question_of(question);
    return acioi_error_of_eai(
        getaddrinfo(q->host, q->service, &q->hints, &q->answer));
}

static void
drop_addresses(struct acioi_question *question)
{
    struct address_question *q = address_question_of(question);
    if (q->answer)
        freeaddrinfo(q->answer);
}

static struct address_question *
make_address_question(const char *host, const char *service,
    const struct addrinfo *hints)
{
    size_t host_bytes = host ? strlen(host) + 1 : 0;
    size_t service_bytes = service ? strlen(service) + 1 : 0;
    struct address_question *q = acioi_alloc(
        sizeof *q + host_bytes + service_bytes);
    if (!q)
        return NULL;
    q->question.ask = ask_addresses;
    q->question.drop_answer = drop_addresses;
    q->hints = *hints;
    if (host)
        q->host = memcpy(q->strings, host, host_bytes);
    if (service)
        q->service = memcpy(q->strings + host_bytes, service, service_bytes);
    return q;
}

static int
ask_for_addresses(struct acioi_net *net, struct addrinfo **out,
    struct address_question *q)
{
    struct acioi_question *question = &q->question;
    int err = acioi_ask(net, &question);
    if (err == 0) {
        *out = q->answer;
        q->answer = NULL;
    }
    if (question)
        acioi_question_free(question);
    return err;
}

/* The known name has the addresses of nobody, which are this machine's. */
static int
ask_simulator(struct addrinfo **out, const char *host, const char *service,
    const struct addrinfo *hints)
{
    int err = host ? acioi_ask_simulator(host) : 0;
    if (err < 0)
        return err;
    struct addrinfo here = *hints;
    here.ai_flags &= ~(AI_PASSIVE | AI_ADDRCONFIG | AI_CANONNAME);
    return acioi_error_of_eai(
        getaddrinfo(NULL, service ? service : "0", &here, out));
}

int
acio_getaddrinfo(struct addrinfo **out, const char *host, const char *service,
    const struct addrinfo *hints)
{
    static const struct addrinfo no_hints;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!host && !service)
        return -EINVAL;
    int err;
    struct acioi_net *net = begin(&err);
    if (!net)
        return err;
    hints = hints ? hints : &no_hints;
    struct addrinfo digits = *hints;
    digits.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    int answer = getaddrinfo(host, service, &digits, out);
    if (answer != EAI_NONAME)
        return acioi_spend(acioi_current(), acioi_error_of_eai(answer));
    if (acioi_net_is_simulated(net))
        return ask_simulator(out, host, service, hints);
    struct address_question *q = make_address_question(host, service, hints);
    return q ? ask_for_addresses(net, out, q) : -ENOMEM;
}

/* ---- getnameinfo ---- */

struct name_question {
    struct acioi_question question;
    struct sockaddr_storage address;
    socklen_t length;
    int flags;
    bool wants_host, wants_service;
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
};

static int
ask_names(struct acioi_question *question)
{
    struct name_question *q = acioi_container_of(question, struct name_question,
        question);
    return acioi_error_of_eai(
        getnameinfo((struct sockaddr *)&q->address, q->length,
            q->wants_host ? q->host : NULL, q->wants_host ? sizeof q->host : 0,
            q->wants_service ? q->service : NULL,
            q->wants_service ? sizeof q->service : 0, q->flags));
}

static void
drop_names(struct acioi_question *question)
{
    (void)question;
}

static struct name_question *
make_name_question(const struct sockaddr *address, socklen_t length,
    const struct acio_names *out, int flags)
{
    struct name_question *q = acioi_alloc(sizeof *q);
    if (!q)
        return NULL;
    q->question.ask = ask_names;
    q->question.drop_answer = drop_names;
    memcpy(&q->address, address, length);
    q->length = length;
    q->flags = flags;
    q->wants_host = out->host && out->host_bytes > 0;
    q->wants_service = out->service && out->service_bytes > 0;
    return q;
}

static int
copy_name(char *to, size_t size, const char *name)
{
    size_t bytes = strlen(name) + 1;
    if (!to || size == 0)
        return 0;
    if (bytes > size)
        return -(ACIO_EAI_BASE - EAI_OVERFLOW);
    memcpy(to, name, bytes);
    return 0;
}

static int
give_names(const struct acio_names *out, const struct name_question *q)
{
    int err = copy_name(out->host, out->host_bytes, q->host);
    return err < 0 ? err
                   : copy_name(out->service, out->service_bytes, q->service);
}

static int
answer_simulated(struct name_question *q)
{
    bool is_local = q->address.ss_family == AF_INET
        ? ntohl(((struct sockaddr_in *)&q->address)->sin_addr.s_addr) ==
            INADDR_LOOPBACK
        : IN6_IS_ADDR_LOOPBACK(
              &((struct sockaddr_in6 *)&q->address)->sin6_addr);
    bool digits = q->flags & NI_NUMERICHOST;
    if (!is_local && q->flags & NI_NAMEREQD)
        return -(ACIO_EAI_BASE - EAI_NONAME);
    q->flags = (q->flags | NI_NUMERICHOST) & ~NI_NAMEREQD;
    int err = ask_names(&q->question);
    if (err == 0 && is_local && !digits)
        memcpy(q->host, "localhost", sizeof "localhost");
    return err;
}

static int
ask_for_names(struct acioi_net *net, const struct acio_names *out,
    struct name_question *q)
{
    const int digits = NI_NUMERICHOST | NI_NUMERICSERV;
    struct acioi_question *question = &q->question;
    int err;
    if ((q->flags & digits) == digits)
        err = acioi_spend(acioi_current(), ask_names(question));
    else if (acioi_net_is_simulated(net))
        err = acioi_spend(acioi_current(), answer_simulated(q));
    else
        err = acioi_ask(net, &question);
    if (err == 0)
        err = give_names(out, q);
    if (question)
        acioi_question_free(question);
    return err;
}

int
acio_getnameinfo(const struct sockaddr *address, socklen_t length,
    const struct acio_names *out, int flags)
{
    if (!address || !out || length > sizeof(struct sockaddr_storage))
        return -EINVAL;
    int err;
    struct acioi_net *net = begin(&err);
    if (!net)
        return err;
    struct name_question *q = make_name_question(address, length, out, flags);
    return q ? ask_for_names(net, out, q) : -ENOMEM;
}
