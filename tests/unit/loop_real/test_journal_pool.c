/* The journal on the real pool: one fills, others read and search, the oldest segments go meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/journal.h"
#include "support/wait.h"

#include <fcntl.h>
#include <pthread.h>

enum { LIMIT = 1024 * 1024, TOTAL = 24 * 1024 * 1024, READERS = 4 };

struct reader {
    struct rig *rig;
    struct sk_done done;
    struct sk_journal_piece piece;
    uint64_t at, found, seen;
    unsigned turn;
    bool idle;
};

struct rig {
    struct sk_loop *loop;
    struct sk_journal *journal;
    char base[64], path[80];
    int out, in;
    struct sk_done filled;
    struct sk_journal_filled fill;
    struct reader readers[READERS];
    bool ended, quiet;
    const char *fault; /* the first thing that was wrong */
};

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)((offset * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

static void *feed(void *arg)
{
    const struct rig *rig = arg;
    uint8_t data[30000];
    for (uint64_t at = 0; at < TOTAL;) {
        size_t len = TOTAL - at < sizeof(data) ? (size_t)(TOTAL - at) : sizeof(data);
        for (size_t i = 0; i < len; i++)
            data[i] = byte_at(at + i);
        ssize_t put = write(rig->in, data, len);
        if (put <= 0)
            break;
        at += (uint64_t)put;
    }
    (void)close(rig->in);
    return NULL;
}

/* --- the writer ----------------------------------------------------------------------- */

static void stop_when_quiet(struct rig *rig)
{
    rig->quiet = rig->ended;
    for (size_t i = 0; i < READERS; i++)
        rig->quiet = rig->quiet && rig->readers[i].idle;
    if (rig->quiet)
        sk_loop_stop(rig->loop);
}

static void was_filled(struct sk_done *done, const struct sk_err *err)
{
    struct rig *rig = sk_container_of(done, struct rig, filled);
    if (err)
        rig->fault = "a fill failed";
    rig->ended = err || rig->fill.at_end;
    if (rig->ended) {
        stop_when_quiet(rig);
        return;
    }
    sk_done_init(&rig->filled, was_filled);
    sk_journal_fill(rig->journal, rig->out, &rig->fill, &rig->filled);
}

/* --- the readers ------------------------------------------------------------------------ */

static void next_turn(struct reader *reader);

static void was_found(struct sk_done *done, const struct sk_err *err)
{
    struct reader *reader = sk_container_of(done, struct reader, done);
    const struct sk_journal *journal = reader->rig->journal;
    if (err || reader->found < sk_journal_begin(journal) || reader->found > sk_journal_end(journal))
        reader->rig->fault = "a search failed";
    next_turn(reader);
}

static void was_read(struct sk_done *done, const struct sk_err *err)
{
    struct reader *reader = sk_container_of(done, struct reader, done);
    if (err && (err->code != SK_OUT_OF_RANGE || reader->piece.next < reader->at))
        reader->rig->fault = "a read failed";
    for (size_t i = 0; i < reader->piece.len; i++) {
        if (reader->piece.data[i] != byte_at(reader->at + i))
            reader->rig->fault = "a byte is wrong";
    }
    reader->seen += reader->piece.len;
    reader->at = reader->piece.next;
    free(reader->piece.data);
    free(reader->piece.marks);
    next_turn(reader);
}

static void next_turn(struct reader *reader)
{
    struct rig *rig = reader->rig;
    reader->piece = (struct sk_journal_piece){0};
    if (rig->fault || (rig->ended && reader->at >= sk_journal_end(rig->journal))) {
        reader->idle = true;
        stop_when_quiet(rig);
        return;
    }
    reader->turn++;
    if (reader->turn % 40 == 1) {
        sk_done_init(&reader->done, was_found);
        sk_journal_find_tail(rig->journal, 2000 + reader->turn, &reader->found, &reader->done);
    } else if (reader->turn % 40 == 2) {
        sk_done_init(&reader->done, was_found);
        sk_journal_find_since(rig->journal, sk_loop_wall(rig->loop), &reader->found, &reader->done);
    } else {
        sk_done_init(&reader->done, was_read);
        sk_journal_read(rig->journal, reader->at, &reader->piece, &reader->done);
    }
}

/* ------------------------------------------------------------------------------------------ */

static void set_up(struct rig *rig)
{
    struct sk_wait w;
    int ends[2];
    assert_int_equal(sk_loop_new(&rig->loop, NULL), SK_OK);
    (void)snprintf(rig->base, sizeof(rig->base), "/tmp/sk-journal-XXXXXX");
    assert_non_null(mkdtemp(rig->base));
    (void)snprintf(rig->path, sizeof(rig->path), "%s/it", rig->base);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    rig->out = ends[0];
    rig->in = ends[1];
    assert_int_equal(fcntl(rig->out, F_SETFL, O_NONBLOCK), 0);
    sk_wait_init(&w, rig->loop);
    sk_journal_open(rig->loop, NULL, rig->path, LIMIT, &rig->journal, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
}

static void tear_down(struct rig *rig)
{
    struct sk_wait w;
    sk_journal_free(rig->journal);
    sk_wait_init(&w, rig->loop);
    sk_journal_remove(rig->loop, rig->path, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_int_equal(rmdir(rig->base), 0);
    (void)close(rig->out);
    sk_loop_free(rig->loop);
}

static void reading_searching_and_filling_overlap(void **state)
{
    struct rig rig = {0};
    pthread_t feeder;
    (void)state;
    set_up(&rig);
    assert_int_equal(pthread_create(&feeder, NULL, feed, &rig), 0);
    sk_done_init(&rig.filled, was_filled);
    sk_journal_fill(rig.journal, rig.out, &rig.fill, &rig.filled);
    for (size_t i = 0; i < READERS; i++) {
        rig.readers[i].rig = &rig;
        next_turn(&rig.readers[i]);
    }
    assert_true(sk_wait_until(rig.loop, &rig.quiet, SK_SEC(60)));
    assert_int_equal(pthread_join(feeder, NULL), 0);
    if (rig.fault)
        fail_msg("%s", rig.fault);
    assert_int_equal(sk_journal_end(rig.journal), TOTAL);
    for (size_t i = 0; i < READERS; i++)
        assert_true(rig.readers[i].seen >= LIMIT / 2);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reading_searching_and_filling_overlap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
