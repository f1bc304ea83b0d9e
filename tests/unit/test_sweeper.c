/* What lies on the host: only what bears the mark and has no owner goes, after a grace, until it is gone. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t littered(const struct world *w)
{
    return sk_fake_runtime_littered(w->runtime);
}

static void test_only_what_nobody_owns(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *lives = world_running(&w, NULL), *ended = world_running(&w, NULL);
    world_delete(&w, ended, SK_NS(0), &deleted);
    world_settle(&w);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_sandbox_record(lives)->id, false);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n2").text, false);
    sk_fake_runtime_litter(w.runtime, "cgroup", "n1", false);
    sk_fake_runtime_litter(w.runtime, "cgroup", "n1-notes", false);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_sandbox_record(ended)->id, false);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n1").text, false);
    sk_fake_runtime_litter(w.runtime, "shim socket", "sk-7", true);
    world_advance(&w, SK_SEC(31)); /* seen once: its record may be on the way */
    assert_int_equal(littered(&w), 7);
    world_advance(&w, SK_SEC(11));
    assert_int_equal(littered(&w), 4);
    assert_int_equal(w.node->gc.removed, 3);
    assert_int_equal(sk_sandbox_record(lives)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void make_folder(const struct world *w, const char *name)
{
    char path[1300];
    (void)snprintf(path, sizeof(path), "%s/%s", w->config.log_dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static bool has_folder(const struct world *w, const char *name)
{
    char path[1300];
    (void)snprintf(path, sizeof(path), "%s/%s", w->config.log_dir, name);
    return access(path, F_OK) == 0;
}

/* A log stays as long as its record, which outlives the sandbox. */
static void test_logs(void **state)
{
    struct world w;
    struct answer deleted;
    struct sk_id lost = sk_id_make("n1"), foreign = sk_id_make("n2");

    (void)state;
    world_init(&w);
    struct sk_sandbox *ended = world_running(&w, NULL);
    world_delete(&w, ended, SK_NS(0), &deleted);
    make_folder(&w, lost.text);
    make_folder(&w, foreign.text);
    make_folder(&w, "notes");
    world_advance(&w, SK_SEC(62));
    assert_false(has_folder(&w, lost.text));
    assert_true(has_folder(&w, foreign.text));
    assert_true(has_folder(&w, "notes"));
    assert_true(has_folder(&w, sk_sandbox_record(ended)->id));
    world_fini(&w);
}

/* An agent's folder that a daemon left when it was killed. */
static void test_agent_folders(void **state)
{
    static const struct sk_guest_events deaf = {0};
    struct world w;
    struct sk_guest *guest = NULL;

    (void)state;
    world_init(&w);
    struct sk_agent *agent = sk_fake_agent_base(w.agent);
    assert_int_equal(agent->ops->open(agent, sk_id_make("n1").text, &deaf, NULL, &guest, NULL), SK_OK);
    agent->ops->close(guest, false);
    struct sk_sandbox *s = world_running(&w, NULL);
    assert_int_equal(sk_fake_agent_held(w.agent), 3);
    world_advance(&w, SK_SEC(45));
    assert_int_equal(sk_fake_agent_held(w.agent), 2);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static int resist(void *arg, const char *call)
{
    int *tries = arg;
    bool removes = strcmp(call, "runtime.remove_litter") == 0;

    *tries += removes;
    return removes ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void test_resistance(void **state)
{
    struct world w;
    int tries = 0;

    (void)state;
    world_init(&w);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n1").text, false);
    world_hook(&w, resist, &tries);
    world_advance(&w, SK_SEC(3600));
    assert_in_range(tries, 10, 25);
    assert_int_equal(littered(&w), 1);
    world_hook(&w, NULL, NULL);
    world_advance(&w, SK_SEC(330));
    assert_int_equal(littered(&w), 0);
    world_fini(&w);
}

/* Nobody knows what the runtime still holds. */
static void test_nothing_goes_while_the_runtime_is_away(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n1").text, false);
    sk_fake_runtime_away(w.runtime, true);
    world_advance(&w, SK_SEC(600));
    sk_fake_runtime_away(w.runtime, false);
    world_settle(&w);
    assert_int_equal(littered(&w), 1);
    world_advance(&w, SK_SEC(45));
    assert_int_equal(littered(&w), 0);
    world_fini(&w);
}

/* A round in the middle of anything: nothing that lives is hurt, and a stop waits for it. */
static void stop_at(int ms)
{
    struct world w;

    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_MSEC(10);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n1").text, false);
    sk_fake_runtime_litter(w.runtime, "cgroup", sk_id_make("n1").text, false);
    world_advance(&w, SK_MSEC(40000 + ms));
    world_fini(&w);
}

static void test_stops_at_any_moment(void **state)
{
    (void)state;
    for (int ms = 0; ms < 100; ms += 5)
        stop_at(ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_nobody_owns),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_agent_folders),
        cmocka_unit_test(test_resistance),
        cmocka_unit_test(test_nothing_goes_while_the_runtime_is_away),
        cmocka_unit_test(test_stops_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
