/* maps.h: what HAProxy's maps should hold, what they hold, and the commands
 * that lead from one to the other: what closes something first, what opens
 * something last. Pure.
 *
 * One batch of commands is under way at a time. */
#ifndef SK_EDGE_MAPS_H
#define SK_EDGE_MAPS_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/edge/plan.h"

struct sk_maps {
    struct sk_map items;             /* by map and key */
    struct sk_map owners;            /* by id */
    struct sk_list closing, opening; /* items to be changed */
    struct sk_list sent;
    struct sk_list all; /* owners */
};

void sk_maps_init(struct sk_maps *maps);
void sk_maps_fini(struct sk_maps *maps);

/* All that this sandbox should have; an empty plan = nothing. What another one had there is taken over. */
void sk_maps_want(struct sk_maps *maps, const char *id, const struct sk_plan *plan);
/* Whether the maps hold exactly what that sandbox should have. */
bool sk_maps_is_settled(const struct sk_maps *maps, const char *id);
bool sk_maps_is_empty(const struct sk_maps *maps);
/* Calls for each sandbox that has, or should have, something. */
void sk_maps_each(const struct sk_maps *maps, void (*fn)(void *arg, const char *id), void *arg);

/* Appends commands, one line of at most `max` bytes. False = all is as it should be. */
bool sk_maps_next(struct sk_maps *maps, size_t max, struct sk_buf *line);
/* Whether HAProxy has done all of the batch under way. */
bool sk_maps_answer_is_good(const struct sk_maps *maps, const char *answer);
/* It has. */
void sk_maps_done(struct sk_maps *maps);

/* HAProxy's maps are new, or cannot be told: nothing is known to be held, no batch is under way. */
void sk_maps_forget_held(struct sk_maps *maps);
/* An answer to "show map": what is held. adopt: it is also what should be. False = it is not such an answer.
 */
bool sk_maps_read(struct sk_maps *maps, enum sk_haproxy_map map, char *answer, bool adopt);

#endif
