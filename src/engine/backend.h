/* SPDX-License-Identifier: MIT */
/* backend.h - what a back end does for the loop
 *
 * Idea.       The loop knows what is ready and what time it is; a back end
 *             knows how to start an operation and how to wait. One table of
 *             functions is all that the loop sees of it: `uring`, `epoll` and
 *             `sim` are chosen at run time.
 *
 * Contract.   A back end that was given an op tells its end exactly once, by
 *             acioi_op_complete, from inside submit, cancel or wait: the
 *             completion waits in the ready queue, so nothing is re-entered.
 *             `op->link`, `op->buffer_head` and `op->buffer_tail` are the back
 *             end's while the op is active; `op->flags` from
 *             ACIOI_OP_BACKEND_FLAG upwards as well.
 *
 *             ACCEPT_MANY: acioi_op_push_fd for each connection, as long as
 *             acioi_op_has_room; what has no room stays with the kernel.
 *             RECV_MANY, READ_MANY: acioi_op_notify when there is something to
 *             receive; then the loop calls `deliver` from the ready queue,
 *             which calls acioi_op_deliver for each piece. ENOBUFS is the back
 *             end's own affair: it arms again when buffers are back.
 *             SENDFILE goes to the pool, which submits it again, with
 *             ACIOI_OP_NOT_READY, where the fd has no room; then it is waited
 *             for and goes to the pool once more.
 *             WAIT_CHILD is, to a back end, a poll for POLLIN; the loop does
 *             the rest.
 */
#ifndef ACIOI_BACKEND_H
#define ACIOI_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <acio/op.h>

struct acioi_backend {
    const char *name;
    bool queues; /* submit tries nothing before the next pass */

    /* Sets loop->backend_state up; 0 or a negative errno, leaving nothing. */
    int (*open)(acio_loop *loop, const struct acio_loop_options *options);
    void (*close)(acio_loop *loop);

    /* Starts `op`. Cannot fail: an error is the op's result. */
    void (*submit)(acio_loop *loop, acio_op *op);
    /* Asks for the end of an active op; at most once for each submit. */
    void (*cancel)(acio_loop *loop, acio_op *op);
    /* The same for every active op. */
    void (*cancel_all)(acio_loop *loop);
    /* A send that may complete at once, outside of submit; -EAGAIN. */
    ssize_t (*try_send)(acio_loop *loop, acio_op *op);
    /* Brings the data of a RECV_MANY or READ_MANY op that was notified. */
    void (*deliver)(acio_loop *loop, acio_op *op);

    /* Tells without a system call whether a wait of 0 would find something;
     * true where it cannot tell. */
    bool (*pending)(acio_loop *loop);
    /* Hands everything submitted to the kernel, waits `timeout_ns` at most (0:
     * not at all, ACIOI_NEVER: as long as it takes) and completes what is
     * done. 0, or a negative errno where the back end itself broke. */
    int (*wait)(acio_loop *loop, int64_t timeout_ns);
    /* The clock: monotonic nanoseconds. */
    int64_t (*now)(const acio_loop *loop);

    /* The socket calls that never wait: as their namesakes, but with a
     * negative errno as the result. Sockets are non-blocking and
     * close-on-exec. */
    int (*socket)(acio_loop *loop, int family, int type, int protocol);
    int (*bind)(acio_loop *loop, int fd, const struct sockaddr *address,
        socklen_t length);
    int (*listen)(acio_loop *loop, int fd, int backlog);
    int (*shutdown)(acio_loop *loop, int fd, int how);
    int (*getsockname)(acio_loop *loop, int fd, struct sockaddr *address,
        socklen_t *length);
    int (*getpeername)(acio_loop *loop, int fd, struct sockaddr *address,
        socklen_t *length);
    int (*getsockopt)(acio_loop *loop, int fd, int level, int name, void *value,
        socklen_t *length);
    int (*setsockopt)(acio_loop *loop, int fd, int level, int name,
        const void *value, socklen_t length);
    /* Several messages at once, none of which waits (MSG_DONTWAIT): how many,
     * or what the first one met. */
    int (*recvmmsg)(acio_loop *loop, int fd, struct mmsghdr *messages,
        unsigned count, int flags);
    int (*sendmmsg)(acio_loop *loop, int fd, struct mmsghdr *messages,
        unsigned count, int flags);
    /* Forgets the fd at once, then closes it. No op is active on it. */
    int (*close_fd)(acio_loop *loop, int fd);
};

extern const struct acioi_backend acioi_backend_uring;
extern const struct acioi_backend acioi_backend_epoll;
extern const struct acioi_backend acioi_backend_sim;

/* The namesakes on real sockets, shared by the back ends that have them. */
int acioi_os_socket(acio_loop *loop, int family, int type, int protocol);
int acioi_os_bind(acio_loop *loop, int fd, const struct sockaddr *address,
    socklen_t length);
int acioi_os_listen(acio_loop *loop, int fd, int backlog);
int acioi_os_shutdown(acio_loop *loop, int fd, int how);
int acioi_os_getsockname(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length);
int acioi_os_getpeername(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length);
int acioi_os_getsockopt(acio_loop *loop, int fd, int level, int name,
    void *value, socklen_t *length);
int acioi_os_setsockopt(acio_loop *loop, int fd, int level, int name,
    const void *value, socklen_t length);
int acioi_os_recvmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags);
int acioi_os_sendmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags);
int64_t acioi_os_now(const acio_loop *loop);

/* As acioi_op_perform, for an fd that poll(2) calls ready: a write blocks not
 * even on a blocking pipe, and raises no SIGPIPE. EAGAIN where it was not
 * ready after all. */
ssize_t acioi_op_perform_ready(acio_op *op);

/* A read of a file, at an offset, out of the kernel's memory; EAGAIN where it
 * might wait for a disk, or is large. */
ssize_t acioi_op_perform_cached(const acio_op *op);

/* As acioi_op_perform_ready, ready or not: a send, or a write, for try_send. */
ssize_t acioi_op_try(acio_op *op);

/* Linux 6.18, for pwritev2(2): no SIGPIPE. */
enum { ACIOI_RWF_NOSIGNAL = 0x100 };

/* Keeps SIGPIPE from this thread; true where it is to be unblocked again,
 * which swallows one that came meanwhile. */
bool acioi_sigpipe_block(void);
void acioi_sigpipe_unblock(void);

/* Is this accept(2)'s word on one connection, and the next call may do well? */
bool acioi_accept_goes_on(ssize_t result);

#endif
