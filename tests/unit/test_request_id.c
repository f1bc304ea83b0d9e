#include "api/request_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void ids_are_all_different(void **state)
{
    struct sk_request_ids ids, others;
    char first[SK_REQUEST_ID_LEN + 1], next[SK_REQUEST_ID_LEN + 1], other[SK_REQUEST_ID_LEN + 1];
    (void)state;
    sk_request_ids_init(&ids);
    sk_request_ids_init(&others);
    sk_request_ids_next(&ids, first);
    sk_request_ids_next(&others, other);
    assert_int_equal(strlen(first), SK_REQUEST_ID_LEN);
    assert_int_equal(strspn(first, "0123456789abcdef"), SK_REQUEST_ID_LEN);
    assert_string_not_equal(first, other);
    for (int i = 0; i < 1000; i++) {
        sk_request_ids_next(&ids, next);
        assert_string_not_equal(first, next);
    }
}

static void what_clients_say_is_cleaned(void **state)
{
    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    char lengthy[200];
    (void)state;
    assert_null(sk_request_id_clean(&arena, NULL));
    assert_null(sk_request_id_clean(&arena, ""));
    assert_string_equal(sk_request_id_clean(&arena, "a-B_9.c:d/e"), "a-B_9.c:d/e");
    assert_string_equal(sk_request_id_clean(&arena, "a\"b\n\xC3\xA9 {"), "a?b?????");
    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    assert_int_equal(strlen(sk_request_id_clean(&arena, lengthy)), SK_CLIENT_ID_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_all_different),
        cmocka_unit_test(what_clients_say_is_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
