/* journal_search.h: where the last lines begin, and what came since. Blocking, a bounded number of bytes at a
 * time; private to store/. */
#ifndef SK_STORE_JOURNAL_SEARCH_H
#define SK_STORE_JOURNAL_SEARCH_H

#include "store/journal_row.h"

/* A search for the last lines, from the end backwards. */
struct sk_tail {
    int dir;           /* borrowed */
    struct sk_row row; /* as it was when the search began */
    uint64_t lines;    /* still to be found */
    uint64_t at;       /* what is behind it has been looked at */
    bool finished;     /* `at` is the answer */
};

/* lines > 0. */
void sk_tail_init(struct sk_tail *tail, int dir, const struct sk_row *row, uint64_t lines);
/* Looks at the next MiB, until tail->finished. What was dropped in the meantime or cannot be read ends the
 * search as the beginning does. */
void sk_tail_step(struct sk_tail *tail);

/* The first kept byte that came at `since` or later; the end when there is none. */
uint64_t sk_since_find(int dir, const struct sk_row *row, struct sk_wall since);

#endif
