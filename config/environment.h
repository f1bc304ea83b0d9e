/* environment.h: environment variables in the configuration: an object of
 * texts, by name. Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_ENVIRONMENT_H
#define SK_CONFIG_ENVIRONMENT_H

#include "base/variable.h"
#include "config/faults.h"
#include "config/json.h"

/* Writes *out, or adds faults (below `key`; no value stands in one) and leaves it alone. */
void sk_environment_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                         struct sk_env_list *out, struct sk_faults *faults);

#endif
