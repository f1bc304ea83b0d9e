/* Readings of a log: what comes, when it ends, how it goes on after a restart. */
#include "base/utf8.h"
#include "core/log_stream.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

/* One reading; what it gives is collected and checked. */
struct reader {
    struct sk_log_stream *log;
    struct sk_buf text;
    char session[64];
    uint64_t offset;
    int chunks, ends, breaks, errors;
    int cut; /* chunks that end inside a character */
    char code[32];
    struct sk_err error;
    bool lazy; /* wants only when told */
};

static void on_chunk(void *arg, const struct sk_log_chunk *chunk)
{
    struct reader *r = arg;

    r->chunks++;
    r->cut += sk_utf8_unfinished((const char *)chunk->data, chunk->len) > 0;
    if (chunk->len == 0 || chunk->len > 64 * 1024 || chunk->next_offset != r->offset + chunk->len ||
        (r->session[0] && strcmp(r->session, chunk->session) != 0) ||
        sk_buf_append(&r->text, chunk->data, chunk->len) != SK_OK)
        r->errors = 1000;
    r->offset = chunk->next_offset;
    (void)snprintf(r->session, sizeof(r->session), "%s", chunk->session);
    if (!r->lazy)
        sk_log_want(r->log);
}

static void on_end(void *arg)
{
    ((struct reader *)arg)->ends++;
}

static void on_broken(void *arg, const char *code, const char *text)
{
    struct reader *r = arg;

    (void)text;
    r->breaks++;
    (void)snprintf(r->code, sizeof(r->code), "%s", code);
}

static void on_error(void *arg, const struct sk_err *err)
{
    struct reader *r = arg;

    r->errors++;
    r->error = *err;
}

static const struct sk_log_events events = {on_chunk, on_end, on_broken, on_error};

static void open_reader(struct reader *r, struct sk_sandbox *s, struct sk_log_ask ask)
{
    *r = (struct reader){.offset = ask.offset};
    sk_buf_init(&r->text, 64 << 20);
    r->log = sk_log_open(s, &ask, &events, r);
    sk_log_want(r->log);
}

static void close_reader(struct reader *r)
{
    sk_log_close(sk_take(r->log));
    sk_buf_fini(&r->text);
}

static const char *text_of(struct reader *r)
{
    assert_int_equal(sk_buf_append(&r->text, "", 1), SK_OK);
    r->text.len--;
    return (const char *)r->text.data;
}

/* A finite reading, to its end. */
static void read_all(struct world *w, struct sk_sandbox *s, struct sk_log_ask ask, struct reader *r)
{
    open_reader(r, s, ask);
    world_advance(w, SK_SEC(4));
    assert_int_equal(r->ends, 1);
    assert_int_equal(r->breaks + r->errors, 0);
}

static void assert_reads(struct world *w, struct sk_sandbox *s, struct sk_log_ask ask, const char *expected)
{
    struct reader r;

    read_all(w, s, ask, &r);
    assert_string_equal(text_of(&r), expected);
    close_reader(&r);
}

static struct sk_sandbox *find(struct world *w, const char *id)
{
    struct sk_sandbox *s = sk_node_find(w->node, id);

    assert_non_null(s);
    return s;
}

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
    open_reader(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(740));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(20));
    assert_int_equal(r.ends, 1);
    assert_string_equal(text_of(&r), "one two ");
    close_reader(&r);
    world_fini(&w);
}

static void test_finite_of_the_silent(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    open_reader(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(990));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(10));
    assert_int_equal(r.ends, 1);
    close_reader(&r);
    open_reader(&r, s, (struct sk_log_ask){0});
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(r.chunks, 0);
    close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){0});
    world_advance(&w, SK_MSEC(2990));
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_MSEC(20));
    assert_int_equal(r.ends, 1);
    assert_in_range(r.text.len, 28, 32);
    close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){0});
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(r.text.len, 300004);
    assert_string_equal(text_of(&r) + 300000, "last");
    close_reader(&r);
    assert_int_equal(s->log_file.users, 0);
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_FAILED_PRECONDITION);
    assert_string_equal(r.error.reason, "SANDBOX_NOT_RUNNING");
    close_reader(&r);
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
    read_all(&w, s, (struct sk_log_ask){0}, &r);
    assert_int_equal(sscanf(text_of(&r), "[sandkeep: %llu bytes of older output were dropped]", &dropped), 1);
    assert_true(dropped > 3000000 - (256 << 10));
    const char *rest = strchr(text_of(&r), '\n') + 1;
    assert_int_equal(strlen(rest), 3000000 - dropped);
    close_reader(&r);
    /* The last line is what it was asked for: nothing is missing. */
    read_all(&w, s, (struct sk_log_ask){.tail_lines = 1}, &r);
    assert_int_equal(text_of(&r)[0], 'x');
    close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_string_equal(text_of(&r), "one\n");
    world_advance(&w, SK_MSEC(5001));
    assert_string_equal(text_of(&r), "one\ntwo\n");
    assert_int_equal(r.ends, 0);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(r.ends, 1);
    assert_string_equal(text_of(&r), "one\ntwo\nend");
    /* Who saw the end of the log sees the end of the process. */
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    close_reader(&r);
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
    open_reader(&r, created.sandbox, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_MSEC(300));
    assert_int_equal(r.ends + r.errors + r.chunks, 0);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.ends, 1);
    assert_string_equal(text_of(&r), "hello");
    close_reader(&r);
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
    open_reader(&r, created.sandbox, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_FAILED_PRECONDITION);
    close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    r.lazy = true;
    world_advance(&w, SK_SEC(1));
    assert_int_equal(r.chunks, 1);
    sk_log_want(r.log);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(r.chunks, 2);
    close_reader(&r);
    world_fini(&w);
}

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
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    r.lazy = true;
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.chunks, 1);
    r.lazy = false;
    sk_log_want(r.log);
    world_settle(&w);
    assert_int_equal(r.breaks, 1);
    assert_string_equal(r.code, "REPLAY_GAP");
    close_reader(&r);
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
        r.log = sk_log_open(s, &ask, &events, &r);
        world_advance(&w, SK_SEC(follow ? 1 : 10));
        sk_log_want(r.log);
        world_settle(&w);
        assert_int_equal(r.breaks + r.errors, 0);
        assert_int_equal(sscanf(text_of(&r), "[sandkeep: %llu bytes of older output were dropped]", &dropped),
                         1);
        assert_int_equal(dropped, sk_journal_begin(s->log_file.journal));
        close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){0});
    r.lazy = true;
    world_advance(&w, SK_SEC(10));
    assert_int_equal(r.chunks, 1);
    size_t had = r.text.len;
    r.lazy = false;
    sk_log_want(r.log);
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    assert_int_equal(sscanf(text_of(&r) + had, "\n[sandkeep: %llu bytes of output were dropped]", &dropped),
                     1);
    assert_true(had + dropped >= 200000);
    close_reader(&r);
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
    read_all(&w, s, (struct sk_log_ask){0}, &r);
    assert_int_equal(r.text.len, 3 * SIGNS * TIMES);
    assert_int_equal(r.cut, 0);
    close_reader(&r);
    open_reader(&r, s, (struct sk_log_ask){.follow = true, .timestamps = true});
    world_settle(&w);
    assert_int_equal(r.text.len, 25 + 3 * SIGNS * TIMES);
    assert_int_equal(r.cut, 0);
    close_reader(&r);
    world_fini(&w);
}

static void test_many_followers_share_reads(void **state)
{
    enum { MANY = 1000 };
    struct world w;
    struct reader *r = sk_alloc(MANY * sizeof(*r));

    (void)state;
    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:one\n", "sleep:5", "out:two\n", "sleep:5", "exit:0"));
    for (int i = 0; i < MANY; i++)
        open_reader(&r[i], s, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(6));
    for (int i = 0; i < MANY; i += 2)
        close_reader(&r[i]);
    world_advance(&w, SK_SEC(6));
    for (int i = 1; i < MANY; i += 2) {
        assert_int_equal(r[i].ends, 1);
        assert_string_equal(text_of(&r[i]), "one\ntwo\n");
        close_reader(&r[i]);
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
        open_reader(
            &r, s, (struct sk_log_ask){.follow = turns % 2, .tail_lines = (uint64_t)turns % 3, .since = {1}});
        for (int i = 0; i < turns; i++)
            sk_vloop_turn(w.loop);
        close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    sk_vloop_turn(w.loop);
    sk_vloop_turn(w.loop);
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.error.code, SK_UNAVAILABLE);
    close_reader(&r);
    world_settle(&w);
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w.node));
    world_fini(&w);
}

/* --- taking up again ------------------------------------------------------------ */

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
    open_reader(&whole, s, (struct sk_log_ask){.follow = true, .timestamps = timestamps});
    world_advance(&w, SK_SEC(3));
    const char *expected = text_of(&whole);
    sk_log_close(sk_take(whole.log));
    crash_and_start(&w);
    for (uint64_t at = 0; at <= whole.text.len; at += step) {
        open_reader(&r, find(&w, id),
                    (struct sk_log_ask){.follow = true, .session = whole.session, .offset = at});
        world_settle(&w);
        assert_int_equal(r.breaks + r.errors, 0);
        assert_string_equal(text_of(&r), expected + at);
        close_reader(&r);
    }
    open_reader(&r, find(&w, id),
                (struct sk_log_ask){.follow = true, .session = whole.session, .offset = whole.text.len + 1});
    world_settle(&w);
    assert_int_equal(r.breaks, 1);
    assert_string_equal(r.code, "INVALID_RESUME_OFFSET");
    close_reader(&r);
    close_reader(&whole);
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
    open_reader(&whole, s, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(1));
    const char *expected = text_of(&whole);
    assert_memory_equal(expected, "[sandkeep: ", 11);
    sk_log_close(sk_take(whole.log));
    crash_and_start(&w);
    for (uint64_t at = 0; at < 100; at++) {
        open_reader(&r, find(&w, id),
                    (struct sk_log_ask){.follow = true, .session = whole.session, .offset = at});
        world_settle(&w);
        assert_string_equal(text_of(&r), expected + at);
        close_reader(&r);
    }
    close_reader(&whole);
    world_fini(&w);
}

static void test_resume_of_what_is_gone(void **state)
{
    struct world w;
    struct reader r;
    char session[64];

    (void)state;
    world_init(&w);
    w.config.log_max = 256 << 10;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "out:early", "sleep:5", "fill:3000000", "sleep:infinity"));
    for (int timestamps = 0; timestamps < 2; timestamps++) {
        open_reader(&r, s, (struct sk_log_ask){.follow = true, .timestamps = timestamps});
        world_settle(&w);
        (void)snprintf(session, sizeof(session), "%s", r.session);
        close_reader(&r);
    }
    world_advance(&w, SK_SEC(6));
    open_reader(&r, s, (struct sk_log_ask){.follow = true, .session = session, .offset = 5});
    world_settle(&w);
    assert_int_equal(r.breaks, 1);
    assert_string_equal(r.code, "REPLAY_GAP");
    close_reader(&r);
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
    open_reader(&r, world_running(&w, ARGV("play", "out:y", "sleep:infinity")),
                (struct sk_log_ask){.follow = true});
    world_settle(&w);
    (void)snprintf(other, sizeof(other), "%s", r.session);
    close_reader(&r);
    for (size_t i = 0; i <= sk_array_len(bad); i++) {
        const char *session = i < sk_array_len(bad) ? bad[i] : other;
        open_reader(&r, s, (struct sk_log_ask){.follow = true, .session = session});
        assert_int_equal(r.breaks, 0); /* never within the call */
        world_settle(&w);
        assert_int_equal(r.breaks, 1);
        assert_string_equal(r.code, "SESSION_NOT_FOUND");
        close_reader(&r);
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
    open_reader(&r, s, (struct sk_log_ask){.follow = true});
    world_settle(&w);
    assert_string_equal(text_of(&r), "one\n");
    sk_log_close(sk_take(r.log));
    world_advance(&w, SK_SEC(6));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    open_reader(&rest, s, (struct sk_log_ask){.follow = true, .session = r.session, .offset = r.offset});
    world_settle(&w);
    assert_int_equal(rest.ends, 1);
    assert_string_equal(text_of(&rest), "two\n");
    close_reader(&rest);
    close_reader(&r);
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
        cmocka_unit_test(test_a_reader_that_falls_behind),
        cmocka_unit_test(test_a_reader_that_comes_too_late),
        cmocka_unit_test(test_a_finite_reader_that_falls_behind),
        cmocka_unit_test(test_characters_between_files),
        cmocka_unit_test(test_many_followers_share_reads),
        cmocka_unit_test(test_closing_at_any_moment),
        cmocka_unit_test(test_the_daemon_stops),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_with_timestamps),
        cmocka_unit_test(test_resume_after_the_marker),
        cmocka_unit_test(test_resume_of_what_is_gone),
        cmocka_unit_test(test_unknown_sessions),
        cmocka_unit_test(test_resume_of_an_ended_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
