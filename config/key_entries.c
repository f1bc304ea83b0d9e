#include "config/key_entries.h"

#include "base/hex.h"
#include "base/tenant.h"
#include "config/members.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 256
/* Of a key that was to be hashed and was empty: whoever sends none would have it. */
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* --- what an entry has ------------------------------------------------------------- */

static bool text_is_there(const struct sk_json *value, const char *path, struct sk_faults *faults)
{
    if (value->kind != SK_JSON_STRING)
        sk_faults_add(faults, value->line, path, "is %s, give a string", sk_json_kind_name(value->kind));
    return value->kind == SK_JSON_STRING;
}

static void take_digest(struct sk_arena *arena, const struct sk_json *value, const char *path,
                        struct sk_key_entry *out, struct sk_faults *faults)
{
    (void)arena;
    if (!text_is_there(value, path, faults))
        return;
    if (strlen(value->text) != 2 * SK_DIGEST_LEN || !sk_hex_parse(value->text, SK_DIGEST_LEN, out->digest))
        sk_faults_add(faults, value->line, path, "is no SHA-256, give 64 of 0-9 and a-f");
    else if (strcmp(value->text, SHA256_OF_NOTHING) == 0)
        sk_faults_add(faults, value->line, path, "is the SHA-256 of no text at all, give that of a key");
}

static void take_tenant(struct sk_arena *arena, const struct sk_json *value, const char *path,
                        struct sk_key_entry *out, struct sk_faults *faults)
{
    if (!text_is_there(value, path, faults))
        return;
    if (!sk_tenant_is_valid(value->text))
        sk_faults_add(faults, value->line, path, SK_TENANT_FAULT, value->text);
    out->tenant = sk_arena_strdup(arena, value->text);
}

static void take_name(struct sk_arena *arena, const struct sk_json *value, const char *path,
                      struct sk_key_entry *out, struct sk_faults *faults)
{
    if (!text_is_there(value, path, faults))
        return;
    if (!sk_key_name_is_valid(value->text))
        sk_faults_add(faults, value->line, path, "is no name, give up to %d printable bytes",
                      SK_KEY_NAME_MAX);
    out->name = sk_arena_strdup(arena, value->text);
}

static void take_admin(struct sk_arena *arena, const struct sk_json *value, const char *path,
                       struct sk_key_entry *out, struct sk_faults *faults)
{
    (void)arena;
    if (value->kind != SK_JSON_BOOL)
        sk_faults_add(faults, value->line, path, "is %s, give true or false", sk_json_kind_name(value->kind));
    out->is_admin = value->truth;
}

static const struct part {
    const char *name;
    void (*take)(struct sk_arena *arena, const struct sk_json *value, const char *path,
                 struct sk_key_entry *out, struct sk_faults *faults);
    const char *missing; /* said when it is; NULL = it need not be there */
} parts[] = {
    {"sha256", take_digest, "has no sha256, give that of the key's text"},
    {"tenant", take_tenant, "has no tenant, say whose key it is"},
    {"name", take_name, NULL},
    {"admin", take_admin, NULL},
};

/* --- an entry ---------------------------------------------------------------------- */

static void take_part(struct sk_arena *arena, const struct sk_json *value, const char *entry,
                      struct sk_key_entry *out, unsigned *given, struct sk_faults *faults)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%.150s.%.80s", entry, value->key);
    for (size_t i = 0; i < sk_array_len(parts); i++) {
        if (strcmp(parts[i].name, value->key) != 0)
            continue;
        if (*given & 1u << i)
            sk_faults_add(faults, value->line, path, "stands there already, give it once");
        else
            parts[i].take(arena, value, path, out, faults);
        *given |= 1u << i;
        return;
    }
    sk_faults_add(faults, value->line, path, "no such key, there are sha256, tenant, name and admin");
}

static void take_parts(struct sk_arena *arena, const struct sk_json *value, const char *path,
                       struct sk_key_entry *out, struct sk_faults *faults)
{
    unsigned given = 0;

    if (value->kind != SK_JSON_OBJECT) {
        sk_faults_add(faults, value->line, path, "is %s, give an object in { }",
                      sk_json_kind_name(value->kind));
        return;
    }
    for (const struct sk_json *member = value->first; member; member = member->next)
        take_part(arena, member, path, out, &given, faults);
    for (size_t i = 0; i < sk_array_len(parts); i++)
        if (parts[i].missing && !(given & 1u << i))
            sk_faults_add(faults, value->line, path, "%s", parts[i].missing);
}

static void take_one(struct sk_arena *arena, const struct sk_json *value, const char *path,
                     struct sk_key_entries *out, struct sk_faults *faults)
{
    struct sk_key_entry *entry = &out->rows[out->len];
    int before = faults->count;

    *entry = (struct sk_key_entry){.id = sk_arena_strdup(arena, value->key), .tenant = "", .name = ""};
    if (!sk_key_id_is_valid(value->key))
        sk_faults_add(faults, value->line, path, "is no key's id, give %d of 0-9 and a-f", SK_KEY_ID_LEN);
    take_parts(arena, value, path, entry, faults);
    if (faults->count > before)
        return;
    for (size_t i = 0; i < out->len; i++)
        if (memcmp(out->rows[i].digest, entry->digest, SK_DIGEST_LEN) == 0)
            sk_faults_add(faults, value->line, path, "is the same key as \"%s\", give it once",
                          out->rows[i].id);
    out->len++;
}

/* What is no id may be the key itself, and faults are logged. */
static void entry_path(const char *key, const struct sk_json *entry, size_t index, char out[SK_MEMBER_PATH])
{
    if (sk_key_id_is_valid(entry->key))
        sk_member_path(key, entry, out);
    else
        (void)snprintf(out, SK_MEMBER_PATH, "%.64s[%zu]", key, index);
}

void sk_key_entries_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                         struct sk_key_entries *out, struct sk_faults *faults)
{
    struct sk_key_entries entries = {0};
    int before = faults->count;
    size_t count = 0, index = 0;
    char path[SK_MEMBER_PATH];

    if (!sk_members_begin(key, value, max, "keys", &count, faults))
        return;
    entries.rows = sk_arena_alloc(arena, (count + 1) * sizeof(*entries.rows));
    for (const struct sk_json *item = value->first; item; item = item->next) {
        entry_path(key, item, index++, path);
        if (!sk_member_is_repeated(value, item, path, faults))
            take_one(arena, item, path, &entries, faults);
    }
    if (faults->count == before)
        *out = entries;
}
