/* SPDX-License-Identifier: MIT */
/* net.c - the layer's side of a loop: slots, flushing, the end
 *
 * Idea.       A slot that is free lies in a list and keeps the count of its
 *             takings; the next one gives it the next number. Slabs of slots
 *             are given back with the loop, so that looking at an old handle
 *             is safe.
 *
 * Flushing.   Streams that were written to wait in a list, and one handle of
 *             the loop flushes them all in the next pass: small writes of one
 *             pass leave in one send.
 *
 * The end.    The loop first waits for every operation and every thread, then
 *             asks for what is left to be freed: nothing is in use any more.
 */
#include "net/net.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

enum {
    SLAB_SLOTS = 32,
    NUMBERS = SLOT_BYTES /* of handles; 0 is never given */
};

struct acioi_slab {
    struct acioi_slab *next;
    char *slots; /* aligned, inside of `memory` */
    char memory[(SLAB_SLOTS + 1) * SLOT_BYTES];
};

/* A slot while it is free. */
struct spare_slot {
    struct acioi_slot slot;
    struct acioi_slot *next;
};

_Static_assert(sizeof(struct acioi_stream) <= SLOT_BYTES,
    "a stream should fit into its slot");

static const char key;

/* ---- slots ---- */

static int
add_slab(struct acioi_net *net)
{
    struct acioi_slab *slab = acioi_alloc(sizeof *slab);
    if (!slab)
        return -ENOMEM;
    uintptr_t at = (uintptr_t)slab->memory + SLOT_BYTES - 1;
    slab->slots = (char *)(at & ~(uintptr_t)(SLOT_BYTES - 1));
    slab->next = net->slabs;
    net->slabs = slab;
    for (int i = SLAB_SLOTS - 1; i >= 0; i--) {
        struct spare_slot *spare = (void *)(slab->slots + i * SLOT_BYTES);
        spare->slot.net = net;
        spare->next = net->spare;
        net->spare = &spare->slot;
    }
    return 0;
}

struct acioi_slot *
acioi_slot_take(struct acioi_net *net, enum acioi_slot_kind kind)
{
    if (!net->spare && add_slab(net) < 0)
        return NULL;
    struct acioi_slot *slot = net->spare;
    net->spare = ((struct spare_slot *)slot)->next;
    memset(slot + 1, 0, SLOT_BYTES - sizeof *slot);
    slot->number = (uint16_t)(++slot->takings % (NUMBERS - 1) + 1);
    slot->kind = (uint8_t)kind;
    slot->taken = true;
    return slot;
}

void
acioi_slot_give(struct acioi_slot *slot)
{
    ACIOI_ASSERT(slot->taken);
    struct acioi_net *net = slot->net;
    slot->number = 0;
    slot->taken = false;
    ((struct spare_slot *)slot)->next = net->spare;
    net->spare = slot;
}

int
acioi_slot_refuse(const void *handle)
{
    uintptr_t bits = (uintptr_t)handle;
    const struct acioi_slot *slot = (void *)(bits &
        ~(uintptr_t)(SLOT_BYTES - 1));
    if (!handle)
        return -EINVAL;
    if (!acioi_running_loop)
        return -ACIO_ENOLOOP;
    if (slot->net->loop != acioi_running_loop)
        return -ACIO_EFOREIGN;
    return -ACIO_ECLOSED;
}

/* ---- flushing ---- */

/* A stream that is written to meanwhile waits for the next pass. */
static void
flush_all(void *arg)
{
    struct acioi_net *net = arg;
    struct acio_link dirty;
    acioi_list_init(&dirty);
    acioi_list_splice_back(&dirty, &net->dirty);
    struct acio_link *link;
    while ((link = acioi_list_first(&dirty)))
        acioi_output_flush(acioi_container_of(link, struct acioi_stream, link));
}

void
acioi_net_flush_soon(struct acioi_net *net, struct acioi_stream *stream)
{
    if (acioi_linked(&stream->link))
        return;
    if (acioi_list_empty(&net->dirty))
        acio_loop_call_soon(net->loop, &net->flush, flush_all, net);
    acioi_list_push_back(&net->dirty, &stream->link);
}

/* ---- beginning and end ---- */

static void
drop_slot(struct acioi_slot *slot)
{
    if (!slot->taken)
        return;
    if (slot->kind == ACIOI_SLOT_STREAM)
        acioi_stream_drop((struct acioi_stream *)slot);
    else if (slot->kind == ACIOI_SLOT_SERVER)
        acioi_server_drop((struct acioi_server *)slot);
    else
        acioi_datagram_drop((struct acioi_datagram *)slot);
}

static void
drop_slabs(struct acioi_net *net)
{
    struct acioi_slab *slab = net->slabs;
    for (; slab; slab = slab->next) {
        for (int i = 0; i < SLAB_SLOTS; i++)
            drop_slot((void *)(slab->slots + i * SLOT_BYTES));
    }
    while ((slab = net->slabs)) {
        net->slabs = slab->next;
        acioi_free(slab);
    }
}

static void
release(struct acio_loop_part *part, acio_loop *loop)
{
    (void)loop;
    struct acioi_net *net = acioi_container_of(part, struct acioi_net, part);
    acioi_crew_close(net);
    drop_slabs(net);
    acioi_blocks_free(&net->blocks);
    acioi_free(net);
}

struct acioi_net *
acioi_net_of(acio_loop *loop)
{
    struct acio_loop_part *part = acio_loop_find_part(loop, &key);
    if (part)
        return acioi_container_of(part, struct acioi_net, part);
    struct acioi_net *net = acioi_alloc(sizeof *net);
    if (!net)
        return NULL;
    net->loop = loop;
    acioi_list_init(&net->dirty);
    net->part.key = &key;
    net->part.release = release;
    acio_loop_attach(loop, &net->part);
    return net;
}
