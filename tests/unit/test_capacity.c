/* What the node gives out: sums, overcommitment, and who is refused. */
#include "core/capacity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GI (INT64_C(1) << 30)

static void what_is_promised_is_not_free(void **state)
{
    struct sk_capacity capacity = {.total = {4000, 8 * GI, 2}};
    struct sk_charge first = {0}, second = {0};

    (void)state;
    sk_charge_take(&first, &capacity, &(struct sk_amount){1500, 2 * GI, 1});
    sk_charge_take(&second, &capacity, &(struct sk_amount){500, GI, 0});
    assert_int_equal(sk_capacity_free(&capacity).cpu_millis, 2000);
    assert_int_equal(sk_capacity_free(&capacity).memory_bytes, 5 * GI);
    assert_int_equal(sk_capacity_free(&capacity).gpus, 1);
    assert_int_equal(capacity.charges, 2);
    sk_charge_drop(&first);
    sk_charge_drop(&first);
    assert_int_equal(sk_capacity_free(&capacity).cpu_millis, 3500);
    assert_int_equal(capacity.charges, 1);
    sk_charge_drop(&second);
    assert_int_equal(capacity.charged.memory_bytes, 0);
}

static void what_fits_exactly_is_let_in(void **state)
{
    struct sk_capacity capacity = {.total = {1000, GI, 0}};
    struct sk_err err = {0};

    (void)state;
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){1000, GI, 0}, &err), SK_OK);
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){1001, GI, 0}, &err),
                     SK_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "RUNNER_CAPACITY_EXHAUSTED");
    assert_string_equal(
        err.text, "the node has not enough left: asked for cpu 1001m, memory 1Gi; free: cpu 1, memory 1Gi");
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){1, GI + 1, 0}, NULL),
                     SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){1, 1, 1}, NULL), SK_RESOURCE_EXHAUSTED);
}

static void a_node_that_shrank_has_nothing_free(void **state)
{
    struct sk_capacity capacity = {.total = {4000, 4 * GI, 0}};
    struct sk_charge charge = {0};

    (void)state;
    sk_charge_take(&charge, &capacity, &(struct sk_amount){3000, GI, 0});
    capacity.total.cpu_millis = 1000;
    assert_int_equal(sk_capacity_free(&capacity).cpu_millis, 0);
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){1, 0, 0}, NULL), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_capacity_check(&capacity, &(struct sk_amount){0, GI, 0}, NULL), SK_OK);
}

static void overcommitment_never_overflows(void **state)
{
    (void)state;
    assert_int_equal(sk_capacity_of(2000, 500, 1000), 15000);
    assert_int_equal(sk_capacity_of(3, 0, 50), 1);
    assert_int_equal(sk_capacity_of(1000, 2000, 100), 0);
    assert_int_equal(sk_capacity_of(1000, 0, 0), 0);
    assert_int_equal(sk_capacity_of(INT64_MAX, 0, 1000000), INT64_MAX);
    assert_int_equal(sk_capacity_of(INT64_MAX, 0, 100), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_promised_is_not_free),
        cmocka_unit_test(what_fits_exactly_is_let_in),
        cmocka_unit_test(a_node_that_shrank_has_nothing_free),
        cmocka_unit_test(overcommitment_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
