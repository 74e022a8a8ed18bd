/* SPDX-License-Identifier: MIT */
/* Talking with a child: its pipes as streams, and all of them at once. */
#include "process_world.h"

#include <stdlib.h>

static const struct acio_process_options all_pipes = { .input = ACIO_PIPE,
    .output = ACIO_PIPE,
    .errors = ACIO_PIPE };

/* ---- streams ---- */

SPEC(process_pipes, have_streams_where_there_is_a_pipe)
{
    ACIO_PROCESS(process);
    process = shell("exec cat",
        &(struct acio_process_options){ .input = ACIO_PIPE });
    EXPECT(acio_process_stdin(process) != NULL);
    EXPECT(acio_process_stdout(process) == NULL);
    EXPECT(acio_process_stderr(process) == NULL);
    EXPECT(acio_process_stdin(NULL) == NULL);
}

SPEC(process_pipes, carry_a_conversation)
{
    ACIO_PROCESS(process);
    char line[64] = "";
    process = shell("while read name; do echo hello $name; done", &all_pipes);
    if (!process)
        return;
    EXPECT_ERR(acio_write(acio_process_stdin(process), "one\n", 4), 0);
    EXPECT_EQ(acio_readline(acio_process_stdout(process), line, sizeof line),
        10);
    EXPECT_TEXT(line, "hello one\n");
    EXPECT_ERR(acio_write(acio_process_stdin(process), "two\n", 4), 0);
    EXPECT_EQ(acio_readline(acio_process_stdout(process), line, sizeof line),
        10);
    EXPECT_TEXT(line, "hello two\n");
    EXPECT_ERR(acio_write_eof(acio_process_stdin(process)), 0);
    EXPECT_EQ(acio_readline(acio_process_stdout(process), line, sizeof line),
        0);
    EXPECT_EQ(acio_process_wait(process), 0);
}

SPEC(process_pipes, keep_output_and_errors_apart)
{
    ACIO_PROCESS(process);
    char text[16] = "";
    process = shell("echo out; echo err >&2", &all_pipes);
    if (!process)
        return;
    EXPECT_EQ(acio_readexactly(acio_process_stderr(process), text, 4), 4);
    EXPECT_TEXT(text, "err\n");
    EXPECT_EQ(acio_readexactly(acio_process_stdout(process), text, 4), 4);
    EXPECT_TEXT(text, "out\n");
}

SPEC(process_pipes, are_no_terminals_nor_sockets)
{
    struct stat st = { 0 };
    ACIO_PROCESS(process);
    process = shell("exec cat", &all_pipes);
    if (!process)
        return;
    int fd = acio_stream_fd(acio_process_stdin(process));
    EXPECT(fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode));
}

SPEC(process_pipes, merge_errors_into_the_output)
{
    ACIO_PROCESS(process);
    char text[16] = "";
    process = shell("echo out; echo err >&2",
        &(struct acio_process_options){ .output = ACIO_PIPE,
            .errors = ACIO_STDOUT });
    if (!process)
        return;
    EXPECT_EQ(acio_readexactly(acio_process_stdout(process), text, 8), 8);
    EXPECT_TEXT(text, "out\nerr\n");
}

SPEC(process_pipes, tell_a_writer_that_the_child_has_gone)
{
    ACIO_PROCESS(process);
    process = shell("exit 0", &all_pipes);
    if (!process)
        return;
    EXPECT_EQ(acio_process_wait(process), 0);
    int err = acio_write(acio_process_stdin(process), "hello", 5);
    if (err == 0)
        err = acio_drain(acio_process_stdin(process));
    EXPECT_ERR(err, -EPIPE);
}

SPEC(process_pipes, may_be_closed_by_their_user)
{
    ACIO_PROCESS(process);
    process = shell("cat >&2", &all_pipes);
    if (!process)
        return;
    acio_write(acio_process_stdin(process), "hello", 5);
    EXPECT_ERR(acio_close(acio_process_stdin(process)), 0);
    EXPECT_ERR(acio_close(acio_process_stdout(process)), 0);
    char text[16] = "";
    EXPECT_EQ(acio_readexactly(acio_process_stderr(process), text, 5), 5);
    EXPECT_TEXT(text, "hello");
    EXPECT_EQ(acio_process_wait(process), 0);
}

static acio_stream *
stream_of_a_pipe(int *other_end)
{
    acio_stream *stream;
    int fds[2];
    REQUIRE_EQ(pipe2(fds, O_CLOEXEC), 0);
    REQUIRE_ERR(acio_connect_read_pipe(&stream, fds[0], NULL), 0);
    *other_end = fds[1];
    return stream;
}

/* The handle of a closed stream becomes that of another one in time. */
SPEC_LARGE(process_pipes, that_were_closed_are_not_closed_again)
{
    acio_process *process = shell("exec cat", &all_pipes);
    acio_stream *before = acio_process_stdout(process);
    acio_abort(before);
    int other_end;
    acio_stream *stream = stream_of_a_pipe(&other_end);
    for (int i = 0; i < 10000 && stream != before; i++) {
        acio_abort(stream);
        close(other_end);
        settle();
        stream = stream_of_a_pipe(&other_end);
    }
    EXPECT(stream == before);
    acio_process_close(process);
    EXPECT(acio_stream_fd(stream) >= 0);
    acio_abort(stream);
    close(other_end);
}

/* ---- communicate ---- */

/* The result of a shell command to which `io` is put. */
static int
communicate(const char *command, struct acio_communication *io)
{
    ACIO_PROCESS(process);
    process = shell(command, &all_pipes);
    return process ? acio_process_communicate(process, io) : -ECHILD;
}

SPEC(process_communicate, sends_the_input_and_collects_both_outputs)
{
    struct acio_communication io = { .input = "hello", .input_bytes = 5 };
    EXPECT_EQ(acio_status_exit_code(
                  communicate("cat; echo error >&2; exit 3", &io)),
        3);
    EXPECT_EQ(io.output_bytes, 5);
    EXPECT_TEXT(io.output ? io.output : "", "hello");
    EXPECT_EQ(io.errors_bytes, 6);
    EXPECT_TEXT(io.errors ? io.errors : "", "error\n");
    acio_communication_free(&io);
    EXPECT(!io.output && !io.errors && io.output_bytes == 0);
}

SPEC(process_communicate, collects_nothing_of_a_child_that_is_silent)
{
    struct acio_communication io = { 0 };
    EXPECT_EQ(communicate("cat", &io), 0);
    EXPECT_EQ(io.output_bytes, 0);
    EXPECT_TEXT(io.output ? io.output : "", "");
    acio_communication_free(&io);
}

SPEC(process_communicate, waits_for_a_child_without_pipes)
{
    struct acio_communication io = { 0 };
    ACIO_PROCESS(process);
    process = shell("exit 4", NULL);
    if (!process)
        return;
    EXPECT_EQ(acio_status_exit_code(acio_process_communicate(process, &io)), 4);
    EXPECT(io.output == NULL);
    acio_communication_free(&io);
}

static char *
pattern(size_t bytes)
{
    char *data = malloc(bytes);
    for (size_t i = 0; data && i < bytes; i++)
        data[i] = (char)(i * 7 + i / 251);
    return data;
}

/* Whoever first wrote everything and then read would wait for ever. */
SPEC_LARGE(process_communicate, sends_and_collects_megabytes_at_once)
{
    enum { BYTES = 4 << 20 };
    char *data = pattern(BYTES);
    struct acio_communication io = { .input = data, .input_bytes = BYTES };
    EXPECT_EQ(communicate("tee /dev/stderr", &io), 0);
    EXPECT_EQ(io.output_bytes, BYTES);
    EXPECT_EQ(io.errors_bytes, BYTES);
    EXPECT(io.output_bytes == BYTES && memcmp(io.output, data, BYTES) == 0);
    EXPECT(io.errors_bytes == BYTES && memcmp(io.errors, data, BYTES) == 0);
    acio_communication_free(&io);
    free(data);
}

SPEC_LARGE(process_communicate, finds_no_fault_with_a_child_that_does_not_read)
{
    enum { BYTES = 1 << 20 };
    char *data = pattern(BYTES);
    struct acio_communication io = { .input = data, .input_bytes = BYTES };
    EXPECT_EQ(communicate("exec true", &io), 0);
    acio_communication_free(&io);
    EXPECT_EQ(communicate("head -c 10", &io), 0);
    acio_communication_free(&io);
    io.input = data;
    io.input_bytes = BYTES;
    EXPECT_EQ(communicate("head -c 10", &io), 0);
    EXPECT_EQ(io.output_bytes, 10);
    acio_communication_free(&io);
    free(data);
}

SPEC(process_communicate, stops_where_an_output_is_longer_than_the_limit)
{
    struct acio_communication io = { .limit = 10 };
    EXPECT_ERR(communicate("echo 0123456789; exec cat", &io), -ACIO_ELIMIT);
    EXPECT_TEXT(io.output ? io.output : "", "0123456789");
    acio_communication_free(&io);
}

SPEC(process_communicate, allows_an_output_as_long_as_the_limit)
{
    struct acio_communication io = { .limit = 10 };
    EXPECT_EQ(communicate("printf 0123456789", &io), 0);
    EXPECT_TEXT(io.output ? io.output : "", "0123456789");
    acio_communication_free(&io);
}

SPEC(process_communicate, has_what_came_before_it_timed_out_and_goes_on_then)
{
    struct acio_communication io = { 0 };
    ACIO_PROCESS(process);
    process = shell("trap 'echo two; exit 5' TERM; echo one; "
                    "while :; do sleep 0.01; done",
        &all_pipes);
    if (!process)
        return;
    for (;;) {
        ACIO_TIMEOUT(limit, 0.02);
        int err = acio_process_communicate(process, &io);
        EXPECT_ERR(err, -ETIMEDOUT);
        if (err != -ETIMEDOUT || io.output_bytes >= 4)
            break;
    }
    EXPECT_TEXT(io.output ? io.output : "", "one\n");
    EXPECT_ERR(acio_process_terminate(process), 0);
    int status = acio_process_communicate(process, &io);
    EXPECT_EQ(acio_status_exit_code(status), 5);
    EXPECT_TEXT(io.output ? io.output : "", "one\ntwo\n");
    acio_communication_free(&io);
}

SPEC(process_communicate, waits_for_all_who_have_the_pipe)
{
    struct acio_communication io = { 0 };
    struct acio_process_options options = all_pipes;
    options.new_group = true;
    ACIO_PROCESS(process);
    process = shell("sleep 1000 & exit 6", &options);
    if (!process)
        return;
    EXPECT_EQ(acio_status_exit_code(acio_process_wait(process)), 6);
    ACIO_TIMEOUT(limit, 0.02);
    EXPECT_ERR(acio_process_communicate(process, &io), -ETIMEDOUT);
    acio_timeout_close(&limit);
    kill(-acio_process_pid(process), SIGKILL);
    EXPECT_EQ(acio_status_exit_code(acio_process_communicate(process, &io)), 6);
    acio_communication_free(&io);
}

SPEC(process_communicate, goes_without_streams_that_were_closed)
{
    struct acio_communication io = { 0 };
    ACIO_PROCESS(process);
    process = shell("cat; echo error >&2", &all_pipes);
    if (!process)
        return;
    EXPECT_ERR(acio_close(acio_process_stdin(process)), 0);
    EXPECT_ERR(acio_close(acio_process_stdout(process)), 0);
    EXPECT_EQ(acio_process_communicate(process, &io), 0);
    EXPECT(io.output == NULL);
    EXPECT_TEXT(io.errors ? io.errors : "", "error\n");
    acio_communication_free(&io);
}

struct communicate_and_note_args {
    acio_process *process;
};

static int
communicate_and_note(void *arg)
{
    struct communicate_and_note_args *a = arg;
    struct acio_communication io = { 0 };
    int status = acio_process_communicate(a->process, &io);
    note("%s. ", status < 0 ? acio_strerror(status) : "ended");
    acio_communication_free(&io);
    return 0;
}

SPEC(process_communicate, ends_when_the_process_is_closed)
{
    acio_process *process = shell("exec sleep 1000", &all_pipes);
    if (!process)
        return;
    start(communicate_and_note, .process = process);
    settle();
    acio_process_close(process);
    finish();
    EXPECT_NOTED("the object is closed. ");
}

SPEC(process_communicate, is_refused_without_a_process)
{
    struct acio_communication io = { 0 };
    EXPECT_ERR(acio_process_communicate(NULL, &io), -EINVAL);
    acio_communication_free(NULL);
}
