/* SPDX-License-Identifier: MIT */
/* uring_buffers.c - memory that the kernel picks from when data is there */
#include "engine/uring_buffers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static const size_t ring_bytes = ACIOI_BUFFERS_MAX *
    sizeof(struct uring_buffer);
static const size_t memory_bytes = (size_t)ACIOI_BUFFERS_MAX *
    ACIOI_BUFFER_BYTES;

/* The kernel writes here: a forked child's copy would be torn. */
static void *
map_private(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes, MADV_DONTFORK);
    return memory;
}

static int
register_ring(struct acioi_buffers *buffers, struct acioi_ring *ring)
{
    struct uring_buffer_registration registration = {
        .address = (uint64_t)(uintptr_t)buffers->ring,
        .entries = ACIOI_BUFFERS_MAX,
        .group = ACIOI_BUFFER_GROUP,
    };
    return acioi_ring_register(ring, URING_REGISTER_PBUF_RING, &registration,
        1);
}

static void
give_new(struct acioi_buffers *buffers, int count)
{
    while (buffers->made < count)
        acioi_buffers_give(buffers, buffers->made++);
}

int
acioi_buffers_open(struct acioi_buffers *buffers, struct acioi_ring *ring)
{
    memset(buffers, 0, sizeof *buffers);
    buffers->ring = map_private(ring_bytes);
    if (!buffers->ring)
        return -ENOMEM;
    int err = -ENOMEM;
    buffers->memory = map_private(memory_bytes);
    if (!buffers->memory)
        goto unmap_ring;
    err = register_ring(buffers, ring);
    if (err < 0)
        goto unmap_memory;
    give_new(buffers, ACIOI_BUFFERS_FIRST);
    return 0;

unmap_memory:
    munmap(buffers->memory, memory_bytes);
unmap_ring:
    munmap(buffers->ring, ring_bytes);
    buffers->ring = NULL;
    return err;
}

void
acioi_buffers_close(struct acioi_buffers *buffers)
{
    if (!buffers->ring)
        return;
    munmap(buffers->memory, memory_bytes);
    munmap(buffers->ring, ring_bytes);
    buffers->ring = NULL;
}

bool
acioi_buffers_grow(struct acioi_buffers *buffers)
{
    if (buffers->made == ACIOI_BUFFERS_MAX)
        return false;
    give_new(buffers, buffers->made * 2);
    return true;
}

/* Field by field: the first entry also holds the ring's tail. */
void
acioi_buffers_give(struct acioi_buffers *buffers, int id)
{
    int place = buffers->tail % ACIOI_BUFFERS_MAX;
    struct uring_buffer *entry = &buffers->ring[place];
    entry->address = (uint64_t)(uintptr_t)acioi_buffers_data(buffers, id);
    entry->bytes = ACIOI_BUFFER_BYTES;
    entry->id = (uint16_t)id;
    buffers->place[id] = (int16_t)place;
    buffers->tail++;
    buffers->there++;
    __atomic_store_n(&buffers->ring[0].tail, buffers->tail, __ATOMIC_RELEASE);
}

int
acioi_buffers_after(const struct acioi_buffers *buffers, int id)
{
    int place = (buffers->place[id] + 1) % ACIOI_BUFFERS_MAX;
    return buffers->ring[place].id;
}

void
acioi_buffers_append(struct acioi_buffers *buffers, acio_op *op, int id,
    int bytes)
{
    buffers->there--;
    buffers->next[id] = ACIOI_BUFFER_NONE;
    buffers->length[id] = (uint16_t)bytes;
    if (op->buffer_head == ACIOI_BUFFER_NONE)
        op->buffer_head = id;
    else
        buffers->next[op->buffer_tail] = (int16_t)id;
    op->buffer_tail = id;
}
