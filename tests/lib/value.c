/* SPDX-License-Identifier: MIT */
/* value.c - numbers and pointers that can be compared and printed */
#include "value.h"

#include <stdio.h>

#include "spec.h"

struct spec_value
spec_signed(long long number)
{
    return (struct spec_value){ .kind = SPEC_SIGNED, .number = number };
}

struct spec_value
spec_unsigned(unsigned long long natural)
{
    return (struct spec_value){ .kind = SPEC_UNSIGNED, .natural = natural };
}

struct spec_value
spec_double(double real)
{
    return (struct spec_value){ .kind = SPEC_DOUBLE, .real = real };
}

struct spec_value
spec_pointer(const volatile void *pointer)
{
    return (struct spec_value){ .kind = SPEC_POINTER, .pointer = pointer };
}

static double
real_of(struct spec_value value)
{
    if (value.kind == SPEC_SIGNED)
        return (double)value.number;
    if (value.kind == SPEC_UNSIGNED)
        return (double)value.natural;
    return value.real;
}

static bool
is_negative(struct spec_value value)
{
    return value.kind == SPEC_SIGNED && value.number < 0;
}

bool
spec_value_equal(struct spec_value a, struct spec_value b)
{
    if (a.kind == SPEC_POINTER && b.kind == SPEC_POINTER)
        return a.pointer == b.pointer;
    if (a.kind == SPEC_POINTER || b.kind == SPEC_POINTER)
        return false;
    if (a.kind == SPEC_DOUBLE || b.kind == SPEC_DOUBLE)
        return real_of(a) == real_of(b);
    return is_negative(a) == is_negative(b) && a.natural == b.natural;
}

const char *
spec_value_print(struct spec_value value, char *out, size_t bytes)
{
    switch (value.kind) {
    case SPEC_SIGNED:
        snprintf(out, bytes, "%lld", value.number);
        break;
    case SPEC_UNSIGNED:
        snprintf(out, bytes, "%llu", value.natural);
        break;
    case SPEC_DOUBLE:
        snprintf(out, bytes, "%.17g", value.real);
        break;
    case SPEC_POINTER:
        snprintf(out, bytes, "%p", (const void *)value.pointer);
        break;
    }
    return out;
}

const char *
spec_text_of_string(const char *text)
{
    return text;
}

const char *
spec_text_of_log(const struct spec_log *log)
{
    return log->text;
}
