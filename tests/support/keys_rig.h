/* keys_rig.h: API keys over a store in memory, and what they tell of themselves. */
#ifndef SK_TESTS_KEYS_RIG_H
#define SK_TESTS_KEYS_RIG_H

#include "identity/keys.h"

#include "support/memstore.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct rig {
    struct sk_loop *loop;
    struct sk_store *store;
    struct sk_keys *keys;
    int firsts, revokes;
    char revoked[SK_KEY_ID_LEN + 1];
    struct sk_done done;
    int answers;
    enum sk_code code;
    const char *reason;
    char text[256]; /* of the error */
    int fate;       /* of writes, as sk_memstore_hook has it */
};

static inline void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct rig *r = sk_container_of(done, struct rig, done);

    r->answers++;
    r->code = err ? err->code : SK_OK;
    r->reason = err ? err->reason : NULL;
    (void)snprintf(r->text, sizeof(r->text), "%.200s", err ? err->text : "");
}

static inline void on_first(void *arg)
{
    ((struct rig *)arg)->firsts++;
}

static inline void on_revoked(void *arg, const char *key_id)
{
    struct rig *r = arg;

    r->revokes++;
    (void)snprintf(r->revoked, sizeof(r->revoked), "%s", key_id);
}

static inline int hook(void *arg, const char *call)
{
    (void)call;
    return ((struct rig *)arg)->fate;
}

static inline void start(struct rig *r, const struct sk_keys_config *from_config)
{
    static const struct sk_keys_events events = {.on_first = on_first, .on_revoked = on_revoked};
    struct sk_err err;

    r->keys = sk_keys_new(r->loop, NULL, r->store, from_config);
    assert_int_equal(sk_keys_load(r->keys, &err), SK_OK);
    sk_keys_listen(r->keys, &events, r);
}

static inline void restart(struct rig *r, const struct sk_keys_config *from_config)
{
    sk_keys_free(r->keys);
    start(r, from_config);
}

static inline void rig_init(struct rig *r, const struct sk_keys_config *from_config)
{
    *r = (struct rig){0};
    r->loop = sk_vloop_new();
    r->store = sk_memstore_new(r->loop);
    sk_memstore_hook(r->store, hook, r);
    sk_done_init(&r->done, on_done);
    start(r, from_config);
}

static inline void rig_fini(struct rig *r)
{
    sk_keys_free(r->keys);
    sk_vloop_settle(r->loop);
    sk_memstore_free(r->store);
    sk_loop_free(r->loop);
}

static inline enum sk_code create(struct rig *r, const char *tenant, bool is_admin, struct sk_secret *out)
{
    int before = r->answers;

    sk_done_init(&r->done, on_done);
    sk_keys_create(r->keys, tenant, "for a test", is_admin, out, &r->done);
    assert_int_equal(r->answers, before);
    sk_vloop_settle(r->loop);
    assert_int_equal(r->answers, before + 1);
    return r->code;
}

static inline enum sk_code revoke_key(struct rig *r, const char *id)
{
    int before = r->answers;

    sk_done_init(&r->done, on_done);
    sk_keys_revoke(r->keys, id, &r->done);
    assert_int_equal(r->answers, before);
    sk_vloop_settle(r->loop);
    assert_int_equal(r->answers, before + 1);
    return r->code;
}

static inline const char *id_of(const struct sk_secret *secret, char out[SK_KEY_ID_LEN + 1])
{
    assert_true(sk_secret_id(secret->text, out));
    return out;
}

#endif
