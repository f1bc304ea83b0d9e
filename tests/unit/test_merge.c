/* Pages of several nodes as one: nothing is left out, nothing comes twice, and the end is known. */
#include "api/merge.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NODES  3
#define THINGS 40

struct thing {
    int64_t created;
    char id[16];
    int node;
};

static void order_is_by_time_then_name(void **state)
{
    struct sk_merge_item items[] = {
        {{2}, "b", NULL, false}, {{1}, "c", NULL, false}, {{2}, "a", NULL, false}};
    bool more = true;

    (void)state;
    assert_int_equal(sk_merge_page(items, 3, 10, true, &more), 3);
    assert_false(more);
    assert_string_equal(items[0].id, "c");
    assert_string_equal(items[1].id, "a");
    assert_int_equal(sk_merge_page(items, 3, 2, false, &more), 2);
    assert_true(more);
    assert_string_equal(items[0].id, "b");
    assert_string_equal(items[1].id, "a");
    assert_int_equal(sk_merge_page(items, 0, 2, false, &more), 0);
    assert_false(more);
}

static void a_page_ends_where_a_node_left_off(void **state)
{
    /* One node gave two and has more: what it has next may come before the other's third. */
    struct sk_merge_item items[] = {{{1}, "a1", NULL, false},
                                    {{3}, "a3", NULL, true},
                                    {{2}, "b2", NULL, false},
                                    {{9}, "b9", NULL, false}};
    bool more = false;

    (void)state;
    assert_int_equal(sk_merge_page(items, 4, 10, true, &more), 3);
    assert_true(more);
    assert_string_equal(items[2].id, "a3");
}

/* What a node gives after a token: at most `most`, and whether that is all. */
static size_t page_of(const struct thing *things, int node, int64_t after, const char *after_id, size_t most,
                      struct sk_merge_item *out)
{
    size_t count = 0;
    for (size_t i = 0; i < THINGS; i++) {
        const struct thing *t = &things[i];
        if (t->node != node || t->created < after || (t->created == after && strcmp(t->id, after_id) <= 0))
            continue;
        if (count == most) {
            out[count - 1].is_cut = true;
            break;
        }
        out[count++] = (struct sk_merge_item){{t->created}, t->id, (void *)(uintptr_t)t, false};
    }
    return count;
}

static void all_pages_together_are_all_there_is(void **state)
{
    struct thing things[THINGS];

    (void)state;
    for (int i = 0; i < THINGS; i++) { /* in order; some share a moment */
        things[i] = (struct thing){.created = 1 + i / 2, .node = i * 7 % 11 % NODES};
        (void)snprintf(things[i].id, sizeof(things[i].id), "n%02d", i);
    }
    for (size_t limit = 1; limit <= THINGS; limit++) {
        int64_t after = 0;
        const char *after_id = "";
        size_t seen = 0;
        bool more = true;
        while (more) {
            struct sk_merge_item items[THINGS];
            size_t count = 0;
            for (int node = 0; node < NODES; node++) /* one gives less than it could */
                count +=
                    page_of(things, node, after, after_id, node ? limit : (limit + 1) / 2, items + count);
            count = sk_merge_page(items, count, limit, true, &more);
            for (size_t i = 0; i < count; i++)
                assert_string_equal(items[i].id, things[seen++].id);
            assert_true(count > 0);
            after = items[count - 1].created.ns;
            after_id = items[count - 1].id;
        }
        assert_int_equal(seen, THINGS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_by_time_then_name),
        cmocka_unit_test(a_page_ends_where_a_node_left_off),
        cmocka_unit_test(all_pages_together_are_all_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
