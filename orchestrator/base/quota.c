#include "base/quota.h"

#include <string.h>

static const struct sk_quota *find(const struct sk_quota_table *table, const char *tenant)
{
    for (size_t i = 0; i < table->len; i++)
        if (strcmp(table->rows[i].tenant, tenant) == 0)
            return &table->rows[i];
    return NULL;
}

const struct sk_quota *sk_quota_find(const struct sk_quota_table *table, const char *tenant)
{
    const struct sk_quota *own = find(table, tenant);
    return own ? own : find(table, "*");
}

const char *sk_quota_name(enum sk_quota_kind kind)
{
    static const char *const names[SK_QUOTA_COUNT] = {"sandboxes", "cpu",           "memory",       "disk",
                                                      "sessions",  "creates_per_s", "audit_per_min"};
    return names[kind];
}
