#include "drivers/registry/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(struct sk_answer answer, enum sk_code code, const char *sentence)
{
    struct sk_err err = {0};
    answer.host = "r.corp";
    answer.len = answer.body ? strlen((const char *)answer.body) : 0;
    assert_int_equal(sk_answer_fail(&answer, &err), code);
    assert_string_equal(err.text, sentence);
}

#define BODY(text) ((const uint8_t *)(text))

static void test_statuses(void **state)
{
    (void)state;
    check((struct sk_answer){.status = 401}, SK_UNAUTHENTICATED,
          "r.corp answered 401 (authentication required)");
    check((struct sk_answer){.status = 403}, SK_PERMISSION_DENIED, "r.corp answered 403 (access denied)");
    check((struct sk_answer){.status = 404}, SK_NOT_FOUND, "r.corp answered 404 (not found)");
    check((struct sk_answer){.status = 429}, SK_RESOURCE_EXHAUSTED,
          "r.corp answered 429 (too many requests)");
    check((struct sk_answer){.status = 503}, SK_UNAVAILABLE, "r.corp answered 503 (it cannot answer now)");
    check((struct sk_answer){.status = 418}, SK_FAILED_PRECONDITION,
          "r.corp answered 418 (not what was expected)");
    check((struct sk_answer){.status = 401, .hides_private = true}, SK_UNAUTHENTICATED,
          "r.corp answered 401 (not found or private)");
    check((struct sk_answer){.status = 429, .retry_after_s = 3600}, SK_RESOURCE_EXHAUSTED,
          "r.corp answered 429 (too many requests, asks to wait 3600 s)");
}

static void test_what_they_say(void **state)
{
    (void)state;
    check(
        (struct sk_answer){.status = 404,
                           .body = BODY("{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest "
                                        "unknown\"},{\"message\":\"second\"}]}")},
        SK_NOT_FOUND, "r.corp answered 404 (not found: manifest unknown)");
    check((struct sk_answer){.status = 404, .body = BODY("{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}")},
          SK_NOT_FOUND, "r.corp answered 404 (not found: NAME_UNKNOWN)");
    check((struct sk_answer){.status = 401, .body = BODY("{\"details\":\"incorrect password\"}")},
          SK_UNAUTHENTICATED, "r.corp answered 401 (authentication required: incorrect password)");
    /* Cut in the middle. */
    check((struct sk_answer){.status = 403,
                             .body = BODY("{\"errors\":[{\"message\":\"denied\",\"detail\":\"aaaa")},
          SK_PERMISSION_DENIED, "r.corp answered 403 (access denied: denied)");
    check((struct sk_answer){.status = 500, .body = BODY("<html>oops</html>")}, SK_UNAVAILABLE,
          "r.corp answered 500 (it cannot answer now)");
    check((struct sk_answer){.status = 403,
                             .body = BODY("{\"errors\":[{\"message\":\"a\\u001b[31m\xc3\xa9\"}]}")},
          SK_PERMISSION_DENIED,
          "r.corp answered 403 (access denied: a?[31m?"
          "?)");
}

static void test_long_words_are_cut(void **state)
{
    char body[400] = "{\"errors\":[{\"message\":\"", sentence[400] = "r.corp answered 404 (not found: ";
    (void)state;
    memset(body + strlen(body), 'x', 300);
    strcat(body, "\"}]}");
    memset(sentence + strlen(sentence), 'x', 100);
    strcat(sentence, ")");
    check((struct sk_answer){.status = 404, .body = BODY(body)}, SK_NOT_FOUND, sentence);
}

static void test_secrets_are_not_repeated(void **state)
{
    const char *plain = "r.corp answered 401 (authentication required)";
    (void)state;
    check((struct sk_answer){.status = 401,
                             .body = BODY("{\"errors\":[{\"message\":\"hunter2 is wrong\"}]}"),
                             .secrets = {NULL, "hunter2"}},
          SK_UNAUTHENTICATED, plain);
    check((struct sk_answer){.status = 401,
                             .body = BODY("{\"errors\":[{\"message\":\"you sent Basic dTpw\"}]}")},
          SK_UNAUTHENTICATED, plain);
    check((struct sk_answer){.status = 401, .body = BODY("{\"message\":\"bearer abc has ended\"}")},
          SK_UNAUTHENTICATED, plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_what_they_say),
        cmocka_unit_test(test_long_words_are_cut),
        cmocka_unit_test(test_secrets_are_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
