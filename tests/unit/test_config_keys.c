/* Keys by their digests, as the configuration says them. */
#include "support/config_rig.h"

#define A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define B "0000000000000000000000000000000000000000000000000000000000000001"

static void keys_by_id(void **state)
{
    struct sk_config config = {0};
    struct sk_faults faults;

    (void)state;
    assert_true(
        parse(&config, &faults,
              "{\"shared_keys\": {\"0123456789ab\": {\"sha256\": \"" A "\", \"tenant\": \"team-a\"},"
              " \"ffffffffffff\": {\"admin\": true, \"name\": \"for ci\", \"tenant\": \"b\", \"sha256\": \"" B
              "\"}}}"));
    assert_int_equal(config.shared_keys.len, 2);
    const struct sk_key_entry *row = config.shared_keys.rows;
    assert_string_equal(row[0].id, "0123456789ab");
    assert_string_equal(row[0].tenant, "team-a");
    assert_string_equal(row[0].name, "");
    assert_false(row[0].is_admin);
    assert_int_equal(row[0].digest[0], 0xba);
    assert_int_equal(row[0].digest[31], 0xad);
    assert_string_equal(row[1].name, "for ci");
    assert_true(row[1].is_admin);
    assert_int_equal(row[1].digest[31], 1);
    assert_false(config.exposes_keys); /* whoever reads digests has no key */
    sk_config_fini(&config);
    sk_faults_fini(&faults);
}

#define ENTRY(rest)  "{\"shared_keys\": {\"0123456789ab\": " rest "}}"
#define WHERE        "test.json:1: shared_keys.\"0123456789ab\""
#define GOOD(digest) "{\"sha256\": \"" digest "\", \"tenant\": \"a\"}"

static void every_fault_is_told(void **state)
{
    static const struct fault cases[] = {
        {"{\"shared_keys\": []}", "test.json:1: shared_keys: is a list, give an object in { }\n"},
        {"{\"shared_keys\": {\"0123456789AB\": " GOOD(A) "}}",
         "test.json:1: shared_keys[0]: is no key's id, give 12 of 0-9 and a-f\n"},
        /* It may be a key, which no fault says. */
        {"{\"shared_keys\": {\"0123456789ab\": " GOOD(
             A) ", \"sk-secret\": {\"sha256\": 5},\n\"sk-secret\": 5}}",
         "test.json:1: shared_keys[1]: is no key's id, give 12 of 0-9 and a-f\n"
         "test.json:1: shared_keys[1].sha256: is a number, give a string\n"
         "test.json:1: shared_keys[1]: has no tenant, say whose key it is\n"
         "test.json:2: shared_keys[2]: stands there already, give it once\n"},
        {ENTRY("\"" A "\""), WHERE ": is a string, give an object in { }\n"},
        {ENTRY("{}"), WHERE ": has no sha256, give that of the key's text\n" WHERE
                            ": has no tenant, say whose key it is\n"},
        {ENTRY("{\"sha256\": \"" A "0\", \"tenant\": \"a\"}"),
         WHERE ".sha256: is no SHA-256, give 64 of 0-9 and a-f\n"},
        {ENTRY("{\"sha256\": \"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\", "
               "\"tenant\": \"a\"}"),
         WHERE ".sha256: is no SHA-256, give 64 of 0-9 and a-f\n"},
        {ENTRY("{\"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", "
               "\"tenant\": \"a\"}"),
         WHERE ".sha256: is the SHA-256 of no text at all, give that of a key\n"},
        {ENTRY("{\"sha256\": 5, \"tenant\": \"a\"}"), WHERE ".sha256: is a number, give a string\n"},
        {ENTRY("{\"sha256\": \"" A "\", \"tenant\": \"A\"}"),
         WHERE ".tenant: \"A\" is no tenant, give up to 63 of a-z, 0-9, \".\" and \"-\"\n"},
        {ENTRY("{\"sha256\": \"" A "\", \"tenant\": \"a\", \"admin\": \"yes\"}"),
         WHERE ".admin: is a string, give true or false\n"},
        {ENTRY("{\"sha256\": \"" A "\", \"tenant\": \"a\", \"name\": \"a\\tb\"}"),
         WHERE ".name: is no name, give up to 128 printable bytes\n"},
        {ENTRY("{\"sha256\": \"" A "\", \"tenant\": \"a\", \"tenants\": 1}"),
         WHERE ".tenants: no such key, there are sha256, tenant, name and admin\n"},
        {ENTRY("{\"sha256\": \"" A "\", \"tenant\": \"a\", \"tenant\": \"b\"}"),
         WHERE ".tenant: stands there already, give it once\n"},
        {"{\"shared_keys\": {\"0123456789ab\": " GOOD(A) ",\n\"0123456789ab\": " GOOD(B) "}}",
         "test.json:2: shared_keys.\"0123456789ab\": stands there already, give it once\n"},
        {"{\"shared_keys\": {\"0123456789ab\": " GOOD(A) ",\n\"0123456789ac\": " GOOD(A) "}}",
         "test.json:2: shared_keys.\"0123456789ac\": is the same key as \"0123456789ab\", give it once\n"},
    };

    (void)state;
    assert_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void too_many_are_refused(void **state)
{
    struct sk_config config = {0};
    struct sk_faults faults;
    char *text = malloc(1 << 20), *at = text;

    (void)state;
    at += sprintf(at, "{\"shared_keys\": {");
    for (int i = 0; i <= 5000; i++)
        at += sprintf(at, "%s\"%012x\": {\"sha256\": \"%064x\", \"tenant\": \"a\"}", i ? "," : "",
                      (unsigned)i, (unsigned)i + 1);
    (void)sprintf(at, "}}");
    assert_false(parse(&config, &faults, text));
    assert_string_equal((const char *)faults.text.data,
                        "test.json:1: shared_keys: has 5001 keys, give up to 5000\n");
    free(text);
    sk_faults_fini(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_by_id),
        cmocka_unit_test(every_fault_is_told),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
