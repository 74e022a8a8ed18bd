/* SPDX-License-Identifier: MIT */
/* What the three programs share: the two kinds of frames, and numbers.
 *
 *     client <-> gateway      bytes (4), and so many bytes
 *     gateway <-> back end    id (4), bytes (4), and so many bytes
 *
 * Numbers go with the highest byte first. The back end gives a request back
 * with each byte masked, under the id it came with, in any order.
 */
#ifndef COMMON_H
#define COMMON_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    CLIENT_HEAD = 4,
    LINK_HEAD = 8,
    BODY_MOST = 65536, /* bytes of a frame without its head */
    MASK = 0x5a,
    EXIT_USAGE = 2,
    EXIT_CTRL_C = 130
};

static inline void
put_number(char *at, uint32_t number)
{
    number = htonl(number);
    memcpy(at, &number, sizeof number);
}

static inline uint32_t
get_number(const char *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return ntohl(number);
}

/* False, and a sentence, where `text` is no number from `least` to `most`. */
bool parse_number(int *out, const char *text, int least, int most);

/* As many file descriptors as this process may have at all. */
void raise_fd_limit(void);

/* Of this process, in KiB; 0 where the kernel does not tell. */
struct memory {
    long rss, pss;
};
struct memory memory_now(void);

#endif
