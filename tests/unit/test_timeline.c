#include "core/timeline.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_the_newest_come_first(void **state)
{
    struct sk_timeline timeline = {0};

    (void)state;
    assert_int_equal(timeline.count, 0);
    for (int i = 1; i <= SK_TIMELINE_MAX + 10; i++) {
        sk_timeline_add(&timeline, (struct sk_wall){i}, "node", "box", "the %dth", i);
        assert_int_equal(sk_timeline_get(&timeline, 0)->at.ns, i);
    }
    assert_int_equal(timeline.count, SK_TIMELINE_MAX);
    assert_int_equal(sk_timeline_get(&timeline, SK_TIMELINE_MAX - 1)->at.ns, 11);
    assert_string_equal(sk_timeline_get(&timeline, 1)->text, "the 265th");
    sk_timeline_fini(&timeline);
    sk_timeline_fini(&timeline);
}

static void expect_clean(struct sk_timeline *timeline, const char *said, const char *kept)
{
    sk_timeline_add(timeline, (struct sk_wall){1}, "node", "", "%s", said);
    assert_string_equal(sk_timeline_get(timeline, 0)->text, kept);
}

static void test_texts_are_utf8(void **state)
{
    struct sk_timeline timeline = {0};
    char text[400];

    (void)state;
    expect_clean(&timeline, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    expect_clean(&timeline,
                 "a\xff\xfe"
                 "b",
                 "a??b");
    expect_clean(&timeline, "cut \xe2\x82", "cut ");
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    text[sizeof(text) - 2] = '\0';
    sk_timeline_add(&timeline, (struct sk_wall){1}, "node", "", "x%s", text);
    const char *kept = sk_timeline_get(&timeline, 0)->text;
    assert_true(sk_utf8_is_valid(kept, strlen(kept)));
    assert_int_equal(strlen(kept), sizeof(sk_timeline_get(&timeline, 0)->text) - 1);
    sk_timeline_fini(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_come_first),
        cmocka_unit_test(test_texts_are_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
