/* SPDX-License-Identifier: MIT */
/* sim.c - the simulator's table, its requests, its clock and its wait
 *
 * Idea.       A request follows each op from submit to completion:
 *
 *                 submit -> waits for a socket, a real fd or its event
 *                        -> decided: the result stands, a cancel loses
 *                        -> told: acioi_op_complete, at once or late
 *
 * Time.       The clock begins at 0, so that what it shows is how long the
 *             program has run. It moves only inside the wait, to the next
 *             event; while callbacks are ready it stands still. A program
 *             that spins (yields until something is there) would then spin
 *             for ever: after BUSY_PASSES passes in a row each costs time.
 *
 * Deadlock.   With no event to come and nobody outside who could wake the
 *             loop, the wait says -EDEADLK.
 */
#include "sim.h"

#include <errno.h>
#include <unistd.h>

#include "../../base/alloc.h"

enum { BUSY_PASSES = 1000, BUSY_PASS_NS = 1000 };

/* ---- events ---- */

void
acioi_sim_schedule(struct sim *sim, struct sim_event *event, int64_t when_ns,
    sim_event_function *run)
{
    acioi_heap_remove(&sim->events, &event->node);
    event->node.when_ns = when_ns;
    event->node.sequence = sim->sequence++;
    event->run = run;
    acioi_heap_insert(&sim->events, &event->node);
}

void
acioi_sim_unschedule(struct sim *sim, struct sim_event *event)
{
    acioi_heap_remove(&sim->events, &event->node);
}

/* ---- requests ---- */

static struct sim_request *
new_request(struct sim *sim, acio_op *op)
{
    struct acio_link *link = acioi_list_pop_front(&sim->spare);
    struct sim_request *request = link
        ? acioi_container_of(link, struct sim_request, all)
        : acioi_alloc(sizeof *request);
    if (!request)
        return NULL;
    request->decided = false;
    acioi_list_init(&request->holder);
    acioi_list_push_back(&request->holder, &op->link);
    acioi_list_push_back(&sim->requests, &request->all);
    return request;
}

/* The op is the loop's again, the request spare. */
static void
release(struct sim *sim, struct sim_request *request)
{
    acioi_sim_unschedule(sim, &request->event);
    acioi_list_remove(&request->queue);
    sim->outside_count -= request->outside;
    request->outside = false;
    acioi_list_remove(&acioi_sim_op(request)->link);
    acioi_list_remove(&request->all);
    acioi_list_push_front(&sim->spare, &request->all);
}

struct sim_request *
acioi_sim_first(const struct acio_link *queue)
{
    struct acio_link *link = acioi_list_first(queue);
    return link ? acioi_container_of(link, struct sim_request, queue) : NULL;
}

void
acioi_sim_finish_now(struct sim *sim, struct sim_request *request,
    ssize_t result)
{
    acio_op *op = acioi_sim_op(request);
    release(sim, request);
    acioi_sim_note(sim, op, result);
    acioi_op_complete(op, result);
}

static void
tell_late(struct sim *sim, struct sim_event *event)
{
    struct sim_request *request = acioi_container_of(event, struct sim_request,
        event);
    acioi_sim_finish_now(sim, request, request->result);
}

void
acioi_sim_finish(struct sim *sim, struct sim_request *request, ssize_t result)
{
    int64_t late_ns = acioi_sim_late(sim, sim->options.late, &sim->stats.late);
    if (late_ns == 0) {
        acioi_sim_finish_now(sim, request, result);
        return;
    }
    acioi_list_remove(&request->queue);
    request->decided = true;
    request->result = result;
    acioi_sim_schedule(sim, &request->event, sim->now_ns + late_ns, tell_late);
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Real fds are whatever the process has free: they are left out. */
void
acioi_sim_note(struct sim *sim, const acio_op *op, ssize_t result)
{
    struct acio_sim_event event = {
        .when_ns = sim->now_ns,
        .kind = op->kind,
        .fd = op->fd >= SIM_FIRST_FD ? op->fd : -1,
        .result = result,
    };
    bool real_fd = op->kind == ACIO_OP_OPEN && result > 0;
    uint64_t hash = mix(sim->stats.fingerprint, (uint64_t)event.when_ns);
    hash = mix(hash, (uint64_t)event.kind);
    hash = mix(hash, (uint64_t)event.fd);
    sim->stats.fingerprint = mix(hash, real_fd ? 0 : (uint64_t)result);
    sim->stats.events++;
    if (sim->options.watcher)
        sim->options.watcher(&event, sim->options.watcher_user);
}

/* ---- submit and cancel ---- */

static void
sim_submit(acio_loop *loop, acio_op *op)
{
    struct sim *sim = acioi_sim_of(loop);
    if (op == &loop->wake.read) {
        sim->wake_parked = true;
        return;
    }
    struct sim_request *request = new_request(sim, op);
    if (!request) {
        acioi_op_give_up(op, -ENOMEM);
        return;
    }
    if (op->kind == ACIO_OP_WORK || op->fd < SIM_FIRST_FD) {
        acioi_sim_submit_outside(sim, request);
        return;
    }
    struct sim_socket *socket = acioi_sim_socket(sim, op->fd);
    if (socket)
        acioi_sim_submit_socket(sim, request, socket);
    else
        acioi_sim_finish_now(sim, request, -EBADF);
}

/* Those who waited behind it may go on. */
static void
cancel_now(struct sim *sim, struct sim_request *request)
{
    int fd = acioi_sim_op(request)->fd;
    acioi_sim_finish_now(sim, request, -ECANCELED);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (socket)
        acioi_sim_socket_changed(sim, socket);
}

static void
cancel_late(struct sim *sim, struct sim_event *event)
{
    cancel_now(sim, acioi_container_of(event, struct sim_request, event));
}

/* A late cancel of what has an event of its own loses at once: the thread has
 * the work already. */
static void
sim_cancel(acio_loop *loop, acio_op *op)
{
    struct sim *sim = acioi_sim_of(loop);
    if (op == &loop->wake.read) {
        sim->wake_parked = false;
        acioi_op_complete(op, -ECANCELED);
        return;
    }
    struct sim_request *request = acioi_sim_request(op);
    if (!request || request->decided)
        return;
    int64_t late_ns = acioi_sim_late(sim, sim->options.late_cancels,
        &sim->stats.late_cancels);
    if (late_ns == 0)
        cancel_now(sim, request);
    else if (acioi_linked(&request->queue))
        acioi_sim_schedule(sim, &request->event, sim->now_ns + late_ns,
            cancel_late);
}

static void
sim_cancel_all(acio_loop *loop)
{
    struct sim *sim = acioi_sim_of(loop);
    struct acio_link *link;
    while ((link = acioi_list_first(&sim->requests))) {
        struct sim_request *request = acioi_container_of(link,
            struct sim_request, all);
        acioi_sim_finish_now(sim, request,
            request->decided ? request->result : -ECANCELED);
    }
    if (sim->wake_parked)
        sim_cancel(loop, &loop->wake.read);
}

static ssize_t
sim_try_send(acio_loop *loop, acio_op *op)
{
    struct sim *sim = acioi_sim_of(loop);
    if (op->fd < SIM_FIRST_FD)
        return -EAGAIN;
    struct sim_socket *socket = acioi_sim_socket(sim, op->fd);
    if (!socket)
        return -EBADF;
    if (!acioi_list_empty(&socket->writers) ||
        acioi_sim_chance(sim, sim->options.busy_sends, &sim->stats.busy_sends))
        return -EAGAIN;
    ssize_t result = acioi_sim_send(sim, socket, op);
    if (result != -EAGAIN)
        acioi_sim_note(sim, op, result);
    return result;
}

/* ---- the wait ---- */

static bool
is_posted(const acio_loop *loop)
{
    return atomic_load_explicit(&loop->wake.posted, memory_order_acquire) !=
        &loop->wake.end;
}

static bool
has_news(const struct sim *sim)
{
    return !acioi_list_empty(&sim->loop->ready) || is_posted(sim->loop);
}

/* Listeners whose accept_many had no room: it may have some now. */
static void
feed_starved(struct sim *sim)
{
    struct acio_link starved, *link;
    acioi_list_init(&starved);
    acioi_list_splice_back(&starved, &sim->starved);
    while ((link = acioi_list_pop_front(&starved)))
        acioi_sim_socket_changed(sim,
            acioi_container_of(link, struct sim_socket, starved));
}

static void
run_due(struct sim *sim)
{
    struct acio_heap_node *first;
    while ((first = acioi_heap_first(&sim->events)) &&
        first->when_ns <= sim->now_ns) {
        acioi_heap_remove(&sim->events, first);
        struct sim_event *event = acioi_container_of(first, struct sim_event,
            node);
        event->run(sim, event);
    }
}

/* Whether somebody outside could wake the loop. */
static bool
may_be_woken(const struct sim *sim)
{
    const acio_loop *loop = sim->loop;
    return sim->outside_count > 0 || sim->options.wait_for_threads ||
        loop->pool || !acioi_list_empty(&loop->signals);
}

/* Moves the clock to the next event, or to the deadline. While ops wait for
 * the real world, time passes as it does there. */
static int
advance(struct sim *sim, int64_t deadline_ns)
{
    struct acio_heap_node *first = acioi_heap_first(&sim->events);
    int64_t next_ns = deadline_ns;
    if (first && first->when_ns < next_ns)
        next_ns = first->when_ns;
    if (next_ns == ACIOI_NEVER && !may_be_woken(sim))
        return -EDEADLK;
    if (next_ns == ACIOI_NEVER)
        return acioi_sim_wait_outside(sim, ACIOI_NEVER);
    if (sim->outside_count > 0)
        return acioi_sim_wait_outside(sim, next_ns - sim->now_ns);
    sim->now_ns = next_ns;
    return 0;
}

static void
charge_busy_pass(struct sim *sim)
{
    if (sim->busy_passes < BUSY_PASSES)
        sim->busy_passes++;
    else
        sim->now_ns += BUSY_PASS_NS;
}

static int
sim_wait(acio_loop *loop, int64_t timeout_ns)
{
    struct sim *sim = acioi_sim_of(loop);
    int err = 0;
    if (timeout_ns > 0)
        sim->busy_passes = 0;
    else
        charge_busy_pass(sim);
    int64_t deadline_ns = acioi_time_add(sim->now_ns, timeout_ns);
    feed_starved(sim);
    if (sim->outside_count > 0)
        err = acioi_sim_wait_outside(sim, 0);
    run_due(sim);
    while (err == 0 && !has_news(sim) && sim->now_ns < deadline_ns) {
        err = advance(sim, deadline_ns);
        run_due(sim);
    }
    return err;
}

/* A wait of 0 costs no system call, and counts the passes. */
static bool
sim_pending(acio_loop *loop)
{
    (void)loop;
    return true;
}

static int64_t
sim_now(const acio_loop *loop)
{
    return acioi_sim_of(loop)->now_ns;
}

/* ---- making and closing ---- */

static int
sim_open(acio_loop *loop, const struct acio_loop_options *options)
{
    struct sim *sim = acioi_alloc(sizeof *sim);
    if (!sim)
        return -ENOMEM;
    int err = acioi_sim_init_chance(sim, options->sim);
    if (err == 0) {
        sim->polled = acioi_alloc(sizeof *sim->polled);
        sim->polled_room = 1;
        err = sim->polled ? 0 : -ENOMEM;
    }
    if (err < 0) {
        acioi_free(sim);
        return err;
    }
    sim->loop = loop;
    acioi_list_init(&sim->requests);
    acioi_list_init(&sim->spare);
    for (int i = 0; i < SIM_NAME_LISTS; i++)
        acioi_list_init(&sim->names[i]);
    acioi_list_init(&sim->datagrams);
    acioi_list_init(&sim->starved);
    acioi_list_init(&sim->outside);
    loop->backend_state = sim;
    /* which passes look for events must not hang on the real clock */
    loop->poll_every_pass = true;
    return 0;
}

static void
free_requests(struct acio_link *requests)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(requests)))
        acioi_free(acioi_container_of(link, struct sim_request, all));
}

static void
sim_close(acio_loop *loop)
{
    struct sim *sim = acioi_sim_of(loop);
    for (int i = 0; i < sim->socket_count; i++) {
        if (sim->sockets[i])
            acioi_sim_socket_free(sim, sim->sockets[i]);
    }
    acioi_sim_free_datagrams(sim);
    free_requests(&sim->requests);
    free_requests(&sim->spare);
    acioi_free(sim->sockets);
    acioi_free(sim->polled);
    acioi_free(sim);
    loop->backend_state = NULL;
}

/* ---- the socket calls ---- */

static int
sim_new_socket(acio_loop *loop, int family, int type, int protocol)
{
    struct sim *sim = acioi_sim_of(loop);
    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    int own = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (family == AF_UNIX)
        own = 0;
    if (protocol != 0 && protocol != own)
        return -EPROTONOSUPPORT;
    struct sim_socket *socket = acioi_sim_socket_new(sim, family, type, own);
    if (!socket)
        return -ENOMEM;
    int fd = acioi_sim_socket_open(sim, socket);
    if (fd < 0)
        acioi_sim_socket_free(sim, socket);
    return fd;
}

static int
sim_bind(acio_loop *loop, int fd, const struct sockaddr *address,
    socklen_t length)
{
    struct sim *sim = acioi_sim_of(loop);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (!socket)
        return acioi_os_bind(loop, fd, address, length);
    struct sim_name name;
    int err = acioi_sim_name_read(&name, socket->family, address, length);
    return err < 0 ? err : acioi_sim_bind(sim, socket, &name);
}

static int
sim_listen(acio_loop *loop, int fd, int backlog)
{
    struct sim *sim = acioi_sim_of(loop);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (!socket)
        return acioi_os_listen(loop, fd, backlog);
    return acioi_sim_listen(sim, socket, backlog);
}

static int
sim_shutdown(acio_loop *loop, int fd, int how)
{
    struct sim *sim = acioi_sim_of(loop);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (!socket)
        return acioi_os_shutdown(loop, fd, how);
    return acioi_sim_shutdown(sim, socket, how);
}

static int
sim_getsockname(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length)
{
    struct sim_socket *socket = acioi_sim_socket(acioi_sim_of(loop), fd);
    if (!socket)
        return acioi_os_getsockname(loop, fd, address, length);
    acioi_sim_name_write(&socket->local, socket->family, address, length);
    return 0;
}

static int
sim_getpeername(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length)
{
    struct sim_socket *socket = acioi_sim_socket(acioi_sim_of(loop), fd);
    if (!socket)
        return acioi_os_getpeername(loop, fd, address, length);
    if (socket->state != SIM_CONNECTED)
        return -ENOTCONN;
    acioi_sim_name_write(&socket->remote, socket->family, address, length);
    return 0;
}

static int
sim_close_fd(acio_loop *loop, int fd)
{
    struct sim *sim = acioi_sim_of(loop);
    struct sim_socket *socket = acioi_sim_socket(sim, fd);
    if (!socket)
        return close(fd) < 0 && errno != EINTR ? -errno : 0;
    acioi_sim_socket_close(sim, socket);
    return 0;
}

const struct acioi_backend acioi_backend_sim = {
    .name = "sim",
    .queues = true,
    .open = sim_open,
    .close = sim_close,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .cancel_all = sim_cancel_all,
    .try_send = sim_try_send,
    .deliver = acioi_sim_deliver,
    .pending = sim_pending,
    .wait = sim_wait,
    .now = sim_now,
    .socket = sim_new_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .shutdown = sim_shutdown,
    .getsockname = sim_getsockname,
    .getpeername = sim_getpeername,
    .getsockopt = acioi_sim_getsockopt,
    .setsockopt = acioi_sim_setsockopt,
    .recvmmsg = acioi_sim_recvmmsg,
    .sendmmsg = acioi_sim_sendmmsg,
    .close_fd = sim_close_fd,
};
