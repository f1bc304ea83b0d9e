/* Writing files: all of it or nothing, whatever goes wrong. */
#include "core/file_impl.h"
#include "support/world.h"

static void begin(struct sk_sandbox *s, const char *path, const void *data, size_t len, struct answer *answer)
{
    struct sk_file_write write = {.path = path, .data = data, .len = len};

    answer_init(answer);
    sk_file_write(s, &write, &answer->done);
    assert_int_equal(answer->count, 0);
}

static void put(struct world *w, struct sk_sandbox *s, const char *path, const void *data, size_t len,
                struct answer *answer)
{
    begin(s, path, data, len, answer);
    world_settle(w);
}

/* NULL: it does not exist. */
static void holds(struct world *w, struct sk_sandbox *s, const char *path, const char *expected)
{
    struct sk_file_read read = {.path = path, .most = SK_FILE_MAX};
    struct answer answer;

    answer_init(&answer);
    sk_file_read(s, &read, &answer.done);
    world_settle(w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, expected ? SK_OK : SK_NOT_FOUND);
    assert_int_equal(read.len, expected ? strlen(expected) : 0);
    if (expected)
        assert_memory_equal(read.data, expected, read.len);
    free(read.data);
}

/* What is being written counts as held. */
static void assert_nothing_open(struct world *w)
{
    assert_int_equal(sk_fake_agent_held(w->agent), 2); /* one sandbox's host side and directory */
}

static void test_makes_and_replaces(void **state)
{
    struct world w;
    struct answer answer;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", "first", 5, &answer);
    assert_int_equal(answer.err.code, SK_OK);
    holds(&w, s, "/tmp/f", "first");
    put(&w, s, "/tmp/f", "2", 1, &answer);
    holds(&w, s, "/tmp/f", "2");
    put(&w, s, "/tmp/f", NULL, 0, &answer);
    assert_int_equal(answer.err.code, SK_OK);
    holds(&w, s, "/tmp/f", "");
    assert_nothing_open(&w);
    world_fini(&w);
}

static void fails_with(struct world *w, struct sk_sandbox *s, const char *path, enum sk_code code,
                       const char *reason)
{
    struct answer answer;

    put(w, s, path, "x", 1, &answer);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, code);
    assert_string_equal(answer.err.reason, reason);
    assert_nothing_open(w);
}

static void test_errors(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    fails_with(&w, s, "/tmp", SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY");
    fails_with(&w, s, "/broken/x", SK_INTERNAL, "FILE_IO_FAILED");
    fails_with(&w, s, "/full/x", SK_RESOURCE_EXHAUSTED, "FILE_IO_FAILED"); /* at the commit */
    world_fini(&w);
}

/* One big file does not keep the others from the pool. */
static void test_others_go_between(void **state)
{
    struct world w;
    struct answer big, small;
    uint8_t *data = sk_alloc(20 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    begin(s, "/tmp/big", data, 20 * SK_FILE_PIECE, &big);
    for (int turns = 0; turns < 6; turns++)
        assert_true(sk_vloop_turn(w.loop));
    begin(s, "/tmp/small", "s", 1, &small);
    for (int turns = 0; turns < 10; turns++)
        assert_true(sk_vloop_turn(w.loop));
    assert_int_equal(small.count, 1);
    assert_int_equal(big.count, 0);
    world_settle(&w);
    assert_int_equal(big.count, 1);
    assert_int_equal(big.err.code, SK_OK);
    free(data);
    world_fini(&w);
}

static void test_cancelled_half_way(void **state)
{
    struct world w;
    struct answer answer;
    uint8_t *data = sk_alloc(20 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", "old", 3, &answer);
    begin(s, "/tmp/f", data, 20 * SK_FILE_PIECE, &answer);
    for (int turns = 0; turns < 8; turns++)
        assert_true(sk_vloop_turn(w.loop));
    sk_done_cancel(&answer.done);
    for (int turns = 0; turns < 4; turns++)
        (void)sk_vloop_turn(w.loop); /* not to its end */
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_CANCELLED);
    assert_nothing_open(&w);
    holds(&w, s, "/tmp/f", "old");
    free(data);
    world_fini(&w);
}

static void test_deleted_half_way(void **state)
{
    struct world w;
    struct answer answer, deleted;
    uint8_t *data = sk_alloc(30 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    begin(s, "/tmp/f", data, 30 * SK_FILE_PIECE, &answer);
    for (int turns = 0; turns < 6; turns++)
        assert_true(sk_vloop_turn(w.loop));
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_FAILED_PRECONDITION);
    assert_string_equal(answer.err.reason, "SANDBOX_NOT_RUNNING");
    free(data);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_guest_lost_half_way(void **state)
{
    struct world w;
    struct answer answer;
    uint8_t *data = sk_alloc(30 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    begin(s, "/tmp/f", data, 30 * SK_FILE_PIECE, &answer);
    for (int turns = 0; turns < 6; turns++)
        assert_true(sk_vloop_turn(w.loop));
    sk_fake_agent_lose(w.agent, s->record->id);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_FAILED_PRECONDITION);
    free(data);
    world_assert_clean(&w);
    world_fini(&w);
}

static int hang_commit(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "agent.commit") == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

static void test_node_stops_at_the_commit(void **state)
{
    struct world w;
    struct answer answer;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_commit, NULL);
    put(&w, s, "/tmp/f", "x", 1, &answer);
    assert_int_equal(answer.count, 0);
    world_stop(&w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_UNAVAILABLE);
    assert_string_equal(answer.err.reason, "RUNNER_UNAVAILABLE");
    world_fini(&w);
}

/* --- sweep ------------------------------------------------------------------------- */

static void cancel_answer(void *arg)
{
    sk_done_cancel(&((struct answer *)arg)->done);
}

static void writing(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer old, answer;
    const char *expected = "new";

    (void)arg;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", "old", 3, &old);
    world_sweep(&w, sweep);
    sk_sweep_on_cancel(sweep, w.loop, cancel_answer, &answer);
    begin(s, "/tmp/f", "new", 3, &answer);
    world_settle(&w);
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(40));
    assert_int_equal(answer.count, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(answer.err.code, SK_OK);
    else if (sk_sweep_flavour(sweep) != SK_SWEEP_CANCEL)
        assert_int_not_equal(answer.err.code, SK_OK);
    world_hook(&w, NULL, NULL);
    assert_nothing_open(&w);
    /* A commit that was not answered well may have worked all the same. */
    bool may_be_new = strcmp(sweep->target_name ? sweep->target_name : "", "agent.commit") == 0;
    if (answer.err.code != SK_OK && !may_be_new)
        expected = "old";
    if (!(answer.err.code != SK_OK && may_be_new))
        holds(&w, s, "/tmp/f", expected);
    world_advance(&w, SK_SEC(60));
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(writing, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_makes_and_replaces),       cmocka_unit_test(test_errors),
        cmocka_unit_test(test_others_go_between),        cmocka_unit_test(test_cancelled_half_way),
        cmocka_unit_test(test_deleted_half_way),         cmocka_unit_test(test_guest_lost_half_way),
        cmocka_unit_test(test_node_stops_at_the_commit), cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
