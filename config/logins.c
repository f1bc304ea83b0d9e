#include "config/logins.h"

#include "base/file.h"
#include "config/address.h"
#include "config/base64.h"
#include "config/json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX  ((size_t)1024 * 1024)
#define PATH_SIZE 320

struct reading {
    struct sk_logins *logins;
    struct sk_faults *faults, *warnings;
};

void sk_logins_fini(struct sk_logins *logins)
{
    sk_arena_fini(&logins->arena);
    *logins = (struct sk_logins){0};
}

/* --- registries -------------------------------------------------------------------- */

static const char *skip(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) ? text : text + len;
}

/* What clients have added to the name of a registry over the years. */
static bool is_usual_path(const char *path)
{
    static const char *const usual[] = {"", "/", "/v1", "/v1/", "/v2", "/v2/"};

    for (size_t i = 0; i < sk_array_len(usual); i++)
        if (!strcmp(path, usual[i]))
            return true;
    return false;
}

static bool is_docker_hub(const char *host)
{
    return !strcmp(host, "index.docker.io") || !strcmp(host, "registry-1.docker.io");
}

bool sk_login_registry(const char *key, char out[SK_LOGIN_REGISTRY_SIZE])
{
    const char *host = skip(skip(key, "https://"), "http://");
    size_t len = strcspn(host, "/");

    if (len >= SK_LOGIN_REGISTRY_SIZE || !is_usual_path(host + len))
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)host[i]);
    out[len] = '\0';
    if (!sk_address_is_host(out))
        return false;
    if (len > 4 && !strcmp(out + len - 4, ":443"))
        out[len - 4] = '\0';
    if (is_docker_hub(out))
        (void)snprintf(out, SK_LOGIN_REGISTRY_SIZE, "docker.io");
    return true;
}

/* --- one login --------------------------------------------------------------------- */

/* The text of a member, "" when there is none; NULL, with a fault, when it is something else. */
static const char *text_of(struct reading *r, const struct sk_json *entry, const char *name, const char *path)
{
    const char *text = "";

    for (const struct sk_json *member = entry->first; member; member = member->next) {
        if (strcmp(member->key, name) != 0)
            continue;
        if (member->kind != SK_JSON_STRING) {
            sk_faults_add(r->faults, member->line, path, "%s is %s, give a string", name,
                          sk_json_kind_name(member->kind));
            return NULL;
        }
        text = member->text;
    }
    return text;
}

/* "user:password" in base64. */
static bool split_auth(struct reading *r, const struct sk_json *entry, const char *auth, const char *path,
                       struct sk_login *login)
{
    size_t len = 0;
    char *text = sk_base64_decode(&r->logins->arena, auth, &len);
    char *colon = text ? strchr(text, ':') : NULL;

    if (!colon || strlen(text) != len) {
        sk_faults_add(r->faults, entry->line, path,
                      "auth is not the base64 of a user, a colon and a password");
        return false;
    }
    *colon = '\0';
    login->username = text;
    login->password = colon + 1;
    return true;
}

/* False: nothing that shows who somebody is, or (with a fault) nothing usable. */
static bool take_login(struct reading *r, const struct sk_json *entry, const char *path,
                       struct sk_login *login)
{
    const char *auth = text_of(r, entry, "auth", path), *token = text_of(r, entry, "identitytoken", path);

    login->username = text_of(r, entry, "username", path);
    login->password = text_of(r, entry, "password", path);
    if (!auth || !token || !login->username || !login->password)
        return false;
    if (*auth && !split_auth(r, entry, auth, path, login))
        return false;
    if (*token) {
        login->username = SK_LOGIN_TOKEN;
        login->password = token;
    }
    if (!*login->username && !*login->password) {
        sk_faults_add(r->warnings, entry->line, path, "has no login of its own and is left out");
        return false;
    }
    if (*login->username && *login->password && !strchr(login->username, ':'))
        return true;
    sk_faults_add(r->faults, entry->line, path, "is no login, give a user without a colon and a password");
    return false;
}

/* --- the file ---------------------------------------------------------------------- */

static bool has_one(const struct sk_logins *logins, const char *registry)
{
    for (size_t i = 0; i < logins->len; i++)
        if (!strcmp(logins->items[i].registry, registry))
            return true;
    return false;
}

static void take_entry(struct reading *r, const struct sk_json *entry)
{
    struct sk_login login;
    char path[PATH_SIZE], registry[SK_LOGIN_REGISTRY_SIZE];

    (void)snprintf(path, sizeof(path), "auths.\"%.255s\"", entry->key);
    if (!sk_login_registry(entry->key, registry))
        sk_faults_add(r->warnings, entry->line, path, "names no whole registry and is left out");
    else if (entry->kind != SK_JSON_OBJECT)
        sk_faults_add(r->faults, entry->line, path, "is %s, give an object in { }",
                      sk_json_kind_name(entry->kind));
    else if (take_login(r, entry, path, &login)) {
        if (has_one(r->logins, registry)) {
            sk_faults_add(r->warnings, entry->line, path,
                          "means %s, which has a login above, and is left out", registry);
            return;
        }
        login.registry = sk_arena_strdup(&r->logins->arena, registry);
        r->logins->items[r->logins->len++] = login;
    }
}

static void take_auths(struct reading *r, const struct sk_json *auths)
{
    size_t count = 0;

    if (auths->kind != SK_JSON_OBJECT || r->logins->items) {
        sk_faults_add(r->faults, auths->line, "auths", "give one object in { }");
        return;
    }
    for (const struct sk_json *entry = auths->first; entry; entry = entry->next)
        count++;
    r->logins->items = sk_arena_alloc(&r->logins->arena, (count + 1) * sizeof(*r->logins->items));
    for (const struct sk_json *entry = auths->first; entry; entry = entry->next)
        take_entry(r, entry);
}

static void take_member(struct reading *r, const struct sk_json *member)
{
    bool is_helper = !strcmp(member->key, "credsStore") || !strcmp(member->key, "credHelpers");

    if (!strcmp(member->key, "auths"))
        take_auths(r, member);
    else if (is_helper) /* the rest of the file is about Docker's client */
        sk_faults_add(r->warnings, member->line, member->key,
                      "names programs that keep logins; they are not run, so what they know is left out");
}

bool sk_logins_parse(struct sk_logins *logins, const char *text, size_t len, struct sk_faults *faults,
                     struct sk_faults *warnings)
{
    struct reading r = {logins, faults, warnings};
    struct sk_json *root = NULL;
    struct sk_err err;
    int line = 0, before = faults->count;

    *logins = (struct sk_logins){0};
    if (sk_json_parse(&logins->arena, text, len, &root, &line, &err) != SK_OK)
        sk_faults_add(faults, line, "", "%s", err.text);
    else if (root->kind != SK_JSON_OBJECT)
        sk_faults_add(faults, root->line, "", "is %s, give an object in { }", sk_json_kind_name(root->kind));
    else
        for (const struct sk_json *member = root->first; member; member = member->next)
            take_member(&r, member);
    if (faults->count > before)
        sk_logins_fini(logins);
    return faults->count == before;
}

enum sk_code sk_logins_load(struct sk_logins *logins, const char *path, struct sk_faults *faults,
                            struct sk_faults *warnings, struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    enum sk_code code = sk_file_load_private(path, FILE_MAX, &text, &len, err);

    *logins = (struct sk_logins){0};
    if (code != SK_OK)
        return code;
    if (!sk_logins_parse(logins, text, len, faults, warnings))
        code = sk_fail(err, SK_INVALID_ARGUMENT, "%s is no usable file of logins", path);
    explicit_bzero(text, len);
    return code;
}
