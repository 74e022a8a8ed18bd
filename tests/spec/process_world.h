/* SPDX-License-Identifier: MIT */
/* process_world.h - what the tests of subprocesses have in common */
#ifndef ACIO_TESTS_PROCESS_WORLD_H
#define ACIO_TESTS_PROCESS_WORLD_H

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acio_spec.h"

/* Starts a shell; NULL where it cannot, under torture. */
static inline acio_process *
shell(const char *command, const struct acio_process_options *options)
{
    acio_process *process;
    int err = acio_create_subprocess_shell(&process, command, options);
    EXPECT_ERR(err, 0);
    ALWAYS((err == 0) == (process != NULL));
    return process;
}

/* The status of a shell command that nobody talks to; an error. */
static inline int
status_of(const char *command, const struct acio_process_options *options)
{
    acio_process *process = shell(command, options);
    int status = process ? acio_process_wait(process) : -ECHILD;
    acio_process_close(process);
    return status;
}

/* A file without a name, for a child to write into. */
static inline int
open_file(void)
{
    return (int)syscall(SYS_memfd_create, "output", MFD_CLOEXEC);
}

/* What is in it, up to 4095 bytes, until the next call. */
static inline const char *
text_in(int fd)
{
    static char text[4096];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

/* What a shell command writes into a file. */
static inline const char *
output_of(const char *command, struct acio_process_options options)
{
    int fd = open_file();
    options.output = fd;
    EXPECT_EQ(status_of(command, &options), 0);
    const char *text = text_in(fd);
    close(fd);
    return text;
}

#endif
