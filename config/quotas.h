/* quotas.h: what the configuration says of quotas: an object by the tenant's name, or "*", each an object of
 * sandboxes, cpu, memory, disk, sessions, creates_per_s and audit_per_min.
 *
 * Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_QUOTAS_H
#define SK_CONFIG_QUOTAS_H

#include "base/quota.h"
#include "config/faults.h"
#include "config/json.h"

/* Writes *out, or adds faults (below `key`) and leaves it alone. */
void sk_quotas_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                    struct sk_quota_table *out, struct sk_faults *faults);

#endif
