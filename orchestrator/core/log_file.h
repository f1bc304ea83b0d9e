/* log_file.h: the journal of one sandbox, open while anybody uses it, and those
 * who are to be told of news.
 *
 * The main process's pump uses it while the process lives, readers while they
 * read; the first opens it, the last closes it. Readers that want the same
 * bytes at the same time share one read, so that many followers cost little
 * more than one. Threads: loop only. */
#ifndef SK_CORE_LOG_FILE_H
#define SK_CORE_LOG_FILE_H

#include "store/journal.h"

struct sk_node;
struct sk_sandbox;

struct sk_log_file {
    struct sk_journal *journal; /* NULL = not open */
    unsigned users;
    bool opening;
    struct sk_done opened;
    struct sk_list waiting; /* who waits for it to be opened */
    struct sk_list ears;    /* struct sk_log_ear */
    struct sk_list reads;   /* under way */
};

void sk_log_file_init(struct sk_log_file *file);

/* One user more; not if done answers with an error. Errors: those of the disk. */
void sk_log_file_open(struct sk_sandbox *sandbox, struct sk_done *done);
/* One user less; none of its calls may be under way. */
void sk_log_file_close(struct sk_sandbox *sandbox);

/* Who is told, within the call that brings it, that something has changed: bytes have come, or the state or
 * the process is another. */
struct sk_log_ear {
    struct sk_list link;
    void (*fn)(struct sk_log_ear *ear);
};
void sk_log_file_listen(struct sk_sandbox *sandbox, struct sk_log_ear *ear,
                        void (*fn)(struct sk_log_ear *ear));
/* Harmless if it does not listen. */
void sk_log_ear_close(struct sk_log_ear *ear);
void sk_log_file_tell(struct sk_sandbox *sandbox);

/* What a read gave; shared. */
struct sk_log_piece {
    unsigned refs;
    uint64_t offset;
    struct sk_journal_piece body;
};
void sk_log_piece_unref(struct sk_log_piece *piece); /* NULL is fine */

/* sk_journal_read, shared. *out_piece is set on success and failure and is the caller's. */
struct sk_log_read {
    struct sk_list link;
    struct sk_log_piece **out_piece;
    struct sk_done *done;
};
void sk_log_file_read(struct sk_sandbox *sandbox, uint64_t offset, struct sk_log_read *read,
                      struct sk_log_piece **out_piece, struct sk_done *done);

#endif
