#include "drivers/registry/endpoint.h"

#include "base/strings.h"

#include <assert.h>
#include <string.h>

#define DOCKER "docker.io"

/* What stands where a host should: a host and perhaps a port, no path. */
static enum sk_code parse_host(const char *host, bool plain, struct sk_url *out_url, struct sk_err *err)
{
    SK_AUTO_FREE char *text = sk_printf("%s://%s", plain ? "http" : "https", host);
    if (strpbrk(host, "/?#@\\"))
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%s\" is not a host", host);
    enum sk_code code = sk_url_parse(text, out_url, err);
    return code == SK_OK ? SK_OK : sk_err_wrap(err, "\"%s\"", host);
}

/* Makes the URL that of the API: cuts the slashes at its end, adds the version. */
static void end_in_version(struct sk_url *url)
{
    assert(url->text);
    size_t len = strlen(url->text);
    while (url->text[len - 1] == '/')
        url->text[--len] = '\0';
    const char *path = strchr(strstr(url->text, "://") + 3, '/');
    bool has_version = path && strncmp(path, "/v2", 3) == 0 && (path[3] == '/' || !path[3]);
    char *text = sk_printf("%s%s", url->text, has_version ? "" : "/v2");
    free(url->text);
    url->text = text;
}

static enum sk_code add_mirror(struct sk_endpoints *endpoints, const char *mirror, struct sk_err *err)
{
    struct sk_endpoint endpoint = {.mirror = true};
    enum sk_code code = sk_url_parse(mirror, &endpoint.url, err);
    if (code == SK_OK && strchr(endpoint.url.text, '?')) {
        code = sk_fail(err, SK_INVALID_ARGUMENT, "a URL with a query");
        sk_url_fini(&endpoint.url);
    }
    if (code != SK_OK)
        return sk_err_wrap(err, "mirror \"%s\"", mirror);
    end_in_version(&endpoint.url);
    endpoint.login_name = sk_arena_strdup(&endpoints->arena, endpoint.url.host);
    endpoints->items[endpoints->len++] = endpoint;
    return SK_OK;
}

static enum sk_code add_registry(struct sk_endpoints *endpoints, const char *registry, bool plain,
                                 struct sk_err *err)
{
    struct sk_endpoint endpoint = {.login_name = sk_arena_strdup(&endpoints->arena, registry)};
    const char *host = strcmp(registry, DOCKER) == 0 ? "registry-1.docker.io" : registry;
    enum sk_code code = parse_host(host, plain, &endpoint.url, err);
    if (code != SK_OK)
        return sk_err_wrap(err, "registry");
    end_in_version(&endpoint.url);
    endpoints->items[endpoints->len++] = endpoint;
    return SK_OK;
}

enum sk_code sk_endpoints_of(const struct sk_registry_host *config, const char *registry,
                             struct sk_endpoints *out_endpoints, struct sk_err *err)
{
    struct sk_endpoints endpoints = {0};
    enum sk_code code = SK_OK;
    const char *const *mirrors = config ? config->mirrors : NULL;
    size_t count = sk_strings_count(mirrors);
    endpoints.items = sk_arena_alloc(&endpoints.arena, (count + 1) * sizeof(*endpoints.items));
    for (size_t i = 0; code == SK_OK && mirrors && mirrors[i]; i++)
        code = add_mirror(&endpoints, mirrors[i], err);
    if (code == SK_OK)
        code = add_registry(&endpoints, registry, config && config->plain_http, err);
    if (code == SK_OK)
        *out_endpoints = endpoints;
    else
        sk_endpoints_fini(&endpoints);
    return code;
}

void sk_endpoints_fini(struct sk_endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->len; i++)
        sk_url_fini(&endpoints->items[i].url);
    sk_arena_fini(&endpoints->arena);
    *endpoints = (struct sk_endpoints){0};
}

static bool is_host(const char *host, const struct sk_url *url)
{
    struct sk_url named = {0};
    bool same =
        parse_host(host, url->plain, &named, NULL) == SK_OK && strcmp(named.authority, url->authority) == 0;
    sk_url_fini(&named);
    return same;
}

bool sk_endpoint_is_named(const struct sk_registry_host *config, const struct sk_endpoints *endpoints,
                          const struct sk_url *url)
{
    if (!config)
        return false;
    for (size_t i = 0; i < endpoints->len; i++)
        if (sk_url_same_origin(&endpoints->items[i].url, url))
            return true;
    for (size_t i = 0; config->trusted_hosts && config->trusted_hosts[i]; i++)
        if (is_host(config->trusted_hosts[i], url))
            return true;
    return false;
}
