/* SPDX-License-Identifier: MIT */
/* save.c - one body, on its way from curl to a file
 *
 * Idea.       Two tasks in a group: one waits for the transfer, one writes. A
 *             queue lies between them. curl's callback may not wait; it puts
 *             what came into the queue, or pauses the transfer while the queue
 *             is full. So the disk never holds up the loop, and a slow disk
 *             never fills the memory.
 *
 *                 curl --> take_data --> queue --> save_body --> file
 *
 *             If the disk is full the group cancels the transfer; if the
 *             transfer fails the group's end cancels the writing.
 * File.       It gets its name when it is complete. Until then, and only from
 *             the first byte on, there is a hidden one of another name.
 */
#include <acio/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch.h"

enum { QUEUE_CHUNKS = 16 }; /* of 16 KiB at most, as curl hands them out */

struct chunk {
    char *data;
    size_t bytes; /* 0: the body is complete */
};

struct file {
    int folder_fd;
    char temporary[64];
    const char *name;
};

/* ---- from curl into the queue ---- */

static size_t
take_data(char *data, size_t size, size_t count, void *user)
{
    struct body *body = user;
    struct chunk chunk = { NULL, size * count };
    if (chunk.bytes == 0)
        return 0;
    if (body->folder_fd < 0) {
        body->bytes += chunk.bytes;
        return chunk.bytes;
    }
    if (acio_queue_full(&body->chunks)) {
        body->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    chunk.data = malloc(chunk.bytes);
    if (!chunk.data)
        return 0;
    memcpy(chunk.data, data, chunk.bytes);
    if (acio_queue_put_nowait(&body->chunks, &chunk) < 0) {
        free(chunk.data);
        return 0;
    }
    body->bytes += chunk.bytes;
    return chunk.bytes;
}

static void
let_curl_go_on(struct body *body)
{
    if (!body->paused || acio_queue_qsize(&body->chunks) > QUEUE_CHUNKS / 2)
        return;
    body->paused = false;
    curl_easy_pause(body->easy, CURLPAUSE_CONT);
}

/* ---- from the queue into the file ---- */

static int
write_all(int fd, const struct chunk *chunk, int64_t offset)
{
    size_t done = 0;
    while (done < chunk->bytes) {
        acio_op op = { 0 };
        acio_op_write(&op, fd, chunk->data + done, chunk->bytes - done,
            offset + (int64_t)done);
        ssize_t n = acio_await_op(&op);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static int
write_chunks(struct body *body, int fd, struct chunk chunk)
{
    int64_t offset = 0;
    int err = 0;
    while (err == 0 && chunk.bytes > 0) {
        err = write_all(fd, &chunk, offset);
        offset += (int64_t)chunk.bytes;
        free(chunk.data);
        if (err < 0)
            break;
        let_curl_go_on(body);
        err = acio_queue_get(&body->chunks, &chunk);
    }
    return err;
}

static int
open_file(const struct file *file)
{
    acio_op op = { 0 };
    acio_op_open(&op, file->folder_fd, file->temporary,
        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    ssize_t fd = acio_await_op(&op);
    return (int)fd;
}

/* Some file systems tell only here that there was no room. */
static int
close_file(int fd)
{
    ACIO_SHIELD(shield);
    acio_op op = { 0 };
    acio_op_close(&op, fd);
    ssize_t err = acio_await_op(&op);
    return (int)err;
}

static int
rename_in_thread(void *arg)
{
    const struct file *file = arg;
    int result = renameat(file->folder_fd, file->temporary, file->folder_fd,
        file->name);
    return result < 0 ? -errno : 0;
}

static int
remove_in_thread(void *arg)
{
    const struct file *file = arg;
    return unlinkat(file->folder_fd, file->temporary, 0) < 0 ? -errno : 0;
}

static void
remove_file(struct file *file)
{
    ACIO_SHIELD(shield);
    acio_to_thread(remove_in_thread, file);
}

/* The first chunk is at hand: until here the transfer may have failed without
 * leaving anything on the disk. */
static int
save_from(struct body *body, struct chunk first)
{
    struct file file = { body->folder_fd, "", body->job->name };
    snprintf(file.temporary, sizeof file.temporary, ".fetch-%ld-%zu.part",
        (long)getpid(), body->job->number);
    int fd = open_file(&file);
    if (fd < 0) {
        free(first.data);
        return fd;
    }
    int err = write_chunks(body, fd, first);
    int closed = close_file(fd);
    if (err == 0)
        err = closed;
    if (err == 0)
        err = acio_to_thread(rename_in_thread, &file);
    if (err < 0)
        remove_file(&file);
    return err;
}

struct save_body_args {
    struct body *body;
};

static int
save_body(void *arg)
{
    struct save_body_args *a = arg;
    struct chunk chunk;
    int err = acio_queue_get(&a->body->chunks, &chunk);
    if (err == 0)
        err = save_from(a->body, chunk);
    if (err < 0 && err != -ECANCELED)
        a->body->save_failed = true;
    return err;
}

/* ---- both together ---- */

static int
fetch_and_save(struct body *body)
{
    ACIO_GROUP(group);
    int err = acio_group_start(&group, save_body, .body = body);
    if (err < 0)
        return err;
    err = acio_curl_perform(body->easy);
    if (err == 0) {
        struct chunk end = { NULL, 0 };
        err = acio_queue_put(&body->chunks, &end);
    }
    if (err < 0)
        acio_group_cancel(&group);
    int saved = acio_group_wait(&group);
    return saved < 0 ? saved : err;
}

int
body_fetch(struct body *body)
{
    if (body->folder_fd >= 0)
        return fetch_and_save(body);
    return acio_curl_perform(body->easy);
}

void
body_init(struct body *body, CURL *easy, int folder_fd, const struct job *job)
{
    *body = (struct body){
        .easy = easy,
        .folder_fd = folder_fd,
        .job = job,
    };
    acio_queue_init(&body->chunks, sizeof(struct chunk), QUEUE_CHUNKS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
}

void
body_close(struct body *body)
{
    struct chunk chunk;
    while (acio_queue_get_nowait(&body->chunks, &chunk) == 0)
        free(chunk.data);
    acio_queue_close(&body->chunks);
}

/* ---- the folder ---- */

/* Before anything is fetched, so that a wrong folder is one line and not a
 * thousand. */
int
folder_open(const char *path)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char probe[64];
    snprintf(probe, sizeof probe, ".fetch-%ld.part", (long)getpid());
    int file = openat(fd, probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    close(file);
    unlinkat(fd, probe, 0);
    return fd;
}
