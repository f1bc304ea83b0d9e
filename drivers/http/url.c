#include "drivers/http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define AUTO_HANDLE SK_CLEANUP(cleanup_handle)
#define AUTO_PART   SK_CLEANUP(cleanup_part)

static void cleanup_handle(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void cleanup_part(char **part)
{
    curl_free(*part);
}

static CURLU *new_handle(void)
{
    CURLU *handle = curl_url();
    if (!handle)
        abort(); /* out of memory, see own.h */
    return handle;
}

static bool has_part(CURLU *handle, CURLUPart part)
{
    AUTO_PART char *text = NULL;
    return curl_url_get(handle, part, &text, 0) == CURLUE_OK;
}

/* "host" with its port, or without one that the scheme implies (flags). */
static enum sk_code write_authority(CURLU *handle, unsigned flags, char *out, size_t size, struct sk_err *err)
{
    AUTO_PART char *host = NULL;
    AUTO_PART char *port = NULL;
    if (curl_url_get(handle, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a URL without a host");
    bool has_port = curl_url_get(handle, CURLUPART_PORT, &port, flags) == CURLUE_OK;
    int len = snprintf(out, size, has_port ? "%s:%s" : "%s", host, port);
    if (len < 0 || (size_t)len >= size)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a URL whose host's name is too long");
    for (char *c = out; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return SK_OK;
}

static enum sk_code judge_scheme(CURLU *handle, bool *out_plain, struct sk_err *err)
{
    AUTO_PART char *scheme = NULL;
    if (curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a URL without a scheme");
    *out_plain = strcmp(scheme, "http") == 0;
    if (!*out_plain && strcmp(scheme, "https") != 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a URL that is neither http nor https");
    if (has_part(handle, CURLUPART_USER) || has_part(handle, CURLUPART_PASSWORD))
        return sk_fail(err, SK_INVALID_ARGUMENT, "a URL with a user or password in it");
    return SK_OK;
}

static enum sk_code take_apart(CURLU *handle, struct sk_url *out_url, struct sk_err *err)
{
    struct sk_url url = {0};
    AUTO_PART char *text = NULL;
    enum sk_code code = judge_scheme(handle, &url.plain, err);
    if (code == SK_OK)
        code = write_authority(handle, CURLU_DEFAULT_PORT, url.authority, sizeof(url.authority), err);
    if (code == SK_OK)
        code = write_authority(handle, CURLU_NO_DEFAULT_PORT, url.host, sizeof(url.host), err);
    if (code != SK_OK)
        return code;
    if (curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not a URL");
    url.text = sk_strdup(text);
    *out_url = url;
    return SK_OK;
}

enum sk_code sk_url_parse(const char *text, struct sk_url *out_url, struct sk_err *err)
{
    AUTO_HANDLE CURLU *handle = new_handle();
    if (curl_url_set(handle, CURLUPART_URL, text, 0) != CURLUE_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not a URL");
    return take_apart(handle, out_url, err);
}

enum sk_code sk_url_resolve(const char *base, const char *location, struct sk_url *out_url,
                            struct sk_err *err)
{
    AUTO_HANDLE CURLU *handle = new_handle();
    if (curl_url_set(handle, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_URL, location, CURLU_URLENCODE) != CURLUE_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not a URL");
    return take_apart(handle, out_url, err);
}

void sk_url_fini(struct sk_url *url)
{
    free(url->text);
    *url = (struct sk_url){0};
}

enum sk_code sk_url_add_query(struct sk_url *url, const char *name, const char *value, struct sk_err *err)
{
    AUTO_HANDLE CURLU *handle = new_handle();
    AUTO_PART char *text = NULL;
    SK_AUTO_FREE char *pair = sk_printf("%s=%s", name, value);
    if (curl_url_set(handle, CURLUPART_URL, url->text, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not a URL");
    free(url->text);
    url->text = sk_strdup(text);
    return SK_OK;
}

bool sk_url_same_origin(const struct sk_url *a, const struct sk_url *b)
{
    return a->plain == b->plain && strcmp(a->authority, b->authority) == 0;
}
