/* SPDX-License-Identifier: MIT */
/* happy_eyeballs.c - the first of several addresses that answers (RFC 8305)
 *
 * Idea.       The addresses are tried in order, and none waits long for the
 *             one before it: the next attempt begins when the last one has
 *             failed, or has not answered within a quarter of a second, and
 *             the older ones go on. The first that succeeds ends the race.
 *
 *                 [::1]      |------------------------->  called off
 *                 192.0.2.1          |------->  connected: the winner
 *                            0 s   0.25 s
 *
 * Order.      The families take turns (RFC 8305, section 4), so that a network
 *             without IPv6 costs one delay and not one for each address.
 * Invariant.  Every attempt that was started owns its socket until its
 *             operation has completed; the race is not over before all have.
 *             So two that connect in the same moment leave one connection and
 *             one closed socket, and nothing is started after the end.
 * Failure.    Each address that fails adds to the sentence, in the order of
 *             the list. The error returned is that of the last address, except
 *             that an address which this machine cannot reach anyway says less
 *             than one that refused.
 * Cancel.     All attempts are called off and their sockets closed. One that
 *             has won in that moment is returned. The sentence tells what had
 *             failed by itself before, and what was called off.
 */
#include "net/open.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* RFC 8305, section 8: "Connection Attempt Delay". */
static const double usual_delay = 0.25;

struct attempt {
    acio_op op;
    struct race *race;
    int fd;    /* -1: none */
    int error; /* how it failed; 0: it did not */
};

struct race {
    acio_loop *loop;
    struct acioi_task *task; /* that waits for the end */
    const struct acioi_addresses *remote;
    const struct acioi_addresses *local; /* NULL: from anywhere */
    double delay;                        /* INFINITY: one after the other */
    bool keep_alive;
    acio_timer timer;       /* starts the next attempt */
    size_t started, active; /* the second: with an operation under way */
    struct attempt *winner;
    bool over; /* no attempt is started any more */
    struct attempt attempts[];
};

/* ---- the order of addresses ---- */

static int
family_at(const struct acioi_addresses *addresses, size_t i)
{
    return addresses->list[i].as.any.sa_family;
}

/* The first one, from `at` on, whose family is or is not `family`; `at` where
 * there is none. */
static size_t
find_family(const struct acioi_addresses *addresses, size_t at, int family,
    bool is)
{
    for (size_t i = at; i < addresses->count; i++) {
        if ((family_at(addresses, i) == family) == is)
            return i;
    }
    return at;
}

static void
move_down(struct acioi_addresses *addresses, size_t from, size_t to)
{
    struct acio_address address = addresses->list[from];
    memmove(&addresses->list[to + 1], &addresses->list[to],
        (from - to) * sizeof address);
    addresses->list[to] = address;
}

void
acioi_addresses_interleave(struct acioi_addresses *addresses, int first)
{
    if (first < 0)
        return;
    size_t of_first_family = first > 0 ? (size_t)first : 1;
    for (size_t i = 1; i < addresses->count; i++) {
        bool more = i < of_first_family;
        int family = family_at(addresses, more ? 0 : i - 1);
        move_down(addresses, find_family(addresses, i, family, more), i);
    }
}

/* ---- an attempt ---- */

/* The attempts of a race share a local port, if one is asked for; so do the
 * connections that were made from it before, and are forgotten by and by. */
static int
bind_to(acio_loop *loop, int fd, const struct acio_address *address)
{
    int on = 1;
    if (acioi_address_port(address) > 0)
        (void)loop->backend->setsockopt(loop, fd, SOL_SOCKET, SO_REUSEADDR, &on,
            sizeof on);
    return loop->backend->bind(loop, fd, &address->as.any, address->length);
}

static int
bind_local(const struct race *race, int fd, int family)
{
    int err = race->local ? -EADDRNOTAVAIL : 0;
    for (size_t i = 0; race->local && i < race->local->count; i++) {
        const struct acio_address *address = &race->local->list[i];
        if (address->as.any.sa_family != family)
            continue;
        err = bind_to(race->loop, fd, address);
        if (err == 0)
            return 0;
    }
    return err;
}

static int
open_socket(const struct race *race, int family)
{
    acio_loop *loop = race->loop;
    const struct acioi_backend *backend = loop->backend;
    int fd = backend->socket(loop, family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int on = 1;
    if (race->keep_alive)
        (void)backend->setsockopt(loop, fd, SOL_SOCKET, SO_KEEPALIVE, &on,
            sizeof on);
    int err = bind_local(race, fd, family);
    if (err == 0)
        return fd;
    backend->close_fd(loop, fd);
    return err;
}

static void
close_attempt(struct attempt *attempt)
{
    acio_loop *loop = attempt->race->loop;
    loop->backend->close_fd(loop, attempt->fd);
    attempt->fd = -1;
}

static void ended(acio_op *op);

static int
start(struct race *race, struct attempt *attempt,
    const struct acio_address *address)
{
    attempt->race = race;
    attempt->fd = open_socket(race, address->as.any.sa_family);
    if (attempt->fd < 0)
        return attempt->fd;
    race->active++;
    acio_op_connect(&attempt->op, attempt->fd, &address->as.any,
        address->length);
    acio_loop_submit(race->loop, &attempt->op, ended, attempt);
    return 0;
}

/* ---- the race ---- */

static void start_next(struct race *race);

static void
start_next_by_timer(void *arg)
{
    start_next(arg);
}

/* Starts one attempt; those that fail at once take no time. */
static void
start_next(struct race *race)
{
    size_t count = race->remote->count;
    acio_timer_cancel(race->loop, &race->timer);
    while (!race->over && race->started < count) {
        size_t i = race->started++;
        struct attempt *attempt = &race->attempts[i];
        attempt->error = start(race, attempt, &race->remote->list[i]);
        if (attempt->error < 0)
            continue;
        if (race->started < count && race->delay < INFINITY)
            acio_loop_call_later(race->loop, &race->timer, race->delay,
                start_next_by_timer, race);
        return;
    }
}

static void
stop(struct race *race)
{
    race->over = true;
    acio_timer_cancel(race->loop, &race->timer);
    for (size_t i = 0; i < race->started; i++)
        acio_op_cancel(&race->attempts[i].op);
}

static void
ended(acio_op *op)
{
    struct attempt *attempt = op->user;
    struct race *race = attempt->race;
    bool is_last = attempt == &race->attempts[race->started - 1];
    race->active--;
    attempt->error = (int)op->result;
    if (attempt->error < 0 || race->winner) {
        close_attempt(attempt);
    } else {
        race->winner = attempt;
        stop(race);
    }
    if (is_last || race->active == 0)
        start_next(race);
    if (race->active == 0)
        acioi_wake(race->task);
}

static void
call_off(struct acioi_task *task, int reason)
{
    task->reason = reason;
    stop(task->interrupted_thing);
}

/* ---- what came of it ---- */

static bool
tells_little(int err)
{
    switch (err) {
    case 0:
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -EADDRNOTAVAIL:
    case -EAFNOSUPPORT:
        return true;
    default:
        return false;
    }
}

/* `reason` is why some of them were called off, if they were. */
static int
tell_failures(const struct race *race, int reason, struct acioi_text *text)
{
    int telling = 0;
    for (size_t i = 0; i < race->started; i++) {
        char name[NAME_BYTES];
        int err = race->attempts[i].error;
        if (reason && err == -ECANCELED)
            err = reason;
        acioi_address_write(&race->remote->list[i], name, sizeof name);
        acioi_text_add(text, "%s%s: %s", i > 0 ? "; " : ": ", name,
            acio_strerror(err));
        if (!tells_little(err) || tells_little(telling))
            telling = err;
    }
    return reason ? reason : telling;
}

static int
run(struct race *race, struct acioi_text *text)
{
    struct acioi_task *task = race->task;
    int reason = 0;
    start_next(race);
    task->interrupted_thing = race;
    if (race->active > 0)
        reason = acioi_park_with(task, call_off, "connect", NULL);
    else
        (void)acioi_spend(task, 0);
    if (race->winner)
        return race->winner->fd;
    return tell_failures(race, reason, text);
}

int
acioi_connect(struct acioi_net *net, const struct acioi_route *route,
    const struct acio_connect_options *options, struct acioi_text *text)
{
    struct acioi_task *task = acioi_current();
    int reason = acioi_check(task);
    if (reason)
        return acioi_spend(task, reason);
    size_t count = route->remote->count;
    struct race *race = acioi_alloc(
        sizeof *race + count * sizeof race->attempts[0]);
    if (!race)
        return -ENOMEM;
    race->loop = net->loop;
    race->task = task;
    race->remote = route->remote;
    race->local = route->local;
    race->keep_alive = options->keep_alive;
    race->delay = options->happy_eyeballs_delay;
    if (race->delay == 0)
        race->delay = usual_delay;
    else if (race->delay < 0)
        race->delay = INFINITY;
    int fd = run(race, text);
    acioi_free(race);
    return fd;
}
