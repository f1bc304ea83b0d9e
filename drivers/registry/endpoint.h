/* endpoint.h: where an image of a registry can be asked for, and which other
 * hosts the config names. Pure.
 *
 * docker.io is served by registry-1.docker.io. A mirror's path, if it has one,
 * goes before "/v2", unless it begins with "/v2" itself ("https://hub.corp/v2/
 * dockerhub"): then it is taken as it is. */
#ifndef SK_REGISTRY_ENDPOINT_H
#define SK_REGISTRY_ENDPOINT_H

#include "base/arena.h"
#include "drivers/http/url.h"
#include "drivers/registry/registry.h"

/* One place. */
struct sk_endpoint {
    struct sk_url url;      /* of the API, e.g. "https://registry-1.docker.io/v2" */
    const char *login_name; /* whose logins it gets: the registry's name or the mirror's host; in the arena */
    bool mirror;
};

/* The places for one registry, in the order in which they are asked. */
struct sk_endpoints {
    struct sk_arena arena;
    struct sk_endpoint *items;
    size_t len;
};

/* config: NULL = it says nothing of the registry. Errors: SK_INVALID_ARGUMENT (a mirror's URL; a registry
 * that is no host). On success *out_endpoints is the caller's: sk_endpoints_fini. */
SK_MUST_CHECK enum sk_code sk_endpoints_of(const struct sk_registry_host *config, const char *registry,
                                           struct sk_endpoints *out_endpoints, struct sk_err *err);
/* Zeroed is fine. */
void sk_endpoints_fini(struct sk_endpoints *endpoints);

/* Whether the config names where `url` leads: the registry itself, a mirror, a trusted host. A trusted host
 * without a port means the port of the scheme. config NULL: it names nothing. */
bool sk_endpoint_is_named(const struct sk_registry_host *config, const struct sk_endpoints *endpoints,
                          const struct sk_url *url);

#endif
