#include "api/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

static enum sk_code try(const char *const *keys, struct request request, char out_id[SK_KEY_ID_LEN + 1])
{
    struct sk_auth *auth = sk_auth_new(keys);
    struct sk_err err = {0};
    enum sk_code code = sk_auth_check(auth, header, &request, out_id, &err);
    assert_int_equal(err.code, code);
    assert_null(strstr(err.text, "wrong"));
    sk_auth_free(auth);
    return code;
}

static const char *const two_keys[] = {"first-key", "second-key", NULL};

static void without_keys_everyone_may_call(void **state)
{
    (void)state;
    char id[SK_KEY_ID_LEN + 1] = "x";
    assert_int_equal(try(NULL, (struct request){0}, id), SK_OK);
    assert_string_equal(id, "");
    const char *const none[] = {NULL};
    assert_int_equal(try(none, (struct request){.api_key = "anything"}, id), SK_OK);
}

static void every_header_and_every_key_opens(void **state)
{
    (void)state;
    char a[SK_KEY_ID_LEN + 1], b[SK_KEY_ID_LEN + 1], c[SK_KEY_ID_LEN + 1];
    assert_int_equal(try(two_keys, (struct request){.authorization = "Bearer second-key"}, a), SK_OK);
    assert_int_equal(try(two_keys, (struct request){.api_key = "second-key"}, b), SK_OK);
    assert_int_equal(try(two_keys, (struct request){.wandb_key = "first-key"}, c), SK_OK);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(try(two_keys, (struct request){.authorization = "bearer  first-key"}, a), SK_OK);
    assert_string_equal(a, c);
    /* One good credential is enough. */
    assert_int_equal(try(two_keys, (struct request){"Bearer wrong", "wrong", "first-key"}, a), SK_OK);
}

static void anything_else_does_not(void **state)
{
    (void)state;
    char id[SK_KEY_ID_LEN + 1];
    const struct request bad[] = {
        {0},
        {.authorization = ""},
        {.authorization = "first-key"},
        {.authorization = "Basic first-key"},
        {.authorization = "Bearer "},
        {.authorization = "Bearer first-ke"},
        {.authorization = "Bearer first-key "},
        {.api_key = "wrong"},
        {.api_key = "FIRST-KEY"},
        {.wandb_key = ""},
    };
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_int_equal(try(two_keys, bad[i], id), SK_UNAUTHENTICATED);
}

/* SHA-256 of "abc" begins so in FIPS 180-2. */
static void the_id_of_a_key_is_its_digests_beginning(void **state)
{
    (void)state;
    const char *const keys[] = {"abc", NULL};
    char id[SK_KEY_ID_LEN + 1];
    assert_int_equal(try(keys, (struct request){.api_key = "abc"}, id), SK_OK);
    assert_string_equal(id, "ba7816bf8f01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_keys_everyone_may_call),
        cmocka_unit_test(every_header_and_every_key_opens),
        cmocka_unit_test(anything_else_does_not),
        cmocka_unit_test(the_id_of_a_key_is_its_digests_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
