/* How often somebody may ask, and who is remembered. */
#include "drivers/dns/asker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sk_ip ip_of(unsigned number)
{
    return (struct sk_ip){.bytes = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct sk_instant at_ms(int64_t ms)
{
    return (struct sk_instant){1000000000 + ms * 1000000};
}

static struct sk_dns_asker *get(struct sk_dns_askers *askers, unsigned number, int64_t ms)
{
    struct sk_ip ip = ip_of(number);
    return sk_dns_askers_get(askers, &ip, at_ms(ms));
}

static unsigned ask_all(struct sk_dns_askers *askers, struct sk_dns_asker *asker, int64_t ms)
{
    unsigned count = 0;
    while (sk_dns_asker_may_ask(asker, askers, at_ms(ms)))
        count++;
    return count;
}

static void test_rate(void **state)
{
    struct sk_dns_askers askers;
    (void)state;
    sk_dns_askers_init(&askers, 100);
    struct sk_dns_asker *asker = get(&askers, 1, 0);
    assert_int_equal(ask_all(&askers, asker, 0), 200);
    assert_int_equal(ask_all(&askers, asker, 9), 0);
    assert_int_equal(ask_all(&askers, asker, 10), 1);
    assert_int_equal(ask_all(&askers, asker, 1010), 100);
    assert_int_equal(ask_all(&askers, asker, 100000), 200); /* no more for having waited longer */
    assert_int_equal(ask_all(&askers, get(&askers, 2, 100000), 100000), 200);
    assert_ptr_equal(get(&askers, 1, 100000), asker);
    sk_dns_askers_fini(&askers);
}

static void test_rates(void **state)
{
    static const unsigned rates[] = {1, 3, 7, 1000, 99999, 100000};
    (void)state;
    for (size_t i = 0; i < sk_array_len(rates); i++) {
        struct sk_dns_askers askers;
        sk_dns_askers_init(&askers, rates[i]);
        struct sk_dns_asker *asker = get(&askers, 1, 0);
        assert_in_range(ask_all(&askers, asker, 0), 2 * rates[i], 2 * rates[i] + 2); /* shares are rounded */
        assert_in_range(ask_all(&askers, asker, 1000), rates[i], rates[i] + 2);
        sk_dns_askers_fini(&askers);
    }
}

static void test_complaints(void **state)
{
    struct sk_dns_askers askers;
    (void)state;
    sk_dns_askers_init(&askers, 100);
    struct sk_dns_asker *asker = get(&askers, 1, 0);
    assert_true(sk_dns_asker_may_complain(asker, at_ms(0)));
    assert_false(sk_dns_asker_may_complain(asker, at_ms(999)));
    assert_true(sk_dns_asker_may_complain(asker, at_ms(1000)));
    assert_false(sk_dns_asker_may_complain(asker, at_ms(1001)));
    sk_dns_askers_fini(&askers);
}

/* However many come and go, those of whom nothing is to be known are forgotten. */
static void test_forgotten(void **state)
{
    struct sk_dns_askers askers;
    (void)state;
    sk_dns_askers_init(&askers, 100);
    struct sk_dns_asker *busy = get(&askers, 0, 0);
    busy->questions = 1;
    struct sk_dns_asker *talking = get(&askers, 1, 0);
    talking->connections = 1;
    for (unsigned i = 2; i < 5000; i++) {
        struct sk_dns_asker *asker = get(&askers, i, i);
        assert_true(sk_dns_asker_may_ask(asker, &askers, at_ms(i)));
        assert_in_range(askers.by_ip.len, 1, 100);
    }
    assert_ptr_equal(get(&askers, 0, 6000), busy);
    assert_ptr_equal(get(&askers, 1, 6000), talking);
    busy->questions = talking->connections = 0;
    sk_dns_askers_fini(&askers);
}

/* Nobody gets new questions by being forgotten. */
static void test_remembered(void **state)
{
    struct sk_dns_askers askers;
    (void)state;
    sk_dns_askers_init(&askers, 100);
    struct sk_dns_asker *asker = get(&askers, 1, 0);
    assert_int_equal(ask_all(&askers, asker, 0), 200);
    for (unsigned i = 2; i < 100; i++)
        (void)get(&askers, i, 500);
    assert_int_equal(ask_all(&askers, get(&askers, 1, 500), 500), 50);
    sk_dns_askers_fini(&askers);
}

static void test_families(void **state)
{
    struct sk_dns_askers askers;
    struct sk_ip v4 = {.bytes = {1}}, v6 = {.is_v6 = true, .bytes = {1}};
    (void)state;
    sk_dns_askers_init(&askers, 100);
    struct sk_dns_asker *asker = sk_dns_askers_get(&askers, &v4, at_ms(0));
    assert_true(sk_dns_asker_may_ask(asker, &askers, at_ms(0)));
    assert_ptr_not_equal(sk_dns_askers_get(&askers, &v6, at_ms(0)), asker);
    assert_true(sk_ip_equal(&asker->ip, &v4));
    sk_dns_askers_fini(&askers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),       cmocka_unit_test(test_rates),
        cmocka_unit_test(test_complaints), cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_remembered), cmocka_unit_test(test_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
