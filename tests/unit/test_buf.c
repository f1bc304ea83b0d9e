#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_append(void **state)
{
    (void)state;
    struct sk_buf buf;
    sk_buf_init(&buf, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(sk_buf_append(&buf, "0123456789", 10), SK_OK);
    assert_int_equal(buf.len, 1000);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(buf.data[i], '0' + i % 10);
    sk_buf_fini(&buf);
    sk_buf_fini(&buf);
    assert_null(buf.data);
}

static void test_ceiling(void **state)
{
    (void)state;
    struct sk_buf buf = {.ceiling = 5};
    assert_int_equal(sk_buf_append(&buf, "abc", 3), SK_OK);
    assert_int_equal(sk_buf_append(&buf, "def", 3), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_buf_append(&buf, "x", SIZE_MAX), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_buf_printf(&buf, "%d", 123), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "abc", 3);
    assert_int_equal(sk_buf_printf(&buf, "%d", 12), SK_OK);
    assert_int_equal(sk_buf_append(&buf, NULL, 0), SK_OK);
    assert_int_equal(sk_buf_append(&buf, "x", 1), SK_RESOURCE_EXHAUSTED);
    assert_true(buf.cap <= 6);
    sk_buf_fini(&buf);
}

static void test_no_ceiling_no_room(void **state)
{
    (void)state;
    struct sk_buf buf = {0};
    assert_int_equal(sk_buf_append(&buf, "x", 1), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_buf_printf(&buf, "%s", ""), SK_OK);
    sk_buf_fini(&buf);
}

static void test_clear(void **state)
{
    (void)state;
    struct sk_buf buf = {.ceiling = 100};
    assert_int_equal(sk_buf_append(&buf, "hello world", 11), SK_OK);
    sk_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(sk_buf_append(&buf, "x", 1), SK_OK);
    sk_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    sk_buf_fini(&buf);
}

static void test_take_text(void **state)
{
    (void)state;
    struct sk_buf buf = {.ceiling = 4};
    SK_AUTO_FREE char *none = sk_buf_take_text(&buf);
    assert_string_equal(none, "");
    assert_int_equal(sk_buf_append(&buf, "full", 4), SK_OK);
    SK_AUTO_FREE char *full = sk_buf_take_text(&buf);
    assert_string_equal(full, "full");
    assert_int_equal(buf.len, 0);
    assert_null(buf.data);
    assert_int_equal(sk_buf_append(&buf, "more", 4), SK_OK); /* the ceiling stays */
    sk_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_no_ceiling_no_room),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_take_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
