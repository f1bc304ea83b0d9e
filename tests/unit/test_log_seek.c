/* Where a reading begins that goes on with an earlier one, also after a restart. */
#include "core/sandbox_impl.h"
#include "support/log_rig.h"

static struct sk_sandbox *find(struct world *w, const char *id)
{
    struct sk_sandbox *s = sk_node_find(w->node, id);

    assert_non_null(s);
    return s;
}

static void crash_and_start(struct world *w)
{
    world_crash(w);
    world_start(w);
    world_settle(w);
}

/* One reading is lost after each chunk or at each byte, and the next goes on where it was. */
static void resume_everywhere(bool timestamps, uint64_t step)
{
    struct world w;
    struct reader whole, r;
    char id[64];

    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:first\n\nsecond\n", "hex:C3A90A", "out:unfinished", "sleep:2",
                               "out: line\n", "sleep:infinity"));
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(s)->id);
    reader_open(&whole, s, (struct sk_log_ask){.follow = true, .timestamps = timestamps});
    world_advance(&w, SK_SEC(3));
    const char *expected = reader_text(&whole);
    sk_log_close(sk_take(whole.log));
    crash_and_start(&w);
    for (uint64_t at = 0; at <= whole.text.len; at += step) {
        reader_open(&r, find(&w, id),
                    (struct sk_log_ask){.follow = true, .session = whole.session, .offset = at});
        world_settle(&w);
        assert_int_equal(r.breaks + r.errors, 0);
        assert_string_equal(reader_text(&r), expected + at);
        reader_close(&r);
    }
    reader_open(&r, find(&w, id),
                (struct sk_log_ask){.follow = true, .session = whole.session, .offset = whole.text.len + 1});
    world_settle(&w);
    assert_int_equal(r.breaks, 1);
    assert_string_equal(r.code, "INVALID_RESUME_OFFSET");
    reader_close(&r);
    reader_close(&whole);
    world_fini(&w);
}

static void test_resume(void **state)
{
    (void)state;
    resume_everywhere(false, 1);
}

static void test_resume_with_timestamps(void **state)
{
    (void)state;
    resume_everywhere(true, 1);
}

static void test_resume_after_the_marker(void **state)
{
    struct world w;
    struct reader whole, r;
    char id[64];

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:1000000", "sleep:infinity"));
    (void)snprintf(id, sizeof(id), "%s", sk_sandbox_record(s)->id);
    reader_open(&whole, s, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(1));
    const char *expected = reader_text(&whole);
    assert_memory_equal(expected, "[sandkeep: ", 11);
    sk_log_close(sk_take(whole.log));
    crash_and_start(&w);
    for (uint64_t at = 0; at < 100; at++) {
        reader_open(&r, find(&w, id),
                    (struct sk_log_ask){.follow = true, .session = whole.session, .offset = at});
        world_settle(&w);
        assert_string_equal(reader_text(&r), expected + at);
        reader_close(&r);
    }
    reader_close(&whole);
    world_fini(&w);
}

static void test_resume_of_what_is_gone(void **state)
{
    struct world w;
    struct reader r;
    char sessions[2][64];

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:early", "sleep:5", "fill:3000000", "sleep:infinity"));
    for (int timestamps = 0; timestamps < 2; timestamps++) {
        reader_open(&r, s, (struct sk_log_ask){.follow = true, .timestamps = timestamps});
        world_settle(&w);
        (void)snprintf(sessions[timestamps], sizeof(sessions[timestamps]), "%s", r.session);
        reader_close(&r);
    }
    world_advance(&w, SK_SEC(6));
    for (int timestamps = 0; timestamps < 2; timestamps++) {
        reader_open(&r, s, (struct sk_log_ask){.follow = true, .session = sessions[timestamps], .offset = 5});
        world_settle(&w);
        assert_int_equal(r.breaks, 1);
        assert_string_equal(r.code, "REPLAY_GAP");
        reader_close(&r);
    }
    world_fini(&w);
}

static void test_unknown_sessions(void **state)
{
    static const char *const bad[] = {"", "x", "0000000000000000300000000000000000000000000000000"};
    struct world w;
    struct reader r;
    char other[64];

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "out:x", "sleep:infinity"));
    reader_open(&r, world_running(&w, ARGV("play", "out:y", "sleep:infinity")),
                (struct sk_log_ask){.follow = true});
    world_settle(&w);
    (void)snprintf(other, sizeof(other), "%s", r.session);
    reader_close(&r);
    for (size_t i = 0; i <= sk_array_len(bad); i++) {
        const char *session = i < sk_array_len(bad) ? bad[i] : other;
        reader_open(&r, s, (struct sk_log_ask){.follow = true, .session = session});
        assert_int_equal(r.breaks, 0); /* never within the call */
        world_settle(&w);
        assert_int_equal(r.breaks, 1);
        assert_string_equal(r.code, "SESSION_NOT_FOUND");
        reader_close(&r);
    }
    world_fini(&w);
}

/* The process ended while nobody was connected: the rest, then the end. */
static void test_resume_of_an_ended_sandbox(void **state)
{
    struct world w;
    struct reader r, rest;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "out:one\n", "sleep:5", "out:two\n", "exit:0"));
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_string_equal(reader_text(&r), "one\n");
    sk_log_close(sk_take(r.log));
    world_advance(&w, SK_SEC(6));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    reader_open(&rest, s, (struct sk_log_ask){.follow = true, .session = r.session, .offset = r.offset});
    world_settle(&w);
    assert_int_equal(rest.ends, 1);
    assert_string_equal(reader_text(&rest), "two\n");
    reader_close(&rest);
    reader_close(&r);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_with_timestamps),
        cmocka_unit_test(test_resume_after_the_marker),
        cmocka_unit_test(test_resume_of_what_is_gone),
        cmocka_unit_test(test_unknown_sessions),
        cmocka_unit_test(test_resume_of_an_ended_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
