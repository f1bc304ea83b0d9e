#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <string.h>

static void every_byte_is_two_digits_and_back(void **state)
{
    uint8_t bytes[256], back[256];
    char text[2 * sizeof(bytes) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    sk_hex_print(bytes, sizeof(bytes), text);
    assert_int_equal(strlen(text), 2 * sizeof(bytes));
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 2 * 0xf9, "f9fafbfcfdfeff");
    assert_true(sk_hex_parse(text, sizeof(bytes), back));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void of_no_bytes_nothing_is_printed(void **state)
{
    char text[] = "before";

    (void)state;
    sk_hex_print(NULL, 0, text);
    assert_string_equal(text, "");
    assert_true(sk_hex_parse("no digits", 0, NULL));
}

static void only_lower_case_digits_are_read(void **state)
{
    static const char *const bad[] = {"", "0", "00", "000", "0g00", "00A0", "000A", "0x00", "00 0", "-100"};
    uint8_t bytes[2];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sk_hex_parse(bad[i], 2, bytes));
    assert_true(sk_hex_parse("00af and more", 2, bytes));
    assert_int_equal(bytes[1], 0xaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_two_digits_and_back),
        cmocka_unit_test(of_no_bytes_nothing_is_printed),
        cmocka_unit_test(only_lower_case_digits_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
