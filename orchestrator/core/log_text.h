/* log_text.h: from the bytes of a journal to what a reader gets: frames that
 * end between lines where they can and never inside a character, with the time
 * before each line if that was asked for.
 *
 * The time's length is always the same, so that the place of every byte
 * follows from the lines before it alone. Pure. */
#ifndef SK_CORE_LOG_TEXT_H
#define SK_CORE_LOG_TEXT_H

#include "store/journal.h"

#define SK_LOG_FRAME_MAX  ((size_t)64 * 1024)
#define SK_LOG_PREFIX_LEN 25 /* "2026-02-20T14:30:00.000Z " */

struct sk_log_text {
    bool timestamps;
    bool in_line;  /* the next byte goes on with a line that has been begun */
    uint64_t skip; /* bytes of what comes that the reader has already */
    uint64_t next; /* the byte of the journal that comes next */
};

/* Bytes that lie together, from `offset` on. */
struct sk_log_source {
    const uint8_t *data;
    size_t len;
    uint64_t offset;
    const struct sk_journal_mark *marks;
    size_t mark_count;
    bool more; /* the bytes behind are there, too: wait for the end of a line */
    bool last; /* nothing will ever follow: hold nothing back */
};

struct sk_log_frame {
    size_t len;
    struct sk_wall at; /* of its first line */
    uint8_t data[SK_LOG_FRAME_MAX];
};

/* Moves text->next through the source as far as one frame takes. What stays may be the beginning of a
 * character or (more) of a line; the frame stays empty when all was skipped, or that is all there is. */
void sk_log_text_render(struct sk_log_text *text, const struct sk_log_source *source,
                        struct sk_log_frame *frame);

#endif
