#include "cli/keys.h"

#include "cli/json_put.h"
#include "cli/moment.h"
#include "cli/output.h"

#define SERVICE "/sandkeep.v1.KeyService/"

enum sk_code sk_client_key_create(struct sk_client *client, const Sandkeep__V1__CreateKeyRequest *request,
                                  struct sk_arena *arena, Sandkeep__V1__CreateKeyResponse **out_made,
                                  struct sk_fault *fault)
{
    ProtobufCMessage *answer = NULL;
    enum sk_code code =
        sk_client_call(client, SERVICE "CreateKey", &request->base,
                       &sandkeep__v1__create_key_response__descriptor, SK_FINISH, arena, &answer, fault);

    if (!code)
        *out_made = (Sandkeep__V1__CreateKeyResponse *)answer;
    return code;
}

enum sk_code sk_client_keys_list(struct sk_client *client, const Sandkeep__V1__ListKeysRequest *request,
                                 struct sk_arena *arena, Sandkeep__V1__ListKeysResponse **out_list,
                                 struct sk_fault *fault)
{
    ProtobufCMessage *answer = NULL;
    enum sk_code code =
        sk_client_call(client, SERVICE "ListKeys", &request->base,
                       &sandkeep__v1__list_keys_response__descriptor, SK_ABANDON, arena, &answer, fault);

    if (!code)
        *out_list = (Sandkeep__V1__ListKeysResponse *)answer;
    return code;
}

enum sk_code sk_client_key_revoke(struct sk_client *client, const char *key_id, struct sk_fault *fault)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__RevokeKeyRequest request = SANDKEEP__V1__REVOKE_KEY_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.key_id = (char *)key_id;
    return sk_client_call(client, SERVICE "RevokeKey", &request.base, &sandkeep__v1__key__descriptor,
                          SK_FINISH, &arena, &answer, fault);
}

/* --- JSON -------------------------------------------------------------------------- */

static void put_flag(yajl_gen gen, const char *key, bool flag)
{
    sk_json_put_text(gen, key);
    (void)yajl_gen_bool(gen, flag);
}

static void put_key(yajl_gen gen, const Sandkeep__V1__Key *key)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "id", key->key_id);
    sk_json_put_key_text(gen, "tenant", key->tenant);
    sk_json_put_key_text(gen, "name", key->name);
    put_flag(gen, "admin", key->admin);
    put_flag(gen, "from_config", key->from_config);
    sk_json_put_key_text(gen, "config_key", key->config_key);
    sk_json_put_key_moment(gen, "created", key->create_time);
    sk_json_put_key_moment(gen, "last_used", key->last_used_time);
    sk_json_put_key_moment(gen, "revoked", key->revoke_time);
    (void)yajl_gen_map_close(gen);
}

struct list {
    Sandkeep__V1__Key *const *keys;
    size_t count;
};

static void put_list(yajl_gen gen, const void *what)
{
    const struct list *list = what;

    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < list->count; i++)
        put_key(gen, list->keys[i]);
    (void)yajl_gen_array_close(gen);
}

/* --- the table --------------------------------------------------------------------- */

static void add_age(struct sk_table *table, const Google__Protobuf__Timestamp *at, int64_t now)
{
    char age[24] = "";

    if (at)
        sk_age_print(sk_seconds_between(at->seconds, now), age, sizeof(age));
    sk_table_add(table, age);
}

static void add_row(struct sk_table *table, const Sandkeep__V1__Key *key, int64_t now)
{
    sk_table_add(table, key->key_id);
    sk_table_add(table, key->tenant);
    sk_table_add(table, key->admin ? "yes" : "no");
    add_age(table, key->create_time, now);
    add_age(table, key->last_used_time, now);
    sk_table_add(table, key->revoke_time ? "revoked" : "good");
    sk_table_add(table, !key->from_config ? "node" : *key->config_key ? key->config_key : "configuration");
    sk_table_add(table, key->name);
}

static enum sk_code print_table(const struct list *list, struct sk_buf *out)
{
    static const char *const titles[] = {"ID", "TENANT", "ADMIN", "AGE", "USED", "STATE", "FROM", "NAME"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    for (size_t i = 0; i < sk_array_len(titles); i++)
        sk_table_add(&table, titles[i]);
    for (size_t i = 0; i < list->count; i++)
        add_row(&table, list->keys[i], sk_clock_wall().ns / 1000000000);
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

int sk_keys_output(Sandkeep__V1__Key *const *keys, size_t count, bool json)
{
    const struct list list = {keys, count};
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_json_write(put_list, &list, &out, &err) : print_table(&list, &out);
    return sk_output_end(code, &out, &err);
}
