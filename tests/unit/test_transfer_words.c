#include "drivers/containerd/transfer_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void sums_parts_as_they_come(void **state)
{
    static struct sk_ctd_parts parts;
    int64_t done, total;

    (void)state;
    sk_ctd_parts_note(&parts, "layer-a", 0, 100);
    sk_ctd_parts_note(&parts, "layer-b", 10, 50);
    sk_ctd_parts_note(&parts, "layer-a", 70, 100);
    sk_ctd_parts_note(&parts, "", 5, 5); /* says nothing of a part */
    sk_ctd_parts_sum(&parts, &done, &total);
    assert_int_equal(done, 80);
    assert_int_equal(total, 150);
}

static void believes_no_odd_numbers(void **state)
{
    static struct sk_ctd_parts parts;
    int64_t done, total;

    (void)state;
    for (int i = 0; i < SK_CTD_PARTS_MAX + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "layer-%d", i);
        sk_ctd_parts_note(&parts, name, INT64_MAX, INT64_MAX);
    }
    sk_ctd_parts_sum(&parts, &done, &total);
    assert_int_equal(parts.len, SK_CTD_PARTS_MAX);
    assert_true(total > 0);
    assert_int_equal(done, total);
    sk_ctd_parts_note(&parts, "layer-0", -5, -5);
    sk_ctd_parts_note(&parts, "layer-1", 7, 3);
    assert_int_equal(parts.items[0].total, 0);
    assert_int_equal(parts.items[1].done, 3);
}

static void reads_the_reason_in_the_sentence(void **state)
{
    static const struct {
        enum sk_code said;
        const char *text;
        enum sk_code meant;
        bool is_limited;
    } cases[] = {
        {SK_UNKNOWN,
         "failed to resolve image: unexpected status from HEAD request to https://a/: 403 Forbidden",
         SK_PERMISSION_DENIED, false},
        {SK_UNKNOWN, "pull access denied, repository does not exist: authorization failed",
         SK_UNAUTHENTICATED, false},
        {SK_UNKNOWN, "unexpected status: 429 Too Many Requests", SK_RESOURCE_EXHAUSTED, true},
        {SK_UNKNOWN, "write /x: no space left on device", SK_RESOURCE_EXHAUSTED, false},
        {SK_UNKNOWN, "failed to do request: Head \"https://a/\": dial tcp: connect: connection refused",
         SK_UNAVAILABLE, false},
        {SK_UNKNOWN, "unexpected status from GET request to https://a/: 502 Bad Gateway", SK_UNAVAILABLE,
         false},
        {SK_FAILED_PRECONDITION, "failed commit on ref \"layer-sha256:0\": unexpected commit digest",
         SK_DATA_LOSS, false},
        {SK_NOT_FOUND, "failed to resolve image: a/b:1: not found", SK_NOT_FOUND, false},
        {SK_CANCELLED, "failed to do request: context canceled", SK_CANCELLED, false},
        {SK_UNKNOWN, "something else", SK_UNKNOWN, false},
        {SK_UNIMPLEMENTED, "unknown service containerd.services.transfer.v1.Transfer", SK_FAILED_PRECONDITION,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sk_err err;
        bool is_limited = !cases[i].is_limited;
        (void)sk_fail(&err, cases[i].said, "%s", cases[i].text);
        sk_ctd_transfer_judge(&err, &is_limited);
        assert_int_equal(err.code, cases[i].meant);
        assert_int_equal(is_limited, cases[i].is_limited);
    }
}

static void knows_whose_login_it_is(void **state)
{
    (void)state;
    assert_true(sk_ctd_is_login_host("docker.io", "registry-1.docker.io"));
    assert_true(sk_ctd_is_login_host("Registry.corp:5000", "registry.corp:5000"));
    assert_false(sk_ctd_is_login_host("registry.corp:5000", "registry.corp"));
    assert_false(sk_ctd_is_login_host("docker.io", "auth.docker.io"));
    assert_false(sk_ctd_is_login_host("ghcr.io", "ghcr.io.evil.org"));
    assert_false(sk_ctd_is_login_host("ghcr.io", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_parts_as_they_come),
        cmocka_unit_test(believes_no_odd_numbers),
        cmocka_unit_test(reads_the_reason_in_the_sentence),
        cmocka_unit_test(knows_whose_login_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
