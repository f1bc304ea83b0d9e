/* The table of states, who waits for the start, what is stored when. */
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>

static void test_states_only_move_forward(void **state)
{
    (void)state;
    for (int from = SK_STATE_PENDING; from <= SK_STATE_TERMINATED; from++) {
        bool any = false;
        for (int event = 0; event < SK_EV_COUNT; event++) {
            enum sk_state next = sk_state_next((enum sk_state)from, (enum sk_event)event);
            assert_true(next == 0 || (int)next > from);
            any = any || next;
        }
        assert_int_equal(any, !sk_state_is_final((enum sk_state)from));
    }
    assert_int_equal(sk_state_next(SK_STATE_TERMINATING, SK_EV_BROKEN), 0); /* a delete never ends FAILED */
    assert_int_equal(sk_state_next(SK_STATE_TERMINATING, SK_EV_EXITED), 0);
    assert_int_equal(sk_state_next(SK_STATE_COMPLETED, SK_EV_END), 0);
}

/* --- the table in ARCHITECTURE.md ------------------------------------------ */

static void print_row(struct sk_buf *out, enum sk_state from)
{
    assert_int_equal(sk_buf_printf(out, "| %s |", sk_state_word(from)), SK_OK);
    for (int event = 0; event < SK_EV_COUNT; event++) {
        enum sk_state next = sk_state_next(from, (enum sk_event)event);
        assert_int_equal(sk_buf_printf(out, " %s |", sk_state_word(next)), SK_OK);
    }
    assert_int_equal(sk_buf_printf(out, "\n"), SK_OK);
}

static void print_table(struct sk_buf *out)
{
    /* In the order of enum sk_event. */
    assert_int_equal(sk_buf_printf(out, "| state | begin | up | end | exited | broken | gone |\n"
                                        "| --- | --- | --- | --- | --- | --- | --- |\n"),
                     SK_OK);
    for (int from = SK_STATE_PENDING; from <= SK_STATE_TERMINATING; from++)
        print_row(out, (enum sk_state)from);
}

static void read_architecture(char *out, size_t size)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/ARCHITECTURE.md", getenv("SK_SOURCE") ? getenv("SK_SOURCE") : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

static void test_table_is_the_documented_one(void **state)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf table;
    static char paper[262144];

    (void)state;
    sk_buf_init(&table, 4096);
    print_table(&table);
    assert_int_equal(sk_buf_printf(&table, "\n"), SK_OK);
    read_architecture(paper, sizeof(paper));
    const char *begin = strstr(paper, "| state | begin |");
    if (!begin || strncmp(begin, (char *)table.data, table.len) != 0)
        fail_msg("ARCHITECTURE.md should say\n%.*s", (int)table.len, (char *)table.data);
}

/* --- who waits, what is stored --------------------------------------------- */

struct counter {
    struct sk_watcher watcher;
    int fired;
};

static void count(struct sk_watcher *watcher)
{
    sk_container_of(watcher, struct counter, watcher)->fired++;
}

static void test_watchers(void **state)
{
    struct world w;
    struct answer created;
    struct counter a = {0}, b = {0}, late = {0}, stopped = {0};

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    sk_sandbox_watch(created.sandbox, &a.watcher, SK_STATE_RUNNING, count);
    sk_sandbox_watch(created.sandbox, &b.watcher, SK_STATE_RUNNING, count);
    sk_sandbox_watch(created.sandbox, &stopped.watcher, SK_STATE_RUNNING, count);
    sk_watcher_stop(&stopped.watcher);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(a.fired + b.fired, 0);
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 1);
    assert_int_equal(stopped.fired, 0);
    sk_sandbox_watch(created.sandbox, &late.watcher, SK_STATE_RUNNING, count);
    assert_int_equal(late.fired, 0);
    world_settle(&w);
    assert_int_equal(late.fired, 1);
    world_fini(&w);
}

static int slow_store(void *arg, const char *call)
{
    return strcmp(call, "store.put") == 0 ? *(int *)arg : 0;
}

/* What the outside sees is what a restart would see. */
static void test_shown_is_stored(void **state)
{
    struct world w;
    struct answer deleted;
    int verdict = 3;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, slow_store, &verdict);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(s->state, SK_STATE_TERMINATING);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    assert_int_equal(deleted.count, 0);
    assert_int_equal(sk_fake_agent_alive(w.agent, sk_sandbox_record(s)->id), 1); /* intent before effect */
    for (int i = 0; i < 20; i++) {
        world_advance(&w, SK_SEC(1));
        assert_int_equal(sk_sandbox_record(s)->state, world_stored_state(&w, sk_sandbox_record(s)->id));
    }
    assert_int_equal(deleted.count, 1);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    world_fini(&w);
}

/* On a full disk a delete answers the error, and happens. */
static void test_full_disk(void **state)
{
    struct world w;
    struct answer deleted;
    int verdict = 1;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, slow_store, &verdict);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(deleted.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_fake_runtime_held(w.runtime), 0);
    verdict = 0;
    world_advance(&w, SK_SEC(5));
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    world_fini(&w);
}

struct wait {
    struct sk_done done;
    enum sk_code code;
    int count;
};

static void on_waited(struct sk_done *done, const struct sk_err *err)
{
    struct wait *wait = sk_container_of(done, struct wait, done);
    wait->code = err ? err->code : SK_OK;
    wait->count++;
}

static enum sk_code await_saved(struct world *w, struct sk_sandbox *s)
{
    struct wait wait = {0};

    sk_done_init(&wait.done, on_waited);
    sk_sandbox_await_saved(s, &wait.done);
    world_settle(w);
    assert_int_equal(wait.count, 1);
    return wait.code;
}

/* Who asks later, before the sweep, must not be told that all is stored. (Found by tests/model.) */
static void test_await_after_a_refusal(void **state)
{
    struct world w;
    struct answer deleted;
    int verdict = 1;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    assert_int_equal(await_saved(&w, s), SK_OK);
    world_hook(&w, slow_store, &verdict);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(await_saved(&w, s), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_RUNNING);
    verdict = 0;
    assert_int_equal(await_saved(&w, s), SK_OK);
    assert_int_equal(world_stored_state(&w, sk_sandbox_record(s)->id), SK_STATE_TERMINATED);
    world_fini(&w);
}

static void test_one_put_a_move(void **state)
{
    struct world w;
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    assert_int_equal(sk_memstore_puts(w.store), 2); /* CREATING, RUNNING */
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(sk_memstore_puts(w.store), 4); /* TERMINATING, TERMINATED */
    world_fini(&w);
}

static void test_main_output_never_blocks(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:1000000", "err:x", "sleep:infinity"));
    world_settle(&w);
    assert_int_equal(sk_journal_end(s->log_file.journal), 1000001);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_only_move_forward),
        cmocka_unit_test(test_table_is_the_documented_one),
        cmocka_unit_test(test_watchers),
        cmocka_unit_test(test_shown_is_stored),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_one_put_a_move),
        cmocka_unit_test(test_await_after_a_refusal),
        cmocka_unit_test(test_main_output_never_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
