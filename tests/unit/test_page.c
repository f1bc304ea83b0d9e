#include "api/page.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void sizes_have_a_default_and_a_cap(void **state)
{
    (void)state;
    assert_int_equal(sk_page_size(0), SK_PAGE_DEFAULT);
    assert_int_equal(sk_page_size(1), 1);
    assert_int_equal(sk_page_size(SK_PAGE_MAX), SK_PAGE_MAX);
    assert_int_equal(sk_page_size(SK_PAGE_MAX + 1), SK_PAGE_MAX);
    assert_int_equal(sk_page_size(INT32_MAX), SK_PAGE_MAX);
}

static void what_fits_fits(void **state)
{
    (void)state;
    const size_t sizes[] = {10, 20, 30, 1};
    assert_int_equal(sk_page_fit(sizes, 4, 61), 4);
    assert_int_equal(sk_page_fit(sizes, 4, 60), 3);
    assert_int_equal(sk_page_fit(sizes, 4, 59), 2);
    assert_int_equal(sk_page_fit(sizes, 0, 59), 0);
}

/* Else a client would turn the pages for ever. */
static void one_always_fits(void **state)
{
    (void)state;
    const size_t sizes[] = {100, 1};
    assert_int_equal(sk_page_fit(sizes, 2, 10), 1);
    const size_t huge[] = {SIZE_MAX, SIZE_MAX};
    assert_int_equal(sk_page_fit(huge, 2, SIZE_MAX), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_a_default_and_a_cap),
        cmocka_unit_test(what_fits_fits),
        cmocka_unit_test(one_always_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
