/* UTF-8: compared with a decoder written the other way round. */
#include "base/utf8.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Encodes; returns the length, 0 for what has no encoding. */
static size_t encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return point >= 0xd800 && point <= 0xdfff ? 0 : 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return point > 0x10ffff ? 0 : 4;
}

static void every_code_point(void **state)
{
    char bytes[4];

    (void)state;
    for (uint32_t point = 0; point < 0x200000; point++) {
        size_t len = encode(point, bytes);
        if (sk_utf8_next(bytes, sizeof(bytes)) != len)
            fail_msg("U+%X", point);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(sk_utf8_next(bytes, cut), 0);
        for (size_t cut = 0; cut <= len; cut++)
            assert_int_equal(sk_utf8_unfinished(bytes, cut), cut < len ? cut : 0);
    }
}

static void waits_only_for_what_can_be_finished(void **state)
{
    (void)state;
    assert_int_equal(sk_utf8_unfinished("", 0), 0);
    assert_int_equal(sk_utf8_unfinished("abc", 3), 0);
    assert_int_equal(sk_utf8_unfinished("a\xe2\x82", 3), 2);
    assert_int_equal(sk_utf8_unfinished("\xe2\x82\xac", 3), 0);
    assert_int_equal(sk_utf8_unfinished("\xf0\x9f\x98", 3), 3);
    assert_int_equal(sk_utf8_unfinished("\x82\x82\x82", 3), 0);
    assert_int_equal(sk_utf8_unfinished("\xff", 1), 0);
    assert_int_equal(sk_utf8_unfinished("\xc0", 1), 0);
    assert_int_equal(sk_utf8_unfinished("\xe0\x80", 2), 0);
}

static void knows_what_is_not_shown(void **state)
{
    char bytes[4];
    int hidden = 0;

    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        size_t len = encode(point, bytes);
        hidden += len && !sk_utf8_is_printable(bytes, len);
    }
    assert_int_equal(hidden, 33 + 32 + 3 + 5 + 7 + 16 + 1 + 3 + 4096);
    assert_false(sk_utf8_is_printable("\xf3\xa0\x81\x81", 4));
    assert_false(sk_utf8_is_printable("\xc2\x9b", 2));
    assert_true(sk_utf8_is_printable("\xc2\xa0", 2));
    assert_true(sk_utf8_is_printable("\xe2\x82\xac", 3));
}

static void refuses_broken_bytes(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\x80",
                                      "\xe2\x82",
                                      "\xe2(\xa1",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\x80\x80",
                                      "\xf0\x9f\x92",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "ok\xfe"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++)
        if (sk_utf8_is_valid(bad[i], strlen(bad[i])))
            fail_msg("sample %zu was accepted", i);
    assert_true(sk_utf8_is_valid("", 0));
    assert_true(sk_utf8_is_valid("a\0b", 3));
    assert_true(sk_utf8_is_valid("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb3", 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(waits_only_for_what_can_be_finished),
        cmocka_unit_test(knows_what_is_not_shown),
        cmocka_unit_test(refuses_broken_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
