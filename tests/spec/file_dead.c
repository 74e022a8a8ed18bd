/* SPDX-License-Identifier: MIT */
/* Files of a server that does not answer, or answers with errors.
 *
 * The server is a child, to whom the kernel speaks the protocol of file systems
 * in user space (FUSE); only the superuser may do that without help.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_world.h"

/* ---- the server ---- */

enum { ROOT = FUSE_ROOT_ID, FILE_NODE, FOLDER_NODE };

static void
answer(int fd, uint64_t unique, int error, const void *data, size_t bytes)
{
    char message[512];
    struct fuse_out_header head = { .unique = unique, .error = error };
    head.len = (uint32_t)(sizeof head + bytes);
    memcpy(message, &head, sizeof head);
    if (bytes)
        memcpy(message + sizeof head, data, bytes);
    ssize_t n = write(fd, message, head.len);
    (void)n; /* who asked may have gone */
}

static struct fuse_attr
attributes_of(uint64_t node)
{
    bool file = node == FILE_NODE;
    return (struct fuse_attr){ .ino = node,
        .size = file ? (uint64_t)1 << 32 : 0,
        .mode = file ? S_IFREG | 0600 : S_IFDIR | 0700,
        .nlink = 1,
        .blksize = 4096 };
}

static void
look_up(int fd, const struct fuse_in_header *head)
{
    const char *name = (const char *)(head + 1);
    struct fuse_entry_out entry = { .entry_valid = 1000, .attr_valid = 1000 };
    entry.nodeid = strcmp(name, "file") == 0 ? FILE_NODE : FOLDER_NODE;
    entry.attr = attributes_of(entry.nodeid);
    answer(fd, head->unique, 0, &entry, sizeof entry);
}

static void
serve_request(int fd, const struct fuse_in_header *head)
{
    const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
        .minor = 31,
        .max_write = 65536 };
    const struct fuse_attr_out attributes = { .attr_valid = 1000,
        .attr = attributes_of(head->nodeid) };
    const struct fuse_open_out open = { 0 };
    switch (head->opcode) {
    case FUSE_INIT:
        answer(fd, head->unique, 0, &init, sizeof init);
        break;
    case FUSE_LOOKUP:
        look_up(fd, head);
        break;
    case FUSE_GETATTR:
        answer(fd, head->unique, 0, &attributes, sizeof attributes);
        break;
    case FUSE_OPEN:
        answer(fd, head->unique, 0, &open, sizeof open);
        break;
    case FUSE_FLUSH:
        answer(fd, head->unique, -ENOMEM, NULL, 0);
        break;
    default: /* no answer to a read, nor to who opens a folder */
        break;
    }
}

/* What it says about reads that it would have side by side, it does not: so the
 * kernel waits wherever it can. */
static _Noreturn void
serve(int fd)
{
    static _Alignas(
        struct fuse_in_header) char request[FUSE_MIN_READ_BUFFER + 65536];
    for (;;) {
        if (read(fd, request, sizeof request) > 0)
            serve_request(fd, (const void *)request);
        else if (errno != EINTR)
            _exit(0);
    }
}

struct server {
    struct folder folder;
    char path[80], file[96], inner[96];
    pid_t pid;
};

/* False where the kernel or its superuser does not want it. */
static bool
start_server(struct server *server)
{
    char options[80];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        return false;
    snprintf(options, sizeof options,
        "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    int result = mount("test", server->path, "fuse", 0, options);
    server->pid = result < 0 ? -1 : fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return server->pid > 0;
}

static struct server
make_server(void)
{
    struct server server = { .folder = make_folder() };
    put_file(&server.folder, "near", "text");
    snprintf(server.path, sizeof server.path, "%s/far", server.folder.path);
    snprintf(server.file, sizeof server.file, "%s/file", server.path);
    snprintf(server.inner, sizeof server.inner, "%s/folder", server.path);
    REQUIRE_EQ(mkdir(server.path, 0700), 0);
    if (!start_server(&server)) {
        remove_folder(&server.folder);
        SKIP("file systems in user space cannot be mounted here");
    }
    return server;
}

/* All that waits for it ends. */
static void
end_server(struct server *server)
{
    kill(server->pid, SIGKILL);
    EXPECT_EQ(waitpid(server->pid, NULL, 0), server->pid);
    finish();
    EXPECT_EQ(umount2(server->path, MNT_DETACH), 0);
    remove_folder(&server->folder);
}

/* ---- what it does to others ---- */

static void
expect_others_go_on(const struct server *server)
{
    void *data;
    size_t bytes;
    const char *near = in(&server->folder, "near");
    EXPECT_EQ(acio_sleep(0.01), 0);
    for (int i = 0; i < 3; i++) {
        if (EXPECT_EQ(acio_read_file(near, &data, &bytes), 0))
            acio_free(data);
    }
}

static bool
has_uring(void)
{
    const char *name = acio_loop_backend(acio_get_running_loop());
    return strcmp(name, "uring") == 0;
}

struct read_far_args {
    int fd;
    int64_t offset;
};

static int
read_far(void *arg)
{
    const struct read_far_args *a = arg;
    char byte;
    ssize_t n = acio_pread(a->fd, &byte, 1, a->offset);
    ALWAYS(n < 0);
    return 0;
}

/* So many that the kernel takes no more into its queue for the server. */
SPEC_KIND(file_dead, reads_hold_up_no_other, "epoll uring", SPEC_NO_TORTURE, )
{
    struct server server = make_server();
    int fd = open(server.file, O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0);
    for (int i = 0; i < (has_uring() ? 20 : 3); i++)
        start(read_far, .fd = fd, .offset = (int64_t)i << 24);
    expect_others_go_on(&server);
    end_server(&server);
    close(fd);
}

static int
open_far(void *arg)
{
    acio_folder *folder;
    int err = acio_open_folder(&folder, *(const char **)arg);
    ALWAYS(err < 0);
    return 0;
}

struct open_far_args {
    const char *path;
};

/* Its name is known, so that the kernel need not ask for it. */
SPEC_KIND(file_dead, folder_holds_up_no_other, "epoll uring", SPEC_NO_TORTURE, )
{
    struct stat status;
    struct server server = make_server();
    EXPECT_EQ(stat(server.inner, &status), 0);
    start(open_far, .path = server.inner);
    expect_others_go_on(&server);
    end_server(&server);
}

/* The fd is gone: closing it once more would say so, or hit another one. */
SPEC_KIND(file_dead, is_closed_once_where_closing_fails, "epoll uring",
    SPEC_NO_TORTURE, )
{
    struct server server = make_server();
    int fd = acio_open(server.file, O_RDONLY, 0);
    if (EXPECT(fd >= 0))
        EXPECT_ERR(acio_close_fd(fd), -ENOMEM);
    end_server(&server);
}
