/* SPDX-License-Identifier: MIT */
/* list.h - the intrusive list that everything waits in
 *
 * Idea.       A circle of links that lie inside the objects. The head is a
 *             link of its own, so no operation has a special case.
 *
 *                 0:  head -> head
 *                 1:  head -> a -> head
 *                 2:  head -> a -> b -> head
 *
 * Invariant.  A link outside every list has next == NULL, which is also what
 *             zeroed memory holds. Removing such a link does nothing: whoever
 *             leaves early may always unlink itself.
 */
#ifndef ACIOI_LIST_H
#define ACIOI_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <acio/types.h>

#define acioi_container_of(pointer, type, member)                              \
    ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void
acioi_list_init(struct acio_link *head)
{
    head->next = head->prev = head;
}

static inline bool
acioi_list_empty(const struct acio_link *head)
{
    return head->next == head;
}

static inline bool
acioi_linked(const struct acio_link *link)
{
    return link->next != NULL;
}

static inline void
acioi_list_push_back(struct acio_link *head, struct acio_link *link)
{
    link->next = head;
    link->prev = head->prev;
    head->prev->next = link;
    head->prev = link;
}

static inline void
acioi_list_push_front(struct acio_link *head, struct acio_link *link)
{
    acioi_list_push_back(head->next, link);
}

static inline void
acioi_list_remove(struct acio_link *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

static inline struct acio_link *
acioi_list_first(const struct acio_link *head)
{
    return head->next == head ? NULL : head->next;
}

/* The first link, taken out, or NULL. */
static inline struct acio_link *
acioi_list_pop_front(struct acio_link *head)
{
    struct acio_link *link = acioi_list_first(head);
    if (link)
        acioi_list_remove(link);
    return link;
}

/* Moves all links of `from` behind those of `to`; `from` is empty after. */
static inline void
acioi_list_splice_back(struct acio_link *to, struct acio_link *from)
{
    if (acioi_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    acioi_list_init(from);
}

#endif
