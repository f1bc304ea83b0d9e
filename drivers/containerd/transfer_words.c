#include "drivers/containerd/transfer_words.h"

#include <stdio.h>
#include <string.h>

#define PART_BYTES_MAX (INT64_C(1) << 50)

static int64_t sane(int64_t bytes)
{
    if (bytes < 0)
        return 0;
    return bytes < PART_BYTES_MAX ? bytes : PART_BYTES_MAX;
}

static struct sk_ctd_part *part_of(struct sk_ctd_parts *parts, const char *name)
{
    for (unsigned i = 0; i < parts->len; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return &parts->items[i];
    if (parts->len == SK_CTD_PARTS_MAX || !*name || strlen(name) >= sizeof(parts->items[0].name))
        return NULL;
    struct sk_ctd_part *part = &parts->items[parts->len++];
    (void)snprintf(part->name, sizeof(part->name), "%s", name);
    return part;
}

void sk_ctd_parts_note(struct sk_ctd_parts *parts, const char *name, int64_t done, int64_t total)
{
    struct sk_ctd_part *part = part_of(parts, name);

    if (!part)
        return;
    part->total = sane(total);
    part->done = sane(done) < part->total ? sane(done) : part->total;
}

void sk_ctd_parts_sum(const struct sk_ctd_parts *parts, int64_t *out_done, int64_t *out_total)
{
    *out_done = *out_total = 0;
    for (unsigned i = 0; i < parts->len; i++) {
        *out_done += parts->items[i].done;
        *out_total += parts->items[i].total;
    }
}

/* The first that is found in the sentence says what it is. */
static const struct {
    const char *words;
    enum sk_code code;
} meanings[] = {
    {"no space left on device", SK_RESOURCE_EXHAUSTED},
    {"disk quota exceeded", SK_RESOURCE_EXHAUSTED},
    {"429 Too Many Requests", SK_RESOURCE_EXHAUSTED},
    {"toomanyrequests", SK_RESOURCE_EXHAUSTED},
    {"pull access denied", SK_UNAUTHENTICATED},
    {"authorization failed", SK_UNAUTHENTICATED},
    {"failed to authorize", SK_UNAUTHENTICATED},
    {"401 Unauthorized", SK_UNAUTHENTICATED},
    {"403 Forbidden", SK_PERMISSION_DENIED},
    {"404 Not Found", SK_NOT_FOUND},
    {"failed commit on ref", SK_DATA_LOSS},
    {"failed size validation", SK_DATA_LOSS},
    {"failed to extract layer", SK_FAILED_PRECONDITION},
    {"no match for platform", SK_FAILED_PRECONDITION},
    {"failed to do request", SK_UNAVAILABLE},
    {"unexpected status", SK_UNAVAILABLE},
    {"failed to copy", SK_UNAVAILABLE},
    {"connection refused", SK_UNAVAILABLE},
    {"connection reset", SK_UNAVAILABLE},
    {"i/o timeout", SK_UNAVAILABLE},
    {"unexpected EOF", SK_UNAVAILABLE},
};

static bool keeps_its_code(enum sk_code code)
{
    return code == SK_CANCELLED || code == SK_DEADLINE_EXCEEDED || code == SK_UNAVAILABLE;
}

void sk_ctd_transfer_judge(struct sk_err *err, bool *out_is_limited)
{
    *out_is_limited = strstr(err->text, "429 Too Many Requests") || strstr(err->text, "toomanyrequests");
    if (err->code == SK_UNIMPLEMENTED) {
        (void)sk_fail(
            err, SK_FAILED_PRECONDITION,
            "containerd_transfer is set, but this containerd has no Transfer service (1.7 or later)");
        return;
    }
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]) && !keeps_its_code(err->code); i++)
        if (strstr(err->text, meanings[i].words)) {
            err->code = meanings[i].code;
            return;
        }
}

/* Names are compared whole, port and all. */
bool sk_ctd_is_login_host(const char *registry, const char *host)
{
    if (strcmp(registry, "docker.io") == 0)
        return strcmp(host, "docker.io") == 0 || strcmp(host, "registry-1.docker.io") == 0;
    return strcasecmp(registry, host) == 0;
}
