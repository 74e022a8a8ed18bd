/* SPDX-License-Identifier: MIT */
/* transfer.c - much data goes through, and nothing is left behind
 *
 *     transfer MEBIBYTES WAY ...        tcp, unix, tls=CERTIFICATES
 *
 * Idea.  The client sends so much, in pieces of many sizes, and the server
 *        sends as much back out of a file. Each byte is told by its place: the
 *        receiver compares all of them, and a checksum over all is exchanged.
 *        Then memory, file descriptors and tasks are what they were.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "transfer.h"

enum {
    MIB = 1 << 20,
    WORDS = 8192, /* of a piece, the largest */
    FILE_BYTES = 8 * MIB,
    MEMORY_MIB = 64 /* that the process may take, all in all */
};

static const double limit = 600.0;

/* ---- bytes that tell their place ---- */

static uint64_t
word_at(uint64_t place)
{
    uint64_t x = place * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    return x ^ (x >> 27);
}

static void
fill(uint64_t *words, size_t count, uint64_t place)
{
    for (size_t i = 0; i < count; i++)
        words[i] = word_at(place + i);
}

static uint64_t
add_up(uint64_t sum, const uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = ((sum << 7) | (sum >> 57)) ^ words[i];
    return sum;
}

/* Receives words, the first one of place 0, which comes again after `period`;
 * 0 where all are right, their checksum in `*sum`. */
static int
receive(acio_stream *stream, uint64_t count, uint64_t period, uint64_t *sum)
{
    static uint64_t got[WORDS], wanted[WORDS];
    *sum = 0;
    for (uint64_t place = 0; place < count;) {
        size_t n = count - place < WORDS ? (size_t)(count - place) : WORDS;
        ssize_t bytes = acio_readexactly(stream, got, 8 * n);
        if (bytes < 0)
            return (int)bytes;
        fill(wanted, n, place % period);
        if (memcmp(got, wanted, 8 * n) != 0)
            return -EBADMSG;
        *sum = add_up(*sum, got, n);
        place += n;
    }
    return 0;
}

/* ---- there ---- */

static int
send_pieces(acio_stream *stream, uint64_t count, uint64_t *sum)
{
    static uint64_t words[WORDS];
    size_t size = 1;
    *sum = 0;
    for (uint64_t place = 0; place < count;) {
        size = size * 5 % WORDS + 1;
        size_t n = count - place < size ? (size_t)(count - place) : size;
        fill(words, n, place);
        *sum = add_up(*sum, words, n);
        acio_write(stream, words, 8 * n);
        int err = acio_drain(stream);
        if (err < 0)
            return err;
        place += n;
    }
    acio_write(stream, sum, sizeof *sum);
    return acio_drain(stream);
}

/* ---- and back ---- */

static int
make_file(void)
{
    static uint64_t words[WORDS];
    int file = memfd_create("transfer", MFD_CLOEXEC);
    for (uint64_t place = 0; place < FILE_BYTES / 8; place += WORDS) {
        fill(words, WORDS, place);
        if (write(file, words, sizeof words) != sizeof words)
            return -1;
    }
    return file;
}

static int
send_file(acio_stream *stream, uint64_t bytes)
{
    int file = make_file();
    int64_t n = file < 0 ? -errno : 0;
    for (uint64_t all = 0; n >= 0 && all < bytes; all += (uint64_t)n)
        n = acio_sendfile(stream, file, 0, -1);
    close(file);
    return n < 0 ? (int)n : 0;
}

static int
serve(acio_stream *stream, void *arg)
{
    const uint64_t *bytes = arg;
    uint64_t sum, theirs;
    int err = receive(stream, *bytes / 8, UINT64_MAX, &sum);
    if (err < 0)
        return err;
    ssize_t n = acio_readexactly(stream, &theirs, sizeof theirs);
    if (n < 0)
        return (int)n;
    return sum == theirs ? send_file(stream, *bytes) : -EBADMSG;
}

/* ---- the run ---- */

struct transfer_args {
    const char *way;
    uint64_t bytes;
    struct securities *securities;
};

static int
start(acio_server **server, acio_stream **stream, struct transfer_args *a)
{
    struct acio_server_options serving = { .security = a->securities->server };
    struct acio_connect_options connecting = {
        .security = a->securities->client
    };
    bool is_unix = strcmp(a->way, "unix") == 0;
    char path[64];
    snprintf(path, sizeof path, "@acio-transfer-%d", (int)getpid());
    int err = is_unix
        ? acio_start_unix_server(server, serve, &a->bytes, path, &serving)
        : acio_start_server(server, serve, &a->bytes, "localhost", 0, &serving);
    if (err < 0)
        return err;
    if (is_unix)
        return acio_open_unix_connection(stream, path, &connecting);
    return acio_open_connection(stream, "localhost", acio_server_port(*server),
        &connecting);
}

static int
transfer(void *arg)
{
    struct transfer_args *a = arg;
    acio_server *server = NULL;
    acio_stream *stream = NULL;
    uint64_t sum;
    ACIO_TIMEOUT(whole, limit);
    int err = start(&server, &stream, a);
    if (err == 0)
        err = send_pieces(stream, a->bytes / 8, &sum);
    if (err == 0)
        err = receive(stream, a->bytes / 8, FILE_BYTES / 8, &sum);
    int closed = acio_close(stream);
    acio_server_wait_closed(server, 1);
    size_t tasks = acio_all_tasks(NULL, 0);
    if (tasks != 1)
        printf("%s: %zu tasks are left\n", a->way, tasks - 1);
    return err < 0 ? err : closed < 0 ? closed : tasks == 1 ? 0 : -EBUSY;
}

static int
open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { SKIPPED = 77 };

/* 0 where all is well. */
static int
judge(const struct transfer_args *a, int err, int files, double seconds)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long memory_mib = usage.ru_maxrss / 1024;
    int left = open_files() - files;
    printf("%-5s %" PRIu64 " MiB each way in %.2f s, %.0f MiB/s; %ld MiB of "
           "memory at most, %d files left: %s\n",
        a->way, a->bytes / MIB, seconds,
        2.0 * (double)(a->bytes / MIB) / seconds, memory_mib, left,
        err < 0 ? acio_strerror(err) : "good");
    return err < 0 || left != 0 || memory_mib > MEMORY_MIB;
}

static int
run(const char *way, uint64_t bytes)
{
    struct securities securities = { .client = NULL };
    struct transfer_args a = { .way = way,
        .bytes = bytes,
        .securities = &securities };
    int err = 0;
    if (strncmp(way, "tls=", 4) == 0) {
        err = securities_open(&securities, way + 4);
        a.way = "tls";
    }
    int files = open_files();
    double began = now();
    if (err == 0)
        err = acio_run(transfer, .way = a.way, .bytes = a.bytes,
            .securities = a.securities);
    bool lacks_backend = err == -ENOSYS || err == -EPERM;
    int bad = lacks_backend ? SKIPPED : judge(&a, err, files, now() - began);
    securities_close(&securities);
    return bad;
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int failed = 0;
    for (int i = 2; i < argc; i++) {
        int bad = run(argv[i], strtoull(argv[1], NULL, 10) * MIB);
        if (bad == SKIPPED)
            return SKIPPED;
        failed += bad;
    }
    printf("%d passed, %d failed\n", argc - 2 - failed, failed);
    return failed > 0;
}
