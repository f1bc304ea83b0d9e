/* journal_segment.h: one segment of a journal: a data file, named after the number of its first byte, and an
 * index of when the bytes came. Blocking; private to store/.
 *
 * The index is a row of entries of 16 bytes: u64 LE `end`, i64 LE `at` (wall clock, ns): the bytes from the
 * end of the entry before up to `end` came at `at`. An entry is written after its bytes, so what a killed
 * writer leaves is bytes behind the last entry; they get the file's time when the segment is loaded. */
#ifndef SK_STORE_JOURNAL_SEGMENT_H
#define SK_STORE_JOURNAL_SEGMENT_H

#include "base/clock.h"
#include "base/err.h"

#define SK_SEGMENT_ENTRY_LEN ((uint64_t)16)

enum { SK_SEGMENT_NAME_LEN = 24, /* 16 hex, a suffix of 4, NUL, rounded */ SK_SEGMENT_ENTRIES_MAX = 4096 };

struct sk_segment {
    uint64_t begin;   /* the number of the first byte */
    uint64_t len;     /* bytes of data */
    uint64_t entries; /* of the index */
    uint64_t indexed; /* bytes, from the first on, that the entries speak of */
    struct sk_wall first_at, last_at;
};

/* The two files, open for appending; -1 = not open. */
struct sk_segment_files {
    int data, index; /* index: -1 when it could not be made; then only last_at is known */
};

struct sk_segment_entry {
    uint64_t end;
    struct sk_wall at;
};

static inline uint64_t sk_segment_end(const struct sk_segment *segment)
{
    return segment->begin + segment->len;
}

/* Bytes on the disk. */
static inline uint64_t sk_segment_size(const struct sk_segment *segment)
{
    return segment->len + segment->entries * SK_SEGMENT_ENTRY_LEN;
}

void sk_segment_data_name(uint64_t begin, char out_name[SK_SEGMENT_NAME_LEN]);
void sk_segment_index_name(uint64_t begin, char out_name[SK_SEGMENT_NAME_LEN]);
/* False for names that are not ours. */
bool sk_segment_parse_name(const char *name, uint64_t *out_begin, bool *out_is_index);

/* Learns what the files hold and repairs the index. Errors: SK_FAILED_PRECONDITION (not a file), else by
 * errno. */
SK_MUST_CHECK enum sk_code sk_segment_load(int dir, uint64_t begin, struct sk_segment *out_segment,
                                           struct sk_err *err);
/* Makes new, empty files. */
SK_MUST_CHECK enum sk_code sk_segment_create(int dir, uint64_t begin, struct sk_segment_files *out_files,
                                             struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_segment_open(int dir, uint64_t begin, struct sk_segment_files *out_files,
                                           struct sk_err *err);
/* Gives an empty segment a later first byte. */
SK_MUST_CHECK enum sk_code sk_segment_rename(int dir, uint64_t from, uint64_t to, struct sk_err *err);
/* For reading; -1 when it cannot be opened, err says why. */
SK_MUST_CHECK int sk_segment_open_data(int dir, const struct sk_segment *segment, struct sk_err *err);
/* The bytes from number `offset` on; returns how many could be read, fewer than `len` from a torn file. */
size_t sk_segment_read(int data, const struct sk_segment *segment, uint64_t offset, void *out_data,
                       size_t len);
void sk_segment_close(struct sk_segment_files *files);
/* Removes the files, as far as they are there. */
void sk_segment_remove(int dir, uint64_t begin);

/* Counts `len` bytes that were just appended to the data and came at `at` (never before last_at), and
 * brings the index up to date. An index that cannot be written is left behind, for the next call to catch up.
 */
void sk_segment_note(struct sk_segment *segment, const struct sk_segment_files *files, uint64_t len,
                     struct sk_wall at);

/* Reads up to `max` (SK_SEGMENT_ENTRIES_MAX) entries from entry `first` on; returns how many could be read.
 */
size_t sk_segment_read_entries(int index, uint64_t first, struct sk_segment_entry *out_entries, size_t max);

#endif
