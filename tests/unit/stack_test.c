/* SPDX-License-Identifier: MIT */
/* What a pool of stacks promises: space, guards, and memory that goes back. */
#include "coro/stack.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/sanitizer.h"
#include "spec.h"

enum { DEFAULT = 256 << 10 };

static void
pool_init(struct acioi_stack_pool *pool, size_t stack_bytes)
{
    REQUIRE_EQ(acioi_stack_pool_init(pool, stack_bytes), 0);
}

static struct acioi_stack_stats
stats_of(const struct acioi_stack_pool *pool)
{
    struct acioi_stack_stats stats;
    acioi_stack_pool_stats(pool, &stats);
    return stats;
}

/* The tools keep books on every stack, so they get fewer. */
static size_t
many(size_t count)
{
#if defined ACIOI_ASAN || defined ACIOI_TSAN
    return count > 1000 ? 1000 : count;
#endif
    if (acioi_sanitizer_numbers(1) > 0)
        return count > 200 ? 200 : count;
    return count;
}

static char **
take(struct acioi_stack_pool *pool, size_t count)
{
    char **stacks = calloc(count, sizeof *stacks);
    for (size_t i = 0; i < count; i++) {
        stacks[i] = acioi_stack_take(pool);
        REQUIRE(stacks[i] != NULL);
        stacks[i][-1] = 1;
    }
    return stacks;
}

static void
give(struct acioi_stack_pool *pool, char **stacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        acioi_stack_give(pool, stacks[i]);
    free(stacks);
}

/* Where a test looks for what an earlier user of a stack wrote. */
static void
skip_if_reading_old_memory_is_an_error(void)
{
    if (acioi_sanitizer_numbers(1) > 0)
        SKIP("to Valgrind a stack has no content when it is taken");
}

/* What a loop with little to do does for a long time. */
static void
take_and_give(struct acioi_stack_pool *pool, int times)
{
    for (int i = 0; i < times; i++) {
        char *high = acioi_stack_take(pool);
        REQUIRE(high != NULL);
        high[-1] = 1;
        acioi_stack_give(pool, high);
    }
}

static size_t
resident_pages(const char *low, const char *high)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), resident = 0;
    for (const char *at = low; at < high; at += page) {
        unsigned char in_core = 0;
        if (mincore((void *)(uintptr_t)at, page, &in_core) == 0)
            resident += in_core & 1;
    }
    return resident;
}

static int
mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    REQUIRE(maps != NULL);
    int lines = 0, c;
    while ((c = getc(maps)) != EOF)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

TEST(stack, sizes_lie_between_16_kib_and_1_gib)
{
    struct acioi_stack_pool pool;
    EXPECT_EQ(acioi_stack_pool_init(&pool, 0), -EINVAL);
    EXPECT_EQ(acioi_stack_pool_init(&pool, (16 << 10) - 1), -EINVAL);
    EXPECT_EQ(acioi_stack_pool_init(&pool, (1 << 30) + 1), -EINVAL);
    EXPECT_EQ(acioi_stack_pool_init(&pool, 16 << 10), 0);
    EXPECT_EQ(acioi_stack_pool_init(&pool, 1 << 30), 0);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, sizes_are_rounded_up_to_pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct acioi_stack_pool pool;
    pool_init(&pool, 4 * 65536 - 1);
    EXPECT_EQ(stats_of(&pool).stack_bytes, (size_t)4 * 65536);
    acioi_stack_pool_fini(&pool);
    pool_init(&pool, 4 * 65536 + 1);
    EXPECT_EQ(stats_of(&pool).stack_bytes, 4 * 65536 + page);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, is_writable_from_its_page_aligned_high_end_to_its_low_end)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char **stacks = take(&pool, 40);
    for (int i = 0; i < 40; i++) {
        EXPECT_EQ((uintptr_t)stacks[i] % (size_t)sysconf(_SC_PAGESIZE), 0U);
        memset(stacks[i] - DEFAULT, i, DEFAULT);
    }
    for (int i = 0; i < 40; i++) {
        EXPECT_EQ(stacks[i][-DEFAULT], i);
        EXPECT_EQ(stacks[i][-1], i);
    }
    give(&pool, stacks, 40);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, given_last_is_taken_first)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char *a = acioi_stack_take(&pool), *b = acioi_stack_take(&pool);
    REQUIRE(a && b && a != b);
    acioi_stack_give(&pool, a);
    acioi_stack_give(&pool, b);
    EXPECT(acioi_stack_take(&pool) == b);
    EXPECT(acioi_stack_take(&pool) == a);
    acioi_stack_give(&pool, a);
    acioi_stack_give(&pool, b);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, statistics_count_stacks)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char **stacks = take(&pool, 5);
    acioi_stack_give(&pool, stacks[4]);
    struct acioi_stack_stats stats = stats_of(&pool);
    EXPECT_EQ(stats.stack_bytes, (size_t)DEFAULT);
    EXPECT_EQ(stats.in_use, 4U);
    EXPECT_EQ(stats.cached, 1U);
    EXPECT_EQ(stats.peak, 5U);
    EXPECT(stats.reserved >= 5);
    give(&pool, stacks, 4);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, parked_at_its_top_costs_one_page)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char **stacks = take(&pool, 100);
    size_t resident = 0;
    for (int i = 0; i < 100; i++)
        resident += resident_pages(stacks[i] - DEFAULT, stacks[i]);
    EXPECT_EQ(resident, 100U);
    give(&pool, stacks, 100);
    acioi_stack_pool_fini(&pool);
}

/* The signal that kills a process that writes there; 0 if none does. */
static int
signal_of_writing(char *address)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)address = 1;
        _exit(0);
    }
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
expect_guard(char *high)
{
    EXPECT_EQ(signal_of_writing(high - DEFAULT), 0);
    EXPECT_EQ(signal_of_writing(high - DEFAULT - 1), SIGSEGV);
    EXPECT_EQ(signal_of_writing(high - DEFAULT - (16 << 10)), SIGSEGV);
}

TEST(stack, ends_in_a_guard)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char **stacks = take(&pool, 3);
    for (int i = 0; i < 3; i++)
        expect_guard(stacks[i]);
    give(&pool, stacks, 3);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, ends_in_a_guard_on_kernels_without_marks)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    pool.marks = false;
    char **stacks = take(&pool, 3);
    for (int i = 0; i < 3; i++)
        expect_guard(stacks[i]);
    give(&pool, stacks, 3);
    acioi_stack_pool_fini(&pool);
}

/* After a burst: stacks that lost their memory, and some that kept it. */
static void
burst(struct acioi_stack_pool *pool, size_t count)
{
    give(pool, take(pool, count), count);
    take_and_give(pool, 700);
}

TEST(stack, keeps_its_guard_when_its_memory_went_back)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    burst(&pool, 200);
    char **stacks = take(&pool, 200);
    expect_guard(stacks[100]);
    give(&pool, stacks, 200);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, guard_tells_whose_it_is)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    int local;
    void *owner = NULL;
    EXPECT(!acioi_stack_guards(&pool, &local, &owner));

    /* Enough of them for several slabs. */
    char **stacks = take(&pool, 100);
    for (int i = 0; i < 100; i++) {
        char *low = stacks[i] - DEFAULT;
        EXPECT(!acioi_stack_guards(&pool, stacks[i] - 1, &owner));
        EXPECT(!acioi_stack_guards(&pool, low, &owner));
        EXPECT(acioi_stack_guards(&pool, low - 1, &owner));
        EXPECT(owner == stacks[i]);
        owner = NULL;
        EXPECT(acioi_stack_guards(&pool, low - (16 << 10), &owner));
        EXPECT(owner == stacks[i]);
    }
    EXPECT(!acioi_stack_guards(&pool, &local, &owner));
    EXPECT(!acioi_stack_guards(&pool, NULL, &owner));
    give(&pool, stacks, 100);
    acioi_stack_pool_fini(&pool);
}

/* What the handler needs to know; a handler has no other way to learn it. */
static struct {
    struct acioi_stack_pool *volatile pool;
    char *volatile overflowed;
} crash;

static void
exit_if_guard(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    void *owner = NULL;
    bool guard = acioi_stack_guards(crash.pool, info->si_addr, &owner);
    _exit(guard && owner == crash.overflowed ? 42 : 1);
}

TEST(stack, guard_is_recognised_in_a_signal_handler)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char **stacks = take(&pool, 20);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {
            .sa_sigaction = exit_if_guard,
            .sa_flags = SA_SIGINFO,
        };
        sigaction(SIGSEGV, &action, NULL);
        crash.pool = &pool;
        crash.overflowed = stacks[17];
        *(volatile char *)(stacks[17] - DEFAULT - 100) = 1;
        _exit(0);
    }
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 42);
    give(&pool, stacks, 20);
    acioi_stack_pool_fini(&pool);
}

static void
a_million_at_once(void)
{
    bool large = getenv("ACIO_TEST_LARGE") != NULL;
    size_t count = many(large ? 1000000 : 100000);
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    int before = mappings();
    char **stacks = take(&pool, pool.marks ? count : 1000);
    if (!pool.marks) {
        give(&pool, stacks, 1000);
        acioi_stack_pool_fini(&pool);
        SKIP("guards are mappings on this kernel");
    }
    EXPECT_EQ(stats_of(&pool).in_use, count);
    EXPECT(mappings() - before < 100);
    /* A single one: the kernel copies all their page tables for its child. */
    EXPECT_EQ(signal_of_writing(stacks[count / 2] - DEFAULT - 1), SIGSEGV);
    give(&pool, stacks, count);
    acioi_stack_pool_fini(&pool);
}

SPEC_REGISTER(stack, a_million_at_once_need_few_mappings,
    .body = a_million_at_once, .seconds = 120, .flags = SPEC_NO_TORTURE);

TEST(stack, keeps_its_memory_while_the_load_is_steady)
{
    skip_if_reading_old_memory_is_an_error();
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    char *high = acioi_stack_take(&pool);
    REQUIRE(high != NULL);
    high[-DEFAULT] = 7;
    acioi_stack_give(&pool, high);
    take_and_give(&pool, 10000);
    EXPECT_EQ(high[-DEFAULT], 7);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, keeps_its_memory_through_bursts_that_come_again_and_again)
{
    skip_if_reading_old_memory_is_an_error();
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    size_t count = many(5000);
    char **stacks = take(&pool, count);
    for (size_t i = 0; i < count; i++)
        stacks[i][-8192] = 7;
    give(&pool, stacks, count);

    for (int round = 0; round < 10; round++) {
        stacks = take(&pool, count);
        size_t warm = 0;
        for (size_t i = 0; i < count; i++)
            warm += stacks[i][-8192] == 7;
        EXPECT_EQ(warm, count);
        give(&pool, stacks, count);
    }
    acioi_stack_pool_fini(&pool);
}

TEST(stack, memory_of_a_burst_goes_back_with_the_gives_that_follow)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    size_t count = many(5000);
    give(&pool, take(&pool, count), count);
    EXPECT_EQ(stats_of(&pool).cached, count);

    take_and_give(&pool, 5000);
    EXPECT(stats_of(&pool).cached <= 17);
    /* So does the address space, with its page tables. */
    EXPECT(stats_of(&pool).reserved < count);
    EXPECT_EQ(stats_of(&pool).peak, count);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, memory_goes_back_after_use_in_any_order)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    size_t count = many(1000);
    char **stacks = take(&pool, count), **copy = calloc(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = stacks[i * 7919 % count];
    give(&pool, copy, count);
    take_and_give(&pool, 5000);

    size_t resident = 0;
    for (size_t i = 0; i < count; i++)
        resident += resident_pages(stacks[i] - DEFAULT, stacks[i]);
    EXPECT(resident <= 17);
    free(stacks);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, is_usable_again_after_its_memory_went_back)
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    size_t count = many(1000);
    for (int round = 0; round < 3; round++) {
        burst(&pool, count);
        char **stacks = take(&pool, count);
        for (size_t i = 0; i < count; i++)
            memcpy(stacks[i] - sizeof i, &i, sizeof i);
        for (size_t i = 0; i < count; i++)
            if (!EXPECT(memcmp(stacks[i] - sizeof i, &i, sizeof i) == 0))
                break;
        give(&pool, stacks, count);
    }
    acioi_stack_pool_fini(&pool);
}

TEST(stack, loses_its_depth_when_it_is_given_while_the_pool_shrinks)
{
    skip_if_reading_old_memory_is_an_error();
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    size_t count = many(1000);
    char *deep = acioi_stack_take(&pool);
    REQUIRE(deep != NULL);
    long page = sysconf(_SC_PAGESIZE);
    long keep = page > (16 << 10) ? page : 16 << 10;
    give(&pool, take(&pool, count), count);

    for (int i = 0; i < 200; i++) {
        memset(deep - DEFAULT, 1, DEFAULT);
        acioi_stack_give(&pool, deep);
        EXPECT(acioi_stack_take(&pool) == deep);
    }
    size_t resident = resident_pages(deep - DEFAULT, deep - keep);
    EXPECT_EQ(deep[-DEFAULT], 1);
    EXPECT(resident > 0);

    while (stats_of(&pool).cached > 100) {
        acioi_stack_give(&pool, deep);
        EXPECT(acioi_stack_take(&pool) == deep);
    }
    EXPECT_EQ(resident_pages(deep - DEFAULT, deep - keep), 0U);
    EXPECT_EQ(deep[-keep], 1);
    acioi_stack_give(&pool, deep);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, is_refused_without_address_space_and_the_pool_stays_usable)
{
#if defined ACIOI_ASAN || defined ACIOI_TSAN
    SKIP("the sanitizer needs more address space than the limit");
#endif
    struct acioi_stack_pool pool;
    pool_init(&pool, 64 << 20);
    struct rlimit old, low = { 4ULL << 30, RLIM_INFINITY };
    REQUIRE_EQ(getrlimit(RLIMIT_AS, &old), 0);
    low.rlim_max = old.rlim_max;
    REQUIRE_EQ(setrlimit(RLIMIT_AS, &low), 0);
    if (mmap(NULL, 8ULL << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
        MAP_FAILED)
        SKIP("an emulator ignores the limit");

    char *stacks[100];
    int count = 0;
    while (count < 100 && (stacks[count] = acioi_stack_take(&pool)))
        count++;
    EXPECT(count > 30);
    EXPECT(count < 64);
    while (count > 0)
        acioi_stack_give(&pool, stacks[--count]);
    char *high = acioi_stack_take(&pool);
    EXPECT(high != NULL);
    acioi_stack_give(&pool, high);
    REQUIRE_EQ(setrlimit(RLIMIT_AS, &old), 0);
    acioi_stack_pool_fini(&pool);
}

TEST(stack, pool_of_zeros_can_be_ended)
{
    struct acioi_stack_pool pool = { 0 };
    acioi_stack_pool_fini(&pool);
    EXPECT_EQ(stats_of(&pool).reserved, 0U);
}

TEST_DIES(stack, pool_may_not_end_while_a_stack_is_in_use, "1 were in use")
{
    struct acioi_stack_pool pool;
    pool_init(&pool, DEFAULT);
    EXPECT(acioi_stack_take(&pool) != NULL);
    acioi_stack_pool_fini(&pool);
}
