/* blob_writer.h: one blob on its way into containerd: what the calls of its owner (blob_writer.c) and the
 * messages of the write stream (blob_stream.c) share. For these two files alone. */
#ifndef SK_CONTAINERD_BLOB_WRITER_H
#define SK_CONTAINERD_BLOB_WRITER_H

#include "base/buf.h"
#include "drivers/containerd/content.h"

enum sk_ctd_writer_state {
    SK_CTD_WRITER_OPENING,
    SK_CTD_WRITER_PAUSING, /* until the next try to open */
    SK_CTD_WRITER_OPEN,
    SK_CTD_WRITER_COMMITTING,
    SK_CTD_WRITER_ABORTING,  /* throws away what was not right */
    SK_CTD_WRITER_LINGERING, /* closed by its owner, who wants it kept */
    SK_CTD_WRITER_OVER,
};

/* Heap. */
struct sk_ctd_writer {
    struct sk_blob_writer base;
    struct sk_ctd_content *content;
    struct sk_ctd_write *note;
    struct sk_stream_call *stream;
    enum sk_ctd_writer_state state;
    char *digest;
    int64_t size, sent; /* sent: where the next message goes; -1: nothing goes any more */
    struct sk_buf gathered;
    size_t from; /* of what was gathered, where the unsent begins */
    unsigned unanswered, tries;
    bool sending, cancelled;
    bool is_gone;         /* nothing is left to throw away: committed, or thrown away */
    bool is_orphan;       /* closed while it was being thrown away */
    struct sk_err err;    /* the first; SK_OK = none */
    struct sk_done *done; /* of the call under way; NULL = none */
    struct sk_blob_writer **out;
    struct sk_done aborted;
    struct sk_timer timer;
    struct sk_pulse_ear ear;
};

/* --- the messages (blob_stream.c) --------------------------------------------------- */

/* Opens the stream, now or when an earlier writer of the blob has let go of it in containerd; *out is set and
 * the call answered once containerd has said where to go on. */
void sk_ctd_blob_open(struct sk_ctd_writer *w);
/* Sends what may be sent, and answers a write when there is room again. */
void sk_ctd_blob_pump(struct sk_ctd_writer *w);
/* Whether another write may be taken at once. */
bool sk_ctd_blob_has_room(const struct sk_ctd_writer *w);
/* Brings what was gathered to containerd, lets go of the write there, and frees the writer. */
void sk_ctd_blob_linger(struct sk_ctd_writer *w);
/* Nothing comes of the stream any more. Harmless twice. */
void sk_ctd_blob_stop(struct sk_ctd_writer *w);

/* --- what they lead to (blob_writer.c) ----------------------------------------------- */

/* Notes the first failure. */
void sk_ctd_writer_fail(struct sk_ctd_writer *w, const struct sk_err *err);
/* Answers the call under way, if there is one; from a callback of the loop. */
void sk_ctd_writer_answer(struct sk_ctd_writer *w, const struct sk_err *err);
/* The same when the stream is over and w->err says why; one that never opened is freed. */
void sk_ctd_writer_answer_failure(struct sk_ctd_writer *w);
/* Makes containerd forget what was written, then answers w->err, or frees an orphan. */
void sk_ctd_writer_throw_away(struct sk_ctd_writer *w);
/* is_kept: what was written stays for another writer. Answers `done` (NULL = nobody); the client may be
 * closed from then on. */
void sk_ctd_writer_free(struct sk_ctd_writer *w, bool is_kept, struct sk_done *done,
                        const struct sk_err *err);

#endif
