/* SPDX-License-Identifier: MIT */
/* watch.c - add_reader and add_writer, made of poll operations
 *
 * Idea.       A watch is a one-shot poll that is submitted again after each
 *             callback: so a reader is called once a pass for as long as the
 *             fd is readable, as asyncio's level-triggered selector does.
 *
 * Invariant.  A watch whose poll is alive is kept until its completion has
 *             come, whatever the user does meanwhile: removing it clears the
 *             callback, cancels the poll, and the completion frees it.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"

struct acioi_watch {
    acio_op op;
    struct acio_link link; /* in loop->all_watches */
    acio_loop *loop;
    acio_callback *callback; /* NULL: removed */
    void *arg;
    unsigned events;
};

enum side { READER, WRITER, SIDES };

static const unsigned side_events[SIDES] = { POLLIN, POLLOUT };

static struct acioi_watch **
slot_of(acio_loop *loop, int fd, enum side side)
{
    return &loop->watches[fd * SIDES + (int)side];
}

static void poll_done(acio_op *op);

static void
free_watch(struct acioi_watch *watch)
{
    acioi_list_remove(&watch->link);
    acioi_free(watch);
}

static void
arm(struct acioi_watch *watch, int fd)
{
    acio_op_poll(&watch->op, fd, watch->events);
    acio_loop_submit(watch->loop, &watch->op, poll_done, watch);
}

/* The kernel will not watch any longer: whoever waits for the callback should
 * know why it does not come. */
static void
give_up(struct acioi_watch *watch)
{
    acio_loop *loop = watch->loop;
    bool reads = watch->events == POLLIN;
    int error = (int)watch->op.result;
    *slot_of(loop, watch->op.fd, reads ? READER : WRITER) = NULL;
    free_watch(watch);
    acio_loop_call_exception_handler(loop,
        &(struct acio_exception){
            .message = reads ? "a reader was dropped" : "a writer was dropped",
            .error = error,
            .source = "loop",
        });
}

/* The callback may remove the watch, which is then freed here. */
static void
poll_done(acio_op *op)
{
    struct acioi_watch *watch = op->user;
    if (watch->callback && op->result < 0) {
        give_up(watch);
        return;
    }
    if (watch->callback)
        watch->callback(watch->arg);
    if (watch->callback)
        arm(watch, op->fd);
    else
        free_watch(watch);
}

acio_callback *
acioi_watch_callback(const acio_op *op)
{
    const struct acioi_watch *watch = op->user;
    return op->callback == poll_done ? watch->callback : NULL;
}

static int
grow(acio_loop *loop, int fd)
{
    if (fd < loop->watch_count)
        return 0;
    int count = loop->watch_count ? loop->watch_count : 64;
    while (count <= fd)
        count *= 2;
    size_t bytes = (size_t)count * SIDES * sizeof *loop->watches;
    struct acioi_watch **watches = acioi_realloc(loop->watches, bytes);
    if (!watches)
        return -ENOMEM;
    memset(watches + loop->watch_count * SIDES, 0,
        (size_t)(count - loop->watch_count) * SIDES * sizeof *watches);
    loop->watches = watches;
    loop->watch_count = count;
    return 0;
}

/* epoll says EPERM for these; io_uring would call them ready for ever. */
static int
check_pollable(int fd)
{
    struct stat st;
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? -EPERM : 0;
}

/* 0, or what the back end answered at once. */
static int
start(acio_loop *loop, int fd, enum side side, acio_callback *callback,
    void *arg)
{
    struct acioi_watch *watch = acioi_alloc(sizeof *watch);
    if (!watch)
        return -ENOMEM;
    watch->loop = loop;
    watch->events = side_events[side];
    watch->callback = callback;
    watch->arg = arg;
    acioi_list_push_back(&loop->all_watches, &watch->link);
    arm(watch, fd);
    if (watch->op.state == ACIOI_OP_DONE && watch->op.result < 0) {
        int err = (int)watch->op.result;
        acioi_op_take(&watch->op);
        free_watch(watch);
        return err;
    }
    *slot_of(loop, fd, side) = watch;
    return 0;
}

static int
add(acio_loop *loop, int fd, enum side side, acio_callback *callback, void *arg)
{
    if (!callback)
        return -EINVAL;
    int err = check_pollable(fd);
    if (err == 0)
        err = grow(loop, fd);
    if (err < 0)
        return err;
    struct acioi_watch **slot = slot_of(loop, fd, side);
    if (!*slot)
        return start(loop, fd, side, callback, arg);
    (*slot)->callback = callback;
    (*slot)->arg = arg;
    return 0;
}

static bool
drop(acio_loop *loop, int fd, enum side side)
{
    if (fd < 0 || fd >= loop->watch_count || !*slot_of(loop, fd, side))
        return false;
    struct acioi_watch *watch = *slot_of(loop, fd, side);
    *slot_of(loop, fd, side) = NULL;
    watch->callback = NULL;
    /* not alive: we are inside its callback, and poll_done frees it */
    acio_op_cancel(&watch->op);
    return true;
}

int
acio_loop_add_reader(acio_loop *loop, int fd, acio_callback *callback,
    void *arg)
{
    return add(loop, fd, READER, callback, arg);
}

bool
acio_loop_remove_reader(acio_loop *loop, int fd)
{
    return drop(loop, fd, READER);
}

int
acio_loop_add_writer(acio_loop *loop, int fd, acio_callback *callback,
    void *arg)
{
    return add(loop, fd, WRITER, callback, arg);
}

bool
acio_loop_remove_writer(acio_loop *loop, int fd)
{
    return drop(loop, fd, WRITER);
}

void
acioi_watch_close(acio_loop *loop)
{
    while (!acioi_list_empty(&loop->all_watches))
        free_watch(acioi_container_of(loop->all_watches.next,
            struct acioi_watch, link));
    acioi_free(loop->watches);
    loop->watches = NULL;
    loop->watch_count = 0;
}
