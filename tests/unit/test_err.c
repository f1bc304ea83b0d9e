#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static enum sk_code open_thing(struct sk_err *err, const char *name)
{
    return sk_fail_sys(err, SK_NOT_FOUND, ENOENT, "open %s", name);
}

static void test_origin(void **state)
{
    (void)state;
    struct sk_err err;
    memset(&err, 0xAA, sizeof(err));
    assert_int_equal(open_thing(&err, "x"), SK_NOT_FOUND);
    assert_int_equal(err.code, SK_NOT_FOUND);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.where, "open_thing");
    assert_string_equal(err.text, "open x: No such file or directory");
    assert_null(err.reason);
    assert_string_equal(err.field, "");
}

static void test_without_err(void **state)
{
    (void)state;
    assert_int_equal(open_thing(NULL, "x"), SK_NOT_FOUND);
    assert_int_equal(sk_err_wrap(NULL, "start"), SK_UNKNOWN);
    assert_int_equal(sk_err_reason(NULL, "X"), SK_UNKNOWN);
}

static void test_unknown_errno(void **state)
{
    (void)state;
    struct sk_err err;
    assert_int_equal(sk_fail_sys(&err, SK_INTERNAL, 99999, "call"), SK_INTERNAL);
    assert_string_equal(err.text, "call: errno 99999");
}

static void test_wrap(void **state)
{
    (void)state;
    struct sk_err err;
    (void)!open_thing(&err, "x");
    assert_int_equal(sk_err_reason(&err, "THING_NOT_FOUND"), SK_NOT_FOUND);
    assert_int_equal(sk_err_wrap(&err, "create %s", "sb-7"), SK_NOT_FOUND);
    assert_string_equal(err.text, "create sb-7: open x: No such file or directory");
    assert_string_equal(err.where, "open_thing");
    assert_string_equal(err.reason, "THING_NOT_FOUND");
    assert_int_equal(err.sys, ENOENT);
}

/* Arguments may be parts of the error that is written. */
static void test_own_text(void **state)
{
    (void)state;
    struct sk_err err;
    (void)!sk_fail(&err, SK_ABORTED, "first");
    (void)!sk_err_wrap(&err, "%s", err.text);
    assert_string_equal(err.text, "first: first");
    (void)!sk_fail(&err, SK_INTERNAL, "again %s", err.text);
    assert_string_equal(err.text, "again first: first");
}

static void test_too_long(void **state)
{
    (void)state;
    struct sk_err err;
    char text[600];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text + sizeof(err.text) - 2, "\xC3\xBC", 2); /* would be cut in two */
    (void)!sk_fail(&err, SK_ABORTED, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 2);
    (void)!sk_err_wrap(&err, "%s", text);
    assert_true(strlen(err.text) < sizeof(err.text));
}

static void test_strange_bytes(void **state)
{
    (void)state;
    struct sk_err err;
    (void)!sk_fail(&err, SK_INVALID_ARGUMENT, "got \x1b[31m\xff\xc3\xbc\x7f");
    assert_string_equal(err.text, "got ?[31m?\xc3\xbc?");
}

/* Well-formed, and yet no text: terminals obey U+009B, and U+202E turns what follows round. */
static void test_hidden_characters(void **state)
{
    (void)state;
    struct sk_err err;
    (void)!sk_fail(&err, SK_INVALID_ARGUMENT,
                   "a\xc2\x9b"
                   "31m\xe2\x80\xae"
                   "b\xe2\x80\xa8\xef\xbb\xbf"
                   "c\xe2\x82\xac");
    assert_string_equal(err.text, "a?31m?b??c\xe2\x82\xac");
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(sk_code_name(SK_OK), "ok");
    assert_string_equal(sk_code_name(SK_UNAUTHENTICATED), "unauthenticated");
    assert_string_equal(sk_code_name((enum sk_code)17), "unknown");
    assert_string_equal(sk_code_name((enum sk_code)(-1)), "unknown");
    for (int code = SK_OK; code <= SK_UNAUTHENTICATED; code++)
        assert_non_null(sk_code_name((enum sk_code)code));
}

static void test_from_errno(void **state)
{
    (void)state;
    assert_int_equal(sk_code_from_errno(ENOENT), SK_NOT_FOUND);
    assert_int_equal(sk_code_from_errno(EACCES), SK_PERMISSION_DENIED);
    assert_int_equal(sk_code_from_errno(ENOSPC), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_code_from_errno(EEXIST), SK_ALREADY_EXISTS);
    assert_int_equal(sk_code_from_errno(EINVAL), SK_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origin),        cmocka_unit_test(test_without_err),
        cmocka_unit_test(test_unknown_errno), cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_own_text),      cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_strange_bytes), cmocka_unit_test(test_hidden_characters),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_from_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
