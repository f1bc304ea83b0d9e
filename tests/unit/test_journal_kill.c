/* A writer that is killed at any moment loses and doubles no byte: the stream is such that every byte tells
 * its number, so one byte too few or too many shows in all that follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/journal_rig.h"

#include <signal.h>
#include <sys/wait.h>

enum { LIMIT = 4 * 1024 * 1024, ROUNDS = 50 };

/* Writes the stream in pieces of all sizes until nobody reads. */
static void feed(int in)
{
    static const size_t sizes[] = {1, 4096, 37, 65536, 700, 8192, 4095, 12345, 3};
    uint8_t data[65536];
    uint64_t at = 0;
    (void)fcntl(in, F_SETFL, 0);
    for (size_t i = 0;; i++) {
        size_t len = sizes[i % sk_array_len(sizes)];
        for (size_t k = 0; k < len; k++)
            data[k] = journal_rig_byte_at(at + k);
        ssize_t put = write(in, data, len);
        if (put <= 0)
            _exit(0);
        at += (uint64_t)put;
    }
}

/* The daemon of one round: fills until it is killed. */
static void keep_filling(struct journal_rig *rig)
{
    if (journal_rig_open(rig) != SK_OK)
        _exit(1);
    for (;;) {
        sk_vloop_advance(rig->loop, SK_MSEC(3));
        if (journal_rig_fill(rig, NULL) < 0)
            _exit(1);
    }
}

/* True when every kept byte is the one its number says. */
static bool is_true_to_the_stream(struct journal_rig *rig)
{
    bool same = true;
    uint64_t at = sk_journal_begin(rig->journal);
    while (same && at < sk_journal_end(rig->journal)) {
        struct sk_journal_piece piece;
        if (journal_rig_read(rig, at, &piece) != SK_OK)
            return false;
        for (size_t i = 0; i < piece.len; i++)
            same = same && piece.data[i] == journal_rig_byte_at(at + i);
        same = same && piece.mark_count > 0 && piece.marks[0].offset <= at;
        at = piece.next;
        journal_rig_drop_piece(&piece);
    }
    return same;
}

static pid_t start_feeder(struct journal_rig *rig)
{
    pid_t pid = fork();
    if (pid == 0) {
        sk_close_fd(&rig->out);
        feed(rig->in);
    }
    sk_close_fd(&rig->in);
    return pid;
}

/* Or the test proves nothing. */
static bool has_shown_much(size_t moved, uint64_t end)
{
    return moved > ROUNDS / 4 && end > LIMIT;
}

static void nothing_is_lost_or_doubled(void **state)
{
    struct journal_rig *rig = journal_rig_new("/tmp", LIMIT);
    uint64_t before = 0;
    size_t moved = 0;
    (void)state;
    srandom(3);
    pid_t feeder = start_feeder(rig);
    /* On a machine that is busy many are killed before they have written anything. */
    for (int round = 0; round < ROUNDS || (!has_shown_much(moved, before) && round < 100 * ROUNDS); round++) {
        int status = 0;
        pid_t writer = fork();
        if (writer == 0)
            keep_filling(rig);
        (void)usleep((useconds_t)(random() % 6000));
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(journal_rig_open(rig), SK_OK);
        assert_true(sk_journal_end(rig->journal) >= before);
        moved += sk_journal_end(rig->journal) > before;
        before = sk_journal_end(rig->journal);
        assert_true(is_true_to_the_stream(rig));
        assert_true(journal_rig_size(rig) <= LIMIT);
        journal_rig_close(rig);
    }
    assert_true(has_shown_much(moved, before));
    assert_int_equal(journal_rig_open(rig), SK_OK);
    assert_true(journal_rig_fill(rig, NULL) >= 0);
    assert_true(is_true_to_the_stream(rig));
    print_message("%zu rounds moved bytes, %llu in all\n", moved, (unsigned long long)before);
    sk_close_fd(&rig->out); /* ends the feeder */
    assert_int_equal(waitpid(feeder, NULL, 0), feeder);
    assert_int_equal(journal_rig_free(rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_or_doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
