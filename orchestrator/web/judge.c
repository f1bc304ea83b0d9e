#include "web/judge.h"

#include "net/ip_port.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 64 /* our own names are shorter */

static const struct {
    const char *path;
    enum sk_page page;
    bool is_open; /* to everybody */
} pages[] = {
    {"/", SK_PAGE_STATUS, false},         {"/status.json", SK_PAGE_STATUS_JSON, false},
    {"/metrics", SK_PAGE_METRICS, false}, {"/healthz", SK_PAGE_HEALTH, true},
    {"/readyz", SK_PAGE_READY, true},
};

static bool is_port(const char *text)
{
    return !*text || (text[0] == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

/* "localhost", "127.0.0.1", "[::1]", each with a port or without. */
static bool is_own_name(const char *host)
{
    char ip[HOST_MAX];
    struct sk_ip parsed;
    struct sk_err ignored;

    if (strlen(host) >= sizeof(ip))
        return false;
    if (strncasecmp(host, "localhost", 9) == 0)
        return is_port(host + 9);
    const char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
    if (!end || !is_port(end + (host[0] == '[')))
        return false;
    (void)snprintf(ip, sizeof(ip), "%.*s", (int)(end - host), host);
    return sk_ip_parse(ip + (host[0] == '['), &parsed, &ignored) == SK_OK && sk_ip_is_loopback(&parsed);
}

static struct sk_verdict refuse(int status, const char *why)
{
    return (struct sk_verdict){.status = status, .why = why};
}

static struct sk_verdict judge_far(const struct sk_entry *entry, const struct sk_request *request,
                                   enum sk_page page)
{
    if (page == SK_PAGE_METRICS && entry->has_public_metrics)
        return (struct sk_verdict){.status = 200, .page = page};
    if (!entry->is_encrypted)
        return refuse(403, "this page needs a key, and keys are not taken without TLS (tls_certificate)");
    if (!request->has_key)
        return refuse(401, "this page needs the key of an admin");
    return (struct sk_verdict){.status = 200, .page = page};
}

struct sk_verdict sk_web_judge(const struct sk_entry *entry, const struct sk_request *request)
{
    size_t at = 0, count = sizeof(pages) / sizeof(pages[0]);

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return refuse(405, "only GET and HEAD");
    if (entry->is_loopback && (!request->host || !is_own_name(request->host)))
        return refuse(403, "this address answers to localhost, 127.0.0.1 and [::1] alone");
    while (at < count && strcmp(pages[at].path, request->path) != 0)
        at++;
    if (at == count)
        return refuse(404, "there is no such page");
    if (entry->is_loopback || pages[at].is_open)
        return (struct sk_verdict){.status = 200, .page = pages[at].page};
    return judge_far(entry, request, pages[at].page);
}
