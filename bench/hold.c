/* SPDX-License-Identifier: MIT */
/* hold.c - many connections to an echo server, all open at once
 *
 *     hold WHERE PID CONNECTIONS
 *
 * Each echoes 64 bytes once and stays open. The figure is how much the
 * server's resident memory grew for each of them. The first hundred come
 * before the first look, so that what a server takes once does not count.
 * What the kernel keeps for a socket is in neither figure.
 */
#include "listen.h"

enum { BYTES = 64, FIRST = 100 };

static void
echo_once(int fd, int number)
{
    char request[BYTES], reply[BYTES];
    memset(request, number & 0x7f, sizeof request);
    memcpy(request, &number, sizeof number);
    bench_require(send(fd, request, BYTES, 0) == BYTES, "send");
    bench_require(recv(fd, reply, BYTES, MSG_WAITALL) == BYTES, "recv");
    bench_require(memcmp(request, reply, BYTES) == 0, "the bytes came back");
}

static void
open_from(const char *where, int begin, int end)
{
    for (int i = begin; i < end; i++)
        echo_once(bench_connect(where), i);
}

int
main(int argc, char **argv)
{
    bench_require(argc == 4, "three arguments");
    int connections = atoi(argv[3]);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", atoi(argv[2]));
    bench_raise_files();

    open_from(argv[1], 0, FIRST);
    double resident = bench_status_kib(path, "VmRSS:");
    double tables = bench_status_kib(path, "VmPTE:");
    open_from(argv[1], FIRST, FIRST + connections);
    resident = bench_status_kib(path, "VmRSS:") - resident;
    tables = bench_status_kib(path, "VmPTE:") - tables;
    bench_print("bytes", resident * 1024 / connections);
    bench_print("table_bytes", tables * 1024 / connections);
    return 0;
}
