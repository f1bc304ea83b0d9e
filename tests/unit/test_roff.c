/* Pages of the manual: what troff would take for its own is text. */
#include "base/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void nothing_in_a_text_means_anything(void **state)
{
    struct sk_roff roff;
    struct sk_buf out;

    (void)state;
    sk_buf_init(&out, 4096);
    sk_roff_begin(&roff, &out, "X", 1, "x", "tests");
    sk_roff_text(&roff, ".SH \\fB a-b\n'quoted' \"twice\"\n.TP");
    sk_roff_item(&roff, "--all", ".x");
    assert_int_equal(sk_roff_end(&roff), SK_OK);
    char *text = sk_buf_take_text(&out);
    assert_non_null(strstr(text, ".TH X 1 "));
    assert_non_null(strstr(text, ".SH NAME\nx \\- tests\n"));
    assert_non_null(strstr(text, ".PP\n\\&.SH \\efB a\\-b\n\\&'quoted' \\(dqtwice\\(dq\n\\&.TP\n"));
    assert_non_null(strstr(text, ".TP\n\\fB\\-\\-all\\fR\n\\&.x\n"));
    free(text);
}

static void what_does_not_fit_is_told(void **state)
{
    struct sk_roff roff;
    struct sk_buf out;

    (void)state;
    sk_buf_init(&out, 64);
    sk_roff_begin(&roff, &out, "X", 1, "x", "tests");
    for (int i = 0; i < 10; i++)
        sk_roff_text(&roff, "some words");
    assert_int_equal(sk_roff_end(&roff), SK_RESOURCE_EXHAUSTED);
    assert_true(out.len <= 64);
    sk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_a_text_means_anything),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
