/* SPDX-License-Identifier: MIT */
/* redis_no_tls.c - of a build without OpenSSL */
#include <stddef.h>

#include "redis.h"

const struct acio_security *
redis_security(const char *certificate)
{
    (void)certificate;
    return NULL;
}
