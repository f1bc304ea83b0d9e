#include "drivers/registry/registry.h"

#include "base/strings.h"
#include "drivers/registry/client.h"
#include "drivers/registry/endpoint.h"

#include <strings.h>

static const struct sk_registry_host *copy_hosts(struct sk_arena *arena, const struct sk_registry_host *given,
                                                 size_t count)
{
    struct sk_registry_host *hosts = sk_arena_alloc(arena, (count + 1) * sizeof(*hosts));
    for (size_t i = 0; i < count; i++) {
        const struct sk_registry_host *host = &given[i];
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

static const struct sk_image_login *copy_logins(struct sk_arena *arena, const struct sk_image_login *given,
                                                size_t count)
{
    struct sk_image_login *logins = sk_arena_alloc(arena, (count + 1) * sizeof(*logins));
    for (size_t i = 0; i < count; i++)
        logins[i] = sk_image_login_copy(arena, &given[i]);
    return logins;
}

static void free_terms(struct sk_registry_terms *terms)
{
    while (terms) {
        struct sk_registry_terms *older = terms->older;
        for (size_t i = 0; i < terms->login_count; i++)
            sk_image_login_wipe(&terms->logins[i]);
        sk_arena_fini(&terms->arena);
        free(terms);
        terms = older;
    }
}

void sk_registry_let_go(struct sk_registry *registry)
{
    if (--registry->requests == 0)
        free_terms(sk_take(registry->terms->older));
}

void sk_registry_configure(struct sk_registry *registry, const struct sk_registry_host *hosts,
                           size_t host_count, const struct sk_image_login *logins, size_t login_count)
{
    struct sk_registry_terms *terms = sk_alloc(sizeof(*terms));
    terms->hosts = copy_hosts(&terms->arena, hosts, host_count);
    terms->host_count = host_count;
    terms->logins = copy_logins(&terms->arena, logins, login_count);
    terms->login_count = login_count;
    if (registry->requests == 0)
        free_terms(sk_take(registry->terms));
    terms->older = registry->terms;
    registry->terms = terms;
}

/* Finds out at the start what no call could do anything about. */
enum sk_code sk_registry_check_hosts(const struct sk_registry_host *hosts, size_t count, struct sk_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct sk_endpoints endpoints = {0};
        enum sk_code code = sk_endpoints_of(&hosts[i], hosts[i].name, &endpoints, err);
        sk_endpoints_fini(&endpoints);
        if (code != SK_OK)
            return sk_err_wrap(err, "registry %s", hosts[i].name);
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
    enum sk_code code = sk_registry_check_hosts(options->hosts, options->host_count, err);
    if (code == SK_OK)
        code = sk_http_new(&http, &made, err);
    if (code != SK_OK)
        return code;
    struct sk_registry *registry = sk_alloc(sizeof(*registry));
    registry->loop = options->loop;
    registry->log = options->log;
    registry->http = made;
    sk_registry_configure(registry, options->hosts, options->host_count, options->logins,
                          options->login_count);
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
    free_terms(registry->terms);
    free(registry);
}

const struct sk_registry_host *sk_registry_find_host(const struct sk_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->terms->host_count; i++)
        if (strcasecmp(registry->terms->hosts[i].name, name) == 0)
            return &registry->terms->hosts[i];
    return NULL;
}

const struct sk_image_login *sk_registry_find_login(const struct sk_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->terms->login_count; i++)
        if (strcasecmp(registry->terms->logins[i].registry, name) == 0)
            return &registry->terms->logins[i];
    return NULL;
}
