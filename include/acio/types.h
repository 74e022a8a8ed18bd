/* SPDX-License-Identifier: MIT */
/* The parts that callers embed in structs of their own. */
#ifndef ACIO_TYPES_H
#define ACIO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"

/* A place in one of the library's lists. All zero: in none. */
struct acio_link {
    struct acio_link *next, *prev;
};

/* A place in a heap, by time. All zero: in none. */
struct acio_heap_node {
    struct acio_heap_node *child, *next, *prev;
    int64_t when_ns;
    uint64_t sequence;
};

/* A line of a stream or a file, without its end; valid until the next one is
 * asked for. A zero follows its bytes, of which some may be zero too. */
struct acio_line {
    const char *text;
    size_t bytes;
};

typedef struct acio_loop acio_loop;

typedef void acio_callback(void *arg);

#endif
