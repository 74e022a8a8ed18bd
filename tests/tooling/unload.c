/* SPDX-License-Identifier: MIT */
/* unload.c - a program that unloads the library while a look-up hangs
 *
 * The program's own getaddrinfo stands before the C library's, and hangs until
 * the library was unloaded. The thread that comes back then is the library's.
 */
#include <acio.h>
#include <acio/dns.h>
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static sem_t unloaded;

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
    (void)host;
    (void)service;
    (void)out;
    if (!(hints->ai_flags & AI_NUMERICHOST))
        while (sem_wait(&unloaded) < 0 && errno == EINTR) {
            /* a signal came in between */
        }
    return EAI_NONAME;
}

/* ---- what the program calls ---- */

static struct {
    int (*run)(acio_function *f, struct acio_args args,
        const struct acio_run_options *options);
    int (*open_timeout)(acio_timeout *timeout, double seconds);
    void (*close_timeout)(acio_timeout *timeout);
    int (*look_up)(struct addrinfo **out, const char *host, const char *service,
        const struct addrinfo *hints);
} library;

static void
find(void *handle, void *function, const char *name)
{
    void *symbol = dlsym(handle, name);
    if (!symbol) {
        printf("%s\n", dlerror());
        exit(1);
    }
    memcpy(function, &symbol, sizeof symbol);
}

static int
look_up(void *arg)
{
    (void)arg;
    acio_timeout limit;
    struct addrinfo *list;
    library.open_timeout(&limit, 0.01);
    int err = library.look_up(&list, "slow.test", NULL, NULL);
    library.close_timeout(&limit);
    return err;
}

/* A thread has a link of its own in its process' folder of threads. */
static bool
is_alone(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

int
main(int argc, char **argv)
{
    void *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!handle) {
        printf("%s\n", argc > 1 ? dlerror() : "unload LIBRARY");
        return 1;
    }
    sem_init(&unloaded, 0, 0);
    find(handle, &library.run, "acio_run_with");
    find(handle, &library.open_timeout, "acio_timeout_open");
    find(handle, &library.close_timeout, "acio_timeout_close");
    find(handle, &library.look_up, "acio_getaddrinfo");
    int err = library.run(look_up, (struct acio_args){ 0 }, NULL);
    bool hangs = !is_alone();
    dlclose(handle);
    sem_post(&unloaded);
    for (int i = 0; i < 1000 && !is_alone(); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    bool came_back = is_alone();
    printf("%s, %s, %s\n", err == -ETIMEDOUT ? "left" : "not left",
        hangs ? "hung" : "did not hang", came_back ? "came back" : "lost");
    return err != -ETIMEDOUT || !hangs || !came_back;
}
