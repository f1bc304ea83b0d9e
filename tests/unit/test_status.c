#include "api/messages.h"
#include "api/status.h"
#include "core/node.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static Google__Rpc__Status *unpacked(struct sk_arena *arena, const struct sk_status *status)
{
    return sk_pb_unpack(arena, &google__rpc__status__descriptor, status->details, status->details_len);
}

/* The detail of a type, or NULL. */
static void *detail(struct sk_arena *arena, const struct sk_status *status,
                    const ProtobufCMessageDescriptor *type)
{
    Google__Rpc__Status *all = unpacked(arena, status);
    assert_non_null(all);
    for (size_t i = 0; i < all->n_details; i++) {
        const char *url = all->details[i]->type_url;
        if (strncmp(url, "type.googleapis.com/", 20) == 0 && strcmp(url + 20, type->name) == 0)
            return sk_pb_unpack(arena, type, all->details[i]->value.data, all->details[i]->value.len);
    }
    return NULL;
}

static void a_reason_is_prefixed_and_has_the_domain(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_NOT_FOUND, "there is no sandbox \"x\"");
    (void)sk_err_reason(&err, "SANDBOX_NOT_FOUND");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "");
    assert_int_equal(status.code, SK_NOT_FOUND);
    assert_string_equal(status.text, "there is no sandbox \"x\"");
    assert_int_equal(unpacked(&arena, &status)->code, 5);
    Google__Rpc__ErrorInfo *info = detail(&arena, &status, &google__rpc__error_info__descriptor);
    assert_non_null(info);
    assert_string_equal(info->reason, "CWSANDBOX_SANDBOX_NOT_FOUND");
    assert_string_equal(info->domain, "cwsandbox.com");
    assert_null(detail(&arena, &status, &google__rpc__bad_request__descriptor));
    assert_null(detail(&arena, &status, &google__rpc__retry_info__descriptor));
}

/* A path may be as long as the kernel's, and must come back whole; the trailer stays small enough. */
static void facts_go_with_the_reason(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    char path[4096];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    const struct sk_fact facts[] = {{"filepath", path}, {"size_bytes", "33554433"}, {0}};
    (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "too large");
    (void)sk_err_reason(&err, "FILE_TOO_LARGE");
    struct sk_status status = sk_status_make(&arena, &err, NULL, facts, "");
    Google__Rpc__ErrorInfo *info = detail(&arena, &status, &google__rpc__error_info__descriptor);
    assert_non_null(info);
    assert_int_equal(info->n_metadata, 2);
    assert_string_equal(info->metadata[0]->key, "filepath");
    assert_string_equal(info->metadata[0]->value, path);
    assert_string_equal(info->metadata[1]->key, "size_bytes");
    assert_string_equal(info->metadata[1]->value, "33554433");
    assert_true(status.details_len < 6 * 1024 * 3 / 4);
}

static void a_plain_error_has_no_details(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_INTERNAL, "oops");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "");
    assert_null(status.details);
    assert_int_equal(status.details_len, 0);
}

static void the_id_of_the_request_stands_in_every_failure(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_INTERNAL, "oops");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "00112233445566ff");
    Google__Rpc__RequestInfo *request = detail(&arena, &status, &google__rpc__request_info__descriptor);
    assert_non_null(request);
    assert_string_equal(request->request_id, "00112233445566ff");
    assert_null(detail(&arena, &status, &google__rpc__error_info__descriptor));
    (void)sk_err_reason(&err, "SANDBOX_NOT_FOUND");
    status = sk_status_make(&arena, &err, NULL, NULL, "00112233445566ff");
    Google__Rpc__ErrorInfo *info = detail(&arena, &status, &google__rpc__error_info__descriptor);
    assert_non_null(info);
    assert_int_equal(info->n_metadata, 1);
    assert_string_equal(info->metadata[0]->key, "request_id");
    assert_string_equal(info->metadata[0]->value, "00112233445566ff");
}

static void the_field_of_an_error_becomes_a_violation(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_INVALID_ARGUMENT, "not a token of mine");
    strcpy(err.field, "page_token");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "");
    Google__Rpc__BadRequest *bad = detail(&arena, &status, &google__rpc__bad_request__descriptor);
    assert_non_null(bad);
    assert_int_equal(bad->n_field_violations, 1);
    assert_string_equal(bad->field_violations[0]->field, "page_token");
}

static void all_violations_are_listed(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_check check = {.arena = &arena};
    struct sk_err err = {0};
    sk_check_violated(&check, SK_FIELD(NULL, "a"), "one");
    sk_check_violated(&check, SK_FIELD(NULL, "b"), "two");
    (void)!sk_check_result(&check, &err);
    struct sk_status status = sk_status_make(&arena, &err, &check, NULL, "");
    Google__Rpc__BadRequest *bad = detail(&arena, &status, &google__rpc__bad_request__descriptor);
    assert_non_null(bad);
    assert_int_equal(bad->n_field_violations, 2);
    assert_string_equal(bad->field_violations[1]->field, "b");
    assert_string_equal(bad->field_violations[1]->description, "two");
}

static void unavailable_says_when_to_come_back(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_UNAVAILABLE, "stopping");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "");
    Google__Rpc__RetryInfo *retry = detail(&arena, &status, &google__rpc__retry_info__descriptor);
    assert_non_null(retry);
    assert_non_null(retry->retry_delay);
    assert_int_equal(retry->retry_delay->seconds, 0);
    assert_in_range(retry->retry_delay->nanos, 1, 999999999);
    (void)sk_err_reason(&err, SK_REASON_BACKEND);
    status = sk_status_make(&arena, &err, NULL, NULL, "");
    retry = detail(&arena, &status, &google__rpc__retry_info__descriptor);
    assert_int_equal(retry->retry_delay->seconds, 2);
}

static void busy_says_when_to_come_back_too(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "too many");
    struct sk_status status = sk_status_make(&arena, &err, NULL, NULL, "");
    assert_null(detail(&arena, &status, &google__rpc__retry_info__descriptor));
    (void)sk_err_reason(&err, SK_REASON_BUSY);
    status = sk_status_make(&arena, &err, NULL, NULL, "");
    assert_non_null(detail(&arena, &status, &google__rpc__retry_info__descriptor));
    Google__Rpc__ErrorInfo *info = detail(&arena, &status, &google__rpc__error_info__descriptor);
    assert_string_equal(info->reason, "CWSANDBOX_BUSY");
}

/* Whatever is wrong, the trailer must fit: some violations go, the reason stays. */
static void the_trailer_always_fits(void **state)
{
    (void)state;
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_check check = {.arena = &arena};
    struct sk_err err = {0};
    char name[180], text[400];
    memset(name, 'n', sizeof(name) - 1);
    memset(text, 't', sizeof(text) - 1);
    name[sizeof(name) - 1] = text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 1000; i++)
        sk_check_violated(&check, SK_ITEM(NULL, name, i), "%s", text);
    check.reason = "RESOURCE_CEILING_EXCEEDED";
    (void)!sk_check_result(&check, &err);
    struct sk_status status = sk_status_make(&arena, &err, &check, NULL, "");
    assert_in_range(status.details_len, 1, SK_STATUS_DETAILS_MAX);
    Google__Rpc__BadRequest *bad = detail(&arena, &status, &google__rpc__bad_request__descriptor);
    Google__Rpc__ErrorInfo *info = detail(&arena, &status, &google__rpc__error_info__descriptor);
    assert_non_null(bad);
    assert_in_range(bad->n_field_violations, 5, SK_VIOLATIONS_MAX - 1);
    assert_string_equal(info->reason, "CWSANDBOX_RESOURCE_CEILING_EXCEEDED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_prefixed_and_has_the_domain),
        cmocka_unit_test(facts_go_with_the_reason),
        cmocka_unit_test(a_plain_error_has_no_details),
        cmocka_unit_test(the_id_of_the_request_stands_in_every_failure),
        cmocka_unit_test(the_field_of_an_error_becomes_a_violation),
        cmocka_unit_test(all_violations_are_listed),
        cmocka_unit_test(unavailable_says_when_to_come_back),
        cmocka_unit_test(busy_says_when_to_come_back_too),
        cmocka_unit_test(the_trailer_always_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
