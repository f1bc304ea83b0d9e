#include "api/auth.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

struct request {
    const char *authorization, *api_key, *wandb_key;
};

static const char *header(void *arg, const char *name)
{
    const struct request *r = arg;
    if (strcmp(name, "authorization") == 0)
        return r->authorization;
    if (strcmp(name, "x-api-key") == 0)
        return r->api_key;
    return strcmp(name, "x-wandb-api-key") == 0 ? r->wandb_key : NULL;
}

static size_t look(struct request request, const char *out[SK_CREDENTIALS_MAX])
{
    return sk_auth_credentials(header, &request, out);
}

static void every_header_counts(void **state)
{
    (void)state;
    const char *found[SK_CREDENTIALS_MAX];
    assert_int_equal(look((struct request){"Bearer one", "two", "three"}, found), 3);
    assert_string_equal(found[0], "one");
    assert_string_equal(found[1], "two");
    assert_string_equal(found[2], "three");
    assert_int_equal(look((struct request){.wandb_key = "three"}, found), 1);
    assert_string_equal(found[0], "three");
    assert_int_equal(look((struct request){.authorization = "bearer  one "}, found), 1);
    assert_string_equal(found[0], "one ");
}

static void what_is_no_bearers_is_none(void **state)
{
    (void)state;
    const char *found[SK_CREDENTIALS_MAX];
    const struct request bad[] = {
        {0}, {.authorization = ""}, {.authorization = "one"}, {.authorization = "Basic one"}};
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_int_equal(look(bad[i], found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_counts),
        cmocka_unit_test(what_is_no_bearers_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
