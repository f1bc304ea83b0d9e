#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

static void test_zeroed_and_aligned(void **state)
{
    (void)state;
    struct sk_arena arena = {0};
    for (size_t size = 0; size < 300; size++) {
        uint8_t *bytes = sk_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xFF, size); /* would show in a neighbour */
    }
    assert_true(arena.used >= 300 * 299 / 2);
    sk_arena_fini(&arena);
    assert_int_equal(arena.used, 0);
    sk_arena_fini(&arena);
}

/* Something big does not waste the room that is left in the first block. */
static void test_big(void **state)
{
    (void)state;
    struct sk_arena arena = {0};
    char *small = sk_arena_alloc(&arena, 16);
    char *big = sk_arena_alloc(&arena, 1 << 20);
    memset(big, 1, 1 << 20);
    char *next = sk_arena_alloc(&arena, 16);
    assert_ptr_equal(next, small + 16);
    char *edge = sk_arena_alloc(&arena, 4000);
    memset(edge, 2, 4000);
    assert_int_equal(next[0], 0);
    assert_int_equal(big[(1 << 20) - 1], 1);
    sk_arena_fini(&arena);
}

static void test_copies(void **state)
{
    (void)state;
    struct sk_arena arena = {0};
    assert_null(sk_arena_strdup(&arena, NULL));
    assert_null(sk_arena_strndup(&arena, NULL, 3));
    assert_null(sk_arena_memdup(&arena, NULL, 3));
    assert_string_equal(sk_arena_strdup(&arena, "text"), "text");
    assert_string_equal(sk_arena_strdup(&arena, ""), "");
    assert_string_equal(sk_arena_strndup(&arena, "text", 2), "te");
    assert_string_equal(sk_arena_strndup(&arena, "te\0xt", 5), "te");
    assert_memory_equal(sk_arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    assert_string_equal(sk_arena_printf(&arena, "%s-%d", "n", 7), "n-7");
    char *lengthy = sk_arena_printf(&arena, "%9999d", 1);
    assert_int_equal(strlen(lengthy), 9999);
    sk_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_and_aligned),
        cmocka_unit_test(test_big),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
