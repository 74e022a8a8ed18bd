/* SPDX-License-Identifier: MIT */
/* forbid.h - system calls that a kernel or a sandbox does not allow */
#ifndef ACIO_TESTS_FORBID_H
#define ACIO_TESTS_FORBID_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spec.h"

/* From now on the system call says `error` in this thread, and in those that
 * it starts. */
static inline void
forbid(long number, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        SKIP("this kernel has no seccomp filters");
    errno = 0;
    EXPECT(syscall(number, 0, 0, 0) < 0);
    EXPECT(errno == (int)error || spec_under_valgrind());
}

#endif
