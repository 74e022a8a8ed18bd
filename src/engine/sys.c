/* SPDX-License-Identifier: MIT */
/* sys.c - the socket calls that never wait, on real sockets */
#include "engine.h"

#include <errno.h>

static int
answer(int result)
{
    return result < 0 ? -errno : result;
}

int
acioi_os_socket(acio_loop *loop, int family, int type, int protocol)
{
    (void)loop;
    return answer(
        socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int
acioi_os_bind(acio_loop *loop, int fd, const struct sockaddr *address,
    socklen_t length)
{
    (void)loop;
    return answer(bind(fd, address, length));
}

int
acioi_os_listen(acio_loop *loop, int fd, int backlog)
{
    (void)loop;
    return answer(listen(fd, backlog));
}

int
acioi_os_shutdown(acio_loop *loop, int fd, int how)
{
    (void)loop;
    return answer(shutdown(fd, how));
}

int
acioi_os_getsockname(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length)
{
    (void)loop;
    return answer(getsockname(fd, address, length));
}

int
acioi_os_getpeername(acio_loop *loop, int fd, struct sockaddr *address,
    socklen_t *length)
{
    (void)loop;
    return answer(getpeername(fd, address, length));
}

int
acioi_os_getsockopt(acio_loop *loop, int fd, int level, int name, void *value,
    socklen_t *length)
{
    (void)loop;
    return answer(getsockopt(fd, level, name, value, length));
}

int
acioi_os_setsockopt(acio_loop *loop, int fd, int level, int name,
    const void *value, socklen_t length)
{
    (void)loop;
    return answer(setsockopt(fd, level, name, value, length));
}

/* The call for one is the cheaper one. */
static int
receive_some(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (count != 1)
        return recvmmsg(fd, messages, count, flags, NULL);
    ssize_t bytes = recvmsg(fd, &messages->msg_hdr, flags);
    messages->msg_len = (unsigned)bytes;
    return bytes < 0 ? -1 : 1;
}

static int
send_some(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (count != 1)
        return sendmmsg(fd, messages, count, flags);
    ssize_t bytes = sendmsg(fd, &messages->msg_hdr, flags);
    messages->msg_len = (unsigned)bytes;
    return bytes < 0 ? -1 : 1;
}

int
acioi_os_recvmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags)
{
    (void)loop;
    int n;
    do {
        n = receive_some(fd, messages, count, flags | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return answer(n);
}

int
acioi_os_sendmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags)
{
    (void)loop;
    int n;
    do {
        n = send_some(fd, messages, count, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return answer(n);
}

int64_t
acioi_os_now(const acio_loop *loop)
{
    (void)loop;
    return acioi_clock_ns();
}
