/* SPDX-License-Identifier: MIT */
/* alloc.h - every block of the library comes from here
 *
 * Idea.  One door, so that a user can bring an allocator and a test can fail
 *        the n-th allocation.
 */
#ifndef ACIOI_ALLOC_H
#define ACIOI_ALLOC_H

#include <stddef.h>

#include <acio/alloc.h>

/* Zeroed memory, or NULL. */
void *acioi_alloc(size_t bytes);

/* Memory of any content, or NULL. */
void *acioi_alloc_raw(size_t bytes);

/* As realloc(3): the old block stays valid where NULL is returned. */
void *acioi_realloc(void *memory, size_t bytes);

/* Clears memory. What the compiler would inline for a struct of some hundred
 * bytes (rep stos) takes three times as long. */
void acioi_clear(void *memory, size_t bytes);

/* Frees a block; NULL is fine. */
void acioi_free(void *memory);

/* A copy of `text`, or NULL. */
char *acioi_strdup(const char *text);

#endif
