#include "config/environment.h"

#include "config/members.h"

#include <stdbool.h>
#include <string.h>

#define NAME_CHAR "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static bool is_name(const char *name)
{
    return *name && !(*name >= '0' && *name <= '9') && strspn(name, NAME_CHAR) == strlen(name);
}

static void take_one(struct sk_arena *arena, const struct sk_json *item, const char *path, struct sk_env *out,
                     struct sk_faults *faults)
{
    if (!is_name(item->key))
        sk_faults_add(faults, item->line, path,
                      "is no variable's name, give letters, digits and \"_\", no digit first");
    if (item->kind != SK_JSON_STRING)
        sk_faults_add(faults, item->line, path, "is %s, give a string", sk_json_kind_name(item->kind));
    *out = (struct sk_env){sk_arena_strdup(arena, item->key), sk_arena_strdup(arena, item->text)};
}

void sk_environment_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                         struct sk_env_list *out, struct sk_faults *faults)
{
    size_t count = 0, len = 0;
    int before = faults->count;
    char path[SK_MEMBER_PATH];

    if (!sk_members_begin(key, value, max, "variables", &count, faults))
        return;
    struct sk_env *items = sk_arena_alloc(arena, (count + 1) * sizeof(items[0]));
    for (const struct sk_json *item = value->first; item; item = item->next) {
        sk_member_path(key, item, path);
        (void)sk_member_is_repeated(value, item, path, faults);
        take_one(arena, item, path, &items[len++], faults);
    }
    if (faults->count == before)
        *out = (struct sk_env_list){items, len};
}
