#include "config/registries.h"

#include "config/address.h"
#include "config/members.h"
#include "config/url.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 512

/* One registry being read. */
struct entry {
    struct sk_arena *arena;
    struct sk_faults *faults;
    const char *path; /* of the registry itself */
    struct sk_registry_setting setting;
    unsigned given; /* a bit for each member that stood there */
};

/* --- one text ---------------------------------------------------------------------- */

/* Of names that are spelled as full image names spell them no two mean the same registry. */
static bool name_is_right(const char *name)
{
    size_t len = strlen(name);

    if (!sk_address_is_host(name) || strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return false;
    if (len > 4 && !strcmp(name + len - 4, ":443"))
        return false;
    if (!strcmp(name, "index.docker.io") || !strcmp(name, "registry-1.docker.io"))
        return false;
    return !strcmp(name, "localhost") || strpbrk(name, ".:");
}

static bool path_is_right(const char *text)
{
    return !*text || *text == '/';
}

struct wanted {
    bool (*is_right)(const char *text);
    const char *wish;
};

static const struct wanted a_mirror = {sk_url_is_valid, "a URL like \"https://mirror.corp:5000\""};
static const struct wanted a_host = {sk_address_is_host, "\"host\" or \"host:port\""};
static const struct wanted a_ca = {path_is_right, "an absolute path, or nothing"};

static bool check_text(struct entry *e, const struct wanted *wanted, const struct sk_json *value,
                       const char *path)
{
    if (value->kind != SK_JSON_STRING)
        sk_faults_add(e->faults, value->line, path, "is %s, give a string: %s",
                      sk_json_kind_name(value->kind), wanted->wish);
    else if (!wanted->is_right(value->text))
        sk_faults_add(e->faults, value->line, path, "\"%.80s\" will not do, give %s",
                      sk_url_shown(value->text), wanted->wish);
    else
        return true;
    return false;
}

/* --- members ----------------------------------------------------------------------- */

static void take_texts(struct entry *e, const struct wanted *wanted, const struct sk_json *value,
                       const char *path, const char ***out)
{
    char element[PATH_SIZE];
    size_t count = 0, taken = 0;

    if (value->kind != SK_JSON_ARRAY) {
        sk_faults_add(e->faults, value->line, path, "is %s, give a list in [ ], each %s",
                      sk_json_kind_name(value->kind), wanted->wish);
        return;
    }
    for (const struct sk_json *item = value->first; item; item = item->next)
        count++;
    *out = sk_arena_alloc(e->arena, (count + 1) * sizeof(**out));
    for (const struct sk_json *item = value->first; item; item = item->next) {
        (void)snprintf(element, sizeof(element), "%.440s[%zu]", path, taken);
        (void)check_text(e, wanted, item, element);
        (*out)[taken++] = sk_arena_strdup(e->arena, item->text);
    }
}

static void take_mirrors(struct entry *e, const struct sk_json *value, const char *path)
{
    take_texts(e, &a_mirror, value, path, &e->setting.mirrors);
}

static void take_trusted(struct entry *e, const struct sk_json *value, const char *path)
{
    take_texts(e, &a_host, value, path, &e->setting.trusted_hosts);
}

static void take_plain(struct entry *e, const struct sk_json *value, const char *path)
{
    if (value->kind != SK_JSON_BOOL)
        sk_faults_add(e->faults, value->line, path, "is %s, give true or false",
                      sk_json_kind_name(value->kind));
    e->setting.plain_http = value->truth;
}

static void take_ca(struct entry *e, const struct sk_json *value, const char *path)
{
    if (check_text(e, &a_ca, value, path))
        e->setting.ca = sk_arena_strdup(e->arena, value->text);
}

static const struct member {
    const char *name;
    void (*take)(struct entry *e, const struct sk_json *value, const char *path);
} members[] = {
    {"mirrors", take_mirrors},
    {"plain_http", take_plain},
    {"ca", take_ca},
    {"trusted_hosts", take_trusted},
};

static void take_member(struct entry *e, const struct sk_json *value)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%.350s.%.80s", e->path, value->key);
    for (size_t i = 0; i < sk_array_len(members); i++) {
        if (strcmp(members[i].name, value->key) != 0)
            continue;
        if (e->given & 1u << i)
            sk_faults_add(e->faults, value->line, path, "stands there already, give it once");
        else
            members[i].take(e, value, path);
        e->given |= 1u << i;
        return;
    }
    sk_faults_add(e->faults, value->line, path,
                  "no such key, there are mirrors, plain_http, ca and trusted_hosts");
}

/* --- registries -------------------------------------------------------------------- */

static struct sk_registry_setting take_registry(struct sk_arena *arena, const struct sk_json *value,
                                                const char *path, struct sk_faults *faults)
{
    static const char *const none[] = {NULL};
    struct entry e = {.arena = arena, .faults = faults, .path = path};

    e.setting = (struct sk_registry_setting){
        .name = sk_arena_strdup(arena, value->key),
        .mirrors = sk_arena_memdup(arena, none, sizeof(none)),
        .ca = "",
        .trusted_hosts = sk_arena_memdup(arena, none, sizeof(none)),
    };
    if (!name_is_right(value->key))
        sk_faults_add(faults, value->line, path,
                      "is no registry, give its name as in full image names, like \"docker.io\" or "
                      "\"registry.corp:5000\"");
    if (value->kind != SK_JSON_OBJECT)
        sk_faults_add(faults, value->line, path, "is %s, give an object in { }",
                      sk_json_kind_name(value->kind));
    for (const struct sk_json *member = value->first; value->kind == SK_JSON_OBJECT && member;
         member = member->next)
        take_member(&e, member);
    return e.setting;
}

static void take_all(struct sk_arena *arena, const char *key, const struct sk_json *value,
                     struct sk_registry_settings *out, struct sk_faults *faults)
{
    char path[SK_MEMBER_PATH];

    for (const struct sk_json *item = value->first; item; item = item->next) {
        sk_member_path(key, item, path);
        (void)sk_member_is_repeated(value, item, path, faults);
        out->items[out->len++] = take_registry(arena, item, path, faults);
    }
}

void sk_registries_take(struct sk_arena *arena, const char *key, size_t max, const struct sk_json *value,
                        struct sk_registry_settings *out, struct sk_faults *faults)
{
    struct sk_registry_settings settings = {0};
    int before = faults->count;
    size_t count = 0;

    if (!sk_members_begin(key, value, max, "registries", &count, faults))
        return;
    settings.items = sk_arena_alloc(arena, (count + 1) * sizeof(*settings.items));
    take_all(arena, key, value, &settings, faults);
    if (faults->count == before)
        *out = settings;
}
