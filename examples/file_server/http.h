/* SPDX-License-Identifier: MIT */
/* The part of HTTP/1.1 (RFC 9112) that a server of files has to understand. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
    char *path;        /* decoded, "/" in front, without the query */
    bool head;         /* HEAD: the answer has no body */
    bool keep;         /* the connection, for the next request */
    const char *range; /* "bytes=...", or NULL */
};

struct span {
    int64_t begin, bytes;
};

/* Understand a head, which is changed for that.
 *
 *   returns   200; else the status to answer with */
int http_parse(struct request *out, char *head);

/* What a range means for `size` bytes.
 *
 *   returns   200 (the whole), 206, or 416 where nothing of it is there */
int http_range(struct span *out, const char *range, int64_t size);

/* A path as it stands in a field: spaces and the like as %20. */
void http_encode(char *to, size_t size, const char *path);

const char *http_reason(int status);
const char *http_type(const char *path);

#endif
