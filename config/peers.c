#include "config/peers.h"

#include "base/id.h"
#include "config/members.h"
#include "config/url.h"

#include <string.h>

static bool url_is_right(const char *url)
{
    if (!sk_url_is_valid(url))
        return false;
    const char *rest = strstr(url, "://") + 3;
    return !rest[strcspn(rest, "/")];
}

static void take_one(struct sk_arena *arena, const struct sk_json *item, const char *path,
                     struct sk_peer_settings *out, struct sk_faults *faults)
{
    if (!sk_id_node_is_valid(item->key))
        sk_faults_add(faults, item->line, path, "is no node_id, give 1 to 12 of a-z and 0-9");
    else if (item->kind != SK_JSON_STRING)
        sk_faults_add(faults, item->line, path, "is %s, give a URL like \"http://192.0.2.2:7463\"",
                      sk_json_kind_name(item->kind));
    else if (!url_is_right(item->text))
        sk_faults_add(faults, item->line, path,
                      "\"%.80s\" will not do, give a URL like \"http://192.0.2.2:7463\"",
                      sk_url_shown(item->text));
    else
        out->items[out->len++] =
            (struct sk_peer_setting){sk_arena_strdup(arena, item->key), sk_arena_strdup(arena, item->text)};
}

void sk_peers_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                   struct sk_peer_settings *out, struct sk_faults *faults)
{
    struct sk_peer_settings settings = {0};
    int before = faults->count;
    size_t count = 0;
    char path[SK_MEMBER_PATH];

    if (!sk_members_begin(key, value, max, "nodes", &count, faults))
        return;
    settings.items = sk_arena_alloc(arena, (count + 1) * sizeof(*settings.items));
    for (const struct sk_json *item = value->first; item; item = item->next) {
        sk_member_path(key, item, path);
        if (!sk_member_is_repeated(value, item, path, faults))
            take_one(arena, item, path, &settings, faults);
    }
    if (faults->count == before)
        *out = settings;
}
