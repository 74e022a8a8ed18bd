/* SPDX-License-Identifier: MIT */
/* file_world.c - what the tests of files have in common */
#include "file_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder
file_make_folder(void)
{
    struct folder folder = { .path = "/tmp/acio-file-XXXXXX" };
    REQUIRE(mkdtemp(folder.path) != NULL);
    return folder;
}

static int
remove_one(const char *path, const struct stat *status, int type,
    struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void
file_remove_folder(const struct folder *folder)
{
    ALWAYS(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *
file_in(const struct folder *folder, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder->path, name);
    return path;
}

void
file_put(const struct folder *folder, const char *name, const char *text)
{
    FILE *file = fopen(in(folder, name), "we");
    if (!EXPECT(file != NULL))
        return; /* under torture its folder may not be there */
    fputs(text, file);
    fclose(file);
}

bool
file_holds(const struct folder *folder, const char *name, const char *text)
{
    char found[4096] = "";
    FILE *file = fopen(in(folder, name), "re");
    if (!file)
        return false;
    size_t n = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    return n == strlen(text) && memcmp(found, text, n) == 0;
}

int
file_count_entries(const struct folder *folder)
{
    int count = -2; /* "." and ".." */
    DIR *stream = opendir(folder->path);
    REQUIRE(stream != NULL);
    while (readdir(stream))
        count++;
    closedir(stream);
    return count;
}
