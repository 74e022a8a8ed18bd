/* SPDX-License-Identifier: MIT */
/* The version, as the compiler saw it and as the library tells it. */
#ifndef ACIO_VERSION_H
#define ACIO_VERSION_H

#include "export.h"

ACIO_BEGIN_DECLS

#define ACIO_VERSION_MAJOR 0
#define ACIO_VERSION_MINOR 1
#define ACIO_VERSION_PATCH 0
#define ACIO_VERSION "0.1.0"

/* The version of the library that is running, which may be newer than
 * ACIO_VERSION, the one that was compiled against.
 *
 *   returns   "major.minor.patch"
 *   suspends  no
 *   cancel    -
 *   owner     static storage; valid for ever
 *   thread    any
 *   python    -
 */
ACIO_EXPORT const char *acio_version(void);

ACIO_END_DECLS

#endif
