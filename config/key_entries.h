/* key_entries.h: what the configuration says of API keys that several nodes have: an object by the key's id,
 * each an object of sha256, tenant, name and admin.
 *
 * Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_KEY_ENTRIES_H
#define SK_CONFIG_KEY_ENTRIES_H

#include "base/key_entry.h"
#include "config/faults.h"
#include "config/json.h"

/* Writes *out, or adds faults (below `key`) and leaves it alone. */
void sk_key_entries_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                         struct sk_key_entries *out, struct sk_faults *faults);

#endif
