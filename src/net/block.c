/* SPDX-License-Identifier: MIT */
/* block.c - memory for bytes, kept for the next who needs some
 *
 * Idea.       Blocks come in sizes of powers of two. One that is given back
 *             waits for the next taker, last given first, while it is still
 *             in the processor's cache; beyond CACHE_BYTES, and for giants,
 *             there is the heap. So connections that are idle hold nothing,
 *             and steady traffic allocates nothing.
 */
#include "net/net.h"

#include "base/alloc.h"

enum { CACHE_BYTES = 4 << 20 };

static unsigned
size_of(size_t bytes)
{
    size_t room = SMALLEST_BLOCK;
    unsigned size = 0;
    while (room < bytes && size < BLOCK_SIZES) {
        room *= 2;
        size++;
    }
    return size;
}

struct acioi_block *
acioi_block_take(struct acioi_blocks *blocks, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t whole = bytes + sizeof(struct acioi_block);
    unsigned size = size_of(whole);
    struct acioi_block *block = NULL;
    if (size < BLOCK_SIZES) {
        whole = (size_t)SMALLEST_BLOCK << size;
        block = blocks->spare[size];
    }
    if (block) {
        blocks->spare[size] = block->next;
        blocks->spare_bytes -= whole;
    } else {
        block = acioi_alloc_raw(whole);
        if (!block)
            return NULL;
        block->capacity = whole - sizeof *block;
    }
    block->next = NULL;
    block->first = block->end = 0;
    return block;
}

void
acioi_block_give(struct acioi_blocks *blocks, struct acioi_block *block)
{
    size_t whole = block->capacity + sizeof *block;
    unsigned size = size_of(whole);
    if (size == BLOCK_SIZES || blocks->spare_bytes + whole > CACHE_BYTES) {
        acioi_free(block);
        return;
    }
    block->next = blocks->spare[size];
    blocks->spare[size] = block;
    blocks->spare_bytes += whole;
}

void
acioi_blocks_free(struct acioi_blocks *blocks)
{
    for (int i = 0; i < BLOCK_SIZES; i++) {
        while (blocks->spare[i]) {
            struct acioi_block *block = blocks->spare[i];
            blocks->spare[i] = block->next;
            acioi_free(block);
        }
    }
    blocks->spare_bytes = 0;
}
