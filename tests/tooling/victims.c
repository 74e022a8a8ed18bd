/* SPDX-License-Identifier: MIT */
/* victims.c - tests that go wrong in every way that the runner must see
 *
 * runner.py runs this program and knows what has to become of each.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "spec.h"

TEST(good, passes)
{
    EXPECT(1 + 1 == 2);
    EXPECT_EQ(-1, -1L);
    EXPECT_EQ(3u, (unsigned char)3);
    EXPECT_TEXT("text", "text");
    EXPECT_NEAR(0.1 + 0.2, 0.3, 1e-9);
}

TEST(good, counts_the_librarys_blocks)
{
    void *block = acioi_alloc(10);
    EXPECT_EQ(spec_heap_live(), 1);
    block = acioi_realloc(block, 1000);
    EXPECT_EQ(spec_heap_live(), 1);
    acioi_free(block);
    EXPECT_EQ(spec_heap_live(), 0);
    EXPECT_EQ(spec_heap_allocations(), 2);
}

TEST(good, compares_a_log)
{
    struct spec_log log = SPEC_LOG_INIT;
    spec_log_add(&log, "a%d", 1);
    spec_log_add(&log, "b");
    EXPECT_TEXT(&log, "a1b");
}

TEST_DIES(good, dies_with_its_last_words, "last words")
{
    fprintf(stderr, "these are my last words\n");
    abort();
}

TEST(skipped, says_why)
{
    SKIP("the moon is full");
}

TEST(bad, expects_in_vain)
{
    EXPECT(1 + 1 == 3);
    printf("goes on\n");
}

TEST(bad, requires_in_vain)
{
    REQUIRE(1 + 1 == 3);
    printf("goes on\n");
}

TEST(bad, prints_both_numbers)
{
    EXPECT_EQ(2 + 2, 5L);
}

TEST(bad, does_not_mix_signs)
{
    EXPECT_EQ(-1, (size_t)-1);
}

TEST(bad, prints_the_names_of_errors)
{
    EXPECT_ERR(-11, -125);
    EXPECT_ERR(-10001, 0);
}

TEST(bad, prints_both_texts)
{
    EXPECT_TEXT("one", "two");
}

TEST(bad, is_not_near)
{
    EXPECT_NEAR(1.0, 2.0, 0.5);
}

TEST(bad, checks_nothing)
{
}

TEST(bad, crashes)
{
    EXPECT(true);
    raise(SIGSEGV);
}

TEST(bad, exits)
{
    EXPECT(true);
    exit(0);
}

static void hang(void);
SPEC_REGISTER(bad, hangs, .body = hang, .seconds = 1);

static void
hang(void)
{
    EXPECT(true);
    for (;;)
        pause();
}

TEST(bad, leaks_a_block)
{
    EXPECT(acioi_alloc(24) != NULL);
}

TEST(bad, leaks_a_descriptor)
{
    EXPECT(dup(0) >= 0);
}

TEST(bad, closes_a_descriptor)
{
    EXPECT(close(0) == 0);
}

static void *
sleep_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

TEST(bad, leaks_a_thread)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0);
}

TEST(bad, leaks_a_child)
{
    pid_t pid = fork();
    if (pid == 0)
        sleep_for_ever(NULL);
    EXPECT(pid > 0);
}

TEST_DIES(bad, survives, "anything")
{
    EXPECT(true);
}

TEST_DIES(bad, dies_without_a_word, "last words")
{
    abort();
}

/* Three allocations: each has to be survived. */
TEST(tortured, survives)
{
    void *blocks[3];
    bool all = true;
    for (int i = 0; i < 3; i++) {
        blocks[i] = acioi_alloc(8);
        all = all && blocks[i];
    }
    EXPECT(all);
    for (int i = 0; i < 3; i++)
        acioi_free(blocks[i]);
}

TEST(tortured, leaks_at_the_second)
{
    void *first = acioi_alloc(8);
    void *second = first ? acioi_alloc(8) : NULL;
    EXPECT(true);
    if (first && !second)
        return;
    acioi_free(first);
    acioi_free(second);
}

TEST(tortured, breaks_a_promise)
{
    void *block = acioi_alloc(8);
    ALWAYS(block != NULL);
    acioi_free(block);
}

/* As the library's hooks do: four events, of which the n-th goes wrong. */
TEST(tortured, has_four_transfers)
{
    for (unsigned long i = 1; i <= 4; i++) {
        if (i == spec_torture_n(SPEC_TORTURE_SHORT))
            spec_torture_reached();
    }
    EXPECT(true);
}

/* A kind of test of one's own: the runner calls `run` instead of the body. */
struct with_number {
    int number;
    int (*body)(int number);
};

static void
run_with_number(const struct spec_test *test)
{
    const struct with_number *with = test->data;
    EXPECT_EQ(with->body(with->number), with->number + 1);
}

static int
add_one(int number)
{
    return number + 1;
}

static const struct with_number seven = { 7, add_one };
SPEC_REGISTER(good, runs_another_way, .run = run_with_number, .data = &seven);
