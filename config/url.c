#include "config/url.h"

#include "config/address.h"

#include <string.h>

#define URL_MAX   1024
#define PATH_CHAR "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/"

/* NULL when it is neither. */
static const char *after_scheme(const char *url)
{
    if (!strncmp(url, "http://", 7))
        return url + 7;
    return strncmp(url, "https://", 8) ? NULL : url + 8;
}

static bool path_is_valid(const char *path)
{
    return strspn(path, PATH_CHAR) == strlen(path) && !strstr(path, "//") && !strstr(path, "/.");
}

bool sk_url_is_valid(const char *url)
{
    const char *rest = after_scheme(url);
    char host[URL_MAX + 1];
    size_t len = rest ? strcspn(rest, "/") : 0;

    if (!rest || strlen(url) > URL_MAX)
        return false;
    memcpy(host, rest, len);
    host[len] = '\0';
    return sk_address_is_host(host) && path_is_valid(rest + len);
}

const char *sk_url_shown(const char *text)
{
    return strchr(text, '@') ? "…" : text;
}
