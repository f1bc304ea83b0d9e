#include "config/quotas.h"

#include "base/quantity.h"
#include "base/tenant.h"
#include "config/members.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 256

/* How each is written: a number as it is, or a quantity of which 1 is `scale`. */
static const struct form {
    int64_t scale; /* 0: a whole number */
    const char *wish;
} forms[SK_QUOTA_COUNT] = {
    [SK_QUOTA_SANDBOXES] = {0, "a whole number from 0"}, [SK_QUOTA_CPU] = {1000, "cores like 8 or \"500m\""},
    [SK_QUOTA_MEMORY] = {1, "bytes like \"32Gi\""},      [SK_QUOTA_DISK] = {1, "bytes like \"100Gi\""},
    [SK_QUOTA_SESSIONS] = {0, "a whole number from 0"},  [SK_QUOTA_CREATES] = {0, "a whole number from 0"},
    [SK_QUOTA_AUDIT] = {1, "bytes like \"1Mi\""},
};

static bool read_amount(const struct form *form, const struct sk_json *value, int64_t *out)
{
    if (value->kind != SK_JSON_NUMBER && (value->kind != SK_JSON_STRING || !form->scale))
        return false;
    if (!form->scale && value->text[strspn(value->text, "0123456789")])
        return false;
    return sk_quantity_parse(value->text, form->scale ? form->scale : 1, out) == SK_OK;
}

static void take_amount(enum sk_quota_kind kind, const struct sk_json *value, const char *path, int64_t *out,
                        struct sk_faults *faults)
{
    bool has_text = value->kind == SK_JSON_STRING || value->kind == SK_JSON_NUMBER;

    if (!read_amount(&forms[kind], value, out))
        sk_faults_add(faults, value->line, path, "%.80s will not do, give %s",
                      has_text ? value->text : sk_json_kind_name(value->kind), forms[kind].wish);
}

static void take_member(const struct sk_json *value, const char *tenant, struct sk_quota *quota,
                        unsigned *given, struct sk_faults *faults)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%.150s.%.80s", tenant, value->key);
    for (enum sk_quota_kind kind = 0; kind < SK_QUOTA_COUNT; kind++) {
        if (strcmp(sk_quota_name(kind), value->key) != 0)
            continue;
        if (*given & 1u << kind)
            sk_faults_add(faults, value->line, path, "stands there already, give it once");
        else
            take_amount(kind, value, path, &quota->most[kind], faults);
        *given |= 1u << kind;
        return;
    }
    sk_faults_add(
        faults, value->line, path,
        "no such key, there are sandboxes, cpu, memory, disk, sessions, creates_per_s and audit_per_min");
}

static struct sk_quota take_quota(struct sk_arena *arena, const struct sk_json *value, const char *path,
                                  struct sk_faults *faults)
{
    struct sk_quota quota = {.tenant = sk_arena_strdup(arena, value->key)};
    unsigned given = 0;

    for (size_t i = 0; i < SK_QUOTA_COUNT; i++)
        quota.most[i] = SK_QUOTA_NONE;
    if (!sk_tenant_is_valid(value->key) && strcmp(value->key, "*") != 0)
        sk_faults_add(faults, value->line, path, "is no tenant, " SK_TENANT_WISH ", or \"*\" for all others");
    if (value->kind != SK_JSON_OBJECT)
        sk_faults_add(faults, value->line, path, "is %s, give an object in { }",
                      sk_json_kind_name(value->kind));
    for (const struct sk_json *member = value->first; value->kind == SK_JSON_OBJECT && member;
         member = member->next)
        take_member(member, path, &quota, &given, faults);
    return quota;
}

static void take_all(struct sk_arena *arena, const char *key, const struct sk_json *value,
                     struct sk_quota_table *out, struct sk_faults *faults)
{
    char path[SK_MEMBER_PATH];

    for (const struct sk_json *item = value->first; item; item = item->next) {
        sk_member_path(key, item, path);
        (void)sk_member_is_repeated(value, item, path, faults);
        out->rows[out->len++] = take_quota(arena, item, path, faults);
    }
}

void sk_quotas_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                    struct sk_quota_table *out, struct sk_faults *faults)
{
    struct sk_quota_table table = {0};
    int before = faults->count;
    size_t count = 0;

    if (!sk_members_begin(key, value, max, "tenants", &count, faults))
        return;
    table.rows = sk_arena_alloc(arena, (count + 1) * sizeof(*table.rows));
    take_all(arena, key, value, &table, faults);
    if (faults->count == before)
        *out = table;
}
