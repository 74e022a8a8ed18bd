/* SPDX-License-Identifier: MIT */
/* transfer_tls.c - both ends of a TLS connection */
#include <stdio.h>

#include <acio/tls.h>

#include "transfer.h"

static const char *
file_in(char path[512], const char *folder, const char *name)
{
    snprintf(path, 512, "%s/%s.pem", folder, name);
    return path;
}

int
securities_open(struct securities *both, const char *folder)
{
    char path[512];
    acio_tls_context *client = NULL, *server = NULL;
    int err = acio_tls_client_context(&client,
        &(struct acio_tls_options){
            .authorities_file = file_in(path, folder, "authority") });
    if (err == 0)
        err = acio_tls_server_context(&server,
            &(struct acio_tls_options){
                .certificate_file = file_in(path, folder, "server") });
    *both = (struct securities){ .contexts = { client, server } };
    if (err < 0) {
        securities_close(both);
        return err;
    }
    both->client = acio_tls_security(client);
    both->server = acio_tls_security(server);
    return 0;
}

void
securities_close(struct securities *both)
{
    acio_tls_context_free(both->contexts[0]);
    acio_tls_context_free(both->contexts[1]);
}
