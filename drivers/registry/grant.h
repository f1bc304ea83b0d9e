/* grant.h: what registries have granted, for as long as it lasts: tokens, and
 * the knowledge that they want a password with each request. */
#ifndef SK_REGISTRY_GRANT_H
#define SK_REGISTRY_GRANT_H

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "drivers/image.h"

#define SK_GRANTS_MAX 256

/* Immutable. */
struct sk_token_grant {
    struct sk_map_node node;
    struct sk_list link; /* by age */
    char *key, *token;   /* token NULL: user and password */
    uint64_t serial;     /* no two are the same, and none is 0 */
    struct sk_instant until;
};

struct sk_token_grants {
    struct sk_map by_key;
    struct sk_list by_age;
    uint64_t last_serial;
};

void sk_token_grants_init(struct sk_token_grants *grants);
void sk_token_grants_fini(struct sk_token_grants *grants);

/* What a grant counts for: one place, one repository, one login (NULL = nobody's). On the heap. */
char *sk_token_grant_key(const char *place, const char *repository, const struct sk_image_login *login);

/* NULL: none, or too old. Borrowed. */
const struct sk_token_grant *sk_token_grants_find(const struct sk_token_grants *grants, const char *key,
                                                  struct sk_instant now);
/* Copies; takes the place of the one before. Above SK_GRANTS_MAX the oldest is forgotten. */
void sk_token_grants_put(struct sk_token_grants *grants, const char *key, const char *token,
                         struct sk_instant until);

#endif
