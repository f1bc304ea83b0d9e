/* The runtime goes away and comes back; and drivers that never answer hold no sandbox in CREATING or
 * TERMINATING. */
#include "core/patience.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

static enum sk_state shown(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->state;
}

static void set_away(struct world *w, bool away)
{
    sk_fake_runtime_away(w->runtime, away);
    world_settle(w);
}

/* --- away --------------------------------------------------------------------- */

static void test_creates_are_refused(void **state)
{
    struct world w;
    struct answer created, again;

    (void)state;
    world_init(&w);
    assert_true(sk_node_is_available(w.node));
    world_create(&w, world_record(&w, "r1"), &created);
    world_settle(&w);
    set_away(&w, true);
    assert_false(sk_node_is_available(w.node));
    world_create(&w, world_record(&w, "r2"), &again);
    world_settle(&w);
    assert_int_equal(again.err.code, SK_UNAVAILABLE);
    assert_string_equal(again.err.reason, SK_REASON_BACKEND);
    world_create(&w, world_record(&w, "r1"), &again); /* one that was accepted is no new one */
    world_settle(&w);
    assert_int_equal(again.err.code, SK_OK);
    assert_ptr_equal(again.sandbox, created.sandbox);
    set_away(&w, false);
    assert_true(sk_node_is_available(w.node));
    assert_int_equal(shown(world_running(&w, NULL)), SK_STATE_RUNNING);
    world_fini(&w);
}

/* It goes at every moment of a create, and comes back half a minute later. */
static void test_a_create_waits(void **state)
{
    (void)state;
    for (int at = 0; at < 90; at += 5) {
        struct world w;
        struct answer created;
        world_init(&w);
        sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
        world_create(&w, world_record(&w, ""), &created);
        world_advance(&w, SK_MSEC(at));
        set_away(&w, true);
        world_advance(&w, SK_SEC(30));
        assert_true(shown(created.sandbox) == SK_STATE_CREATING ||
                    shown(created.sandbox) == SK_STATE_RUNNING);
        set_away(&w, false);
        world_advance(&w, SK_SEC(1));
        assert_int_equal(shown(created.sandbox), SK_STATE_RUNNING);
        assert_int_equal(sk_fake_runtime_held(w.runtime), 3);
        world_fini(&w);
    }
}

/* A call fails, and the absence is over before anybody could look. */
static int gone_for_a_moment(void *arg, const char *call)
{
    struct world *w = arg;

    if (strcmp(call, "runtime.create_container") != 0)
        return SK_FAKE_OK;
    world_hook(w, NULL, NULL);
    sk_fake_runtime_away(w->runtime, true);
    sk_fake_runtime_away(w->runtime, false);
    return SK_FAKE_FAIL;
}

static void test_a_short_absence(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    world_hook(&w, gone_for_a_moment, &w);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(shown(created.sandbox), SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_patience_ends(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_MSEC(15));
    set_away(&w, true);
    world_advance(&w, SK_SEC(59));
    assert_int_equal(shown(created.sandbox), SK_STATE_CREATING);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(shown(created.sandbox), SK_STATE_FAILED);
    assert_non_null(strstr(sk_sandbox_record(created.sandbox)->state_reason, "does not answer"));
    set_away(&w, false);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_a_waiting_create_is_deleted(void **state)
{
    struct world w;
    struct answer created, deleted;

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_MSEC(15));
    set_away(&w, true);
    world_advance(&w, SK_SEC(1));
    world_delete(&w, created.sandbox, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(deleted.err.code, SK_OK);
    assert_int_equal(shown(created.sandbox), SK_STATE_TERMINATED);
    set_away(&w, false);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_the_rest_works_while_it_is_away(void **state)
{
    struct world w;
    struct answer deleted;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL), *other = world_running(&w, NULL);
    set_away(&w, true);
    run_start(&run, s, ARGV("play", "out:yes", "exit:0"), false, true);
    world_settle(&w);
    assert_int_equal(run.exits, 1);
    assert_string_equal(run_out(&run), "yes");
    run_close(&run);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(600));
    assert_int_equal(deleted.err.code, SK_OK);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    assert_int_equal(shown(other), SK_STATE_TERMINATED); /* its lifetime ended meanwhile */
    assert_int_equal(sk_fake_runtime_held(w.runtime), 6);
    set_away(&w, false);
    world_advance(&w, SK_SEC(1)); /* not when the pauses of failed tries are over */
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    world_fini(&w);
}

/* --- hanging ---------------------------------------------------------------------- */

struct hang {
    size_t calls, from;
};

static int hang_from(void *arg, const char *call)
{
    struct hang *h = arg;

    if (strncmp(call, "store.", 6) == 0 || strcmp(call, "agent.close") == 0)
        return SK_FAKE_OK;
    return h->calls++ >= h->from ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* Later than any limit of ours; drivers owe some answer. */
static void answer_late(struct world *w)
{
    sk_fake_runtime_calls(w->runtime)->limit = SK_SEC(100);
    sk_fake_images_calls(w->images)->limit = SK_SEC(100);
    sk_fake_agent_calls(w->agent)->limit = SK_SEC(100);
}

static struct sk_sandbox *only(const struct world *w)
{
    return sk_list_entry(w->node->sandboxes.next, struct sk_sandbox, link);
}

static void end_hanging(struct world *w)
{
    world_hook(w, NULL, NULL);
    world_advance(w, SK_SEC(300));
    world_assert_clean(w);
    world_fini(w);
}

/* False when the create made fewer calls than that. */
static bool create_hangs(size_t from, size_t *waited)
{
    struct world w;
    struct answer created;
    struct hang hang = {.from = from};

    world_init(&w);
    answer_late(&w);
    world_hook(&w, hang_from, &hang);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_MSEC(59990));
    bool hung = hang.calls > from;
    if (shown(created.sandbox) == SK_STATE_CREATING)
        (*waited)++;
    world_advance(&w, SK_MSEC(10)); /* create_limit */
    assert_int_not_equal(shown(created.sandbox), SK_STATE_CREATING);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(created.sandbox)->id), shown(created.sandbox));
    end_hanging(&w);
    return hung;
}

static void test_no_create_outlasts_its_limit(void **state)
{
    size_t from = 0, waited = 0;

    (void)state;
    while (create_hangs(from, &waited))
        from++;
    assert_true(waited >= 7); /* image, rootfs, container, task, start, await, main */
}

static bool delete_hangs(size_t from, bool is_created)
{
    struct world w;
    struct answer created, deleted;
    struct hang hang = {.from = from};

    world_init(&w);
    answer_late(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, is_created ? SK_SEC(1) : SK_MSEC(25));
    world_hook(&w, hang_from, &hang);
    world_delete(&w, only(&w), SK_SEC(3), &deleted);
    world_advance(&w, SK_MSEC(8001)); /* grace and 5 s */
    assert_int_equal(deleted.count, 1);
    assert_int_equal(shown(only(&w)), SK_STATE_TERMINATED);
    bool hung = hang.calls > from;
    end_hanging(&w);
    return hung;
}

static void test_no_delete_outlasts_its_grace(void **state)
{
    (void)state;
    for (int is_created = 0; is_created < 2; is_created++) {
        size_t from = 0;
        while (delete_hangs(from, is_created))
            from++;
        assert_true(from >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates_are_refused),
        cmocka_unit_test(test_a_create_waits),
        cmocka_unit_test(test_a_short_absence),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_a_waiting_create_is_deleted),
        cmocka_unit_test(test_the_rest_works_while_it_is_away),
        cmocka_unit_test(test_no_create_outlasts_its_limit),
        cmocka_unit_test(test_no_delete_outlasts_its_grace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
