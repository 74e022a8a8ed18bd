/* SPDX-License-Identifier: MIT */
/* Every error has a sentence, and no two codes of the library share one. */
#include <acio/error.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>

#include "spec.h"

static const int codes[] = { ACIO_ENOLOOP, ACIO_ENOTASK, ACIO_ERUNNING,
    ACIO_ECLOSED, ACIO_EGONE, ACIO_ESELF, ACIO_EFOREIGN, ACIO_EINVALIDSTATE,
    ACIO_EINCOMPLETE, ACIO_ELIMIT, ACIO_EQUEUEEMPTY, ACIO_EQUEUEFULL,
    ACIO_EQUEUESHUTDOWN, ACIO_ENOTLOCKED, ACIO_EBROKENBARRIER, ACIO_ETLS,
    ACIO_ETLSVERIFY, ACIO_ETLSALERT, ACIO_ETLSEOF, ACIO_ENOTTLS };
enum { CODES = sizeof codes / sizeof *codes };

TEST(error, of_the_system_has_the_systems_sentence)
{
    EXPECT_TEXT(acio_strerror(-ECANCELED), strerror(ECANCELED));
    EXPECT_TEXT(acio_strerror(ENOENT), strerror(ENOENT));
}

TEST(error, of_the_library_has_a_sentence_of_its_own)
{
    for (int i = 0; i < CODES; i++) {
        const char *text = acio_strerror(-codes[i]);
        EXPECT(strcmp(text, "unknown error") != 0);
        EXPECT_TEXT(acio_strerror(codes[i]), text);
        for (int j = 0; j < i; j++)
            EXPECT(strcmp(text, acio_strerror(codes[j])) != 0);
    }
}

TEST(error, of_name_resolution_has_the_resolvers_sentence)
{
    EXPECT_TEXT(acio_strerror(-(ACIO_EAI_BASE - EAI_NONAME)), "no such host");
    EXPECT_TEXT(acio_strerror(-(ACIO_EAI_BASE - EAI_AGAIN)),
        gai_strerror(EAI_AGAIN));
}

TEST(error, that_nobody_knows_is_called_unknown)
{
    EXPECT_TEXT(acio_strerror(0), "success");
    EXPECT_TEXT(acio_strerror(5000), "unknown error");
    EXPECT_TEXT(acio_strerror(ACIO_ELAST + 1), "unknown error");
    EXPECT_TEXT(acio_strerror(INT_MIN), "unknown error");
    EXPECT_TEXT(acio_strerror(INT_MAX), "unknown error");
}

TEST(error, of_the_library_lies_outside_errno)
{
    for (int code = ACIO_EFIRST; code <= ACIO_ELAST; code++)
        EXPECT(strerrordesc_np(code) == NULL);
}
