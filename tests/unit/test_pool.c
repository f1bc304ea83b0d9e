#include "drivers/nftables/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AT(s) ((struct sk_instant){(int64_t)(s)*1000000000})

static void test_every_number_once(void **state)
{
    struct sk_pool pool;
    uint32_t number;
    unsigned seen = 0;
    (void)state;
    sk_pool_init(&pool, 5, SK_SEC(10));
    for (int i = 0; i < 5; i++) {
        assert_true(sk_pool_take(&pool, AT(1), &number));
        seen |= 1u << number;
    }
    assert_int_equal(seen, 31);
    assert_false(sk_pool_take(&pool, AT(1), &number));
    sk_pool_fini(&pool);
}

static void test_rest(void **state)
{
    struct sk_pool pool;
    uint32_t number;
    (void)state;
    sk_pool_init(&pool, 1, SK_SEC(10));
    assert_true(sk_pool_take(&pool, AT(1), &number));
    sk_pool_give(&pool, number, AT(5));
    assert_false(sk_pool_take(&pool, AT(14), &number));
    assert_true(sk_pool_take(&pool, AT(15), &number));
    sk_pool_fini(&pool);
}

static void test_longest_free_first(void **state)
{
    struct sk_pool pool;
    uint32_t a = 0, b = 0, next = 0;
    (void)state;
    sk_pool_init(&pool, 3, SK_SEC(0));
    assert_true(sk_pool_take(&pool, AT(1), &a) && sk_pool_take(&pool, AT(1), &b));
    sk_pool_give(&pool, b, AT(2));
    sk_pool_give(&pool, a, AT(3));
    assert_true(sk_pool_take(&pool, AT(9), &next) && next != a && next != b);
    assert_true(sk_pool_take(&pool, AT(9), &next) && next == b);
    assert_true(sk_pool_take(&pool, AT(9), &next) && next == a);
    sk_pool_fini(&pool);
}

static void test_claim(void **state)
{
    struct sk_pool pool;
    uint32_t number;
    (void)state;
    sk_pool_init(&pool, 3, SK_SEC(10));
    assert_true(sk_pool_claim(&pool, 1));
    assert_false(sk_pool_claim(&pool, 1));
    assert_false(sk_pool_claim(&pool, 3));
    assert_true(sk_pool_take(&pool, AT(1), &number) && number == 0);
    assert_true(sk_pool_take(&pool, AT(1), &number) && number == 2);
    sk_pool_give(&pool, 1, AT(1));
    assert_true(sk_pool_claim(&pool, 1)); /* rested or not */
    sk_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number_once),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_longest_free_first),
        cmocka_unit_test(test_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
