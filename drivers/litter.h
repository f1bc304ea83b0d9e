/* litter.h: what a driver finds on the host beside what it is asked for: made
 * for some sandbox, by it or by what lies behind it, and of no more use when
 * that sandbox has gone. Core decides what is nobody's (core/sweeper.h). */
#ifndef SK_DRIVERS_LITTER_H
#define SK_DRIVERS_LITTER_H

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct sk_litter {
    const char *kind; /* "cgroup", "agent folder"; static */
    char name[128];   /* the sandbox's id … */
    bool is_nobodys; /* … unless the driver itself knows that it is this node's, and that nobody needs it */
};

struct sk_litter_list {
    struct sk_litter *items; /* heap, the caller's: free(items) */
    size_t len, cap;
};

/* Names that are too long to be ours are left out. */
static inline void sk_litter_add(struct sk_litter_list *list, const char *kind, const char *name,
                                 bool is_nobodys)
{
    struct sk_litter item = {.kind = kind, .is_nobodys = is_nobodys};

    if (strlen(name) >= sizeof(item.name))
        return;
    (void)snprintf(item.name, sizeof(item.name), "%s", name);
    if (list->len == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 32;
        list->items = sk_realloc(list->items, list->cap * sizeof(item));
    }
    list->items[list->len++] = item;
}

#endif
