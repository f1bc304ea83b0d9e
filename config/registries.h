/* registries.h: what the configuration says of registries: an object by the
 * registry's name, each an object of mirrors, plain_http, ca, trusted_hosts.
 *
 * Pure; what is read lives in the arena. */
#ifndef SK_CONFIG_REGISTRIES_H
#define SK_CONFIG_REGISTRIES_H

#include "config/faults.h"
#include "config/json.h"

/* One registry. Nothing is NULL; the lists are NULL-terminated. */
struct sk_registry_setting {
    const char *name;           /* as in full image names: "docker.io", "registry.corp:5000" */
    const char **mirrors;       /* what url.h takes */
    bool plain_http;            /* of the registry itself */
    const char *ca;             /* absolute path, or "" */
    const char **trusted_hosts; /* "host" or "host:port" */
};

struct sk_registry_settings {
    struct sk_registry_setting *items;
    size_t len;
};

/* Writes *out, or adds faults (below `key`) and leaves it alone. */
void sk_registries_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                        struct sk_registry_settings *out, struct sk_faults *faults);

#endif
