/* SPDX-License-Identifier: MIT */
/* /bin/true by libuv, the next when the one before has ended. */
#include "spawned.h"

#include <uv.h>

static struct bench_spawn spawned;
static uv_process_t process;

static void start(uv_handle_t *handle);

static void
ended(uv_process_t *child, int64_t status, int signal)
{
    bench_require(status == 0 && signal == 0, "true");
    uv_close((uv_handle_t *)child, start);
}

static void
start(uv_handle_t *handle)
{
    if (spawned.left-- == 0)
        return;
    char *words[] = { "/bin/true", NULL }, *environment[] = { NULL };
    uv_process_options_t options = {
        .exit_cb = ended,
        .file = words[0],
        .args = words,
        .env = environment,
    };
    bench_require(uv_spawn(handle->loop, &process, &options) == 0, "uv_spawn");
}

int
main(int argc, char **argv)
{
    uv_loop_t loop;
    spawned = bench_spawn_begin(argc, argv);
    uv_loop_init(&loop);
    process.loop = &loop;
    start((uv_handle_t *)&process);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_spawn_print(&spawned);
    return 0;
}
