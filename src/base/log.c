/* SPDX-License-Identifier: MIT */
/* log.c - a sentence on standard error, and the end of the process for bugs */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
write_line(const char *format, va_list args)
{
    char line[1024] = "acio: ";
    const int prefix = 6;
    int n = vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format,
        args);
    if (n < 0)
        return;
    size_t end = (size_t)(prefix + n);
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    ssize_t written = write(STDERR_FILENO, line, end + 1);
    (void)written; /* there is nowhere left to complain */
}

void
acioi_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

void
acioi_panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
    abort();
}
