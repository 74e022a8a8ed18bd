/* SPDX-License-Identifier: MIT */
/* address.c - socket addresses from text and to text */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };

/* ---- from text ---- */

static int
parse_scope(const char *text, uint32_t *out)
{
    *out = if_nametoindex(text);
    if (*out)
        return 0;
    char *end;
    unsigned long index = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || index > UINT32_MAX)
        return -EINVAL;
    *out = (uint32_t)index;
    return 0;
}

static int
parse_in6(struct sockaddr_in6 *out, const char *text)
{
    char digits[INET6_ADDRSTRLEN];
    const char *percent = strchrnul(text, '%');
    size_t length = (size_t)(percent - text);
    if (length >= sizeof digits)
        return -EINVAL;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, &out->sin6_addr) != 1)
        return -EINVAL;
    return *percent ? parse_scope(percent + 1, &out->sin6_scope_id) : 0;
}

int
acioi_address_parse(struct acio_address *out, const char *text, int port)
{
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &out->as.in.sin_addr) == 1) {
        out->as.in.sin_family = AF_INET;
        out->length = sizeof out->as.in;
    } else {
        out->as.in6.sin6_family = AF_INET6;
        out->length = sizeof out->as.in6;
        int err = parse_in6(&out->as.in6, text);
        if (err < 0)
            return err;
    }
    acioi_address_set_port(out, port);
    return 0;
}

/* "@name" is an abstract name, without a file, as ss(8) and socat write it. A
 * path needs its zero, an abstract name does not. */
int
acioi_address_of_path(struct acio_address *out, const char *path)
{
    struct sockaddr_un *un = &out->as.un;
    size_t length = strlen(path);
    bool abstract = *path == '@';
    memset(out, 0, sizeof *out);
    if (length == 0)
        return -EINVAL;
    if (length + !abstract > sizeof un->sun_path)
        return -ENAMETOOLONG;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, length);
    if (abstract)
        un->sun_path[0] = '\0';
    out->length = (socklen_t)(PATH_AT + length + !abstract);
    return 0;
}

/* ---- to text ---- */

static int
written(int length, size_t size)
{
    return length < 0 || (size_t)length >= size ? -ENOSPC : length;
}

static int
write_in6(const struct sockaddr_in6 *address, char *buf, size_t size)
{
    char digits[INET6_ADDRSTRLEN];
    char scope[IF_NAMESIZE + 1] = "";
    unsigned port = ntohs(address->sin6_port);
    inet_ntop(AF_INET6, &address->sin6_addr, digits, sizeof digits);
    if (address->sin6_scope_id) {
        scope[0] = '%';
        if (!if_indextoname(address->sin6_scope_id, scope + 1))
            snprintf(scope + 1, sizeof scope - 1, "%u",
                (unsigned)address->sin6_scope_id);
    }
    return written(snprintf(buf, size, "[%s%s]:%u", digits, scope, port), size);
}

/* What the kernel tells may have no zero at its end; an abstract name may have
 * some inside. */
static int
write_un(const struct acio_address *address, char *buf, size_t size)
{
    const char *path = address->as.un.sun_path;
    size_t length = address->length > PATH_AT ? address->length - PATH_AT : 0;
    if (length > 0 && path[0])
        length = strnlen(path, length);
    if (length >= size)
        return -ENOSPC;
    for (size_t i = 0; i < length; i++)
        buf[i] = path[i] ? path[i] : '@';
    buf[length] = '\0';
    return (int)length;
}

int
acioi_address_write(const struct acio_address *address, char *buf, size_t size)
{
    char digits[INET_ADDRSTRLEN];
    switch (address->as.any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->as.in.sin_addr, digits, sizeof digits);
        return written(snprintf(buf, size, "%s:%u", digits,
                           (unsigned)ntohs(address->as.in.sin_port)),
            size);
    case AF_INET6:
        return write_in6(&address->as.in6, buf, size);
    case AF_UNIX:
        return write_un(address, buf, size);
    default:
        return written(snprintf(buf, size, "?"), size);
    }
}

/* ---- ports and lists ---- */

int
acioi_address_port(const struct acio_address *address)
{
    switch (address->as.any.sa_family) {
    case AF_INET:
        return ntohs(address->as.in.sin_port);
    case AF_INET6:
        return ntohs(address->as.in6.sin6_port);
    default:
        return 0;
    }
}

void
acioi_address_set_port(struct acio_address *address, int port)
{
    if (address->as.any.sa_family == AF_INET)
        address->as.in.sin_port = htons((uint16_t)port);
    else
        address->as.in6.sin6_port = htons((uint16_t)port);
}

void
acioi_addresses_add(struct acioi_addresses *addresses,
    const struct acio_address *address, int family)
{
    if (family != AF_UNSPEC && family != address->as.any.sa_family)
        return;
    for (size_t i = 0; i < addresses->count; i++) {
        if (acio_address_equal(&addresses->list[i], address))
            return;
    }
    addresses->list[addresses->count++] = *address;
}

int
acioi_address_ask(struct acio_address *out, acio_loop *loop, int fd,
    acioi_name_function *ask)
{
    memset(out, 0, sizeof *out);
    out->length = sizeof out->as;
    return ask(loop, fd, &out->as.any, &out->length);
}

/* ---- sentences ---- */

void
acioi_text_begin(struct acioi_text *text, char *buf, size_t size)
{
    text->at = buf;
    text->room = buf ? size : 0;
    if (text->room)
        *text->at = '\0';
}

/* What does not fit is cut. */
void
acioi_text_add(struct acioi_text *text, const char *format, ...)
{
    if (text->room == 0)
        return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->at, text->room, format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : (size_t)length;
    used = used < text->room ? used : text->room - 1;
    text->at += used;
    text->room -= used;
}
