/* SPDX-License-Identifier: MIT */
/* common.c - numbers of the command line, and of the kernel */
#include "common.h"

#include <stdlib.h>
#include <sys/resource.h>

bool
parse_number(int *out, const char *text, int least, int most)
{
    char *end;
    long value = strtol(text, &end, 10);
    *out = (int)value;
    if (*text && !*end && value >= least && value <= most)
        return true;
    fprintf(stderr, "not a number from %d to %d: %s\n", least, most, text);
    return false;
}

void
raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The file is made by the kernel at the moment of reading: no disk is waited
 * for. */
struct memory
memory_now(void)
{
    struct memory memory = { 0 };
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[128];
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "Rss: %ld", &memory.rss);
        sscanf(line, "Pss: %ld", &memory.pss);
    }
    if (file)
        fclose(file);
    return memory;
}
