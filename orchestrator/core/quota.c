#include "core/quota.h"

#include "base/quantity.h"
#include "core/capacity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define SECOND 1000000000
#define MINUTE (INT64_C(60) * SECOND)

struct sk_tenant {
    struct sk_map_node by_name;
    char *name;
    struct sk_holding holding;
    struct sk_instant next; /* when its next create would be due at an even pace */
    struct told {
        double ahead;         /* bytes that the audit was told of it, more than its pace allows: */
        struct sk_instant at; /* then, */
        int64_t most;         /* and this many a minute */
    } told;
    struct sk_audit_share share;
};

void sk_tenants_init(struct sk_tenants *tenants)
{
    sk_map_init(&tenants->by_name);
}

void sk_tenants_fini(struct sk_tenants *tenants)
{
    for (struct sk_map_node *node; (node = sk_map_any(&tenants->by_name)) != NULL;) {
        struct sk_tenant *tenant = sk_map_entry(node, struct sk_tenant, by_name);
        for (size_t i = 0; i < SK_QUOTA_HELD; i++)
            assert(tenant->holding.of[i] == 0);
        sk_map_remove(&tenants->by_name, node);
        free(tenant->name);
        free(tenant);
    }
    sk_map_fini(&tenants->by_name);
}

static struct sk_tenant *find(const struct sk_tenants *tenants, const char *name)
{
    struct sk_map_node *node = sk_map_find(&tenants->by_name, name);
    return node ? sk_map_entry(node, struct sk_tenant, by_name) : NULL;
}

/* They are as many as there are keys' tenants, and stay. */
static struct sk_tenant *find_or_add(struct sk_tenants *tenants, const char *name)
{
    struct sk_tenant *tenant = find(tenants, name);

    if (tenant)
        return tenant;
    tenant = sk_alloc(sizeof(*tenant));
    tenant->name = sk_strdup(name);
    sk_map_add(&tenants->by_name, &tenant->by_name, tenant->name);
    return tenant;
}

static struct sk_holding held_by(const struct sk_tenants *tenants, const char *name)
{
    const struct sk_tenant *tenant = find(tenants, name);
    return tenant ? tenant->holding : (struct sk_holding){{0}};
}

/* --- whether there may be more ------------------------------------------------- */

static void print(enum sk_quota_kind kind, int64_t amount, char out[SK_QUANTITY_TEXT])
{
    if (kind == SK_QUOTA_CPU)
        sk_quantity_print_millis(amount, out);
    else if (kind == SK_QUOTA_MEMORY || kind == SK_QUOTA_DISK || kind == SK_QUOTA_AUDIT)
        sk_quantity_print_bytes(amount, out);
    else
        (void)snprintf(out, SK_QUANTITY_TEXT, "%" PRId64, amount);
}

static enum sk_code refuse(const char *tenant, enum sk_quota_kind kind, int64_t most, int64_t held,
                           int64_t wanted, struct sk_err *err)
{
    char most_text[SK_QUANTITY_TEXT], held_text[SK_QUANTITY_TEXT], wanted_text[SK_QUANTITY_TEXT];

    print(kind, most, most_text);
    print(kind, held, held_text);
    print(kind, wanted, wanted_text);
    (void)sk_fail(err, SK_RESOURCE_EXHAUSTED,
                  "the quota \"%s\" of tenant %s is %s: %s in use, %s more asked for", sk_quota_name(kind),
                  tenant, most_text, held_text, wanted_text);
    (void)sk_err_reason(err, SK_REASON_CAPACITY);
    return SK_RESOURCE_EXHAUSTED;
}

enum sk_code sk_tenants_check(const struct sk_tenants *tenants, const struct sk_quota_table *table,
                              const char *name, const struct sk_holding *wanted, struct sk_err *err)
{
    const struct sk_quota *quota = sk_quota_find(table, name);
    struct sk_holding held = held_by(tenants, name);

    for (enum sk_quota_kind kind = 0; quota && kind < SK_QUOTA_HELD; kind++) {
        int64_t most = quota->most[kind], more = wanted->of[kind];
        if (more > 0 && most != SK_QUOTA_NONE && (held.of[kind] >= most || more > most - held.of[kind]))
            return refuse(name, kind, most, held.of[kind], more, err);
    }
    return SK_OK;
}

static enum sk_code refuse_pace(const char *tenant, enum sk_quota_kind kind, int64_t most, struct sk_err *err)
{
    char text[SK_QUANTITY_TEXT];

    print(kind, most, text);
    (void)sk_fail(err, SK_RESOURCE_EXHAUSTED, "the quota \"%s\" of tenant %s is %s: try again in a moment",
                  sk_quota_name(kind), tenant, text);
    (void)sk_err_reason(err, SK_REASON_OVERLOADED);
    return SK_RESOURCE_EXHAUSTED;
}

enum sk_code sk_tenants_pace(struct sk_tenants *tenants, const struct sk_quota_table *table, const char *name,
                             struct sk_instant now, struct sk_err *err)
{
    const struct sk_quota *quota = sk_quota_find(table, name);
    int64_t most = quota ? quota->most[SK_QUOTA_CREATES] : SK_QUOTA_NONE;

    if (most == SK_QUOTA_NONE)
        return SK_OK;
    if (most == 0)
        return refuse_pace(name, SK_QUOTA_CREATES, most, err);
    struct sk_tenant *tenant = find_or_add(tenants, name);
    struct sk_instant from = tenant->next.ns > now.ns ? tenant->next : now;
    struct sk_instant next = sk_instant_add(from, SK_NS(SECOND / most));
    if (next.ns - now.ns > SECOND)
        return refuse_pace(name, SK_QUOTA_CREATES, most, err);
    tenant->next = next;
    return SK_OK;
}

static int64_t audit_most(const struct sk_quota_table *table, const char *name)
{
    const struct sk_quota *quota = sk_quota_find(table, name);
    return quota ? quota->most[SK_QUOTA_AUDIT] : SK_QUOTA_NONE;
}

/* What comes free with time does; from now on it is at that pace. */
static struct told *told_until(struct sk_tenant *tenant, int64_t most, struct sk_instant now)
{
    struct told *told = &tenant->told;
    double free = (double)told->most * (double)(now.ns - told->at.ns) / MINUTE;

    told->ahead = told->ahead > free ? told->ahead - free : 0;
    /* A quota that was large a moment ago must not lock anybody out for long. */
    if (told->most != most && told->ahead > 2 * (double)most)
        told->ahead = 2 * (double)most;
    told->at = now;
    told->most = most;
    return told;
}

enum sk_code sk_tenants_admit_told(struct sk_tenants *tenants, const struct sk_quota_table *table,
                                   const char *name, struct sk_instant now, struct sk_err *err)
{
    const int64_t most = audit_most(table, name);

    if (most == SK_QUOTA_NONE)
        return SK_OK;
    if (most == 0)
        return refuse_pace(name, SK_QUOTA_AUDIT, most, err);
    struct told *told = told_until(find_or_add(tenants, name), most, now);
    if (told->ahead >= (double)most)
        return refuse_pace(name, SK_QUOTA_AUDIT, most, err);
    told->ahead += SK_TOLD_BEFOREHAND;
    return SK_OK;
}

void sk_tenants_told(struct sk_tenants *tenants, const struct sk_quota_table *table, const char *name,
                     int64_t bytes, struct sk_instant now)
{
    const int64_t most = audit_most(table, name);

    if (most == SK_QUOTA_NONE || most == 0)
        return;
    struct told *told = told_until(find_or_add(tenants, name), most, now);
    told->ahead += (double)bytes;
    if (told->ahead < 0)
        told->ahead = 0;
}

struct sk_audit_share *sk_tenants_audit_share(struct sk_tenants *tenants, const char *name)
{
    return &find_or_add(tenants, name)->share;
}

/* --- what is held -------------------------------------------------------------- */

void sk_due_take(struct sk_due *due, struct sk_tenants *tenants, const char *name,
                 const struct sk_holding *holding)
{
    assert(!due->tenant);
    *due = (struct sk_due){find_or_add(tenants, name), *holding};
    for (size_t i = 0; i < SK_QUOTA_HELD; i++)
        due->tenant->holding.of[i] += holding->of[i];
}

void sk_due_drop(struct sk_due *due)
{
    struct sk_tenant *tenant = due->tenant;

    if (!tenant)
        return;
    due->tenant = NULL;
    for (size_t i = 0; i < SK_QUOTA_HELD; i++)
        tenant->holding.of[i] -= due->holding.of[i];
}
