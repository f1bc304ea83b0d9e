#include "base/tenant.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <string.h>

static void tenants_have_names_of_one_shape(void **state)
{
    static const char *const good[] = {"a", "0", "team-a", "a.b-c", "default"};
    static const char *const bad[] = {"", "-a", ".a", "A", "a_b", "a/b", "a b", "\xc3\xa4"};
    char longest[SK_TENANT_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sk_array_len(good); i++)
        assert_true(sk_tenant_is_valid(good[i]));
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_tenant_is_valid(bad[i]));
    memset(longest, 'a', sizeof(longest));
    longest[SK_TENANT_MAX + 1] = '\0';
    assert_false(sk_tenant_is_valid(longest));
    longest[SK_TENANT_MAX] = '\0';
    assert_true(sk_tenant_is_valid(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_have_names_of_one_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
