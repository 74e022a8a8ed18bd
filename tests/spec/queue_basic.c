/* SPDX-License-Identifier: MIT */
/* Queues: what goes in comes out, without anybody waiting. */
#include "acio_spec.h"

SPEC(queue, gives_items_in_the_order_in_which_they_were_put)
{
    ACIO_QUEUE(queue, int, 3);
    for (int i = 0; i < 3; i++)
        EXPECT_ERR(acio_queue_put(&queue, &i), 0);
    for (int i = 0; i < 3; i++) {
        int item = -1;
        EXPECT_ERR(acio_queue_get(&queue, &item), 0);
        EXPECT_EQ(item, i);
    }
}

SPEC(queue, copies_items_of_any_size)
{
    struct item {
        char text[37];
    } in = { "a sentence of thirty-six characters" }, out = { "" };
    ACIO_QUEUE(queue, struct item, 2);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &in), 0);
    in.text[0] = 'X';
    EXPECT_ERR(acio_queue_get_nowait(&queue, &out), 0);
    EXPECT_TEXT(out.text, "a sentence of thirty-six characters");
}

SPEC(queue, is_empty_then_full_then_empty)
{
    int item = 1;
    ACIO_QUEUE(queue, int, 2);
    EXPECT(acio_queue_empty(&queue) && !acio_queue_full(&queue));
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT(!acio_queue_empty(&queue) && !acio_queue_full(&queue));
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT(!acio_queue_empty(&queue) && acio_queue_full(&queue));
    EXPECT_EQ(acio_queue_qsize(&queue), 2);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), 0);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), 0);
    EXPECT(acio_queue_empty(&queue));
}

SPEC(queue, refuses_at_once_what_would_have_to_wait)
{
    int item = 7;
    ACIO_QUEUE(queue, int, 1);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), -ACIO_EQUEUEEMPTY);
    EXPECT_EQ(item, 7);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_EQUEUEFULL);
    EXPECT_EQ(acio_queue_qsize(&queue), 1);
}

SPEC(queue, without_a_limit_is_never_full)
{
    ACIO_QUEUE(queue, int, 0);
    for (int i = 0; i < 1000; i++)
        EXPECT_ERR(acio_queue_put_nowait(&queue, &i), 0);
    EXPECT(!acio_queue_full(&queue));
    EXPECT_EQ(acio_queue_qsize(&queue), 1000);
}

SPEC(queue, keeps_the_order_when_it_grows_in_the_middle_of_its_ring)
{
    int item, next_in = 0, next_out = 0;
    ACIO_QUEUE(queue, int, 0);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 3; i++, next_in++)
            REQUIRE_ERR(acio_queue_put_nowait(&queue, &next_in), 0);
        REQUIRE_ERR(acio_queue_get_nowait(&queue, &item), 0);
        REQUIRE_EQ(item, next_out);
        next_out++;
    }
    while (acio_queue_get_nowait(&queue, &item) == 0) {
        REQUIRE_EQ(item, next_out);
        next_out++;
    }
    EXPECT_EQ(next_out, next_in);
}

SPEC(queue, of_limited_size_goes_round_its_ring)
{
    int item;
    ACIO_QUEUE(queue, int, 3);
    for (int i = 0; i < 20; i++) {
        REQUIRE_ERR(acio_queue_put_nowait(&queue, &i), 0);
        if (i % 3 == 2) {
            for (int j = i - 2; j <= i; j++) {
                REQUIRE_ERR(acio_queue_get_nowait(&queue, &item), 0);
                REQUIRE_EQ(item, j);
            }
        }
    }
}

SPEC(queue, drops_an_item_that_nobody_wants_to_see)
{
    int item = 1;
    ACIO_QUEUE(queue, int, 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT_ERR(acio_queue_get_nowait(&queue, NULL), 0);
    EXPECT(acio_queue_empty(&queue));
}

SPEC(queue, of_items_without_size_is_refused)
{
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, 0, 1), -EINVAL);
    EXPECT_ERR(acio_queue_put(&queue, "x"), -EINVAL);
    acio_queue_close(&queue);
}

SPEC(queue, of_impossible_size_answers_why_when_it_is_used)
{
    int item = 1;
    ACIO_QUEUE(queue, int, (size_t)-1);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ENOMEM);
    EXPECT_ERR(acio_queue_get(&queue, &item), -ENOMEM);
    EXPECT_ERR(acio_queue_task_done(&queue), -ENOMEM);
}

SPEC(queue, of_limited_size_allocates_only_at_first)
{
    int item = 1;
    ACIO_QUEUE(queue, int, 8);
    size_t before = spec_heap_allocations();
    for (int i = 0; i < 8; i++)
        EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT_EQ(spec_heap_allocations(), before);
}

SPEC(queue, that_was_closed_says_so)
{
    int item = 1;
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, sizeof item, 0), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    acio_queue_close(&queue);
    acio_queue_close(&queue);
    EXPECT_ERR(acio_queue_put(&queue, &item), -ACIO_ECLOSED);
    EXPECT_ERR(acio_queue_get(&queue, &item), -ACIO_ECLOSED);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), -ACIO_ECLOSED);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &item), -ACIO_ECLOSED);
    EXPECT_ERR(acio_queue_join(&queue), -ACIO_ECLOSED);
    EXPECT_EQ(acio_queue_qsize(&queue), 0);
}

TEST(queue, works_outside_of_a_loop_as_far_as_nobody_waits)
{
    int item = 5, out = 0;
    acio_queue queue;
    EXPECT_ERR(acio_queue_init(&queue, sizeof item, 1), 0);
    EXPECT_ERR(acio_queue_put_nowait(&queue, &item), 0);
    EXPECT_ERR(acio_queue_get_nowait(&queue, &out), 0);
    EXPECT_EQ(out, 5);
    EXPECT_ERR(acio_queue_get(&queue, &out), -ACIO_ENOTASK);
    EXPECT_ERR(acio_queue_put(&queue, &out), -ACIO_ENOTASK);
    EXPECT_ERR(acio_queue_join(&queue), -ACIO_ENOTASK);
    acio_queue_close(&queue);
}
