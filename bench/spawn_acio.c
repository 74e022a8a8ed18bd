/* SPDX-License-Identifier: MIT */
/* /bin/true by a task that waits for its end. */
#include "spawned.h"

#include <acio.h>

struct amain_args {
    int argc;
    char **argv;
};

static int
amain(void *arg)
{
    struct amain_args *a = arg;
    struct bench_spawn s = bench_spawn_begin(a->argc, a->argv);
    const char *const environment[] = { NULL };
    struct acio_process_options options = { .env = environment };
    while (s.left-- > 0) {
        acio_process *process;
        int err = acio_create_subprocess_exec(&process, ACIO_ARGV("/bin/true"),
            &options);
        bench_require(err == 0, "acio_create_subprocess_exec");
        bench_require(acio_process_wait(process) == 0, "true");
        acio_process_close(process);
    }
    bench_spawn_print(&s);
    return 0;
}

int
main(int argc, char **argv)
{
    return acio_run(amain, .argc = argc, .argv = argv) < 0;
}
