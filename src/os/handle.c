/* SPDX-License-Identifier: MIT */
/* handle.c - what users hold of a process
 *
 * Idea.       Memory of a process that has ended waits for the next one, which
 *             gets the next number there: see process.h. The number goes when
 *             the handle is closed; the memory may be in use for longer.
 */
#include <errno.h>
#include <stdint.h>

#include "base/alloc.h"
#include "os/process.h"

enum { ALIGNMENT = 512 };

_Static_assert(sizeof(struct acioi_process) <= ALIGNMENT,
    "no handle should point behind its process");

static struct acioi_process *
new_memory(struct acioi_processes *all)
{
    char *memory = acioi_alloc(sizeof(struct acioi_process) + ALIGNMENT - 1);
    if (!memory)
        return NULL;
    uintptr_t at = (uintptr_t)memory + ALIGNMENT - 1;
    struct acioi_process *process = (void *)(at & ~(uintptr_t)(ALIGNMENT - 1));
    process->all = all;
    process->memory = memory;
    return process;
}

struct acioi_process *
acioi_process_take(struct acioi_processes *all)
{
    struct acio_link *link = acioi_list_pop_front(&all->spare);
    struct acioi_process *process = link
        ? acioi_container_of(link, struct acioi_process, link)
        : new_memory(all);
    if (!process)
        return NULL;
    unsigned number = process->last_number % (ALIGNMENT - 1U) + 1;
    *process = (struct acioi_process){ .all = all,
        .memory = process->memory,
        .number = (uint16_t)number,
        .last_number = (uint16_t)number };
    acioi_list_init(&process->waiters);
    acioi_list_push_back(&all->list, &process->link);
    return process;
}

void
acioi_process_give(struct acioi_process *process)
{
    process->number = 0;
    acioi_list_remove(&process->link);
    acioi_list_push_front(&process->all->spare, &process->link);
}

void
acioi_process_free_spare(struct acioi_processes *all)
{
    struct acio_link *link;
    while ((link = acioi_list_pop_front(&all->spare)))
        acioi_free(
            acioi_container_of(link, struct acioi_process, link)->memory);
}

acio_process *
acioi_process_handle(struct acioi_process *process)
{
    return (acio_process *)((char *)process + process->number);
}

struct acioi_process *
acioi_process_of(const acio_process *handle, int *err)
{
    uintptr_t bits = (uintptr_t)handle;
    struct acioi_process *process = (void *)(bits &
        ~(uintptr_t)(ALIGNMENT - 1));
    *err = 0;
    if (!handle)
        *err = -EINVAL;
    else if (!acioi_running_loop)
        *err = -ACIO_ENOLOOP;
    else if (process->all->loop != acioi_running_loop)
        *err = -ACIO_EFOREIGN;
    else if (process->number != (bits & (ALIGNMENT - 1)))
        *err = -ACIO_ECLOSED;
    return *err < 0 ? NULL : process;
}
