/* entities.h: what the configuration says of entities of another server: an object of tenants by entity, or a
 * list of entities whose tenants have the same names.
 *
 * Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_ENTITIES_H
#define SK_CONFIG_ENTITIES_H

#include "base/entities.h"
#include "config/faults.h"
#include "config/json.h"

/* Writes *out, or adds faults (below `key`) and leaves it alone. */
void sk_entities_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                      struct sk_entity_table *out, struct sk_faults *faults);

#endif
