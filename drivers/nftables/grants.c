#include "drivers/nftables/grants.h"

#include <assert.h>

void sk_grants_fini(struct sk_grants *grants)
{
    free(grants->items);
    *grants = (struct sk_grants){0};
}

static struct sk_grant *find(const struct sk_grants *grants, const struct sk_ip *ip)
{
    for (size_t i = 0; i < grants->count; i++) {
        if (sk_ip_equal(&grants->items[i].ip, ip))
            return &grants->items[i];
    }
    return NULL;
}

bool sk_grants_has(const struct sk_grants *grants, const struct sk_ip *ip)
{
    return find(grants, ip) != NULL;
}

/* A place for one more: a new one, or that of the one which ended first; NULL = all hold still. */
static struct sk_grant *make_room(struct sk_grants *grants, struct sk_instant now)
{
    struct sk_grant *oldest = grants->items;
    if (grants->count < SK_GRANTS_MAX) {
        grants->items = sk_realloc(grants->items, (grants->count + 1) * sizeof(*grants->items));
        return &grants->items[grants->count++];
    }
    assert(oldest);
    for (size_t i = 1; i < grants->count; i++) {
        if (grants->items[i].until.ns < oldest->until.ns)
            oldest = &grants->items[i];
    }
    return oldest->until.ns <= now.ns ? oldest : NULL;
}

bool sk_grants_put(struct sk_grants *grants, const struct sk_ip *ip, struct sk_instant now,
                   struct sk_instant until, struct sk_instant *out_until)
{
    struct sk_grant *grant = find(grants, ip);
    if (!grant) {
        grant = make_room(grants, now);
        if (!grant)
            return false;
        *grant = (struct sk_grant){*ip, until};
    }
    if (grant->until.ns < until.ns)
        grant->until = until;
    *out_until = grant->until;
    return true;
}
