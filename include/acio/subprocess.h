/* SPDX-License-Identifier: MIT */
/* Subprocesses: other programs, their ends of pipes, and their end.
 *
 *     acio_process *process;
 *     struct acio_process_options options = { .output = ACIO_PIPE };
 *     int err = acio_create_subprocess_exec(&process,
 *         ACIO_ARGV("uname", "-r"), &options);
 *     if (err < 0)
 *         return err;
 *     n = acio_readline(acio_process_stdout(process), line, sizeof line);
 *     status = acio_process_wait(process);
 *     acio_process_close(process);
 *
 * The child begins with the caller's environment, signal mask and ignored
 * signals, except that SIGPIPE is not ignored; with the three standard
 * descriptors that the options say, and with no other one.
 *
 * A process's handle is good until acio_process_close, and answered
 * -ACIO_ECLOSED from then on, as long as the loop lives. A child is never left
 * behind as a zombie: acio_process_close kills one that still runs, and the
 * loop waits for it; where the loop is closed first, that does both.
 */
#ifndef ACIO_SUBPROCESS_H
#define ACIO_SUBPROCESS_H

#include <sys/types.h>

#include "stream.h"

ACIO_BEGIN_DECLS

typedef struct acio_process acio_process;

/* What a standard descriptor of the child can be besides an fd of the
 * caller's; 0 leaves it as the caller has it. */
enum acio_process_end {
    ACIO_PIPE = -1,   /* a pipe, whose other end is a stream */
    ACIO_STDOUT = -2, /* for `errors`: the same as the output */
    ACIO_DEVNULL = -3 /* /dev/null */
};

/* All zero: the defaults. Everything is borrowed until the child runs. */
struct acio_process_options {
    int input, output, errors; /* enum acio_process_end, or an fd, which stays
                                * open here */
    const char *cwd;           /* where it begins; NULL: here */
    const char *const *env;    /* "NAME=value", ended by NULL; NULL: as here.
                                * Its PATH is where the program is looked for */
    const int *pass_fds;       /* that it has too, with the same numbers */
    size_t pass_fds_count;
    bool new_session; /* setsid(2): no terminal */
    bool new_group;   /* it leads a process group of its own */
    pid_t group;      /* the process group it joins; 0: that of the caller */
    size_t limit;     /* of the streams, as in struct acio_pipe_options */
    char *error_text; /* takes a sentence about a failure; NULL: none */
    size_t error_text_bytes;
};

/* Arguments, the program's name first, for acio_create_subprocess_exec. */
#define ACIO_ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Start a program. One without a slash in its name is looked for in PATH.
 *
 *   returns   0; -ENOENT, -EACCES, -ENOTDIR, ... where the program or the
 *             folder to begin in is at fault, and the sentence says which;
 *             -EBADF for an fd that is none; -EINVAL for options that
 *             contradict each other; -EMFILE, -EAGAIN, -ENOMEM; -ECANCELED,
 *             -ETIMEDOUT; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: nothing was started
 *   owner     the caller closes `*out`, which is NULL after an error; the rest
 *             is borrowed
 *   thread    the loop's
 *   python    asyncio.create_subprocess_exec()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_create_subprocess_exec(acio_process **out,
    const char *const argv[], const struct acio_process_options *options);

/* Have a command line run by /bin/sh. Texts of others must be quoted before
 * they become part of it; better to pass them to acio_create_subprocess_exec.
 *
 *   returns   as acio_create_subprocess_exec
 *   suspends  yes
 *   cancel    clean: nothing was started
 *   owner     as acio_create_subprocess_exec
 *   thread    the loop's
 *   python    asyncio.create_subprocess_shell()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_create_subprocess_shell(acio_process **out,
    const char *command, const struct acio_process_options *options);

/* ---- its pipes ---- */

/* The stream that the child reads. acio_write_eof is its end of file; that
 * and acio_close may be called, acio_process_close does the rest.
 *
 *   returns   the stream, or NULL where the input is no pipe
 *   suspends  no
 *   cancel    -
 *   owner     the process
 *   thread    the loop's
 *   python    Process.stdin
 */
ACIO_EXPORT acio_stream *acio_process_stdin(const acio_process *process);

/* The stream that the child writes.
 *
 *   returns   the stream, or NULL where the output is no pipe
 *   suspends  no
 *   cancel    -
 *   owner     the process
 *   thread    the loop's
 *   python    Process.stdout
 */
ACIO_EXPORT acio_stream *acio_process_stdout(const acio_process *process);

/* The stream that the child writes its errors to.
 *
 *   returns   the stream, or NULL where the errors are no pipe
 *   suspends  no
 *   cancel    -
 *   owner     the process
 *   thread    the loop's
 *   python    Process.stderr
 */
ACIO_EXPORT acio_stream *acio_process_stderr(const acio_process *process);

/* What acio_process_communicate sends and collects. All zero, but for what is
 * to be sent and the limit; acio_communication_free in the end. */
struct acio_communication {
    const void *input; /* borrowed */
    size_t input_bytes;
    size_t limit; /* bytes that each of the two may have; 0: no limit */
    /* the results, each with a zero behind its last byte, or NULL */
    char *output;
    size_t output_bytes;
    char *errors;
    size_t errors_bytes;
    /* the library's */
    size_t input_sent, output_room, errors_room;
};

/* Write the input and end it, read both outputs to their ends, wait for the
 * child; all at once, so that no pipe is ever in the way of another. A child
 * that does not read all of its input is no error.
 *
 * Outputs end when nobody has the pipe any more: not only the child, also who
 * it has started.
 *
 *   returns   the status, as acio_process_wait; -ACIO_ELIMIT where an output
 *             is longer than the limit, -ENOMEM where it does not fit into
 *             memory; a negative errno of a broken pipe; -ECANCELED,
 *             -ETIMEDOUT; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    partial: `io` has what came until then, and the next call with
 *             the same `io` goes on from there. The child runs on
 *   owner     `io` is the caller's, who frees what is in it also after errors
 *   thread    the loop's
 *   python    Process.communicate()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_process_communicate(acio_process *process,
    struct acio_communication *io);

/* Free the results, and forget them.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `io` stays the caller's
 *   thread    any
 *   python    -
 */
ACIO_EXPORT void acio_communication_free(struct acio_communication *io);

/* ---- its end ---- */

/* Wait until the child has ended. Any number of tasks may. A child that
 * writes to a pipe which nobody reads does not end.
 *
 *   returns   the status as wait(2) tells it, 0 or more, for
 *             acio_status_exit_code and acio_status_signal; -ECHILD where
 *             somebody else has waited for the child, or SIGCHLD is ignored;
 *             -ECANCELED, -ETIMEDOUT; -ACIO_ECLOSED, -ACIO_EFOREIGN,
 *             -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    clean: the child runs on
 *   owner     -
 *   thread    the loop's
 *   python    Process.wait()
 */
ACIO_EXPORT ACIO_MUST_USE int acio_process_wait(acio_process *process);

/* The status, for who does not want to wait.
 *
 *   returns   as acio_process_wait; -ACIO_EINVALIDSTATE while the child runs,
 *             as far as the loop knows; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Process.returncode
 */
ACIO_EXPORT int acio_process_status(const acio_process *process);

/* What a child that ended by itself has returned.
 *
 *   returns   0 to 255; -1 where a signal ended it, or the status is an error
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    Process.returncode
 */
ACIO_EXPORT int acio_status_exit_code(int status);

/* The signal that has ended a child.
 *
 *   returns   its number; 0 where none did, or the status is an error
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    any
 *   python    Process.returncode
 */
ACIO_EXPORT int acio_status_signal(int status);

/* The child's process id. Once the child has ended it may be another's.
 *
 *   returns   the id; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Process.pid
 */
ACIO_EXPORT pid_t acio_process_pid(const acio_process *process);

/* Send a signal to the child, and never to another process that has got its
 * number.
 *
 *   returns   0; -ESRCH where it is known to have ended; -EINVAL for no
 *             signal; -EPERM; -ACIO_ECLOSED, -ACIO_EFOREIGN, -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Process.send_signal()
 */
ACIO_EXPORT int acio_process_send_signal(acio_process *process, int signum);

/* Ask the child to end, by SIGTERM.
 *
 *   returns   as acio_process_send_signal
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Process.terminate()
 */
ACIO_EXPORT int acio_process_terminate(acio_process *process);

/* End the child, by SIGKILL.
 *
 *   returns   as acio_process_send_signal
 *   suspends  no
 *   cancel    -
 *   owner     -
 *   thread    the loop's
 *   python    Process.kill()
 */
ACIO_EXPORT int acio_process_kill(acio_process *process);

/* Abort its streams and kill the child if it still runs; the loop waits for
 * it. Tasks inside acio_process_wait are answered -ACIO_ECLOSED. A child that
 * runs as another user may not be killed, and goes on. Closing twice does
 * nothing, nor does closing while no loop runs: the end of the loop closes all.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends, and its streams; NULL is fine
 *   thread    the loop's
 *   python    SubprocessTransport.close()
 */
ACIO_EXPORT void acio_process_close(acio_process *process);

/* acio_process_close at the end of the variable's block. */
#define ACIO_PROCESS(name)                                                     \
    __attribute__((cleanup(acio_process_close_variable)))                      \
    acio_process *name = NULL

/* acio_process_close(*process), for ACIO_PROCESS.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     the handle ends, and its streams; NULL is fine
 *   thread    the loop's
 *   python    -
 */
ACIO_EXPORT void acio_process_close_variable(acio_process **process);

ACIO_END_DECLS

#endif
