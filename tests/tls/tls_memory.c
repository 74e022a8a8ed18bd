/* SPDX-License-Identifier: MIT */
/* OpenSSL's memory, from which that of TLS is taken: nothing is left behind,
 * and where there is none it is told. */
#include "tls_world.h"

#include <stdlib.h>

#include <openssl/crypto.h>

/* OpenSSL's hooks have no argument to reach these by. */
static long live, count, failing;

static bool
is_refused(void)
{
    count++;
    return failing && count == failing;
}

static void *
take(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    void *memory = is_refused() ? NULL : malloc(bytes);
    live += memory != NULL;
    return memory;
}

static void
give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    live -= memory != NULL;
    free(memory);
}

static void *
take_again(void *memory, size_t bytes, const char *file, int line)
{
    if (!memory)
        return take(bytes, file, line);
    if (bytes == 0) {
        give(memory, file, line);
        return NULL;
    }
    return is_refused() ? NULL : realloc(memory, bytes);
}

__attribute__((constructor)) static void
watch_openssl(void)
{
    CRYPTO_set_mem_functions(take, take_again, give);
}

/* Connects, talks, closes; 0 or the first error. */
static int
talk(const struct handshake *handshake)
{
    struct tls_pair pair;
    char buf[8];
    int err = tls_open(&pair, handshake);
    if (err == 0)
        err = say(pair.plain.client, "ping");
    if (err == 0) {
        ssize_t n = acio_readexactly(pair.plain.served, buf, 4);
        err = n < 0 ? (int)n : 0;
    }
    tls_free(&pair);
    return err;
}

static void
expect_nothing_left(const struct handshake *handshake, int wanted)
{
    /* what OpenSSL makes once, and keeps */
    for (int i = 0; i < 3; i++)
        EXPECT_ERR(talk(handshake), wanted);
    settle();
    long before = live;
    for (int i = 0; i < 5; i++)
        EXPECT_ERR(talk(handshake), wanted);
    settle();
    EXPECT_EQ(live, before);
}

SPEC_LARGE(tls_memory, is_given_back_with_the_connection)
{
    expect_nothing_left(&(struct handshake){ LOCALHOST }, 0);
    EXPECT_NOTED("");
}

SPEC_LARGE(tls_memory, is_given_back_after_a_failure)
{
    struct handshake handshake = { TRUSTED, SERVED_BY("expired.pem"),
        .quiet = true };
    for (int i = 0; i < 3; i++)
        EXPECT_ERR(talk(&handshake), -ACIO_ETLSVERIFY);
    long before = live;
    for (int i = 0; i < 2; i++)
        EXPECT_ERR(talk(&handshake), -ACIO_ETLSVERIFY);
    EXPECT_EQ(live, before);
}

/* Every STEP-th allocation of a connection fails in its turn. OpenSSL does
 * without some of them; no other code than success and an error may come. */
SPEC_KIND(tls_memory, that_is_refused_is_told, "sim", SPEC_NO_TORTURE, )
{
    enum { STEP = 23 };
    struct handshake handshake = { LOCALHOST, .quiet = true };
    EXPECT_ERR(talk(&handshake), 0);
    int failed = 0;
    for (long n = 1; !failing || count >= failing; n += STEP) {
        count = 0;
        failing = n;
        failed += talk(&handshake) < 0;
    }
    failing = 0;
    EXPECT(failed > 20);
    EXPECT_ERR(talk(&handshake), 0);
}
