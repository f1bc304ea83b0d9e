/* The root: paging, filters, stopping. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

enum { MANY = 25 };

static struct sk_sandbox *tagged(struct world *w, const char *const *tags)
{
    struct answer created;
    struct sk_record *record = world_record(w, "");

    record->spec.tags = sk_strings_copy(&record->arena, tags);
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(created.err.code, SK_OK);
    return created.sandbox;
}

static size_t page(struct world *w, struct sk_list_query query, struct sk_sandbox **out, char next[96])
{
    size_t count = 0;

    assert_int_equal(sk_node_list(w->node, &query, out, &count, next, NULL), SK_OK);
    return count;
}

static void test_filters(void **state)
{
    struct world w;
    struct sk_sandbox *out[10];
    struct answer deleted;
    char next[96];

    (void)state;
    world_init(&w);
    struct sk_sandbox *ab = tagged(&w, ARGV("a", "b", "b")), *b = tagged(&w, ARGV("b")),
                      *gone = tagged(&w, ARGV("b"));
    world_delete(&w, gone, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(page(&w, (struct sk_list_query){.after = "", .limit = 10}, out, next), 2);
    assert_ptr_equal(out[0], b); /* newest first */
    assert_ptr_equal(out[1], ab);
    assert_string_equal(next, "");
    assert_int_equal(
        page(&w, (struct sk_list_query){.after = "", .limit = 10, .tags = ARGV("b", "a")}, out, next), 1);
    assert_ptr_equal(out[0], ab);
    assert_int_equal(page(&w, (struct sk_list_query){.after = "", .limit = 10, .tags = ARGV("c")}, out, next),
                     0);
    assert_int_equal(
        page(&w, (struct sk_list_query){.after = "", .limit = 10, .show_terminated = true}, out, next), 3);
    struct sk_list_query terminated = {.after = "", .limit = 10, .state = SK_STATE_TERMINATED};
    assert_int_equal(page(&w, terminated, out, next), 1);
    assert_ptr_equal(out[0], gone);
    world_fini(&w);
}

/* Page by page, while sandboxes come and go: each that was there all the time is seen exactly once. */
static void walk(bool ascending)
{
    struct world w;
    struct sk_sandbox *mine[MANY], *out[3];
    int seen[MANY] = {0};
    struct answer deleted[MANY];
    char next[96] = "", after[96];
    size_t turn = 0;

    world_init(&w);
    for (size_t i = 0; i < MANY; i++)
        mine[i] = tagged(&w, ARGV("x"));
    do {
        memcpy(after, next, sizeof(after));
        size_t count =
            page(&w, (struct sk_list_query){.after = after, .limit = 3, .ascending = ascending}, out, next);
        assert_int_equal(count == 3 || next[0] == '\0', 1);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < MANY; k++)
                seen[k] += out[i] == mine[k];
        (void)tagged(&w, ARGV("new"));
        /* also the one the next page is anchored at */
        size_t victim = ascending ? turn * 3 + 2 : MANY - 1 - (turn * 3 + 2);
        if (turn * 3 + 2 < MANY) {
            world_delete(&w, mine[victim], SK_NS(0), &deleted[turn]);
            world_settle(&w);
        }
    } while (next[0] && ++turn < 50);
    for (size_t k = 0; k < MANY; k++)
        assert_int_equal(seen[k], 1);
    world_fini(&w);
}

static void test_paging(void **state)
{
    (void)state;
    walk(false);
    walk(true);
}

static void test_anchor_forgotten(void **state)
{
    struct world w;
    struct sk_sandbox *out[1];
    char next[96];

    (void)state;
    world_init(&w);
    struct sk_sandbox *old = tagged(&w, ARGV("x")), *middle = tagged(&w, ARGV("x"));
    (void)tagged(&w, ARGV("x"));
    assert_int_equal(page(&w, (struct sk_list_query){.after = "", .limit = 1}, out, next), 1);
    char token[96];
    assert_int_equal(page(&w, (struct sk_list_query){.after = next, .limit = 1}, out, token), 1);
    assert_ptr_equal(out[0], middle);
    struct answer deleted;
    world_delete(&w, middle, SK_NS(0), &deleted);
    world_settle(&w);
    sk_node_withdraw(w.node, middle);
    assert_int_equal(page(&w, (struct sk_list_query){.after = token, .limit = 1}, out, next), 1);
    assert_ptr_equal(out[0], old);
    assert_string_equal(next, "");
    world_fini(&w);
}

static size_t searched(const struct world *w)
{
    size_t count = 0;

    sk_list_each(&w->node->live, link) count++;
    return count;
}

/* A day's ended sandboxes may be very many. */
static void test_ended_are_not_searched(void **state)
{
    struct world w;
    struct sk_sandbox *out[3];
    struct answer deleted;
    char next[96], token[96];

    (void)state;
    world_init(&w);
    struct sk_sandbox *old = tagged(&w, ARGV("x")), *middle = tagged(&w, ARGV("x"));
    (void)tagged(&w, ARGV("x"));
    assert_int_equal(page(&w, (struct sk_list_query){.after = "", .limit = 2}, out, token), 2);
    world_delete(&w, middle, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(searched(&w), 2);
    assert_int_equal(page(&w, (struct sk_list_query){.after = token, .limit = 1}, out, next), 1);
    assert_ptr_equal(out[0], old); /* behind an anchor that has ended */
    assert_int_equal(
        page(&w, (struct sk_list_query){.after = "", .limit = 3, .show_terminated = true}, out, next), 3);
    world_crash(&w);
    world_start(&w);
    assert_int_equal(searched(&w), 2);
    world_fini(&w);
}

static void test_bad_tokens(void **state)
{
    static const char *const bad[] = {
        "x",
        "1",
        "1.",
        "-1.n1-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "0.n1-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "1.n1",
        "1 ",
        "%s%n",
        "99999999999999999999999999.n1-aaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct world w;
    struct sk_sandbox *out[1];
    size_t count;
    char next[96];

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        struct sk_list_query query = {.after = bad[i], .limit = 1};
        struct sk_err err = {0};
        assert_int_equal(sk_node_list(w.node, &query, out, &count, next, &err), SK_INVALID_ARGUMENT);
        assert_string_equal(err.field, "page_token");
    }
    world_fini(&w);
}

/* Creation times are unique even when the clock stands still or goes back. */
static void test_order_is_total(void **state)
{
    struct world w;
    struct sk_sandbox *out[10];
    char next[96];

    (void)state;
    world_init(&w);
    struct sk_sandbox *first = tagged(&w, ARGV("x"));
    sk_vloop_jump_wall(w.loop, SK_SEC(-3600));
    struct sk_sandbox *second = tagged(&w, ARGV("x"));
    assert_true(sk_sandbox_record(second)->created.ns > sk_sandbox_record(first)->created.ns);
    assert_int_equal(page(&w, (struct sk_list_query){.after = "", .limit = 9, .ascending = true}, out, next),
                     2);
    assert_ptr_equal(out[0], first);
    world_fini(&w);
}

static void test_order_outlives_restart(void **state)
{
    struct world w;
    struct sk_sandbox *out[MANY];
    char next[96], ids[5][64];

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < 5; i++)
        (void)snprintf(ids[i], sizeof(ids[i]), "%s", sk_sandbox_record(tagged(&w, ARGV("x")))->id);
    world_stop(&w);
    world_start(&w);
    assert_int_equal(
        page(&w, (struct sk_list_query){.after = "", .limit = MANY, .ascending = true}, out, next), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(sk_sandbox_record(out[i])->id, ids[i]);
    world_fini(&w);
}

/* A stop in the middle of everything: every answer comes once, nothing is ended that runs. */
static void test_stop_in_the_middle(void **state)
{
    struct world w;

    (void)state;
    for (int turns = 0; turns < 40; turns++) {
        struct answer created, deleted, stopped;
        world_init(&w);
        struct sk_sandbox *doomed = world_running(&w, NULL), *runs = world_running(&w, NULL);
        char id[64];
        (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(runs)->id);
        world_create(&w, world_record(&w, ""), &created);
        world_delete(&w, doomed, SK_SEC(1), &deleted);
        for (int i = 0; i < turns; i++)
            sk_vloop_turn(w.loop);
        answer_init(&stopped);
        sk_node_stop(w.node, &stopped.done);
        world_advance(&w, SK_SEC(20));
        assert_int_equal(stopped.count, 1);
        assert_int_equal(created.count, 1);
        assert_int_equal(deleted.count, 1);
        sk_node_free(sk_take(w.node));
        assert_int_equal(sk_fake_agent_alive(w.agent, id), 1);
        world_start(&w);
        world_advance(&w, SK_SEC(5));
        assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
        world_advance(&w, SK_SEC(100));
        world_assert_clean(&w);
        world_fini(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_paging),
        cmocka_unit_test(test_anchor_forgotten),
        cmocka_unit_test(test_ended_are_not_searched),
        cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_order_is_total),
        cmocka_unit_test(test_order_outlives_restart),
        cmocka_unit_test(test_stop_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
