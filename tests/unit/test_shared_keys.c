/* The keys of which the configuration has digests, and which of them counts. */
#include "support/keys_rig.h"

static struct sk_key_entry entry(const char *id, const char *text, const char *tenant, bool is_admin)
{
    struct sk_key_entry made = {.id = id, .tenant = tenant, .name = "shared", .is_admin = is_admin};

    sk_sha256(text, strlen(text), made.digest);
    return made;
}

static struct sk_keys_config shared(struct sk_key_entry *entries, size_t count)
{
    return (struct sk_keys_config){.shared = {entries, count}};
}

#define ID   "0123456789ab"
#define TEXT "sk-0123456789ab-abcdefghijklmnopqrstuvwxyz234567"

static void assert_tenant(struct rig *r, const char *text, const char *tenant)
{
    const struct sk_key_record *key = sk_keys_check(r->keys, text);

    if (!tenant) {
        assert_null(key);
        return;
    }
    assert_non_null(key);
    assert_string_equal(key->tenant, tenant);
}

/* With a key that was made here, of the tenant "mine". */
static void rig_init_with(struct rig *r, struct sk_secret *out_secret, char out_id[SK_KEY_ID_LEN + 1])
{
    rig_init(r, NULL);
    assert_int_equal(create(r, "mine", false, out_secret), SK_OK);
    (void)id_of(out_secret, out_id);
}

static void a_shared_key_is_its_tenants_until_it_is_taken_out(void **state)
{
    struct sk_key_entry entries[] = {entry(ID, TEXT, "team-a", false),
                                     entry("ffffffffffff", "of another shape", "team-b", true)};
    struct sk_keys_config config = shared(entries, 2);
    struct rig r;

    (void)state;
    rig_init(&r, NULL);
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(r.firsts, 1);
    assert_tenant(&r, TEXT, "team-a");
    assert_false(sk_keys_find(r.keys, ID)->is_admin);
    assert_string_equal(sk_keys_find(r.keys, ID)->name, "shared");
    assert_string_equal(sk_keys_origin(r.keys, ID), "shared_keys");
    assert_tenant(&r, "of another shape", "team-b");
    assert_true(sk_keys_find(r.keys, "ffffffffffff")->is_admin);
    assert_tenant(&r, "sk-0123456789ab-abcdefghijklmnopqrstuvwxyz234566", NULL);
    assert_int_equal(revoke_key(&r, ID), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(r.text, "shared_keys"));
    assert_int_equal(sk_memstore_puts(r.store), 0);
    config = shared(entries + 1, 1);
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(r.revokes, 1);
    assert_string_equal(r.revoked, ID);
    assert_tenant(&r, TEXT, NULL);
    assert_tenant(&r, "of another shape", "team-b");
    assert_null(sk_keys_origin(r.keys, ID));
    rig_fini(&r);
}

/* What is under way began with other rights. */
static void other_rights_end_what_is_under_way(void **state)
{
    struct sk_key_entry entries[] = {entry(ID, TEXT, "team-a", false), entry(ID, TEXT, "team-b", false),
                                     entry(ID, TEXT, "team-b", true),
                                     entry(ID, "another text", "team-b", true)};
    struct rig r;

    (void)state;
    struct sk_keys_config config = shared(entries, 1);
    rig_init(&r, &config);
    for (size_t i = 0; i < sk_array_len(entries); i++) {
        config = shared(&entries[i], 1);
        sk_keys_set_config(r.keys, &config);
        assert_int_equal(r.revokes, i);
        sk_keys_set_config(r.keys, &config); /* the same again */
        assert_int_equal(r.revokes, i);
    }
    assert_tenant(&r, TEXT, NULL);
    assert_tenant(&r, "another text", "team-b");
    rig_fini(&r);
}

static void one_of_the_config_is_used_since_the_start(void **state)
{
    struct sk_key_entry entries[] = {entry(ID, TEXT, "team-a", false)};
    struct sk_keys_config config = shared(entries, 1);
    struct rig r;

    (void)state;
    rig_init(&r, &config);
    assert_int_equal(sk_keys_find(r.keys, ID)->used.ns, 0);
    assert_tenant(&r, TEXT, "team-a");
    int64_t used = sk_keys_find(r.keys, ID)->used.ns;
    assert_int_not_equal(used, 0);
    sk_vloop_advance(r.loop, SK_SEC(10));
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(sk_keys_find(r.keys, ID)->used.ns, used);
    rig_fini(&r);
}

static void count_one(void *arg, const struct sk_key_record *record)
{
    (void)record;
    ++*(int *)arg;
}

static int listed(const struct rig *r)
{
    int count = 0;

    sk_keys_each(r->keys, count_one, &count);
    return count;
}

/* So a revocation by RPC holds, and a file gives no key of this node's more rights than it has. */
static void what_was_made_here_goes_before_what_is_shared(void **state)
{
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];
    struct rig r;

    (void)state;
    rig_init_with(&r, &secret, id);
    struct sk_key_entry entries[] = {entry(id, secret.text, "theirs", true),
                                     entry("ffffffffffff", "of the same id as nobody", "theirs", true)};
    struct sk_keys_config config = shared(entries, 2);
    sk_keys_set_config(r.keys, &config);
    for (int i = 0; i < 2; i++) {
        assert_tenant(&r, secret.text, "mine");
        assert_null(sk_keys_origin(r.keys, id));
        assert_int_equal(listed(&r), 2);
        restart(&r, &config);
    }
    sk_keys_set_config(r.keys, NULL); /* it was none of the configuration's */
    assert_int_equal(r.revokes, 1);
    assert_string_equal(r.revoked, "ffffffffffff");
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(revoke_key(&r, id), SK_OK);
    assert_tenant(&r, secret.text, NULL);
    restart(&r, &config);
    assert_tenant(&r, secret.text, NULL);
    rig_fini(&r);
}

/* A file that has the digest of a key made here brings it back under no other id, in the clear neither. */
static void what_was_revoked_here_comes_back_under_no_other_id(void **state)
{
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];
    struct rig r;

    (void)state;
    rig_init_with(&r, &secret, id);
    struct sk_key_entry entries[] = {entry(ID, secret.text, "theirs", true)};
    struct sk_keys_config configs[] = {shared(entries, 1),
                                       {.admins = (const char *const[]){secret.text, NULL}}};
    for (size_t i = 0; i < 2; i++) {
        sk_keys_set_config(r.keys, &configs[i]);
        assert_tenant(&r, secret.text, "mine");
        assert_int_equal(listed(&r), 1);
    }
    assert_int_equal(revoke_key(&r, id), SK_OK);
    assert_int_equal(r.revokes, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_tenant(&r, secret.text, NULL);
        sk_keys_set_config(r.keys, &configs[i]);
        assert_tenant(&r, secret.text, NULL);
        restart(&r, &configs[i]);
        assert_tenant(&r, secret.text, NULL);
    }
    sk_keys_set_config(r.keys, NULL);
    assert_int_equal(r.revokes, 1); /* nobody came in by the file */
    rig_fini(&r);
}

static void one_that_was_revoked_here_makes_room_unless_it_is_shared(void **state)
{
    struct sk_secret revoked[2], last;
    char ids[2][SK_KEY_ID_LEN + 1];
    struct rig r;

    (void)state;
    rig_init(&r, NULL);
    for (int i = 0; i < SK_KEYS_MAX; i++)
        assert_int_equal(create(&r, "a", false, i < 2 ? &revoked[i] : &last), SK_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(revoke_key(&r, id_of(&revoked[i], ids[i])), SK_OK);
    struct sk_key_entry entries[] = {entry(ids[0], revoked[0].text, "a", false),
                                     entry(ID, revoked[1].text, "a", false)}; /* by its digest alone */
    struct sk_keys_config config = shared(entries, 2);
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(create(&r, "a", false, &last), SK_RESOURCE_EXHAUSTED);
    config = shared(entries, 1);
    sk_keys_set_config(r.keys, &config);
    assert_int_equal(create(&r, "a", false, &last), SK_OK);
    assert_null(sk_keys_find(r.keys, ids[1]));
    assert_int_equal(create(&r, "a", false, &last), SK_RESOURCE_EXHAUSTED);
    assert_tenant(&r, revoked[0].text, NULL);
    restart(&r, &config);
    assert_tenant(&r, revoked[0].text, NULL);
    sk_keys_set_config(r.keys, NULL);
    assert_int_equal(create(&r, "a", false, &last), SK_OK);
    rig_fini(&r);
}

static void an_id_of_a_key_made_here_brings_in_no_other_key(void **state)
{
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];
    struct rig r;

    (void)state;
    rig_init_with(&r, &secret, id);
    struct sk_key_entry entries[] = {entry(id, "another text", "theirs", true)};
    struct sk_keys_config config = shared(entries, 1);
    sk_keys_set_config(r.keys, &config);
    assert_tenant(&r, "another text", NULL);
    assert_tenant(&r, secret.text, "mine");
    rig_fini(&r);
}

static void one_that_is_in_the_clear_as_well_stays_an_admins(void **state)
{
    struct sk_key_entry entries[] = {entry(ID, "abc", "team-a", false),
                                     entry("ba7816bf8f01", TEXT, "team-a", false)}; /* the id of "abc" */
    struct sk_keys_config config = shared(entries, 2);
    struct rig r;

    (void)state;
    config.admins = (const char *const[]){"abc", "abc", NULL};
    rig_init(&r, &config);
    assert_tenant(&r, "abc", SK_TENANT_DEFAULT);
    assert_tenant(&r, TEXT, NULL);
    assert_int_equal(listed(&r), 1);
    assert_string_equal(sk_keys_origin(r.keys, "ba7816bf8f01"), "api_keys");
    config.admins = NULL;
    sk_keys_set_config(r.keys, &config);
    assert_tenant(&r, "abc", "team-a");
    assert_tenant(&r, TEXT, "team-a");
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_key_is_its_tenants_until_it_is_taken_out),
        cmocka_unit_test(other_rights_end_what_is_under_way),
        cmocka_unit_test(one_of_the_config_is_used_since_the_start),
        cmocka_unit_test(what_was_made_here_goes_before_what_is_shared),
        cmocka_unit_test(what_was_revoked_here_comes_back_under_no_other_id),
        cmocka_unit_test(one_that_was_revoked_here_makes_room_unless_it_is_shared),
        cmocka_unit_test(an_id_of_a_key_made_here_brings_in_no_other_key),
        cmocka_unit_test(one_that_is_in_the_clear_as_well_stays_an_admins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
