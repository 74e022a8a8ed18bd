/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <acio/version.h>

#include "spec.h"

TEST(version, of_the_library_is_that_of_the_header)
{
    EXPECT_TEXT(acio_version(), ACIO_VERSION);
}

TEST(version, consists_of_its_three_numbers)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", ACIO_VERSION_MAJOR,
        ACIO_VERSION_MINOR, ACIO_VERSION_PATCH);
    EXPECT_TEXT(ACIO_VERSION, text);
}
