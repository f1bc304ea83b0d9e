#include "drivers/nftables/pool.h"

#include "base/own.h"

#include <assert.h>

struct sk_pool_place {
    size_t before, after; /* among the free; count = none */
    struct sk_instant rested;
    bool taken;
};

static void append(struct sk_pool *pool, size_t at)
{
    struct sk_pool_place *place = &pool->places[at];
    place->taken = false;
    place->before = pool->last;
    place->after = pool->count;
    if (pool->last == pool->count)
        pool->first = at;
    else
        pool->places[pool->last].after = at;
    pool->last = at;
}

static void unlink_place(struct sk_pool *pool, size_t at)
{
    struct sk_pool_place *place = &pool->places[at];
    if (place->before == pool->count)
        pool->first = place->after;
    else
        pool->places[place->before].after = place->after;
    if (place->after == pool->count)
        pool->last = place->before;
    else
        pool->places[place->after].before = place->before;
    place->taken = true;
}

void sk_pool_init(struct sk_pool *pool, size_t count, struct sk_duration rest)
{
    *pool = (struct sk_pool){.count = count, .first = count, .last = count, .rest = rest};
    pool->places = sk_alloc(count * sizeof(*pool->places));
    for (size_t i = 0; i < count; i++)
        append(pool, i);
}

void sk_pool_fini(struct sk_pool *pool)
{
    free(sk_take(pool->places));
    *pool = (struct sk_pool){0};
}

bool sk_pool_take(struct sk_pool *pool, struct sk_instant now, uint32_t *out_number)
{
    size_t at = pool->first;
    /* All rest equally long: when the first has not rested, none has. */
    if (at == pool->count || pool->places[at].rested.ns > now.ns)
        return false;
    unlink_place(pool, at);
    *out_number = (uint32_t)at;
    return true;
}

bool sk_pool_claim(struct sk_pool *pool, uint32_t number)
{
    if (number >= pool->count || pool->places[number].taken)
        return false;
    unlink_place(pool, number);
    return true;
}

void sk_pool_give(struct sk_pool *pool, uint32_t number, struct sk_instant now)
{
    assert(number < pool->count && pool->places[number].taken);
    append(pool, number);
    pool->places[number].rested = sk_instant_add(now, pool->rest);
}
