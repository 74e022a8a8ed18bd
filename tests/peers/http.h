/* SPDX-License-Identifier: MIT */
/* http.h - as much of HTTP/1.1 as the tests with nginx and curl need */
#ifndef ACIO_TESTS_HTTP_H
#define ACIO_TESTS_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <acio.h>

/* The head of a request or a response, and how much of its body has still to
 * be read. */
struct http_head {
    char text[8192];
    bool chunked, ended, keep, expects_word; /* of "100 Continue" */
    int64_t length;                          /* of the body; -1: not told */
    int64_t left;                            /* of the body, or of a chunk */
};

/* 1, or 0 where the connection has ended in peace; an error. */
int http_read_head(acio_stream *stream, struct http_head *out);

/* Bytes of the body, as many as there is room for unless it ends; 0 when
 * it has ended; an error. */
ssize_t http_read_body(acio_stream *stream, struct http_head *head, void *buf,
    size_t size);

/* What stands behind a field's name and colon; NULL: there is no such field. */
const char *http_field(const struct http_head *head, const char *name);

#endif
