/* journal_rig.h: one journal in a folder of its own, on the virtual loop, with a pipe to fill it from. */
#ifndef SK_TEST_JOURNAL_RIG_H
#define SK_TEST_JOURNAL_RIG_H

#include "store/journal.h"
#include "support/vloop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct journal_rig {
    char base[64], path[80];
    struct sk_loop *loop;
    struct sk_journal *journal;
    uint64_t limit;
    int out, in; /* the pipe: read end, write end */
    struct sk_done done;
    unsigned fired;
    struct sk_err err; /* of the last call; SK_OK = success */
};

static inline void journal_rig_fired(struct sk_done *done, const struct sk_err *err)
{
    struct journal_rig *rig = sk_container_of(done, struct journal_rig, done);
    rig->fired++;
    rig->err = err ? *err : (struct sk_err){0};
}

/* For the next call. */
static inline struct sk_done *journal_rig_done(struct journal_rig *rig)
{
    rig->fired = 0;
    sk_done_init(&rig->done, journal_rig_fired);
    return &rig->done;
}

/* The code of the call that was given journal_rig_done(). */
static inline enum sk_code journal_rig_wait(struct journal_rig *rig)
{
    if (rig->fired != 0)
        return SK_ABORTED; /* inside the call */
    sk_vloop_settle(rig->loop);
    return rig->fired == 1 ? rig->err.code : SK_ABORTED;
}

static inline enum sk_code journal_rig_open(struct journal_rig *rig)
{
    sk_journal_open(rig->loop, NULL, rig->path, rig->limit, &rig->journal, journal_rig_done(rig));
    return journal_rig_wait(rig);
}

static inline void journal_rig_close(struct journal_rig *rig)
{
    sk_journal_free(rig->journal);
    rig->journal = NULL;
}

static inline void journal_rig_reopen(struct journal_rig *rig)
{
    journal_rig_close(rig);
    assert_int_equal(journal_rig_open(rig), SK_OK);
}

static inline bool journal_rig_pipe(struct journal_rig *rig)
{
    int ends[2];
    sk_close_fd(&rig->out);
    sk_close_fd(&rig->in);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return false;
    rig->out = ends[0];
    rig->in = ends[1];
    return true;
}

/* Fills from the pipe; the length moved, -1 on error. */
static inline ssize_t journal_rig_fill(struct journal_rig *rig, bool *out_at_end)
{
    struct sk_journal_filled filled = {0};
    sk_journal_fill(rig->journal, rig->out, &filled, journal_rig_done(rig));
    enum sk_code code = journal_rig_wait(rig);
    if (out_at_end)
        *out_at_end = filled.at_end;
    return code == SK_OK ? (ssize_t)filled.len : -1;
}

/* Throws away what is in the pipe; the length. */
static inline size_t journal_rig_skip(struct journal_rig *rig)
{
    struct sk_journal_filled filled = {0};
    sk_journal_skip(rig->journal, rig->out, &filled, journal_rig_done(rig));
    assert_int_equal(journal_rig_wait(rig), SK_OK);
    return filled.len;
}

/* Puts bytes through the pipe into the journal; false when one step fails. */
static inline bool journal_rig_put(struct journal_rig *rig, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t put = write(rig->in, (const char *)data + at, len - at);
        if (put < 0 && errno != EAGAIN)
            return false;
        at += put > 0 ? (size_t)put : 0;
        if (journal_rig_fill(rig, NULL) < 0)
            return false;
    }
    return true;
}

static inline enum sk_code journal_rig_read(struct journal_rig *rig, uint64_t offset,
                                            struct sk_journal_piece *out)
{
    *out = (struct sk_journal_piece){0};
    sk_journal_read(rig->journal, offset, out, journal_rig_done(rig));
    return journal_rig_wait(rig);
}

static inline void journal_rig_drop_piece(struct sk_journal_piece *piece)
{
    free(sk_take(piece->data));
    free(sk_take(piece->marks));
}

static inline uint64_t journal_rig_tail(struct journal_rig *rig, uint64_t lines)
{
    uint64_t offset = UINT64_MAX;
    sk_journal_find_tail(rig->journal, lines, &offset, journal_rig_done(rig));
    return journal_rig_wait(rig) == SK_OK ? offset : UINT64_MAX;
}

static inline uint64_t journal_rig_since(struct journal_rig *rig, int64_t ns)
{
    uint64_t offset = UINT64_MAX;
    sk_journal_find_since(rig->journal, (struct sk_wall){ns}, &offset, journal_rig_done(rig));
    return journal_rig_wait(rig) == SK_OK ? offset : UINT64_MAX;
}

/* The byte at `offset` of a stream that never repeats at the distance of a segment. */
static inline uint8_t journal_rig_byte_at(uint64_t offset)
{
    return (uint8_t)((offset * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

static inline void journal_rig_put_stream(struct journal_rig *rig, uint64_t from, size_t len)
{
    SK_AUTO_FREE uint8_t *data = sk_alloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = journal_rig_byte_at(from + i);
    assert_true(journal_rig_put(rig, data, len));
}

/* Reads all that is kept, from begin on, and compares; returns the bytes seen. */
static inline uint64_t journal_rig_check_stream(struct journal_rig *rig)
{
    uint64_t at = sk_journal_begin(rig->journal), seen = 0;
    while (at < sk_journal_end(rig->journal)) {
        struct sk_journal_piece piece;
        enum sk_code code = journal_rig_read(rig, at, &piece);
        if (code == SK_OUT_OF_RANGE) {
            assert_true(piece.next > at);
            at = piece.next;
            continue;
        }
        assert_int_equal(code, SK_OK);
        assert_true(piece.len > 0 && piece.len <= SK_JOURNAL_READ_MAX && piece.next == at + piece.len);
        assert_true(piece.mark_count > 0 && piece.marks[0].offset <= at);
        for (size_t i = 1; i < piece.mark_count; i++) {
            assert_true(piece.marks[i].offset > piece.marks[i - 1].offset);
            assert_true(piece.marks[i].offset < piece.next);
            assert_true(piece.marks[i].at.ns >= piece.marks[i - 1].at.ns);
        }
        for (size_t i = 0; i < piece.len; i++)
            assert_int_equal(piece.data[i], journal_rig_byte_at(at + i));
        seen += piece.len;
        at = piece.next;
        journal_rig_drop_piece(&piece);
    }
    return seen;
}

/* Bytes of all files in the folder. */
static inline uint64_t journal_rig_size(const struct journal_rig *rig)
{
    DIR *dir = opendir(rig->path);
    uint64_t size = 0;
    struct stat info;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
            size += (uint64_t)info.st_size;
    }
    if (dir)
        (void)closedir(dir);
    return size;
}

/* A folder below `parent`; the journal is not opened yet. */
static inline struct journal_rig *journal_rig_new(const char *parent, uint64_t limit)
{
    struct journal_rig *rig = sk_alloc(sizeof(*rig));
    rig->out = rig->in = -1;
    rig->limit = limit;
    rig->loop = sk_vloop_new();
    (void)snprintf(rig->base, sizeof(rig->base), "%.40s/sk-journal-XXXXXX", parent);
    if (!mkdtemp(rig->base) || !journal_rig_pipe(rig))
        abort();
    (void)snprintf(rig->path, sizeof(rig->path), "%s/it", rig->base);
    return rig;
}

/* Non-zero when something is left. */
static inline int journal_rig_free(struct journal_rig *rig)
{
    journal_rig_close(rig);
    sk_journal_remove(rig->loop, rig->path, journal_rig_done(rig));
    int left = journal_rig_wait(rig) != SK_OK;
    left |= rmdir(rig->base) || !sk_vloop_is_empty(rig->loop);
    sk_loop_free(rig->loop);
    sk_close_fd(&rig->out);
    sk_close_fd(&rig->in);
    free(rig);
    return left;
}

#endif
