#include "trace/context.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const char good[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static void what_callers_send(void **state)
{
    struct sk_trace_context context = {0};
    char hex[33];
    (void)state;
    assert_true(sk_traceparent_parse(good, &context));
    assert_true(context.sampled);
    sk_hex_print(context.trace, 16, hex);
    assert_string_equal(hex, "0af7651916cd43dd8448eb211c80319c");
    sk_hex_print(context.span, 8, hex);
    assert_string_equal(hex, "b7ad6b7169203331");
    assert_true(sk_traceparent_parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", &context));
    assert_false(context.sampled);
    assert_true(
        sk_traceparent_parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", &context));
    assert_true(context.sampled);
}

static void what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    };
    struct sk_trace_context context = {0}, before = {0};
    (void)state;
    assert_false(sk_traceparent_parse(NULL, &context));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (sk_traceparent_parse(texts[i], &context))
            fail_msg("%s", texts[i]);
    assert_memory_equal(&context, &before, sizeof(context));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_callers_send),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
