#include "oci/digest.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
/* Of no bytes, and of "abc": FIPS 180-2, appendix B.1. */
#define OF_NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void knows_valid_ones(void **state)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        "sha256:" HEX64 "0",
        "SHA256:" HEX64,
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/",
        "sha256:../../../../../../../../../../../../../../../../../../../../../etc",
        "sha512:" HEX64,
        "sha512:" HEX64 HEX64,
        "sha256-" HEX64,
        " sha256:" HEX64,
        HEX64,
    };

    (void)state;
    assert_true(sk_digest_is_valid("sha256:" HEX64));
    for (size_t i = 0; i < sk_array_len(bad); i++)
        if (sk_digest_is_valid(bad[i]))
            fail_msg("\"%s\" is valid", bad[i]);
}

static void digests_what_lies_in_memory(void **state)
{
    char digest[SK_DIGEST_SIZE];

    (void)state;
    sk_digest_of("", 0, digest);
    assert_string_equal(digest, OF_NOTHING);
    sk_digest_of("abc", 3, digest);
    assert_string_equal(digest, OF_ABC);
    assert_true(sk_digest_is_valid(digest));
}

static void digests_what_comes_in_pieces(void **state)
{
    char digest[SK_DIGEST_SIZE];
    struct sk_digest *it = sk_digest_new();

    (void)state;
    sk_digest_end(it, digest);
    assert_string_equal(digest, OF_NOTHING);
    it = sk_digest_new();
    sk_digest_add(it, "a", 1);
    sk_digest_add(it, "", 0);
    sk_digest_add(it, "bc", 2);
    sk_digest_end(it, digest);
    assert_string_equal(digest, OF_ABC);
    it = sk_digest_new();
    sk_digest_add(it, "a", 1);
    sk_digest_free(it); /* nobody asks */
    sk_digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_valid_ones),
        cmocka_unit_test(digests_what_lies_in_memory),
        cmocka_unit_test(digests_what_comes_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
