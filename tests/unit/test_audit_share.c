#include "audit/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>

static void what_is_put_waits_until_it_is_taken(void **state)
{
    struct sk_audit_share share = {0};

    (void)state;
    assert_int_equal(sk_audit_share_waits(&share, 500, 1000), 0);
    sk_audit_share_add(&share, 500, 1100, 100); /* among others' */
    sk_audit_share_add(&share, 500, 2000, 50);
    assert_int_equal(sk_audit_share_waits(&share, 500, 3000), 150);
    assert_int_equal(sk_audit_share_waits(&share, 3000, 5000),
                     150); /* no less than it is, for one span more */
    assert_int_equal(sk_audit_share_waits(&share, 4999, 5000), 150);
    assert_int_equal(sk_audit_share_waits(&share, 5000, 9000), 0);
    sk_audit_share_add(&share, 5000, 9100, 100);
    assert_int_equal(sk_audit_share_waits(&share, 9100, 9100), 0); /* nobody's wait */
    assert_int_equal(sk_audit_share_waits(&share, 9100, 9900), 0);
}

/* Of one who goes on at an even pace while lines are taken it stays near to what waits. */
static void it_does_not_grow_with_time(void **state)
{
    struct sk_audit_share share = {0};
    const uint64_t lag = 1000;

    (void)state;
    for (uint64_t put = lag; put < 1000000; put += 100) {
        sk_audit_share_add(&share, put - lag, put + 100, 100);
        size_t waits = sk_audit_share_waits(&share, put + 100 - lag, put + 100);
        assert_true(waits <= 2 * lag + 200);
        assert_true(put < 2 * lag || waits >= lag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_waits_until_it_is_taken),
        cmocka_unit_test(it_does_not_grow_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
