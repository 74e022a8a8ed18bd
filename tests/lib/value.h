/* SPDX-License-Identifier: MIT */
/* value.h - numbers and pointers that can be compared and printed
 *
 * Idea.  EXPECT_EQ takes any two scalars. Each becomes the widest type of its
 *        kind, so that -1 never equals SIZE_MAX and the compiler has no mixed
 *        comparison to warn of.
 */
#ifndef ACIO_TESTS_VALUE_H
#define ACIO_TESTS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct spec_log;

enum spec_kind { SPEC_SIGNED, SPEC_UNSIGNED, SPEC_DOUBLE, SPEC_POINTER };

struct spec_value {
    enum spec_kind kind;
    union {
        long long number;
        unsigned long long natural;
        double real;
        const volatile void *pointer;
    };
};

struct spec_value spec_signed(long long number);
struct spec_value spec_unsigned(unsigned long long natural);
struct spec_value spec_double(double real);
struct spec_value spec_pointer(const volatile void *pointer);

bool spec_value_equal(struct spec_value a, struct spec_value b);

/* Writes the value as a person would; returns `out`. */
const char *spec_value_print(struct spec_value value, char *out, size_t bytes);

/* clang-format off */
#define SPEC_VALUE(x)                                                         \
    _Generic((x),                                                             \
        _Bool: spec_unsigned,                                                 \
        char: spec_signed,                                                    \
        signed char: spec_signed,                                             \
        short: spec_signed,                                                   \
        int: spec_signed,                                                     \
        long: spec_signed,                                                    \
        long long: spec_signed,                                               \
        unsigned char: spec_unsigned,                                         \
        unsigned short: spec_unsigned,                                        \
        unsigned int: spec_unsigned,                                          \
        unsigned long: spec_unsigned,                                         \
        unsigned long long: spec_unsigned,                                    \
        float: spec_double,                                                   \
        double: spec_double,                                                  \
        default: spec_pointer)(x)
/* clang-format on */

/* The text of a string or of a struct spec_log. */
const char *spec_text_of_string(const char *text);
const char *spec_text_of_log(const struct spec_log *log);

#define SPEC_TEXT(x)                                                           \
    _Generic((x),                                                             \
        struct spec_log *: spec_text_of_log,                                  \
        const struct spec_log *: spec_text_of_log,                            \
        default: spec_text_of_string)(x)

#endif
