/* SPDX-License-Identifier: MIT */
/* file_world.h - what the tests of files have in common
 *
 * Idea.  A test has a folder of its own. It is made, looked at and emptied by
 *        plain system calls: what is under test has no say in it.
 */
#ifndef ACIO_TESTS_FILE_WORLD_H
#define ACIO_TESTS_FILE_WORLD_H

#include <acio/file.h>

#include "acio_spec.h"

struct folder {
    char path[64];
};

/* The test removes it, with all that is in it. */
#define make_folder() file_make_folder()
struct folder file_make_folder(void);
#define remove_folder(folder) file_remove_folder(folder)
void file_remove_folder(const struct folder *folder);

/* The path of `name` in the folder; valid until it is asked for the eighth
 * time from now on. */
#define in(folder, name) file_in(folder, name)
const char *file_in(const struct folder *folder, const char *name);

#define put_file(folder, name, text) file_put(folder, name, text)
void file_put(const struct folder *folder, const char *name, const char *text);

/* Does the file hold this text and nothing else? */
#define holds(folder, name, text) file_holds(folder, name, text)
bool file_holds(const struct folder *folder, const char *name,
    const char *text);

/* How many entries it has. */
#define count_entries(folder) file_count_entries(folder)
int file_count_entries(const struct folder *folder);

#endif
