/* SPDX-License-Identifier: MIT */
/* Files, pipes, threads and children. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_world.h"

static int
temporary_file(void)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}

ENGINE(engine_file, a_file_is_written_read_and_synced)
{
    char data[16] = "";
    struct call call = { 0 };
    int fd = temporary_file();
    acio_op_write(&call.op, fd, "0123456789", 10, 0);
    EXPECT_EQ(perform(&call), 10);
    acio_op_read(&call.op, fd, data, 4, 3);
    EXPECT_EQ(perform(&call), 4);
    EXPECT_TEXT(data, "3456");
    acio_op_read(&call.op, fd, data, 4, 10);
    EXPECT_EQ(perform(&call), 0);
    acio_op_fsync(&call.op, fd);
    EXPECT_EQ(perform(&call), 0);
    acio_op_close(&call.op, fd);
    EXPECT_EQ(perform(&call), 0);
    EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

ENGINE(engine_file, without_an_offset_the_position_moves)
{
    char data[16] = "";
    struct call call = { 0 };
    int fd = temporary_file();
    acio_op_write(&call.op, fd, "abc", 3, -1);
    EXPECT_EQ(perform(&call), 3);
    acio_op_write(&call.op, fd, "def", 3, -1);
    EXPECT_EQ(perform(&call), 3);
    EXPECT_EQ(lseek(fd, 2, SEEK_SET), 2);
    acio_op_read(&call.op, fd, data, 2, -1);
    EXPECT_EQ(perform(&call), 2);
    acio_op_read(&call.op, fd, data + 2, 8, -1);
    EXPECT_EQ(perform(&call), 2);
    EXPECT_TEXT(data, "cdef");
    close(fd);
}

ENGINE(engine_file, a_path_is_opened_and_described)
{
    struct statx status = { 0 };
    struct call call = { 0 };
    acio_op_open(&call.op, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
    int fd = (int)perform(&call);
    REQUIRE(fd >= 0);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    acio_op_statx(&call.op, fd, "", AT_EMPTY_PATH, &status);
    EXPECT_EQ(perform(&call), 0);
    EXPECT(status.stx_size > 0);
    close(fd);
    acio_op_open(&call.op, AT_FDCWD, "/proc/self/nothing", O_RDONLY, 0);
    EXPECT_ERR(perform(&call), -ENOENT);
    acio_op_statx(&call.op, AT_FDCWD, "/proc/self/nothing", 0, &status);
    EXPECT_ERR(perform(&call), -ENOENT);
}

ENGINE(engine_file, a_read_that_is_cancelled_ends_once_in_either_way)
{
    char data[16];
    int fd = temporary_file();
    for (int i = 0; i < 20; i++) {
        struct call call = { 0 };
        acio_op_read(&call.op, fd, data, sizeof data, 0);
        submit(&call);
        pass(i % 2);
        ssize_t result = cancel(&call);
        EXPECT(result == 0 || result == -ECANCELED);
        EXPECT_EQ(call.times, 1);
    }
    close(fd);
}

/* ---- pipes ---- */

static void
expect_pipe_works(int flags)
{
    int fds[2];
    char data[8] = "";
    struct call reading = { 0 }, writing = { 0 };
    REQUIRE_EQ(pipe2(fds, flags | O_CLOEXEC), 0);
    acio_op_read(&reading.op, fds[0], data, sizeof data - 1, -1);
    submit(&reading);
    pass(3);
    EXPECT(!reading.done);
    acio_op_write(&writing.op, fds[1], "hello", 5, -1);
    EXPECT_EQ(perform(&writing), 5);
    EXPECT_EQ(finish(&reading), 5);
    EXPECT_TEXT(data, "hello");
    submit(&reading);
    pass(2);
    EXPECT_ERR(cancel(&reading), -ECANCELED);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[1]), 0);
    EXPECT_EQ(perform(&reading), 0);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[0]), 0);
}

ENGINE(engine_file, a_blocking_pipe_does_not_block_the_loop)
{
    expect_pipe_works(0);
}

ENGINE(engine_file, a_non_blocking_pipe_is_waited_for_all_the_same)
{
    expect_pipe_works(O_NONBLOCK);
}

/* Of these kinds some answer EAGAIN to io_uring, which is not for the user. */
static int
open_silent(int which)
{
    const int flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    if (which == 0)
        return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (which == 1)
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (which == 2)
        return posix_openpt(O_RDWR | flags);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

ENGINE(engine_file, a_non_blocking_file_of_any_kind_is_waited_for)
{
    char room[256];
    for (int which = 0; which < 4; which++) {
        struct call reading = { 0 };
        int fd = open_silent(which);
        REQUIRE(fd >= 0);
        if (which == 2)
            EXPECT_EQ(unlockpt(fd), 0);
        int slave = which == 2 ? open(ptsname(fd), O_RDWR | O_CLOEXEC) : -1;
        acio_op_read(&reading.op, fd, room, sizeof room, -1);
        submit(&reading);
        pass(5);
        EXPECT(!reading.done);
        EXPECT_ERR(cancel(&reading), -ECANCELED);
        EXPECT_EQ(acio_loop_close_fd(loop, fd), 0);
        if (slave >= 0)
            close(slave);
    }
}

ENGINE(engine_file, a_non_blocking_timer_is_read_when_it_has_run_out)
{
    struct itimerspec soon = { .it_value.tv_nsec = 2000000 };
    uint64_t times = 0;
    struct call reading = { 0 };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    REQUIRE(fd >= 0);
    EXPECT_EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
    acio_op_read(&reading.op, fd, &times, sizeof times, -1);
    EXPECT_EQ(perform(&reading), sizeof times);
    EXPECT_EQ(times, 1);
    EXPECT_EQ(acio_loop_close_fd(loop, fd), 0);
}

struct flood {
    acio_op op;
    int fd;
    bool done;
    size_t sent, bytes;
    char data[300000];
};

static void
flood_more(acio_op *op)
{
    struct flood *flood = op->user;
    ALWAYS(op->result >= 0);
    flood->sent += (size_t)op->result;
    flood->done = flood->sent == flood->bytes || op->result < 0;
    if (flood->done)
        return;
    acio_op_write(op, flood->fd, flood->data + flood->sent,
        flood->bytes - flood->sent, -1);
    acio_loop_submit(loop, op, flood_more, flood);
}

/* More than a pipe holds: a write that blocked would never end, for the
 * reader is this thread as well. */
ENGINE(engine_file, a_blocking_pipe_that_is_full_does_not_block_the_loop)
{
    static struct flood flood;
    static char data[8192];
    int fds[2];
    size_t received = 0;
    struct call reading = { 0 };
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    memset(&flood, 0, sizeof flood);
    flood.fd = fds[1];
    flood.bytes = sizeof flood.data;
    acio_op_write(&flood.op, fds[1], flood.data, flood.bytes, -1);
    acio_loop_submit(loop, &flood.op, flood_more, &flood);
    pass(3);
    EXPECT(!flood.done);
    while (received < flood.bytes) {
        acio_op_read(&reading.op, fds[0], data, sizeof data, -1);
        ssize_t n = perform(&reading);
        REQUIRE(n > 0);
        received += (size_t)n;
    }
    run_until(&flood.done);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[0]), 0);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[1]), 0);
}

ENGINE(engine_file, a_write_that_nobody_can_read_fails_and_kills_nobody)
{
    int fds[2];
    struct call writing = { 0 };
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    acio_op_write(&writing.op, fds[1], "x", 1, -1);
    EXPECT_ERR(perform(&writing), -EPIPE);
    EXPECT_EQ(acio_loop_close_fd(loop, fds[1]), 0);
}

/* ---- threads ---- */

static int
add_one(void *arg)
{
    return *(int *)arg + 1;
}

ENGINE(engine_file, work_is_done_and_its_result_comes_back)
{
    int number = 41;
    struct call call = { 0 };
    acio_op_work(&call.op, add_one, &number, ACIO_POOL_DEFAULT);
    EXPECT_EQ(perform(&call), 42);
    acio_op_work(&call.op, add_one, &number, ACIO_POOL_DNS);
    EXPECT_EQ(perform(&call), 42);
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open, entered;
};

static int
pass_gate(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->entered = true;
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return 7;
}

static void
open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

/* The crew has four threads: four ops run, the others wait for them. */
ENGINE_REAL(engine_file, work_in_the_queue_is_cancelled_and_running_work_is_not)
{
    enum { CALLS = 6, THREADS = 4 };
    struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
        false, false };
    struct call calls[CALLS] = { { .times = 0 } };
    for (int i = 0; i < CALLS; i++) {
        acio_op_work(&calls[i].op, pass_gate, &gate, ACIO_POOL_DEFAULT);
        submit(&calls[i]);
    }
    bool entered = false;
    while (!entered) {
        pthread_mutex_lock(&gate.mutex);
        entered = gate.entered;
        pthread_mutex_unlock(&gate.mutex);
    }
    EXPECT_ERR(cancel(&calls[CALLS - 1]), -ECANCELED);
    acio_op_cancel(&calls[0].op); /* a thread has it: it runs to its end */
    pass(3);
    EXPECT(!calls[0].done);
    open_gate(&gate);
    for (int i = 0; i < CALLS - 1; i++)
        EXPECT_EQ(finish(&calls[i]), 7);
}

/* ---- children ---- */

static int
start_child(int status, int *pidfd)
{
    int go[2];
    REQUIRE_EQ(pipe2(go, O_CLOEXEC), 0);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        char byte;
        close(go[1]);
        while (read(go[0], &byte, 1) > 0) {
            /* until the parent closes its end */
        }
        _exit(status);
    }
    close(go[0]);
    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (*pidfd < 0 && errno == ENOSYS) {
        close(go[1]);
        waitpid(pid, NULL, 0);
        SKIP("there are no descriptors of processes here");
    }
    REQUIRE(*pidfd >= 0);
    return go[1];
}

ENGINE(engine_file, the_end_of_a_child_is_waited_for)
{
    int pidfd, rein = start_child(3, &pidfd);
    siginfo_t info = { 0 };
    struct call waiting = { 0 };
    acio_op_wait_child(&waiting.op, pidfd, &info);
    submit(&waiting);
    pass(3);
    EXPECT(!waiting.done);
    close(rein);
    EXPECT_EQ(finish(&waiting), 0);
    EXPECT_EQ(info.si_code, CLD_EXITED);
    EXPECT_EQ(info.si_status, 3);
    close(pidfd);
}

ENGINE(engine_file, a_cancelled_wait_leaves_the_child_to_the_next_one)
{
    int pidfd, rein = start_child(0, &pidfd);
    siginfo_t info = { 0 };
    struct call waiting = { 0 };
    acio_op_wait_child(&waiting.op, pidfd, &info);
    submit(&waiting);
    pass(1);
    EXPECT_ERR(cancel(&waiting), -ECANCELED);
    close(rein);
    EXPECT_EQ(perform(&waiting), 0);
    close(pidfd);
}
