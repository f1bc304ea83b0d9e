/* journal_impl.h: what a journal is made of. Private to store/journal*.c. */
#ifndef SK_STORE_JOURNAL_IMPL_H
#define SK_STORE_JOURNAL_IMPL_H

#include "loop/work.h"
#include "store/journal_writer.h"

struct sk_journal {
    struct sk_loop *loop;
    int dir;
    size_t asking;     /* reads and searches under way */
    struct sk_row row; /* what readers are told of: the writer's, as it was after the last write */

    /* The one write under way; `writer` belongs to the pool's thread meanwhile. */
    struct sk_journal_writer writer;
    bool writing;
    struct sk_work work;
    struct sk_done worked;
    struct sk_done *done; /* the caller's */
    int pipe_fd;
    struct sk_wall at;
    struct sk_journal_filled filled, *out_filled;
};

#endif
