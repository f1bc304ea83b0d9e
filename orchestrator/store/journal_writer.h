/* journal_writer.h: the one who appends to a journal: moves bytes from a pipe into the newest segment, begins
 * new segments, drops the oldest. Blocking; one call at a time; private to store/.
 *
 * The order on disk: bytes, then their index entry; readers are told (they get a copy of `row`) when both are
 * done. */
#ifndef SK_STORE_JOURNAL_WRITER_H
#define SK_STORE_JOURNAL_WRITER_H

#include "store/journal.h"
#include "store/journal_row.h"

struct sk_journal_writer {
    int dir; /* borrowed */
    uint64_t limit;
    struct sk_row row;
    struct sk_segment_files
        files;             /* of the newest segment, which then ends at row.end; -1: a new one is due */
    struct sk_wall latest; /* of all bytes; times never run backwards */
};

/* Loads the row and makes it fit the limit. Must be closed in any case. */
SK_MUST_CHECK enum sk_code sk_journal_writer_open(struct sk_journal_writer *writer, int dir, uint64_t limit,
                                                  const struct sk_log *log, struct sk_err *err);
/* Harmless on one that was closed. */
void sk_journal_writer_close(struct sk_journal_writer *writer);

/* As journal.h says of fill and skip; *out is set in any case. `at`: when the bytes came. */
SK_MUST_CHECK enum sk_code sk_journal_writer_fill(struct sk_journal_writer *writer, int pipe_fd,
                                                  struct sk_wall at, struct sk_journal_filled *out,
                                                  struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_journal_writer_skip(struct sk_journal_writer *writer, int pipe_fd,
                                                  struct sk_journal_filled *out, struct sk_err *err);

#endif
