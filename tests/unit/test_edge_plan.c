/* drivers/edge/plan.c: a sandbox as entries of maps. */
#include "drivers/edge/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const bool all[SK_MAP_COUNT] = {true, true, true, true};

struct rig {
    struct sk_arena arena;
    struct sk_net_rule rules[4];
    struct sk_net_policy policy;
    struct sk_edge_box box;
    struct sk_plan plan;
};

static void begin(struct rig *rig)
{
    *rig = (struct rig){.policy = {.egress = rig->rules}};
    rig->box = (struct sk_edge_box){.id = "n1-a", .ipv4 = {.bytes = {10, 231, 0, 2}}, .policy = &rig->policy};
}

static void grant(struct rig *rig, const char *name, char **except)
{
    rig->rules[rig->policy.egress_count++] = (struct sk_net_rule){
        .peer = SK_NET_NAME, .name = sk_arena_strdup(&rig->arena, name), .name_except = except};
}

static bool has(const struct rig *rig, enum sk_haproxy_map map, const char *key, const char *value)
{
    for (size_t i = 0; i < rig->plan.count; i++) {
        const struct sk_plan_entry *entry = &rig->plan.entries[i];
        if (entry->map == map && strcmp(entry->key, key) == 0 && strcmp(entry->value, value) == 0)
            return true;
    }
    return false;
}

static enum sk_code make(struct rig *rig, const bool maps[SK_MAP_COUNT])
{
    return sk_plan_make(&rig->arena, maps, &rig->box, &rig->plan, NULL);
}

static void test_doors(void **state)
{
    struct rig rig;
    const struct sk_edge_door doors[] = {
        {20000, NULL, 80}, {0, "n1-a-8080.boxes.test", 8080, 900}, {0, "n1-a-80.boxes.test", 80}};
    (void)state;
    begin(&rig);
    rig.box.doors = doors;
    rig.box.door_count = 3;
    assert_int_equal(make(&rig, all), SK_OK);
    assert_int_equal(rig.plan.count, 3);
    assert_true(has(&rig, SK_MAP_PORTS, "20000", "n1-a|10.231.0.2|80"));
    assert_true(has(&rig, SK_MAP_HOSTS, "n1-a-8080.boxes.test", "n1-a|10.231.0.2|8080|900"));
    assert_true(has(&rig, SK_MAP_HOSTS, "n1-a-80.boxes.test", "n1-a|10.231.0.2|80|0"));
    assert_int_equal(make(&rig, (bool[SK_MAP_COUNT]){true}), SK_FAILED_PRECONDITION);
    assert_int_equal(make(&rig, (bool[SK_MAP_COUNT]){false, true}), SK_FAILED_PRECONDITION);
    sk_arena_fini(&rig.arena);
}

static void test_names_of_either_family(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig.box.has_ipv6 = true;
    rig.box.ipv6 = (struct sk_ip){.is_v6 = true, .bytes = {0xfd, [15] = 2}};
    grant(&rig, "*.example.com", NULL);
    assert_int_equal(make(&rig, all), SK_OK);
    assert_int_equal(rig.plan.count, 2);
    assert_true(has(&rig, SK_MAP_NAMES, "10.231.0.2|*.example.com", "n1-a"));
    assert_true(has(&rig, SK_MAP_NAMES, "fd00::2|*.example.com", "n1-a"));
    /* Without a gate there is nobody to look. */
    assert_int_equal(make(&rig, (bool[SK_MAP_COUNT]){true, true}), SK_OK);
    assert_int_equal(rig.plan.count, 0);
    sk_arena_fini(&rig.arena);
}

static void test_other_rules_are_no_names(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig.rules[0].peer = SK_NET_ANY;
    rig.policy.egress_count = 1;
    assert_int_equal(make(&rig, all), SK_OK);
    assert_int_equal(rig.plan.count, 0);
    rig.box.policy = NULL;
    assert_int_equal(make(&rig, all), SK_OK);
    assert_int_equal(rig.plan.count, 0);
    sk_arena_fini(&rig.arena);
}

static void test_an_exception_that_another_rule_grants_is_none(void **state)
{
    struct rig rig;
    char a[] = "a.example.com", b[] = "b.example.com", c[] = "c.example.com", *both[] = {a, b, c, NULL};
    char *last[] = {c, NULL};
    (void)state;
    begin(&rig);
    grant(&rig, "*.example.com", both);
    grant(&rig, "a.example.com", NULL);
    assert_int_equal(make(&rig, all), SK_OK);
    assert_false(has(&rig, SK_MAP_EXCEPTS, "10.231.0.2|a.example.com", "n1-a"));
    assert_true(has(&rig, SK_MAP_EXCEPTS, "10.231.0.2|b.example.com", "n1-a"));
    grant(&rig, "*.example.com", last);
    assert_int_equal(make(&rig, all), SK_OK);
    assert_false(has(&rig, SK_MAP_EXCEPTS, "10.231.0.2|b.example.com", "n1-a"));
    assert_true(has(&rig, SK_MAP_EXCEPTS, "10.231.0.2|c.example.com", "n1-a"));
    sk_arena_fini(&rig.arena);
}

static void test_what_is_no_name_is_refused(void **state)
{
    static const char *const names[] = {"a b",
                                        "a;b.example.com",
                                        "A.example.com",
                                        "*.com",
                                        "*",
                                        "a.*.com",
                                        "10.0.0.1",
                                        "a|b.example.com",
                                        "a.example.com\nclear map names.map",
                                        ""};
    struct rig rig;
    (void)state;
    for (size_t i = 0; i < sk_array_len(names); i++) {
        begin(&rig);
        grant(&rig, names[i], NULL);
        assert_int_equal(make(&rig, all), SK_INVALID_ARGUMENT);
        sk_arena_fini(&rig.arena);
    }
    begin(&rig);
    char bad[] = "x;y", *except[] = {bad, NULL};
    grant(&rig, "*.example.com", except);
    assert_int_equal(make(&rig, all), SK_INVALID_ARGUMENT);
    sk_arena_fini(&rig.arena);
    begin(&rig);
    rig.box.id = "n1;a";
    assert_int_equal(make(&rig, all), SK_INVALID_ARGUMENT);
    rig.box.id = "n1|a";
    assert_int_equal(make(&rig, all), SK_INVALID_ARGUMENT);
    rig.box.id = "";
    assert_int_equal(make(&rig, all), SK_INVALID_ARGUMENT);
}

static void test_words(void **state)
{
    (void)state;
    assert_true(sk_plan_is_word("n1-a|10.231.0.2|80"));
    assert_false(sk_plan_is_word(""));
    assert_false(sk_plan_is_word("a b"));
    assert_false(sk_plan_is_word("<<"));
    assert_false(sk_plan_is_word("a\\b"));
    assert_int_equal(sk_plan_owner("n1-a|10.231.0.2|80"), 4);
    assert_int_equal(sk_plan_owner("n1-a"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doors),
        cmocka_unit_test(test_names_of_either_family),
        cmocka_unit_test(test_other_rules_are_no_names),
        cmocka_unit_test(test_an_exception_that_another_rule_grants_is_none),
        cmocka_unit_test(test_what_is_no_name_is_refused),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
