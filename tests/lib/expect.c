/* SPDX-License-Identifier: MIT */
/* expect.c - judging, and saying what was wrong */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <acio/error.h>

#include "runner.h"

/* The build runs compilers below the source tree: "../tests/x.c". */
static const char *
tidy_path(const char *file)
{
    while (strncmp(file, "../", 3) == 0)
        file += 3;
    return file;
}

/* Counts a check; says where it stands if it does not hold. */
static bool
judge(bool holds, const struct spec_site *site)
{
    atomic_fetch_add(&(*spec_shared)->checks, 1);
    if (holds)
        return true;
    atomic_fetch_add(&(*spec_shared)->failures, 1);
    printf("%s:%d: %s(%s): ", tidy_path(site->file), site->line, site->check,
        site->text);
    return false;
}

bool
spec_expect(bool holds, const struct spec_site *site)
{
    if (!judge(holds, site))
        printf("does not hold\n");
    return holds;
}

bool
spec_expect_eq(struct spec_value actual, struct spec_value wanted,
    const struct spec_site *site)
{
    char a[64], b[64];
    bool holds = spec_value_equal(actual, wanted);
    if (!judge(holds, site))
        printf("%s, not %s\n", spec_value_print(actual, a, sizeof a),
            spec_value_print(wanted, b, sizeof b));
    return holds;
}

static const char *
error_name(long long error, char *out, size_t bytes)
{
    const char *name = error < 0 ? strerrorname_np((int)-error) : NULL;
    if (name)
        snprintf(out, bytes, "-%s", name);
    else if (error < 0)
        snprintf(out, bytes, "%lld (%s)", error, acio_strerror((int)error));
    else
        snprintf(out, bytes, "%lld", error);
    return out;
}

bool
spec_expect_error(long long actual, long long wanted,
    const struct spec_site *site)
{
    char a[128], b[128];
    bool holds = actual == wanted;
    if (!judge(holds, site))
        printf("%s, not %s\n", error_name(actual, a, sizeof a),
            error_name(wanted, b, sizeof b));
    return holds;
}

bool
spec_expect_text(const char *actual, const char *wanted,
    const struct spec_site *site)
{
    bool holds = actual && wanted && strcmp(actual, wanted) == 0;
    if (!judge(holds, site))
        printf("\"%s\", not \"%s\"\n", actual ? actual : "(NULL)",
            wanted ? wanted : "(NULL)");
    return holds;
}

bool
spec_expect_near(double actual, double wanted, double tolerance,
    const struct spec_site *site)
{
    bool holds = fabs(actual - wanted) <= tolerance;
    if (!judge(holds, site))
        printf("%.17g, not %.17g +- %g\n", actual, wanted, tolerance);
    return holds;
}

bool
spec_always(bool holds, const struct spec_site *site)
{
    if (!judge(holds, site)) {
        printf("is not so always\n");
        atomic_fetch_add(&(*spec_shared)->broken, 1);
    }
    return holds;
}

void
spec_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    atomic_fetch_add(&(*spec_shared)->failures, 1);
    printf("%s:%d: ", tidy_path(file), line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

void
spec_broken(const char *format, ...)
{
    va_list args;
    atomic_fetch_add(&(*spec_shared)->broken, 1);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* Leaves without running exit handlers: the test may be deep inside a
 * coroutine, and what it holds is in nobody's hands any more. */
static _Noreturn void
leave(enum stage stage, int status)
{
    atomic_store(&(*spec_shared)->stage, (int)stage);
    fflush(stdout);
    _exit(status);
}

void
spec_stop(void)
{
    leave(STAGE_STOPPED, 0);
}

void
spec_skip(const char *reason)
{
    struct shared *shared = *spec_shared;
    snprintf(shared->reason, sizeof shared->reason, "%s", reason);
    leave(STAGE_SKIPPED, EXIT_SKIPPED);
}

bool
spec_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}

void
spec_log_add(struct spec_log *log, const char *format, ...)
{
    va_list args;
    size_t room = sizeof log->text - log->length;
    va_start(args, format);
    int n = vsnprintf(log->text + log->length, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) {
        printf("struct spec_log is full\n");
        abort();
    }
    log->length += (size_t)n;
}

unsigned long
spec_torture_n(enum spec_torture axis)
{
    const struct shared *shared = *spec_shared;
    return shared->axis == axis ? shared->n : 0;
}

void
spec_torture_reached(void)
{
    atomic_store(&(*spec_shared)->reached, true);
}
