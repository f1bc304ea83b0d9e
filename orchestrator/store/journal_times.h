/* journal_times.h: when the bytes of a segment came, as its index tells. Blocking; private to store/.
 *
 * An index that is torn, or was changed by somebody else, gives coarser times and never an error. */
#ifndef SK_STORE_JOURNAL_TIMES_H
#define SK_STORE_JOURNAL_TIMES_H

#include "store/journal.h"
#include "store/journal_segment.h"

/* The marks of the bytes [offset, offset + *len), which lie in the segment; the first is at or before
 * `offset`. *len gets smaller, never 0, when there are more marks than one answer holds. Heap, the caller's.
 */
struct sk_journal_mark *sk_times_of(int dir, const struct sk_segment *segment, uint64_t offset, size_t *len,
                                    size_t *out_count);
/* The first byte of the segment that came at `since` or later; its end when there is none. */
uint64_t sk_times_find(int dir, const struct sk_segment *segment, struct sk_wall since);

#endif
