/* SPDX-License-Identifier: MIT */
/* Kernels that refuse: what a sandbox forbids is done without. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <acio/loop.h>
#include <acio/op.h>

#include "spec.h"

/* From now on the system call says `error` in this process. */
static void
forbid(long number, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    REQUIRE_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        SKIP("this kernel has no seccomp filters");
}

static void
expect_backend(const char *wanted)
{
    acio_loop *loop;
    REQUIRE_EQ(acio_loop_new(&loop, NULL), 0);
    EXPECT_TEXT(acio_loop_backend(loop), wanted);
    EXPECT(acio_loop_run_once(loop, 0) >= 0);
    EXPECT_EQ(acio_loop_close(loop), 0);
}

static void
expect_fallback(unsigned error)
{
    acio_loop *loop;
    struct acio_loop_options options = { .backend = "uring" };
    unsetenv("ACIO_BACKEND");
    expect_backend("epoll");
    EXPECT_ERR(acio_loop_new(&loop, &options), -(int)error);
    EXPECT(loop == NULL);
    setenv("ACIO_BACKEND", "uring", 1);
    EXPECT_ERR(acio_loop_new(&loop, NULL), -(int)error);
}

#define SANDBOX(name)                                                          \
    static void sandbox_body_##name(void);                                     \
    SPEC_REGISTER(sandbox, name, .body = sandbox_body_##name,                  \
        .flags = SPEC_NO_TORTURE);                                             \
    static void sandbox_body_##name(void)

SANDBOX(the_default_is_epoll_where_io_uring_is_not_permitted)
{
    forbid(SYS_io_uring_setup, EPERM);
    expect_fallback(EPERM);
}

SANDBOX(the_default_is_epoll_where_there_is_no_io_uring)
{
    forbid(SYS_io_uring_setup, ENOSYS);
    expect_fallback(ENOSYS);
}

SANDBOX(the_default_is_epoll_where_a_ring_gets_no_memory)
{
    forbid(SYS_io_uring_setup, ENOMEM);
    expect_fallback(ENOMEM);
}

SANDBOX(a_ring_that_may_be_made_and_not_entered_is_no_ring)
{
    forbid(SYS_io_uring_enter, EPERM);
    expect_fallback(EPERM);
}

static void
set_flag(void *arg)
{
    *(bool *)arg = true;
}

SANDBOX(epoll_keeps_time_where_its_fine_wait_is_not_known)
{
    acio_loop *loop;
    acio_timer timer = { 0 };
    bool fired = false;
    struct acio_loop_options options = { .backend = "epoll" };
    forbid(SYS_epoll_pwait2, ENOSYS);
    REQUIRE_EQ(acio_loop_new(&loop, &options), 0);
    int64_t when_ns = acio_loop_time_ns(loop) + 1500000;
    acio_loop_call_at_ns(loop, &timer, when_ns, set_flag, &fired);
    while (!fired)
        REQUIRE(acio_loop_run_once(loop, -1) >= 0);
    EXPECT(acio_loop_time_ns(loop) >= when_ns);
    EXPECT_EQ(acio_loop_close(loop), 0);
}

static void
note_result(acio_op *op)
{
    *(ssize_t *)op->user = op->result;
}

static ssize_t
write_one_byte(acio_loop *loop, int fd)
{
    acio_op op = { 0 };
    ssize_t result = 0;
    acio_op_write(&op, fd, "x", 1, -1);
    acio_loop_submit(loop, &op, note_result, &result);
    while (result == 0)
        REQUIRE(acio_loop_run_once(loop, -1) >= 0);
    return result;
}

SANDBOX(a_broken_pipe_kills_nobody_where_writes_cannot_be_told_to_be_quiet)
{
    acio_loop *loop;
    int fds[2];
    struct acio_loop_options options = { .backend = "epoll" };
    forbid(SYS_pwritev2, EOPNOTSUPP);
    REQUIRE_EQ(pipe(fds), 0);
    REQUIRE_EQ(acio_loop_new(&loop, &options), 0);
    EXPECT_EQ(write_one_byte(loop, fds[1]), 1);
    close(fds[0]);
    EXPECT_ERR(write_one_byte(loop, fds[1]), -EPIPE);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[1]), 0);
    EXPECT_EQ(acio_loop_close(loop), 0);
}
