/* Lists that a server never ends. */
#include "cli/paging.h"

#include "sandkeep/session.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static Sandkeep__V1__ListSessionsResponse page_of(char *token)
{
    Sandkeep__V1__ListSessionsResponse page = SANDKEEP__V1__LIST_SESSIONS_RESPONSE__INIT;

    page.next_page_token = token;
    return page;
}

static enum sk_code take(struct sk_paging *paging, char *token)
{
    Sandkeep__V1__ListSessionsResponse page = page_of(token);
    struct sk_err err;

    return sk_paging_take(paging, &page.base, 0, token, &err);
}

static void lists_end(void **state)
{
    struct sk_paging paging = {0};

    (void)state;
    assert_int_equal(take(&paging, "1"), SK_OK);
    assert_int_equal(take(&paging, "2"), SK_OK);
    assert_int_equal(take(&paging, ""), SK_OK);
}

static void one_that_stands_still(void **state)
{
    struct sk_paging paging = {0};

    (void)state;
    assert_int_equal(take(&paging, "1"), SK_OK);
    assert_int_equal(take(&paging, "1"), SK_INTERNAL);
}

static void one_that_goes_on_and_on(void **state)
{
    struct sk_paging paging = {0};
    char tokens[2000][8];
    enum sk_code code = SK_OK;
    int pages = 0;

    (void)state;
    for (; pages < 2000 && code == SK_OK; pages++) {
        (void)snprintf(tokens[pages], sizeof(tokens[pages]), "%d", pages);
        code = take(&paging, tokens[pages]);
    }
    assert_int_equal(code, SK_INTERNAL);
    assert_int_equal(pages, 1000);
}

static void one_that_is_too_large(void **state)
{
    struct sk_paging paging = {0};
    char *large = malloc((100 << 20) + 1);

    (void)state;
    assert_non_null(large);
    memset(large, 'x', 100 << 20);
    large[100 << 20] = '\0';
    assert_int_equal(take(&paging, large), SK_OK);
    large[0] = 'y';
    paging.token = NULL;
    assert_int_equal(take(&paging, large), SK_OK);
    paging.token = NULL;
    assert_int_equal(take(&paging, large), SK_RESOURCE_EXHAUSTED);
    free(large);
}

/* Empty ones take next to nothing on their way, and much more here. */
static void one_of_very_many_items(void **state)
{
    struct sk_paging paging = {0};
    Sandkeep__V1__ListSessionsResponse page = page_of("");
    struct sk_err err;

    (void)state;
    assert_int_equal(sk_paging_take(&paging, &page.base, 600000, "", &err), SK_OK);
    assert_int_equal(sk_paging_take(&paging, &page.base, 400000, "", &err), SK_OK);
    assert_int_equal(sk_paging_take(&paging, &page.base, 1, "", &err), SK_RESOURCE_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_end),
        cmocka_unit_test(one_that_stands_still),
        cmocka_unit_test(one_that_goes_on_and_on),
        cmocka_unit_test(one_that_is_too_large),
        cmocka_unit_test(one_of_very_many_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
