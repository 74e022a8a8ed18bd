/* SPDX-License-Identifier: MIT */
/* version.c - what the running library says of itself */
#include <acio/version.h>

const char *
acio_version(void)
{
    return ACIO_VERSION;
}
