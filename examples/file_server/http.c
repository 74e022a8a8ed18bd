/* SPDX-License-Identifier: MIT */
/* http.c - heads of requests, ranges, and words for answers
 *
 * Nobody is believed: a request that could be read in two ways (a body where
 * none belongs, bytes of zero, a segment like "..") is refused, because a
 * proxy in front may have read it in the other one.
 */
#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | ' ') - 'a' + 10;
}

/* In place. False for what is no path of ours: names that begin with a dot
 * are hidden, and ".." is one of them. */
static bool
decode(char *path)
{
    char *to = path;
    for (char *at = path; *at; at++, to++) {
        *to = *at;
        if (*at == '%') {
            if (!isxdigit((unsigned char)at[1]) ||
                !isxdigit((unsigned char)at[2]))
                return false;
            *to = (char)(digit(at[1]) * 16 + digit(at[2]));
            at += 2;
        }
        if (iscntrl((unsigned char)*to)) /* zero is one, too */
            return false;
    }
    *to = '\0';
    return *path == '/' && !strstr(path, "/.") && !strstr(path, "//");
}

void
http_encode(char *to, size_t size, const char *path)
{
    size_t n = 0;
    for (; *path && n + 4 < size; path++) {
        bool plain = isalnum((unsigned char)*path) || strchr("/-._~", *path);
        n += (size_t)snprintf(to + n, size - n, plain ? "%c" : "%%%02X",
            (unsigned char)*path);
    }
    to[n] = '\0';
}

static int
parse_line(struct request *out, char *line)
{
    char *save, *method = strtok_r(line, " ", &save);
    char *target = strtok_r(NULL, " ", &save);
    char *version = strtok_r(NULL, " ", &save);
    if (!version || strtok_r(NULL, " ", &save) ||
        strncmp(version, "HTTP/1.", 7) != 0)
        return 400;
    out->head = strcmp(method, "HEAD") == 0;
    if (!out->head && strcmp(method, "GET") != 0)
        return 405;
    out->keep = strcmp(version, "HTTP/1.0") != 0;
    out->path = target;
    target[strcspn(target, "?#")] = '\0';
    return decode(target) ? 200 : 404;
}

/* A name ends at its colon, and there is no space in front of that. */
static int
parse_field(struct request *out, char *line)
{
    size_t name = strcspn(line, ": \t");
    if (name == 0 || line[name] != ':')
        return 400;
    char *value = line + name + 1 + strspn(line + name + 1, " \t");
    line[name] = '\0';
    if (strcasecmp(line, "Connection") == 0)
        out->keep = strcasestr(value, "close") == NULL && out->keep;
    if (strcasecmp(line, "Range") == 0)
        out->range = value;
    bool body = strcasecmp(line, "Transfer-Encoding") == 0 ||
        (strcasecmp(line, "Content-Length") == 0 && strcmp(value, "0") != 0);
    return body ? 400 : 200;
}

int
http_parse(struct request *out, char *head)
{
    *out = (struct request){ 0 };
    char *save, *line = strtok_r(head, "\r\n", &save);
    int status = line ? parse_line(out, line) : 400;
    while (status != 400 && (line = strtok_r(NULL, "\r\n", &save))) {
        int field = parse_field(out, line);
        if (field != 200)
            status = field;
    }
    return status;
}

/* ---- ranges ---- */

/* Several ranges at once are answered with the whole, as one may. */
int
http_range(struct span *out, const char *range, int64_t size)
{
    *out = (struct span){ 0, size };
    char *end;
    if (!range || strncmp(range, "bytes=", 6) != 0 || strchr(range, ','))
        return 200;
    bool from_end = range[6] == '-';
    long long first = strtoll(range + 6 + from_end, &end, 10);
    if (end == range + 6 + from_end || first < 0)
        return 200;
    long long last = size - 1;
    if (from_end) {
        first = first < size ? size - first : 0;
    } else if (*end++ != '-') {
        return 200;
    } else if (isdigit((unsigned char)*end)) {
        last = strtoll(end, &end, 10);
    }
    if (*end)
        return 200;
    last = last < size - 1 ? last : size - 1;
    *out = (struct span){ first, last - first + 1 };
    return first < size && out->bytes > 0 ? 206 : 416;
}

/* ---- words ---- */

const char *
http_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Internal Server Error";
    }
}

const char *
http_type(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        { ".html", "text/html; charset=utf-8" },
        { ".css", "text/css" },
        { ".js", "text/javascript" },
        { ".json", "application/json" },
        { ".txt", "text/plain; charset=utf-8" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".jpg", "image/jpeg" },
    };
    const char *end = strrchr(path, '.');
    for (size_t i = 0; end && i < sizeof types / sizeof *types; i++)
        if (strcmp(end, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}
