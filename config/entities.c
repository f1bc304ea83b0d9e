#include "config/entities.h"

#include "base/tenant.h"
#include "config/members.h"

#include <stdio.h>
#include <string.h>

#define ENTITY_CHAR "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static bool entity_is_right(const char *name)
{
    size_t len = strlen(name);
    return len && len <= SK_ENTITY_MAX && strspn(name, ENTITY_CHAR) == len;
}

static bool is_there(const struct sk_entity_table *table, const char *name)
{
    for (size_t i = 0; i < table->len; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return true;
    return false;
}

/* name: of the entity; tenant: what stands for it. */
static void take_one(struct sk_arena *arena, const char *name, const struct sk_json *tenant, const char *path,
                     struct sk_entity_table *out, struct sk_faults *faults)
{
    if (!entity_is_right(name))
        sk_faults_add(faults, tenant->line, path, "is no entity, give letters, digits and \"._-\"");
    if (is_there(out, name))
        sk_faults_add(faults, tenant->line, path, "stands there already, give it once");
    if (tenant->kind != SK_JSON_STRING)
        sk_faults_add(faults, tenant->line, path, "is %s, give a string: a tenant",
                      sk_json_kind_name(tenant->kind));
    else if (!sk_tenant_is_valid(tenant->text))
        sk_faults_add(faults, tenant->line, path, SK_TENANT_FAULT, tenant->text);
    out->rows[out->len++] =
        (struct sk_entity){sk_arena_strdup(arena, name), sk_arena_strdup(arena, tenant->text)};
}

static void take_all(struct sk_arena *arena, const char *key, const struct sk_json *value,
                     struct sk_entity_table *out, struct sk_faults *faults)
{
    char path[SK_MEMBER_PATH];

    for (const struct sk_json *item = value->first; item; item = item->next) {
        if (value->kind == SK_JSON_OBJECT)
            sk_member_path(key, item, path);
        else
            (void)snprintf(path, sizeof(path), "%.64s[%zu]", key, out->len);
        take_one(arena, value->kind == SK_JSON_OBJECT ? item->key : item->text, item, path, out, faults);
    }
}

void sk_entities_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                      struct sk_entity_table *out, struct sk_faults *faults)
{
    struct sk_entity_table table = {0};
    int before = faults->count;
    size_t count = 0;

    if (value->kind != SK_JSON_OBJECT && value->kind != SK_JSON_ARRAY) {
        sk_faults_add(faults, value->line, key, "is %s, give an object of tenants in { }, or a list in [ ]",
                      sk_json_kind_name(value->kind));
        return;
    }
    if (!sk_members_count(key, value, max, "entities", &count, faults))
        return;
    table.rows = sk_arena_alloc(arena, (count + 1) * sizeof(*table.rows));
    take_all(arena, key, value, &table, faults);
    if (faults->count == before)
        *out = table;
}
