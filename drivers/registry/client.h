/* client.h: what the calls to registries share. For this folder and its tests. */
#ifndef SK_REGISTRY_CLIENT_H
#define SK_REGISTRY_CLIENT_H

#include "drivers/registry/grant.h"
#include "drivers/registry/registry.h"
#include "drivers/registry/retry.h"
#include "loop/flight.h"

/* What the config says; all of it in the arena. */
struct sk_registry_terms {
    struct sk_arena arena;
    const struct sk_registry_host *hosts;
    size_t host_count;
    const struct sk_image_login *logins;
    size_t login_count;
    struct sk_registry_terms *older; /* requests that began with them may be under way */
};

struct sk_registry {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_http *http;
    struct sk_registry_terms *terms; /* in force; those before may still be borrowed */
    size_t requests;                 /* under way */
    struct sk_token_grants grants;
    struct sk_flights tokens; /* being asked for, tokens.h */
    struct sk_retry_policy retry;
    struct sk_duration stall;
};

/* What the config says of that registry, or NULL. */
const struct sk_registry_host *sk_registry_find_host(const struct sk_registry *registry, const char *name);
/* A request is over: with the last one goes what was in force before. */
void sk_registry_let_go(struct sk_registry *registry);

#endif
