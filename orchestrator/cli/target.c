#include "cli/target.h"

#include <stdio.h>
#include <string.h>

static enum sk_code refuse(const char *address, const char *why, struct sk_err *err)
{
    return sk_fail(err, SK_INVALID_ARGUMENT, "address %.200s: %s", address, why);
}

/* Drops `prefix` from *text if it is there. */
static bool skip(const char **text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*text, prefix, len) != 0)
        return false;
    *text += len;
    return true;
}

/* The colon before the port, or NULL; colons inside [] are the address's. */
static const char *port_of(const char *host, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        if (host[i - 1] == ':')
            return host + i - 1;
        if (host[i - 1] == ']')
            return NULL;
    }
    return NULL;
}

static bool is_port(const char *text, size_t len)
{
    unsigned port = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 5)
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return len > 0 && port > 0 && port < 65536;
}

enum sk_code sk_target_parse(const char *address, struct sk_target *out_target, struct sk_err *err)
{
    struct sk_target target = {0};
    const char *host = address;

    if (strlen(address) >= sizeof(target.text) - 8)
        return refuse(address, "too long", err);
    if (strncmp(address, "unix:", 5) == 0) {
        if (!address[5])
            return refuse(address, "no path", err);
        (void)snprintf(target.text, sizeof(target.text), "%s", address);
        *out_target = target;
        return SK_OK;
    }
    target.tls = skip(&host, "https://");
    bool plain = !target.tls && skip(&host, "http://");
    size_t len = strcspn(host, "/?#");
    if (host[len] && strcmp(host + len, "/") != 0)
        return refuse(address, "a path is not supported", err);
    if (strcspn(host, "@ ") < len || strstr(host, "://"))
        return refuse(address, "want http://HOST:PORT or https://HOST:PORT", err);
    const char *colon = port_of(host, len);
    size_t host_len = colon ? (size_t)(colon - host) : len;
    if (!host_len || (colon && !is_port(colon + 1, len - host_len - 1)))
        return refuse(address, "want HOST:PORT", err);
    if (!colon && !plain && !target.tls)
        return refuse(address, "no port", err);
    (void)snprintf(target.text, sizeof(target.text), "%.*s%s", (int)len, host,
                   colon        ? ""
                   : target.tls ? ":443"
                                : ":80");
    *out_target = target;
    return SK_OK;
}
