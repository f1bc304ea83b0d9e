#include "oci/image_config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static enum sk_code config(struct sk_arena *arena, const char *text, struct sk_image_config *out)
{
    struct sk_err err = {0};
    return sk_image_config_parse((const uint8_t *)text, strlen(text), "amd64", arena, out, &err);
}

static void test_a_config_is_read(void **state)
{
    struct sk_arena arena = {0};
    struct sk_image_config c;
    (void)state;
    assert_int_equal(
        config(&arena,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"User\":\"app:1\",\"WorkingDir\":"
               "\"/srv\","
               "\"Env\":[\"PATH=/bin\",\"EMPTY=\",\"NAMELESS\",\"=x\"],\"Entrypoint\":[\"/bin/sh\",\"-c\"],"
               "\"Cmd\":[\"exit 7\"],\"StopSignal\":\"SIGINT\",\"Labels\":{\"Env\":\"no\"}},"
               "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"" B "\"]}}",
               &c),
        SK_OK);
    assert_string_equal(c.user, "app:1");
    assert_string_equal(c.working_dir, "/srv");
    assert_string_equal(c.env[0], "PATH=/bin");
    assert_string_equal(c.env[1], "EMPTY=");
    assert_null(c.env[2]);
    assert_string_equal(c.entrypoint[1], "-c");
    assert_null(c.entrypoint[2]);
    assert_string_equal(c.cmd[0], "exit 7");
    assert_string_equal(c.diff_ids[1], B);
    assert_null(c.diff_ids[2]);
    assert_int_equal(c.stop_signal, SIGINT);
    sk_arena_fini(&arena);
}

static void test_a_config_may_say_nothing(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"config\":null}",
        ("{\"config\":{\"User\":\"\",\"Env\":null,\"Cmd\":null,\"Entrypoint\":[],\"StopSignal\":\"\"},"
         "\"rootfs\":{}}"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sk_arena arena = {0};
        struct sk_image_config c;
        assert_int_equal(config(&arena, rows[i], &c), SK_OK);
        assert_null(c.env[0]);
        assert_null(c.cmd[0]);
        assert_null(c.entrypoint[0]);
        assert_null(c.diff_ids[0]);
        assert_string_equal(c.user, "");
        assert_string_equal(c.working_dir, "");
        assert_int_equal(c.stop_signal, SIGTERM);
        sk_arena_fini(&arena);
    }
}

static void test_configs_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "7",
        "null",
        "\"config\"",
        "{} {}",
        "{\"os\":\"windows\"}",
        "{\"architecture\":\"arm64\"}",
        "{\"config\":{\"Env\":\"A=B\"}}",
        "{\"config\":{\"Env\":[1]}}",
        "{\"config\":{\"Env\":[[\"A=B\"]]}}",
        "{\"config\":{\"Cmd\":{\"a\":\"b\"}}}",
        "{\"config\":{\"Cmd\":true}}",
        "{\"config\":{\"User\":5}}",
        "{\"config\":{\"User\":[\"root\"]}}",
        "{\"config\":{\"User\":\"a\\u0000b\"}}",
        "{\"config\":{\"StopSignal\":\"SIGNOTHING\"}}",
        "{\"config\":{\"StopSignal\":\"-9\"}}",
        "{\"rootfs\":{\"diff_ids\":[\"latest\"]}}",
        "{\"config\":{\"User\":\"\xff\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sk_arena arena = {0};
        struct sk_image_config c;
        if (config(&arena, rows[i], &c) != SK_FAILED_PRECONDITION)
            fail_msg("taken: %s", rows[i]);
        sk_arena_fini(&arena);
    }
}

static void test_of_two_lists_the_last_counts(void **state)
{
    struct sk_arena arena = {0};
    struct sk_image_config c;
    (void)state;
    assert_int_equal(config(&arena, "{\"config\":{\"Cmd\":[\"a\",\"b\"],\"Cmd\":[\"c\"]}}", &c), SK_OK);
    assert_string_equal(c.cmd[0], "c");
    assert_null(c.cmd[1]);
    sk_arena_fini(&arena);
}

static void test_lists_are_limited(void **state)
{
    struct sk_arena arena = {0};
    struct sk_image_config c;
    size_t count = 4097, at = 0;
    char *text = malloc(count * 3 + 64);
    (void)state;
    at += (size_t)sprintf(text, "{\"config\":{\"Cmd\":[");
    for (size_t i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%s\"\"", i ? "," : "");
    sprintf(text + at, "]}}");
    assert_int_equal(config(&arena, text, &c), SK_FAILED_PRECONDITION);
    free(text);
    sk_arena_fini(&arena);
}

/* Computed by: printf '%s %s' A B | sha256sum. */
#define A_B   "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c"
#define A_B_C "sha256:c1377126441fb2f5ec2c21ae2a60255331d639e830f0ee1b40a36e52d4c40588"

static void test_chains_of_layers(void **state)
{
    char chain[SK_DIGEST_SIZE];
    char *none[] = {NULL}, *one[] = {A, NULL}, *two[] = {A, B, NULL}, *three[] = {A, B, C, NULL};
    (void)state;
    sk_chain_id(none, chain);
    assert_string_equal(chain, "");
    sk_chain_id(one, chain);
    assert_string_equal(chain, A);
    sk_chain_id(two, chain);
    assert_string_equal(chain, A_B);
    sk_chain_id(three, chain);
    assert_string_equal(chain, A_B_C);
}

static void test_signal_names(void **state)
{
    static const struct {
        const char *text;
        int signo;
    } rows[] = {
        {"SIGTERM", SIGTERM},
        {"TERM", SIGTERM},
        {"15", 15},
        {"SIGQUIT", SIGQUIT},
        {"0", 0},
        {"9x", 0},
        {"65", 0},
        {"", 0},
        {"term", SIGTERM},
        {"sigint", SIGINT},
        {"SIGKILL", SIGKILL},
        {"TERMINATE", 0},
        {"SIGSIGTERM", 0},
        {" TERM", 0},
        {"+15", 0},
        {"99999999999999999999", 0},
        {"RTMIN+", 0},
        {"RTMIN-1", 0},
        {"RTMAX+1", 0},
        {"RTMAX-99", 0},
        {"RTMIN+-1", 0},
        {"SIG", 0},
        {"RTMIN+99", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(sk_signal_parse(rows[i].text), rows[i].signo);
    assert_int_equal(sk_signal_parse("SIGRTMIN+3"), SIGRTMIN + 3);
    assert_int_equal(sk_signal_parse("RTMIN"), SIGRTMIN);
    assert_int_equal(sk_signal_parse("sigrtmax-1"), SIGRTMAX - 1);
    assert_int_equal(sk_signal_parse("SIGRTMAX"), SIGRTMAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_config_is_read),
        cmocka_unit_test(test_a_config_may_say_nothing),
        cmocka_unit_test(test_configs_that_are_refused),
        cmocka_unit_test(test_of_two_lists_the_last_counts),
        cmocka_unit_test(test_lists_are_limited),
        cmocka_unit_test(test_chains_of_layers),
        cmocka_unit_test(test_signal_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
