/* SPDX-License-Identifier: MIT */
/* redis_tls.c - a connection goes on when its context is gone */
#include <acio/tls.h>

#include "redis.h"

int
redis_connect_tls(acio_stream **out, const char *host, int port,
    const char *certificate, const struct acio_connect_options *options)
{
    acio_tls_context *context;
    int err = acio_tls_client_context(&context,
        &(struct acio_tls_options){ .authorities_file = certificate });
    if (err < 0)
        return err;
    struct acio_connect_options safe = *options;
    safe.security = acio_tls_security(context);
    err = acio_open_connection(out, host, port, &safe);
    acio_tls_context_free(context);
    return err;
}
