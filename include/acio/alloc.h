/* SPDX-License-Identifier: MIT */
/* Where the library's heap memory comes from. */
#ifndef ACIO_ALLOC_H
#define ACIO_ALLOC_H

#include <stddef.h>

#include "export.h"

ACIO_BEGIN_DECLS

/* The three functions of <stdlib.h>, with their contracts. */
struct acio_allocator {
    void *(*malloc)(size_t bytes);
    void *(*realloc)(void *memory, size_t bytes);
    void (*free)(void *memory);
};

/* Take the library's memory from another allocator. To be called before the
 * first loop exists; NULL goes back to the C library's.
 *
 *   returns   0; -EINVAL where a function is missing
 *   suspends  no
 *   cancel    -
 *   owner     the struct is copied
 *   thread    any, while no loop exists in any thread
 *   python    PyMem_SetAllocator
 */
ACIO_EXPORT int acio_set_allocator(const struct acio_allocator *allocator);

/* Free memory that the library handed out to be freed with this.
 *
 *   returns   -
 *   suspends  no
 *   cancel    -
 *   owner     `memory` is taken; NULL is fine
 *   thread    any
 *   python    -
 */
ACIO_EXPORT void acio_free(void *memory);

ACIO_END_DECLS

#endif
