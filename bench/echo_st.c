/* SPDX-License-Identifier: MIT */
/* An echo server on State Threads: a thread for each connection. It waits by
 * poll(2); Debian builds it without epoll, and select(2) ends at 1,024. */
#include "listen.h"

#include <st.h>

static void *
serve(void *arg)
{
    st_netfd_t client = arg;
    char buffer[BENCH_BUFFER];
    ssize_t got;
    while (
        (got = st_read(client, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(client, buffer, (size_t)got, ST_UTIME_NO_TIMEOUT) != got)
            break;
    st_netfd_close(client);
    return NULL;
}

int
main(int argc, char **argv)
{
    bench_raise_files();
    st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() == 0, "st_init");
    st_netfd_t listener = st_netfd_open_socket(bench_listen(argc, argv, 0));
    for (;;) {
        st_netfd_t client = st_accept(listener, NULL, NULL,
            ST_UTIME_NO_TIMEOUT);
        if (!client)
            continue;
        bench_no_delay(st_netfd_fileno(client));
        bench_require(st_thread_create(serve, client, 0, 0) != NULL,
            "st_thread_create");
    }
}
