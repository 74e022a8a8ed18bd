/* SPDX-License-Identifier: MIT */
/* /bin/true by posix_spawn(3) and waitpid(2): what it costs at least. */
#include "spawned.h"

#include <spawn.h>
#include <sys/wait.h>

int
main(int argc, char **argv)
{
    struct bench_spawn s = bench_spawn_begin(argc, argv);
    char *words[] = { "/bin/true", NULL }, *environment[] = { NULL };
    while (s.left-- > 0) {
        pid_t pid;
        int status = -1;
        int err = posix_spawn(&pid, words[0], NULL, NULL, words, environment);
        bench_require(err == 0, "posix_spawn");
        bench_require(waitpid(pid, &status, 0) == pid && status == 0, "true");
    }
    bench_spawn_print(&s);
    return 0;
}
