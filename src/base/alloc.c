/* SPDX-License-Identifier: MIT */
/* alloc.c - every block of the library comes from here
 *
 * The allocator is the process's, like malloc(3) itself, and is set before
 * the first loop exists: it is read without a lock.
 */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct acio_allocator libc = { malloc, realloc, free };
static struct acio_allocator current = { malloc, realloc, free };

int
acio_set_allocator(const struct acio_allocator *allocator)
{
    if (!allocator)
        allocator = &libc;
    if (!allocator->malloc || !allocator->realloc || !allocator->free)
        return -EINVAL;
    current = *allocator;
    return 0;
}

void
acioi_clear(void *memory, size_t bytes)
{
    memset(memory, 0, bytes);
}

void *
acioi_alloc_raw(size_t bytes)
{
    return current.malloc(bytes);
}

void *
acioi_alloc(size_t bytes)
{
    void *memory = current.malloc(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void *
acioi_realloc(void *memory, size_t bytes)
{
    return current.realloc(memory, bytes);
}

void
acioi_free(void *memory)
{
    if (memory)
        current.free(memory);
}

char *
acioi_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = acioi_alloc_raw(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void
acio_free(void *memory)
{
    acioi_free(memory);
}
