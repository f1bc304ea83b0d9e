/* keys_api.c: CreateKey, ListKeys, RevokeKey. Only admins come here. */
#include "api/encode.h"
#include "api/handlers.h"
#include "base/utf8.h"

#include <string.h>

static SK_OWN_PB(Key) * encode(struct sk_call *call, const struct sk_key_record *record)
{
    struct sk_arena *arena = call->arena;
    SK_OWN_PB(Key) *out = SK_OWN_PB_NEW(arena, key);
    out->key_id = sk_arena_strdup(arena, record->id);
    out->tenant = sk_arena_strdup(arena, record->tenant);
    out->name = sk_arena_strdup(arena, record->name);
    out->admin = record->is_admin;
    out->create_time = sk_encode_time(arena, record->created);
    out->last_used_time = sk_encode_time(arena, record->used);
    out->revoke_time = sk_encode_time(arena, record->revoked);
    const char *origin = sk_keys_origin(call->keys, record->id);
    out->from_config = origin != NULL;
    out->config_key = sk_arena_strdup(arena, origin ? origin : "");
    return out;
}

/* --- create ---------------------------------------------------------------------- */

struct making {
    struct sk_call *call;
    struct sk_done done;
    struct sk_secret secret;
};

static void on_created(struct sk_done *done, const struct sk_err *err)
{
    struct making *m = sk_container_of(done, struct making, done);
    SK_OWN_PB(CreateKeyResponse) *out = SK_OWN_PB_NEW(m->call->arena, create_key_response);
    char id[SK_KEY_ID_LEN + 1];
    if (err) {
        sk_call_fail(m->call, err);
        return;
    }
    (void)sk_secret_id(m->secret.text, id);
    out->key = encode(m->call, sk_keys_find(m->call->keys, id));
    out->secret = m->secret.text;
    sk_call_reply(m->call, &out->base);
}

static void check_name(const char *name, struct sk_check *check)
{
    size_t len = strlen(name);
    if (!sk_check_length(check, SK_FIELD(NULL, "name"), name, SK_KEY_NAME_MAX))
        return;
    for (size_t i = 0, step; i < len; i += step) {
        step = sk_utf8_next(name + i, len - i);
        if (step && sk_utf8_is_printable(name + i, step))
            continue;
        sk_check_violated(check, SK_FIELD(NULL, "name"), "must consist of printable characters");
        return;
    }
}

void sk_create_key(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(CreateKeyRequest) *in = (const void *)request;
    const char *tenant = in->tenant[0] ? in->tenant : SK_TENANT_DEFAULT;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    if (!sk_tenant_is_valid(tenant))
        sk_check_violated(check, SK_FIELD(NULL, "tenant"),
                          "must be 1 to %d of a-z, 0-9, \".\" and \"-\", and begin with a letter or digit",
                          SK_TENANT_MAX);
    check_name(in->name, check);
    if (check->count) {
        sk_call_fail_check(call, check);
        return;
    }
    struct making *m = sk_arena_alloc(call->arena, sizeof(*m));
    m->call = call;
    sk_done_init(&m->done, on_created);
    sk_keys_create(call->keys, tenant, in->name, in->admin, &m->secret, &m->done);
}

/* --- list ------------------------------------------------------------------------ */

struct listing {
    struct sk_call *call;
    const SK_OWN_PB(ListKeysRequest) * in;
    SK_OWN_PB(ListKeysResponse) * out;
    size_t cap;
};

static void grow(struct listing *l)
{
    size_t cap = l->cap ? l->cap * 2 : 16;
    SK_OWN_PB(Key) **grown = sk_arena_alloc(l->call->arena, cap * sizeof(grown[0]));
    for (size_t i = 0; i < l->out->n_keys; i++)
        grown[i] = l->out->keys[i];
    l->out->keys = grown;
    l->cap = cap;
}

static void add(void *arg, const struct sk_key_record *record)
{
    struct listing *l = arg;
    if (l->in->tenant[0] && strcmp(l->in->tenant, record->tenant) != 0)
        return;
    if (record->revoked.ns && !l->in->show_revoked)
        return;
    if (l->out->n_keys == l->cap)
        grow(l);
    l->out->keys[l->out->n_keys++] = encode(l->call, record);
}

void sk_list_keys(struct sk_call *call, ProtobufCMessage *request)
{
    struct listing l = {
        .call = call, .in = (const void *)request, .out = SK_OWN_PB_NEW(call->arena, list_keys_response)};
    sk_keys_each(call->keys, add, &l);
    sk_call_reply(call, &l.out->base);
}

/* --- revoke ---------------------------------------------------------------------- */

struct revoking {
    struct sk_call *call;
    struct sk_done done;
    const char *id;
};

static void on_revoked(struct sk_done *done, const struct sk_err *err)
{
    struct revoking *r = sk_container_of(done, struct revoking, done);
    const struct sk_key_record *key = err ? NULL : sk_keys_find(r->call->keys, r->id);
    if (err)
        sk_call_fail(r->call, err);
    else if (key)
        sk_call_reply(r->call, &encode(r->call, key)->base);
    else /* it made room for another one meanwhile */
        sk_call_reply(r->call, SK_OWN_PB_NEW(r->call->arena, key));
}

void sk_revoke_key(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_OWN_PB(RevokeKeyRequest) *in = (const void *)request;
    struct revoking *r = sk_arena_alloc(call->arena, sizeof(*r));
    r->call = call;
    r->id = in->key_id;
    sk_list_remove(&call->under_way); /* whoever revokes the key they came with is told so */
    sk_done_init(&r->done, on_revoked);
    sk_keys_revoke(call->keys, in->key_id, &r->done);
}
