/* quota.h: what each tenant holds of the node, and whether it may have more: capacity.h for each of them.
 *
 * Held is what living sandboxes ask for (their requests), what their output and their files may take on disk,
 * and open sessions: from the admission until the end was seen and nothing is left. What is there at a start
 * is admitted in any case. Settings may change at any time: who holds more then gets no more.
 *
 * A due lies in what it stands for, so that giving back cannot be forgotten; giving back twice is harmless.
 * Threads: loop only. */
#ifndef SK_CORE_QUOTA_H
#define SK_CORE_QUOTA_H

#include "audit/share.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/quota.h"

struct sk_holding {
    int64_t of[SK_QUOTA_HELD];
};

struct sk_tenant; /* what one holds */

struct sk_tenants {
    struct sk_map by_name;
};

struct sk_due {
    struct sk_tenant *tenant; /* borrowed; NULL = nothing is due */
    struct sk_holding holding;
};

void sk_tenants_init(struct sk_tenants *tenants);
/* Nothing may be due. */
void sk_tenants_fini(struct sk_tenants *tenants);

/* Whether it may have that as well. Errors: SK_RESOURCE_EXHAUSTED + SK_REASON_CAPACITY, naming the quota. */
SK_MUST_CHECK enum sk_code sk_tenants_check(const struct sk_tenants *tenants,
                                            const struct sk_quota_table *table, const char *tenant,
                                            const struct sk_holding *wanted, struct sk_err *err);
/* Whether it may create a sandbox just now; if so it has. As many as the quota at once, then one after the
 * other. Errors: SK_RESOURCE_EXHAUSTED + SK_REASON_OVERLOADED, naming the quota. */
SK_MUST_CHECK enum sk_code sk_tenants_pace(struct sk_tenants *tenants, const struct sk_quota_table *table,
                                           const char *tenant, struct sk_instant now, struct sk_err *err);

/* What is taken for a call before it is known how much will be told of it. */
#define SK_TOLD_BEFOREHAND 1024

/* The same of a call that the audit tells of: a minute's worth at once, then as fast as the quota allows. It
 * takes SK_TOLD_BEFOREHAND, so that many at once are not more than one after the other. */
SK_MUST_CHECK enum sk_code sk_tenants_admit_told(struct sk_tenants *tenants,
                                                 const struct sk_quota_table *table, const char *tenant,
                                                 struct sk_instant now, struct sk_err *err);
/* So many bytes were told of it beyond those that were taken; < 0: fewer. */
void sk_tenants_told(struct sk_tenants *tenants, const struct sk_quota_table *table, const char *tenant,
                     int64_t bytes, struct sk_instant now);

/* How much of the memory for lines those of its calls take; borrowed. */
struct sk_audit_share *sk_tenants_audit_share(struct sk_tenants *tenants, const char *tenant);

/* Holds it, whether that fits or not. The due must be empty. */
void sk_due_take(struct sk_due *due, struct sk_tenants *tenants, const char *tenant,
                 const struct sk_holding *holding);
void sk_due_drop(struct sk_due *due);

#endif
