#include "identity/keys.h"

#include "base/list.h"
#include "base/map.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define KIND       "key" /* of the store */
#define RECORD_MAX 1024
/* How old the time of the last use may be in the store, and so after a restart. */
#define USE_STEP SK_SEC(3600)

struct key {
    struct sk_key_record record;
    struct sk_map_node by_id;
    struct sk_list link; /* keys->made */
};

/* One of the configuration. */
struct given {
    struct sk_key_record record; /* used: since the start */
    const char *origin;          /* the key of the configuration */
    bool is_shadowed;            /* it is a key that was made here, under whatever id */
    char digest[SK_DIGEST_TEXT_LEN + 1];
    struct sk_map_node by_id, by_digest;
};

/* All of them. */
struct givens {
    struct given *items; /* owned; in order */
    size_t count;
    struct sk_map by_id, by_digest;
};

struct sk_keys {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_store *store;
    struct givens givens;
    struct sk_list made; /* struct key, oldest first */
    struct sk_map by_id;
    size_t making;   /* creates under way */
    bool had_config; /* the configuration has had some since the start */
    struct sk_keys_events events;
    void *arg;
};

/* --- the configuration's ------------------------------------------------------- */

static const char admins_key[] = "api_keys", shared_key[] = "shared_keys";

static struct given *find_given(const struct givens *givens, const char *id)
{
    struct sk_map_node *found = sk_map_find(&givens->by_id, id);
    return found ? sk_map_entry(found, struct given, by_id) : NULL;
}

static struct given *find_same(const struct givens *givens, const uint8_t digest[SK_DIGEST_LEN])
{
    char text[SK_DIGEST_TEXT_LEN + 1];

    sk_digest_text(digest, text);
    struct sk_map_node *found = sk_map_find(&givens->by_digest, text);
    return found ? sk_map_entry(found, struct given, by_digest) : NULL;
}

/* There is none with its id or its digest. */
static void give(struct givens *givens, const struct sk_key_record *record, const char *origin)
{
    struct given *given = &givens->items[givens->count++];

    *given = (struct given){.record = *record, .origin = origin};
    sk_digest_text(given->record.digest, given->digest);
    sk_map_add(&givens->by_id, &given->by_id, given->record.id);
    sk_map_add(&givens->by_digest, &given->by_digest, given->digest);
}

static void give_admin(struct givens *givens, const char *text)
{
    struct sk_key_record record = {.tenant = SK_TENANT_DEFAULT, .is_admin = true};

    sk_sha256(text, strlen(text), record.digest);
    sk_digest_id(record.digest, record.id);
    if (!find_given(givens, record.id))
        give(givens, &record, admins_key);
}

static void tell_shadowed(const struct sk_keys *keys, const char *id, const char *by)
{
    sk_log(keys->log, SK_WARN, "key.shadowed", SK_STR("key", id), SK_STR("by", by),
           SK_STR("advice", "what shared_keys says of it does not count on this node"));
}

/* Not one that is an admin's already: it would have two tenants. */
static void give_shared(const struct sk_keys *keys, struct givens *givens, const struct sk_key_entry *entry)
{
    struct sk_key_record record = {.is_admin = entry->is_admin};

    if (find_given(givens, entry->id) || find_same(givens, entry->digest)) {
        tell_shadowed(keys, entry->id, admins_key);
        return;
    }
    memcpy(record.digest, entry->digest, sizeof(record.digest));
    (void)snprintf(record.id, sizeof(record.id), "%s", entry->id);
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", entry->tenant);
    (void)snprintf(record.name, sizeof(record.name), "%s", entry->name);
    give(givens, &record, shared_key);
}

static void givens_init(struct givens *givens, const struct sk_keys *keys,
                        const struct sk_keys_config *config)
{
    static const struct sk_keys_config none = {.admins = NULL};
    size_t count = 0;

    if (!config)
        config = &none;
    while (config->admins && config->admins[count])
        count++;
    *givens = (struct givens){.items = sk_alloc((count + config->shared.len + 1) * sizeof(givens->items[0]))};
    sk_map_init(&givens->by_id);
    sk_map_init(&givens->by_digest);
    for (size_t i = 0; i < count; i++)
        give_admin(givens, config->admins[i]);
    for (size_t i = 0; i < config->shared.len; i++)
        give_shared(keys, givens, &config->shared.rows[i]);
}

static void givens_fini(struct givens *givens)
{
    for (size_t i = 0; i < givens->count; i++) {
        sk_map_remove(&givens->by_id, &givens->items[i].by_id);
        sk_map_remove(&givens->by_digest, &givens->items[i].by_digest);
    }
    sk_map_fini(&givens->by_id);
    sk_map_fini(&givens->by_digest);
    free(givens->items);
}

/* --- birth ------------------------------------------------------------------- */

struct sk_keys *sk_keys_new(struct sk_loop *loop, const struct sk_log *log, struct sk_store *store,
                            const struct sk_keys_config *from_config)
{
    struct sk_keys *keys = sk_alloc(sizeof(*keys));

    *keys = (struct sk_keys){.loop = loop, .log = log, .store = store};
    givens_init(&keys->givens, keys, from_config);
    keys->had_config = keys->givens.count > 0;
    sk_list_init(&keys->made);
    sk_map_init(&keys->by_id);
    return keys;
}

static void add(struct sk_keys *keys, const struct sk_key_record *record)
{
    struct key *key = sk_alloc(sizeof(*key));

    *key = (struct key){.record = *record};
    sk_list_append(&keys->made, &key->link);
    sk_map_add(&keys->by_id, &key->by_id, key->record.id);
}

static struct key *find_made(const struct sk_keys *keys, const char *id)
{
    struct sk_map_node *found = sk_map_find(&keys->by_id, id);
    return found ? sk_map_entry(found, struct key, by_id) : NULL;
}

struct loading {
    struct sk_keys *keys;
    struct sk_err err;
};

static void load_one(void *arg, const char *id, const uint8_t *data, size_t len)
{
    struct loading *loading = arg;
    struct sk_key_record record;
    struct sk_err err;

    if (sk_key_record_unpack(data, len, &record, &err) == SK_OK && strcmp(record.id, id) == 0 &&
        !find_made(loading->keys, id))
        add(loading->keys, &record);
    else
        (void)sk_fail(&loading->err, SK_DATA_LOSS, "the key %.32s in the store cannot be read", id);
}

static void shadow(struct given *given)
{
    if (given)
        given->is_shadowed = true;
}

/* Those of the configuration that have the id of a key made here, or its digest: else a file would open what
 * was revoked here. What is made later has an id and a digest of its own. */
static void shadow_all(struct sk_keys *keys)
{
    sk_list_each(&keys->made, link)
    {
        const struct key *key = sk_list_entry(link, struct key, link);
        shadow(find_given(&keys->givens, key->record.id));
        shadow(find_same(&keys->givens, key->record.digest));
    }
    for (size_t i = 0; i < keys->givens.count; i++)
        if (keys->givens.items[i].is_shadowed)
            tell_shadowed(keys, keys->givens.items[i].record.id, "a key that was made here");
}

enum sk_code sk_keys_load(struct sk_keys *keys, struct sk_err *err)
{
    struct loading loading = {.keys = keys};
    enum sk_code code = sk_store_load(keys->store, KIND, load_one, &loading, err);

    if (code == SK_OK && loading.err.code != SK_OK) {
        *err = loading.err;
        code = err->code;
    }
    shadow_all(keys);
    return code;
}

void sk_keys_free(struct sk_keys *keys)
{
    if (!keys)
        return;
    assert(!keys->making);
    while (!sk_list_is_empty(&keys->made)) {
        struct key *key = sk_list_entry(keys->made.next, struct key, link);
        sk_list_remove(&key->link);
        sk_map_remove(&keys->by_id, &key->by_id);
        free(key);
    }
    sk_map_fini(&keys->by_id);
    givens_fini(&keys->givens);
    free(keys);
}

void sk_keys_listen(struct sk_keys *keys, const struct sk_keys_events *events, void *arg)
{
    keys->events = *events;
    keys->arg = arg;
}

/* --- other ones of the configuration --------------------------------------------- */

static bool is_as_before(const struct sk_key_record *a, const struct sk_key_record *b)
{
    return sk_digest_equals(a->digest, b->digest) && strcmp(a->tenant, b->tenant) == 0 &&
           a->is_admin == b->is_admin;
}

static void revoke_given(struct sk_keys *keys, const struct sk_key_record *record)
{
    sk_log(keys->log, SK_INFO, "key.revoked", SK_STR("key", record->id), SK_STR("tenant", record->tenant));
    if (keys->events.on_revoked)
        keys->events.on_revoked(keys->arg, record->id);
}

static void compare(struct sk_keys *keys, const struct given *before)
{
    struct given *now = find_given(&keys->givens, before->record.id);

    if (now && is_as_before(&now->record, &before->record))
        now->record.used = before->record.used;
    else if (!before->is_shadowed)
        revoke_given(keys, &before->record);
}

void sk_keys_set_config(struct sk_keys *keys, const struct sk_keys_config *from_config)
{
    struct givens before = keys->givens;
    bool had_one = sk_keys_exist(keys);

    givens_init(&keys->givens, keys, from_config);
    shadow_all(keys);
    keys->had_config |= keys->givens.count > 0;
    for (size_t i = 0; i < before.count; i++)
        compare(keys, &before.items[i]);
    givens_fini(&before);
    if (!had_one && sk_keys_exist(keys) && keys->events.on_first)
        keys->events.on_first(keys->arg);
}

/* --- looking ------------------------------------------------------------------- */

bool sk_keys_exist(const struct sk_keys *keys)
{
    return keys->had_config || !sk_list_is_empty(&keys->made);
}

static void save(struct sk_keys *keys, const struct sk_key_record *record, struct sk_done *done)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf bytes;
    struct sk_err err;

    sk_buf_init(&bytes, RECORD_MAX);
    if (sk_key_record_pack(record, &bytes, &err) == SK_OK)
        sk_store_put(keys->store, KIND, record->id, bytes.data, bytes.len, done);
    else if (done)
        sk_done_later(keys->loop, done, &err);
}

static void note_use(struct sk_keys *keys, struct key *key)
{
    struct sk_wall now = sk_loop_wall(keys->loop);

    if (now.ns - key->record.used.ns < USE_STEP.ns && now.ns >= key->record.used.ns)
        return;
    key->record.used = now;
    save(keys, &key->record, NULL);
}

/* id: that in the text, or NULL. */
static const struct sk_key_record *check_made(struct sk_keys *keys, const char *id,
                                              const uint8_t digest[SK_DIGEST_LEN])
{
    struct key *key = id ? find_made(keys, id) : NULL;

    if (!key || !sk_digest_equals(key->record.digest, digest) || key->record.revoked.ns)
        return NULL;
    note_use(keys, key);
    return &key->record;
}

/* Looks at every one, so that time says nothing about which one came close. */
static struct given *look_through(const struct givens *givens, const uint8_t digest[SK_DIGEST_LEN])
{
    struct given *found = NULL;

    for (size_t i = 0; i < givens->count; i++)
        if (sk_digest_equals(givens->items[i].record.digest, digest))
            found = &givens->items[i];
    return found;
}

/* The same. */
static const struct sk_key_record *check_given(struct sk_keys *keys, const char *id,
                                               const uint8_t digest[SK_DIGEST_LEN])
{
    struct given *given = id ? find_given(&keys->givens, id) : NULL;

    if (!given || !sk_digest_equals(given->record.digest, digest))
        given = look_through(&keys->givens, digest);
    if (!given || given->is_shadowed)
        return NULL;
    given->record.used = sk_loop_wall(keys->loop);
    return &given->record;
}

const struct sk_key_record *sk_keys_check(struct sk_keys *keys, const char *text)
{
    uint8_t digest[SK_DIGEST_LEN];
    char room[SK_KEY_ID_LEN + 1];
    const char *id = sk_secret_id(text, room) ? room : NULL;

    sk_sha256(text, strlen(text), digest);
    const struct sk_key_record *made = check_made(keys, id, digest);
    return made ? made : check_given(keys, id, digest);
}

const struct sk_key_record *sk_keys_find(const struct sk_keys *keys, const char *id)
{
    const struct key *key = find_made(keys, id);
    const struct given *given = key ? NULL : find_given(&keys->givens, id);
    return key ? &key->record : given ? &given->record : NULL;
}

const char *sk_keys_origin(const struct sk_keys *keys, const char *id)
{
    const struct given *given = find_made(keys, id) ? NULL : find_given(&keys->givens, id);
    return given ? given->origin : NULL;
}

void sk_keys_each(const struct sk_keys *keys, void (*each)(void *arg, const struct sk_key_record *record),
                  void *arg)
{
    for (struct sk_list *link = keys->made.next; link != &keys->made; link = link->next)
        each(arg, &sk_list_entry(link, struct key, link)->record);
    for (size_t i = 0; i < keys->givens.count; i++)
        if (!keys->givens.items[i].is_shadowed)
            each(arg, &keys->givens.items[i].record);
}

/* --- making -------------------------------------------------------------------- */

struct making {
    struct sk_keys *keys;
    struct sk_key_record record;
    struct sk_done stored;
    struct sk_done *done;
};

static void on_stored(struct sk_done *stored, const struct sk_err *err)
{
    struct making *m = sk_container_of(stored, struct making, stored);
    struct sk_keys *keys = m->keys;
    struct sk_done *done = m->done;
    bool is_first = !err && !sk_keys_exist(keys);

    keys->making--;
    if (!err) {
        add(keys, &m->record);
        sk_log(keys->log, SK_INFO, "key.created", SK_STR("key", m->record.id),
               SK_STR("tenant", m->record.tenant), SK_INT("admin", m->record.is_admin));
    }
    free(m);
    if (is_first && keys->events.on_first)
        keys->events.on_first(keys->arg);
    sk_done_fire(done, err);
}

/* Nobody else has its id. */
static struct sk_secret make_secret(const struct sk_keys *keys, char out_id[SK_KEY_ID_LEN + 1])
{
    struct sk_secret secret;

    do {
        secret = sk_secret_make();
        (void)sk_secret_id(secret.text, out_id);
    } while (sk_keys_find(keys, out_id));
    return secret;
}

static void forget(struct sk_keys *keys, struct key *key)
{
    sk_store_delete(keys->store, KIND, key->record.id, NULL);
    sk_list_remove(&key->link);
    sk_map_remove(&keys->by_id, &key->by_id);
    free(key);
}

/* One that was revoked makes room, the oldest first; not one that the configuration would bring back. */
static bool has_room(struct sk_keys *keys)
{
    if (keys->by_id.len + keys->making < SK_KEYS_MAX)
        return true;
    sk_list_each(&keys->made, link)
    {
        struct key *key = sk_list_entry(link, struct key, link);
        if (!key->record.revoked.ns || find_given(&keys->givens, key->record.id) ||
            find_same(&keys->givens, key->record.digest))
            continue;
        forget(keys, key);
        return true;
    }
    return false;
}

void sk_keys_create(struct sk_keys *keys, const char *tenant, const char *name, bool is_admin,
                    struct sk_secret *out_secret, struct sk_done *done)
{
    struct sk_err err;

    if (!has_room(keys)) {
        (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "the node keeps %d keys already, as many as it may",
                      SK_KEYS_MAX);
        sk_done_later(keys->loop, done, &err);
        return;
    }
    struct making *m = sk_alloc(sizeof(*m));
    *m = (struct making){.keys = keys, .done = done};
    m->record = (struct sk_key_record){.is_admin = is_admin, .created = sk_loop_wall(keys->loop)};
    (void)snprintf(m->record.tenant, sizeof(m->record.tenant), "%s", tenant);
    (void)snprintf(m->record.name, sizeof(m->record.name), "%s", name);
    *out_secret = make_secret(keys, m->record.id);
    sk_sha256(out_secret->text, SK_SECRET_LEN, m->record.digest);
    keys->making++;
    sk_done_init(&m->stored, on_stored);
    save(keys, &m->record, &m->stored);
}

/* --- revoking ------------------------------------------------------------------ */

static void refuse(struct sk_keys *keys, const char *id, struct sk_done *done)
{
    struct sk_err err;

    if (sk_keys_origin(keys, id)) {
        (void)sk_fail(&err, SK_FAILED_PRECONDITION,
                      "the key %.32s stands in %s of the node's configuration: take it out there, and reload",
                      id, sk_keys_origin(keys, id));
    } else {
        (void)sk_fail(&err, SK_NOT_FOUND, "there is no key %.32s", id);
        (void)sk_err_reason(&err, "KEY_NOT_FOUND");
    }
    sk_done_later(keys->loop, done, &err);
}

void sk_keys_revoke(struct sk_keys *keys, const char *id, struct sk_done *done)
{
    struct key *key = find_made(keys, id);

    if (!key) {
        refuse(keys, id, done);
        return;
    }
    if (!key->record.revoked.ns) {
        key->record.revoked = sk_loop_wall(keys->loop);
        sk_log(keys->log, SK_INFO, "key.revoked", SK_STR("key", id), SK_STR("tenant", key->record.tenant));
        if (keys->events.on_revoked)
            keys->events.on_revoked(keys->arg, key->record.id);
    }
    save(keys, &key->record, done); /* again, if it was: an earlier write may have failed */
}
