/* The birth of a sandbox: answers, holds, duplicates, failures at each step. */
#include "core/file.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

static const struct sk_record *record_of(const struct answer *created)
{
    return sk_sandbox_record(created->sandbox);
}

static struct sk_sandbox *only(struct world *w)
{
    assert_false(sk_list_is_empty(&w->node->sandboxes));
    return sk_list_entry(w->node->sandboxes.next, struct sk_sandbox, link);
}

static void test_runs_and_is_durable(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    world_create(&w, world_record(&w, "r1"), &created);
    assert_int_equal(created.count, 0);
    world_settle(&w);
    assert_int_equal(created.count, 1);
    assert_int_equal(record_of(&created)->state, SK_STATE_RUNNING);
    assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_RUNNING);
    assert_true(record_of(&created)->started.ns > 0);
    assert_string_equal(record_of(&created)->process.argv[0], "sleep");
    assert_int_equal(sk_fake_agent_alive(w.agent, record_of(&created)->id), 1);
    assert_ptr_equal(sk_node_find(w.node, record_of(&created)->id), created.sandbox);
    assert_null(sk_node_find(w.node, "x"));
    world_fini(&w);
}

/* The world has cpus 0-3 and 5-8. */
static void test_cpusets_name_cpus_that_exist(void **state)
{
    struct world w;
    struct answer created;
    const char *const expected[] = {"0,1,2", "3,5,6", "7,8,0"};

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sk_array_len(expected); i++) {
        struct sk_record *record = world_record(&w, "");
        record->spec.cpu_limit_millis = 2500;
        world_create(&w, record, &created);
        world_settle(&w);
        assert_string_equal(sk_fake_runtime_cpuset(w.runtime, record_of(&created)->id), expected[i]);
    }
    world_fini(&w);
}

static void test_hold_passes(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_MSEC(249));
    assert_int_equal(created.count, 0);
    world_advance(&w, SK_MSEC(1));
    assert_int_equal(created.count, 1);
    assert_int_equal(record_of(&created)->state, SK_STATE_CREATING);
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(record_of(&created)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_takes_too_long(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(61));
    assert_int_equal(record_of(&created)->state, SK_STATE_FAILED);
    assert_non_null(strstr(record_of(&created)->state_reason, "took too long"));
    world_assert_clean(&w);
    world_fini(&w);
}

static void fails_with(struct sk_record *(*change)(struct world *), const char *reason)
{
    struct world w;
    struct answer created;

    world_init(&w);
    world_create(&w, change(&w), &created);
    world_settle(&w);
    assert_int_equal(created.count, 1);
    assert_int_equal(created.err.code, SK_OK);
    assert_int_equal(record_of(&created)->state, SK_STATE_FAILED);
    assert_string_equal(record_of(&created)->state_reason, reason);
    assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_FAILED);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

static struct sk_record *no_image(struct world *w)
{
    struct sk_record *record = world_record(w, "");
    record->spec.image = "x:1";
    return record;
}

static struct sk_record *no_command(struct world *w)
{
    struct sk_record *record = world_record(w, "");
    world_command(record, ARGV("nosuch", "--flag"));
    return record;
}

static struct sk_record *no_user(struct world *w)
{
    struct sk_record *record = world_record(w, "");
    record->spec.user = "nosuch";
    return record;
}

static struct sk_record *no_directory(struct world *w)
{
    struct sk_record *record = world_record(w, "");
    record->spec.working_dir = "/nosuch";
    return record;
}

static void test_reasons(void **state)
{
    (void)state;
    fails_with(no_image, "image docker.io/library/x:1 was not found (the registry answered 404)");
    fails_with(no_command, "command not found: nosuch (execute the program: No such file or directory)");
    fails_with(no_user, "cannot start sleep: no such user in the sandbox");
    fails_with(no_directory, "cannot start sleep: enter the working directory: No such file or directory");
}

static void test_exits_at_once(void **state)
{
    struct world w;
    struct answer created;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    record = world_record(&w, "");
    world_command(record, ARGV("play", "out:bye", "exit:3"));
    world_create(&w, record, &created);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(record_of(&created)->state, SK_STATE_COMPLETED);
    assert_true(record_of(&created)->has_exit_code);
    assert_int_equal(record_of(&created)->exit_code, 3);
    assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_COMPLETED);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_int_equal(sk_fake_agent_held(w.agent), 0);
    world_fini(&w);
}

static void test_same_request_twice(void **state)
{
    struct world w;
    struct answer first, second, third, fourth;
    struct sk_record *other;

    (void)state;
    world_init(&w);
    world_create(&w, world_record(&w, "same"), &first);
    world_create(&w, world_record(&w, "same"), &second); /* while the first is being recorded */
    other = world_record(&w, "same");
    other->request_hash[0] = 99;
    world_create(&w, other, &third);
    world_settle(&w);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 1);
    assert_ptr_equal(first.sandbox, second.sandbox);
    assert_int_equal(third.count, 1);
    assert_int_equal(third.err.code, SK_INVALID_ARGUMENT);
    assert_string_equal(third.err.field, "request_id");
    assert_int_equal(sk_memstore_count(w.store), 1);
    SK_AUTO_FREE char *id = sk_strdup(record_of(&first)->id);
    world_stop(&w);
    world_start(&w);
    world_create(&w, world_record(&w, "same"), &fourth);
    world_settle(&w);
    assert_string_equal(record_of(&fourth)->id, id);
    world_fini(&w);
}

static int verdict_of(void *arg, const char *call)
{
    return strncmp(call, "store.", 6) == 0 ? *(int *)arg : 0;
}

static void test_store_fails(void **state)
{
    struct world w;
    struct answer created, again, later;
    int verdict = 1;

    (void)state;
    world_init(&w);
    world_hook(&w, verdict_of, &verdict);
    world_create(&w, world_record(&w, "r"), &created);
    world_create(&w, world_record(&w, "r"), &again);
    world_settle(&w);
    assert_int_equal(created.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(again.err.code, SK_RESOURCE_EXHAUSTED);
    assert_true(sk_list_is_empty(&w.node->sandboxes));
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    verdict = 0;
    world_create(&w, world_record(&w, "r"), &later);
    world_settle(&w);
    assert_int_equal(later.err.code, SK_OK);
    assert_int_equal(record_of(&later)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

/* A disk that fills up later: the sandbox goes on, and is stored when there is room. */
static void test_store_fails_later(void **state)
{
    struct world w;
    struct answer created;
    int verdict = 0;

    (void)state;
    world_init(&w);
    world_hook(&w, verdict_of, &verdict);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    verdict = 1;
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(record_of(&created)->state, SK_STATE_RUNNING);
    assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_CREATING);
    verdict = 0;
    world_advance(&w, SK_SEC(5));
    assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_slow_store(void **state)
{
    struct world w;
    struct answer created;
    int verdict = 3;

    (void)state;
    world_init(&w);
    world_hook(&w, verdict_of, &verdict);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(created.count, 0); /* not durable: no answer, and nobody can see it */
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    assert_null(sk_node_find(w.node, only(&w)->record->id));
    world_advance(&w, SK_SEC(2));
    assert_int_equal(created.count, 1);
    assert_int_equal(record_of(&created)->state, SK_STATE_CREATING); /* RUNNING is not durable yet */
    world_advance(&w, SK_SEC(5));
    assert_int_equal(record_of(&created)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

/* --- mounted files ---------------------------------------------------------------- */

static struct sk_record *with_files(struct world *w)
{
    struct sk_record *record = world_record(w, "");
    struct sk_spec *spec = &record->spec;

    world_add_doors(record);
    spec->file_count = 2;
    spec->files = sk_arena_alloc(&record->arena, 2 * sizeof(spec->files[0]));
    spec->files[0] = (struct sk_mounted_file){"/opt/tool", sk_arena_memdup(&spec->contents, "#!\0x", 4), 4};
    spec->files[1] = (struct sk_mounted_file){"/etc/empty", NULL, 0};
    return record;
}

static void read_mounted(struct world *w, struct sk_sandbox *s, const char *path, const char *expected,
                         size_t len)
{
    struct sk_file_read read = {.path = path, .most = SK_FILE_MAX};
    struct answer answer;

    answer_init(&answer);
    sk_file_read(s, &read, &answer.done);
    world_settle(w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_OK);
    assert_int_equal(read.len, len);
    assert_memory_equal(read.data, expected, len);
    free(read.data);
}

static void test_files_are_there(void **state)
{
    struct world w;
    struct answer created, deleted;

    (void)state;
    world_init(&w);
    world_create(&w, with_files(&w), &created);
    world_settle(&w);
    assert_int_equal(record_of(&created)->state, SK_STATE_RUNNING);
    read_mounted(&w, created.sandbox, "/.sandkeep/files/0", "#!\0x", 4);
    read_mounted(&w, created.sandbox, "/.sandkeep/files/1", "", 0);
    assert_int_equal(record_of(&created)->spec.files[0].len, 4);
    world_delete(&w, created.sandbox, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(1));
    /* Kept in mind: that there was one. Not kept: what was in it. */
    assert_int_equal(record_of(&created)->spec.file_count, 2);
    assert_string_equal(record_of(&created)->spec.files[0].path, "/opt/tool");
    assert_int_equal(record_of(&created)->spec.files[0].len, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

/* The next daemon begins anew, and has them still. */
static void test_files_outlast_a_crash(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, with_files(&w), &created);
    world_advance(&w, SK_SEC(1));
    SK_AUTO_FREE char *id = sk_strdup(record_of(&created)->id);
    world_crash(&w);
    sk_fake_agent_deaf(w.agent, false);
    world_start(&w);
    world_advance(&w, SK_SEC(1));
    struct sk_sandbox *s = sk_node_find(w.node, id);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    read_mounted(&w, s, "/.sandkeep/files/0", "#!\0x", 4);
    world_fini(&w);
}

static void test_stopping(void **state)
{
    struct world w;
    struct answer created, stopped;

    (void)state;
    world_init(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(created.err.code, SK_UNAVAILABLE);
    assert_string_equal(created.err.reason, "RUNNER_UNAVAILABLE");
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_fini(&w);
}

/* --- sweeps ------------------------------------------------------------------- */

static void cancel_by_delete(void *arg)
{
    struct world *w = arg;
    static struct answer deleted;

    if (sk_list_is_empty(&w->node->sandboxes))
        return;
    world_delete(w, only(w), SK_NS(0), &deleted);
}

static void birth(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer created;

    (void)arg;
    world_init(&w);
    world_sweep(&w, sweep);
    sk_sweep_on_cancel(sweep, w.loop, cancel_by_delete, &w);
    world_create(&w, with_files(&w), &created);
    world_advance(&w, SK_SEC(1));
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(40)); /* less than the life of what runs, more than all limits but one */
    assert_int_equal(created.count, 1);
    if (created.err.code == SK_OK && sweep->flavour == SK_SWEEP_HANG)
        world_advance(&w, SK_SEC(35)); /* past create_limit */
    if (created.err.code != SK_OK) {
        assert_true(sk_list_is_empty(&w.node->sandboxes));
    } else if (record_of(&created)->state == SK_STATE_RUNNING) {
        assert_int_equal(sk_fake_agent_alive(w.agent, record_of(&created)->id), 1);
        assert_int_equal(world_stored_state(&w, record_of(&created)->id), SK_STATE_RUNNING);
        struct answer deleted;
        world_delete(&w, created.sandbox, SK_NS(0), &deleted);
        world_advance(&w, SK_SEC(1));
    } else {
        assert_true(sk_state_is_final(record_of(&created)->state));
        assert_true(record_of(&created)->state_reason[0] != '\0');
        assert_int_equal(world_stored_state(&w, record_of(&created)->id), record_of(&created)->state);
        if (sweep->flavour == SK_SWEEP_CANCEL)
            assert_int_equal(record_of(&created)->state, SK_STATE_TERMINATED);
        else
            assert_int_not_equal(record_of(&created)->state, SK_STATE_COMPLETED);
    }
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(birth, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_and_is_durable),
        cmocka_unit_test(test_cpusets_name_cpus_that_exist),
        cmocka_unit_test(test_hold_passes),
        cmocka_unit_test(test_takes_too_long),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_exits_at_once),
        cmocka_unit_test(test_same_request_twice),
        cmocka_unit_test(test_store_fails),
        cmocka_unit_test(test_store_fails_later),
        cmocka_unit_test(test_slow_store),
        cmocka_unit_test(test_files_are_there),
        cmocka_unit_test(test_files_outlast_a_crash),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
