/* journal.h: the output of one main process, kept on disk, bounded.
 *
 * A journal is a folder of segments. Bytes are numbered from 0, the first the
 * process ever wrote, for ever; the oldest segments go when the whole would
 * grow past its limit, so what is kept lies in [begin, end). Beside the bytes
 * it remembers when they came, to about 10 ms; its times never run backwards.
 *
 * Bytes move from the pipe into the file by splice(2): they are never in the
 * daemon's memory, and a daemon that is killed at any moment has neither lost
 * nor doubled one of them (a machine that loses power may lose the latest:
 * nothing is synced). Everything on disk is checked when it is read: a torn or
 * foreign file costs its own bytes, never the daemon.
 *
 * Holes: bytes that were skipped, and segments that somebody else removed,
 * keep their numbers. A read inside a hole (or before begin) answers
 * SK_OUT_OF_RANGE and says where the kept bytes go on; what lies around the
 * hole stays readable. The searches never answer an offset inside a hole.
 *
 * Threads: loop only; the disk is touched by loop/work.h. At most one fill or
 * skip at a time; reads and searches may overlap with everything. `done`
 * fires once, on the loop; `out` must stay where it is until then. */
#ifndef SK_STORE_JOURNAL_H
#define SK_STORE_JOURNAL_H

#include "base/log.h"
#include "loop/done.h"

struct sk_journal;

#define SK_JOURNAL_FILL_MAX  ((size_t)1024 * 1024) /* bytes moved by one fill */
#define SK_JOURNAL_READ_MAX  ((size_t)64 * 1024)   /* bytes of one read */
#define SK_JOURNAL_LIMIT_MIN ((uint64_t)64 * 1024)

/* Opens the folder `path`, making it if it is not there (its parent must be), and learns what it holds. Heap.
 * limit: bytes on disk, index included, at least SK_JOURNAL_LIMIT_MIN. log (borrowed, may be NULL) hears of
 * what had to be thrown away. *out_journal is set before done fires; on failure it is NULL. */
void sk_journal_open(struct sk_loop *loop, const struct sk_log *log, const char *path, uint64_t limit,
                     struct sk_journal **out_journal, struct sk_done *done);
/* Frees; no read, search or fill may be under way (asserted). NULL is fine. The files stay. */
void sk_journal_free(struct sk_journal *journal);
/* Removes the folder `path` of a journal that is not open, with every file in it (no folder: there are none
 * of ours); absent = success. Follows no link: one in the folder's place is removed itself. */
void sk_journal_remove(struct sk_loop *loop, const char *path, struct sk_done *done);

/* The first byte that is kept (the end when there is none); behind the last byte that came. */
uint64_t sk_journal_begin(const struct sk_journal *journal);
uint64_t sk_journal_end(const struct sk_journal *journal);

struct sk_journal_filled {
    size_t len;  /* bytes moved; 0 = there was nothing */
    bool at_end; /* no writer is left and all was moved */
};
/* Moves what is in the pipe now (at most SK_JOURNAL_FILL_MAX). `pipe_fd` is borrowed until done fires,
 * non-blocking. A disk that refuses (SK_RESOURCE_EXHAUSTED: full, but for
 * what is left to others; else by errno) has taken out->len bytes;
 * the rest is still in the pipe. */
void sk_journal_fill(struct sk_journal *journal, int pipe_fd, struct sk_journal_filled *out,
                     struct sk_done *done);
/* Throws away what is in the pipe (at most SK_JOURNAL_FILL_MAX): for a disk that goes on refusing. The bytes
 * are counted, out->len of them: a hole. A daemon that is killed before the next successful fill may forget
 * it. */
void sk_journal_skip(struct sk_journal *journal, int pipe_fd, struct sk_journal_filled *out,
                     struct sk_done *done);

/* From `offset` on, up to the next mark, bytes came at `at`. */
struct sk_journal_mark {
    uint64_t offset;
    struct sk_wall at;
};

struct sk_journal_piece {
    uint8_t *data;                 /* heap, the caller's; NULL when len is 0 */
    size_t len;                    /* 0: `offset` is the end, nothing has come yet */
    struct sk_journal_mark *marks; /* heap, the caller's; NULL when len is 0 */
    size_t mark_count; /* at least 1 when len is not 0; the first is at or before `offset`; in order */
    uint64_t next;     /* where to read on: behind the piece; of SK_OUT_OF_RANGE: the next kept byte */
};
/* Reads from `offset` on, at most SK_JOURNAL_READ_MAX bytes, perhaps fewer than there are. Errors:
 * SK_OUT_OF_RANGE when the byte at `offset` is not kept, or lies beyond the end (out->next is set: the next
 * kept byte, or the end); SK_DATA_LOSS, SK_INTERNAL: the bytes cannot be read, though they should be there
 * (out->next: the segment behind them). */
void sk_journal_read(struct sk_journal *journal, uint64_t offset, struct sk_journal_piece *out,
                     struct sk_done *done);

/* Where the last `lines` lines begin (begin, when fewer are kept); an unterminated last line counts. lines >
 * 0. */
void sk_journal_find_tail(struct sk_journal *journal, uint64_t lines, uint64_t *out_offset,
                          struct sk_done *done);
/* The first kept byte that came at `since` or later; the end when there is none. */
void sk_journal_find_since(struct sk_journal *journal, struct sk_wall since, uint64_t *out_offset,
                           struct sk_done *done);

#endif
