#include "drivers/registry/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct sk_instant now = {1000}, later = {2000};

static void test_ends(void **state)
{
    struct sk_token_grants grants;
    (void)state;
    sk_token_grants_init(&grants);
    assert_null(sk_token_grants_find(&grants, "a", now));
    sk_token_grants_put(&grants, "a", "token", later);
    assert_string_equal(sk_token_grants_find(&grants, "a", now)->token, "token");
    assert_null(sk_token_grants_find(&grants, "a", later));
    assert_null(sk_token_grants_find(&grants, "b", now));
    sk_token_grants_fini(&grants);
}

static void test_the_newer_counts(void **state)
{
    struct sk_token_grants grants;
    (void)state;
    sk_token_grants_init(&grants);
    sk_token_grants_put(&grants, "a", "old", later);
    uint64_t serial = sk_token_grants_find(&grants, "a", now)->serial;
    sk_token_grants_put(&grants, "a", NULL, later);
    assert_null(sk_token_grants_find(&grants, "a", now)->token);
    assert_int_not_equal(sk_token_grants_find(&grants, "a", now)->serial, serial);
    sk_token_grants_fini(&grants);
}

static void test_the_oldest_go(void **state)
{
    struct sk_token_grants grants;
    (void)state;
    sk_token_grants_init(&grants);
    for (int i = 0; i <= SK_GRANTS_MAX; i++) {
        SK_AUTO_FREE char *key = sk_printf("%d", i);
        sk_token_grants_put(&grants, key, "token", later);
    }
    assert_int_equal(grants.by_key.len, SK_GRANTS_MAX);
    assert_null(sk_token_grants_find(&grants, "0", now));
    assert_non_null(sk_token_grants_find(&grants, "1", now));
    sk_token_grants_fini(&grants);
}

static void test_what_they_count_for(void **state)
{
    const struct sk_image_login ann = {"r", "ann", "one"}, changed = {"r", "ann", "two"};
    SK_AUTO_FREE char *nobody = sk_token_grant_key("https://r/v2", "a", NULL);
    SK_AUTO_FREE char *by_ann = sk_token_grant_key("https://r/v2", "a", &ann);
    SK_AUTO_FREE char *by_ann_again = sk_token_grant_key("https://r/v2", "a", &ann);
    SK_AUTO_FREE char *by_changed = sk_token_grant_key("https://r/v2", "a", &changed);
    SK_AUTO_FREE char *other = sk_token_grant_key("https://r/v2", "b", &ann);
    (void)state;
    assert_string_equal(by_ann, by_ann_again);
    assert_string_not_equal(by_ann, nobody);
    assert_string_not_equal(by_ann, by_changed);
    assert_string_not_equal(by_ann, other);
    assert_null(strstr(by_ann, "one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_the_newer_counts),
        cmocka_unit_test(test_the_oldest_go),
        cmocka_unit_test(test_what_they_count_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
