/* SPDX-License-Identifier: MIT */
/* What a context switch keeps, and where a coroutine begins and ends. */
#include "coro/coro.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "coro/stack.h"
#include "spec.h"

enum { STACK = 256 << 10 };

/* A coroutine with its stack, and the thread that it is entered from. */
struct pair {
    struct acioi_coro thread, coro;
    struct acioi_stack_pool pool;
    char *high;
    struct spec_log log;
    struct pair *other;
    long value;
};

static void
lay(struct pair *p, size_t kept, acioi_coro_entry *entry)
{
    acioi_coro_init(&p->coro, p->high - STACK, p->high - kept, entry, p);
}

static void
start(struct pair *p, acioi_coro_entry *entry)
{
    *p = (struct pair){ 0 };
    REQUIRE_EQ(acioi_stack_pool_init(&p->pool, STACK), 0);
    p->high = acioi_stack_take(&p->pool);
    REQUIRE(p->high != NULL);
    acioi_coro_init_thread(&p->thread);
    lay(p, 0, entry);
}

static void
end(struct pair *p)
{
    acioi_coro_fini_thread(&p->thread);
    acioi_stack_give(&p->pool, p->high);
    acioi_stack_pool_fini(&p->pool);
}

static void
enter(struct pair *p)
{
    acioi_coro_switch(&p->thread, &p->coro);
}

static void
leave(struct pair *p)
{
    acioi_coro_switch(&p->coro, &p->thread);
}

static void
finish(struct pair *p)
{
    acioi_coro_exit(&p->coro, &p->thread);
}

static void
log_three_steps(void *arg)
{
    struct pair *p = arg;
    spec_log_add(&p->log, "1");
    leave(p);
    spec_log_add(&p->log, "2");
    leave(p);
    spec_log_add(&p->log, "3");
    finish(p);
}

TEST(coro, runs_from_where_it_was_left_and_only_while_it_is_entered)
{
    struct pair p;
    start(&p, log_three_steps);
    spec_log_add(&p.log, "a");
    enter(&p);
    spec_log_add(&p.log, "b");
    enter(&p);
    spec_log_add(&p.log, "c");
    enter(&p);
    spec_log_add(&p.log, "d");
    EXPECT_TEXT(&p.log, "a1b2c3d");
    end(&p);
}

static void
look_at_the_stack(void *arg)
{
    struct pair *p = arg;
    char here;
    uintptr_t at = (uintptr_t)&here;
    EXPECT(at < (uintptr_t)p->high);
    EXPECT(at > (uintptr_t)p->high - STACK);
    finish(p);
}

TEST(coro, runs_on_the_stack_that_it_was_given)
{
    /* The sanitizers' own stack of frames that outlive a return. */
    if (sizeof(struct acioi_sanitizer) > 0)
        SKIP("a sanitizer may place variables elsewhere");
    struct pair p;
    start(&p, look_at_the_stack);
    enter(&p);
    end(&p);
}

static void
take_aligned_addresses(void *arg)
{
    struct pair *p = arg;
    long double aligned = 0;
    void *address = &aligned;
    /* The compiler believes in the alignment, and would not look. */
    __asm__("" : "+r"(address));
    p->value = (long)((uintptr_t)address % _Alignof(long double));
    finish(p);
}

TEST(coro, begins_with_an_aligned_stack_whatever_the_owner_keeps_above)
{
    struct pair p;
    start(&p, take_aligned_addresses);
    for (size_t kept = 0; kept < 80; kept++) {
        memset(p.high - kept, 0x5a, kept);
        p.value = -1;
        lay(&p, kept, take_aligned_addresses);
        enter(&p);
        EXPECT_EQ(p.value, 0L);
        size_t untouched = 0;
        for (size_t i = 1; i <= kept; i++)
            untouched += p.high[-(ptrdiff_t)i] == 0x5a;
        EXPECT_EQ(untouched, kept);
    }
    end(&p);
}

typedef long wide __attribute__((vector_size(16)));

/* More values than registers, all alive across a switch. They differ in each
 * caller, so a register that is not saved shows up in the other one. */
static __attribute__((noinline)) bool
values_survive(struct acioi_coro *from, struct acioi_coro *to,
    volatile long seed)
{
    long a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4, e = seed + 5;
    long f = seed + 6, g = seed + 7, h = seed + 8, i = seed + 9, j = seed + 10;
    double k = (double)seed + .1, l = (double)seed + .2;
    double m = (double)seed + .3, n = (double)seed + .4;
    double o = (double)seed + .5, q = (double)seed + .6;
    double r = (double)seed + .7, s = (double)seed + .8;
    wide v = { seed, -seed }, w = { seed + 1, ~seed };
    acioi_coro_switch(from, to);
    return a == seed + 1 && b == seed + 2 && c == seed + 3 && d == seed + 4 &&
        e == seed + 5 && f == seed + 6 && g == seed + 7 && h == seed + 8 &&
        i == seed + 9 && j == seed + 10 && k == (double)seed + .1 &&
        l == (double)seed + .2 && m == (double)seed + .3 &&
        n == (double)seed + .4 && o == (double)seed + .5 &&
        q == (double)seed + .6 && r == (double)seed + .7 &&
        s == (double)seed + .8 && v[0] == seed && v[1] == -seed &&
        w[0] == seed + 1 && w[1] == ~seed;
}

static void
hold_values(void *arg)
{
    struct pair *p = arg;
    for (long i = 0; i < 100; i++)
        EXPECT(values_survive(&p->coro, &p->thread, 1000000 + i));
    finish(p);
}

TEST(coro, keeps_integers_doubles_and_vectors_across_a_switch)
{
    struct pair p;
    start(&p, hold_values);
    for (long i = 0; i < 100; i++)
        EXPECT(values_survive(&p.thread, &p.coro, -i));
    enter(&p);
    end(&p);
}

static __attribute__((noinline)) long
descend(struct pair *p, int depth)
{
    volatile char local[64];
    memset((char *)local, depth, sizeof local);
    if (depth % 50 == 0)
        leave(p);
    long below = depth > 0 ? descend(p, depth - 1) : 0;
    leave(p);
    return below + local[63];
}

static void
recurse(void *arg)
{
    struct pair *p = arg;
    p->value = descend(p, 100);
    finish(p);
}

TEST(coro, can_be_left_at_every_depth_of_a_recursion)
{
    struct pair p;
    start(&p, recurse);
    for (int i = 0; i < 101 + 3; i++) {
        EXPECT_EQ(p.value, 0L);
        enter(&p);
    }
    enter(&p);
    EXPECT_EQ(p.value, 5050L);
    end(&p);
}

static void
count_and_finish(void *arg)
{
    struct pair *p = arg;
    p->value++;
    finish(p);
}

TEST(coro, leaves_a_stack_that_the_next_one_can_use)
{
    struct pair p;
    start(&p, count_and_finish);
    for (int i = 0; i < 1000; i++) {
        lay(&p, 0, count_and_finish);
        enter(&p);
    }
    EXPECT_EQ(p.value, 1000L);
    end(&p);
}

/* Two coroutines that hand the turn to each other, not to the thread. */
static void
play_a(void *arg)
{
    struct pair *a = arg;
    struct pair *b = a->other;
    for (int i = 0; i < 3; i++) {
        spec_log_add(&a->log, "a");
        acioi_coro_switch(&a->coro, &b->coro);
    }
    finish(a);
}

static void
play_b(void *arg)
{
    struct pair *b = arg;
    struct pair *a = b->other;
    for (int i = 0; i < 2; i++) {
        spec_log_add(&a->log, "b");
        acioi_coro_switch(&b->coro, &a->coro);
    }
    spec_log_add(&a->log, "b");
    acioi_coro_exit(&b->coro, &a->coro);
}

TEST(coro, can_switch_to_another_without_the_thread_in_between)
{
    struct pair a;
    start(&a, play_a);
    struct pair b;
    start(&b, play_b);
    a.other = &b;
    b.other = &a;
    enter(&a);
    EXPECT_TEXT(&a.log, "ababab");
    end(&a);
    end(&b);
}

TEST(coro, that_was_never_entered_leaves_nothing_behind)
{
    struct pair p;
    start(&p, count_and_finish);
    EXPECT_EQ(p.value, 0L);
    end(&p);
}

static __attribute__((noinline)) void
trace_from_depth(struct pair *p, int depth)
{
    void *frames[64];
    if (depth > 0)
        trace_from_depth(p, depth - 1);
    else
        p->value = backtrace(frames, 64);
    __asm__ volatile("" ::: "memory");
}

static void
trace(void *arg)
{
    struct pair *p = arg;
    trace_from_depth(p, 5);
    finish(p);
}

TEST(coro, ends_a_backtrace_at_its_first_frame)
{
    struct pair p;
    start(&p, trace);
    enter(&p);
    /* Six of these, `trace`, and what the library lays below it. */
    EXPECT(p.value >= 7);
    EXPECT(p.value <= 12);
    end(&p);
}

static void *
enter_many_times(void *arg)
{
    (void)arg;
    struct pair p;
    start(&p, hold_values);
    for (long i = 0; i < 100; i++)
        EXPECT(values_survive(&p.thread, &p.coro, -i));
    enter(&p);
    end(&p);
    return NULL;
}

TEST(coro, belongs_to_its_thread_and_disturbs_no_other)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        REQUIRE_EQ(pthread_create(&threads[i], NULL, enter_many_times, NULL),
            0);
    for (int i = 0; i < 4; i++)
        REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
}

static void
come_to_an_end(void *arg)
{
    (void)arg;
}

TEST_DIES(coro, may_not_return_from_its_entry, "coroutine returned")
{
    struct pair p;
    start(&p, come_to_an_end);
    enter(&p);
    end(&p);
}
