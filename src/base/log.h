/* SPDX-License-Identifier: MIT */
/* log.h - a sentence on standard error, and the end of the process for bugs
 *
 * acioi_panic is for what only a bug of the caller or of this library can
 * bring about; what the operating system answers is returned, never fatal.
 */
#ifndef ACIOI_LOG_H
#define ACIOI_LOG_H

/* Writes "acio: " and the sentence, in one write(2). */
void acioi_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* acioi_log, then abort(3). */
_Noreturn void acioi_panic(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* A claim of the author's: proven, not hoped. Checked in every build. */
#define ACIOI_ASSERT(claim)                                                    \
    ((claim) ? (void)0                                                         \
             : acioi_panic("%s:%d: %s does not hold; this is a bug in acio",   \
                   __FILE__, __LINE__, #claim))

#endif
