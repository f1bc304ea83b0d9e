/* members.h: an object whose members have names of the operator's own: registries, tenants, nodes, variables.
 * Pure. */
#ifndef SK_CONFIG_MEMBERS_H
#define SK_CONFIG_MEMBERS_H

#include "config/faults.h"
#include "config/json.h"

#define SK_MEMBER_PATH 512

/* How many there are, of an array too. A fault, and false, when more than `max`; what: "tenants". */
bool sk_members_count(const char *key, const struct sk_json *value, size_t max, const char *what,
                      size_t *out_count, struct sk_faults *faults);
/* The same, and `value` must be an object. */
bool sk_members_begin(const char *key, const struct sk_json *value, size_t max, const char *what,
                      size_t *out_count, struct sk_faults *faults);
/* key."name". */
void sk_member_path(const char *key, const struct sk_json *member, char out_path[SK_MEMBER_PATH]);
/* Whether an earlier member of the object has that name; a fault then. */
bool sk_member_is_repeated(const struct sk_json *object, const struct sk_json *member, const char *path,
                           struct sk_faults *faults);

#endif
