/* SPDX-License-Identifier: MIT */
/* transfer.h - connections made safe, where the library can */
#ifndef ACIO_TESTS_TRANSFER_H
#define ACIO_TESTS_TRANSFER_H

#include <acio.h>

/* Both ends' security, with the certificates in `folder`; 0 or an error. */
struct securities {
    const struct acio_security *client, *server;
    void *contexts[2];
};
int securities_open(struct securities *both, const char *folder);
void securities_close(struct securities *both);

#endif
