/* SPDX-License-Identifier: MIT */
/* jobs.c - URLs and the names of their files
 *
 * Names.      A name is made of host, port, path and query. What is no letter,
 *             digit, '.', '-' or '_' becomes '_', so it is a plain name in any
 *             folder, whatever the URL says. URLs that come to the same name
 *             are told apart by "~2", "~3", which no URL can ask for.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"

enum { NAME_BYTES = 200, QUOTED = 80 };

/* ---- names ---- */

static void
append_part(char *name, CURLU *parts, CURLUPart part, char before)
{
    char *text = NULL;
    if (curl_url_get(parts, part, &text, 0) != CURLUE_OK)
        return;
    size_t at = strlen(name);
    if (before && at < NAME_BYTES)
        name[at++] = before;
    for (const char *c = text; *c && at < NAME_BYTES; c++) {
        bool plain = isascii(*c) && (isalnum(*c) || strchr(".-", *c));
        name[at++] = plain ? *c : '_';
    }
    name[at] = '\0';
    curl_free(text);
}

/* Neither hidden, nor "." or "..", nor an option of some command. */
static char *
name_of(CURLU *parts)
{
    char name[NAME_BYTES + 1] = "";
    append_part(name, parts, CURLUPART_HOST, 0);
    append_part(name, parts, CURLUPART_PORT, '_');
    append_part(name, parts, CURLUPART_PATH, 0);
    append_part(name, parts, CURLUPART_QUERY, '_');
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '_')
        name[--length] = '\0';
    if (strchr(".-", name[0]))
        name[0] = '_';
    return strdup(name);
}

static int
compare_names(const void *a, const void *b)
{
    const struct job *const *one = a, *const *other = b;
    int order = strcmp((*one)->name, (*other)->name);
    if (order)
        return order;
    return (*one)->number < (*other)->number ? -1 : 1;
}

static bool
add_number(struct job *job, size_t number)
{
    char *name;
    if (asprintf(&name, "%s~%zu", job->name, number) < 0)
        return false;
    free(job->name);
    job->name = name;
    return true;
}

static bool
number_equals(struct job **sorted, size_t count)
{
    size_t equals = 1, first = 0;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[first]->name, sorted[i]->name) == 0) {
            if (!add_number(sorted[i], ++equals))
                return false;
        } else {
            first = i;
            equals = 1;
        }
    }
    return true;
}

bool
jobs_name_files(struct jobs *jobs)
{
    struct job **sorted = calloc(jobs->count + 1, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < jobs->count; i++)
        sorted[i] = &jobs->at[i];
    qsort(sorted, jobs->count, sizeof *sorted, compare_names);
    bool ok = number_equals(sorted, jobs->count);
    free(sorted);
    return ok;
}

/* ---- URLs ---- */

/* Why it is none; NULL where it is one. */
static const char *
fault_of(CURLU *parts, const char *url)
{
    if (!strstr(url, "://"))
        return "it has no http:// or https:// in front";
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code == CURLUE_UNSUPPORTED_SCHEME)
        return "only http and https can be fetched";
    if (code != CURLUE_OK)
        return curl_url_strerror(code);
    char *scheme = NULL;
    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    bool good = scheme && strncmp(scheme, "http", 4) == 0;
    curl_free(scheme);
    return good ? NULL : "only http and https can be fetched";
}

static bool
append(struct jobs *jobs, const char *url, CURLU *parts)
{
    if (jobs->count == jobs->room) {
        size_t room = jobs->room ? 2 * jobs->room : 64;
        struct job *at = realloc(jobs->at, room * sizeof *at);
        if (!at)
            return false;
        jobs->at = at;
        jobs->room = room;
    }
    struct job *job = &jobs->at[jobs->count];
    *job = (struct job){ strdup(url), name_of(parts), jobs->count };
    jobs->count++;
    return job->url && job->name;
}

bool
jobs_add(struct jobs *jobs, const char *url, const char *place,
    struct report *report)
{
    CURLU *parts = curl_url();
    if (!parts)
        return false;
    bool ok = true;
    const char *fault = fault_of(parts, url);
    if (fault) {
        report_say(report, "%s: not a URL: \"%.*s%s\": %s", place, QUOTED, url,
            strlen(url) > QUOTED ? "..." : "", fault);
        report_count(report, "bad URL", 1);
    } else {
        ok = append(jobs, url, parts);
    }
    curl_url_cleanup(parts);
    return ok;
}

/* ---- the file of URLs ---- */

/* The line without the space around it; NULL where it holds no URL. */
static char *
trim(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\0')
            line[i] = '?';
    }
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    while (isspace((unsigned char)*line))
        line++;
    return *line && *line != '#' ? line : NULL;
}

static bool
read_lines(struct jobs *jobs, FILE *file, const char *name,
    struct report *report)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t length;
    bool ok = true;
    while (ok && (length = getline(&line, &room, file)) >= 0) {
        char place[300];
        snprintf(place, sizeof place, "%.250s:%zu", name, ++number);
        char *url = trim(line, (size_t)length);
        if (url)
            ok = jobs_add(jobs, url, place, report);
    }
    free(line);
    return ok;
}

static int
load_file(struct jobs *jobs, const char *path, struct report *report)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    errno = file ? 0 : errno;
    bool ok = file &&
        read_lines(jobs, file, is_stdin ? "stdin" : path, report) &&
        !ferror(file);
    if (!ok)
        report_say(report, "cannot read %s: %s", path,
            strerror(errno ? errno : ENOMEM));
    if (file && !is_stdin)
        fclose(file);
    return ok ? 0 : EXIT_USAGE;
}

int
jobs_load(struct jobs *jobs, const struct options *options,
    struct report *report)
{
    for (int i = 0; i < options->url_count; i++) {
        if (!jobs_add(jobs, options->urls[i], "command line", report))
            return EXIT_USAGE;
    }
    return options->input ? load_file(jobs, options->input, report) : 0;
}

void
jobs_free(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++) {
        free(jobs->at[i].url);
        free(jobs->at[i].name);
    }
    free(jobs->at);
    *jobs = (struct jobs){ 0 };
}
