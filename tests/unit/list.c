/* SPDX-License-Identifier: MIT */
/* What the intrusive list promises, for none, one and many. */
#include "base/list.h"

#include "spec.h"

struct item {
    struct acio_link link;
    char name;
};

static struct item items[] = { { .name = 'a' }, { .name = 'b' },
    { .name = 'c' }, { .name = 'd' } };

static void
push(struct acio_link *head, int from, int to)
{
    acioi_list_init(head);
    for (int i = from; i < to; i++)
        acioi_list_push_back(head, &items[i].link);
}

/* Walks both ways: a broken back pointer shows. */
static void
expect_names(struct acio_link *head, const char *names)
{
    struct spec_log there = SPEC_LOG_INIT;
    size_t count = 0;
    for (struct acio_link *l = head->next; l != head; l = l->next) {
        spec_log_add(&there, "%c",
            acioi_container_of(l, struct item, link)->name);
        count++;
    }
    EXPECT_TEXT(&there, names);
    for (struct acio_link *l = head->prev; l != head; l = l->prev)
        EXPECT_EQ(acioi_container_of(l, struct item, link)->name,
            names[--count]);
    EXPECT_EQ(count, 0);
}

TEST(list, is_empty_at_first)
{
    struct acio_link head;
    acioi_list_init(&head);
    EXPECT(acioi_list_empty(&head));
    EXPECT(acioi_list_first(&head) == NULL);
    EXPECT(acioi_list_pop_front(&head) == NULL);
}

TEST(list, gives_in_order_of_arrival)
{
    struct acio_link head;
    push(&head, 0, 3);
    expect_names(&head, "abc");
    EXPECT(acioi_list_pop_front(&head) == &items[0].link);
    EXPECT(acioi_list_pop_front(&head) == &items[1].link);
    EXPECT(acioi_list_pop_front(&head) == &items[2].link);
    EXPECT(acioi_list_empty(&head));
}

TEST(list, takes_at_the_front_as_well)
{
    struct acio_link head;
    push(&head, 0, 2);
    acioi_list_push_front(&head, &items[2].link);
    expect_names(&head, "cab");
}

TEST(list, removes_from_the_middle_and_from_the_ends)
{
    struct acio_link head;
    push(&head, 0, 4);
    acioi_list_remove(&items[1].link);
    expect_names(&head, "acd");
    acioi_list_remove(&items[3].link);
    expect_names(&head, "ac");
    acioi_list_remove(&items[0].link);
    expect_names(&head, "c");
    acioi_list_remove(&items[2].link);
    expect_names(&head, "");
}

TEST(list, knows_who_is_in_one)
{
    struct acio_link head;
    push(&head, 0, 1);
    EXPECT(acioi_linked(&items[0].link));
    acioi_list_remove(&items[0].link);
    EXPECT(!acioi_linked(&items[0].link));
}

TEST(list, ignores_the_removal_of_who_is_in_none)
{
    struct acio_link head;
    push(&head, 0, 1);
    struct acio_link stranger = { 0 };
    acioi_list_remove(&stranger);
    expect_names(&head, "a");
}

TEST(list, moves_all_links_behind_those_of_another)
{
    struct acio_link to, from;
    push(&to, 0, 2);
    push(&from, 2, 4);
    acioi_list_splice_back(&to, &from);
    expect_names(&to, "abcd");
    expect_names(&from, "");
    acioi_list_splice_back(&to, &from);
    expect_names(&to, "abcd");
    acioi_list_splice_back(&from, &to);
    expect_names(&from, "abcd");
    expect_names(&to, "");
}
