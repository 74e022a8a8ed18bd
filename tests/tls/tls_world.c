/* SPDX-License-Identifier: MIT */
/* tls_world.c - what the tests of TLS have in common */
#include "tls_world.h"

#include <stdio.h>

const char *
certificate(const char *name)
{
    static _Thread_local char paths[4][512];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", CERTIFICATES, name);
    return path;
}

struct shake_args {
    acio_stream *stream;
    acio_tls_context *context;
    const struct handshake *handshake;
    const char *who;
    int *result;
    acio_future *done;
};

static int
shake(void *arg)
{
    struct shake_args *a = arg;
    char why[300] = "";
    const char *host = a->handshake->host ? a->handshake->host : "localhost";
    struct acio_start_tls_options options = {
        .server_hostname = *a->who == 'c' ? host : NULL,
        .handshake_timeout = a->handshake->timeout,
        .error_text = why,
        .error_text_bytes = sizeof why,
    };
    *a->result = acio_start_tls(a->stream, a->context, &options);
    if (*a->result < 0) {
        if (!a->handshake->quiet)
            note("%s: %s: %s\n", a->who, acio_strerror(*a->result), why);
        acio_abort(a->stream);
    }
    return 0;
}

static int
shake_both(struct tls_pair *pair, const struct handshake *handshake)
{
    int client = -ECANCELED, server = -ECANCELED;
    ACIO_GROUP(group);
    acio_group_create_task(&group, shake, .stream = pair->plain.client,
        .context = pair->client_context, .handshake = handshake,
        .who = "client", .result = &client);
    acio_group_create_task(&group, shake, .stream = pair->plain.served,
        .context = pair->server_context, .handshake = handshake,
        .who = "server", .result = &server);
    int err = acio_group_wait(&group);
    if (err == 0)
        err = client;
    return err < 0 ? err : server;
}

int
tls_open_again(struct tls_pair *pair, const struct handshake *handshake)
{
    int err = open_pair(&pair->plain, 0);
    return err < 0 ? err : shake_both(pair, handshake);
}

int
tls_open(struct tls_pair *pair, const struct handshake *handshake)
{
    *pair = (struct tls_pair){ .client_context = NULL };
    int err = acio_tls_client_context(&pair->client_context,
        &handshake->client);
    if (err == 0)
        err = acio_tls_server_context(&pair->server_context,
            &handshake->server);
    return err < 0 ? err : tls_open_again(pair, handshake);
}

void
tls_close(struct tls_pair *pair)
{
    if (!pair->plain.server)
        return;
    if (pair->plain.served)
        acio_abort(pair->plain.served);
    close_pair(&pair->plain);
}

void
tls_free(struct tls_pair *pair)
{
    tls_close(pair);
    acio_tls_context_free(pair->client_context);
    acio_tls_context_free(pair->server_context);
}

int
tls_leave(void *arg)
{
    const struct tls_leave_args *a = arg;
    (void)acio_close(a->stream);
    return 0;
}
