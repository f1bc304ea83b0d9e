/* list.h: intrusive, circular, doubly linked list.
 *
 * A head is a struct sk_list made ready by sk_list_init (a zeroed one is NOT
 * ready). A node is a struct sk_list field; a zeroed node is "not in a list". */
#ifndef SK_BASE_LIST_H
#define SK_BASE_LIST_H

#include "base/own.h"

#include <stdbool.h>

struct sk_list {
    struct sk_list *next, *prev;
};

static inline void sk_list_init(struct sk_list *head)
{
    head->next = head->prev = head;
}

static inline bool sk_list_is_empty(const struct sk_list *head)
{
    return head->next == head;
}

static inline bool sk_list_is_linked(const struct sk_list *node)
{
    return node->next != NULL;
}

static inline void sk_list_append(struct sk_list *head, struct sk_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void sk_list_prepend(struct sk_list *head, struct sk_list *node)
{
    sk_list_append(head->next, node);
}

/* Unlinks; harmless on a node that is in no list. */
static inline void sk_list_remove(struct sk_list *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* The first node, unlinked, or NULL. */
static inline struct sk_list *sk_list_pop(struct sk_list *head)
{
    struct sk_list *node = head->next;
    if (node == head)
        return NULL;
    head->next = node->next;
    node->next->prev = head;
    node->next = node->prev = NULL;
    return node;
}

/* Moves all nodes of `from` to the end of `to`; `from` is empty afterwards. */
static inline void sk_list_move_all(struct sk_list *to, struct sk_list *from)
{
    if (sk_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    sk_list_init(from);
}

#define sk_list_entry(node, type, field) sk_container_of(node, type, field)
/* `node` may be removed inside the body; its successor may not. */
/* NOLINTBEGIN(bugprone-macro-parentheses): `node` is declared here, as a name of the caller's choice. */
#define sk_list_each(head, node)                                                                             \
    for (struct sk_list *node = (head)->next, *node##_next_ = node->next; node != (head);                    \
         node = node##_next_, node##_next_ = node->next)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
