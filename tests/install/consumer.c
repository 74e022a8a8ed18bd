/* SPDX-License-Identifier: MIT */
/* A stranger's program: it sees what is installed, and nothing else. */
#include <acio.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
    printf("acio %s: %s\n", acio_version(), acio_strerror(0));
    return strcmp(acio_version(), ACIO_VERSION) != 0;
}
