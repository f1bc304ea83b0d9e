/* image_walk.h: one pass through an archive or a folder, by libarchive. */
#ifndef SK_CLI_IMAGE_WALK_H
#define SK_CLI_IMAGE_WALK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_walk;

/* What stands next. */
struct sk_walk_item {
    const char *name; /* without a leading "./"; borrowed until the next call */
    enum { SK_WALK_FILE, SK_WALK_SYMLINK, SK_WALK_HARDLINK, SK_WALK_OTHER } kind;
    const char *target; /* of links, as it is written; may be NULL */
    int64_t size;
};

/* fd: from its beginning, borrowed; -1: the folder. Errors: SK_DATA_LOSS. */
SK_MUST_CHECK enum sk_code sk_walk_open(int fd, const char *folder, struct sk_walk **out_walk,
                                        struct sk_err *err);
/* NULL is fine. */
void sk_walk_close(struct sk_walk *walk);
/* *out_more false: that was all. Errors: SK_DATA_LOSS. */
SK_MUST_CHECK enum sk_code sk_walk_next(struct sk_walk *walk, struct sk_walk_item *out_item, bool *out_more,
                                        struct sk_err *err);
/* The content of the file that sk_walk_next gave, piece by piece. Errors: SK_DATA_LOSS (holes; not as long as
 * it was said to be); those of on_bytes. */
SK_MUST_CHECK enum sk_code sk_walk_read(struct sk_walk *walk,
                                        enum sk_code (*on_bytes)(void *arg, const uint8_t *data, size_t len,
                                                                 struct sk_err *err),
                                        void *arg, struct sk_err *err);

#endif
