/* SPDX-License-Identifier: MIT */
/* heap.c - the library's heap under observation
 *
 * Idea.   Each block carries a header that links it into one list, so that
 *         after a test the list holds what was leaked. The header lies in
 *         front: sanitizers still see a write past the end of the block.
 * Fault.  Under torture by allocation the n-th request is refused.
 */
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include <acio/alloc.h>

#include "runner.h"

struct block {
    alignas(max_align_t) struct block *next;
    struct block *prev;
    size_t bytes;
    unsigned long number; /* the how-manieth allocation of the test */
};

/* The allocator hook has no argument to reach these by. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block blocks = { .next = &blocks, .prev = &blocks };
static unsigned long allocations;
static size_t live, live_bytes, peak_bytes;

/* Counts an allocation; 0 where it is the one to fail. */
static unsigned long
next_number(void)
{
    pthread_mutex_lock(&lock);
    unsigned long number = ++allocations;
    pthread_mutex_unlock(&lock);
    if (number != spec_torture_n(SPEC_TORTURE_ALLOC))
        return number;
    spec_torture_reached();
    return 0;
}

static void *
link_block(struct block *block, size_t bytes, unsigned long number)
{
    if (!block)
        return NULL;
    block->bytes = bytes;
    block->number = number;
    pthread_mutex_lock(&lock);
    block->next = &blocks;
    block->prev = blocks.prev;
    block->prev->next = block;
    blocks.prev = block;
    live++;
    live_bytes += bytes;
    if (live_bytes > peak_bytes)
        peak_bytes = live_bytes;
    pthread_mutex_unlock(&lock);
    return block + 1;
}

static void
unlink_block(struct block *block)
{
    pthread_mutex_lock(&lock);
    block->prev->next = block->next;
    block->next->prev = block->prev;
    live--;
    live_bytes -= block->bytes;
    pthread_mutex_unlock(&lock);
}

static void *
counted_malloc(size_t bytes)
{
    unsigned long number = next_number();
    if (!number)
        return NULL;
    return link_block(malloc(sizeof(struct block) + bytes), bytes, number);
}

static void
counted_free(void *memory)
{
    if (!memory)
        return;
    struct block *block = (struct block *)memory - 1;
    unlink_block(block);
    free(block);
}

static void *
counted_realloc(void *memory, size_t bytes)
{
    if (!memory)
        return counted_malloc(bytes);
    unsigned long number = next_number();
    if (!number)
        return NULL;
    struct block *block = (struct block *)memory - 1;
    size_t old_bytes = block->bytes;
    unlink_block(block);
    struct block *grown = realloc(block, sizeof *block + bytes);
    if (!grown) {
        link_block(block, old_bytes, number);
        return NULL;
    }
    return link_block(grown, bytes, number);
}

void
heap_install(void)
{
    static const struct acio_allocator counted = { counted_malloc,
        counted_realloc, counted_free };
    if (acio_set_allocator(&counted) < 0)
        abort();
}

void
heap_check(void)
{
    size_t left = spec_heap_live();
    if (!left)
        return;
    spec_broken("leaks %zu blocks of the library's heap", left);
    const struct block *block = blocks.next;
    for (int shown = 0; block != &blocks && shown < 8; shown++) {
        printf("    allocation %lu: %zu bytes\n", block->number, block->bytes);
        block = block->next;
    }
}

size_t
spec_heap_live(void)
{
    pthread_mutex_lock(&lock);
    size_t count = live;
    pthread_mutex_unlock(&lock);
    return count;
}

size_t
spec_heap_allocations(void)
{
    return allocations;
}

size_t
spec_heap_bytes(void)
{
    pthread_mutex_lock(&lock);
    size_t bytes = live_bytes;
    pthread_mutex_unlock(&lock);
    return bytes;
}

size_t
spec_heap_peak_bytes(void)
{
    pthread_mutex_lock(&lock);
    size_t bytes = peak_bytes;
    peak_bytes = live_bytes;
    pthread_mutex_unlock(&lock);
    return bytes;
}
