#include "drivers/nftables/grants.h"

#include <assert.h>
#include <string.h>

static void forget_names(struct sk_grant *grant)
{
    for (size_t i = 0; i < grant->name_count; i++)
        free(grant->names[i].text);
    grant->name_count = 0;
}

void sk_grants_fini(struct sk_grants *grants)
{
    for (size_t i = 0; i < grants->count; i++)
        forget_names(&grants->items[i]);
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

/* --- names ----------------------------------------------------------------------------- */

static struct sk_grant_name *find_name(struct sk_grant *grant, const char *name)
{
    for (size_t i = 0; i < grant->name_count; i++) {
        if (strcmp(grant->names[i].text, name) == 0)
            return &grant->names[i];
    }
    return NULL;
}

/* A place for one more: a new one, or that of the one which ends first. */
static struct sk_grant_name *make_room_for_name(struct sk_grant *grant)
{
    struct sk_grant_name *first = grant->names;
    if (grant->name_count < SK_GRANT_NAMES_MAX)
        return &grant->names[grant->name_count++];
    for (size_t i = 1; i < grant->name_count; i++) {
        if (grant->names[i].until.ns < first->until.ns)
            first = &grant->names[i];
    }
    free(first->text);
    return first;
}

static void put_name(struct sk_grant *grant, const char *text, struct sk_instant until)
{
    struct sk_grant_name *name = find_name(grant, text);
    if (!name) {
        name = make_room_for_name(grant);
        *name = (struct sk_grant_name){sk_strdup(text), until};
    }
    if (name->until.ns < until.ns)
        name->until = until;
    if (grant->until.ns < until.ns)
        grant->until = until;
}

/* --- addresses ------------------------------------------------------------------------- */

static struct sk_grant *append(struct sk_grants *grants)
{
    grants->items = sk_realloc(grants->items, (grants->count + 1) * sizeof(*grants->items));
    return &grants->items[grants->count++];
}

/* A place for one more: a new one, or that of the one which ended first; NULL = all hold still. */
static struct sk_grant *make_room(struct sk_grants *grants, struct sk_instant now)
{
    struct sk_grant *oldest = grants->items;
    if (grants->count < SK_GRANTS_MAX)
        return append(grants);
    assert(oldest);
    for (size_t i = 1; i < grants->count; i++) {
        if (grants->items[i].until.ns < oldest->until.ns)
            oldest = &grants->items[i];
    }
    if (oldest->until.ns > now.ns)
        return NULL;
    forget_names(oldest);
    return oldest;
}

bool sk_grants_put(struct sk_grants *grants, const struct sk_ip *ip, const char *name, struct sk_instant now,
                   struct sk_instant until, struct sk_instant *out_until)
{
    struct sk_grant *grant = find(grants, ip);
    if (!grant) {
        grant = make_room(grants, now);
        if (!grant)
            return false;
        *grant = (struct sk_grant){.ip = *ip};
    }
    put_name(grant, name, until);
    *out_until = grant->until;
    return true;
}

void sk_grants_inherit(struct sk_grants *next, const struct sk_grants *before,
                       const struct sk_net_policy *policy)
{
    assert(!next->count);
    for (size_t i = 0; i < before->count; i++) {
        const struct sk_grant *old = &before->items[i];
        struct sk_grant kept = {.ip = old->ip};
        for (size_t n = 0; n < old->name_count; n++) {
            if (sk_net_policy_grants(policy, old->names[n].text))
                put_name(&kept, old->names[n].text, old->names[n].until);
        }
        if (kept.name_count)
            *append(next) = kept;
    }
}
