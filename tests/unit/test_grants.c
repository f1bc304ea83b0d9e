#include "drivers/nftables/grants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sk_instant at(int64_t s)
{
    return (struct sk_instant){s * 1000000000};
}

static struct sk_ip nth(uint32_t i)
{
    return (struct sk_ip){false, {192, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

/* Until when the address is open then, in seconds. */
static int64_t put(struct sk_grants *grants, uint32_t address, const char *name, int64_t until)
{
    struct sk_ip ip = nth(address);
    struct sk_instant out = {0};
    assert_true(sk_grants_put(grants, &ip, name, at(0), at(until), &out));
    return out.ns / 1000000000;
}

/* -1 = not at all */
static int64_t until(const struct sk_grants *grants, uint32_t address)
{
    struct sk_ip ip = nth(address);
    for (size_t i = 0; i < grants->count; i++) {
        if (sk_ip_equal(&grants->items[i].ip, &ip))
            return grants->items[i].until.ns / 1000000000;
    }
    return -1;
}

/* What a policy for that one name would leave of it. */
static int64_t until_for(const struct sk_grants *grants, uint32_t address, const char *pattern)
{
    struct sk_grants next = {0};
    struct sk_net_rule rule = {.peer = SK_NET_NAME, .name = (char *)(uintptr_t)pattern};
    struct sk_net_policy policy = {.egress = &rule, .egress_count = 1};
    sk_grants_inherit(&next, grants, &policy);
    int64_t left = until(&next, address);
    sk_grants_fini(&next);
    return left;
}

static void test_never_shorter(void **state)
{
    struct sk_grants grants = {0};
    struct sk_ip other = nth(2);
    (void)state;
    assert_int_equal(put(&grants, 1, "a.com", 60), 60);
    assert_int_equal(put(&grants, 1, "a.com", 30), 60);
    assert_int_equal(put(&grants, 1, "b.com", 30), 60);
    assert_int_equal(put(&grants, 1, "b.com", 90), 90);
    assert_false(sk_grants_has(&grants, &other));
    assert_int_equal(grants.count, 1);
    assert_int_equal(grants.items[0].name_count, 2);
    sk_grants_fini(&grants);
    assert_int_equal(grants.count, 0);
}

static void test_what_is_inherited(void **state)
{
    struct sk_grants grants = {0}, next = {0};
    char wild[] = "*.b.com", bad[] = "bad.b.com", *except[] = {bad, NULL};
    struct sk_net_rule rules[] = {{.peer = SK_NET_ANY},
                                  {.peer = SK_NET_NAME, .name = wild, .name_except = except}};
    struct sk_net_policy policy = {.egress = rules, .egress_count = 2};
    (void)state;
    (void)put(&grants, 1, "a.com", 60);
    (void)put(&grants, 2, "bad.b.com", 60);
    (void)put(&grants, 3, "good.b.com", 60);
    (void)put(&grants, 4, "a.com", 60);
    (void)put(&grants, 4, "good.b.com", 30);
    (void)put(&grants, 5, "good.b.com", 1); /* its time may be over, but not that of its connections */
    sk_grants_inherit(&next, &grants, &policy);
    assert_int_equal(next.count, 3);
    assert_int_equal(until(&next, 3), 60);
    assert_int_equal(until(&next, 4), 30); /* that of the name which stays */
    assert_int_equal(until(&next, 5), 1);
    assert_int_equal(until(&grants, 4), 60);
    sk_grants_fini(&grants);
    assert_int_equal(until_for(&next, 4, "good.b.com"), 30); /* nothing is borrowed */
    assert_int_equal(until_for(&next, 4, "a.com"), -1);
    sk_grants_fini(&next);
}

static void test_many_names(void **state)
{
    static const char *const names[] = {"a.com", "b.com", "c.com", "d.com", "e.com"};
    struct sk_grants grants = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(put(&grants, 1, names[i], i == 1 ? 10 : 60 + i), i == 1 ? 60 : 60 + i);
    assert_int_equal(grants.items[0].name_count, SK_GRANT_NAMES_MAX);
    assert_int_equal(until_for(&grants, 1, "b.com"), -1); /* it would have ended first */
    assert_int_equal(until_for(&grants, 1, "a.com"), 60);
    assert_int_equal(until_for(&grants, 1, "e.com"), 64);
    sk_grants_fini(&grants);
}

static void test_many_addresses(void **state)
{
    struct sk_grants grants = {0};
    struct sk_ip late = nth(SK_GRANTS_MAX);
    struct sk_instant out;
    (void)state;
    for (uint32_t i = 0; i < SK_GRANTS_MAX; i++)
        (void)put(&grants, i, "a.com", i == 7 ? 5 : 60);
    assert_false(sk_grants_put(&grants, &late, "b.com", at(4), at(60), &out));
    assert_true(sk_grants_put(&grants, &late, "b.com", at(5), at(60), &out));
    assert_int_equal(until(&grants, 7), -1);
    assert_int_equal(until_for(&grants, SK_GRANTS_MAX, "a.com"), -1);
    assert_int_equal(until_for(&grants, SK_GRANTS_MAX, "b.com"), 60);
    sk_grants_fini(&grants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_shorter),
        cmocka_unit_test(test_what_is_inherited),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
