/* SPDX-License-Identifier: MIT */
/* Visibility of the library's symbols, and C linkage for C++ callers. */
#ifndef ACIO_EXPORT_H
#define ACIO_EXPORT_H

#define ACIO_EXPORT __attribute__((visibility("default")))
#define ACIO_MUST_USE __attribute__((warn_unused_result))

#ifdef __cplusplus
#define ACIO_BEGIN_DECLS extern "C" {
#define ACIO_END_DECLS }
#else
#define ACIO_BEGIN_DECLS
#define ACIO_END_DECLS
#endif

#endif
