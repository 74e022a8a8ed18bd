/* SPDX-License-Identifier: MIT */
/* The lines of a file, and the entries of a folder. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_world.h"

/* ---- lines ---- */

static int
note_lines(const char *path, size_t longest)
{
    acio_lines *lines;
    struct acio_line line;
    int err = acio_open_lines(&lines, path, longest);
    if (err < 0)
        return err;
    while ((err = acio_lines_next(lines, &line)) > 0)
        note("[%s]", line.text);
    acio_close_lines(lines);
    return err;
}

SPEC(file_lines, come_one_after_the_other)
{
    struct folder folder = make_folder();
    put_file(&folder, "file", "one\n\ntwo words\nlast");
    EXPECT_EQ(note_lines(in(&folder, "file"), 0), 0);
    EXPECT_NOTED("[one][][two words][last]");
    put_file(&folder, "file", "end\n");
    EXPECT_EQ(note_lines(in(&folder, "file"), 0), 0);
    EXPECT_NOTED("[end]");
    put_file(&folder, "file", "");
    EXPECT_EQ(note_lines(in(&folder, "file"), 0), 0);
    EXPECT_NOTED("");
    EXPECT_ERR(note_lines(in(&folder, "no"), 0), -ENOENT);
    EXPECT_ERR(note_lines(folder.path, 0), -EISDIR);
    remove_folder(&folder);
}

SPEC(file_lines, may_be_as_long_as_allowed)
{
    struct folder folder = make_folder();
    put_file(&folder, "file", "1234\n12345\n1\n");
    EXPECT_ERR(note_lines(in(&folder, "file"), 4), -ACIO_ELIMIT);
    EXPECT_NOTED("[1234]");
    EXPECT_EQ(note_lines(in(&folder, "file"), 5), 0);
    EXPECT_NOTED("[1234][12345][1]");
    remove_folder(&folder);
}

static void
put_long_lines(const char *path, int lines, int bytes)
{
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    for (int i = 0; i < lines; i++)
        fprintf(file, "%0*d\n", bytes, i);
    fclose(file);
}

SPEC_LARGE(file_lines, may_be_longer_than_what_is_read_at_once)
{
    enum { LINES = 40, BYTES = 100001 };
    struct folder folder = make_folder();
    acio_lines *lines;
    struct acio_line line;
    put_long_lines(in(&folder, "file"), LINES, BYTES);
    REQUIRE_EQ(acio_open_lines(&lines, in(&folder, "file"), 0), 0);
    for (int i = 0; i < LINES; i++) {
        REQUIRE_EQ(acio_lines_next(lines, &line), 1);
        EXPECT_EQ(line.bytes, BYTES);
        EXPECT_EQ(strlen(line.text), BYTES);
        EXPECT_EQ(strtol(line.text, NULL, 10), i);
    }
    EXPECT_EQ(acio_lines_next(lines, &line), 0);
    EXPECT_EQ(acio_lines_next(lines, &line), 0);
    acio_close_lines(lines);
    put_long_lines(in(&folder, "file"), 1, 2000000);
    EXPECT_ERR(note_lines(in(&folder, "file"), 0), -ACIO_ELIMIT);
    remove_folder(&folder);
}

SPEC(file_lines, are_not_lost_to_a_cancel)
{
    acio_lines *lines;
    struct acio_line line;
    struct folder folder = make_folder();
    put_file(&folder, "file", "one\ntwo\n");
    if (EXPECT_EQ(acio_open_lines(&lines, in(&folder, "file"), 0), 0)) {
        acio_cancel(acio_current_task());
        EXPECT_ERR(acio_lines_next(lines, &line), -ECANCELED);
        acio_uncancel(acio_current_task());
        EXPECT_EQ(acio_lines_next(lines, &line), 1);
        EXPECT_TEXT(line.text, "one");
        acio_cancel(acio_current_task());
        EXPECT_ERR(acio_lines_next(lines, &line), -ECANCELED);
        acio_uncancel(acio_current_task());
        EXPECT_EQ(acio_lines_next(lines, &line), 1);
        EXPECT_TEXT(line.text, "two");
        acio_close_lines(lines);
    }
    remove_folder(&folder);
}

SPEC_REAL(file_lines, come_out_of_a_fifo_too)
{
    struct folder folder = make_folder();
    EXPECT_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    int other = open(in(&folder, "fifo"), O_RDWR | O_CLOEXEC);
    REQUIRE(other >= 0);
    EXPECT_EQ(write(other, "a\nb", 3), 3);
    acio_lines *lines;
    struct acio_line line;
    if (EXPECT_EQ(acio_open_lines(&lines, in(&folder, "fifo"), 0), 0)) {
        EXPECT_EQ(acio_lines_next(lines, &line), 1);
        EXPECT_TEXT(line.text, "a");
        close(other);
        EXPECT_EQ(acio_lines_next(lines, &line), 1);
        EXPECT_TEXT(line.text, "b");
        EXPECT_EQ(acio_lines_next(lines, &line), 0);
        acio_close_lines(lines);
    }
    remove_folder(&folder);
}

/* ---- folders ---- */

static void
put_files(const struct folder *folder, int count)
{
    char name[64];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "a_rather_long_name_for_file_%04d", i);
        put_file(folder, name, "");
    }
}

/* How many entries; or the error. */
static int
list(const char *path)
{
    acio_folder *folder;
    struct acio_folder_entry entry;
    int count = 0, more = acio_open_folder(&folder, path);
    if (more < 0)
        return more;
    while ((more = acio_folder_next(folder, &entry)) > 0) {
        ALWAYS(entry.name[0] != '.' && entry.inode != 0);
        count++;
    }
    acio_close_folder(folder);
    return more < 0 ? more : count;
}

SPEC(file_folder, tells_its_entries)
{
    struct folder folder = make_folder();
    acio_folder *open;
    struct acio_folder_entry entry;
    EXPECT_EQ(list(folder.path), 0);
    put_file(&folder, "file", "");
    if (EXPECT_EQ(acio_open_folder(&open, folder.path), 0)) {
        EXPECT_EQ(acio_folder_next(open, &entry), 1);
        EXPECT_TEXT(entry.name, "file");
        EXPECT(entry.type == DT_REG || entry.type == DT_UNKNOWN);
        EXPECT_EQ(acio_folder_next(open, &entry), 0);
        EXPECT_EQ(acio_folder_next(open, &entry), 0);
        acio_close_folder(open);
    }
    EXPECT_ERR(list(in(&folder, "no")), -ENOENT);
    EXPECT_ERR(list(in(&folder, "file")), -ENOTDIR);
    remove_folder(&folder);
}

SPEC(file_folder, has_no_entries_once_it_is_removed)
{
    struct folder folder = make_folder();
    acio_folder *open;
    struct acio_folder_entry entry;
    EXPECT_EQ(mkdir(in(&folder, "inner"), 0700), 0);
    int err = acio_open_folder(&open, in(&folder, "inner"));
    EXPECT_EQ(rmdir(in(&folder, "inner")), 0);
    if (EXPECT_ERR(err, 0)) {
        EXPECT_EQ(acio_folder_next(open, &entry), 0);
        acio_close_folder(open);
    }
    remove_folder(&folder);
}

SPEC_LARGE(file_folder, may_have_more_entries_than_are_read_at_once)
{
    struct folder folder = make_folder();
    put_files(&folder, 2000);
    EXPECT_EQ(list(folder.path), 2000);
    remove_folder(&folder);
}

struct open_both_args {
    const char *path;
    acio_lines **lines;
    acio_folder **folder;
};

static int
open_both(void *arg)
{
    const struct open_both_args *a = arg;
    EXPECT_EQ(acio_open_lines(a->lines, "/dev/null", 0), 0);
    EXPECT_EQ(acio_open_folder(a->folder, a->path), 0);
    return 0;
}

TEST(file_folder, and_lines_are_closed_after_the_run_as_well)
{
    acio_lines *lines = NULL;
    acio_folder *folder = NULL;
    EXPECT_EQ(spec_run(open_both,
                  ACIO_ARGS(open_both, .path = "/proc", .lines = &lines,
                      .folder = &folder),
                  NULL),
        0);
    acio_close_lines(lines);
    acio_close_folder(folder);
}
