/* SPDX-License-Identifier: MIT */
/* Many children, a few dozen at a time: what each says is compared, and
 * nothing of any is left. $SOAK_SPAWNS says how many (make soak-spawn). */
#include "process_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { AT_A_TIME = 48, MOST_BYTES = 9000 };

struct soak {
    int count, next; /* children to start, and the first not yet started */
    int good;
};

/* Under ThreadSanitizer, where a vfork is a fork of all its memory, a child
 * takes 50 ms. */
void __tsan_init(void) __attribute__((weak));

static int
wanted_count(void)
{
    const char *text = getenv("SOAK_SPAWNS");
    int count = text ? atoi(text) : 0;
    if (count > 0)
        return count;
    return __tsan_init ? 60 : 300;
}

/* Each child has its own text, of its own length. */
static size_t
fill(char *data, int number)
{
    size_t bytes = (size_t)(number * 37 % MOST_BYTES);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)('a' + (number + (int)i) % 26);
    return bytes;
}

/* Does the child say what it was told, and end as it should? */
static bool
is_good(int number)
{
    char data[MOST_BYTES], command[64];
    struct acio_communication io = { .input = data,
        .input_bytes = fill(data, number) };
    ACIO_PROCESS(process);
    snprintf(command, sizeof command, "cat; echo %d >&2; exit %d", number,
        number % 256);
    process = shell(command,
        &(struct acio_process_options){ .input = ACIO_PIPE,
            .output = ACIO_PIPE,
            .errors = ACIO_PIPE });
    int status = process ? acio_process_communicate(process, &io) : -ECHILD;
    bool good = acio_status_exit_code(status) == number % 256 &&
        io.output_bytes == io.input_bytes &&
        memcmp(io.output, data, io.input_bytes) == 0 &&
        strtol(io.errors, NULL, 10) == number;
    acio_communication_free(&io);
    return good;
}

struct spawn_some_args {
    struct soak *soak;
};

static int
spawn_some(void *arg)
{
    struct soak *soak = ((struct spawn_some_args *)arg)->soak;
    while (soak->next < soak->count) {
        int number = soak->next++;
        soak->good += is_good(number);
    }
    return 0;
}

static int
count_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

SPEC_LARGE(process_soak, hundreds_of_children_say_what_they_should)
{
    EXPECT(is_good(1)); /* what is made at the first use is there */
    int before = count_descriptors();
    struct soak soak = { .count = wanted_count() };
    {
        ACIO_GROUP(group);
        for (int i = 0; i < AT_A_TIME; i++)
            acio_group_create_task(&group, spawn_some, .soak = &soak);
        EXPECT_ERR(acio_group_wait(&group), 0);
    }
    EXPECT_EQ(soak.good, soak.count);
    EXPECT_EQ(count_descriptors(), before);
    EXPECT(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}
