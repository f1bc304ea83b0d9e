#include "oci/reference.h"

#include "oci/digest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 255 /* registry and path, of the full form */
#define TAG_MAX_LEN  128

/* A stretch of the text being taken apart. */
struct part {
    const char *at;
    size_t len;
};

struct parts {
    struct part domain, path, tag, digest; /* len 0 = absent */
};

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Length of the separator at `at` that may stand between letters of a path component, 0 = none. */
static size_t separator_len(const char *at, size_t left)
{
    size_t len = 0;
    if (left && *at == '.')
        return 1;
    if (left && *at == '_')
        return left > 1 && at[1] == '_' ? 2 : 1;
    while (len < left && at[len] == '-')
        len++;
    return len;
}

static bool path_component_is_valid(struct part p)
{
    size_t i = 0;
    while (i < p.len) {
        if (!is_lower_or_digit(p.at[i]))
            return false;
        while (i < p.len && is_lower_or_digit(p.at[i]))
            i++;
        if (i == p.len)
            return true;
        size_t separator = separator_len(p.at + i, p.len - i);
        if (!separator)
            return false;
        i += separator;
    }
    return false;
}

static bool path_is_valid(struct part path)
{
    size_t from = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.at[i] != '/')
            continue;
        if (!path_component_is_valid((struct part){path.at + from, i - from}))
            return false;
        from = i + 1;
    }
    return true;
}

static bool port_is_valid(struct part port)
{
    unsigned number = 0;
    if (!port.len || port.len > 5 || *port.at == '0')
        return false;
    for (size_t i = 0; i < port.len; i++) {
        if (port.at[i] < '0' || port.at[i] > '9')
            return false;
        number = number * 10 + (unsigned)(port.at[i] - '0');
    }
    return number <= UINT16_MAX;
}

static bool host_is_valid(struct part host)
{
    if (!host.len || host.at[0] == '-' || host.at[0] == '.' || host.at[host.len - 1] == '-' ||
        host.at[host.len - 1] == '.')
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        if (!is_lower_or_digit(c) && !is_upper(c) && c != '-' && c != '.')
            return false;
        if (c == '.' && host.at[i - 1] == '.')
            return false;
    }
    return true;
}

/* "[::1]" with or without a port, or a host name. */
static bool domain_is_valid(struct part d)
{
    const char *end = d.at + d.len;
    const char *colon = memchr(d.at, ':', d.len);
    if (d.at[0] == '[') {
        const char *bracket = memchr(d.at, ']', d.len);
        if (!bracket)
            return false;
        for (const char *c = d.at + 1; c < bracket; c++)
            if (!is_hex(*c) && !(*c >= 'A' && *c <= 'F') && *c != ':' && *c != '.')
                return false;
        colon = bracket + 1 < end ? bracket + 1 : NULL;
        return bracket > d.at + 2 &&
               (!colon ||
                (*colon == ':' && port_is_valid((struct part){colon + 1, (size_t)(end - colon - 1)})));
    }
    if (!colon)
        return host_is_valid(d);
    return host_is_valid((struct part){d.at, (size_t)(colon - d.at)}) &&
           port_is_valid((struct part){colon + 1, (size_t)(end - colon - 1)});
}

static bool is_domain(struct part first)
{
    if (first.len == strlen("localhost") && memcmp(first.at, "localhost", first.len) == 0)
        return true;
    for (size_t i = 0; i < first.len; i++)
        if (first.at[i] == '.' || first.at[i] == ':' || is_upper(first.at[i]))
            return true;
    return false;
}

static bool tag_is_valid(struct part tag)
{
    if (!tag.len || tag.len > TAG_MAX_LEN)
        return false;
    for (size_t i = 0; i < tag.len; i++) {
        char c = tag.at[i];
        bool word = is_lower_or_digit(c) || is_upper(c) || c == '_';
        if (!word && (i == 0 || (c != '.' && c != '-')))
            return false;
    }
    return true;
}

/* Cuts "@digest", then ":tag", then "domain/" off. */
static struct parts split(const char *text)
{
    struct parts p = {.path = {text, strlen(text)}};
    const char *at = strchr(text, '@');
    if (at) {
        p.digest = (struct part){at + 1, strlen(at + 1)};
        p.path.len = (size_t)(at - text);
    }
    const char *slash = memchr(text, '/', p.path.len);
    struct part first = {text, slash ? (size_t)(slash - text) : 0};
    if (slash && is_domain(first)) {
        p.domain = first;
        p.path = (struct part){slash + 1, p.path.len - first.len - 1};
    }
    const char *colon = memchr(p.path.at, ':', p.path.len);
    if (colon) {
        p.tag = (struct part){colon + 1, p.path.len - (size_t)(colon - p.path.at) - 1};
        p.path.len = (size_t)(colon - p.path.at);
    }
    return p;
}

/* What https implies need not be said; without it some names would no longer be those of a host. */
static struct part without_default_port(struct part domain)
{
    static const char port[] = ":443";
    size_t len = sizeof(port) - 1;
    struct part host = {domain.at, domain.len > len ? domain.len - len : 0};
    bool ends = host.len && memcmp(host.at + host.len, port, len) == 0;
    return ends && domain_is_valid(domain) && is_domain(host) ? host : domain;
}

static bool is_docker_hub(struct part domain)
{
    static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};
    for (size_t i = 0; i < sk_array_len(names); i++)
        if (domain.len == strlen(names[i]) && strncasecmp(domain.at, names[i], domain.len) == 0)
            return true;
    return !domain.len;
}

bool sk_registry_is_docker_hub(const char *registry)
{
    return *registry && is_docker_hub((struct part){registry, strlen(registry)});
}

/* "Registry/app": a host for its capital alone, which its one spelling would not have. */
static bool is_host_by_case(struct part domain)
{
    return !memchr(domain.at, '.', domain.len) && !memchr(domain.at, ':', domain.len) &&
           (domain.len != strlen("localhost") || strncasecmp(domain.at, "localhost", domain.len) != 0);
}

/* 64 hexadecimal digits alone are an image id to Docker, not a name. */
static bool is_bare_id(const struct parts *p)
{
    if (p->domain.len || p->path.len != 64)
        return false;
    for (size_t i = 0; i < p->path.len; i++)
        if (!is_hex(p->path.at[i]))
            return false;
    return true;
}

static bool is_official(const struct parts *p)
{
    return is_docker_hub(p->domain) && !memchr(p->path.at, '/', p->path.len);
}

static size_t full_name_len(const struct parts *p)
{
    size_t domain = is_docker_hub(p->domain) ? strlen("docker.io") : p->domain.len;
    return domain + 1 + (is_official(p) ? strlen("library/") : 0) + p->path.len;
}

static const char *fault_of(const struct parts *p, const char *text)
{
    if (!*text)
        return "it is empty";
    if (strlen(text) >= SK_REFERENCE_MAX - 32) /* room for what is added */
        return "it is too long";
    if (p->domain.len && (!domain_is_valid(p->domain) || is_host_by_case(p->domain)))
        return "its registry is not a host name";
    if (is_bare_id(p))
        return "64 hexadecimal digits are an id, not a name";
    if (full_name_len(p) > NAME_MAX_LEN)
        return "its name is longer than 255 bytes";
    if (!path_is_valid(p->path))
        return "a name is lower-case letters and digits, parted by '.', '_', '-' or '/'";
    if (p->tag.at && !tag_is_valid(p->tag))
        return "its tag is not valid";
    if (p->digest.at && !sk_digest_is_valid(p->digest.at))
        return "its digest is not sha256: and 64 hexadecimal digits";
    return NULL;
}

static void take(char *out, const char *prefix, const struct part *p)
{
    size_t len = strlen(prefix);

    memcpy(out, prefix, len);
    if (p->len)
        memcpy(out + len, p->at, p->len);
    out[len + p->len] = '\0';
}

static void lower(char *text)
{
    for (; *text; text++)
        if (is_upper(*text))
            *text = (char)(*text - 'A' + 'a');
}

enum sk_code sk_reference_parse(const char *text, struct sk_reference *out_reference, struct sk_err *err)
{
    struct parts p = split(text);
    const char *fault;

    p.domain = without_default_port(p.domain);
    fault = fault_of(&p, text);

    if (fault)
        return sk_fail(err, SK_INVALID_ARGUMENT, "image \"%.100s\" is not a valid reference: %s", text,
                       fault);
    if (!p.tag.len && !p.digest.len)
        p.tag = (struct part){"latest", strlen("latest")};
    if (is_docker_hub(p.domain))
        p.domain = (struct part){"docker.io", strlen("docker.io")};
    take(out_reference->registry, "", &p.domain);
    lower(out_reference->registry);
    take(out_reference->repository, is_official(&p) ? "library/" : "", &p.path);
    take(out_reference->tag, "", &p.tag);
    take(out_reference->digest, "", &p.digest);
    return SK_OK;
}

enum sk_code sk_reference_normalise(const char *text, char out_name[SK_REFERENCE_MAX], struct sk_err *err)
{
    struct sk_reference r = {0};
    enum sk_code code = sk_reference_parse(text, &r, err);

    if (code == SK_OK)
        snprintf(out_name, SK_REFERENCE_MAX, "%s/%s%s%s%s%s", r.registry, r.repository, *r.tag ? ":" : "",
                 r.tag, *r.digest ? "@" : "", r.digest);
    return code;
}
