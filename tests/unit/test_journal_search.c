/* The last lines, and what came since a moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/journal_rig.h"

enum { LIMIT = 64 * 1024, SEGMENT = LIMIT / 8 };

static int set_up(void **state)
{
    struct journal_rig *rig = journal_rig_new("/tmp", LIMIT);
    *state = rig;
    return journal_rig_open(rig) != SK_OK;
}

static int tear_down(void **state)
{
    return journal_rig_free(*state);
}

/* What a journal should know: every byte with its number and the time of its entry. */
struct model {
    struct fact {
        uint64_t offset;
        int64_t at;
        char byte;
    } * facts;
    size_t len;
};

static uint64_t model_tail(const struct model *m, size_t from, uint64_t lines, uint64_t end)
{
    size_t start = m->len;
    if (start == from)
        return end;
    for (; lines > 0 && start > from; lines--) {
        start--; /* the last byte of the line, its line feed if it has one */
        while (start > from && m->facts[start - 1].byte != '\n')
            start--;
    }
    return m->facts[start].offset;
}

static uint64_t model_since(const struct model *m, size_t from, int64_t at, uint64_t end)
{
    for (size_t i = from; i < m->len; i++) {
        if (m->facts[i].at >= at)
            return m->facts[i].offset;
    }
    return end;
}

/* The first fact that the journal still keeps. */
static size_t kept(const struct journal_rig *rig, const struct model *m)
{
    size_t from = 0;
    while (from < m->len && m->facts[from].offset < sk_journal_begin(rig->journal))
        from++;
    return from;
}

static void compare_searches(struct journal_rig *rig, const struct model *m, int64_t epoch)
{
    size_t from = kept(rig, m);
    uint64_t end = sk_journal_end(rig->journal);
    for (uint64_t lines = 1; lines < 40; lines += 1 + (uint64_t)random() % 5)
        assert_int_equal(journal_rig_tail(rig, lines), model_tail(m, from, lines, end));
    assert_int_equal(journal_rig_tail(rig, UINT64_MAX), model_tail(m, from, UINT64_MAX, end));
    int64_t now = sk_loop_wall(rig->loop).ns;
    for (int i = 0; i < 20; i++) {
        int64_t at = epoch - 5 + (int64_t)((uint64_t)random() % (uint64_t)(now - epoch + 10));
        assert_int_equal(journal_rig_since(rig, at), model_since(m, from, at, end));
        if (m->len > from) { /* exactly the time of a byte */
            at = m->facts[from + (size_t)random() % (m->len - from)].at;
            assert_int_equal(journal_rig_since(rig, at), model_since(m, from, at, end));
        }
    }
}

static void searches_agree_with_a_naive_model(void **state)
{
    struct journal_rig *rig = *state;
    struct model m = {sk_alloc(400000 * sizeof(*m.facts)), 0};
    int64_t epoch = sk_loop_wall(rig->loop).ns;
    uint64_t at = 0;
    srandom(7);
    for (int i = 0; i < 600; i++) {
        char text[600];
        size_t len = 1 + (size_t)random() % (size_t)(i % 3 ? 40 : 600);
        for (size_t k = 0; k < len; k++)
            text[k] = random() % (1 + i % 60) ? 'x' : '\n';
        sk_vloop_advance(rig->loop, SK_MSEC(10 + random() % 30));
        if (i % 41 == 40) {
            assert_int_equal(write(rig->in, text, len), len);
            assert_int_equal(journal_rig_skip(rig), len);
        } else {
            assert_true(journal_rig_put(rig, text, len));
            for (size_t k = 0; k < len; k++)
                m.facts[m.len++] = (struct fact){at + k, sk_loop_wall(rig->loop).ns, text[k]};
        }
        at += len;
        if (i % 90 == 89)
            journal_rig_reopen(rig);
        if (i % 10 == 0)
            compare_searches(rig, &m, epoch);
    }
    free(m.facts);
}

static void a_long_line_is_found_over_many_steps(void **state)
{
    struct journal_rig *rig = *state;
    SK_AUTO_FREE char *text = sk_alloc(64 * 1024);
    journal_rig_close(rig);
    rig->limit = 32 * 1024 * 1024;
    assert_int_equal(journal_rig_open(rig), SK_OK);
    memset(text, 'x', 64 * 1024);
    assert_true(journal_rig_put(rig, "one\ntwo\n", 8));
    for (int i = 0; i < 90; i++)
        assert_true(journal_rig_put(rig, text, 64 * 1024));
    assert_int_equal(journal_rig_tail(rig, 1), 8);
    assert_int_equal(journal_rig_tail(rig, 2), 4);
    assert_int_equal(journal_rig_tail(rig, 4), 0);
    assert_true(journal_rig_put(rig, "\n", 1));
    assert_int_equal(journal_rig_tail(rig, 1), 8);
}

/* A search of several steps, while what it will find is dropped. */
static void a_search_never_answers_what_was_dropped_meanwhile(void **state)
{
    struct journal_rig *rig = *state;
    SK_AUTO_FREE char *text = sk_alloc(64 * 1024);
    uint64_t first;
    journal_rig_close(rig);
    rig->limit = 4 * 1024 * 1024;
    assert_int_equal(journal_rig_open(rig), SK_OK);
    for (int i = 0; i < 60; i++)
        assert_true(journal_rig_put(rig, text, 64 * 1024));
    first = sk_journal_begin(rig->journal);
    for (int i = 0; i < 30; i++) {
        struct journal_rig other = *rig;
        struct sk_journal_filled filled;
        uint64_t found = UINT64_MAX;
        assert_true(write(rig->in, text, 64 * 1024) > 0);
        sk_journal_find_tail(rig->journal, UINT64_MAX, &found, journal_rig_done(rig));
        sk_journal_fill(rig->journal, rig->out, &filled, journal_rig_done(&other));
        assert_int_equal(journal_rig_wait(rig), SK_OK);
        assert_int_equal(other.fired, 1);
        assert_int_equal(found, sk_journal_begin(rig->journal));
    }
    assert_true(sk_journal_begin(rig->journal) > first);
}

static void a_clock_set_back_stands_still(void **state)
{
    struct journal_rig *rig = *state;
    int64_t first = sk_loop_wall(rig->loop).ns;
    assert_true(journal_rig_put(rig, "a", 1));
    sk_vloop_jump_wall(rig->loop, SK_SEC(-3600));
    assert_true(journal_rig_put(rig, "b", 1));
    journal_rig_reopen(rig);
    assert_true(journal_rig_put(rig, "c", 1));
    assert_int_equal(journal_rig_since(rig, first), 0);
    assert_int_equal(journal_rig_since(rig, first + 1), 3);
    for (int i = 0; i < SEGMENT; i++) /* into the next segment */
        assert_true(journal_rig_put(rig, "d", 1));
    struct sk_journal_piece piece;
    assert_int_equal(journal_rig_read(rig, SEGMENT, &piece), SK_OK);
    assert_int_equal(piece.marks[0].at.ns, first);
    journal_rig_drop_piece(&piece);
}

/* More marks than one answer holds: the piece is cut, none is lost. */
static void very_many_marks_come_in_more_than_one_piece(void **state)
{
    struct journal_rig *rig = *state;
    struct sk_journal_piece piece;
    size_t marks = 0, pieces = 0;
    journal_rig_close(rig);
    rig->limit = 64 * LIMIT;
    assert_int_equal(journal_rig_open(rig), SK_OK);
    for (uint64_t at = 0; at < 10000; at++) {
        journal_rig_put_stream(rig, at, 1);
        sk_vloop_advance(rig->loop, SK_MSEC(10));
    }
    for (uint64_t at = 0; at < 10000; at = piece.next, pieces++) {
        assert_int_equal(journal_rig_read(rig, at, &piece), SK_OK);
        assert_int_equal(piece.marks[0].offset, at);
        marks += piece.mark_count;
        journal_rig_drop_piece(&piece);
    }
    assert_int_equal(marks, 10000);
    assert_int_equal(pieces, 3);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(searches_agree_with_a_naive_model),
        TEST(a_long_line_is_found_over_many_steps),
        TEST(a_search_never_answers_what_was_dropped_meanwhile),
        TEST(a_clock_set_back_stands_still),
        TEST(very_many_marks_come_in_more_than_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
