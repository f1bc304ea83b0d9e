/* What a reading gives where bytes are missing, or lie in two files. */
#include "core/sandbox_impl.h"
#include "support/log_rig.h"

static void test_a_reader_that_falls_behind(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "fill:100000", "sleep:5", "fill:3000000", "sleep:infinity"));
    reader_open(&r, s, (struct sk_log_ask){.follow = true});
    r.lazy = true;
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.chunks, 1);
    r.lazy = false;
    sk_log_want(r.log);
    world_settle(&w);
    assert_int_equal(r.breaks, 1);
    assert_string_equal(r.code, "REPLAY_GAP");
    reader_close(&r);
    world_fini(&w);
}

/* Who has had nothing yet begins with what is left. */
static void test_a_reader_that_comes_too_late(void **state)
{
    struct world w;
    struct reader r;
    unsigned long long dropped = 0;

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "fill:100000", "sleep:5", "fill:3000000", "sleep:infinity"));
    for (int follow = 0; follow < 2; follow++) {
        r = (struct reader){0};
        sk_buf_init(&r.text, 64 << 20);
        struct sk_log_ask ask = {.follow = follow};
        r.log = sk_log_open(s, &ask, &reader_events, &r);
        world_advance(&w, SK_SEC(follow ? 1 : 10));
        sk_log_want(r.log);
        world_settle(&w);
        assert_int_equal(r.breaks + r.errors, 0);
        assert_int_equal(
            sscanf(reader_text(&r), "[sandkeep: %llu bytes of older output were dropped]", &dropped), 1);
        assert_int_equal(dropped, sk_journal_begin(s->log_file.journal));
        reader_close(&r);
    }
    world_fini(&w);
}

static void test_a_finite_reader_that_falls_behind(void **state)
{
    struct world w;
    struct reader r;
    unsigned long long dropped = 0;

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "fill:200000", "sleep:5", "fill:3000000", "sleep:infinity"));
    reader_open(&r, s, (struct sk_log_ask){0});
    r.lazy = true;
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.chunks, 1);
    size_t had = r.text.len;
    r.lazy = false;
    sk_log_want(r.log);
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(
        sscanf(reader_text(&r) + had, "\n[sandkeep: %llu bytes of output were dropped]", &dropped), 1);
    assert_true(had + dropped >= 200000);
    reader_close(&r);
    world_fini(&w);
}

/* Where one file of the journal ends and the next begins a character may be in two. */
static void test_characters_between_files(void **state)
{
    enum { SIGNS = 10000, TIMES = 25 };
    SK_AUTO_FREE char *euros = sk_alloc(4 + 6 * SIGNS + 1);
    const char *argv[TIMES + 3] = {"play"};
    struct world w;
    struct reader r;

    (void)state;
    memcpy(euros, "hex:", 4);
    for (size_t i = 0; i < SIGNS; i++)
        memcpy(euros + 4 + 6 * i, "E282AC", 6);
    for (size_t i = 1; i <= TIMES; i++)
        argv[i] = euros;
    argv[TIMES + 1] = "sleep:infinity";
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, argv);
    reader_read_all(&w, s, (struct sk_log_ask){0}, &r);
    assert_int_equal(r.text.len, 3 * SIGNS * TIMES);
    assert_int_equal(r.cut, 0);
    reader_close(&r);
    reader_open(&r, s, (struct sk_log_ask){.follow = true, .timestamps = true});
    world_settle(&w);
    assert_int_equal(r.text.len, 25 + 3 * SIGNS * TIMES);
    assert_int_equal(r.cut, 0);
    reader_close(&r);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_that_falls_behind),
        cmocka_unit_test(test_a_reader_that_comes_too_late),
        cmocka_unit_test(test_a_finite_reader_that_falls_behind),
        cmocka_unit_test(test_characters_between_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
