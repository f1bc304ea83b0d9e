#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    struct sk_list link;
    int number;
};

static void check_order(const struct sk_list *head, const int *numbers, size_t len)
{
    size_t at = 0;
    sk_list_each(head, link)
    {
        assert_true(at < len);
        assert_int_equal(sk_list_entry(link, struct item, link)->number, numbers[at++]);
    }
    assert_int_equal(at, len);
}

static void test_order(void **state)
{
    (void)state;
    struct sk_list head, *first;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    sk_list_init(&head);
    assert_true(sk_list_is_empty(&head));
    assert_null(sk_list_pop(&head));
    assert_false(sk_list_is_linked(&items[0].link));
    sk_list_append(&head, &items[1].link);
    sk_list_append(&head, &items[2].link);
    sk_list_prepend(&head, &items[0].link);
    check_order(&head, (int[]){0, 1, 2}, 3);
    sk_list_remove(&items[1].link);
    sk_list_remove(&items[1].link);
    assert_false(sk_list_is_linked(&items[1].link));
    check_order(&head, (int[]){0, 2}, 2);
    first = sk_list_pop(&head);
    assert_ptr_equal(first, &items[0].link);
    assert_false(sk_list_is_linked(first));
    check_order(&head, (int[]){2}, 1);
}

static void test_remove_while_walking(void **state)
{
    (void)state;
    struct sk_list head;
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    sk_list_init(&head);
    for (size_t i = 0; i < 4; i++)
        sk_list_append(&head, &items[i].link);
    sk_list_each(&head, link)
    {
        if (sk_list_entry(link, struct item, link)->number % 2 == 0)
            sk_list_remove(link);
    }
    check_order(&head, (int[]){1, 3}, 2);
}

static void test_move_all(void **state)
{
    (void)state;
    struct sk_list to, from;
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    sk_list_init(&to);
    sk_list_init(&from);
    sk_list_move_all(&to, &from);
    assert_true(sk_list_is_empty(&to));
    sk_list_append(&from, &items[0].link);
    sk_list_append(&from, &items[1].link);
    sk_list_move_all(&to, &from);
    assert_true(sk_list_is_empty(&from));
    sk_list_append(&from, &items[2].link);
    sk_list_append(&from, &items[3].link);
    sk_list_move_all(&to, &from);
    check_order(&to, (int[]){0, 1, 2, 3}, 4);
    check_order(&from, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_remove_while_walking),
        cmocka_unit_test(test_move_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
