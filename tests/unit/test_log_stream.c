/* Readings of a log: what comes, and when it ends. */
#include "core/sandbox_impl.h"
#include "support/log_rig.h"

/* --- finite ---------------------------------------------------------------- */

static void test_finite(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:a", "err:b", "hex:0A630A64", "sleep:infinity"));
    assert_reads(&w, s, (struct sk_log_ask){0}, "ab\nc\nd");
    assert_reads(&w, s, (struct sk_log_ask){.tail_lines = 1}, "d");
    assert_reads(&w, s, (struct sk_log_ask){.tail_lines = 2}, "c\nd");
    assert_reads(&w, s, (struct sk_log_ask){.tail_lines = 100}, "ab\nc\nd");
    assert_reads(&w, s, (struct sk_log_ask){.since = sk_loop_wall(w.loop)}, "");
    assert_reads(&w, s, (struct sk_log_ask){.since = {1}}, "ab\nc\nd");
    assert_int_equal(s->log_file.users, 1); /* the process's own */
    world_fini(&w);
}

static void test_finite_waits_for_what_comes_first(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(
        &w, ARGV("play", "sleep:0.5", "out:one ", "sleep:0.1", "out:two ", "sleep:1", "out:three"));
    reader_open(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(740));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(20));
    assert_int_equal(r.ends, 1);
    assert_string_equal(reader_text(&r), "one two ");
    reader_close(&r);
    world_fini(&w);
}

static void test_finite_of_the_silent(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    reader_open(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(990));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(10));
    assert_int_equal(r.ends, 1);
    reader_close(&r);
    reader_open(&r, s, (struct sk_log_ask){0});
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(r.chunks, 0);
    reader_close(&r);
    world_fini(&w);
}

/* A process that never falls silent is read up to where it was. */
static void test_finite_of_the_talkative(void **state)
{
    const char *argv[102] = {"play"};
    struct world w;
    struct reader r;

    (void)state;
    for (size_t i = 1; i < 101; i += 2) {
        argv[i] = "out:x";
        argv[i + 1] = "sleep:0.1";
    }
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, argv);
    reader_open(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(2990));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(20));
    assert_int_equal(r.ends, 1);
    assert_in_range(r.text.len, 28, 32);
    reader_close(&r);
    world_fini(&w);
}

static void test_ended_sandboxes_are_read_at_once(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:300000", "out:last", "sleep:1", "exit:3"));
    world_advance(&w, SK_SEC(3));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    assert_int_equal(s->log_file.users, 0);
    reader_open(&r, s, (struct sk_log_ask){0});
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(r.text.len, 300004);
    assert_string_equal(reader_text(&r) + 300000, "last");
    reader_close(&r);
    assert_int_equal(s->log_file.users, 0);
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_FAILED_PRECONDITION);
    assert_string_equal(r.error.reason, "SANDBOX_NOT_RUNNING");
    reader_close(&r);
    world_fini(&w);
}

static void test_older_output_is_dropped(void **state)
{
    struct world w;
    struct reader r;
    unsigned long long dropped = 0;

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:3000000", "sleep:infinity"));
    reader_read_all(&w, s, (struct sk_log_ask){0}, &r);
    assert_int_equal(sscanf(reader_text(&r), "[sandkeep: %llu bytes of older output were dropped]", &dropped),
                     1);
    assert_true(dropped > 3000000 - (256 << 10));
    const char *rest = strchr(reader_text(&r), '\n') + 1;
    assert_int_equal(strlen(rest), 3000000 - dropped);
    reader_close(&r);
    /* The last line is what it was asked for: nothing is missing. */
    reader_read_all(&w, s, (struct sk_log_ask){.tail_lines = 1}, &r);
    assert_int_equal(reader_text(&r)[0], 'x');
    reader_close(&r);
    world_fini(&w);
}

/* --- following --------------------------------------------------------------- */

static void test_follow_to_the_end(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:one\n", "sleep:5", "out:two\n", "sleep:5", "err:end", "exit:4"));
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_string_equal(reader_text(&r), "one\n");
    world_advance(&w, SK_MSEC(5001));
    assert_string_equal(reader_text(&r), "one\ntwo\n");
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(r.ends, 1);
    assert_string_equal(reader_text(&r), "one\ntwo\nend");
    /* Who saw the end of the log sees the end of the process. */
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    reader_close(&r);
    world_fini(&w);
}

static void test_follow_waits_for_a_sandbox(void **state)
{
    struct world w;
    struct answer created;
    struct reader r;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_SEC(1);
    record = world_record(&w, "");
    world_command(record, ARGV("play", "out:hello"));
    world_create(&w, record, &created);
    world_advance(&w, SK_MSEC(300));
    assert_int_equal(created.count, 1);
    reader_open(&r, created.sandbox, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_MSEC(300));
    assert_int_equal(r.ends + r.errors + r.chunks, 0);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.ends, 1);
    assert_string_equal(reader_text(&r), "hello");
    reader_close(&r);
    world_fini(&w);
}

static void test_follow_of_what_never_runs(void **state)
{
    struct world w;
    struct answer created;
    struct reader r;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    sk_fake_runtime_calls(w.runtime)->latency = SK_SEC(1);
    record = world_record(&w, "");
    world_command(record, ARGV("no-such-program"));
    world_create(&w, record, &created);
    world_advance(&w, SK_MSEC(300));
    reader_open(&r, created.sandbox, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_FAILED_PRECONDITION);
    reader_close(&r);
    assert_reads(&w, created.sandbox, (struct sk_log_ask){0}, "");
    world_fini(&w);
}

static void test_a_slow_reader_is_waited_for(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:200000", "sleep:infinity"));
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    r.lazy = true;
    world_advance(&w, SK_SEC(1));
    assert_int_equal(r.chunks, 1);
    sk_log_want(r.log);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(r.chunks, 2);
    reader_close(&r);
    world_fini(&w);
}

static size_t reads_under_way(const struct sk_sandbox *s)
{
    size_t count = 0;

    sk_list_each(&s->log_file.reads, link) count++;
    return count;
}

static void test_many_followers_share_reads(void **state)
{
    enum { MANY = 1000 };
    size_t most = 0;
    struct world w;
    struct reader *r = sk_alloc(MANY * sizeof(*r));

    (void)state;
    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:one\n", "sleep:5", "out:two\n", "sleep:5", "exit:0"));
    for (int i = 0; i < MANY; i++)
        reader_open(&r[i], s, (struct sk_log_ask){.follow = true});
    for (int turns = 0; turns < 20; turns++) {
        sk_vloop_turn(w.loop);
        most = reads_under_way(s) > most ? reads_under_way(s) : most;
    }
    assert_int_equal(most, 1);
    world_advance(&w, SK_SEC(6));
    for (int i = 0; i < MANY; i += 2)
        reader_close(&r[i]);
    world_advance(&w, SK_SEC(6));
    for (int i = 1; i < MANY; i += 2) {
        assert_int_equal(r[i].ends, 1);
        assert_string_equal(reader_text(&r[i]), "one\ntwo\n");
        reader_close(&r[i]);
    }
    free(r);
    assert_int_equal(s->log_file.users, 0);
    world_fini(&w);
}

static void test_closing_at_any_moment(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:200000", "sleep:infinity"));
    for (int turns = 0; turns < 40; turns++) {
        reader_open(
            &r, s, (struct sk_log_ask){.follow = turns % 2, .tail_lines = (uint64_t)turns % 3, .since = {1}});
        for (int i = 0; i < turns; i++)
            sk_vloop_turn(w.loop);
        reader_close(&r);
        world_settle(&w);
        assert_int_equal(s->log_file.users, 1);
        assert_true(sk_list_is_empty(&s->log_file.ears));
    }
    world_fini(&w);
}

static void test_the_daemon_stops(void **state)
{
    struct world w;
    struct reader r;
    struct answer stopped;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "out:x", "sleep:infinity"));
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    sk_vloop_turn(w.loop);
    sk_vloop_turn(w.loop);
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_UNAVAILABLE);
    reader_close(&r);
    world_settle(&w);
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite),
        cmocka_unit_test(test_finite_waits_for_what_comes_first),
        cmocka_unit_test(test_finite_of_the_silent),
        cmocka_unit_test(test_finite_of_the_talkative),
        cmocka_unit_test(test_ended_sandboxes_are_read_at_once),
        cmocka_unit_test(test_older_output_is_dropped),
        cmocka_unit_test(test_follow_to_the_end),
        cmocka_unit_test(test_follow_waits_for_a_sandbox),
        cmocka_unit_test(test_follow_of_what_never_runs),
        cmocka_unit_test(test_a_slow_reader_is_waited_for),
        cmocka_unit_test(test_many_followers_share_reads),
        cmocka_unit_test(test_closing_at_any_moment),
        cmocka_unit_test(test_the_daemon_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
