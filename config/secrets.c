#include "config/secrets.h"

#include "base/file.h"
#include "base/tenant.h"
#include "config/json.h"
#include "config/logins.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX  ((size_t)4 * 1024 * 1024)
#define PATH_SIZE 512

void sk_secrets_fini(struct sk_secrets *secrets)
{
    sk_arena_fini(&secrets->arena);
    *secrets = (struct sk_secrets){0};
}

static const struct sk_json *member_of(const struct sk_json *object, const char *name)
{
    for (const struct sk_json *member = object->first; member; member = member->next)
        if (member->key && !strcmp(member->key, name))
            return member;
    return NULL;
}

/* --- reading ----------------------------------------------------------------------- */

/* Names that stand twice would hide which one counts. */
static void check_twice(const struct sk_json *object, const struct sk_json *member, const char *path,
                        struct sk_faults *faults)
{
    if (member_of(object, member->key) != member)
        sk_faults_add(faults, member->line, path, "stands there already, give it once");
}

static bool is_object(const struct sk_json *value, const char *path, struct sk_faults *faults)
{
    if (value->kind != SK_JSON_OBJECT)
        sk_faults_add(faults, value->line, path, "is %s, give an object in { }",
                      sk_json_kind_name(value->kind));
    return value->kind == SK_JSON_OBJECT;
}

/* A secret: a text, or fields, which may be objects themselves. */
static void check_secret(const struct sk_json *value, const char *path, struct sk_faults *faults)
{
    char below[PATH_SIZE];

    if (value->kind != SK_JSON_STRING && value->kind != SK_JSON_OBJECT)
        sk_faults_add(faults, value->line, path, "is %s, give a string or an object in { }",
                      sk_json_kind_name(value->kind));
    for (const struct sk_json *field = value->first; value->kind == SK_JSON_OBJECT && field;
         field = field->next) {
        (void)snprintf(below, sizeof(below), "%.300s.\"%.100s\"", path, field->key);
        check_twice(value, field, below, faults);
        check_secret(field, below, faults); /* no deeper than JSON is read */
    }
}

static void check_store(const struct sk_json *store, const char *path, struct sk_faults *faults)
{
    char below[PATH_SIZE];

    if (!is_object(store, path, faults))
        return;
    for (const struct sk_json *secret = store->first; secret; secret = secret->next) {
        (void)snprintf(below, sizeof(below), "%.300s.\"%.100s\"", path, secret->key);
        check_twice(store, secret, below, faults);
        check_secret(secret, below, faults);
    }
}

static void check_root(const struct sk_json *root, struct sk_faults *faults)
{
    char path[PATH_SIZE];

    if (!is_object(root, "", faults))
        return;
    for (const struct sk_json *store = root->first; store; store = store->next) {
        (void)snprintf(path, sizeof(path), "\"%.100s\"", store->key);
        check_twice(root, store, path, faults);
        check_store(store, path, faults);
    }
}

bool sk_secrets_parse(struct sk_secrets *secrets, const char *text, size_t len, struct sk_faults *faults)
{
    struct sk_json *root = NULL;
    struct sk_err err;
    int line = 0, before = faults->count;

    *secrets = (struct sk_secrets){0};
    if (sk_json_parse(&secrets->arena, text, len, &root, &line, &err) != SK_OK)
        sk_faults_add(faults, line, "", "%s", err.text);
    else
        check_root(root, faults);
    secrets->root = root;
    if (faults->count > before)
        sk_secrets_fini(secrets);
    return faults->count == before;
}

enum sk_code sk_secrets_load(struct sk_secrets *secrets, const char *path, struct sk_faults *faults,
                             struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    enum sk_code code = sk_file_load_private(path, FILE_MAX, &text, &len, err);

    *secrets = (struct sk_secrets){0};
    if (code != SK_OK)
        return code;
    if (!sk_secrets_parse(secrets, text, len, faults))
        code = sk_fail(err, SK_INVALID_ARGUMENT, "%s is no usable file of secrets", path);
    explicit_bzero(text, len);
    return code;
}

/* --- finding ----------------------------------------------------------------------- */

/* The object that a value is, or holds as JSON; NULL when neither. */
static const struct sk_json *object_of(const struct sk_json *value, struct sk_arena *arena)
{
    struct sk_json *root = NULL;
    int line;

    if (value->kind == SK_JSON_STRING &&
        sk_json_parse(arena, value->text, strlen(value->text), &root, &line, NULL) == SK_OK)
        value = root;
    return value->kind == SK_JSON_OBJECT ? value : NULL;
}

/* Of a member that is one and says something; else NULL. */
static const char *text_of(const struct sk_json *object, const char *name)
{
    const struct sk_json *member = member_of(object, name);
    return member && member->kind == SK_JSON_STRING && *member->text ? member->text : NULL;
}

/* What is another tenant's is not there. */
static bool is_others(const struct sk_json *object, const char *tenant)
{
    const struct sk_json *member = object ? member_of(object, "tenant") : NULL;
    return member && member->kind == SK_JSON_STRING && strcmp(member->text, tenant) != 0;
}

static enum sk_code find_secret(const struct sk_secrets *secrets, const struct sk_secret_ask *ask,
                                struct sk_arena *scratch, const struct sk_json **out_secret,
                                struct sk_err *err)
{
    const struct sk_json *found = secrets->root ? member_of(secrets->root, ask->store) : NULL;

    if (!found) {
        (void)sk_fail(err, SK_FAILED_PRECONDITION, "there is no secret store \"%.80s\" here", ask->store);
        (void)sk_err_reason(err, "SECRET_STORE_NOT_PROVISIONED");
        return SK_FAILED_PRECONDITION;
    }
    *out_secret = member_of(found, ask->path);
    if (*out_secret && !is_others(object_of(*out_secret, scratch), ask->tenant))
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "there is no secret \"%.80s\" in the secret store \"%.80s\"",
                   ask->path, ask->store);
}

/* NULL when the secret has no such field. */
static const struct sk_json *field_of(const struct sk_json *secret, const struct sk_secret_ask *ask,
                                      struct sk_arena *scratch)
{
    const struct sk_json *object = object_of(secret, scratch);
    const struct sk_json *value = object ? member_of(object, ask->field) : NULL;

    return value && !is_others(object_of(value, scratch), ask->tenant) ? value : NULL;
}

static bool take_login(const struct sk_json *value, struct sk_arena *scratch, struct sk_arena *arena,
                       struct sk_secret_login *out_login)
{
    const struct sk_json *object = object_of(value, scratch);
    const char *username = object ? text_of(object, "username") : NULL;
    const char *password = object ? text_of(object, "password") : NULL;

    if (!username || !password || strchr(username, ':'))
        return false;
    *out_login = (struct sk_secret_login){sk_arena_strdup(arena, username), sk_arena_strdup(arena, password)};
    return true;
}

/* --- where it may go --------------------------------------------------------------- */

/* What the secret says, or its field; a field that is called so says nothing. NULL = it names none. */
static const struct sk_json *registry_of(const struct sk_json *value, struct sk_arena *scratch)
{
    const struct sk_json *object = object_of(value, scratch);
    const struct sk_json *member = object ? member_of(object, "registry") : NULL;

    return member && member->kind == SK_JSON_STRING ? member : NULL;
}

static bool is_registry(const struct sk_json *said, const char *registry)
{
    char name[SK_LOGIN_REGISTRY_SIZE];
    return !said || (sk_login_registry(said->text, name) && strcasecmp(name, registry) == 0);
}

static enum sk_code check_registry(const struct sk_json *secret, const struct sk_json *value,
                                   const struct sk_secret_ask *ask, struct sk_arena *scratch,
                                   struct sk_err *err)
{
    const struct sk_json *outer = registry_of(secret, scratch), *inner = registry_of(value, scratch);

    if (!outer && !inner && strcmp(ask->tenant, SK_TENANT_DEFAULT) != 0)
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the secret \"%.60s\" of the secret store \"%.60s\" must name its registry in "
                       "secret_stores before tenants other than \"" SK_TENANT_DEFAULT "\" can use it",
                       ask->path, ask->store);
    if (!is_registry(outer, ask->registry) || !is_registry(inner, ask->registry))
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the secret \"%.60s\" of the secret store \"%.60s\" is not for the registry %.128s",
                       ask->path, ask->store, ask->registry);
    return SK_OK;
}

enum sk_code sk_secrets_find_login(const struct sk_secrets *secrets, const struct sk_secret_ask *ask,
                                   struct sk_arena *arena, struct sk_secret_login *out_login,
                                   struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    const struct sk_json *secret = NULL, *value;
    struct sk_secret_login found;
    bool is_named = ask->field && *ask->field;
    enum sk_code code = find_secret(secrets, ask, &scratch, &secret, err);

    if (code != SK_OK)
        return code;
    value = is_named ? field_of(secret, ask, &scratch) : secret;
    if (!value)
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the secret \"%.60s\" of the secret store \"%.60s\" has no field \"%.60s\"", ask->path,
                       ask->store, ask->field);
    if (!take_login(value, &scratch, arena, &found))
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "%s\"%.60s\" of the secret store \"%.60s\" is no object with username and password",
                       is_named ? "a field of the secret " : "the secret ", ask->path, ask->store);
    code = check_registry(secret, value, ask, &scratch, err);
    if (code == SK_OK)
        *out_login = found;
    return code;
}
