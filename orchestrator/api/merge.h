/* merge.h: pages of several nodes as one page. Each node gives its first things after the same token, in the
 * same order; together they are as far as the nearest place where one of them left off. Pure. */
#ifndef SK_API_MERGE_H
#define SK_API_MERGE_H

#include "base/arena.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct sk_merge_item {
    struct sk_wall created;
    const char *id;
    void *message;
    bool is_cut; /* the last of its node's page, and the node has more */
};

/* Brings the items into the order (created, id) and says how many of the first are the page. *out_more: there
 * is another page behind the last of them. */
size_t sk_merge_page(struct sk_merge_item *items, size_t count, size_t limit, bool ascending, bool *out_more);
/* How many of the first, which are messages, one answer holds. */
size_t sk_merge_fit(struct sk_arena *arena, const struct sk_merge_item *items, size_t count);

#endif
