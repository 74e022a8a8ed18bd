/* SPDX-License-Identifier: MIT */
/* The rings themselves: requests that are taken back, waits, and memory. */
#include "engine/uring_ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "spec.h"

static struct acioi_ring ring;

/* Opens the ring for this thread, or ends the test. */
static void
open_ring(unsigned entries)
{
    int err = acioi_ring_open(&ring, entries);
    if (err == -EPERM || err == -ENOSYS)
        SKIP("the kernel refuses io_uring");
    REQUIRE_EQ(err, 0);
    REQUIRE_EQ(acioi_ring_enable(&ring), 0);
}

static void
close_ring(void)
{
    acioi_ring_close(&ring, false);
}

static bool
write_nop(uint64_t user_data)
{
    struct io_uring_sqe *sqe = acioi_ring_next(&ring);
    if (!sqe)
        return false;
    sqe->opcode = IORING_OP_NOP;
    sqe->user_data = user_data;
    return true;
}

/* The next completion's user_data, which is consumed; 0 where there is none. */
static uint64_t
next_completion(void)
{
    if (!acioi_ring_has_completions(&ring))
        return 0;
    uint32_t at = *ring.cq_head & (ring.cq_entries - 1);
    uint64_t user_data = ring.cqes[at].user_data;
    __atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
    return user_data;
}

TEST(uring_ring, requests_complete_in_one_system_call)
{
    open_ring(8);
    EXPECT(write_nop(1));
    EXPECT(write_nop(2));
    EXPECT_EQ(acioi_ring_unsubmitted(&ring), 2);
    EXPECT_EQ(acioi_ring_enter(&ring, ACIOI_NEVER), 0);
    EXPECT_EQ(acioi_ring_unsubmitted(&ring), 0);
    EXPECT_EQ(next_completion(), 1);
    EXPECT_EQ(next_completion(), 2);
    EXPECT_EQ(next_completion(), 0);
    close_ring();
}

TEST(uring_ring, a_full_ring_has_no_place_until_it_was_entered)
{
    open_ring(8);
    for (uint64_t i = 0; i < 8; i++)
        EXPECT(write_nop(i + 1));
    EXPECT(!write_nop(9));
    EXPECT_EQ(acioi_ring_enter(&ring, 0), 0);
    EXPECT(write_nop(9));
    close_ring();
}

TEST(uring_ring, a_request_is_withdrawn_before_the_kernel_has_it)
{
    open_ring(8);
    EXPECT(write_nop(1));
    EXPECT(write_nop(2));
    EXPECT(write_nop(3));
    acioi_ring_withdraw(&ring, 2);
    EXPECT_EQ(acioi_ring_enter(&ring, ACIOI_NEVER), 0);
    EXPECT_EQ(next_completion(), 1);
    EXPECT(acioi_ring_has_completions(&ring));
    EXPECT_EQ(next_completion(), 0); /* it names nobody any more */
    EXPECT_EQ(next_completion(), 3);
    close_ring();
}

TEST(uring_ring, withdrawing_what_the_kernel_has_changes_nothing)
{
    open_ring(8);
    EXPECT(write_nop(1));
    EXPECT_EQ(acioi_ring_enter(&ring, 0), 0);
    acioi_ring_withdraw(&ring, 1);
    EXPECT_EQ(acioi_ring_enter(&ring, 0), 0);
    EXPECT_EQ(next_completion(), 1);
    close_ring();
}

TEST(uring_ring, completions_beyond_the_ring_are_kept_by_the_kernel)
{
    enum { REQUESTS = 200 };
    uint64_t seen = 0;
    open_ring(8);
    for (uint64_t i = 1; i <= REQUESTS; i++) {
        if (!write_nop(i)) {
            EXPECT_EQ(acioi_ring_enter(&ring, 0), 0);
            REQUIRE(write_nop(i));
        }
    }
    EXPECT_EQ(acioi_ring_enter(&ring, 0), 0);
    EXPECT(acioi_ring_wants_entry(&ring));
    while (seen < REQUESTS) {
        uint64_t next = next_completion();
        if (next)
            EXPECT_EQ(next, ++seen);
        else
            REQUIRE_EQ(acioi_ring_enter(&ring, 0), 0);
    }
    EXPECT(!acioi_ring_wants_entry(&ring));
    close_ring();
}

TEST(uring_ring, a_wait_ends_with_its_time)
{
    open_ring(8);
    int64_t before_ns = acioi_clock_ns();
    EXPECT_EQ(acioi_ring_enter(&ring, 3000000), 0);
    EXPECT(acioi_clock_ns() - before_ns >= 3000000);
    EXPECT(!acioi_ring_has_completions(&ring));
    close_ring();
}

/* The kernel's own account of a mapping: "dc" is "do not copy on fork". */
TEST(uring_ring, a_forked_child_does_not_get_the_rings)
{
    char line[256];
    bool of_ring = false;
    int mappings = 0, copied = 0;
    open_ring(8);
    FILE *maps = fopen("/proc/self/smaps", "r");
    REQUIRE(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        if (strstr(line, "anon_inode:[io_uring]"))
            of_ring = true;
        if (of_ring && strncmp(line, "VmFlags:", 8) == 0) {
            mappings++;
            copied += strstr(line, " dc") == NULL;
            of_ring = false;
        }
    }
    fclose(maps);
    EXPECT_EQ(mappings, 2);
    EXPECT_EQ(copied, 0);
    close_ring();
}
