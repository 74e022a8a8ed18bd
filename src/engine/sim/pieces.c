/* SPDX-License-Identifier: MIT */
/* pieces.c - memory of the caller's, in one or many pieces */
#include "sim.h"

#include <string.h>

static void
count_bytes(struct sim_pieces *pieces)
{
    pieces->bytes = 0;
    for (size_t i = 0; i < pieces->count; i++)
        pieces->bytes += pieces->vectors[i].iov_len;
}

void
acioi_sim_pieces_of(struct sim_pieces *pieces, const struct msghdr *header,
    int flags)
{
    pieces->vectors = header->msg_iov;
    pieces->count = header->msg_iovlen;
    pieces->flags = flags;
    count_bytes(pieces);
}

void
acioi_sim_find_pieces(struct sim_pieces *pieces, const acio_op *op)
{
    if (op->kind == ACIO_OP_RECVMSG || op->kind == ACIO_OP_SENDMSG) {
        acioi_sim_pieces_of(pieces, op->u.msg.header, op->u.msg.flags);
        return;
    }
    pieces->one.iov_base = op->u.buf.data;
    pieces->one.iov_len = op->u.buf.bytes;
    pieces->vectors = &pieces->one;
    pieces->count = 1;
    bool plain = op->kind == ACIO_OP_READ || op->kind == ACIO_OP_WRITE;
    pieces->flags = plain ? 0 : op->u.buf.flags;
    count_bytes(pieces);
}

void
acioi_sim_scatter(const struct sim_pieces *pieces, size_t at, const char *data,
    size_t bytes)
{
    for (size_t i = 0; i < pieces->count && bytes > 0; i++) {
        const struct iovec *vector = &pieces->vectors[i];
        if (at >= vector->iov_len) {
            at -= vector->iov_len;
            continue;
        }
        size_t part = vector->iov_len - at;
        part = part < bytes ? part : bytes;
        memcpy((char *)vector->iov_base + at, data, part);
        data += part;
        bytes -= part;
        at = 0;
    }
}

void
acioi_sim_gather(const struct sim_pieces *pieces, char *data, size_t bytes)
{
    for (size_t i = 0; i < pieces->count && bytes > 0; i++) {
        const struct iovec *vector = &pieces->vectors[i];
        size_t part = vector->iov_len < bytes ? vector->iov_len : bytes;
        if (part > 0)
            memcpy(data, vector->iov_base, part);
        data += part;
        bytes -= part;
    }
}
