/* A create is let in as long as what it asks for is free, and what it held is free again when it has gone. */
#include "support/world.h"

#define MI (INT64_C(1) << 20)

static int setup(void **state)
{
    struct world *w = *state = sk_alloc(sizeof(*w));
    world_init(w);
    sk_node_resize(w->node, &(struct sk_amount){1000, 256 * MI, 0});
    w->config.capacity = (struct sk_amount){1000, 256 * MI, 0};
    return 0;
}

static int teardown(void **state)
{
    world_fini(*state);
    free(*state);
    return 0;
}

static struct sk_record *asks(struct world *w, int64_t cpu_millis, int64_t memory_bytes)
{
    struct sk_record *record = world_record(w, "");
    record->spec.cpu_request_millis = cpu_millis;
    record->spec.memory_request_bytes = memory_bytes;
    return record;
}

static struct sk_sandbox *admitted(struct world *w, int64_t cpu_millis, int64_t memory_bytes)
{
    struct answer answer;
    world_create(w, asks(w, cpu_millis, memory_bytes), &answer);
    world_advance(w, SK_SEC(1));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_OK);
    return answer.sandbox;
}

static void assert_refused(struct world *w, int64_t cpu_millis, int64_t memory_bytes)
{
    struct answer answer;
    world_create(w, asks(w, cpu_millis, memory_bytes), &answer);
    world_advance(w, SK_SEC(1));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_RESOURCE_EXHAUSTED);
    assert_string_equal(answer.err.reason, SK_REASON_CAPACITY);
}

static void assert_free(struct world *w, int64_t cpu_millis, int64_t memory_bytes)
{
    struct sk_amount rest = sk_capacity_free(sk_node_capacity(w->node));
    assert_int_equal(rest.cpu_millis, cpu_millis);
    assert_int_equal(rest.memory_bytes, memory_bytes);
}

static void the_end_of_one_lets_in_the_next(void **state)
{
    struct world *w = *state;
    struct answer gone;

    struct sk_sandbox *s = admitted(w, 600, 64 * MI);
    assert_refused(w, 600, 64 * MI);
    assert_refused(w, 100, 256 * MI);
    assert_free(w, 400, 192 * MI);
    world_delete(w, s, SK_SEC(0), &gone);
    world_advance(w, SK_SEC(1));
    world_assert_clean(w);
    assert_free(w, 1000, 256 * MI);
    (void)admitted(w, 600, 64 * MI);
}

static void those_that_are_found_again_are_counted(void **state)
{
    struct world *w = *state;

    (void)admitted(w, 600, 64 * MI);
    world_stop(w);
    w->config.capacity = (struct sk_amount){500, 256 * MI, 0};
    world_start(w);
    assert_int_equal(sk_node_capacity(w->node)->charged.cpu_millis, 600);
    assert_int_equal(sk_node_capacity(w->node)->charges, 1);
    assert_refused(w, 1, MI);
}

static int refuse(void *arg, const char *call)
{
    return strcmp(call, arg) == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void what_cannot_be_stored_holds_nothing(void **state)
{
    struct world *w = *state;
    struct answer answer;

    world_hook(w, refuse, "store.put");
    world_create(w, asks(w, 600, 64 * MI), &answer);
    world_advance(w, SK_SEC(1));
    assert_int_not_equal(answer.err.code, SK_OK);
    world_hook(w, NULL, NULL);
    assert_free(w, 1000, 256 * MI);
}

static void what_cannot_be_removed_still_holds_it(void **state)
{
    struct world *w = *state;
    struct answer gone;

    struct sk_sandbox *s = admitted(w, 600, 64 * MI);
    world_hook(w, refuse, "runtime.delete_task");
    world_delete(w, s, SK_SEC(0), &gone);
    world_advance(w, SK_SEC(10));
    assert_true(sk_state_is_final(sk_sandbox_record(s)->state));
    assert_free(w, 400, 192 * MI);
    world_hook(w, NULL, NULL);
    world_advance(w, SK_SEC(600));
    world_assert_clean(w);
    assert_free(w, 1000, 256 * MI);
}

static void a_create_that_fails_gives_it_back(void **state)
{
    struct world *w = *state;
    struct answer answer;

    world_hook(w, refuse, "runtime.create_task");
    world_create(w, asks(w, 600, 64 * MI), &answer);
    world_advance(w, SK_SEC(120));
    world_hook(w, NULL, NULL);
    assert_free(w, 1000, 256 * MI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_of_one_lets_in_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(those_that_are_found_again_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_stored_holds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_removed_still_holds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_create_that_fails_gives_it_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
