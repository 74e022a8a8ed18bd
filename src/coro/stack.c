/* SPDX-License-Identifier: MIT */
/* stack.c - address space in slabs, memory by touch, and its way back
 *
 * Idea.       Slabs of equal stacks, each slab one mmap:
 *
 *                 low                                                  high
 *                 | guard |  stack 0  | guard |  stack 1  | ... | never used |
 *
 *             A slab is as large as all before it together, up to 64 MiB: a
 *             larger one takes the kernel milliseconds to unmap. The kernel
 *             merges neighbours into one mapping, and a guard is a mark in the
 *             page table (MADV_GUARD_INSTALL, Linux 6.13), which splits none:
 *             a million stacks are a handful of mappings, far below
 *             vm.max_map_count. Older kernels get PROT_NONE instead, at two
 *             mappings per stack. A guard is set when its stack is first used.
 *
 * States.     Every stack is in exactly one of them:
 *
 *                 fresh --take--> in use --give--> warm --shrink--> cold
 *                                    ^--take--------'                 |
 *                                    ^--take--------------------------'
 *
 *             Warm stacks keep their memory and are reused last in, first out.
 *             Their links lie in their own top page, which is resident anyway.
 *             Cold ones hold no memory, hence no link: each is a bit in its
 *             slab. A slab of cold and fresh stacks alone is unmapped, because
 *             its page tables are memory too.
 *
 * Shrinking.  Time is counted in gives. An epoch is as many of them as stacks
 *             were in use at its height (and no fewer than EPOCH_GIVES), so
 *             that bursts which come again and again fall into one epoch. The
 *             warm stacks that nobody needed in the epoch, less KEEP_WARM, are
 *             a surplus; half of it becomes cold in the next one, the longest
 *             unused first. Each give does little of that (RUNS_PER_GIVE calls
 *             of madvise), and none once the pool fits its load.
 * Deep use.   A stack that was used deeply keeps those pages while it is warm.
 *             It loses all as surplus; and while there is a surplus, each
 *             stack that is given loses what lies below its top KEEP_TOP
 *             bytes. A pool that never shrinks therefore holds no more than
 *             the program itself used at its height.
 */
#include "coro/stack.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "coro/sanitizer.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Advice that no kernel knows. */
#define MADV_NONSENSE 0x41434f

enum {
    STACK_MIN = 16 << 10,
    STACK_MAX = 1 << 30,
    SLAB_MAX = 64 << 20, /* bytes, unless one stack is more */
    SLAB_MIN_STACKS = 16,
    GUARD_BYTES = 16 << 10,
    KEEP_TOP = 16 << 10,
    KEEP_WARM = 16,
    EPOCH_GIVES = 64,
    RUNS_PER_GIVE = 2,
    RUN_MAX = 16, /* stacks */
    WORD_BITS = 64,
};

/* Lies at the high end of a stack while it is warm. */
struct spare {
    struct acio_link link; /* in pool->warm */
};

struct acioi_stack_slab {
    char *low;
    size_t stacks; /* how many there is space for */
    size_t used;   /* stacks 0 .. used - 1 have their guard */
    size_t cold;   /* how many bits are set in cold_bits */
    struct acioi_stack_slab *next_cold; /* in pool->cold, while cold > 0 */
    unsigned *numbers; /* by which Valgrind knows them, or NULL */
    uint64_t cold_bits[];
};

/* Never changed once it is published, so that a signal handler can read it. */
struct acioi_stack_table {
    size_t count;
    struct acioi_stack_slab *slabs[];
};

static size_t
round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static struct spare *
spare_of(void *high)
{
    return (struct spare *)high - 1;
}

static char *
high_of(struct acio_link *link)
{
    return (char *)(acioi_container_of(link, struct spare, link) + 1);
}

/* Whether the kernel looks at advice at all: what emulates one may accept
 * anything and do nothing, and would leave us without guards. */
static bool
kernel_heeds_advice(void)
{
    return madvise(NULL, 0, MADV_NONSENSE) < 0;
}

int
acioi_stack_pool_init(struct acioi_stack_pool *pool, size_t stack_bytes)
{
    if (stack_bytes < STACK_MIN || stack_bytes > STACK_MAX)
        return -EINVAL;

    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    *pool = (struct acioi_stack_pool){
        .guard_bytes = round_up(GUARD_BYTES, page_bytes),
        .stack_bytes = round_up(stack_bytes, page_bytes),
        .keep_bytes = round_up(KEEP_TOP, page_bytes),
        .watched = acioi_sanitizer_watches(),
        .marks = kernel_heeds_advice(),
    };
    pool->stride_bytes = pool->guard_bytes + pool->stack_bytes;
    acioi_list_init(&pool->warm);
    return 0;
}

/* The number of slabs that begin at or below `address`. */
static size_t
slabs_below(const struct acioi_stack_table *table, const char *address)
{
    size_t first = 0, end = table ? table->count : 0;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (table->slabs[middle]->low <= address)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static struct acioi_stack_slab *
slab_of(const struct acioi_stack_pool *pool, const void *address)
{
    size_t below = slabs_below(pool->table, address);
    if (below == 0)
        return NULL;
    struct acioi_stack_slab *slab = pool->table->slabs[below - 1];
    size_t offset = (size_t)((const char *)address - slab->low);
    return offset < slab->stacks * pool->stride_bytes ? slab : NULL;
}

/* Publishes a table by one store, whatever a signal handler is doing. */
static void
publish(struct acioi_stack_pool *pool, struct acioi_stack_table *table)
{
    struct acioi_stack_table *old = pool->table;
    __atomic_store_n(&pool->table, table, __ATOMIC_RELEASE);
    acioi_free(old);
}

static struct acioi_stack_table *
table_alloc(size_t count)
{
    struct acioi_stack_table *table = acioi_alloc(
        sizeof *table + count * sizeof table->slabs[0]);
    if (table)
        table->count = count;
    return table;
}

static bool
table_insert(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab)
{
    size_t count = pool->table ? pool->table->count : 0;
    struct acioi_stack_table *table = table_alloc(count + 1);
    if (!table)
        return false;

    size_t at = slabs_below(pool->table, slab->low);
    for (size_t i = 0; i < at; i++)
        table->slabs[i] = pool->table->slabs[i];
    table->slabs[at] = slab;
    for (size_t i = at; i < count; i++)
        table->slabs[i + 1] = pool->table->slabs[i];
    publish(pool, table);
    return true;
}

static bool
table_remove(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab)
{
    size_t count = pool->table->count;
    struct acioi_stack_table *table = table_alloc(count - 1);
    if (!table)
        return false;

    size_t at = slabs_below(pool->table, slab->low) - 1;
    for (size_t i = 0; i < at; i++)
        table->slabs[i] = pool->table->slabs[i];
    for (size_t i = at + 1; i < count; i++)
        table->slabs[i - 1] = pool->table->slabs[i];
    publish(pool, table);
    return true;
}

static struct acioi_stack_slab *
slab_alloc(size_t stacks)
{
    size_t words = (stacks + WORD_BITS - 1) / WORD_BITS;
    size_t numbers = acioi_sanitizer_numbers(stacks);
    struct acioi_stack_slab *slab = acioi_alloc(sizeof *slab +
        words * sizeof slab->cold_bits[0] + numbers * sizeof(unsigned));
    if (!slab)
        return NULL;
    slab->stacks = stacks;
    if (numbers > 0)
        slab->numbers = (unsigned *)(slab->cold_bits + words);
    return slab;
}

static bool
slab_map(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab)
{
    size_t bytes = slab->stacks * pool->stride_bytes;
    void *low = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (low == MAP_FAILED)
        return false;
    /* A huge page would make 2 MiB resident for one touch. Kernels without
     * huge pages refuse the advice, and do not need it. */
    (void)madvise(low, bytes, MADV_NOHUGEPAGE);
    slab->low = low;
    return true;
}

static void
slab_unmap(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab)
{
    if (slab->numbers)
        for (size_t i = 0; i < slab->used; i++)
            acioi_sanitizer_deregister(slab->numbers[i]);
    munmap(slab->low, slab->stacks * pool->stride_bytes);
}

static bool
slab_add(struct acioi_stack_pool *pool, size_t stacks)
{
    struct acioi_stack_slab *slab = slab_alloc(stacks);
    if (!slab)
        return false;
    if (!slab_map(pool, slab))
        goto free_slab;
    if (!table_insert(pool, slab))
        goto unmap_slab;
    pool->fresh = slab;
    pool->reserved += stacks;
    return true;

unmap_slab:
    slab_unmap(pool, slab);
free_slab:
    acioi_free(slab);
    return false;
}

/* A limit on the address space, or a kernel that counts it in spite of
 * MAP_NORESERVE, may still allow less. */
static bool
grow(struct acioi_stack_pool *pool)
{
    size_t most = SLAB_MAX / pool->stride_bytes;
    size_t stacks = pool->reserved;
    if (stacks < SLAB_MIN_STACKS)
        stacks = SLAB_MIN_STACKS;
    if (stacks > most)
        stacks = most > 0 ? most : 1;

    for (; stacks > 0; stacks /= 2)
        if (slab_add(pool, stacks))
            return true;
    return false;
}

static void
slab_drop(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab)
{
    if (!table_remove(pool, slab))
        return;
    struct acioi_stack_slab **at = &pool->cold;
    while (*at != slab)
        at = &(*at)->next_cold;
    *at = slab->next_cold;
    if (pool->fresh == slab)
        pool->fresh = NULL;
    pool->reserved -= slab->stacks;
    slab_unmap(pool, slab);
    acioi_free(slab);
    pool->unmapped = true;
}

static void
mark_cold(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab,
    char *high)
{
    size_t index = (size_t)(high - 1 - slab->low) / pool->stride_bytes;
    slab->cold_bits[index / WORD_BITS] |= (uint64_t)1 << index % WORD_BITS;
    if (slab->cold++ > 0)
        return;
    slab->next_cold = pool->cold;
    pool->cold = slab;
}

/* The lowest set bit, cleared. The caller knows that there is one. */
static size_t
clear_a_bit(uint64_t *words)
{
    size_t i = 0;
    while (words[i] == 0)
        i++;
    size_t bit = (size_t)__builtin_ctzll(words[i]);
    words[i] &= words[i] - 1;
    return i * WORD_BITS + bit;
}

static void
note_spare(struct acioi_stack_pool *pool)
{
    if (pool->warm_count < pool->epoch_spare)
        pool->epoch_spare = pool->warm_count;
}

static char *
take_warm(struct acioi_stack_pool *pool)
{
    struct acio_link *link = acioi_list_pop_front(&pool->warm);
    if (!link)
        return NULL;
    pool->warm_count--;
    note_spare(pool);
    return high_of(link);
}

static char *
take_cold(struct acioi_stack_pool *pool)
{
    struct acioi_stack_slab *slab = pool->cold;
    if (!slab)
        return NULL;
    size_t index = clear_a_bit(slab->cold_bits);
    if (--slab->cold == 0)
        pool->cold = slab->next_cold;
    return slab->low + (index + 1) * pool->stride_bytes;
}

/* Locked memory takes no marks before Linux 6.15, and a filter of system calls
 * may know none of them; a mapping of its own is the older way. */
static bool
install_guard(struct acioi_stack_pool *pool, char *guard)
{
    if (pool->marks) {
        if (madvise(guard, pool->guard_bytes, MADV_GUARD_INSTALL) == 0)
            return true;
        if (errno == ENOMEM)
            return false;
        pool->marks = false;
    }
    return mprotect(guard, pool->guard_bytes, PROT_NONE) == 0;
}

static char *
take_fresh(struct acioi_stack_pool *pool)
{
    struct acioi_stack_slab *slab = pool->fresh;
    if (!slab || slab->used == slab->stacks) {
        if (!grow(pool))
            return NULL;
        slab = pool->fresh;
    }

    char *guard = slab->low + slab->used * pool->stride_bytes;
    if (!install_guard(pool, guard))
        return NULL;
    char *high = guard + pool->stride_bytes;
    if (slab->numbers) {
        char *low = guard + pool->guard_bytes;
        slab->numbers[slab->used] = acioi_sanitizer_register(low, high);
    }
    slab->used++;
    return high;
}

void *
acioi_stack_take(struct acioi_stack_pool *pool)
{
    char *high = take_warm(pool);
    if (!high)
        high = take_cold(pool);
    if (!high)
        high = take_fresh(pool);
    if (!high)
        return NULL;

    pool->in_use++;
    if (pool->in_use > pool->epoch_peak)
        pool->epoch_peak = pool->in_use;
    if (pool->in_use > pool->peak)
        pool->peak = pool->in_use;
    if (pool->watched)
        acioi_sanitizer_forget(high - pool->stack_bytes, pool->stack_bytes);
    return high;
}

/* The memory of [low, high) goes back; guards stay what they are. Locked
 * memory stays, too. */
static void
release(char *low, char *high)
{
    (void)madvise(low, (size_t)(high - low), MADV_DONTNEED);
}

/* The oldest warm stack, where the pool has too many; or NULL. */
static char *
oldest_surplus(const struct acioi_stack_pool *pool)
{
    if (pool->surplus == 0 || pool->warm_count <= KEEP_WARM)
        return NULL;
    return high_of(pool->warm.prev);
}

static void
cool(struct acioi_stack_pool *pool, struct acioi_stack_slab *slab, char *high)
{
    acioi_list_remove(&spare_of(high)->link);
    pool->warm_count--;
    pool->surplus--;
    note_spare(pool);
    mark_cold(pool, slab, high);
}

/* Makes the longest unused stack cold; and with it, at the price of the same
 * system call, those that come next if they are its neighbours, as they are
 * after a burst. */
static void
cool_a_run(struct acioi_stack_pool *pool)
{
    char *next = oldest_surplus(pool);
    if (!next)
        return;
    struct acioi_stack_slab *slab = slab_of(pool, next - 1);
    char *low = next - pool->stack_bytes, *high = next;
    cool(pool, slab, next);

    for (int run = 1; run < RUN_MAX; run++) {
        next = oldest_surplus(pool);
        bool above = next == high + pool->stride_bytes;
        bool below = next == low - pool->guard_bytes;
        if ((!above && !below) || slab_of(pool, next - 1) != slab)
            break;
        cool(pool, slab, next);
        if (above)
            high = next;
        else
            low = next - pool->stack_bytes;
    }
    release(low, high);
    if (slab->cold == slab->used)
        slab_drop(pool, slab);
}

static void
shrink(struct acioi_stack_pool *pool, char *given)
{
    if (pool->stack_bytes > pool->keep_bytes)
        release(given - pool->stack_bytes, given - pool->keep_bytes);
    for (int i = 0; i < RUNS_PER_GIVE; i++)
        cool_a_run(pool);
}

static void
end_epoch(struct acioi_stack_pool *pool)
{
    size_t spare = pool->epoch_spare;
    pool->surplus = spare > KEEP_WARM ? (spare - KEEP_WARM + 1) / 2 : 0;
    pool->epoch_gives = 0;
    pool->epoch_peak = pool->in_use;
    pool->epoch_spare = pool->warm_count;
}

void
acioi_stack_give(struct acioi_stack_pool *pool, void *high)
{
    if (pool->watched)
        acioi_sanitizer_forget((char *)high - pool->stack_bytes,
            pool->stack_bytes);
    acioi_list_push_front(&pool->warm, &spare_of(high)->link);
    pool->warm_count++;
    pool->in_use--;

    pool->epoch_gives++;
    if (pool->epoch_gives >= EPOCH_GIVES &&
        pool->epoch_gives >= pool->epoch_peak)
        end_epoch(pool);
    if (pool->surplus > 0)
        shrink(pool, high);
}

bool
acioi_stack_guards(const struct acioi_stack_pool *pool, const void *address,
    void **high_out)
{
    struct acioi_stack_slab *slab = slab_of(pool, address);
    if (!slab)
        return false;
    size_t offset = (size_t)((const char *)address - slab->low);
    size_t index = offset / pool->stride_bytes;
    if (index >= slab->used || offset % pool->stride_bytes >= pool->guard_bytes)
        return false;
    *high_out = slab->low + (index + 1) * pool->stride_bytes;
    return true;
}

bool
acioi_stack_is_high(const struct acioi_stack_pool *pool, const void *high)
{
    const char *last = (const char *)high - 1;
    struct acioi_stack_slab *slab = slab_of(pool, last);
    if (!slab)
        return false;
    size_t offset = (size_t)(last + 1 - slab->low);
    return offset % pool->stride_bytes == 0 &&
        offset / pool->stride_bytes <= slab->used;
}

void
acioi_stack_pool_stats(const struct acioi_stack_pool *pool,
    struct acioi_stack_stats *out)
{
    *out = (struct acioi_stack_stats){
        .stack_bytes = pool->stack_bytes,
        .reserved = pool->reserved,
        .in_use = pool->in_use,
        .cached = pool->warm_count,
        .peak = pool->peak,
    };
}

void
acioi_stack_pool_fini(struct acioi_stack_pool *pool)
{
    if (pool->in_use > 0)
        acioi_panic("a pool of stacks ended while %zu were in use",
            pool->in_use);
    for (size_t i = 0; pool->table && i < pool->table->count; i++) {
        slab_unmap(pool, pool->table->slabs[i]);
        acioi_free(pool->table->slabs[i]);
    }
    acioi_free(pool->table);
    *pool = (struct acioi_stack_pool){ 0 };
}
