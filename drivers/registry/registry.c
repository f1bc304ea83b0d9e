#include "drivers/registry/registry.h"

#include "base/strings.h"
#include "drivers/registry/client.h"
#include "drivers/registry/endpoint.h"

#include <strings.h>

static const struct sk_registry_host *copy_hosts(struct sk_arena *arena,
                                                 const struct sk_registry_options *options)
{
    struct sk_registry_host *hosts = sk_arena_alloc(arena, (options->host_count + 1) * sizeof(*hosts));
    for (size_t i = 0; i < options->host_count; i++) {
        const struct sk_registry_host *host = &options->hosts[i];
        hosts[i] = (struct sk_registry_host){
            .name = sk_arena_strdup(arena, host->name),
            .mirrors = sk_strings_copy(arena, host->mirrors),
            .plain_http = host->plain_http,
            .ca_file = sk_arena_strdup(arena, host->ca_file ? host->ca_file : ""),
            .trusted_hosts = sk_strings_copy(arena, host->trusted_hosts),
        };
    }
    return hosts;
}

static const struct sk_image_login *copy_logins(struct sk_arena *arena,
                                                const struct sk_registry_options *options)
{
    struct sk_image_login *logins = sk_arena_alloc(arena, (options->login_count + 1) * sizeof(*logins));
    for (size_t i = 0; i < options->login_count; i++)
        logins[i] = sk_image_login_copy(arena, &options->logins[i]);
    return logins;
}

/* Finds out at the start what no call could do anything about. */
static enum sk_code check_hosts(const struct sk_registry_options *options, struct sk_err *err)
{
    for (size_t i = 0; i < options->host_count; i++) {
        struct sk_endpoints endpoints = {0};
        enum sk_code code = sk_endpoints_of(&options->hosts[i], options->hosts[i].name, &endpoints, err);
        sk_endpoints_fini(&endpoints);
        if (code != SK_OK)
            return sk_err_wrap(err, "registry %s", options->hosts[i].name);
    }
    return SK_OK;
}

enum sk_code sk_registry_new(const struct sk_registry_options *options, struct sk_registry **out_registry,
                             struct sk_err *err)
{
    const struct sk_http_options http = {
        .loop = options->loop,
        .log = options->log,
        .proxy = options->proxy ? options->proxy : "",
        .max_connections = options->max_connections,
    };
    struct sk_http *made = NULL;
    enum sk_code code = check_hosts(options, err);
    if (code == SK_OK)
        code = sk_http_new(&http, &made, err);
    if (code != SK_OK)
        return code;
    struct sk_registry *registry = sk_alloc(sizeof(*registry));
    registry->loop = options->loop;
    registry->log = options->log;
    registry->http = made;
    registry->hosts = copy_hosts(&registry->arena, options);
    registry->host_count = options->host_count;
    registry->logins = copy_logins(&registry->arena, options);
    registry->login_count = options->login_count;
    registry->retry = SK_RETRY_USUAL;
    registry->stall = SK_SEC(30);
    sk_token_grants_init(&registry->grants);
    sk_flights_init(&registry->tokens, options->loop);
    *out_registry = registry;
    return SK_OK;
}

void sk_registry_free(struct sk_registry *registry)
{
    if (!registry)
        return;
    sk_http_free(registry->http);
    sk_token_grants_fini(&registry->grants);
    sk_flights_fini(&registry->tokens);
    for (size_t i = 0; i < registry->login_count; i++)
        sk_image_login_wipe(&registry->logins[i]);
    sk_arena_fini(&registry->arena);
    free(registry);
}

const struct sk_registry_host *sk_registry_find_host(const struct sk_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->host_count; i++)
        if (strcasecmp(registry->hosts[i].name, name) == 0)
            return &registry->hosts[i];
    return NULL;
}

const struct sk_image_login *sk_registry_find_login(const struct sk_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->login_count; i++)
        if (strcasecmp(registry->logins[i].registry, name) == 0)
            return &registry->logins[i];
    return NULL;
}
