/* SPDX-License-Identifier: MIT */
/* process.c - subprocesses: create, wait, close
 *
 * Happy path.
 *   - the child's descriptors are opened, the program is started, and the
 *     loop polls the descriptor that tells of its end;
 *   - when it tells, the loop takes the status there and then, whether anybody
 *     waits or not: so there is no zombie for longer than a pass;
 *   - acio_process_close ends the handle.
 * Failure modes.
 *   - the program cannot be started: what was opened is closed, and a sentence
 *     says whether the program or the folder is at fault;
 *   - the handle is closed while the child runs: it is killed, and what is
 *     left of the handle goes when it has ended;
 *   - the loop is closed before that: it kills the child, waits, and frees.
 *
 * Rule.  The loop's thread alone waits for the child, so that whatever number
 *        a signal is sent to, it is the child's.
 */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/spawn.h"

static const double SECONDS_TO_LOOK_AGAIN = 0.02;

static const char key;

/* ---- the end ---- */

static void
release(struct acioi_process *process)
{
    if (acioi_process_closed(process) && process->ended && process->users == 0)
        acioi_process_give(process);
}

bool
acioi_process_unuse(struct acioi_process *process)
{
    bool closed = acioi_process_closed(process);
    process->users--;
    release(process);
    return closed;
}

static void
wake_waiters(struct acioi_process *process)
{
    while (acioi_wake_first(&process->waiters)) {
        /* each looks by itself */
    }
}

static void
end(struct acioi_process *process, int status)
{
    acioi_child_close(&process->child);
    process->status = status;
    process->ended = true;
    wake_waiters(process);
    release(process);
}

static void on_poll(acio_op *op);

static void
watch(void *arg)
{
    struct acioi_process *process = arg;
    acio_op_poll(&process->poll, process->child.fd, POLLIN);
    acio_loop_submit(process->all->loop, &process->poll, on_poll, process);
}

/* A poll that fails, out of memory perhaps, tells nothing of the child; and
 * one that has ended has no status for us before a debugger has seen it. So it
 * is looked at again, after a while. */
static void
on_poll(acio_op *op)
{
    struct acioi_process *process = op->user;
    int status = acioi_child_reap(&process->child);
    if (status == -EAGAIN)
        acio_loop_call_later(process->all->loop, &process->again,
            SECONDS_TO_LOOK_AGAIN, watch, process);
    else
        end(process, status);
}

/* ---- the loop's end ---- */

/* Those that run are told at once, and awaited one after the other. */
static void
kill_all(struct acio_loop_part *part, acio_loop *loop)
{
    struct acioi_processes *all = acioi_container_of(part,
        struct acioi_processes, part);
    (void)loop;
    struct acio_link *link = all->list.next;
    for (; link != &all->list; link = link->next) {
        const struct acioi_process *process = acioi_container_of(link,
            struct acioi_process, link);
        if (!process->ended)
            (void)acioi_child_signal(&process->child, SIGKILL);
    }
}

static void
release_all(struct acio_loop_part *part, acio_loop *loop)
{
    struct acioi_processes *all = acioi_container_of(part,
        struct acioi_processes, part);
    (void)loop;
    struct acio_link *link;
    while ((link = acioi_list_first(&all->list))) {
        struct acioi_process *process = acioi_container_of(link,
            struct acioi_process, link);
        if (!process->ended)
            acioi_child_end(&process->child);
        acioi_process_give(process);
    }
    acioi_process_free_spare(all);
    acioi_free(all);
}

static struct acioi_processes *
processes_of(acio_loop *loop)
{
    struct acio_loop_part *part = acio_loop_find_part(loop, &key);
    if (part)
        return acioi_container_of(part, struct acioi_processes, part);
    struct acioi_processes *all = acioi_alloc(sizeof *all);
    if (!all)
        return NULL;
    all->loop = loop;
    acioi_list_init(&all->list);
    acioi_list_init(&all->spare);
    all->part.key = &key;
    all->part.close = kill_all;
    all->part.release = release_all;
    acio_loop_attach(loop, &all->part);
    return all;
}

/* ---- create ---- */

static int
check_options(const struct acio_process_options *options)
{
    bool grouped = options->new_group || options->group;
    if (options->new_session && grouped)
        return -EINVAL;
    if (options->group < 0 || (options->new_group && options->group))
        return -EINVAL;
    for (size_t i = 0; i < options->pass_fds_count; i++) {
        if (fcntl(options->pass_fds[i], F_GETFD) < 0)
            return -EBADF;
    }
    return 0;
}

/* Says what is at fault. */
static void
tell_failure(const struct acio_process_options *options,
    const struct acioi_spawn *spawn, int err)
{
    char *text = options->error_text;
    size_t room = options->error_text_bytes;
    const char *name = spawn->argv[0], *why = acio_strerror(err);
    bool searched = err == -ENOENT && *name && !strchr(name, '/');
    switch (spawn->step) {
    case ACIOI_SPAWN_CWD:
        snprintf(text, room, "cannot start %s in the folder %s: %s", name,
            options->cwd, why);
        break;
    case ACIOI_SPAWN_GROUP:
        snprintf(text, room, "cannot start %s in process group %d: %s", name,
            (int)options->group, why);
        break;
    case ACIOI_SPAWN_INTERPRETER:
        snprintf(text, room, "cannot start %s: its interpreter: %s", name, why);
        break;
    default:
        snprintf(text, room, "cannot start %s%s: %s", name,
            searched ? ", looked for in PATH" : "", why);
        break;
    }
}

static pid_t
spawn_program(const struct acioi_process *process, const char *const *argv,
    const struct acio_process_options *options)
{
    struct acioi_spawn spawn = { .argv = argv,
        .env = options->env ? options->env : (const char *const *)environ,
        .cwd = options->cwd,
        .pass_fds = options->pass_fds,
        .pass_fds_count = options->pass_fds_count,
        .new_session = options->new_session,
        .new_group = options->new_group,
        .group = options->group };
    for (int i = 0; i < 3; i++)
        spawn.ends[i] = process->ends[i].fd;
    spawn.paths = acioi_spawn_paths(argv[0], spawn.env);
    if (!spawn.paths)
        return -ENOMEM;
    pid_t pid = acioi_spawn(&spawn);
    acioi_free((void *)spawn.paths);
    if (pid < 0 && options->error_text_bytes > 0)
        tell_failure(options, &spawn, pid);
    return pid;
}

/* One that may not be killed goes on, and is not waited for. */
static void
end_unwatched(pid_t pid)
{
    if (kill(pid, SIGKILL) < 0 && errno == EPERM)
        return;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        /* it is about to end */
    }
}

/* A child whose end cannot be watched is no use. */
static int
start_child(struct acioi_process *process, const char *const *argv,
    const struct acio_process_options *options)
{
    pid_t pid = spawn_program(process, argv, options);
    if (pid < 0)
        return pid;
    int err = acioi_child_open(&process->child, pid);
    if (err < 0)
        end_unwatched(pid);
    return err;
}

static int
start_watched(struct acioi_process *process, const char *const *argv,
    const struct acio_process_options *options)
{
    int err = acioi_ends_open(process->ends, options);
    if (err < 0)
        return err;
    err = start_child(process, argv, options);
    acioi_ends_close_ours(process->ends);
    if (err < 0)
        acioi_ends_abort(process->ends);
    else
        watch(process);
    return err;
}

static int
create(acio_process **out, const char *const *argv,
    const struct acio_process_options *options)
{
    struct acioi_processes *all = processes_of(acioi_running_loop);
    struct acioi_process *process = all ? acioi_process_take(all) : NULL;
    if (!process)
        return -ENOMEM;
    int err = start_watched(process, argv, options);
    if (err < 0)
        acioi_process_give(process);
    else
        *out = acioi_process_handle(process);
    return err;
}

int
acio_create_subprocess_exec(acio_process **out, const char *const argv[],
    const struct acio_process_options *options)
{
    static const struct acio_process_options defaults;
    options = options ? options : &defaults;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (!argv || !argv[0])
        return -EINVAL;
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    if (options->error_text_bytes > 0)
        options->error_text[0] = '\0';
    int err = acioi_check(task);
    if (err < 0)
        return acioi_spend(task, err);
    err = check_options(options);
    if (err == 0)
        err = create(out, argv, options);
    if (err < 0 && options->error_text_bytes > 0 && !options->error_text[0])
        snprintf(options->error_text, options->error_text_bytes,
            "cannot start %s: %s", argv[0], acio_strerror(err));
    return acioi_spend(task, err);
}

int
acio_create_subprocess_shell(acio_process **out, const char *command,
    const struct acio_process_options *options)
{
    if (!command && out)
        *out = NULL;
    if (!command)
        return -EINVAL;
    return acio_create_subprocess_exec(out, ACIO_ARGV("/bin/sh", "-c", command),
        options);
}

/* ---- wait ---- */

int
acio_process_wait(acio_process *handle)
{
    struct acioi_task *task = acioi_current();
    if (!task)
        return acioi_no_task(__func__);
    int err;
    struct acioi_process *process = acioi_process_of(handle, &err);
    if (!process)
        return err;
    if (process->ended) {
        err = acioi_check(task);
        return acioi_spend(task, err ? err : process->status);
    }
    process->users++;
    err = acioi_park(&process->waiters, "process.wait", process);
    if (err == 0)
        err = acioi_process_closed(process) ? -ACIO_ECLOSED : process->status;
    (void)acioi_process_unuse(process);
    return err;
}

int
acio_process_status(const acio_process *handle)
{
    int err;
    const struct acioi_process *process = acioi_process_of(handle, &err);
    if (!process)
        return err;
    return process->ended ? process->status : -ACIO_EINVALIDSTATE;
}

int
acio_status_exit_code(int status)
{
    return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
acio_status_signal(int status)
{
    return status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* ---- signals ---- */

int
acio_process_send_signal(acio_process *handle, int signum)
{
    int err;
    const struct acioi_process *process = acioi_process_of(handle, &err);
    if (!process)
        return err;
    return process->ended ? -ESRCH
                          : acioi_child_signal(&process->child, signum);
}

int
acio_process_terminate(acio_process *process)
{
    return acio_process_send_signal(process, SIGTERM);
}

int
acio_process_kill(acio_process *process)
{
    return acio_process_send_signal(process, SIGKILL);
}

/* ---- close ---- */

void
acio_process_close(acio_process *handle)
{
    int err;
    struct acioi_process *process = acioi_process_of(handle, &err);
    if (!process)
        return;
    process->number = 0;
    acioi_ends_abort(process->ends);
    if (!process->ended)
        (void)acioi_child_signal(&process->child, SIGKILL);
    wake_waiters(process);
    release(process);
}

void
acio_process_close_variable(acio_process **process)
{
    acio_process_close(*process);
    *process = NULL;
}

/* ---- properties ---- */

pid_t
acio_process_pid(const acio_process *handle)
{
    int err;
    const struct acioi_process *process = acioi_process_of(handle, &err);
    return process ? process->child.pid : err;
}

static acio_stream *
stream_of(const acio_process *handle, int end)
{
    int err;
    const struct acioi_process *process = acioi_process_of(handle, &err);
    return process ? process->ends[end].stream : NULL;
}

acio_stream *
acio_process_stdin(const acio_process *process)
{
    return stream_of(process, 0);
}

acio_stream *
acio_process_stdout(const acio_process *process)
{
    return stream_of(process, 1);
}

acio_stream *
acio_process_stderr(const acio_process *process)
{
    return stream_of(process, 2);
}
