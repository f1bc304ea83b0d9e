#include "core/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_print(void **state)
{
    char text[SK_WHEN_MAX];

    (void)state;
    sk_when_print((struct sk_wall){1772366400999999999}, text);
    assert_string_equal(text, "2026-03-01T12:00:00Z");
    sk_when_print((struct sk_wall){0}, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    sk_when_print((struct sk_wall){INT64_MAX}, text);
    assert_string_equal(text, "2262-04-11T23:47:16Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_print)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
