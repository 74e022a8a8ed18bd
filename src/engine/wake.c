/* SPDX-License-Identifier: MIT */
/* wake.c - what other threads and signal handlers bring
 *
 * Idea.       Handles are posted on a lock-free stack and taken all at once,
 *             in reverse: first posted, first run. Only the post that finds
 *             the stack empty writes to the eventfd, so a burst costs one
 *             system call and one wake-up.
 *
 * Invariant.  Whoever empties the stack has seen every handle on it; a post
 *             after that finds it empty and writes again. A wake-up may come
 *             for nothing; none is lost.
 */
#include "engine.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
acio_loop_call_soon_threadsafe(acio_loop *loop, acio_handle *handle,
    acio_callback *callback, void *arg)
{
    struct acioi_wake *wake = &loop->wake;
    handle->callback = callback;
    handle->arg = arg;
    struct acio_link *head = atomic_load_explicit(&wake->posted,
        memory_order_relaxed);
    do {
        handle->link.next = head;
    } while (!atomic_compare_exchange_weak_explicit(&wake->posted, &head,
        &handle->link, memory_order_acq_rel, memory_order_relaxed));
    if (head != &wake->end)
        return;
    int saved = errno; /* a signal handler must not change it */
    uint64_t one = 1;
    ssize_t written = write(wake->fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

void
acioi_wake_drain(acio_loop *loop)
{
    struct acioi_wake *wake = &loop->wake;
    if (atomic_load_explicit(&wake->posted, memory_order_relaxed) == &wake->end)
        return;
    struct acio_link *link = atomic_exchange_explicit(&wake->posted, &wake->end,
        memory_order_acquire);
    struct acio_link oldest_first;
    acioi_list_init(&oldest_first);
    while (link != &wake->end) {
        struct acio_link *older = link->next;
        acioi_list_push_front(&oldest_first, link);
        link = older;
    }
    acioi_list_splice_back(&loop->ready, &oldest_first);
}

static void
read_again(acio_op *op)
{
    acio_loop *loop = op->loop;
    if (op->result < 0)
        return;
    acio_op_read(op, loop->wake.fd, &loop->wake.count, sizeof loop->wake.count,
        -1);
    acio_loop_submit(loop, op, read_again, NULL);
}

int
acioi_wake_open(acio_loop *loop)
{
    struct acioi_wake *wake = &loop->wake;
    atomic_init(&wake->posted, &wake->end);
    /* blocking: io_uring answers EAGAIN at once for a non-blocking one, and
     * epoll reads it only when it is readable */
    wake->fd = eventfd(0, EFD_CLOEXEC);
    if (wake->fd < 0)
        return -errno;
    wake->read.result = 0;
    wake->read.loop = loop;
    read_again(&wake->read);
    if (!acioi_op_take(&wake->read))
        return 0;
    close(wake->fd); /* a loop that nobody can wake up is none */
    return (int)wake->read.result;
}

void
acioi_wake_close(acio_loop *loop)
{
    loop->backend->close_fd(loop, loop->wake.fd);
}
