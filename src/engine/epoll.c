/* SPDX-License-Identifier: MIT */
/* epoll.c - operations on top of readiness
 *
 * Idea.       An op is tried at once; where the kernel says EAGAIN it waits in
 *             a queue of its fd until epoll reports the fd, and is tried again.
 *             What may block in spite of readiness (files) goes to the pool.
 *
 *                 fd 7 --> in:    recv, recv
 *                          out:   send
 *                          polls: poll
 *
 * Interest.   Sockets stay registered level-triggered after their ops are
 *             done: a report that nobody waits for takes the interest back.
 *             Steady request and response traffic so makes no epoll_ctl call.
 *             Where only polls wait, the fd may be foreign and closed behind
 *             our back: the kernel is asked for one report (EPOLLONESHOT), is
 *             asked anew by each poll, and a registration that outlived its fd
 *             can never report again.
 *
 * Drained.    A recv that got less than it asked for has emptied the socket:
 *             the next one waits without trying, which saves the EAGAIN.
 *
 * Invariant.  While an op waits in a queue, the kernel's interest covers it.
 *             Completions run later, from the ready queue, so no fd is closed
 *             while reports are worked off: a report never meets a new fd of
 *             the same number.
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    PAGE_FDS = 64,                /* fds in one block of the table */
    EVENTS = 256,                 /* reports taken by one wait */
    SCRATCH_BYTES = 65536,        /* what recv_many receives into */
    ANYWAY = EPOLLERR | EPOLLHUP, /* reported whether asked for or not */
    POLL_EVENTS = 0xffff          /* what of poll(2)'s bits epoll may see */
};

/* What waits for one fd. */
struct waiters {
    struct acio_link in, out, polls; /* ops, in order of submission */
    uint32_t armed; /* what the kernel reports; 0: nothing that counts */
    int fd;
    bool known;   /* registered, as far as we know */
    bool drained; /* the last recv took all there was */
};

struct epoll_state {
    int fd;
    bool coarse_timeout; /* no epoll_pwait2 (Linux 5.11): milliseconds */
    unsigned page_count;
    struct waiters **pages; /* by fd / PAGE_FDS; waiters never move */
    char *scratch;          /* made by the first recv_many */
    struct epoll_event events[EVENTS];
};

/* ---- the table of fds ---- */

static struct waiters *
find(const struct epoll_state *state, int fd)
{
    unsigned page = (unsigned)fd / PAGE_FDS;
    if (page >= state->page_count || !state->pages[page])
        return NULL;
    return &state->pages[page][(unsigned)fd % PAGE_FDS];
}

static int
grow_table(struct epoll_state *state, unsigned page)
{
    if (page < state->page_count)
        return 0;
    unsigned count = state->page_count ? state->page_count : 4;
    while (count <= page)
        count *= 2;
    struct waiters **pages = acioi_realloc(state->pages, count * sizeof *pages);
    if (!pages)
        return -ENOMEM;
    for (unsigned i = state->page_count; i < count; i++)
        pages[i] = NULL;
    state->pages = pages;
    state->page_count = count;
    return 0;
}

static struct waiters *
make_page(int first_fd)
{
    struct waiters *page = acioi_alloc(PAGE_FDS * sizeof *page);
    for (int i = 0; page && i < PAGE_FDS; i++) {
        acioi_list_init(&page[i].in);
        acioi_list_init(&page[i].out);
        acioi_list_init(&page[i].polls);
        page[i].fd = first_fd + i;
    }
    return page;
}

/* The check keeps a number that is no fd from growing the table. */
static int
obtain(struct epoll_state *state, int fd, struct waiters **out)
{
    *out = find(state, fd);
    if (*out)
        return 0;
    if (fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    unsigned page = (unsigned)fd / PAGE_FDS;
    int err = grow_table(state, page);
    if (err < 0)
        return err;
    state->pages[page] = make_page((int)page * PAGE_FDS);
    *out = find(state, fd);
    return *out ? 0 : -ENOMEM;
}

/* ---- interest ---- */

static uint32_t
poll_events(const acio_op *op)
{
    if (op->kind == ACIO_OP_WAIT_CHILD)
        return EPOLLIN;
    return op->u.poll.events & POLL_EVENTS;
}

static uint32_t
wanted(const struct waiters *w)
{
    uint32_t events = 0;
    if (!acioi_list_empty(&w->in))
        events |= EPOLLIN;
    if (!acioi_list_empty(&w->out))
        events |= EPOLLOUT;
    if (acioi_list_empty(&w->polls))
        return events;
    if (events == 0)
        events = EPOLLONESHOT;
    struct acio_link *link = w->polls.next;
    for (; link != &w->polls; link = link->next)
        events |= poll_events(acioi_container_of(link, acio_op, link));
    return events;
}

/* An fd closed behind our back is unknown to the kernel, and its number may
 * be that of another file now; a forgotten one may still be known. */
static int
set_interest(struct epoll_state *state, struct waiters *w, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = w };
    int how = w->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int result = epoll_ctl(state->fd, how, w->fd, &event);
    if (result < 0 && how == EPOLL_CTL_MOD && errno == ENOENT)
        result = epoll_ctl(state->fd, EPOLL_CTL_ADD, w->fd, &event);
    else if (result < 0 && how == EPOLL_CTL_ADD && errno == EEXIST)
        result = epoll_ctl(state->fd, EPOLL_CTL_MOD, w->fd, &event);
    w->known = result == 0;
    w->armed = result == 0 ? events : 0;
    return result < 0 ? -errno : 0;
}

static void
forget(struct epoll_state *state, struct waiters *w)
{
    if (w->known)
        epoll_ctl(state->fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->known = w->drained = false;
    w->armed = 0;
}

static void
fail_queue(struct acio_link *queue, int err)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(queue)))
        acioi_op_complete(acioi_container_of(link, acio_op, link), err);
}

/* After a report: somebody still waits who is not covered, or nobody waits
 * for what was reported. */
static void
renew_interest(struct epoll_state *state, struct waiters *w)
{
    uint32_t events = wanted(w);
    w->drained = false;
    if (events == 0) {
        forget(state, w);
        return;
    }
    int err = set_interest(state, w, events);
    if (err < 0) {
        fail_queue(&w->in, err);
        fail_queue(&w->out, err);
        fail_queue(&w->polls, err);
    }
}

/* ---- waiting for an fd ---- */

static bool
is_poll(const acio_op *op)
{
    return op->kind == ACIO_OP_POLL || op->kind == ACIO_OP_WAIT_CHILD;
}

static struct acio_link *
queue_of(struct waiters *w, const acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_POLL:
    case ACIO_OP_WAIT_CHILD:
        return &w->polls;
    case ACIO_OP_SEND:
    case ACIO_OP_SENDMSG:
    case ACIO_OP_WRITE:
    case ACIO_OP_CONNECT:
    case ACIO_OP_SENDFILE:
        return &w->out;
    default:
        return &w->in;
    }
}

/* Waits where others of its kind do, although no report will come, and reads
 * in each pass. */
static void
rest(acio_loop *loop, acio_op *op)
{
    struct waiters *w = find(loop->backend_state, op->fd);
    acioi_list_push_back(&w->in, &op->link);
    acioi_op_notify(op);
}

/* The kernel has no readiness for this file: it is always ready, and may
 * block all the same. */
static void
submit_unpollable(acio_loop *loop, acio_op *op)
{
    if (op->kind == ACIO_OP_READ || op->kind == ACIO_OP_WRITE)
        acioi_pool_submit(loop, op);
    else if (op->kind == ACIO_OP_READ_MANY)
        rest(loop, op);
    else if (op->kind == ACIO_OP_POLL)
        acioi_op_complete(op, op->u.poll.events & (POLLIN | POLLOUT));
    else
        acioi_op_complete(op, -ENOTSOCK);
}

/* What is armed is remembered, which goes wrong where an fd is closed behind
 * our back: a poll that waits alone asks for EPOLLONESHOT, which nothing armed
 * covers, and so always asks the kernel. */
static int
cover(struct epoll_state *state, struct waiters *w)
{
    uint32_t events = wanted(w);
    if ((events & ~w->armed) == 0 && !(w->armed & EPOLLONESHOT))
        return 0;
    return set_interest(state, w, events);
}

static void
park(acio_loop *loop, acio_op *op)
{
    struct epoll_state *state = loop->backend_state;
    struct waiters *w;
    int err = obtain(state, op->fd, &w);
    if (err == 0) {
        acioi_list_push_back(queue_of(w, op), &op->link);
        err = cover(state, w);
        if (err == 0)
            return;
        acioi_list_remove(&op->link);
    }
    if (err == -EPERM)
        submit_unpollable(loop, op);
    else
        acioi_op_complete(op, err);
}

/* ---- submit ---- */

static void
note_drained(struct waiters *w, const acio_op *op, ssize_t result)
{
    if (w && op->kind == ACIO_OP_RECV)
        w->drained = result > 0 && (size_t)result < op->u.buf.bytes;
}

/* Level-triggered: should there be something to receive all the same, the
 * next wait reports it. */
static bool
worth_trying(struct waiters *w, const acio_op *op)
{
    if (!w)
        return true;
    if (op->kind == ACIO_OP_RECV && w->drained && w->armed & EPOLLIN)
        return false;
    return acioi_list_empty(queue_of(w, op));
}

static void
try_or_park(acio_loop *loop, acio_op *op)
{
    struct waiters *w = find(loop->backend_state, op->fd);
    if (worth_trying(w, op)) {
        ssize_t result = acioi_op_perform(op);
        if (result != -EAGAIN) {
            note_drained(w, op, result);
            acioi_op_complete(op, result);
            return;
        }
    }
    park(loop, op);
}

/* EAGAIN is the final answer of a Unix socket whose listener is busy: there
 * is nothing that one could wait for. */
static void
submit_connect(acio_loop *loop, acio_op *op)
{
    ssize_t result = acioi_op_perform(op);
    if (result == -EINPROGRESS)
        park(loop, op);
    else
        acioi_op_complete(op, result);
}

static void
submit_recv_many(acio_loop *loop, acio_op *op)
{
    struct epoll_state *state = loop->backend_state;
    if (!state->scratch)
        state->scratch = acioi_alloc_raw(SCRATCH_BYTES);
    if (state->scratch)
        park(loop, op);
    else
        acioi_op_complete(op, -ENOMEM);
}

/* A file may be blocking, so without an offset it is not even tried before it
 * is ready. With one, a thread is spared where the kernel has the data. */
static void
submit_file(acio_loop *loop, acio_op *op)
{
    if (op->u.buf.offset < 0) {
        park(loop, op);
        return;
    }
    ssize_t result = -EAGAIN;
    if (op->kind == ACIO_OP_READ)
        result = acioi_op_perform_cached(op);
    if (result >= 0)
        acioi_op_complete(op, result);
    else
        acioi_pool_submit(loop, op);
}

static void
submit_close(acio_loop *loop, acio_op *op)
{
    struct waiters *w = find(loop->backend_state, op->fd);
    if (w)
        forget(loop->backend_state, w);
    acioi_pool_submit(loop, op);
}

static void
epoll_submit(acio_loop *loop, acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_RECV:
    case ACIO_OP_SEND:
    case ACIO_OP_RECVMSG:
    case ACIO_OP_SENDMSG:
    case ACIO_OP_ACCEPT:
        try_or_park(loop, op);
        break;
    case ACIO_OP_CONNECT:
        submit_connect(loop, op);
        break;
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY:
        submit_recv_many(loop, op);
        break;
    case ACIO_OP_ACCEPT_MANY:
    case ACIO_OP_POLL:
    case ACIO_OP_WAIT_CHILD:
        park(loop, op);
        break;
    case ACIO_OP_READ:
    case ACIO_OP_WRITE:
        submit_file(loop, op);
        break;
    case ACIO_OP_SENDFILE:
        if (op->flags & ACIOI_OP_NOT_READY)
            park(loop, op);
        else
            acioi_pool_submit(loop, op);
        break;
    case ACIO_OP_CLOSE:
        submit_close(loop, op);
        break;
    default:
        acioi_pool_submit(loop, op);
        break;
    }
}

static ssize_t
epoll_try_send(acio_loop *loop, acio_op *op)
{
    struct waiters *w = find(loop->backend_state, op->fd);
    if (w && !acioi_list_empty(&w->out))
        return -EAGAIN;
    return acioi_op_try(op);
}

static void
epoll_cancel(acio_loop *loop, acio_op *op)
{
    struct epoll_state *state = loop->backend_state;
    struct waiters *w = find(state, op->fd);
    acioi_list_remove(&op->link);
    acioi_op_complete(op, -ECANCELED);
    if (is_poll(op) && wanted(w) == 0)
        forget(state, w);
}

static void
epoll_cancel_all(acio_loop *loop)
{
    struct epoll_state *state = loop->backend_state;
    for (unsigned i = 0; i < state->page_count * PAGE_FDS; i++) {
        struct waiters *w = find(state, (int)i);
        if (!w)
            continue;
        fail_queue(&w->in, -ECANCELED);
        fail_queue(&w->out, -ECANCELED);
        fail_queue(&w->polls, -ECANCELED);
    }
}

/* ---- reports ---- */

static ssize_t
accept_while_room(acio_op *op)
{
    while (acioi_op_has_room(op)) {
        ssize_t result = acioi_op_perform(op);
        if (result >= 0)
            acioi_op_push_fd(op, (int)result);
        else if (!acioi_accept_goes_on(result))
            return result;
    }
    return -EAGAIN;
}

static ssize_t
connect_result(acio_op *op)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

static ssize_t
serve_op(acio_op *op)
{
    switch (op->kind) {
    case ACIO_OP_ACCEPT_MANY:
        return accept_while_room(op);
    case ACIO_OP_CONNECT:
        return connect_result(op);
    case ACIO_OP_RECV_MANY:
    case ACIO_OP_READ_MANY: /* receives from the ready queue: see deliver */
        acioi_op_notify(op);
        return -EAGAIN;
    default:
        return acioi_op_perform_ready(op);
    }
}

/* In order, until one finds nothing left. */
static void
serve(struct waiters *w, struct acio_link *queue)
{
    struct acio_link *link;
    while ((link = acioi_list_first(queue))) {
        acio_op *op = acioi_container_of(link, acio_op, link);
        if (op->kind == ACIO_OP_SENDFILE) {
            acioi_list_remove(link);
            acioi_pool_submit(op->loop, op);
            continue;
        }
        ssize_t result = serve_op(op);
        if (result == -EAGAIN)
            return;
        note_drained(w, op, result);
        acioi_list_remove(link);
        acioi_op_complete(op, result);
    }
}

static void
serve_polls(struct waiters *w, uint32_t events)
{
    struct acio_link *link = w->polls.next;
    while (link != &w->polls) {
        acio_op *op = acioi_container_of(link, acio_op, link);
        link = link->next;
        uint32_t hit = events & (poll_events(op) | ANYWAY);
        if (!hit)
            continue;
        acioi_list_remove(&op->link);
        acioi_op_complete(op, (ssize_t)hit);
    }
}

static void
take_report(struct epoll_state *state, const struct epoll_event *report)
{
    struct waiters *w = report->data.ptr;
    uint32_t events = report->events;
    uint32_t before = wanted(w);
    bool once = w->armed & EPOLLONESHOT;
    bool stray = before == 0 || (events & ~(before | ANYWAY)) != 0;

    if (events & (EPOLLIN | ANYWAY))
        serve(w, &w->in);
    if (events & (EPOLLOUT | ANYWAY))
        serve(w, &w->out);
    serve_polls(w, events);

    if (once)
        w->armed = 0; /* the kernel has disarmed it */
    if (stray || (once && wanted(w) != 0))
        renew_interest(state, w);
}

/* ---- the wait ---- */

static int
wait_coarsely(struct epoll_state *state, int64_t timeout_ns)
{
    int64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    if (timeout_ns == ACIOI_NEVER)
        ms = -1;
    else if (ms > INT_MAX)
        ms = INT_MAX;
    return epoll_wait(state->fd, state->events, EVENTS, (int)ms);
}

/* EPERM: what some sandboxes say to system calls that they do not know. */
static int
wait_for_reports(struct epoll_state *state, int64_t timeout_ns)
{
    if (timeout_ns == 0 || timeout_ns == ACIOI_NEVER || state->coarse_timeout)
        return wait_coarsely(state, timeout_ns);
    struct timespec timeout = { .tv_sec = timeout_ns / ACIOI_SECOND_NS,
        .tv_nsec = timeout_ns % ACIOI_SECOND_NS };
    int n = epoll_pwait2(state->fd, state->events, EVENTS, &timeout, NULL);
    if (n >= 0 || (errno != ENOSYS && errno != EPERM))
        return n;
    state->coarse_timeout = true;
    return wait_coarsely(state, timeout_ns);
}

static int
epoll_wait_and_complete(acio_loop *loop, int64_t timeout_ns)
{
    struct epoll_state *state = loop->backend_state;
    int n = wait_for_reports(state, timeout_ns);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++)
        take_report(state, &state->events[i]);
    return 0;
}

static bool
epoll_pending(acio_loop *loop)
{
    (void)loop;
    return true;
}

/* One recv a run, so that a busy peer does not starve the others. */
static void
epoll_deliver(acio_loop *loop, acio_op *op)
{
    struct epoll_state *state = loop->backend_state;
    if (op->state != ACIOI_OP_ACTIVE)
        return;
    ssize_t n = acioi_op_receive(op, state->scratch, SCRATCH_BYTES);
    if (n > 0) {
        acioi_op_deliver(op, state->scratch, (size_t)n);
    } else if (n != -EAGAIN) {
        acioi_list_remove(&op->link);
        acioi_op_complete(op, n);
        return;
    }
    if (op->kind == ACIO_OP_READ_MANY && op->state == ACIOI_OP_ACTIVE &&
        !find(state, op->fd)->known)
        acioi_op_notify(op); /* see rest */
}

/* ---- open and close ---- */

static int
epoll_open(acio_loop *loop, const struct acio_loop_options *options)
{
    (void)options;
    struct epoll_state *state = acioi_alloc(sizeof *state);
    if (!state)
        return -ENOMEM;
    state->fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->fd < 0) {
        int err = -errno;
        acioi_free(state);
        return err;
    }
    loop->backend_state = state;
    return 0;
}

static void
epoll_close(acio_loop *loop)
{
    struct epoll_state *state = loop->backend_state;
    close(state->fd);
    for (unsigned i = 0; i < state->page_count; i++)
        acioi_free(state->pages[i]);
    acioi_free(state->pages);
    acioi_free(state->scratch);
    acioi_free(state);
    loop->backend_state = NULL;
}

/* A forked child shares the parent's epoll instance: forgetting there would
 * make the parent deaf. Elsewhere forgetting comes first and at once: where
 * the file lives on under another fd, closing alone would leave it behind. */
static int
epoll_close_fd(acio_loop *loop, int fd)
{
    struct waiters *w = find(loop->backend_state, fd);
    if (w && w->known && loop->pid == getpid())
        forget(loop->backend_state, w);
    int result = close(fd);
    return result < 0 && errno != EINTR ? -errno : 0;
}

const struct acioi_backend acioi_backend_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_close,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .cancel_all = epoll_cancel_all,
    .try_send = epoll_try_send,
    .deliver = epoll_deliver,
    .pending = epoll_pending,
    .wait = epoll_wait_and_complete,
    .now = acioi_os_now,
    .socket = acioi_os_socket,
    .bind = acioi_os_bind,
    .listen = acioi_os_listen,
    .shutdown = acioi_os_shutdown,
    .getsockname = acioi_os_getsockname,
    .getpeername = acioi_os_getpeername,
    .getsockopt = acioi_os_getsockopt,
    .setsockopt = acioi_os_setsockopt,
    .recvmmsg = acioi_os_recvmmsg,
    .sendmmsg = acioi_os_sendmmsg,
    .close_fd = epoll_close_fd,
};
