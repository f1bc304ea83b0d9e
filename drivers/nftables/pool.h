/* pool.h: numbers that stand for places in the address pools. What was given
 * back rests before it is given again, and is given last of all. Pure. */
#ifndef SK_NFTABLES_POOL_H
#define SK_NFTABLES_POOL_H

#include "base/clock.h"

#include <stddef.h>

struct sk_pool {
    struct sk_pool_place *places;
    size_t count;
    size_t first, last; /* the free ones, longest free first: a list of indices; count = none */
    struct sk_duration rest;
};

void sk_pool_init(struct sk_pool *pool, size_t count, struct sk_duration rest);
void sk_pool_fini(struct sk_pool *pool);
/* False = none is free and rested. */
bool sk_pool_take(struct sk_pool *pool, struct sk_instant now, uint32_t *out_number);
/* Takes that very number, rested or not; false when it is taken, or no number of this pool. */
bool sk_pool_claim(struct sk_pool *pool, uint32_t number);
/* It must be taken. */
void sk_pool_give(struct sk_pool *pool, uint32_t number, struct sk_instant now);

#endif
