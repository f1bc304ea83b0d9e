/* The end of a sandbox: grace, repeats, every state, things that resist. */
#include "core/sandbox_impl.h"
#include "support/world.h"

static enum sk_state state_of(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->state;
}

static void test_kill_now(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(deleted.count, 1);
    assert_int_equal(deleted.err.code, SK_OK);
    assert_int_equal(state_of(s), SK_STATE_TERMINATED);
    assert_true(sk_sandbox_record(s)->has_exit_code);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 137);
    assert_string_equal(sk_sandbox_record(s)->state_reason, "deleted by request");
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
