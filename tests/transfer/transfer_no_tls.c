/* SPDX-License-Identifier: MIT */
/* transfer_no_tls.c - built without OpenSSL */
#include <errno.h>

#include "transfer.h"

int
securities_open(struct securities *both, const char *folder)
{
    (void)folder;
    *both = (struct securities){ .client = NULL };
    return -ENOSYS;
}

void
securities_close(struct securities *both)
{
    (void)both;
}
