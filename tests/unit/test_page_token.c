#include "core/page_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/id.h"

static void test_round_trip(void **state)
{
    struct sk_id id = sk_id_make("abcdefghij12");
    struct sk_page_anchor anchor;
    char token[SK_PAGE_TOKEN_MAX];

    (void)state;
    sk_page_print((struct sk_wall){INT64_MAX}, id.text, token);
    assert_int_equal(sk_page_parse(token, sk_id_is_valid, &anchor, NULL), SK_OK);
    assert_int_equal(anchor.created.ns, INT64_MAX);
    assert_string_equal(anchor.id, id.text);
    assert_int_equal(sk_page_parse(token, sk_id_is_session, &anchor, NULL), SK_INVALID_ARGUMENT);
}

static void test_beginning(void **state)
{
    struct sk_page_anchor anchor;

    (void)state;
    assert_int_equal(sk_page_parse("", sk_id_is_valid, &anchor, NULL), SK_OK);
    assert_null(anchor.id);
    assert_int_equal(sk_page_parse(NULL, sk_id_is_valid, &anchor, NULL), SK_OK);
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){1}, "a", true));
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){1}, "a", false));
}

static void test_bad_tokens(void **state)
{
    static const char *const bad[] = {
        "0.n-aaaaaaaaaaaaaaaaaaaaaaaaaa",  "-1.n-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        " 1.n-aaaaaaaaaaaaaaaaaaaaaaaaaa", "1n-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "1.n-aaaaaaaaaaaaaaaaaaaaaaaaa",   "99999999999999999999.n-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "1.n-aaaaaaaaaaaaaaaaaaaaaaaaaa ", "x",
    };
    struct sk_page_anchor anchor;

    (void)state;
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        struct sk_err err = {0};
        assert_int_equal(sk_page_parse(bad[i], sk_id_is_valid, &anchor, &err), SK_INVALID_ARGUMENT);
        assert_string_equal(err.field, "page_token");
    }
}

static void test_order(void **state)
{
    struct sk_page_anchor anchor = {{5}, "m"};

    (void)state;
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){6}, "a", true));
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){5}, "n", true));
    assert_false(sk_page_is_after(&anchor, (struct sk_wall){5}, "m", true));
    assert_false(sk_page_is_after(&anchor, (struct sk_wall){5}, "m", false));
    assert_false(sk_page_is_after(&anchor, (struct sk_wall){4}, "z", true));
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){4}, "z", false));
    assert_true(sk_page_is_after(&anchor, (struct sk_wall){5}, "a", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_beginning),
        cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
