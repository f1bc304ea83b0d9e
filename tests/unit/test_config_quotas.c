/* What the configuration may say of quotas, and what it is told when it says something else. */
#include "support/config_rig.h"

static void every_key_is_taken(void **state)
{
    struct sk_config config = {0};
    struct sk_faults faults;

    (void)state;
    assert_true(
        parse(&config, &faults,
              "{\"quotas\": {\"team-a\": {\"sandboxes\": 10, \"cpu\": \"1500m\", \"memory\": \"4Gi\", "
              "\"disk\": 1000, \"sessions\": 0, \"creates_per_s\": 5, \"audit_per_min\": \"1Ki\"}, \"*\": "
              "{\"cpu\": 2}}}"));
    const struct sk_quota *own = sk_quota_find(&config.quotas, "team-a");
    const int64_t wanted[SK_QUOTA_COUNT] = {10, 1500, INT64_C(4) << 30, 1000, 0, 5, 1024};
    assert_memory_equal(own->most, wanted, sizeof(wanted));
    const struct sk_quota *others = sk_quota_find(&config.quotas, "team-b");
    assert_int_equal(others->most[SK_QUOTA_CPU], 2000);
    assert_int_equal(others->most[SK_QUOTA_SANDBOXES], SK_QUOTA_NONE);
    sk_config_fini(&config);
    sk_faults_fini(&faults);
}

static void without_any_nobody_has_one(void **state)
{
    struct sk_config config = {0};
    struct sk_faults faults;

    (void)state;
    assert_true(parse(&config, &faults, "{}"));
    assert_null(sk_quota_find(&config.quotas, "default"));
    sk_config_fini(&config);
    sk_faults_fini(&faults);
}

static void every_fault_is_told_by_its_path(void **state)
{
    static const struct fault cases[] = {
        {"{\"quotas\": []}", "test.json:1: quotas: is a list, give an object in { }\n"},
        {"{\"quotas\": {\"Team\": {}}}", "test.json:1: quotas.\"Team\": is no tenant, give up to 63 of a-z, "
                                         "0-9, \".\" and \"-\", or \"*\" for "
                                         "all others\n"},
        {"{\"quotas\": {\"a\": 5}}", "test.json:1: quotas.\"a\": is a number, give an object in { }\n"},
        {"{\"quotas\": {\"a\": {\"gpus\": 1}}}",
         "test.json:1: quotas.\"a\".gpus: no such key, there are sandboxes, cpu, memory, disk, sessions, "
         "creates_per_s and audit_per_min\n"},
        {"{\"quotas\": {\"a\": {\"sandboxes\": \"5\"}}}",
         "test.json:1: quotas.\"a\".sandboxes: 5 will not do, give a whole number from 0\n"},
        {"{\"quotas\": {\"a\": {\"sandboxes\": -1}}}",
         "test.json:1: quotas.\"a\".sandboxes: -1 will not do, give a whole number from 0\n"},
        {"{\"quotas\": {\"a\": {\"sandboxes\": 1.5}}}",
         "test.json:1: quotas.\"a\".sandboxes: 1.5 will not do, give a whole number from 0\n"},
        {"{\"quotas\": {\"a\": {\"memory\": \"lots\"}}}",
         "test.json:1: quotas.\"a\".memory: lots will not do, give bytes like \"32Gi\"\n"},
        {"{\"quotas\": {\"a\": {\"cpu\": true}}}",
         "test.json:1: quotas.\"a\".cpu: true or false will not do, give cores like 8 or \"500m\"\n"},
        {"{\"quotas\": {\"a\": {\"cpu\": 1, \"cpu\": 2}}}",
         "test.json:1: quotas.\"a\".cpu: stands there already, give it once\n"},
        {"{\"quotas\": {\"a\": {},\n\"a\": {}}}",
         "test.json:2: quotas.\"a\": stands there already, give it once\n"},
    };

    (void)state;
    assert_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(without_any_nobody_has_one),
        cmocka_unit_test(every_fault_is_told_by_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
