#include "drivers/registry/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum sk_code parse(const char *text, struct sk_token *out, struct sk_err *err)
{
    return sk_token_parse((const uint8_t *)text, strlen(text), out, err);
}

static void test_tokens(void **state)
{
    static const struct {
        const char *body, *token;
        int lasts_s;
    } rows[] = {
        {"{\"token\":\"abc\"}", "abc", 50},
        {"{\"access_token\":\"abc\",\"expires_in\":300}", "abc", 290},
        {"{\"token\":\"a\",\"access_token\":\"b\",\"refresh_token\":\"c\"}", "a", 50},
        {"{\"access_token\":\"b\",\"token\":\"\"}", "b", 50},
        {"{\"token\":\"a\",\"expires_in\":1,\"issued_at\":\"1970-01-01T00:00:00Z\"}", "a", 50},
        {"{\"token\":\"a\",\"expires_in\":-5}", "a", 50},
        {"{\"token\":\"a\",\"expires_in\":999999999999}", "a", 3590},
        {"{\"token\":\"a\",\"expires_in\":99999999999999999999999999999}", "a", 50},
        {"{\"token\":\"a\",\"expires_in\":null}", "a", 50},
        {"{\"more\":{\"token\":\"no\"},\"token\":\"a\"}", "a", 50},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_token token = {0};
        assert_int_equal(parse(rows[i].body, &token, NULL), SK_OK);
        assert_string_equal(token.text, rows[i].token);
        assert_int_equal(sk_duration_ms(token.lasts), rows[i].lasts_s * 1000);
        sk_token_fini(&token);
    }
}

static void test_faults(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "nonsense",
        "{\"token\":1}",
        "{\"token\":\"\"}",
        "{\"token\":\"a\"",
        "{\"token\":\"a\\r\\nX: y\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"\\u00e9\"}",
        "{\"refresh_token\":\"only\"}",
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_token token = {0};
        struct sk_err err = {0};
        assert_int_equal(parse(rows[i], &token, &err), SK_FAILED_PRECONDITION);
        assert_null(token.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
