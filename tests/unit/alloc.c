/* SPDX-License-Identifier: MIT */
/* The one door to the heap, and the hook in it. */
#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

TEST(alloc, zeroes_what_it_gives)
{
    unsigned char *block = acioi_alloc(100);
    REQUIRE(block != NULL);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(block[i], 0);
    acioi_free(block);
}

TEST(alloc, keeps_the_content_of_a_block_that_grows)
{
    char *block = acioi_strdup("content");
    REQUIRE(block != NULL);
    char *grown = acioi_realloc(block, 4096);
    EXPECT_TEXT(grown ? grown : block, "content");
    acioi_free(grown ? grown : block);
}

TEST(alloc, frees_nothing_at_null)
{
    acioi_free(NULL);
    EXPECT_EQ(spec_heap_live(), 0);
}

TEST(alloc, refuses_an_allocator_with_a_hole)
{
    struct acio_allocator hole = { malloc, NULL, free };
    EXPECT_ERR(acio_set_allocator(&hole), -EINVAL);
    void *block = acioi_alloc(1);
    EXPECT_EQ(spec_heap_live(), block ? 1 : 0);
    acioi_free(block);
}

TEST(alloc, goes_back_to_the_c_library)
{
    EXPECT_EQ(acio_set_allocator(NULL), 0);
    void *block = acioi_alloc(1);
    EXPECT(block != NULL);
    EXPECT_EQ(spec_heap_allocations(), 0);
    acioi_free(block);
}
