/* plan.h: what a sandbox has, as entries of HAProxy's maps. Pure. */
#ifndef SK_EDGE_PLAN_H
#define SK_EDGE_PLAN_H

#include "base/arena.h"
#include "drivers/edge/haproxy_config.h"

/* Neither text has a byte in it that means something in HAProxy's command language. */
struct sk_plan_entry {
    enum sk_haproxy_map map;
    const char *key, *value;
};

struct sk_plan {
    struct sk_plan_entry *entries; /* of the arena */
    size_t count;
};

/* `has`: which maps HAProxy was started with; names are left out where there is no gate. Errors:
 * SK_INVALID_ARGUMENT (ids, names), SK_FAILED_PRECONDITION (a door to a map that is not there). */
SK_MUST_CHECK enum sk_code sk_plan_make(struct sk_arena *arena, const bool has[SK_MAP_COUNT],
                                        const struct sk_edge_box *box, struct sk_plan *out_plan,
                                        struct sk_err *err);
/* Whose entry it is, from its value: the length of the id. */
size_t sk_plan_owner(const char *value);
/* Whether it can be a word of a command: letters, digits, and "-_.:*|". */
bool sk_plan_is_word(const char *text);

#endif
