/* The keys that are made here, and those that the configuration has in the clear. */
#include "support/keys_rig.h"

/* A configuration of texts alone. */
#define ADMINS(...)                                                                                          \
    &(const struct sk_keys_config)                                                                           \
    {                                                                                                        \
        .admins = (const char *const[])                                                                      \
        {                                                                                                    \
            __VA_ARGS__, NULL                                                                                \
        }                                                                                                    \
    }

/* --- keys of the configuration --------------------------------------------------- */

static void without_any_there_is_none(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, NULL);
    assert_false(sk_keys_exist(r.keys));
    assert_null(sk_keys_check(r.keys, ""));
    assert_null(sk_keys_check(r.keys, "anything"));
    rig_fini(&r);
}

static void those_of_the_config_are_admins(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, ADMINS("abc", "second-key"));
    const struct sk_key_record *key = sk_keys_check(r.keys, "abc");
    assert_non_null(key);
    assert_string_equal(key->id, "ba7816bf8f01"); /* SHA-256 of "abc" begins so in FIPS 180-2 */
    assert_string_equal(key->tenant, SK_TENANT_DEFAULT);
    assert_true(key->is_admin);
    assert_non_null(sk_keys_check(r.keys, "second-key"));
    assert_null(sk_keys_check(r.keys, "ab"));
    assert_null(sk_keys_check(r.keys, "ABC"));
    assert_null(sk_keys_check(r.keys, "abc "));
    assert_int_equal(revoke_key(&r, "ba7816bf8f01"), SK_FAILED_PRECONDITION);
    assert_non_null(sk_keys_check(r.keys, "abc"));
    rig_fini(&r);
}

static void other_keys_of_the_config_replace_those_before(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, ADMINS("abc", "stays"));
    sk_keys_set_config(r.keys, ADMINS("stays", "new"));
    assert_null(sk_keys_check(r.keys, "abc"));
    assert_non_null(sk_keys_check(r.keys, "stays"));
    assert_non_null(sk_keys_check(r.keys, "new"));
    assert_int_equal(r.revokes, 1);
    assert_string_equal(r.revoked, "ba7816bf8f01");
    assert_int_equal(r.firsts, 0);
    sk_keys_set_config(r.keys, NULL);
    assert_null(sk_keys_check(r.keys, "stays"));
    assert_true(sk_keys_exist(r.keys)); /* that the last is gone lets nobody in without one */
    rig_fini(&r);
}

/* --- keys that are made ---------------------------------------------------------- */

static void one_that_is_made_works_and_is_remembered(void **state)
{
    struct rig r;
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];

    (void)state;
    rig_init(&r, NULL);
    assert_int_equal(create(&r, "team-a", false, &secret), SK_OK);
    assert_int_equal(r.firsts, 1);
    for (int i = 0; i < 2; i++) {
        const struct sk_key_record *key = sk_keys_check(r.keys, secret.text);
        assert_non_null(key);
        assert_string_equal(key->tenant, "team-a");
        assert_string_equal(key->name, "for a test");
        assert_false(key->is_admin);
        assert_true(sk_keys_exist(r.keys));
        sk_vloop_settle(r.loop);
        restart(&r, NULL);
    }
    size_t len;
    const uint8_t *stored = sk_memstore_get(r.store, id_of(&secret, id), &len);
    assert_non_null(stored);
    const char *hidden = secret.text + 3 + SK_KEY_ID_LEN + 1;
    assert_null(memmem(stored, len, hidden, strlen(hidden)));
    rig_fini(&r);
}

static void no_text_but_its_own_opens(void **state)
{
    struct rig r;
    struct sk_secret a, b;

    (void)state;
    rig_init(&r, NULL);
    assert_int_equal(create(&r, "a", false, &a), SK_OK);
    assert_int_equal(create(&r, "b", true, &b), SK_OK);
    assert_int_equal(r.firsts, 1);
    struct sk_secret mixed = a;
    memcpy(mixed.text + 3 + SK_KEY_ID_LEN, b.text + 3 + SK_KEY_ID_LEN, 33);
    assert_null(sk_keys_check(r.keys, mixed.text)); /* the id of one, the secret of the other */
    for (size_t i = 0; i < SK_SECRET_LEN; i++) {
        struct sk_secret changed = a;
        changed.text[i] ^= 1;
        assert_null(sk_keys_check(r.keys, changed.text));
    }
    a.text[SK_SECRET_LEN - 1] = '\0';
    assert_null(sk_keys_check(r.keys, a.text));
    rig_fini(&r);
}

static void revoking_works_at_once_and_for_ever(void **state)
{
    struct rig r;
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];

    (void)state;
    rig_init(&r, NULL);
    assert_int_equal(create(&r, "a", true, &secret), SK_OK);
    sk_done_init(&r.done, on_done);
    sk_keys_revoke(r.keys, id_of(&secret, id), &r.done);
    assert_null(sk_keys_check(r.keys, secret.text));
    assert_int_equal(r.revokes, 1);
    assert_string_equal(r.revoked, id);
    sk_vloop_settle(r.loop);
    assert_int_equal(revoke_key(&r, id), SK_OK); /* again */
    assert_int_equal(r.revokes, 1);
    restart(&r, NULL);
    assert_null(sk_keys_check(r.keys, secret.text));
    assert_true(sk_keys_exist(r.keys)); /* a node that had keys is not open to all */
    assert_int_equal(revoke_key(&r, "000000000000"), SK_NOT_FOUND);
    assert_string_equal(r.reason, "KEY_NOT_FOUND");
    rig_fini(&r);
}

static void a_disk_that_refuses_makes_no_key_and_revokes_all_the_same(void **state)
{
    struct rig r;
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];

    (void)state;
    rig_init(&r, NULL);
    r.fate = 1;
    assert_int_not_equal(create(&r, "a", true, &secret), SK_OK);
    assert_null(sk_keys_check(r.keys, secret.text));
    assert_false(sk_keys_exist(r.keys));
    assert_int_equal(r.firsts, 0);
    r.fate = 0;
    assert_int_equal(create(&r, "a", true, &secret), SK_OK);
    r.fate = 1;
    assert_int_not_equal(revoke_key(&r, id_of(&secret, id)), SK_OK);
    assert_null(sk_keys_check(r.keys, secret.text));
    r.fate = 0;
    assert_int_equal(revoke_key(&r, id), SK_OK);
    restart(&r, NULL);
    assert_null(sk_keys_check(r.keys, secret.text));
    rig_fini(&r);
}

static void the_last_use_is_stored_once_an_hour(void **state)
{
    struct rig r;
    struct sk_secret secret;

    (void)state;
    rig_init(&r, NULL);
    assert_int_equal(create(&r, "a", true, &secret), SK_OK);
    size_t puts = sk_memstore_puts(r.store);
    for (int i = 0; i < 100; i++)
        assert_non_null(sk_keys_check(r.keys, secret.text));
    sk_vloop_settle(r.loop);
    assert_int_equal(sk_memstore_puts(r.store), puts + 1);
    sk_vloop_advance(r.loop, SK_SEC(3600));
    assert_non_null(sk_keys_check(r.keys, secret.text));
    sk_vloop_settle(r.loop);
    assert_int_equal(sk_memstore_puts(r.store), puts + 2);
    rig_fini(&r);
}

static void a_record_that_cannot_be_read_stops_the_start(void **state)
{
    struct rig r;
    struct sk_err err;

    (void)state;
    rig_init(&r, NULL);
    sk_store_put(r.store, "key", "0123456789ab", "junk", 4, NULL);
    sk_vloop_settle(r.loop);
    sk_keys_free(r.keys);
    r.keys = sk_keys_new(r.loop, NULL, r.store, NULL);
    assert_int_equal(sk_keys_load(r.keys, &err), SK_DATA_LOSS);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_there_is_none),
        cmocka_unit_test(those_of_the_config_are_admins),
        cmocka_unit_test(other_keys_of_the_config_replace_those_before),
        cmocka_unit_test(one_that_is_made_works_and_is_remembered),
        cmocka_unit_test(no_text_but_its_own_opens),
        cmocka_unit_test(revoking_works_at_once_and_for_ever),
        cmocka_unit_test(a_disk_that_refuses_makes_no_key_and_revokes_all_the_same),
        cmocka_unit_test(the_last_use_is_stored_once_an_hour),
        cmocka_unit_test(a_record_that_cannot_be_read_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
