/* SPDX-License-Identifier: MIT */
/* async with: a variable whose clean-up suspends; patterns/resource prints
 *     ann: open, done, closed
 *     bob: open, interrupted, closed
 *     Connection timed out
 */
#include <acio.h>
#include <stdio.h>

struct link {
    const char *peer; /* NULL: not open */
};
#define LINK(name) __attribute__((cleanup(link_close))) struct link name = { 0 }

static int
link_open(struct link *link, const char *peer)
{
    int err = acio_sleep(0.02); /* shaking hands */
    link->peer = err < 0 ? NULL : peer;
    return err;
}

static void
link_close(struct link *link)
{
    if (!link->peer)
        return;
    ACIO_SHIELD(shield);      /* a cancel has to wait, */
    ACIO_TIMEOUT(limit, 0.5); /* but not for long */
    acio_sleep(0.02);         /* saying goodbye */
    printf(", closed\n");
}

static int
talk(const char *peer, double seconds)
{
    LINK(link); /* closed on every way out */
    int err = link_open(&link, peer);
    if (err < 0)
        return err;
    printf("%s: open", peer);
    err = acio_sleep(seconds);
    printf(err < 0 ? ", interrupted" : ", done");
    return err;
}

static int
amain(void *arg)
{
    (void)arg;
    ACIO_TIMEOUT(limit, 0.2);
    talk("ann", 0.05);
    return talk("bob", 10);
}

int
main(void)
{
    printf("%s\n", acio_strerror(acio_run(amain)));
}
