/* journal_row.h: the segments of a journal, the oldest first. Between two of them there may be a hole, never
 * an overlap. A plain value: readers take a copy. Private to store/. */
#ifndef SK_STORE_JOURNAL_ROW_H
#define SK_STORE_JOURNAL_ROW_H

#include "base/log.h"
#include "store/journal_segment.h"

enum { SK_ROW_MAX = 64 };

struct sk_row {
    struct sk_segment segments[SK_ROW_MAX]; /* empty ones hold no byte and mean nothing to readers */
    size_t count;
    uint64_t end; /* the number of the next byte; behind the newest segment when a hole is the latest */
};

/* Reads the folder and cleans it: torn indices are repaired, remainders and what overlaps removed (log hears
 * of it), foreign names left alone. Blocking. */
SK_MUST_CHECK enum sk_code sk_row_load(int dir, const struct sk_log *log, struct sk_row *out_row,
                                       struct sk_err *err);
/* Takes out the oldest segment and removes its files; count > 0. */
void sk_row_drop_oldest(struct sk_row *row, int dir);

/* The newest; NULL when there is none. */
struct sk_segment *sk_row_newest(struct sk_row *row);
/* Bytes on the disk. */
uint64_t sk_row_size(const struct sk_row *row);
/* The segment that holds the byte `offset`; NULL when none does. */
const struct sk_segment *sk_row_find(const struct sk_row *row, uint64_t offset);
/* The first kept byte at or behind `offset`; the end when there is none. */
uint64_t sk_row_next(const struct sk_row *row, uint64_t offset);

#endif
