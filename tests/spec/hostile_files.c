/* SPDX-License-Identifier: MIT */
/* Files that never answer, disks that are full, descriptors that run out, and
 * pipes that nobody reads: the loop goes on, and who asked is told. */
#include "net_world.h"
#include "process_world.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_world.h"

/* ---- files that never answer ---- */

struct wait_for_file_args {
    const char *path;
    int *opened;
};
static int
wait_for_file(void *arg)
{
    const struct wait_for_file_args *a = arg;
    int fd = acio_open(a->path, O_RDONLY, 0);
    *a->opened += fd >= 0;
    return fd < 0 ? fd : acio_close_fd(fd);
}

static int
look_up(void)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    int err = acio_getaddrinfo(&list, "two.test", NULL, &hints);
    if (err == 0)
        freeaddrinfo(list);
    return err;
}

static void
exchange(acio_stream *client)
{
    char buf[8] = "";
    EXPECT_ERR(say(client, "hello"), 0);
    EXPECT_EQ(acio_readexactly(client, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
}

/* FIFOs that nobody else opens, as files of a server that is gone: more than
 * there are threads. */
SPEC_REAL(hostile_files, a_hundred_dead_files_hold_up_nothing_else)
{
    enum { COUNT = 100 };
    int opened = 0;
    struct folder folder = make_folder();
    acio_server *server = serve(echo, NULL);
    acio_stream *client = connect_to(server);
    REQUIRE_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    for (int i = 0; i < COUNT; i++)
        start(wait_for_file, .path = in(&folder, "fifo"), .opened = &opened);
    for (int i = 0; i < 5; i++) {
        ACIO_TIMEOUT(limit, 10);
        EXPECT_ERR(acio_sleep(0.01), 0);
        exchange(client);
        EXPECT_ERR(look_up(), 0);
        EXPECT_EQ(status_of("exit 0", NULL), 0);
    }
    acio_close(client);
    EXPECT_ERR(acio_server_wait_closed(server, 1), 0);
    EXPECT_EQ(opened, 0);
    int other = open(in(&folder, "fifo"), O_RDWR | O_CLOEXEC);
    finish();
    EXPECT_EQ(opened, COUNT);
    close(other);
    remove_folder(&folder);
}

SPEC_REAL(hostile_files, a_fifo_that_nobody_writes_can_be_left)
{
    char byte;
    acio_stream *stream;
    struct folder folder = make_folder();
    REQUIRE_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    int fd = open(in(&folder, "fifo"), O_RDWR | O_CLOEXEC);
    REQUIRE_ERR(acio_connect_read_pipe(&stream, fd, NULL), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_read(stream, &byte, 1), -ETIMEDOUT);
    }
    EXPECT_ERR(acio_close(stream), 0);
    remove_folder(&folder);
}

SPEC_REAL(hostile_files, a_fifo_that_nobody_reads_can_be_left)
{
    static char much_of_it[300000];
    acio_stream *stream;
    struct folder folder = make_folder();
    REQUIRE_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    int fd = open(in(&folder, "fifo"), O_RDWR | O_CLOEXEC);
    REQUIRE_ERR(acio_connect_write_pipe(&stream, fd, NULL), 0);
    EXPECT_ERR(acio_write(stream, much_of_it, sizeof much_of_it), 0);
    {
        ACIO_TIMEOUT(limit, 0.01);
        EXPECT_ERR(acio_drain(stream), -ETIMEDOUT);
    }
    EXPECT(acio_write_buffer_size(stream) > 0);
    EXPECT_ERR(acio_stream_set_close_timeout(stream, 0.01), 0);
    EXPECT_ERR(acio_close(stream), -ETIMEDOUT);
    remove_folder(&folder);
}

/* ---- a disk that is full ---- */

SPEC_REAL(hostile_files, a_full_device_is_told_to_who_writes_a_stream)
{
    acio_stream *stream;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE_ERR(acio_connect_write_pipe(&stream, fd, NULL), 0);
    (void)acio_stream_set_write_buffer_limits(stream, 0, 0);
    EXPECT_ERR(say(stream, "hello"), -ENOSPC);
    EXPECT_TEXT(acio_error_text(stream),
        "the pipe broke: No space left on device");
    EXPECT_ERR(acio_write(stream, "more", 4), -ENOSPC);
    EXPECT_ERR(acio_close(stream), -ENOSPC);
}

SPEC_REAL(hostile_files, a_child_whose_disk_is_full_says_so_itself)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct acio_process_options options = { .output = fd,
        .errors = ACIO_DEVNULL };
    int status = status_of("exec cat /proc/self/status", &options);
    EXPECT_EQ(acio_status_exit_code(status), 1);
    close(fd);
}

/* ---- descriptors that run out ---- */

static rlim_t
next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return (rlim_t)fd;
}

struct attempt {
    int (*make)(void);
    const char *name;
};

static int
make_child(void)
{
    acio_process *process;
    struct acio_process_options all = { .input = ACIO_PIPE,
        .output = ACIO_PIPE,
        .errors = ACIO_PIPE };
    int err = acio_create_subprocess_exec(&process, ACIO_ARGV("true"), &all);
    if (err == 0)
        err = acio_process_wait(process);
    acio_process_close(process);
    return err;
}

static int
make_unix_server(void)
{
    acio_server *server;
    int err = acio_start_unix_server(&server, echo, NULL, "@acio-hostile",
        NULL);
    return err < 0 ? err : acio_server_wait_closed(server, 1);
}

static int
make_tcp_server(void)
{
    acio_server *server;
    int err = acio_start_server(&server, echo, NULL, "127.0.0.1", 0, NULL);
    return err < 0 ? err : acio_server_wait_closed(server, 1);
}

static int
make_datagram(void)
{
    acio_datagram *datagram;
    int err = acio_create_datagram_endpoint(&datagram,
        &(struct acio_datagram_options){ .local_host = "127.0.0.1" });
    return err < 0 ? err : acio_datagram_close(datagram);
}

static int
make_file(void)
{
    void *data;
    size_t bytes;
    int err = acio_read_file("/dev/null", &data, &bytes);
    if (err == 0)
        acio_free(data);
    return err;
}

/* With room for no descriptor, then for one, for two, and so on. */
static void
try_with_few(const struct attempt *attempt)
{
    enum { MOST = 20 };
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    int err = attempt->make(); /* what is made at the first use is there */
    settle();
    rlim_t first = next_descriptor(), room = 0;
    few = before;
    EXPECT_ERR(err, 0);
    for (err = -EMFILE; err == -EMFILE && room < MOST; room++) {
        few.rlim_cur = first + room;
        setrlimit(RLIMIT_NOFILE, &few);
        err = attempt->make();
        setrlimit(RLIMIT_NOFILE, &before);
        settle(); /* what an operation has is closed when that has ended */
        if (!EXPECT_EQ(next_descriptor(), first))
            break;
    }
    if (err != 0 || room < 2)
        spec_fail(__FILE__, __LINE__, "%s: %s, with room for %d descriptors",
            attempt->name, acio_strerror(err), (int)room - 1);
}

SPEC_REAL(hostile_files, without_descriptors_everything_fails_and_works_again)
{
    static const struct attempt attempts[] = { { make_child, "a child" },
        { make_unix_server, "a Unix server" },
        { make_tcp_server, "a TCP server" },
        { make_datagram, "a datagram endpoint" }, { make_file, "a file" } };
    if (spec_under_valgrind())
        SKIP("Valgrind keeps descriptors of its own");
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        try_with_few(&attempts[i]);
}
