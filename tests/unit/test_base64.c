#include "config/base64.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The vectors of RFC 4648, section 10, and bytes that are no text. */
static void decodes(void **state)
{
    static const struct {
        const char *text, *bytes;
        size_t len;
    } rows[] = {
        {"", "", 0},
        {"Zg==", "f", 1},
        {"Zm8=", "fo", 2},
        {"Zm9v", "foo", 3},
        {"Zm9vYg==", "foob", 4},
        {"Zm9vYmE=", "fooba", 5},
        {"Zm9vYmFy", "foobar", 6},
        {"AAD/+/8=", "\0\0\xff\xfb\xff", 5},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        size_t len = 99;
        char *bytes = sk_base64_decode(&arena, rows[i].text, &len);
        assert_non_null(bytes);
        assert_int_equal(len, rows[i].len);
        assert_memory_equal(bytes, rows[i].bytes, len + 1);
    }
}

static void refuses(void **state)
{
    static const char *const rows[] = {"Z",    "Zg",   "Zg=",    "Zg===", "====",        "=m9v",
                                       "Z=9v", "Zm=v", "Zh==",   "Zm9=",  "Zg==Zg==",    "Zm9v ",
                                       "Zm-_", " Zm9", "Zm9v\n", "Z===",  "Zm9vYmF\xc3", "Zg==\n"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        size_t len;
        if (sk_base64_decode(&arena, rows[i], &len))
            fail_msg("taken: \"%s\"", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
