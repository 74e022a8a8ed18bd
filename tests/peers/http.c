/* SPDX-License-Identifier: MIT */
/* http.c - heads by readuntil, chunks by readline, bodies by readexactly */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *
http_field(const struct http_head *head, const char *name)
{
    size_t bytes = strlen(name);
    const char *line = head->text;
    while ((line = strstr(line, "\r\n"))) {
        line += 2;
        if (strncasecmp(line, name, bytes) == 0 && line[bytes] == ':')
            return line + bytes + 1 + strspn(line + bytes + 1, " ");
    }
    return NULL;
}

static bool
says(const struct http_head *head, const char *name, const char *word)
{
    const char *value = http_field(head, name);
    return value && strncasecmp(value, word, strlen(word)) == 0;
}

int
http_read_head(acio_stream *stream, struct http_head *out)
{
    ssize_t n = acio_readuntil(stream, out->text, sizeof out->text, "\r\n\r\n",
        4);
    if (n == -ACIO_EINCOMPLETE && acio_stream_partial(stream) == 0)
        return 0;
    if (n < 0)
        return (int)n;
    const char *length = http_field(out, "Content-Length");
    out->chunked = says(out, "Transfer-Encoding", "chunked");
    out->keep = !says(out, "Connection", "close");
    out->expects_word = says(out, "Expect", "100-continue");
    out->length = length ? strtoll(length, NULL, 10) : -1;
    out->left = length && !out->chunked ? out->length : 0;
    out->ended = !out->chunked && out->left == 0;
    return 1;
}

/* The size of the next chunk; behind the last one come fields and an empty
 * line. */
static int
next_chunk(acio_stream *stream, struct http_head *head)
{
    char line[256];
    ssize_t n = acio_readline(stream, line, sizeof line);
    if (n <= 0 || line[n - 1] != '\n')
        return n < 0 ? (int)n : -ACIO_EINCOMPLETE;
    char *end;
    head->left = strtoll(line, &end, 16);
    if (end == line || head->left < 0)
        return -EBADMSG;
    head->ended = head->left == 0;
    while (head->ended && n > 0 && line[0] != '\r')
        n = acio_readline(stream, line, sizeof line);
    return n > 0 ? 0 : n < 0 ? (int)n : -ACIO_EINCOMPLETE;
}

ssize_t
http_read_body(acio_stream *stream, struct http_head *head, void *buf,
    size_t size)
{
    char end[2];
    if (!head->ended && head->left == 0) {
        int err = next_chunk(stream, head);
        if (err < 0)
            return err;
    }
    if (head->ended)
        return 0;
    size_t wanted = (int64_t)size < head->left ? size : (size_t)head->left;
    ssize_t n = acio_readexactly(stream, buf, wanted);
    if (n < 0)
        return n;
    head->left -= n;
    head->ended = !head->chunked && head->left == 0;
    ssize_t more = 0;
    if (head->chunked && head->left == 0)
        more = acio_readexactly(stream, end, sizeof end);
    return more < 0 ? more : n;
}
